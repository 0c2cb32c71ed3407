package coapconn

import (
	"io"
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// Peeker is a stream that keeps what was received until it is told to forget
// it: its receive buffer holds what there is of a request until all of it is
// there, and a Served need not.
type Peeker interface {
	// Peek copies what is there, up to len(p) bytes, into p. It does not wait,
	// and says as Read does that nothing is there. When nothing will come behind
	// what it has copied, it returns io.EOF with that.
	Peek(p []byte) (n int, err error)

	// Discard forgets n bytes that Peek has shown.
	Discard(n int)
}

// Roomy is a stream that tells how many bytes Write is sure to take now: a
// request is looked at only when its answer fits, and a Served need not keep
// one.
type Roomy interface {
	Room() int
}

// ServedConfig is what a Served is made with.
type ServedConfig struct {
	// Resources are what is served, and Exchange is a place where that is done,
	// for all connections that one goroutine polls.
	Resources *resource.Router
	Exchange  *resource.Exchange

	// MaxMessage is the longest request that is taken, as the CSM tells the peer,
	// and MaxAnswer the longest answer, in bytes, at least MinServed; 0 is
	// coap.BaseMessage. A peer who does not wait for the CSM may send as much as
	// that, and is sent an Abort if it is too long. A stream's receive buffer, if
	// it is a Peeker, must hold MaxMessage bytes; its send buffer, if it is
	// Roomy, MaxAnswer bytes.
	MaxMessage, MaxAnswer int

	// Keep is the memory of the connection: MaxMessage bytes for the beginning of
	// a request, unless the stream is a Peeker; and MaxAnswer bytes for what the
	// stream did not take of an answer, unless it is Roomy. What is more is for
	// what is pushed: notifications of resources that the peer observes, and
	// answers that come later.
	Keep []byte

	// Remote is where the peer is, for the Resources.
	Remote transport.Addr

	// Strict ends the connection with a peer whose first message is not a CSM
	// (RFC 8323 section 5.3).
	Strict bool
}

// MinServed is the least MaxMessage and MaxAnswer, in bytes: a short request,
// and an answer of a few dozen bytes.
const MinServed = 64

// turns is how many messages are served in one Poll, so that one peer does not
// hold up the others.
const turns = 16

// Served serves one connection in a loop of the program's own, without a
// goroutine: for programs that have none, or whose streams never wait. Poll is
// called by one goroutine at a time, and so are the others but Push. It must
// not be copied.
//
// No request is lost: one is taken only when there is room for its answer, in
// Keep or in the stream. Until then what the peer sends stays where it is, and
// TCP holds the peer back.
type Served struct {
	config  ServedConfig
	ours    coap.Settings
	session coap.Session
	terms   resource.Terms
	begun   bool // Keep is divided
	greeted bool // our CSM is sent
	blocked bool // there was no room for an answer
	more    bool // Poll has stopped before the end
	served  bool // a request was served in this Poll
	release bool // a Release is to be sent
	holdOff uint32
	next    int64 // when Sweep is worth a call
	over    error
	ended   EndError

	in   []byte // the beginning of a request is in[:kept]; none if the stream is a Peeker
	kept int

	// out[from:to] waits to be sent, and messages that have not begun are in it
	// from head on. It is guarded by mu, with serial, serving and gone: others may
	// push.
	mu             sync.Mutex
	out            []byte
	head, from, to int
	serial         uint64
	most           uint32 // bytes of a message that the peer takes
	serving        bool   // the end of out is kept for what is being made
	gone           bool
	slow           bool // the peer takes too little, and is to be given up
}

// Reset begins a new connection.
func (s *Served) Reset(c ServedConfig) error {
	if c.MaxMessage == 0 {
		c.MaxMessage = coap.BaseMessage
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = coap.BaseMessage
	}
	if c.Resources == nil || c.Exchange == nil || c.MaxMessage < MinServed || c.MaxAnswer < MinServed || c.MaxMessage > 1<<31-1 {
		return ErrConfig
	}
	s.mu.Lock()
	s.serial++
	s.most = coap.BaseMessage
	s.out, s.head, s.from, s.to, s.serving, s.gone, s.slow = nil, 0, 0, 0, false, false, false
	s.mu.Unlock()
	s.config = c
	s.ours = coap.Settings{MaxMessage: uint32(c.MaxMessage), BlockWise: true}
	s.session, s.over, s.ended = coap.Session{}, nil, EndError{}
	s.next = 0
	s.begun, s.greeted, s.blocked, s.more, s.release = false, false, false, false, false
	s.in, s.kept = nil, 0
	return nil
}

// begin divides Keep, as the stream wants it, and greets the peer.
func (s *Served) begin(rw io.ReadWriter) error {
	keep := s.config.Keep
	if _, ok := rw.(Peeker); !ok {
		if len(keep) < s.config.MaxMessage {
			return ErrBuffer
		}
		s.in, keep = keep[:s.config.MaxMessage:s.config.MaxMessage], keep[s.config.MaxMessage:]
	}
	_, roomy := rw.(Roomy)
	if !roomy && len(keep) < s.config.MaxAnswer {
		return ErrBuffer
	}
	s.mu.Lock()
	s.out = keep
	s.mu.Unlock()
	s.begun = true
	return nil
}

// Waits reports whether there is no room for an answer, or something that was
// pushed waits: Poll is then to be called when the stream is writable. Nothing is
// read before.
func (s *Served) Waits() bool {
	s.mu.Lock()
	waits := s.from != s.to
	s.mu.Unlock()
	return waits || s.blocked
}

// More reports whether Poll has stopped before it was at the end of what is
// there, for the sake of others: it is then to be called again without waiting
// for anything.
func (s *Served) More() bool { return s.more || s.release }

// Next is when Poll is to be called although nothing has happened, by the clock
// that Poll was given: when an answer that was to come later is due, or what an
// upload has left is to be forgotten.
func (s *Served) Next() int64 {
	if s.config.Resources == nil {
		return 1<<63 - 1
	}
	return s.next
}

// Release asks the peer to finish and to close, when the next Poll can send that
// (RFC 8323 section 5.5), and not to come back for so many seconds; 0 says
// nothing of it.
func (s *Served) Release(holdOff uint32) { s.release, s.holdOff = true, holdOff }

// Poll does what can be done without waiting: it sends what waits, and serves
// requests that are whole. It is to be called when there might be something to
// read, and, if Waits, to write. now is the clock of the Resources, in
// nanoseconds. See also More and Next.
//
// rw does not wait: its methods return transport.ErrWouldBlock, or
// io.ErrNoProgress, or nothing and no error, when nothing can be done now. Write
// may take a part. buf is memory that is used until Poll returns: MaxAnswer
// bytes, and MaxMessage more for a Peeker.
//
// An error is the end: rw is to be closed, and the Served may be Reset. It is
// ErrEnded, or ErrTruncated, when the peer has closed, ErrReleased when he was
// asked to; an *EndError for his Release or Abort; one of package coap when he
// has broken a rule; or that of rw.
func (s *Served) Poll(rw io.ReadWriter, buf []byte, now int64) error {
	if s.over == nil {
		if err := s.poll(rw, buf, now); err != nil {
			s.End(err)
		}
	}
	return s.over
}

// End ends the connection for a reason of the program's: what the Resources keep
// for the peer is forgotten, and Poll returns err. It is to be called for a
// connection that is given up without an error of Poll.
func (s *Served) End(err error) {
	if s.over != nil {
		return
	}
	if err == nil {
		err = ErrClosed
	}
	s.over = err
	s.session.Advance(coap.EventClose)
	s.mu.Lock()
	s.gone = true
	serial := s.serial
	s.mu.Unlock()
	s.config.Resources.Gone(s, serial)
}

func (s *Served) poll(rw io.ReadWriter, buf []byte, now int64) error {
	if !s.begun {
		if err := s.begin(rw); err != nil {
			return err
		}
	}
	if len(buf) < s.config.MaxAnswer || s.in == nil && len(buf) < s.config.MaxAnswer+s.config.MaxMessage {
		return ErrBuffer
	}
	answer, buf := buf[:s.config.MaxAnswer:s.config.MaxAnswer], buf[s.config.MaxAnswer:]
	s.more = false
	if now >= s.next {
		s.next = s.config.Resources.Sweep(s, now)
	}
	err := s.turns(rw, buf, answer, now)
	if s.served {
		s.served = false
		s.next = s.config.Resources.Sweep(s, now) // which knows of all requests now
	}
	return err
}

// turns is Poll for some messages.
func (s *Served) turns(rw io.ReadWriter, buf, answer []byte, now int64) error {
	for range turns {
		if err := s.flush(rw); err != nil {
			return err
		}
		if s.blocked = !s.room(rw); s.blocked {
			return nil
		}
		none, err := s.turn(rw, buf, answer, now)
		s.mu.Lock()
		s.serving = false
		s.mu.Unlock()
		if none || err != nil {
			return err
		}
	}
	s.more = true
	return nil
}

// turn sends one message, or serves one, for whose answer there is room. It
// reports whether there is none.
func (s *Served) turn(rw io.ReadWriter, buf, answer []byte, now int64) (none bool, err error) {
	if !s.greeted {
		s.greeted = true
		return false, s.send(rw, coap.AppendCSM(answer[:0], s.ours))
	}
	if s.release {
		s.release = false
		s.session.Advance(coap.EventSendRelease)
		return false, s.send(rw, coap.AppendRelease(answer[:0], "", s.holdOff))
	}
	m, n, err := s.receive(rw, buf)
	if n == 0 && err == nil {
		return true, nil
	}
	bad := coap.Option(0)
	if n != 0 && err == nil {
		bad, err = s.act(rw, &m, answer, now)
		s.forget(rw, n)
	}
	if e, ok := err.(coap.Error); ok {
		// He has broken a rule (RFC 8323 section 5.6). If there is no room for
		// an Abort, the end of the stream has to do.
		s.session.Advance(coap.EventSendAbort)
		_ = s.send(rw, coap.AppendAbort(answer[:0], bad, e.Error()))
	}
	return false, err
}

// room reports whether an answer of any size can be sent, and has what is pushed
// leave that room to it.
func (s *Served) room(rw io.ReadWriter) bool {
	s.mu.Lock()
	waits, keeps := s.from != s.to, len(s.out) >= s.config.MaxAnswer
	s.serving = keeps && !waits
	s.mu.Unlock()
	if waits {
		return false
	}
	if r, ok := rw.(Roomy); ok && !keeps {
		return r.Room() >= s.config.MaxAnswer
	}
	return true
}

// receive finds the next message: n is 0 if it is not here yet.
func (s *Served) receive(rw io.ReadWriter, buf []byte) (m coap.Message, n int, err error) {
	if s.in == nil {
		k, over := rw.(Peeker).Peek(buf[:s.config.MaxMessage])
		m, n, err = s.parse(buf[:k])
		if n == 0 && err == nil && over != nil {
			err = s.end(over, k)
		}
		return m, n, err
	}
	for {
		m, n, err = s.parse(s.in[:s.kept])
		if n != 0 || err != nil {
			return m, n, err
		}
		// There is room: a message that is longer was refused by parse.
		n, err = rw.Read(s.in[s.kept:])
		if n == 0 {
			return m, 0, s.end(err, s.kept)
		}
		s.kept += n
	}
}

// end is the end of the stream, nil if nothing is there now, with so many bytes
// of a message.
func (s *Served) end(err error, left int) error {
	switch {
	case err == nil || nothing(err):
		return nil
	case !same.Error(err, io.EOF) && !transport.EOF.Is(err):
		return err
	case left != 0:
		return ErrTruncated
	case s.session.State() == coap.StateReleaseSent:
		return ErrReleased
	}
	return ErrEnded
}

// parse finds a message at the front of b.
func (s *Served) parse(b []byte) (m coap.Message, n int, err error) {
	h, n, err := coap.ParseTCPHeader(b)
	if n == 0 || err != nil {
		return m, 0, err
	}
	if err := s.ours.Check(h); err != nil {
		return m, 0, err
	}
	if h.Size() > uint64(len(b)) {
		return m, 0, nil
	}
	return coap.ParseTCP(b)
}

// forget drops a message that was served.
func (s *Served) forget(rw io.ReadWriter, n int) {
	if s.in == nil {
		rw.(Peeker).Discard(n)
		return
	}
	s.kept = copy(s.in, s.in[n:s.kept])
}

// act does what a message asks for.
func (s *Served) act(rw io.ReadWriter, m *coap.Message, answer []byte, now int64) (bad coap.Option, err error) {
	action, err := s.session.Take(m, s.config.Strict)
	switch action {
	case coap.ActReject:
		return s.session.Bad, err
	case coap.ActIgnore:
		s.mu.Lock()
		s.most = s.session.Peer.Message() // if it was a CSM
		s.mu.Unlock()
	case coap.ActRequest:
		return 0, s.serve(rw, m, answer, now)
	case coap.ActPong:
		return 0, s.send(rw, coap.AppendPong(answer[:0], m.Token, coap.Custody(m.Options)))
	case coap.ActRelease:
		s.ended.release(m)
		return 0, &s.ended
	case coap.ActAborted:
		s.ended.abort(m)
		return 0, &s.ended
	}
	return 0, nil // answers to nobody, and what is noted
}

// serve answers a request, for whose answer there is room.
func (s *Served) serve(rw io.ReadWriter, m *coap.Message, dst []byte, now int64) error {
	head := coap.MaxTCPHeader + len(m.Token)
	t := &s.terms
	setTerms(t, s.ours, s.session.Peer, head)
	t.Now, t.Remote, t.Pusher = now, s.config.Remote, nil
	s.served = true
	s.mu.Lock()
	t.Peer = s.serial
	if len(s.out) != 0 {
		t.Pusher = s
	}
	s.mu.Unlock()

	// The body is made where there is room for the head before it.
	body := dst[head:head]
	a := s.config.Exchange.Serve(*m, t, body)

	if a.Later || a.None {
		return nil
	}
	// The head is written anew, since its length depends on that of the body.
	b := coap.AppendTCPHeader(dst[:0], a.Code, m.Token, len(a.Body))
	return s.send(rw, append(b, a.Body...))
}

// send gives a message to the stream, and keeps what that does not take. It goes
// in front of what was pushed since its request came: that may be a newer state
// of what is observed by it (RFC 8323 section 7.1).
func (s *Served) send(rw io.ReadWriter, b []byte) error {
	n, err := rw.Write(b)
	if err != nil && !nothing(err) {
		return err
	}
	rest := b[n:]
	if len(rest) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to+len(rest) > len(s.out) {
		return ErrRoom // a stream that did not tell the truth
	}
	copy(s.out[len(rest):], s.out[:s.to])
	s.head = copy(s.out, rest)
	s.to += len(rest)
	return nil
}

// flush sends what waits.
func (s *Served) flush(rw io.ReadWriter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slow {
		return ErrSlow
	}
	for s.from != s.to {
		n, err := rw.Write(s.out[s.from:s.to])
		s.from += n
		for s.head < s.from {
			s.head += sizeOf(s.out[s.head:s.to])
		}
		if err != nil && !nothing(err) {
			return err
		}
		if n == 0 {
			return nil
		}
	}
	s.head, s.from, s.to = 0, 0, 0
	return nil
}

// nothing reports whether an error says that nothing can be done now.
func nothing(err error) bool {
	return transport.ErrWouldBlock.Is(err) || same.Error(err, io.ErrNoProgress) || same.Error(err, io.ErrShortWrite)
}

// Push sends a response to what the peer has asked before, when Poll is called
// the next time, whole or not at all: it makes the Served a resource.Pusher,
// whose errors it has. It does not wait.
func (s *Served) Push(peer uint64, m coap.Message, _ int, o engine.Overflow) error {
	size := coap.MaxTCPHeader + len(m.Token) + int(coap.SizeBody(m.Options, m.Payload))
	s.mu.Lock()
	defer s.mu.Unlock()
	if peer != s.serial || s.gone {
		return pool.ErrStale
	}
	room := len(s.out)
	if s.serving {
		room -= s.config.MaxAnswer
	}
	if size > len(s.out) || uint64(size) > uint64(s.most) {
		return pool.ErrFull
	}
	for s.to+size > room && o == engine.DropOldest {
		n := dropOldest(s.out[s.head:s.to], m.Token)
		if n == s.to-s.head {
			break
		}
		s.to = s.head + n
	}
	if s.to+size > room {
		if o == engine.CloseSlow && !s.serving {
			s.slow = true
		}
		return pool.ErrBacklog
	}
	s.to += len(coap.AppendTCP(s.out[s.to:s.to], m))
	return nil
}
