package pool_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// TestPeek looks at signals without taking them.
func TestPeek(t *testing.T) {
	p := small(1)
	s := p.Acquire()
	if got := p.Peek(s); got != 0 {
		t.Errorf("Peek of a new slot: %b", got)
	}
	p.Add(s, pool.Hangup|pool.Output)
	for range 2 {
		if got := p.Peek(s); got != pool.Hangup|pool.Output {
			t.Errorf("Peek: %b", got)
		}
	}
	if got := p.Noted(s); got != pool.Hangup|pool.Output {
		t.Errorf("Noted after Peek: %b", got)
	}
}
