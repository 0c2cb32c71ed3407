package pool

import "sync"

// Stash is the store for what slow senders have sent so far: the part of a
// head that must be kept, a short body, requests behind one that cannot be
// answered yet. It has a fixed number of blocks. When they are all taken, the
// sender that has stalled longest pays with its connection, never a prompt
// one: see Victim.
type Stash struct {
	mu      sync.Mutex
	size    int
	bytes   []byte
	entries []stashEntry
	free    int32 // first free entry, linked through slot
	used    int
}

type stashEntry struct {
	slot   int32 // the owner's index, or the next free entry
	since  uint32
	handle Handle // 0 if the entry is free
}

func (t *Stash) init(n, size int) {
	t.size = size
	t.bytes = make([]byte, n*size)
	t.entries = make([]stashEntry, n)
	for i := range t.entries {
		t.entries[i].slot = int32(i + 1)
	}
	t.entries[n-1].slot = -1
}

// Size is the size of a block in bytes.
func (t *Stash) Size() int { return t.size }

// Used is the number of blocks that are taken.
func (t *Stash) Used() int {
	t.mu.Lock()
	n := t.used
	t.mu.Unlock()
	return n
}

// Get gives the slot, which the caller owns, a block, or the one that it has
// already. It counts as stalled since tick now. It returns nil if no block is
// free.
func (t *Stash) Get(p *Pool, s *Slot, now uint32) []byte {
	if s.stash != 0 {
		return t.Block(s)
	}
	t.mu.Lock()
	b := t.getLocked(p, s, now)
	t.mu.Unlock()
	return b
}

// getLocked is Get under the lock.
func (t *Stash) getLocked(p *Pool, s *Slot, now uint32) []byte {
	i := t.free
	if i < 0 {
		return nil
	}
	h := p.Handle(s)
	t.free = t.entries[i].slot
	t.entries[i] = stashEntry{slot: int32(h.Index()), since: now, handle: h}
	t.used++
	s.stash = uint16(i + 1)
	return t.Block(s)
}

// Block is the block of a slot that has one, whole.
func (t *Stash) Block(s *Slot) []byte {
	i := int(s.stash) - 1
	return t.bytes[i*t.size : (i+1)*t.size : (i+1)*t.size]
}

// Prompt says that the slot's sender has made good progress: it counts as
// stalled only since now.
func (t *Stash) Prompt(s *Slot, now uint32) {
	if s.stash == 0 {
		return
	}
	t.mu.Lock()
	t.entries[s.stash-1].since = now
	t.mu.Unlock()
}

// Drop gives the slot's block back, if it has one.
func (t *Stash) Drop(s *Slot) {
	if s.stash == 0 {
		return
	}
	i := int32(s.stash) - 1
	s.stash = 0
	t.mu.Lock()
	t.entries[i] = stashEntry{slot: t.free}
	t.free = i
	t.used--
	t.mu.Unlock()
}

// Victim sweeps the slot that has stalled longest among those that have a
// block and wait for their peer, and returns it; the caller owes it an end.
// It returns nil if there is none: all blocks are with workers, or with
// requests that wait for one.
func (t *Stash) Victim(p *Pool) *Slot {
	t.mu.Lock()
	s := t.victimLocked(p)
	t.mu.Unlock()
	return s
}

// victimLocked is Victim under the lock.
func (t *Stash) victimLocked(p *Pool) *Slot {
	tried := -1 // entries up to this one, in order of age, are not to be had
	for {
		best := -1
		for i := range t.entries {
			e := &t.entries[i]
			if e.handle == 0 || tried >= 0 && !t.younger(i, tried) {
				continue
			}
			if best < 0 || t.younger(best, i) {
				best = i
			}
		}
		if best < 0 {
			return nil
		}
		e := &t.entries[best]
		if st, h := p.StateAt(int(e.slot)); h == e.handle && (st == Parked || st == Blocked) {
			if back, ok := p.Sweep(h); ok {
				s := p.Slot(int(e.slot))
				if back == Park || back == Stall {
					return s
				}
				p.putBack(s, back) // it has become a request that is held
			}
		}
		tried = best
	}
}

// younger orders entries by the time since when they stall, and then by
// number.
func (t *Stash) younger(i, j int) bool {
	a, b := t.entries[i].since, t.entries[j].since
	return before(b, a) || a == b && i > j
}
