package secure_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// A writer makes the records of a client by hand, such as crypto/tls would
// never send.
type writer struct {
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// handmade completes a handshake on c and gives what goes on where it ended.
func handmade(t *testing.T, c net.Conn) *writer {
	t.Helper()
	var log bytes.Buffer
	config := clientConfig()
	config.KeyLogWriter = &log
	client := tls.Client(c, config)
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if client.ConnectionState().CipherSuite != tls.TLS_AES_128_GCM_SHA256 {
		t.Skip("another cipher is preferred here")
	}
	for line := range strings.Lines(log.String()) {
		if f := strings.Fields(line); f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(f[2])
			if err != nil {
				t.Fatal(err)
			}
			w := new(writer)
			w.rekey(t, secret)
			return w
		}
	}
	t.Fatal("no secret")
	return nil
}

// expand is HKDF-Expand-Label (RFC 8446 section 7.1).
func expand(t *testing.T, secret []byte, label string, n int) []byte {
	label = "tls13 " + label
	b, err := hkdf.Expand(sha256.New, secret, string(rune(0))+string(rune(n))+string(rune(len(label)))+label+"\x00", n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *writer) rekey(t *testing.T, secret []byte) {
	w.secret, w.seq = secret, 0
	w.iv = expand(t, secret, "iv", 12)
	k, err := aes.NewCipher(expand(t, secret, "key", 16))
	if err == nil {
		w.aead, err = cipher.NewGCM(k)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// record appends a record with content, its type, and zeros (section 5.2).
func (w *writer) record(dst []byte, kind byte, content string, zeros int) []byte {
	n := len(content) + 1 + zeros + w.aead.Overhead()
	head := append(dst, 23, 3, 3, byte(n>>8), byte(n))[len(dst):]
	nonce := bytes.Clone(w.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^w.seq)
	w.seq++
	plain := append(append([]byte(content), kind), make([]byte, zeros)...)
	return w.aead.Seal(append(dst, head...), nonce, plain, head)
}

// keyUpdate appends a KeyUpdate (section 4.6.3), which asks for none.
func (w *writer) keyUpdate(t *testing.T, dst []byte) []byte {
	dst = w.record(dst, 22, "\x18\x00\x00\x01\x00", 0)
	w.rekey(t, expand(t, w.secret, "traffic upd", 32))
	return dst
}

const (
	handshakeType = 22
	contentType   = 23
)

const flooding = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

func TestFloods(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer bool
		flood  func(t *testing.T, w *writer) []byte
	}{
		{"nothing else", true, func(*testing.T, *writer) []byte { return nil }},
		{"some KeyUpdates", true, func(t *testing.T, w *writer) (b []byte) {
			for range 10 {
				b = w.keyUpdate(t, b)
			}
			return b
		}},
		{"KeyUpdates without end", false, func(t *testing.T, w *writer) (b []byte) {
			for range 5000 {
				b = w.keyUpdate(t, b)
			}
			return b
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			overEach(t, bobtail.Config{}, secure.Config{}, func(t *testing.T, s *site) {
				c := s.dial()
				w := handmade(t, c)
				b := test.flood(t, w)
				b = w.record(b, contentType, flooding, 0)
				c.Write(b) // which fails when the server has gone
				got, _ := io.ReadAll(c)
				// What is encrypted is longer than any alert.
				if answered := len(got) > 100; answered != test.answer {
					t.Errorf("answered: %v, want %v", answered, test.answer)
				}
			})
		})
	}
}
