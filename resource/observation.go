package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/same"
)

// observation is that of a peer, by a token, of a topic (RFC 7641 section 4.1).
type observation struct {
	topic      *Topic // nil: the place is free
	pusher     Pusher
	peer       uint64
	serial     uint32 // counts who has had the place
	next, prev int32  // of the topic; next also of what is free
	chain      int32  // of the bucket
	token      uint8  // its length
	szx        uint8  // the size of blocks that the peer asks for
	tag        tag    // of the state that it has already, as it says
}

// observations are all of all topics, in one table. Each is in the list of its
// topic, and in that of a bucket, by which those of a peer are found.
type observations struct {
	list    []observation
	tokens  []byte
	each    int // bytes of each token
	buckets []int32
	spare   int32
	n       int
}

// place names an observation for all time.
type place struct {
	index  int32
	serial uint32
}

func (o *observations) init(n, token int) {
	o.list, o.tokens, o.each = make([]observation, n), make([]byte, n*token), token
	for i := range o.list {
		o.list[i].next = int32(i + 1)
	}
	o.list[n-1].next = -1
	size := 1
	for size < n {
		size *= 2
	}
	o.buckets = make([]int32, size)
	for i := range o.buckets {
		o.buckets[i] = -1
	}
}

// bucket is where the observations of a peer are found.
func (o *observations) bucket(peer uint64) *int32 {
	return &o.buckets[mix(0, peer)>>32&uint64(len(o.buckets)-1)]
}

// token is the token of the observation at i.
func (o *observations) token(i int32) []byte {
	at := int(i) * o.each
	return o.tokens[at : at+int(o.list[i].token)]
}

// find is the observation of a peer by a token, -1 if there is none, and how many
// others it has, as far as was seen.
func (o *observations) find(p Pusher, peer uint64, token []byte) (i int32, others int) {
	for i = *o.bucket(peer); i >= 0; i = o.list[i].chain {
		e := &o.list[i]
		if e.peer != peer || !same.Pointer(e.pusher, p) {
			continue
		}
		if ascii.View(o.token(i)) == ascii.View(token) {
			break
		}
		others++
	}
	return i, others
}

// observe has the peer of a request observe a topic.
func (r *Router) observe(x *Exchange, t *Topic) bool {
	r.mu.Lock()
	ok := r.observeLocked(x, t)
	r.mu.Unlock()
	return ok
}

func (r *Router) observeLocked(x *Exchange, t *Topic) bool {
	o := &r.observations
	i, others := o.find(x.t.Pusher, x.t.Peer, x.m.Token)
	if i >= 0 && o.list[i].topic != t {
		// RFC 7641 section 4.1: the same token stands for the request that
		// came last.
		o.remove(i)
		i = -1
	}
	if i < 0 {
		if i = o.spare; i < 0 || others >= r.PerPeer {
			return false
		}
		e := &o.list[i]
		o.spare = e.next
		b := o.bucket(x.t.Peer)
		*e = observation{topic: t, pusher: x.t.Pusher, peer: x.t.Peer, serial: e.serial + 1, next: t.first, prev: -1, chain: *b}
		// New ones come first in the list, so that who goes through it does
		// not meet them: what they answer is the state already.
		if t.first >= 0 {
			o.list[t.first].prev = i
		}
		t.first, *b = i, i
		t.n++
		o.n++
		e.token = uint8(copy(o.tokens[int(i)*o.each:][:o.each], x.m.Token))
	}
	e := &o.list[i]
	e.szx, e.tag = 6, tag{}
	if x.has&hasBlock2 != 0 {
		e.szx = min(x.block2.SZX, 6) // RFC 7959 section 2.6
	}
	if x.t.Max > 0 {
		e.szx = min(e.szx, coap.SZXOf(x.t.Max-maxNoted-1))
	}
	if x.has&hasETag != 0 {
		// RFC 7641 section 3.3.1
		v, _ := x.m.Options.Get(coap.OptETag)
		e.tag.set(v)
	}
	x.observer, x.seq = place{i, e.serial}, int32(t.seq)
	return true
}

// remove takes an observation out of all lists.
func (o *observations) remove(i int32) {
	e := &o.list[i]
	t := e.topic
	if t.cursor == i {
		t.cursor = e.next
	}
	if e.prev < 0 {
		t.first = e.next
	} else {
		o.list[e.prev].next = e.next
	}
	if e.next >= 0 {
		o.list[e.next].prev = e.prev
	}
	p := o.bucket(e.peer)
	for *p != i {
		p = &o.list[*p].chain
	}
	*p = e.chain
	t.n--
	o.n--
	*e = observation{serial: e.serial, next: o.spare}
	o.spare = i
}

// endPlace ends an observation, if it is still there.
func (r *Router) endPlace(p place) (ended bool) {
	r.mu.Lock()
	if e := &r.observations.list[p.index]; e.serial == p.serial && e.topic != nil {
		r.observations.remove(p.index)
		ended = true
	}
	r.mu.Unlock()
	return ended
}

// Cancel ends the observation that a peer has with a token, if there is one, as
// when it has rejected a notification (RFC 7641 section 3.6). A request that
// says so does it by itself.
func (r *Router) Cancel(p Pusher, peer uint64, token []byte) {
	r.Freeze()
	r.mu.Lock()
	if i, _ := r.observations.find(p, peer, token); i >= 0 {
		r.observations.remove(i)
	}
	r.mu.Unlock()
}

// endObservations ends all of a peer.
func (r *Router) endObservations(p Pusher, peer uint64) {
	r.mu.Lock()
	o := &r.observations
	for i := *o.bucket(peer); i >= 0; {
		next := o.list[i].chain
		if e := &o.list[i]; e.peer == peer && same.Pointer(e.pusher, p) {
			o.remove(i)
		}
		i = next
	}
	r.mu.Unlock()
}
