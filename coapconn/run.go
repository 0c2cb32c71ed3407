package coapconn

import (
	"io"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/transport"
)

// This file receives, in Run.

// emptyReads is how often a stream may read nothing without an error, as in
// package bufio.
const emptyReads = 100

// Run reads what the peer sends until the connection ends: it gives answers to
// the calls that wait for them, serves the peer's requests, and answers pings.
// It returns nil if the peer has closed the stream as Release has asked him to,
// an *EndError if he has ended the connection by a Release or an Abort, or else
// why it has ended: ErrEnded, ErrTruncated, an error of the stream, or one of
// package coap if he has broken a rule, of which he was told by an Abort. Calls
// that wait have failed with the same. The stream is then to be closed.
//
// After a Release of the peer's it goes on until the answers are here that are
// waited for.
//
// When Write of the stream has failed, Run goes on reading, since the peer may
// have said why. So Read of that stream must come to an end soon.
func (c *Conn) Run() error {
	c.mu.Lock()
	if c.running || c.rw == nil {
		c.mu.Unlock()
		return ErrInUse
	}
	c.running = true
	c.mu.Unlock()

	err := c.read()
	if c.config.Resources != nil {
		c.config.Resources.Gone(c, c.terms.Peer)
	}
	for i, a := range c.lapsed {
		a.Notify(coap.Message{}, c.over)
		c.lapsed[i] = nil
	}
	c.lapsed = c.lapsed[:0]
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
	return err
}

// read is Run until the end.
func (c *Conn) read() error {
	for {
		for {
			m, n, err := c.parse()
			if err != nil {
				c.mu.Lock()
				return c.reject(0, err)
			}
			if n == 0 {
				break
			}
			if over, err := c.act(&m); over {
				return err
			}
			c.pos += n
		}
		if err := c.fill(); err != nil {
			return c.lost(err)
		}
	}
}

// parse finds the next message. n is its size, 0 if it is not here yet.
func (c *Conn) parse() (m coap.Message, n int, err error) {
	b := c.in[c.pos:c.to]
	h, n, err := coap.ParseTCPHeader(b)
	if n == 0 || err != nil {
		return m, 0, err
	}
	// What is too long is refused before the rest of it is here.
	if err := c.ours.Check(h); err != nil {
		return m, 0, err
	}
	if h.Size() > uint64(len(b)) {
		return m, 0, nil
	}
	return coap.ParseTCP(b)
}

// fill receives more.
func (c *Conn) fill() error {
	c.to = copy(c.in, c.in[c.pos:c.to])
	c.pos = 0
	for range emptyReads {
		n, err := c.rw.Read(c.in[c.to:])
		if n > 0 {
			c.to += n
			return nil // an error will come again
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// act does what a message asks for, and reports whether the connection is over.
func (c *Conn) act(m *coap.Message) (over bool, err error) {
	c.mu.Lock()
	if c.over != nil {
		err := c.over
		c.mu.Unlock()
		return true, err
	}
	action, err := c.session.Take(m, c.config.Strict)
	switch action {
	case coap.ActReject:
		return true, c.reject(c.session.Bad, err)
	case coap.ActIgnore:
		c.mu.Unlock()
		if m.Code == coap.CodeCSM && c.config.Settled != nil {
			c.config.Settled()
		}
		return false, nil
	case coap.ActRequest:
		c.serve(m)
		return false, nil
	case coap.ActResponse, coap.ActPonged:
		c.deliver(m)
	case coap.ActPong:
		// All that came before is processed, but for what is to be answered later
		// by a Ticket: then there is no custody (RFC 8323 section 5.4.1).
		l := &c.lanes[laneAnswers]
		if c.await(l, coap.MaxPing, nil) == nil {
			l.used(coap.AppendPong(l.free(), m.Token, coap.Custody(m.Options)))
		}
	case coap.ActRelease:
		c.ended.release(m)
		if c.stop == nil || ErrReleased.Is(c.stop) {
			c.stop = &c.ended
		}
	case coap.ActAborted:
		c.ended.abort(m)
		c.broken = true
		c.end(&c.ended)
		c.mu.Unlock()
		return true, &c.ended
	}
	if c.ended.Code == coap.CodeRelease && c.waiting == 0 {
		c.end(&c.ended)
		c.settle()
		return true, &c.ended
	}
	c.unlock()
	return false, nil
}

// deliver gives an answer, a notification or a pong to who waits for it, and
// drops what nobody does. It has the lock, but not while it calls Notify.
func (c *Conn) deliver(m *coap.Message) {
	e, slot := c.find(m.Token)
	if e == nil && m.Code == coap.CodePong && len(m.Token) == 0 && !c.config.Strict {
		e, slot = c.ping()
	}
	if e == nil {
		return
	}
	observing := m.Code.Class() == 2 && m.Options.Has(coap.OptObserve)
	switch e.state {
	case exchangeFree, exchangeKept:
	case exchangeWaits:
		a := e.call
		if (a.Code == coap.CodePing) != (m.Code == coap.CodePong) {
			return // an answer to what was none, or the other way round
		}
		err := a.receive(m)
		if observing && a.Notify != nil && a.observes() {
			a.state, e.state = callObserves, exchangeObserved
			c.waiting--
		} else {
			a.state = callIdle
			if a.Keep {
				e.state = exchangeKept
				c.waiting--
			} else {
				c.release(slot)
			}
		}
		a.finish(err)
	case exchangeObserved:
		a := e.call
		if !observing {
			a.state = callIdle
			c.release(slot)
		}
		c.unlock()
		a.Notify(*m, nil)
		c.mu.Lock()
	case exchangeDropped:
		c.release(slot)
	case exchangeUnwanted, exchangeLeft:
		// The answer to the deregistration is the first without the option (RFC
		// 7641 section 3.6): what comes before it was sent before.
		if !observing {
			c.release(slot)
		}
	}
}

// ping is a ping that waits for its pong, for peers that forget the token of it,
// as libcoap did until 2024.
func (c *Conn) ping() (e *exchange, slot uint16) {
	for i := range c.table {
		if e := &c.table[i]; e.state == exchangeWaits && e.call.Code == coap.CodePing {
			return e, uint16(i)
		}
	}
	return nil, 0
}

// receive copies the answer into the caller's memory.
func (a *Call) receive(m *coap.Message) error {
	n := len(m.Options)
	if m.Code.IsSignal() {
		if n > len(a.Into) {
			a.Answer = coap.Message{Code: m.Code} // who asks for no custody need not hear of it
			return nil
		}
	} else if _, bad := m.Options.Critical(a.Understands); bad && m.Code.Class() == 2 {
		// RFC 7252 section 5.4.1. Nothing is done by an error, and libcoap's 4.02
		// has the option that it complains of.
		return ErrOption
	}
	if n+len(m.Payload) > len(a.Into) {
		return ErrAnswer
	}
	into := a.Into[:n+len(m.Payload)]
	copy(into[copy(into, m.Options):], m.Payload)
	a.Answer = coap.Message{Code: m.Code, Options: coap.Options(into[:n:n]), Payload: into[n:]}
	return nil
}

// reject tells the peer that he has broken a rule (RFC 8323 section 5.6). It has
// the lock, and gives it up.
func (c *Conn) reject(bad coap.Option, err error) error {
	if c.over != nil {
		err = c.over
		c.mu.Unlock()
		return err
	}
	c.sendAbort(bad, err.Error())
	c.end(err)
	c.settle()
	return err
}

// settle gives up the lock, and waits until all that can be sent is.
func (c *Conn) settle() {
	c.unlock()
	c.mu.Lock()
	for c.flushing {
		c.mu.Unlock()
		<-c.idle
		c.mu.Lock()
	}
	c.mu.Unlock()
}

// lost ends the connection since the stream has ended. Who is writing is not
// waited for: it may take for ever.
func (c *Conn) lost(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != nil {
		return c.over
	}
	result := err
	released := ErrReleased.Is(c.stop) && c.waiting == 0
	if same.Error(err, io.EOF) || transport.EOF.Is(err) {
		err = ErrEnded
		if c.to != 0 {
			err = ErrTruncated
		}
		result = err
	}
	if released && (ErrEnded.Is(err) || c.broken) {
		err, result = ErrReleased, nil
	} else if c.ended.Code == coap.CodeRelease {
		// He has closed before he has answered all, and has said so before.
		err, result = &c.ended, &c.ended
	} else if c.broken {
		err, result = c.stop, c.stop
	}
	c.broken = true
	c.end(err)
	return result
}
