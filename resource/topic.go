package resource

import (
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
)

// Slow says what becomes of a notification for an observer for whom too much
// waits already.
type Slow uint8

// The policies.
const (
	DropOldest Slow = iota // the oldest that has not begun makes room, since what counts is the last state (RFC 7641 section 1.3)
	DropNewest             // it is not sent
	CloseSlow              // the peer's connection is ended
)

var overflows = [...]engine.Overflow{DropOldest: engine.DropOldest, DropNewest: engine.DropNewest, CloseSlow: engine.CloseSlow}

// TopicOptions say how a topic deals with its observers. A zero field has the
// default that its comment names.
type TopicOptions struct {
	// Mark is how many pieces of output may wait for an observer before Slow
	// says what becomes of a notification for it. The default is 4.
	Mark int

	// Slow says what becomes of it then. The default is DropOldest.
	Slow Slow
}

// Topic is what a resource's observers are told through (RFC 7641). Its methods
// may be called from any goroutine.
type Topic struct {
	r *Router
	o TopicOptions

	// pub is held by who publishes, to the last observer, and guards what
	// belongs to him. No other lock is held while something is pushed.
	pub    sync.Mutex
	batch  [batch]observer
	tokens []byte
	opts   [maxNoted]byte
	tag    tag
	number [4]byte

	// Guarded by the lock of the router. The cursor is that of who publishes.
	first, cursor int32
	seq           uint32 // of the last notification
	n             int
	counts        TopicStats
}

// batch is how many observers are told between two looks at the table.
const batch = 8

// observer is an observation, while it is told.
type observer struct {
	pusher Pusher
	peer   uint64
	place  place
	token  []byte
	szx    uint8
	valid  bool // it has that state already
}

// Notification is a state of a resource, as its observers get it.
type Notification struct {
	Code    coap.Code    // 0 is 2.05; an error (4.xx, 5.xx) ends all observations
	Options coap.Options // such as Content-Format and Max-Age, encoded; not Observe, ETag, Block2 and Size2
	Payload []byte       // what is longer than a block goes as the first block, and the observers fetch the rest
	ETag    []byte       // names the state, by 1 to 8 bytes, or nil: those who have said that they have it get 2.03
}

// Lengths of the options of a notification, in bytes: of the program's, and of
// all.
const (
	MaxNotificationOptions = 64
	maxNoted               = MaxNotificationOptions + (8 + coap.MaxOptionHeader) + (3 + coap.MaxOptionHeader) + blockRoom
)

// NewTopic makes a topic, which is never freed before its router. It panics if
// the options are out of their bounds.
func (r *Router) NewTopic(o TopicOptions) *Topic {
	if o.Mark == 0 {
		o.Mark = 4
	}
	if o.Mark < 0 || int(o.Slow) >= len(overflows) {
		panic("resource: TopicOptions out of bounds")
	}
	t := &Topic{r: r, o: o, first: -1, cursor: -1}
	r.mu.Lock()
	if r.topics = append(r.topics, t); r.frozen {
		t.init()
	}
	r.mu.Unlock()
	return t
}

// init makes what the topic needs of a router that is frozen.
func (t *Topic) init() { t.tokens = make([]byte, batch*t.r.Token) }

// Publish sends a state to all observers, and returns how many have taken it. It
// does not wait for any, and allocates nothing; those who publish at the same
// time do so one after the other, and all observers get the states in that
// order.
//
// The errors are ErrLong for options of more than MaxNotificationOptions bytes,
// ErrOption for some that cannot be sent, and ErrMisuse for a code that is no
// response's; then nobody has got it.
func (t *Topic) Publish(n Notification) (reached int, err error) {
	if n.Code == 0 {
		n.Code = coap.CodeContent
	}
	t.pub.Lock()
	defer t.pub.Unlock() // also if a Pusher panics
	return t.publishLocked(n)
}

// publishLocked is Publish under the lock.
func (t *Topic) publishLocked(n Notification) (reached int, err error) {
	if err := t.check(&n); err != nil {
		return 0, err
	}
	c := TopicStats{Published: 1}
	t.r.mu.Lock()
	t.seq = (t.seq + 1) & (1<<24 - 1) // RFC 7641 section 4.4
	t.cursor = t.first
	seq := t.seq
	t.r.mu.Unlock()
	kind, built := -1, coap.Message{}
	for k := t.more(); k > 0; k = t.more() {
		for i := range t.batch[:k] {
			o := &t.batch[i]
			if k := o.kind(len(n.Payload)); k != kind {
				kind, built = k, t.build(&n, o, seq)
			}
			built.Token = o.token
			t.push(o, built, &c)
			t.batch[i] = observer{}
		}
	}
	t.r.mu.Lock()
	t.counts.Published++
	t.counts.Delivered += c.Delivered
	t.counts.Dropped += c.Dropped
	t.counts.Ended += c.Ended
	t.r.mu.Unlock()
	return int(c.Delivered), nil
}

// check looks at what is to be published.
func (t *Topic) check(n *Notification) error {
	t.tag = tag{}
	switch {
	case !n.Code.IsResponse() || n.Code.Class() == 3 || n.Code == coap.CodeContinue:
		return ErrMisuse
	case len(n.Options) > MaxNotificationOptions:
		return ErrLong
	case coap.CheckOptions(n.Options) != nil || len(n.ETag) != 0 && !t.tag.set(n.ETag):
		return ErrOption
	}
	it := n.Options.Iter()
	for it.Next() {
		if !isFree(it.Number) || it.Number == coap.OptETag {
			return ErrOption
		}
	}
	if t.tag.n == 0 && len(n.Payload) > 16 {
		// As the answers with the same content that go in blocks have it: what
		// is fetched of them must be of this state.
		t.tag = sum(n.Payload, nil)
	}
	return nil
}

// kind is what an observer's message is like: those of one kind differ in their
// tokens alone.
func (o *observer) kind(size int) int {
	switch {
	case o.valid:
		return 8
	case size > 16<<o.szx:
		return int(o.szx)
	}
	return 7
}

// build makes the message for an observer.
func (t *Topic) build(n *Notification, o *observer, seq uint32) coap.Message {
	m := coap.Message{Code: n.Code, Payload: n.Payload}
	opts := append(t.opts[:0], n.Options...)
	cut := len(n.Payload) > 16<<o.szx && !n.Code.IsError()
	switch {
	case n.Code.IsError():
		m.Options = opts
		return m // RFC 7641 section 4.2: without Observe
	case o.valid:
		// RFC 7641 section 4.3.1, RFC 7252 section 5.9.1.3
		m.Code, m.Payload = coap.CodeValid, nil
		age, ok := n.Options.Uint(coap.OptMaxAge)
		if opts = opts[:0]; ok {
			opts = coap.InsertOption(opts, coap.OptMaxAge, putUint(&t.number, uint32(age)))
		}
	}
	opts = coap.InsertOption(opts, coap.OptObserve, putUint(&t.number, seq))
	if t.tag.n != 0 && (cut || len(n.ETag) != 0) {
		opts = coap.InsertOption(opts, coap.OptETag, t.tag.bytes())
	}
	if cut && !o.valid {
		// RFC 7959 section 2.6
		b := coap.Block{More: true, SZX: o.szx}
		m.Payload = n.Payload[:b.Size()]
		opts = coap.InsertOption(opts, coap.OptBlock2, putUint(&t.number, b.Uint()))
		opts = coap.InsertOption(opts, coap.OptSize2, putUint(&t.number, uint32(len(n.Payload))))
	}
	m.Options = opts
	return m
}

// putUint is a number as the value of an option, in memory of its own.
func putUint(to *[4]byte, v uint32) []byte {
	n := coap.SizeUint(uint64(v))
	for i := n - 1; i >= 0; i-- {
		to[i] = byte(v)
		v >>= 8
	}
	return to[:n]
}

// push gives an observer the message.
func (t *Topic) push(o *observer, m coap.Message, c *TopicStats) {
	err := o.pusher.Push(o.peer, m, t.o.Mark, overflows[t.o.Slow])
	switch {
	case err == nil:
		c.Delivered++
		if m.Code.IsError() {
			t.r.endPlace(o.place) // RFC 7641 section 4.2
		}
	case pool.ErrStale.Is(err) || pool.ErrSealed.Is(err):
		if t.r.endPlace(o.place) {
			c.Ended++
		}
	case pool.ErrBacklog.Is(err) || pool.ErrFull.Is(err):
		c.Dropped++
		if m.Code.IsError() {
			t.r.endPlace(o.place)
		}
	default:
		// The peer cannot take it at all. Rather than to be told nothing it is
		// told that this is the end.
		if t.r.endPlace(o.place) {
			c.Ended++
		}
		o.pusher.Push(o.peer, coap.Message{Code: coap.CodeInternalServerError, Token: m.Token}, 0, engine.DropNewest)
	}
}

// more fills the batch with the next observers.
func (t *Topic) more() (n int) {
	t.r.mu.Lock()
	o := &t.r.observations
	for n < len(t.batch) && t.cursor >= 0 {
		e := &o.list[t.cursor]
		token := t.tokens[n*o.each:][:e.token]
		copy(token, o.token(t.cursor))
		t.batch[n] = observer{
			pusher: e.pusher, peer: e.peer, place: place{t.cursor, e.serial}, token: token, szx: e.szx,
			valid: t.tag.n != 0 && e.tag.n != 0 && ascii.View(e.tag.bytes()) == ascii.View(t.tag.bytes()),
		}
		t.cursor = e.next
		n++
	}
	t.r.mu.Unlock()
	return n
}

// Len is the number of observers.
func (t *Topic) Len() int {
	t.r.mu.Lock()
	n := t.n
	t.r.mu.Unlock()
	return n
}

// TopicStats are the counts of a topic. All but the first are counted for each
// observer.
type TopicStats struct {
	Published uint64
	Delivered uint64
	Dropped   uint64 // not given to a slow one
	Ended     uint64 // observations that ended because the peer was gone, or cannot take it
	Observers int
}

// Stats reads the counts.
func (t *Topic) Stats() TopicStats {
	t.r.mu.Lock()
	c := t.counts
	c.Observers = t.n
	t.r.mu.Unlock()
	return c
}
