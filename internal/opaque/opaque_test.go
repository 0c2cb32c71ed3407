package opaque

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
)

type counter struct{ n int }

type adder interface{ add() int }

type entry struct{ Pointer[counter] }

func (e entry) add() int { e.Get().n++; return e.Get().n }

var sink adder

func TestPointer(t *testing.T) {
	c := new(counter)
	alloctest.Zero(t, "an entry in an interface", func() { sink = entry{To(c)} })
	c.n = 0
	if got := sink.add(); got != 1 || c.n != 1 {
		t.Errorf("added %d, to %d", got, c.n)
	}
	if a, b := To(c), To(c); a != b || a == To(new(counter)) {
		t.Error("Pointers are not compared by what they point to")
	}
}
