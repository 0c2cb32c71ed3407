package coapconn

import "github.com/bobtail-go/bobtail/coap"

// Call is a request and its answer, or a ping. It is the caller's memory, may
// be used again when it is over, and must not be copied. From Start until it is
// over, it must be left alone.
type Call struct {
	// Code is the method, or coap.CodePing: then Options may have coap.OptCustody,
	// and there is no Payload.
	Code coap.Code

	// Options and Payload are those of the request. They are read until Start
	// returns, and those of an observation until that is over.
	Options coap.Options
	Payload []byte

	// Into takes the options and the payload of the answer. If they do not fit,
	// the call fails with ErrAnswer.
	Into []byte

	// Understands are the critical options that the caller minds in the answer,
	// beside those of the registry.
	Understands []coap.Option

	// Keep has the next Start of the Call on this connection use the same token,
	// for the parts of a transfer by blocks: some servers know by it what belongs
	// together. The exchange is kept for that, until Cancel.
	Keep bool

	// Notify makes a request with Observe 0 an observation (RFC 7641 section
	// 3.1): it is called by Run with every notification behind the answer, in
	// the order of their states (RFC 8323 section 7.1). m is valid during the
	// call. A notification without the Observe option, or of an error, is the
	// last. An error says that there will be no more since the connection has
	// ended; m is then empty. Notify holds up all that comes on the connection;
	// it may start and cancel calls, but not wait for one. What was under way
	// when Cancel is called may still come to it.
	Notify func(m coap.Message, err error)

	// Answer is the answer, when the call is over: a view of Into, without a
	// token.
	Answer coap.Message

	// Err is why there is none, when the call is over.
	Err error

	done   chan struct{} // of one place: told when the call is over
	waited bool
	slot   uint16
	state  callState // guarded by the Conn
}

// callState is where a call is.
type callState uint8

const (
	callIdle     callState = iota // not begun, or over
	callWaits                     // for its answer
	callObserves                  // answered, and notifications come
)

// Done is told, once, when the call has its answer or has failed: for a select.
// It is there from the first Start on.
func (a *Call) Done() <-chan struct{} { return a.done }

// Wait waits until the call has its answer, and returns Err. It is for the
// goroutine that has called Start, and not to be mixed with Done.
func (a *Call) Wait() error {
	if !a.waited {
		<-a.done
		a.waited = true
	}
	return a.Err
}

// finish ends the wait for the answer.
func (a *Call) finish(err error) {
	a.Err = err
	if err != nil {
		a.Answer = coap.Message{}
	}
	signal(a.done)
}

// observes reports whether the call asks to observe (RFC 7641 section 2).
func (a *Call) observes() bool {
	if a.Code.IsSignal() {
		return false
	}
	v, ok := a.Options.Uint(coap.OptObserve)
	return ok && v == 0
}

// exchange is a token of ours that the peer may still use.
type exchange struct {
	call  *Call
	uses  uint32 // how often it was in use: part of the token
	state exchangeState
}

// exchangeState is what is to come with the token.
type exchangeState uint8

const (
	exchangeFree     exchangeState = iota
	exchangeWaits                  // the answer, for the call
	exchangeObserved               // notifications, for the call
	exchangeDropped                // the answer, for nobody
	exchangeUnwanted               // notifications, for nobody, who was not told so
	exchangeLeft                   // notifications, for nobody, until the answer to our deregistration
	exchangeKept                   // nothing, until the call is started again
)

// end frees an exchange of which nothing will come any more.
func (e *exchange) end(c *Conn, slot uint16, err error) {
	call, state := e.call, e.state
	if state == exchangeFree {
		return
	}
	c.release(slot)
	switch state {
	case exchangeWaits:
		call.state = callIdle
		call.finish(err)
	case exchangeObserved:
		call.state = callIdle
		c.lapsed = append(c.lapsed, call) // within its capacity: see Run
	}
}

// release gives a number back.
func (c *Conn) release(slot uint16) {
	e := &c.table[slot]
	if e.state == exchangeWaits {
		c.waiting--
	}
	e.call, e.state = nil, exchangeFree
	c.free <- slot // which has room for all
}

// token is the token of an exchange: a number that is not used again, in as few
// bytes as it has. So an answer that comes too late, or twice, is not taken for
// that of another request, and who guesses must know how many there were.
//
// It is valid until the next call.
func (c *Conn) token(slot uint16) []byte {
	v := uint64(c.table[slot].uses)*uint64(len(c.table)) + uint64(slot)
	i := len(c.name)
	for ; v != 0; v >>= 8 {
		i--
		c.name[i] = byte(v)
	}
	return c.name[i:]
}

// find is the exchange of a token, nil if it is none of ours.
func (c *Conn) find(token []byte) (e *exchange, slot uint16) {
	if len(token) == 0 || len(token) > coap.MaxToken || token[0] == 0 {
		return nil, 0
	}
	v := uint64(0)
	for _, b := range token {
		v = v<<8 | uint64(b)
	}
	slot = uint16(v % uint64(len(c.table)))
	e = &c.table[slot]
	if e.state == exchangeFree || uint64(e.uses) != v/uint64(len(c.table)) {
		return nil, 0
	}
	return e, slot
}

// Start sends a request, and returns when all of it is on its way. It waits for
// an exchange to be free, for its turn, and for room, but no longer than until
// stop can be received from, if that is not nil: then it fails with
// ErrCancelled. A message that is longer than the room there is for one is not
// stopped once it has begun. When Start fails, the call has not begun.
//
// A message may be as long as the peer has said, or coap.BaseMessage before he
// has: one that is longer fails with ErrTooLong.
func (c *Conn) Start(a *Call, stop <-chan struct{}) error {
	ping := a.Code == coap.CodePing
	if !a.Code.IsRequest() && !ping || ping && len(a.Payload) != 0 || a.Notify == nil && a.observes() {
		return ErrCall
	}
	c.mu.Lock()
	err := c.stop
	if a.state != callIdle {
		err = ErrInUse
	}
	slot, kept := c.kept(a)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if a.done == nil {
		a.done = make(chan struct{}, 1)
	}
	if !kept {
		select {
		case slot = <-c.free:
		default:
			select {
			case slot = <-c.free:
			case <-stop:
				return ErrCancelled
			}
		}
	}
	if c.take(stop) {
		c.mu.Lock()
		err = c.start(a, slot, kept, stop)
		<-c.turn
		c.unlock()
	} else {
		err = ErrCancelled
	}
	if err != nil && !kept {
		c.free <- slot
	}
	return err
}

// kept is the exchange that is kept for a call, if one is.
func (c *Conn) kept(a *Call) (slot uint16, ok bool) {
	if int(a.slot) >= len(c.table) {
		return 0, false // it was on another Conn
	}
	e := &c.table[a.slot]
	return a.slot, e.state == exchangeKept && e.call == a
}

// take takes the turn.
func (c *Conn) take(stop <-chan struct{}) bool {
	select {
	case c.turn <- struct{}{}:
		return true
	default:
	}
	select {
	case c.turn <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}

// start is Start with a number, the turn and the lock.
func (c *Conn) start(a *Call, slot uint16, kept bool, stop <-chan struct{}) error {
	l := &c.lanes[laneRequests]
	rest := int(coap.SizeBody(a.Options, a.Payload))
	e := &c.table[slot]
	if !kept {
		e.uses++
		if e.uses == 0 {
			e.uses = 1 // so that no token is empty
		}
	}
	err := c.stop
	if err == nil && (rest > 1<<31-1-coap.MaxTCPHeader-coap.MaxToken || c.tooLong(slot, rest)) {
		err = ErrTooLong
	}
	if err == nil {
		err = c.await(l, coap.MaxTCPHeader+coap.MaxToken+rest, stop)
	}
	if err == nil {
		err = c.stop // a Release, since we looked
	}
	if err != nil {
		return err
	}
	a.Answer, a.Err, a.waited = coap.Message{}, nil, false
	drain(a.done)
	a.slot, a.state = slot, callWaits
	e.call, e.state = a, exchangeWaits
	c.waiting++
	l.inside = true
	c.head(l, a.Code, slot, rest)
	// An end of the connection in the middle is told by the call: it is as if it
	// had come a moment later.
	_ = c.putRest(l, a.Options, a.Payload)
	l.inside = false
	return nil
}

// putRest puts what is behind the head of a message.
func (c *Conn) putRest(l *lane, o coap.Options, payload []byte) error {
	err := c.putAll(l, o)
	if err == nil && len(payload) != 0 {
		if err = c.putAll(l, marker[:]); err == nil {
			err = c.putAll(l, payload)
		}
	}
	return err
}

// marker is what stands before a payload.
var marker = [1]byte{0xFF}

// tooLong reports whether the peer does not take a message with so many bytes
// behind the token.
func (c *Conn) tooLong(slot uint16, rest int) bool {
	h := coap.Header{TokenLength: len(c.token(slot)), Length: uint64(rest)}
	return h.Size() > uint64(c.session.Peer.Message())
}

// head puts the head of a message, for which there is room.
func (c *Conn) head(l *lane, code coap.Code, slot uint16, rest int) {
	l.used(coap.AppendTCPHeader(l.free(), code, c.token(slot), rest))
}

// Do is Start and Wait, but waits for the answer no longer than until stop can
// be received from: then it cancels the call.
func (c *Conn) Do(a *Call, stop <-chan struct{}) error {
	if err := c.Start(a, stop); err != nil {
		return err
	}
	select {
	case <-a.done:
		a.waited = true
		return a.Err
	case <-stop:
	}
	// Stop can be received from, and so Cancel does not wait.
	c.Cancel(a, stop)
	return a.Wait()
}

// Cancel ends a call. One that waits for its answer fails with ErrCancelled,
// unless the answer is here; when it comes, it is dropped. The exchange is free
// only then, so that its token is not used again too early.
//
// The peer is told of the end of an observation, also of one that is not
// answered yet, by the same request with Observe 1 (RFC 7641 section 3.6, RFC
// 8323 section 7.4); for that it waits as Start does. If it fails, the peer was
// not told, and the call is over all the same, but for one that was observing
// and whose Cancel has failed with ErrCancelled: that may be tried again.
// Cancelling a call that is over does nothing but give up what Keep has kept.
func (c *Conn) Cancel(a *Call, stop <-chan struct{}) error {
	c.mu.Lock()
	if a.state == callIdle {
		if slot, ok := c.kept(a); ok {
			c.release(slot)
		}
		c.mu.Unlock()
		return nil
	}
	if !a.observes() {
		c.drop(a, exchangeDropped)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	err := error(ErrCancelled)
	if c.take(stop) {
		c.mu.Lock()
		err = c.leave(a, stop)
		<-c.turn
	} else {
		c.mu.Lock()
	}
	if err != nil && (a.state == callWaits || a.state == callObserves && !ErrCancelled.Is(err)) {
		c.drop(a, exchangeUnwanted)
	}
	c.unlock()
	return err
}

// drop has nobody wait for a call any more.
func (c *Conn) drop(a *Call, then exchangeState) {
	e := &c.table[a.slot]
	if e.state == exchangeWaits {
		c.waiting--
		a.finish(ErrCancelled)
	}
	e.call, e.state = nil, then
	a.state = callIdle
}

// leave deregisters, with the turn and the lock.
func (c *Conn) leave(a *Call, stop <-chan struct{}) error {
	l := &c.lanes[laneRequests]
	// The Observe option is written anew, with the value 1 (RFC 7641 section
	// 3.6); the deltas of the others do not change.
	from, to := observeOption(a.Options)
	// The payload of a FETCH is what is observed (RFC 8132 section 2.4).
	rest := int(coap.SizeBody(a.Options, a.Payload)) - (to - from) + 2
	if c.over == nil && c.tooLong(a.slot, rest) {
		return ErrTooLong
	}
	err := c.await(l, coap.MaxTCPHeader+coap.MaxToken+rest, stop)
	if err == nil {
		err = c.stop
	}
	if err != nil || a.state == callIdle { // it ended in the meantime
		return err
	}
	slot := a.slot
	c.drop(a, exchangeLeft)
	one := [2]byte{a.Options[from]&0xF0 | 1, 1}
	l.inside = true
	c.head(l, a.Code, slot, rest)
	if err = c.putAll(l, a.Options[:from]); err == nil {
		if err = c.putAll(l, one[:]); err == nil {
			err = c.putRest(l, a.Options[to:], a.Payload)
		}
	}
	l.inside = false
	return err
}

// observeOption is where the Observe option is, which is there.
func observeOption(o coap.Options) (from, to int) {
	prev := coap.Option(0)
	it := o.Iter()
	for it.Next() {
		from = to
		// A delta and a length have one encoding each (RFC 7252 section 3.1).
		to += coap.SizeOption(prev, it.Number, len(it.Value))
		if prev = it.Number; prev == coap.OptObserve {
			return from, to
		}
	}
	panic("BUG: coapconn: an observation without the option")
}
