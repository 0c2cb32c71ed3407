package pool_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/pool"
)

// modelled is what a model of a queue knows of a message: what is left of it, and
// whether some of it was shown, or it is the owner's.
type modelled struct {
	left  []byte
	begun bool
}

// TestMarksModel compares queues that are held, sealed and dropped from with a
// list of messages.
func TestMarksModel(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		p, hs := withOutputs(1, 24, 40)
		o, s, h := &p.Outputs, p.Slot(0), hs[0]
		var q []modelled
		held, sealed := false, false
		next := 0
		fresh := func() []byte {
			b := make([]byte, 1+r.IntN(150))
			for i := range b {
				b[i] = byte(next)
				next++
			}
			return b
		}
		shownTo := func() []byte { // what may be sent now
			var b []byte
			for _, m := range q {
				if held && !m.begun {
					break
				}
				b = append(b, m.left...)
			}
			return b
		}
		drop := func(most int) (n int) {
			for i := 0; i < len(q) && n < most; {
				if q[i].begun {
					i++
					continue
				}
				q = append(q[:i:i], q[i+1:]...)
				n++
			}
			return n
		}
		for step := range 300 {
			switch op := r.IntN(16); op {
			case 0, 1, 2, 3:
				b := fresh()
				cut := r.IntN(len(b) + 1)
				err := o.Copy(h, b[:cut], b[cut:], 0)
				if sealed != (err == pool.ErrSealed) {
					t.Fatalf("seed %d, step %d: Copy: %v", seed, step, err)
				}
				if err == nil {
					q = append(q, modelled{b, false})
				}
			case 4, 5, 6:
				b := fresh()
				cut := r.IntN(len(b) + 1)
				ahead := len(q) > 0 && !q[0].begun && r.IntN(2) == 0
				if !o.Keep(s, b[:cut], b[cut:], r.IntN(2) == 0, ahead) {
					break
				}
				at := len(q)
				if held {
					for at = 0; at < len(q) && q[at].begun; at++ {
					}
				} else if ahead {
					at = 0
				}
				q = append(q[:at:at], append([]modelled{{b, true}}, q[at:]...)...)
			case 7, 8:
				on := r.IntN(2) == 0
				got := o.Hold(s, on)
				if on && !held {
					last := -1
					for i := range q {
						if q[i].begun {
							last = i
						}
					}
					for i := range last + 1 {
						q[i].begun = true
					}
				}
				held = on
				if want := len(shownTo()) > 0; got != want {
					t.Fatalf("seed %d, step %d: Hold(%v) is %v", seed, step, on, got)
				}
			case 9:
				if got, want := o.DropOldest(h), drop(1) == 1; got != want {
					t.Fatalf("seed %d, step %d: DropOldest is %v", seed, step, got)
				}
			case 10:
				if r.IntN(8) > 0 {
					break
				}
				b, all := fresh(), r.IntN(2) == 0
				n, err := o.CopyLast(h, b[:len(b)/2], b[len(b)/2:], all)
				if sealed {
					if err != pool.ErrSealed {
						t.Fatalf("seed %d, step %d: CopyLast: %v", seed, step, err)
					}
					break
				}
				if want := 0; all {
					if want = drop(1000); n != want {
						t.Fatalf("seed %d, step %d: CopyLast drops %d, want %d", seed, step, n, want)
					}
				} else if n != 0 {
					t.Fatalf("seed %d, step %d: CopyLast drops %d", seed, step, n)
				}
				if err == nil {
					q, sealed = append(q, modelled{b, false}), true
				}
			default:
				bufs := make([][]byte, 1+r.IntN(5))
				k := o.Peek(s, bufs)
				got, want := bytes.Join(bufs[:k], nil), shownTo()
				if !bytes.HasPrefix(want, got) || k == 0 && len(want) > 0 || k < len(bufs) && len(got) != len(want) {
					t.Fatalf("seed %d, step %d: Peek shows %d of %d bytes, held %v", seed, step, len(got), len(want), held)
				}
				for i, n := 0, len(got); n > 0; i++ {
					q[i].begun = true
					n -= min(n, len(q[i].left))
				}
				n := 0
				if len(got) > 0 {
					n = r.IntN(len(got) + 1)
				}
				empty := o.Advance(s, n)
				for n > 0 {
					k := min(n, len(q[0].left))
					q[0].left = q[0].left[k:]
					if n -= k; len(q[0].left) == 0 {
						q = q[1:]
					}
				}
				if empty != (len(q) == 0) {
					t.Fatalf("seed %d, step %d: Advance says %v with %d messages left", seed, step, empty, len(q))
				}
			}
		}
		o.Hold(s, false)
		held = false
		if got, want := sendAll(p, s, 3, 50), shownTo(); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: at the end %d bytes are sent, want %d", seed, len(got), len(want))
		}
		if b, n := o.Used(); b != 0 || n != 0 {
			t.Fatalf("seed %d: %d blocks, %d nodes are used", seed, b, n)
		}
	}
}
