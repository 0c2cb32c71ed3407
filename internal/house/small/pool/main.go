// Pool takes a pool through the life of some connections, for TinyGo to
// compile: see the tests of the folder above.
package main

import (
	"github.com/bobtail-go/bobtail/internal/house/small/heap"
	"github.com/bobtail-go/bobtail/pool"
)

// machine is a protocol's state in a slot.
type machine struct{ at uint32 }

var (
	page = []byte("a page of the program's own")
	bufs [2][]byte
)

func main() {
	p := pool.New(pool.Config{Slots: 4, Stash: 1, StashSize: 64, Blocks: 2, BlockSize: 64, Nodes: 4, PerAddress: 2})
	heap.Seal()
	key := pool.AddressKey([16]byte{15: 1})
	for round := range uint32(1000) {
		now := 10 * (round + 1)
		s := p.Acquire()
		h := p.Handle(s)
		must(p.Addresses.Add(s, key), "address")
		p.Deadlines.Set(p.Index(s), now)
		pool.StateOf[machine](s).at++
		leave(p, s, pool.Park)

		// A request in two pieces: the first is stashed.
		outcome, _ := p.Signal(h, pool.Readable, pool.Enqueue)
		must(outcome == pool.Claimed, "enqueue")
		p.Ready.Push(h.Index())
		i, ok := p.Ready.Pop()
		must(ok && p.Take(p.Slot(i)) == pool.Readable, "take")
		must(len(p.Stash.Get(p, s, now)) == 64, "stash")
		p.Stash.Prompt(s, now+1)
		leave(p, s, pool.Park)
		outcome, _ = p.Signal(h, pool.Readable, pool.Claim)
		must(outcome == pool.Claimed && p.Noted(s) == 0, "claim")
		p.Stash.Drop(s)

		// An answer of two pieces, which the peer takes slowly.
		block, err := p.Outputs.Get()
		check(err)
		n := copy(p.Outputs.Bytes(block), "head")
		check(p.Outputs.Append(h, p.Outputs.Bytes(block)[:n], block, true, 0))
		check(p.Outputs.Append(h, page, pool.NoBlock, false, 0))
		p.Outputs.Put(block)
		must(p.Outputs.Peek(s, bufs[:]) == 2, "peek")
		must(!p.Outputs.Advance(s, 2), "advance")
		leave(p, s, pool.Stall)
		outcome, _ = p.Signal(h, pool.Writable, pool.Claim)
		must(outcome == pool.Claimed, "writable")
		must(p.Outputs.Advance(s, n-2+len(page)) && p.Outputs.Len(s) == 0, "advance")

		// Idle, and evicted: by age, or as the longest stalled.
		s.Idle(now)
		check(p.Outputs.Append(h, page, pool.NoBlock, false, 1))
		must(p.Outputs.DropOldest(h), "drop")
		if round%2 == 0 {
			leave(p, s, pool.Park)
			must(p.Evict() == s, "evict")
		} else {
			p.Stash.Get(p, s, now)
			leave(p, s, pool.Park)
			must(p.Stash.Victim(p) == s, "victim")
		}
		p.Release(s)
		p.Deadlines.Sweep(now+1, expired)
		_, ok = p.Sweep(h)
		must(!ok && p.Outputs.Append(h, page, pool.NoBlock, false, 0) == pool.ErrStale, "stale")
	}
	blocks, nodes := p.Outputs.Used()
	must(p.Open() == 0 && blocks == 0 && nodes == 0 && p.Stash.Used() == 0, "all given back")
	println("ok")
}

func expired(int) {}

func leave(p *pool.Pool, s *pool.Slot, e pool.Event) {
	_, ok := p.Leave(s, e)
	must(ok, e.String())
}

func check(err error) {
	if err != nil {
		must(false, err.Error())
	}
}

func must(ok bool, what string) {
	if !ok {
		println("not so:", what)
		panic("pool")
	}
}
