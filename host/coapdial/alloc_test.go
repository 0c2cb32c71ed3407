//go:build !race

package coapdial_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/host/coapdial"
	"github.com/bobtail-go/bobtail/internal/alloctest"
)

// TestFewAllocs bounds what a call costs: the answer, which is the caller's, and
// little more; but no buffer of the size of a message.
func TestFewAllocs(t *testing.T) {
	s := newSite(t)
	c := dial(t, serveDriver(t, s), coapdial.Config{})
	ctx := t.Context()
	const most = 1000
	if n := alloctest.Bytes(func() {
		if resp, err := c.Get(ctx, "/hello/you"); err != nil || string(resp.Body) != "hello you" {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("a GET allocates %d bytes, want %d at most", n, most)
	} else {
		t.Logf("a GET allocates %d bytes", n)
	}
}
