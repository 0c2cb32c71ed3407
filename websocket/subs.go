package websocket

import (
	"sync"

	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/wsconn"
)

// subscriptions are all subscriptions of all topics, in one table that was made
// at the beginning. Each is in the list of its topic, in that of its connection,
// and in that of a bucket, by which the one of a topic and a connection is found.
// So subscribing and unsubscribing take the same short time however many there
// are. The lock is held for that time, and never while something is sent.
type subscriptions struct {
	mu      sync.Mutex
	nodes   []subscription
	buckets []int32
	free    int32 // linked through next
	topics  uint32
}

type subscription struct {
	s             Socket
	t             *Topic
	key           wsconn.Params
	next, prev    int32 // of the topic
	after, before int32 // of the connection
	chain         int32 // of the bucket
}

func (t *subscriptions) init(n int) {
	t.free = -1
	if n == 0 {
		return
	}
	t.nodes = make([]subscription, n)
	for i := range t.nodes {
		t.nodes[i].next = int32(i + 1)
	}
	t.nodes[n-1].next = -1
	t.free = 0
	size := 1
	for size < n {
		size *= 2
	}
	t.buckets = make([]int32, size)
	for i := range t.buckets {
		t.buckets[i] = -1
	}
}

// bucket is where the subscription of a connection to a topic is found.
func (t *subscriptions) bucket(topic *Topic, h pool.Handle) *int32 {
	x := uint64(uint32(h.Index()))<<32 | uint64(topic.id)
	x *= 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio spreads the bits upwards
	return &t.buckets[x>>32&uint64(len(t.buckets)-1)]
}

// open begins a connection, which has no subscription.
func (t *subscriptions) open(d *Driver, h pool.Handle, key wsconn.Params) {
	t.mu.Lock()
	r := &d.records[h.Index()]
	for r.live != 0 && r.first >= 0 {
		t.remove(r, r.first) // of a straight handler that was lost, and has not returned yet
	}
	r.live, r.first, r.key = h.Generation(), -1, key
	t.mu.Unlock()
}

// drop ends all subscriptions of a connection that is over.
func (t *subscriptions) drop(d *Driver, h pool.Handle) {
	t.mu.Lock()
	t.dropLocked(d, h)
	t.mu.Unlock()
}

// dropLocked is drop under the lock.
func (t *subscriptions) dropLocked(d *Driver, h pool.Handle) {
	r := &d.records[h.Index()]
	if r.live != h.Generation() {
		return
	}
	r.live = 0
	for r.first >= 0 {
		t.remove(r, r.first)
	}
}

// add subscribes a connection, unless it is subscribed already.
func (t *subscriptions) add(topic *Topic, s Socket) error {
	t.mu.Lock()
	err := t.addLocked(topic, s)
	t.mu.Unlock()
	return err
}

// addLocked is add under the lock.
func (t *subscriptions) addLocked(topic *Topic, s Socket) error {
	r := &s.u.d.records[s.h.Index()]
	switch {
	case r.live != s.h.Generation():
		return pool.ErrStale
	case len(t.nodes) == 0:
		return ErrFull
	}
	b := t.bucket(topic, s.h)
	if t.find(*b, topic, s.h) >= 0 {
		return nil
	}
	i := t.free
	if i < 0 {
		return ErrFull
	}
	t.free = t.nodes[i].next
	t.nodes[i] = subscription{s: s, t: topic, key: r.key, next: topic.first, prev: -1, after: r.first, before: -1, chain: *b}
	// New ones come first in the list of the topic, so that who goes through
	// it does not meet them.
	if topic.first >= 0 {
		t.nodes[topic.first].prev = i
	}
	if r.first >= 0 {
		t.nodes[r.first].before = i
	}
	topic.first, r.first, *b = i, i, i
	topic.n++
	return nil
}

// find is the subscription of a connection to a topic, among those of a bucket.
func (t *subscriptions) find(i int32, topic *Topic, h pool.Handle) int32 {
	for ; i >= 0; i = t.nodes[i].chain {
		if n := &t.nodes[i]; n.t == topic && n.s.h == h {
			return i
		}
	}
	return -1
}

// cancel ends the subscription of a connection to a topic, if there is one.
func (t *subscriptions) cancel(topic *Topic, s Socket) {
	t.mu.Lock()
	t.cancelLocked(topic, s)
	t.mu.Unlock()
}

// cancelLocked is cancel under the lock.
func (t *subscriptions) cancelLocked(topic *Topic, s Socket) {
	r := &s.u.d.records[s.h.Index()]
	if r.live != s.h.Generation() || len(t.nodes) == 0 {
		return
	}
	if i := t.find(*t.bucket(topic, s.h), topic, s.h); i >= 0 {
		t.remove(r, i)
	}
}

// remove takes a subscription out of all lists.
func (t *subscriptions) remove(r *record, i int32) {
	n := &t.nodes[i]
	topic := n.t
	if topic.cursor == i {
		topic.cursor = n.next
	}
	if n.prev < 0 {
		topic.first = n.next
	} else {
		t.nodes[n.prev].next = n.next
	}
	if n.next >= 0 {
		t.nodes[n.next].prev = n.prev
	}
	if n.before < 0 {
		r.first = n.after
	} else {
		t.nodes[n.before].after = n.after
	}
	if n.after >= 0 {
		t.nodes[n.after].before = n.before
	}
	for p := t.bucket(topic, n.s.h); ; p = &t.nodes[*p].chain {
		if *p == i {
			*p = n.chain
			break
		}
	}
	topic.n--
	*n = subscription{next: t.free}
	t.free = i
}
