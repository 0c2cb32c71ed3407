package coapudp

import (
	"hash/maphash"
	"math/bits"
	"net/netip"
)

// The table of endpoints. An endpoint is found by its address, through chains
// from buckets; those that are idle are in one of three lists, from the head of
// the first of which that is not empty one is taken when there is no other
// room. Nothing here allocates after newEndpoints.

// none is the index of nothing.
const none = -1

// rank is how much an endpoint is worth keeping: the number of its list.
type rank int8

const (
	rankUnseen   rank = iota // its address may be forged
	rankSeen                 // it has shown that it gets what we send
	rankObserver             // it waits for notifications
	numRanks
	rankBusy rank = -1 // something is under way: in no list
)

// endpoint is what is known of a peer.
type endpoint struct {
	way               // to it; its address is what it is known by
	gen        uint32 // rises when the place is given to another
	chain      int32  // next of the bucket
	prev, next int32  // of its list
	listed     rank

	seen     bool // it has repeated our Echo, or nobody wants it to
	observer bool
	linked   bool // the Router may keep something for it
	jobs     int  // requests of its that are being worked on

	// What waits for it, or for its acknowledgement: a chain of outgoings, oldest
	// first, and how many of them wait for one.
	first, last int32
	waiting     int
	flights     int

	mid    uint16 // of our next message to it (RFC 7252 section 4.4)
	budget int    // bytes that it may be sent before it is seen

	rtt       int64 // smoothed round-trip time in ns, 0 if none was measured
	pace      int64 // when the next non-confirmable notification may go (RFC 7641 section 4.5.1)
	confirmed int64 // when a confirmable notification was acknowledged last
	nons      int   // how many more may go before one that is confirmable
}

type endpoints struct {
	seed    maphash.Seed
	list    []endpoint
	buckets []int32
	used    int // places that were ever given
	heads   [numRanks]int32
	tails   [numRanks]int32
}

// tableSize is the number of buckets for n entries.
func tableSize(n int) int { return 1 << bits.Len(uint(n)) }

func newEndpoints(n int) endpoints {
	e := endpoints{seed: maphash.MakeSeed(), list: make([]endpoint, n), buckets: make([]int32, tableSize(n))}
	for i := range e.buckets {
		e.buckets[i] = none
	}
	for i := range numRanks {
		e.heads[i], e.tails[i] = none, none
	}
	return e
}

func (e *endpoints) bucket(a netip.AddrPort) *int32 {
	// With a seed of its own, nobody can choose addresses of one bucket.
	return &e.buckets[maphash.Comparable(e.seed, a)&uint64(len(e.buckets)-1)]
}

// find is the index of the endpoint of an address, none if it is not known.
func (e *endpoints) find(a netip.AddrPort) int32 {
	i := *e.bucket(a)
	for i != none && e.list[i].addr != a {
		i = e.list[i].chain
	}
	return i
}

// victim is the endpoint to be forgotten for another, none if all are busy.
func (e *endpoints) victim() int32 {
	for _, i := range e.heads {
		if i != none {
			return i
		}
	}
	return none
}

// fresh takes a place that was never given, none if there is none left.
func (e *endpoints) fresh() int32 {
	if e.used == len(e.list) {
		return none
	}
	e.used++
	i := int32(e.used - 1)
	e.list[i].listed = rankBusy
	return i
}

// set gives a place, which is in no list, to an address.
func (e *endpoints) set(i int32, to way) *endpoint {
	p := &e.list[i]
	b := e.bucket(to.addr)
	*p = endpoint{way: to, gen: p.gen + 1, chain: *b, prev: none, next: none, listed: rankBusy, first: none, last: none}
	*b = i
	return p
}

// drop takes an endpoint out of its bucket and its list. Handles of it are
// stale from then on.
func (e *endpoints) drop(i int32) {
	p := &e.list[i]
	at := e.bucket(p.addr)
	for *at != i {
		at = &e.list[*at].chain
	}
	*at = p.chain
	e.move(i, rankBusy)
	p.gen++
}

// move puts an endpoint at the end of a list, or into none.
func (e *endpoints) move(i int32, to rank) {
	p := &e.list[i]
	if p.listed != rankBusy {
		if p.prev == none {
			e.heads[p.listed] = p.next
		} else {
			e.list[p.prev].next = p.next
		}
		if p.next == none {
			e.tails[p.listed] = p.prev
		} else {
			e.list[p.next].prev = p.prev
		}
	}
	p.listed, p.prev, p.next = to, none, none
	if to == rankBusy {
		return
	}
	p.prev = e.tails[to]
	if p.prev == none {
		e.heads[to] = i
	} else {
		e.list[p.prev].next = i
	}
	e.tails[to] = i
}

// settle puts an endpoint where it belongs now, as the one that was heard of
// last.
func (e *endpoints) settle(i int32) {
	p := &e.list[i]
	switch {
	case p.jobs > 0 || p.first != none:
		e.move(i, rankBusy)
	case p.observer:
		e.move(i, rankObserver)
	case p.seen:
		e.move(i, rankSeen)
	default:
		e.move(i, rankUnseen)
	}
}

// peer is the name of an endpoint for the Router: it is never given to
// another.
func (e *endpoints) peer(i int32) uint64 { return uint64(e.list[i].gen)<<32 | uint64(i) }

// of is the index of a peer, none if it was forgotten.
func (e *endpoints) of(peer uint64) int32 {
	i := peer & 0xffffffff
	if i >= uint64(e.used) || e.list[i].gen != uint32(peer>>32) {
		return none
	}
	return int32(i)
}
