package deflate_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/ws/deflate"
	"github.com/bobtail-go/bobtail/wsconn"
)

func extension(t testing.TB, c deflate.Config) *deflate.Extension {
	t.Helper()
	e, err := deflate.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pieces gives b in reads of at most step bytes, and its end with the last of
// them or alone.
type pieces struct {
	b    []byte
	step int
	with bool
	err  error // instead of io.EOF
}

func (r *pieces) Read(p []byte) (int, error) {
	end := r.err
	if end == nil {
		end = io.EOF
	}
	if len(r.b) == 0 {
		return 0, end
	}
	n := copy(p[:min(len(p), r.step)], r.b)
	r.b = r.b[n:]
	if r.with && len(r.b) == 0 {
		return n, end
	}
	return n, nil
}

// readAll reads a message by reads of at most step bytes.
func readAll(c wsconn.Codec, step int) ([]byte, error) {
	var all []byte
	p := make([]byte, step)
	for range 1 << 24 {
		n, err := c.Read(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if n == 0 {
			return all, errors.New("nothing read, and no error")
		}
	}
	return all, errors.New("no end")
}

// inflate inflates one message.
func inflate(c wsconn.Codec, payload []byte) ([]byte, error) {
	c.Decompress(&pieces{b: payload, step: 1 << 20})
	return readAll(c, 4096)
}

// compress compresses a message given in pieces of at most step bytes.
func compress(t testing.TB, c wsconn.Codec, b []byte, step int) []byte {
	t.Helper()
	var out bytes.Buffer
	for {
		n := min(step, len(b))
		if err := c.Compress(&out, b[:n], n == len(b)); err != nil {
			t.Fatalf("Compress: %v", err)
		}
		if b = b[n:]; len(b) == 0 {
			return out.Bytes()
		}
	}
}

// connection is a codec bound as for a connection.
func connection(e *deflate.Extension, role ws.Role, p wsconn.Params) wsconn.Codec {
	if e.Stateful(role, p) {
		return e.Take(role, p)
	}
	c := e.Codec()
	c.Bind(role, p)
	return c
}

// text is n bytes of something like JSON, which seldom repeats itself at the
// same distance.
func text(r *rand.Rand, n int) []byte {
	words := []string{`{"id":`, `"name":"`, `"value":`, `true,`, `false,`, "websocket", "bobtail", `",`, "],[", "}\n"}
	b := make([]byte, 0, n+10)
	for len(b) < n {
		b = append(b, words[r.IntN(len(words))]...)
		if r.IntN(3) == 0 {
			b = append(b, byte('0'+r.IntN(10)), byte('0'+r.IntN(10)))
		}
	}
	return b[:n]
}

// noise is n bytes that cannot be compressed.
func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}
