//go:build !race

package json_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/json"
)

// drop is an io.Writer of one word, which costs nothing as an interface.
type drop struct{ n *int }

func (d drop) Write(p []byte) (int, error) {
	*d.n += len(p)
	return len(p), nil
}

func TestNoAllocs(t *testing.T) {
	buf := make([]byte, 0, 1024)
	p := []byte("tentacle\xFF")
	raw := []byte(`{"a":[1,2]}`)
	text := func(w *json.Writer) {
		w.Object()
		w.Name("string")
		w.String("a<b>\u2028\n")
		w.Name("bytes")
		w.StringBytes(p)
		w.Name("array")
		w.Array()
		w.Int(-1)
		w.Uint(1)
		w.Float(1.0 / 3)
		w.Float(5e-324)
		w.Float(1e300)
		w.Bool(true)
		w.Null()
		w.Raw(raw)
		w.Base64(p)
		w.EndArray()
		w.EndObject()
	}
	alloctest.Zero(t, "into memory", func() {
		var w json.Writer
		w.Reset(buf, nil)
		text(&w)
		if b, err := w.Bytes(); err != nil || len(b) < 50 {
			t.Fatal(err)
		}
	})
	n := 0
	d := drop{&n}
	alloctest.Zero(t, "into an io.Writer", func() {
		var w json.Writer
		w.Reset(buf[:0:json.MinBuffer], d)
		text(&w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if n == 0 {
		t.Error("nothing was written")
	}
}
