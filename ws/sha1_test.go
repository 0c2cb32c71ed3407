package ws_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
)

func checkHash(t *testing.T, b []byte) {
	t.Helper()
	if got, want := ws.SHA1(b), sha1.Sum(b); got != want {
		t.Fatalf("the hash of %q is %x, want %x", b, got, want)
	}
	want := base64.StdEncoding.EncodeToString(b)
	got := make([]byte, len(want))
	if ws.EncodeBase64(got, b); string(got) != want {
		t.Fatalf("the base64 of %q is %q, want %q", b, got, want)
	}
}

func TestHashOfEveryLength(t *testing.T) {
	for n := range 200 {
		checkHash(t, bytes.Repeat([]byte{byte(n * 37)}, n))
	}
	checkHash(t, []byte("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) // RFC 3174 section 7.3
}

// FuzzHash holds SHA-1 and base64, and what is a key, to the standard library.
func FuzzHash(f *testing.F) {
	f.Add([]byte(rfcKey))
	f.Add([]byte("dGhlIHNhbXBsZSBub25jZR=="))
	f.Add([]byte("dGhlIHNhbXBsZSBub25jZQ=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkHash(t, b)
		nonce, err := base64.StdEncoding.DecodeString(string(b))
		if bytes.ContainsAny(b, "\r\n") {
			err = base64.CorruptInputError(0) // the standard library skips them
		}
		if want := err == nil && len(nonce) == 16; ws.IsKey(b) != want {
			t.Fatalf("%q is a key: %v", b, !want)
		}
	})
}
