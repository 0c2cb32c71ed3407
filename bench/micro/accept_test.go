package micro

import (
	"crypto/sha1"
	"encoding/base64"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

// accepts are answers to the key of a handshake (RFC 6455 section 4.2.2). ws
// has a SHA-1 of its own, since crypto/sha1 brings the operating system along.
func accepts(testing.TB) []comparison {
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	out := make([]byte, 0, ws.AcceptSize)
	buf := make([]byte, 0, 64)
	by := func(name string, do func()) side {
		return side{by: name, loop: func(n int) error {
			for range n {
				do()
			}
			return nil
		}, gave: func() (string, error) { return string(out), nil }}
	}
	k := []byte(key)
	return []comparison{{"key=24", len(key), []side{
		by("bobtail", func() { out = ws.AppendAccept(out[:0], k) }),
		by("crypto", func() {
			buf = append(append(buf[:0], k...), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...)
			sum := sha1.Sum(buf)
			out = base64.StdEncoding.AppendEncode(out[:0], sum[:])
		}),
	}}}
}

func TestAccepts(t *testing.T)      { same(t, accepts(t)) }
func BenchmarkAccepts(b *testing.B) { measure(b, accepts(b)) }
