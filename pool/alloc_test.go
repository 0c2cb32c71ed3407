//go:build !race

package pool_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/pool"
)

// TestNoGrowthCalls is the other half of invariant 1: no call of the pool
// allocates.
func TestNoGrowthCalls(t *testing.T) {
	p := pool.New(pool.Config{Slots: 40, Stash: 2, StashSize: 64, Blocks: 8, BlockSize: 64, Nodes: 8, PerAddress: 3})
	s := p.Acquire()
	h := p.Handle(s)
	i := p.Index(s)
	other := p.Acquire()
	otherHandle := p.Handle(other)
	o := &p.Outputs
	bufs := make([][]byte, 4)
	data, page := text('d', 150), text('p', 5000)
	tick := uint32(1)
	expired := func(i int) { p.Deadlines.Clear(i) }
	must := func(ok bool) {
		if !ok {
			t.Helper()
			t.Fatal("the call that must not allocate has failed")
		}
	}
	for _, c := range []struct {
		name string
		f    func()
	}{
		{"Acquire, Release", func() { s := p.Acquire(); must(s != nil); p.Release(s) }},
		{"Leave, Signal to claim", func() {
			_, ok := p.Leave(s, pool.Park)
			out, _ := p.Signal(h, pool.Readable, pool.Claim)
			must(ok && out == pool.Claimed)
		}},
		{"Leave, Signal to enqueue, Push, Pop, Take", func() {
			p.Leave(s, pool.Stall)
			out, _ := p.Signal(h, pool.Writable, pool.Enqueue)
			p.Ready.Push(i)
			k, ok := p.Ready.Pop()
			must(out == pool.Claimed && ok && k == i && p.Take(s) == pool.Writable)
		}},
		{"Leave that fails, Noted", func() {
			p.Signal(h, pool.Kick, pool.Claim)
			sig, ok := p.Leave(s, pool.Park)
			must(!ok && sig == pool.Kick && p.Noted(s) == 0)
		}},
		{"Leave, Sweep, Move", func() {
			p.Leave(s, pool.Hold)
			back, ok := p.Sweep(h)
			p.Move(s, pool.Claim)
			must(ok && back == pool.Hold)
		}},
		{"lend and resume", func() {
			p.Leave(s, pool.AwaitRead)
			out, _ := p.Signal(h, pool.Readable, pool.Enqueue)
			must(out == pool.Resumed)
		}},
		{"stale Signal", func() {
			out, _ := p.Signal(pool.MakeHandle(i, 1000), pool.Readable, pool.Claim)
			must(out == pool.Stale)
		}},
		{"deadlines", func() {
			tick++
			p.Deadlines.Set(i, tick)
			sweep(p, tick, expired)
			must(p.Deadlines.Get(i) == pool.Never && p.Deadlines.Next() == pool.Never)
		}},
		{"Copy, Peek, Advance", func() {
			must(o.Copy(h, nil, data, 4) == nil && o.Peek(s, bufs) == 3 && o.Advance(s, len(data)))
		}},
		{"Get, Append to two, Put, Clear", func() {
			b, err := o.Get()
			must(err == nil && o.Append(h, o.Bytes(b), b, false, 0) == nil && o.Append(otherHandle, o.Bytes(b), b, false, 0) == nil)
			o.Put(b)
			o.Clear(s)
			must(o.Peek(other, bufs) == 1 && o.Advance(other, 64))
		}},
		{"Keep, DropOldest", func() {
			must(o.Keep(s, data[:10], page, true, true))
			must(o.Copy(h, nil, data, 0) == nil && o.DropOldest(h))
			o.Clear(s)
		}},
		{"Hold, Copy of two parts, CopyLast", func() {
			must(!o.Hold(s, true) && o.Copy(h, data[:5], data[5:10], 0) == nil && o.Peek(s, bufs) == 0)
			must(o.Keep(s, data[:10], nil, false, false) && o.Peek(s, bufs) == 1 && o.Hold(s, false))
			n, err := o.CopyLast(h, data[:5], nil, true)
			must(n == 1 && err == nil && o.Sealed(h) && o.Copy(h, nil, data, 0) == pool.ErrSealed)
			o.Seal(s)
			o.Clear(s)
			must(p.View(i).State == pool.Served)
		}},
		{"errors", func() {
			must(o.Copy(h, nil, page, 0) == pool.ErrFull && o.Copy(0, nil, page, 0) == pool.ErrStale && pool.ErrFull.Error() != "")
		}},
		{"stash", func() {
			tick++
			must(p.Stash.Get(p, s, tick) != nil)
			p.Stash.Prompt(s, tick)
			p.Leave(s, pool.Park)
			must(p.Stash.Victim(p) == s)
			p.Stash.Drop(s)
			p.Move(s, pool.Claim)
		}},
		{"addresses", func() {
			must(p.Addresses.Add(s, pool.AddressKey([16]byte{1})))
			p.Addresses.Remove(s)
		}},
		{"Evict", func() {
			s.Idle(tick)
			p.Leave(s, pool.Park)
			must(p.Evict() == s)
			p.Move(s, pool.Claim)
		}},
		{"readings", func() {
			st, h2 := p.StateAt(i)
			b, n := o.Used()
			must(st == pool.Served && h2 == h && b == 0 && n == 0 && p.Open() == 2 && p.Stash.Used() == 0 && p.Ready.Len() == 0)
		}},
	} {
		if s.State() == pool.Swept {
			p.Move(s, pool.Claim)
		}
		alloctest.Zero(t, c.name, c.f)
	}
}
