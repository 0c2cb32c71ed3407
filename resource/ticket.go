package resource

import (
	"math"
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/pool"
)

// Ticket is the right to answer a request later, once, from any goroutine. It
// may be copied and compared; the zero value answers nothing.
type Ticket struct {
	r      *Router
	index  uint32
	serial uint32
}

// ticket is what is known of a request that is answered later.
type ticket struct {
	pusher   Pusher
	peer     uint64
	limit    int64 // by the driver's clock
	state    ticketState
	serial   uint32 // counts who has had the place
	max      int    // bytes that the peer takes
	room     int    // and those that there were for an answer at once
	seq      int32  // of the observation, -1 if there is none
	observer place
	block    coap.Block // what is asked for, or what we cut
	asked    bool       // it is asked for
	cuts     bool       // the answer may be cut
	uploaded bool       // the request had blocks, of which the last was
	last     coap.Block
	silent   uint8
	token    uint8 // its length
}

type ticketState uint8

const (
	ticketFree    ticketState = iota
	ticketWaiting             // to be answered
	ticketTaken               // it is being answered, or was answered within its handler
)

// tickets are the table.
type tickets struct {
	list   []ticket
	tokens []byte
	each   int
	n      int // that wait

	// sweep is Router.sweepTickets when a ticket was given: a program that gives
	// none does not link what answers them.
	sweep func(r *Router, p Pusher, now int64) (next int64)

	// answering is held by who answers, and guards what belongs to him.
	answering sync.Mutex
	opts      [maxNoted + 2 + 3]byte // with Block1
	number    [4]byte
	tag       tag
}

func (t *tickets) init(n, token int) {
	t.list, t.tokens, t.each = make([]ticket, n), make([]byte, n*token), token
}

func (t *tickets) bytes(i int) []byte {
	return t.tokens[i*t.each:][:t.list[i].token]
}

// giveTicket gives one for a request.
func (r *Router) giveTicket(x *Exchange, limit int64) (Ticket, error) {
	if len(x.m.Token) > r.Token {
		return Ticket{}, ErrFull
	}
	r.mu.Lock()
	ok := r.giveLocked(x, limit)
	r.mu.Unlock()
	if !ok {
		return Ticket{}, ErrFull
	}
	return x.ticket, nil
}

func (r *Router) giveLocked(x *Exchange, limit int64) bool {
	free, others := -1, 0
	for i := range r.tickets.list {
		switch e := &r.tickets.list[i]; {
		case e.state == ticketFree:
			free = i
		case e.peer == x.t.Peer && same.Pointer(e.pusher, x.t.Pusher):
			others++
		}
	}
	if free < 0 || others >= r.PerPeer {
		return false
	}
	e := &r.tickets.list[free]
	*e = ticket{
		pusher: x.t.Pusher, peer: x.t.Peer, limit: x.t.Now + limit, state: ticketWaiting, serial: e.serial + 1,
		max: x.t.Max, room: cap(x.out), seq: x.seq, observer: x.observer, silent: x.silent,
		uploaded: x.has&hasBlock1 != 0, last: x.acknowledged(false),
		block: coap.Block{SZX: min(x.t.SZX, 6)}, asked: x.has&hasBlock2 != 0,
		cuts: x.asksAgain(),
	}
	if e.asked {
		e.block = x.block2
	} else if x.t.BERT {
		e.block.SZX = coap.BERT
	}
	e.token = uint8(copy(r.tickets.tokens[free*r.Token:][:r.Token], x.m.Token))
	r.tickets.n++
	r.tickets.sweep = (*Router).sweepTickets
	x.ticket = Ticket{r, uint32(free), e.serial}
	return true
}

// take moves a ticket from one state to another, and reports whether it could.
func (r *Router) take(t Ticket, from, to ticketState) bool {
	if t.r == nil {
		return false
	}
	r.mu.Lock()
	e := &r.tickets.list[t.index]
	ok := e.serial == t.serial && e.state == from
	if ok {
		e.state = to
		if from == ticketWaiting {
			r.tickets.n--
		}
		if to == ticketWaiting {
			r.tickets.n++
		}
	}
	r.mu.Unlock()
	return ok
}

// takeBack takes a ticket back whose handler has answered at once. It fails if
// somebody has been faster.
func (r *Router) takeBack(t Ticket) bool { return r.take(t, ticketWaiting, ticketFree) }

// Answer answers the request. The first call counts; others fail with
// pool.ErrStale, as do those after the limit and after the end of the peer.
// Options are encoded, MaxNotificationOptions bytes at most, and have neither
// Observe nor the options of blocks. A payload that does not fit goes by blocks
// if the method is GET or FETCH, whose handler is asked again for each further
// block, and is to have its answer made anew: the options should have an ETag
// then. Else it fails with ErrLong, and like after ErrOption and ErrMisuse the
// ticket is still good. Other errors are those of Pusher.Push, after which it is
// not. It does not wait.
func (t Ticket) Answer(c coap.Code, o coap.Options, payload []byte) error {
	r := t.r
	if !r.take(t, ticketWaiting, ticketTaken) {
		return pool.ErrStale
	}
	r.answering.Lock()
	e := &r.tickets.list[t.index]
	m, err := r.later(e, c, o, payload)
	if err != nil {
		r.answering.Unlock()
		r.take(t, ticketTaken, ticketWaiting)
		return err
	}
	m.Token = r.tickets.bytes(int(t.index))
	if e.silent>>(c.Class()-1)&1 == 0 { // RFC 7967 section 2.1
		err = e.pusher.Push(e.peer, m, 0, engine.DropNewest)
	}
	r.answering.Unlock()
	if e.seq >= 0 && (err != nil || c.IsError()) {
		r.endPlace(e.observer) // RFC 7641 section 4.1
	}
	p, peer := e.pusher, e.peer
	r.take(t, ticketTaken, ticketFree)
	if p, ok := p.(interface{ Answered(peer uint64) }); ok {
		p.Answered(peer)
	}
	return err
}

// later makes the message of an answer.
func (r *Router) later(e *ticket, c coap.Code, o coap.Options, payload []byte) (m coap.Message, err error) {
	switch {
	case !c.IsResponse() || c.Class() == 3 || c == coap.CodeContinue:
		return m, ErrMisuse
	case len(o) > MaxNotificationOptions:
		return m, ErrLong
	case coap.CheckOptions(o) != nil:
		return m, ErrOption
	}
	it := o.Iter()
	for it.Next() {
		if !isFree(it.Number) {
			return m, ErrOption
		}
	}
	m = coap.Message{Code: c, Payload: payload}
	opts := append(r.tickets.opts[:0], o...)
	if e.seq >= 0 && !c.IsError() {
		opts = coap.InsertOption(opts, coap.OptObserve, putUint(&r.tickets.number, uint32(e.seq)))
	}
	if e.uploaded {
		opts = coap.InsertOption(opts, coap.OptBlock1, putUint(&r.tickets.number, e.last.Uint()))
	}
	room := math.MaxInt
	if e.max > 0 {
		room = e.max - len(opts)
	}
	if e.cuts && !c.IsError() {
		// What goes whole must be kept whole, should the peer not take it: no
		// longer than what is answered at once.
		room = min(room, e.room-len(opts))
	}
	if c.IsError() || !e.asked && len(payload) < room {
		m.Options = opts
		return m, fits(payload, room)
	}
	if !e.cuts {
		m.Options = opts
		return m, fits(payload, room)
	}
	b := e.block
	off := b.Offset()
	if off > 0 && off >= uint64(len(payload)) {
		// The state has become shorter.
		return coap.Message{Code: coap.CodeBadRequest}, nil
	}
	if !coap.Options(opts).Has(coap.OptETag) && len(payload) > b.Size() {
		r.tickets.tag = sum(payload, nil)
		opts = coap.InsertOption(opts, coap.OptETag, r.tickets.tag.bytes())
	}
	room = e.room - len(opts)
	n, ok := fit(&b, room-blockRoom, int64(off))
	if !ok {
		return m, ErrLong
	}
	m.Payload = payload[off:]
	if b.More = len(m.Payload) > n; b.More {
		m.Payload = m.Payload[:n]
	}
	opts = coap.InsertOption(opts, coap.OptBlock2, putUint(&r.tickets.number, b.Uint()))
	if off == 0 {
		opts = coap.InsertOption(opts, coap.OptSize2, putUint(&r.tickets.number, uint32(len(payload))))
	}
	m.Options = opts
	return m, nil
}

// fits reports, as an error, whether a payload has room with its marker.
func fits(payload []byte, room int) error {
	if len(payload) > 0 && len(payload) >= room {
		return ErrLong
	}
	return nil
}

// Waiting is how many tickets of a peer are yet to be answered, and whether one
// of them is for a request with a token. One is among them until its answer was
// pushed; then the Pusher is told, by Answered(peer uint64), if it has that.
func (r *Router) Waiting(p Pusher, peer uint64, token []byte) (n int, taken bool) {
	r.Freeze()
	r.mu.Lock()
	for i := range r.tickets.list {
		if e := &r.tickets.list[i]; e.state != ticketFree && e.peer == peer && same.Pointer(e.pusher, p) {
			n++
			taken = taken || ascii.View(r.tickets.bytes(i)) == ascii.View(token)
		}
	}
	r.mu.Unlock()
	return n, taken
}

// dropTickets ends those of a peer.
func (r *Router) dropTickets(p Pusher, peer uint64) {
	r.mu.Lock()
	for i := range r.tickets.list {
		if e := &r.tickets.list[i]; e.state == ticketWaiting && e.peer == peer && same.Pointer(e.pusher, p) {
			e.state = ticketFree
			r.tickets.n--
		}
	}
	r.mu.Unlock()
}

// retry is for how many seconds a peer need not try again whose answer did not
// come in time.
const retry = 5

// sweepTickets answers those that are at their limit, and returns when the next
// will be.
func (r *Router) sweepTickets(p Pusher, now int64) (next int64) {
	for {
		next = math.MaxInt64
		var due Ticket
		r.mu.Lock()
		for i := range r.tickets.list {
			e := &r.tickets.list[i]
			if e.state != ticketWaiting || !same.Pointer(e.pusher, p) {
				continue
			}
			if e.limit <= now {
				due = Ticket{r, uint32(i), e.serial}
				break
			}
			next = min(next, e.limit)
		}
		if due.r != nil {
			r.counts.Expired++
		}
		r.mu.Unlock()
		if due.r == nil {
			return next
		}
		due.Answer(coap.CodeServiceUnavailable, maxAgeRetry, nil)
	}
}

// maxAgeRetry is Max-Age with the value of retry.
var maxAgeRetry = coap.Options{0xD1, byte(coap.OptMaxAge) - 13, retry}
