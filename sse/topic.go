package sse

import (
	"sync"
	"unsafe"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/web"
)

// Slow says what becomes of a subscriber that is slower than the topic.
type Slow uint8

// The policies.
const (
	SlowClose  Slow = iota // its connection is ended: it connects again, and catches up as far as Replay reaches
	SlowNewest             // it does not get the event
	SlowOldest             // it does not get an older event, which has waited longest
	numSlow
)

var overflows = [numSlow]engine.Overflow{SlowClose: engine.CloseSlow, SlowNewest: engine.DropNewest, SlowOldest: engine.DropOldest}

// Options say how large a topic is and how it deals with its subscribers. A
// zero field has the default that its comment names.
type Options struct {
	// Replay is how many bytes of past events are kept for subscribers who
	// connect again. If it is not 0, the topic gives each event an ID. Events is
	// how many events they are at most; the default is one for each 64 bytes.
	Replay, Events int

	// Epoch begins the topic's IDs. A program that is started again and counts
	// from 0 again should have another then, such as the time, or a peer that
	// was away meanwhile is told that it has missed nothing. It has no control
	// characters.
	Epoch string

	// Missed is what a subscriber is told first that has missed events which
	// are not kept any longer, or says an ID that the topic has not given. The
	// zero Event is not sent.
	Missed Event

	// Largest is how many bytes an event takes at most, with its framing. The
	// default is 4096. One that fits into a block of output is shared by all
	// subscribers, a longer one is copied for each.
	Largest int

	// Subscribers is how many there may be. The default is as many as the
	// server has sockets.
	Subscribers int

	// Mark is how many pieces of output may wait for a subscriber, up to 255,
	// before Slow says what becomes of it. The default is 16.
	Mark int
	Slow Slow

	// KeepAlive is how often a comment is sent, in nanoseconds. The default is
	// DefaultKeepAlive, -1 is never. Retry is how long subscribers wait before
	// they connect again, in nanoseconds; 0 leaves it to them.
	KeepAlive, Retry int64
}

// Server is what a topic needs of a server: a bobtail.Server or a web.Driver.
type Server interface {
	Outputs() *pool.Outputs
	Sockets() int
}

// Topic sends each event that is published to all its subscribers. All its
// memory is made at the beginning. Its methods may be called from any
// goroutine.
type Topic struct {
	o    Options
	outs *pool.Outputs

	// pub is held by who publishes, to the last subscriber, and guards what
	// belongs to them.
	pub     sync.Mutex
	scratch []byte

	// mu guards the rest, for a few words' work, so that nobody who subscribes
	// waits for who publishes. Whoever has both has taken pub first.
	//
	// A publisher adds its event to the ring and counts the subscribers in one
	// step, and then sends to those; a subscriber finds in one step that it has
	// all of the ring, and is counted from then on. So each event reaches a
	// subscriber by the one way or by the other.
	mu       sync.Mutex
	ring     ring
	list     []web.Outlet // list[:n]; a publisher reads, without mu, those that it has counted
	n        int
	promised int // places for those who are about to subscribe
	closed   bool
	counts   Stats

	preamble, missed []byte // framed
}

// Stats are the counts of a topic.
type Stats struct {
	Published   uint64 // events
	Delivered   uint64 // events given to connections, counted for each
	Dropped     uint64 // events that a slow subscriber did not get, counted for each
	Subscribers int    // among them may be some that are gone, until the next event is published
}

func (o Options) withDefaults(sockets int) Options {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Replay > 0 {
		set(&o.Events, max(o.Replay/64, 1))
	}
	set(&o.Largest, 4096)
	set(&o.Subscribers, sockets)
	set(&o.Mark, 16)
	return o
}

// New makes a topic with all its memory. The errors are ErrOptions, and those
// of the Missed event and of Epoch (ErrID).
func New(srv Server, o Options) (*Topic, error) {
	o = o.withDefaults(srv.Sockets())
	if o.Replay < 0 || o.Replay > 1<<30 || o.Events < 0 || o.Events > 1<<24 || o.Largest < 1 || o.Largest > 1<<24 ||
		o.Subscribers < 1 || o.Subscribers > 1<<24 || o.Mark < 1 || o.Mark > 255 || o.Slow >= numSlow || o.KeepAlive < -1 {
		return nil, ErrOptions
	}
	if err := (&Event{ID: o.Epoch}).check(); err != nil {
		return nil, err
	}
	t := &Topic{
		o:       o,
		outs:    srv.Outputs(),
		scratch: make([]byte, 0, o.Largest),
		list:    make([]web.Outlet, o.Subscribers),
		ring:    ring{buf: make([]byte, o.Replay), list: make([]span, o.Events), next: 1},
	}
	var err error
	if o.Retry != 0 {
		t.preamble, err = AppendEvent(nil, Event{Retry: o.Retry})
		if err != nil {
			return nil, err
		}
	}
	if m := o.Missed; m.ID != "" || m.Name != "" || m.Data != nil || m.Retry != 0 {
		if t.missed, err = AppendEvent(nil, m); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Memory is how many bytes a topic with these options holds, in a server with
// so many sockets.
func (o Options) Memory(sockets int) int {
	o = o.withDefaults(sockets)
	return int(unsafe.Sizeof(Topic{})) + o.Replay + o.Events*spanSize + o.Largest + o.Subscribers*int(unsafe.Sizeof(web.Outlet{}))
}

// maxID is the length of a number and the hyphen before it, in an ID.
const maxID = 1 + 20

func (t *Topic) idSize() int { return len("id: \n") + len(t.o.Epoch) + maxID }

func (t *Topic) appendID(dst []byte, number uint64) []byte {
	dst = append(dst, "id: "...)
	if t.o.Epoch != "" {
		dst = append(dst, t.o.Epoch...)
		dst = append(dst, '-')
	}
	dst = ascii.AppendUint(dst, number)
	return append(dst, '\n')
}

// parseID is the number in an ID of the topic's.
func (t *Topic) parseID(id []byte) (number uint64, ok bool) {
	if e := t.o.Epoch; e != "" {
		if len(id) <= len(e) || id[len(e)] != '-' {
			return 0, false
		}
		for i := range len(e) {
			if id[i] != e[i] {
				return 0, false
			}
		}
		id = id[len(e)+1:]
	}
	if len(id) == 0 || len(id) > 19 {
		return 0, false // and 19 digits fit
	}
	for _, c := range id {
		if c < '0' || c > '9' {
			return 0, false
		}
		number = number*10 + uint64(c-'0')
	}
	return number, true
}

// Publish sends an event to all subscribers, and returns how many connections
// have taken it. It is framed once, and its bytes are shared by all, unless it
// is longer than a block of output. Publish does not wait for any subscriber;
// those who publish at the same time do so one after the other, and all
// subscribers get the events in that order.
//
// The errors are those of AppendEvent, ErrTopicID for an event with an ID where
// the topic gives them, ErrLong, ErrClosed, and pool.ErrFull when no block of
// output is free. Then nobody has got the event.
func (t *Topic) Publish(e Event) (reached int, err error) {
	if err := e.check(); err != nil {
		return 0, err
	}
	gives := t.o.Replay > 0
	size := SizeEvent(e)
	if gives {
		if e.ID != "" {
			return 0, ErrTopicID
		}
		size += t.idSize()
	}
	if size > t.o.Largest {
		return 0, ErrLong
	}
	t.pub.Lock()
	defer t.pub.Unlock()
	// Only who has pub changes next, and it is read by others.
	t.mu.Lock()
	number, n, closed := t.ring.next, t.n, t.closed
	t.mu.Unlock()
	if closed {
		return 0, ErrClosed
	}
	p := t.scratch[:0]
	if gives {
		p = t.appendID(p, number)
		p = appendRest(p, &e)
	} else {
		p, _ = AppendEvent(p, e)
	}
	b := pool.NoBlock
	if len(p) <= t.outs.Size() && n > 0 {
		if b, err = t.outs.Get(); err != nil {
			return 0, err
		}
		data := t.outs.Bytes(b)
		p = data[:copy(data, p)]
	}
	t.mu.Lock()
	t.ring.add(p)
	n = t.n
	t.mu.Unlock()
	dropped := 0
	for i := 0; i < n; {
		if b != pool.NoBlock {
			err = t.list[i].PushBlock(p, b, t.o.Mark, overflows[t.o.Slow])
		} else {
			err = t.list[i].Push(p, t.o.Mark, overflows[t.o.Slow])
		}
		switch {
		case err == nil:
			reached++
		case pool.ErrStale.Is(err):
			i, n = t.remove(i, n)
			continue
		default:
			dropped++
		}
		i++
	}
	if b != pool.NoBlock {
		t.outs.Put(b)
	}
	t.mu.Lock()
	t.counts.Published++
	t.counts.Delivered += uint64(reached)
	t.counts.Dropped += uint64(dropped)
	t.mu.Unlock()
	return reached, nil
}

// remove takes the subscriber at i off the list, for a publisher that has
// counted n, and returns where it goes on, and how many there are for it. The
// last one of the list takes the place; if it has come since they were counted
// it has the event already.
func (t *Topic) remove(i, n int) (int, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	t.list[i], t.list[t.n] = t.list[t.n], web.Outlet{}
	if t.n < n {
		return i, n - 1
	}
	return i + 1, n
}

// Len is the number of subscribers. Among them may be some that are gone, until
// the next event is published.
func (t *Topic) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// Stats reads the counts.
func (t *Topic) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counts
	c.Subscribers = t.n
	return c
}

// Close ends the topic: each subscriber gets what was published, and the end.
// Who subscribes after is answered 204, which tells EventSource to stop.
func (t *Topic) Close() {
	t.pub.Lock()
	defer t.pub.Unlock()
	t.mu.Lock()
	t.closed = true
	n := t.n
	t.n = 0
	t.mu.Unlock()
	for i := range t.list[:n] {
		t.list[i].Close()
		t.list[i] = web.Outlet{}
	}
}

// promise takes a place for a subscriber.
func (t *Topic) promise() error {
	t.mu.Lock()
	full := t.n+t.promised >= len(t.list)
	if !full || t.closed {
		defer t.mu.Unlock()
		if t.closed {
			return ErrClosed
		}
		t.promised++
		return nil
	}
	t.mu.Unlock()
	// Some may be gone, which nobody has noticed since nothing was published.
	t.pub.Lock()
	defer t.pub.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := 0; i < t.n; {
		if t.list[i].IsOpen() {
			i++
			continue
		}
		t.n--
		t.list[i], t.list[t.n] = t.list[t.n], web.Outlet{}
	}
	switch {
	case t.closed:
		return ErrClosed
	case t.n+t.promised >= len(t.list):
		return ErrFull
	}
	t.promised++
	return nil
}

func (t *Topic) unpromise() {
	t.mu.Lock()
	t.promised--
	t.mu.Unlock()
}

// replayPiece is how much of past events is copied at once, in bytes, to the
// request's arena: a quarter of what a worker has by default would not be
// quicker. leastPiece will do where others have left little of the arena.
const (
	replayPiece = 256
	leastPiece  = 16
)

// Subscribe is a handler: the peer gets all events that are published from now
// on, and before them, if it has seen some earlier and says so, those that it
// has missed. It leaves out none between the two, and sends none twice.
//
// Past events are written by the handler, for which it waits if the peer is
// slow; all others are pushed. It fails with ErrFull (503), and as
// web.Head.Open does.
func (t *Topic) Subscribe(w web.Response, r *web.Request) error {
	if err := t.promise(); ErrClosed.Is(err) {
		return w.Status(204).Empty()
	} else if err != nil {
		return err
	}
	err := t.subscribe(w, r)
	t.unpromise()
	return err
}

func (t *Topic) subscribe(w web.Response, r *web.Request) error {
	from, missed := t.since(LastEventID(r))
	var scratch []byte
	var err error
	for n := replayPiece; n >= leastPiece; n /= 2 {
		if scratch, err = r.Alloc(n); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	body, o, err := open(w, t.o.KeepAlive)
	if err != nil || r.Method() == http1.HEAD {
		return err
	}
	if _, err := body.Write(t.preamble); err != nil {
		return err
	}
	for off := 0; ; {
		if missed {
			if _, err := body.Write(t.missed); err != nil {
				return err
			}
		}
		var n int
		var over bool
		n, from, off, missed, over = t.replay(scratch, from, off)
		if over {
			return web.ErrAbort // the event was cut off: it is asked for again
		}
		if n > 0 {
			if _, err := body.Write(scratch[:n]); err != nil {
				return err
			}
		}
		if n > 0 || missed {
			continue
		}
		// All that has happened is written. It must be sent before others push.
		if err := body.Flush(); err != nil {
			return err
		}
		if joined, err := t.join(o, from); joined || err != nil {
			return err
		}
	}
}

// since is the number of the event that a peer is to get next which says that
// it has seen the one with an ID. missed says that there were others before.
func (t *Topic) since(id []byte) (from uint64, missed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id == nil {
		return t.ring.next, false
	}
	seen, ok := t.parseID(id)
	if !ok || t.o.Replay == 0 || seen >= t.ring.next {
		return t.ring.next, true
	}
	if from = seen + 1; from < t.ring.first() {
		return t.ring.first(), true
	}
	return from, false
}

// replay copies the next bytes of past events to p, from the byte at off of the
// event from. missed says that events in between are not kept any longer, and
// over that the one which was under way is among them.
func (t *Topic) replay(p []byte, from uint64, off int) (n int, next uint64, nextOff int, missed, over bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if from < t.ring.first() {
		return 0, t.ring.first(), 0, true, off > 0
	}
	for n < len(p) && from < t.ring.next {
		v := t.ring.view(from)
		k := copy(p[n:], v[off:])
		n, off = n+k, off+k
		if off == len(v) {
			from, off = from+1, 0
		}
	}
	return n, from, off, false, false
}

// join makes an outlet a subscriber, if it has all events before next.
func (t *Topic) join(o web.Outlet, next uint64) (joined bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return true, o.Close() // what was published before is written
	case next != t.ring.next:
		return false, nil
	}
	t.list[t.n] = o
	t.n++
	return true, nil
}
