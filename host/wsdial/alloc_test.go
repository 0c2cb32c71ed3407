//go:build !race

package wsdial_test

import (
	"io"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/ws"
)

// TestNoAllocs exchanges messages with an echo, which allocates nothing either.
func TestNoAllocs(t *testing.T) {
	c := dial(t, serve(t, echo), wsdial.Config{})
	for _, n := range []int{0, 100, 10_000} {
		p := []byte(strings.Repeat("0", n))
		alloctest.Zero(t, "a message", func() {
			if err := c.WriteMessage(ws.OpText, p); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Receive(); err != nil || len(got) != n {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		})
		alloctest.Zero(t, "a message in pieces", func() {
			w, err := c.Begin(ws.OpBinary)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(p); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Next(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.Copy(io.Discard, c); err != nil || got != int64(n) {
				t.Fatalf("%d bytes, %v", got, err)
			}
		})
	}
	stream := wsdial.NetConn(c, ws.OpBinary)
	b := make([]byte, 100)
	alloctest.Zero(t, "a stream", func() {
		if _, err := stream.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stream, b); err != nil {
			t.Fatal(err)
		}
	})
}
