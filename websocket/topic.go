package websocket

import (
	"sync"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// TopicOptions say how a topic deals with its subscribers. A zero field has the
// default that its comment names.
type TopicOptions struct {
	// Mark is how many pieces of output, of the size of an output block, may
	// wait for a subscriber, up to 255, before Slow says what becomes of the
	// message for it. The default is 16. CloseSlow closes its connection with
	// 1013.
	Mark int
	Slow engine.Overflow
}

// Topic sends each message that is published to all its subscribers. Its methods
// may be called from any goroutine.
type Topic struct {
	d  *Driver
	id uint32
	o  TopicOptions

	// pub is held by who publishes, to the last subscriber, and guards what
	// belongs to him.
	pub   sync.Mutex
	batch [32]subscriber
	head  [ws.MaxHeader]byte
	codec wsconn.Codec // nil if there is no Extension
	m     message

	// Guarded by the lock of the subscriptions. The cursor is that of who
	// publishes.
	first, cursor int32
	n             int

	mu     sync.Mutex
	counts TopicStats
}

// TopicStats are the counts of a topic. All but the first are counted for each
// subscriber.
type TopicStats struct {
	Published   uint64 // messages
	Delivered   uint64 // given to a connection
	Dropped     uint64 // not given to a slow one
	Closed      uint64 // connections that were closed for being slow
	Subscribers int
}

// NewTopic makes a topic, which is never freed before its driver. It panics if
// the options are out of their bounds.
func (d *Driver) NewTopic(o TopicOptions) *Topic {
	if o.Mark == 0 {
		o.Mark = 16
	}
	if o.Mark < 1 || o.Mark > 255 || o.Slow > engine.CloseSlow {
		panic("websocket: TopicOptions out of bounds")
	}
	t := &Topic{d: d, o: o, first: -1, cursor: -1}
	if x := d.cfg.Extension; x != nil {
		t.codec = x.Codec() // without the lock: it may panic
	}
	d.subs.mu.Lock()
	d.subs.topics++
	t.id = d.subs.topics
	d.subs.mu.Unlock()
	return t
}

// Subscribe has the connection get all that is published from now on, until
// Unsubscribe, or its end. It takes constant time; a connection that is
// subscribed already stays so. The errors are pool.ErrStale when the connection
// is over, and ErrFull: see Config.Subscriptions.
func (t *Topic) Subscribe(s Socket) error {
	if s.u == nil || s.u.d != t.d {
		return pool.ErrStale
	}
	return t.d.subs.add(t, s)
}

// Unsubscribe ends a subscription, if there is one, in constant time. A message
// that is being published may still arrive.
func (t *Topic) Unsubscribe(s Socket) {
	if s.u != nil && s.u.d == t.d {
		t.d.subs.cancel(t, s)
	}
}

// Publish sends a message, text or binary, to all subscribers, and returns how
// many connections have taken it. It is framed once, and its bytes are shared
// by all, unless it is longer than a block of output. Publish does not wait for
// any subscriber, and allocates nothing; those who publish at the same time do
// so one after the other, and all subscribers get the messages in that order.
//
// The errors are pool.ErrFull when no block of output is free, and ws.ErrOrder
// for another opcode. Then nobody has got the message.
func (t *Topic) Publish(op ws.Opcode, p []byte) (reached int, err error) {
	if op != ws.OpText && op != ws.OpBinary {
		return 0, ws.ErrOrder
	}
	t.pub.Lock()
	defer t.pub.Unlock() // also if a codec panics
	m := &t.m
	*m = message{h: ws.Header{Op: op, Fin: true, Length: uint64(len(p))}, p: p, block: pool.NoBlock}
	outs := &t.d.e.Pool().Outputs
	m.head = ws.AppendHeader(t.head[:0], m.h)
	if len(m.head)+len(p) <= outs.Size() && t.Len() > 0 {
		if m.block, err = outs.Get(); err != nil {
			return 0, err
		}
		b := outs.Bytes(m.block)
		n := copy(b, m.head)
		m.shared = b[:n+copy(b[n:], p)]
	}
	c := TopicStats{Published: 1}
	for n := t.begin(); n > 0; n = t.more() {
		for i := range t.batch[:n] {
			t.push(&t.batch[i], &c)
			t.batch[i] = subscriber{}
		}
	}
	if m.block != pool.NoBlock {
		outs.Put(m.block)
	}
	for _, v := range m.packed[:m.n] {
		if v.block != pool.NoBlock {
			outs.Put(v.block)
		}
	}
	m.p = nil
	t.mu.Lock()
	t.counts.Published++
	t.counts.Delivered += c.Delivered
	t.counts.Dropped += c.Dropped
	t.counts.Closed += c.Closed
	t.mu.Unlock()
	return int(c.Delivered), nil
}

// subscriber is a connection, and what it wants messages compressed for.
type subscriber struct {
	s   Socket
	key wsconn.Params
}

// message is what is published.
type message struct {
	h      ws.Header
	head   []byte // of a server's frame
	p      []byte
	block  pool.Block
	shared []byte // the frame, in the block, if there is one

	// The same compressed, once for all connections whose agreements allow it.
	packed [maxPacked]packed
	n      int
}

// maxPacked is for how many different agreements a message is compressed.
// Browsers of one kind agree on the same.
const maxPacked = 4

type packed struct {
	key    wsconn.Params
	block  pool.Block // NoBlock if it did not fit
	shared []byte
}

// Write adds payload, in the codec's name.
func (v *packed) Write(p []byte) (int, error) {
	if len(p) > cap(v.shared)-len(v.shared) {
		return 0, ErrLong
	}
	v.shared = append(v.shared, p...)
	return len(p), nil
}

// pack is the message compressed for an agreement, nil if it is not.
func (t *Topic) pack(key wsconn.Params) *packed {
	m := &t.m
	for i := range m.packed[:m.n] {
		if v := &m.packed[i]; v.key == key {
			return v
		}
	}
	if m.n == maxPacked {
		return nil
	}
	v := &m.packed[m.n]
	m.n++
	*v = packed{key: key, block: pool.NoBlock}
	outs := &t.d.e.Pool().Outputs
	b, err := outs.Get()
	if err != nil {
		return v
	}
	v.shared = outs.Bytes(b)[:ws.MaxHeader]
	t.codec.Bind(ws.RoleServer, key)
	err = t.codec.Compress(v, m.p, true)
	if err != nil || len(v.shared) >= ws.MaxHeader+len(m.p) {
		outs.Put(b) // it does not fit, or does not pay
		return v
	}
	h := m.h
	h.RSV1, h.Length = true, uint64(len(v.shared)-ws.MaxHeader)
	n := ws.MaxHeader - ws.HeaderSize(h)
	ws.AppendHeader(v.shared[n:n], h)
	v.block, v.shared = b, v.shared[n:]
	return v
}

// push gives a subscriber the message.
func (t *Topic) push(to *subscriber, c *TopicStats) {
	policy := t.o.Slow
	if policy == engine.CloseSlow {
		policy = engine.DropNewest
	}
	m, s := &t.m, to.s
	block, shared := m.block, m.shared
	if to.key != 0 && len(m.p) >= t.d.threshold {
		if v := t.pack(to.key); v != nil && v.block != pool.NoBlock {
			block, shared = v.block, v.shared
		}
	}
	var err error
	switch {
	case s.u.rules.Role == ws.RoleClient:
		err = t.d.client.Load().push(t.d, s.h, m.h, m.p, t.o.Mark, policy)
	case block != pool.NoBlock:
		err = t.d.e.PushBlock(s.h, shared, block, t.o.Mark, policy)
	default:
		err = t.d.e.Push(s.h, m.head, m.p, t.o.Mark, policy)
	}
	switch {
	case err == nil:
		c.Delivered++
	case pool.ErrStale.Is(err) || pool.ErrSealed.Is(err):
	case pool.ErrBacklog.Is(err) && t.o.Slow == engine.CloseSlow:
		c.Closed++
		s.tooSlow()
	default:
		c.Dropped++
	}
}

// begin fills the batch with the first subscribers.
func (t *Topic) begin() int {
	t.d.subs.mu.Lock()
	t.cursor = t.first
	t.d.subs.mu.Unlock()
	return t.more()
}

// more fills the batch with the next subscribers.
func (t *Topic) more() (n int) {
	subs := &t.d.subs
	subs.mu.Lock()
	for n < len(t.batch) && t.cursor >= 0 {
		t.batch[n] = subscriber{subs.nodes[t.cursor].s, subs.nodes[t.cursor].key}
		t.cursor = subs.nodes[t.cursor].next
		n++
	}
	subs.mu.Unlock()
	return n
}

// Len is the number of subscribers.
func (t *Topic) Len() int {
	t.d.subs.mu.Lock()
	n := t.n
	t.d.subs.mu.Unlock()
	return n
}

// Stats reads the counts.
func (t *Topic) Stats() TopicStats {
	n := t.Len()
	t.mu.Lock()
	c := t.counts
	c.Subscribers = n
	t.mu.Unlock()
	return c
}
