package coapudp

import "math/rand/v2"

// Which requests have come, and what they were answered (RFC 7252 section
// 4.5). There is a ring of entries, the oldest of which gives way, and a ring of
// bytes for the answers, which does the same; each request is found by its
// endpoint and message ID. That the rings are shorter than the space of message
// IDs keeps a peer that is so fast that it uses its IDs again too early from
// being answered what it was long ago.

type progress uint8

const (
	progressNone     progress = iota
	progressWorking           // a handler has it: a duplicate gets nothing
	progressAcked             // a duplicate gets an empty acknowledgement
	progressAnswered          // a duplicate gets the answer that was kept
	progressSilent            // a duplicate gets nothing, ever
)

// exchange is what is remembered of a request.
type exchange struct {
	at     int64  // when it came
	pos    uint64 // of its answer, counted from the first byte that was kept
	n      int32  // bytes of its answer
	ep     int32
	gen    uint32
	chain  int32  // next of the bucket
	serial uint32 // rises when the place is given to another
	mid    uint16
	state  progress
}

type window struct {
	list    []exchange
	at      int // the next to be used, the oldest
	buckets []int32
	odd     uint64 // keeps peers from knowing the buckets
	kept    []byte
	end     uint64 // bytes that were ever kept
}

func newWindow(n, kept int) window {
	w := window{list: make([]exchange, n), buckets: make([]int32, tableSize(n)), odd: rand.Uint64() | 1, kept: make([]byte, kept)}
	for i := range w.buckets {
		w.buckets[i] = none
	}
	return w
}

func (w *window) bucket(ep int32, mid uint16) *int32 {
	h := (uint64(ep)<<16 | uint64(mid)) * w.odd
	return &w.buckets[(h>>32)&uint64(len(w.buckets)-1)]
}

// find is the exchange of a message ID that came after since, none if there is
// none.
func (w *window) find(ep int32, gen uint32, mid uint16, since int64) int32 {
	i := *w.bucket(ep, mid)
	for i != none {
		x := &w.list[i]
		if x.mid == mid && x.ep == ep && x.gen == gen && x.at > since {
			break
		}
		i = x.chain
	}
	return i
}

// add remembers a request that is being worked on, in the place of the oldest
// that is not.
func (w *window) add(ep int32, gen uint32, mid uint16, now int64) int32 {
	for range w.list {
		if w.list[w.at].state != progressWorking {
			break
		}
		w.at = (w.at + 1) % len(w.list)
	}
	i := int32(w.at)
	w.at = (w.at + 1) % len(w.list)
	x := &w.list[i]
	w.unlink(i)
	b := w.bucket(ep, mid)
	*x = exchange{at: now, ep: ep, gen: gen, chain: *b, serial: x.serial + 1, mid: mid, state: progressWorking}
	*b = i
	return i
}

// unlink takes an exchange out of its bucket.
func (w *window) unlink(i int32) {
	x := &w.list[i]
	if x.state == progressNone {
		return
	}
	at := w.bucket(x.ep, x.mid)
	for *at != i {
		at = &w.list[*at].chain
	}
	*at = x.chain
	x.state = progressNone
}

// keep keeps the answer of an exchange, if it fits at all.
func (w *window) keep(i int32, answer []byte) {
	x := &w.list[i]
	x.state = progressAnswered
	x.n = 0
	size := uint64(len(w.kept))
	if uint64(len(answer)) > size {
		return
	}
	if rest := size - w.end%size; rest < uint64(len(answer)) {
		w.end += rest // an answer lies in one piece
	}
	x.pos, x.n = w.end, int32(len(answer))
	copy(w.kept[w.end%size:], answer)
	w.end += uint64(len(answer))
}

// answer is what keep was given, nil if it has had to give way.
func (w *window) answer(i int32) []byte {
	x := &w.list[i]
	size := uint64(len(w.kept))
	if x.n == 0 || w.end > x.pos+size {
		return nil
	}
	return w.kept[x.pos%size:][:x.n]
}
