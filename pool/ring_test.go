package pool_test

import (
	"math/rand/v2"
	"testing"
)

func TestRingModel(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 0))
		p := small(5)
		var model []int
		waits := map[int]bool{}
		for range 1000 {
			if i := rng.IntN(5); rng.IntN(2) == 0 && !waits[i] {
				p.Ready.Push(i)
				model = append(model, i)
				waits[i] = true
			} else if i, ok := p.Ready.Pop(); ok != (len(model) > 0) || ok && i != model[0] {
				t.Fatalf("seed %d: Pop() = %d, %v, want the first of %v", seed, i, ok, model)
			} else if ok {
				model = model[1:]
				delete(waits, i)
			}
			if p.Ready.Len() != len(model) {
				t.Fatalf("seed %d: Len() = %d, want %d", seed, p.Ready.Len(), len(model))
			}
		}
	}
}

func TestRingHoldsASlotOnce(t *testing.T) {
	p := small(2)
	p.Ready.Push(0)
	p.Ready.Push(1)
	if panics(func() { p.Ready.Push(0) }) == nil {
		t.Error("a third of two slots is pushed")
	}
	if i, ok := p.Ready.Pop(); !ok || i != 0 || p.Ready.Len() != 1 {
		t.Errorf("after a push that panicked: Pop() = %d, %v, %d left", i, ok, p.Ready.Len())
	}
}
