package pool_test

import (
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/pool"
)

// A slot is one line of the processor's cache, on 32 bits too: this does not
// compile otherwise, so that a vet for another processor is a test.
var _ = [1]struct{}{}[unsafe.Sizeof(pool.Slot{})-64]

type fits struct {
	a, b uint64
	c    [8]byte
}

type tooLarge [25]byte

func TestFits(t *testing.T) {
	if !pool.Fits[fits]() || !pool.Fits[struct{}]() || pool.Fits[tooLarge]() {
		t.Error("Fits is wrong")
	}
}

func TestSlotsAreAligned(t *testing.T) {
	p := small(9)
	for i := range p.Size() {
		s := p.Slot(i)
		if a := uintptr(unsafe.Pointer(s)); a%8 != 0 {
			t.Errorf("slot %d is at %#x: its word cannot be swapped on every processor", i, a)
		}
		if p.Index(s) != i {
			t.Errorf("Index(Slot(%d)) = %d", i, p.Index(s))
		}
	}
}

// TestStateOf wants the protocol's state to lie in the slot, nowhere else, and
// not to touch what is beside it.
func TestStateOf(t *testing.T) {
	p := small(2)
	s := p.Acquire()
	s.SetStream(-7)
	s.Phase, s.Flags = 5, 6
	st := pool.StateOf[fits](s)
	*st = fits{^uint64(0), ^uint64(0), [8]byte{255, 255, 255, 255, 255, 255, 255, 255}}
	if s.Stream() != -7 || s.Phase != 5 || s.Flags != 6 || s.Address() != 0 || s.State() != pool.Swept {
		t.Error("a protocol's state runs into its neighbours")
	}
	if pool.StateOf[fits](s).a != ^uint64(0) {
		t.Error("a protocol's state is forgotten")
	}
	s.ClearState()
	if *st != (fits{}) {
		t.Errorf("after ClearState it is %v", *st)
	}
}

func TestIdle(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	for _, k := range []uint32{7, 7, 9, pool.Never} {
		s.Idle(k)
		if s.Since() != k {
			t.Errorf("idle since %d, want %d", s.Since(), k)
		}
	}
}
