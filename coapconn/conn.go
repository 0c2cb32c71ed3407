package coapconn

import (
	"io"
	"sync"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a connection is made with. It is not changed while in use.
type Config struct {
	// In holds what was received and not processed yet. Its size, at least
	// MinIn bytes, is the longest message that the peer may send, as our CSM
	// tells him.
	In []byte

	// Out holds requests until they are sent, at least MinOut bytes. One that
	// fits into half of it is given to the stream at once, with others if there
	// are some; a longer one goes by pieces.
	Out []byte

	// Exchanges is how many calls there may be at a time, observations and those
	// that were cancelled included until the peer has answered them. 0 stands
	// for 16. Each takes some 32 bytes.
	Exchanges int

	// BlockWise says in the CSM that the program deals with blockwise transfers,
	// and with blocks of several KB if In is longer than coap.BaseMessage (RFC
	// 8323 sections 5.3.2 and 6).
	BlockWise bool

	// Strict ends the connection with a peer whose first message is not a CSM
	// (RFC 8323 section 5.3), and wants the token of a ping in its pong (section
	// 5.4); else a pong without a token is one to any ping.
	Strict bool

	// Resources serves the peer's requests, in Run. Without it they are answered
	// 4.04. Arena is the memory of resource.NewExchange for them.
	Resources *resource.Router
	Arena     []byte

	// Answers holds answers until they are sent, at least MinAnswers bytes if
	// there are Resources. An answer is a third of it at most.
	Answers []byte

	// Pushes holds, until they are sent, notifications of resources that the
	// peer observes, and answers that come later by a resource.Ticket. Without
	// it there is none of both; with less than MinPushes bytes it is an error.
	Pushes []byte

	// Remote is where the peer is, for the Resources.
	Remote transport.Addr

	// Now is the clock in nanoseconds, from any time on, for the Resources. Nil
	// is one that stands still.
	Now func() int64

	// Background, if it is not nil, runs a function in a goroutine of its own, at
	// most one at a time: it writes. Without it, whoever has something to send
	// writes it, and what others have; so does Run, which then does not read as
	// long as the peer does not. If both ends of a connection do that at the
	// same time, while each has the other answer more requests than the stream
	// between them can hold, they wait for ever.
	Background func(f func())

	// Settled, if it is not nil, is called by Run whenever a CSM of the peer's
	// has come, which Peer tells of.
	Settled func()
}

// The least sizes of the buffers, in bytes.
const (
	MinIn      = coap.BaseMessage     // what a peer may send before he knows our CSM (RFC 8323 section 5.3.1)
	MinOut     = 128                  // two short requests
	MinAnswers = 3 * coap.BaseMessage // one answer that is made, one that waits, one that is sent
	MinPushes  = 2 * coap.BaseMessage
)

// signals is the size of a lane for nothing but pongs, refusals, and what the
// connection begins and ends with.
const signals = 128

// defaultExchanges is the default of Config.Exchanges.
const defaultExchanges = 16

// maxExchanges bounds it: a slot is numbered by 16 bits.
const maxExchanges = 1 << 16

// errShort is what a stream is held to.
var errShort = io.ErrShortWrite

// Conn is a connection. One goroutine calls Run; all other methods may be
// called from any. It must not be copied.
type Conn struct {
	config  Config
	ours    coap.Settings
	flusher func() // flush
	small   [2 * signals]byte

	// Reading, by Run alone.
	// in[pos:to] are bytes that were received and not processed yet.
	in      []byte
	pos, to int
	x       *resource.Exchange
	scratch []byte // where answers are made
	terms   resource.Terms
	sweep   int64   // when Sweep is next worth a call
	lapsed  []*Call // observations that have ended with the connection; guarded by the lock until Run is at its end

	// turn is held by whoever puts a request into its lane, from its first byte
	// to its last.
	turn chan struct{}

	// free has the numbers of the exchanges that are not in use.
	free chan uint16

	// idle is told when nobody flushes any more.
	idle chan struct{}

	mu       sync.Mutex
	rw       io.ReadWriter
	session  coap.Session
	table    []exchange
	waiting  int // exchanges whose answer somebody waits for
	lanes    [numLanes]lane
	cut      *lane // what is written ends within a message of this lane
	flushing bool
	held     bool   // pushes wait for the answer that is being made
	broken   bool   // nothing can be written any more
	running  bool   // Run has begun
	serial   uint64 // of the stream, for the Resources
	stop     error  // why no request may begin, nil if one may
	over     error  // why the connection is at its end, nil if it is not
	ended    EndError
	name     [coap.MaxToken]byte // of token
}

// New makes a connection without a stream: see Reset. It keeps the buffers of
// c, which are its own from now on. It alone allocates, besides what
// resource.NewExchange does, which it calls.
func New(c Config) (*Conn, error) {
	if c.Exchanges == 0 {
		c.Exchanges = defaultExchanges
	}
	switch {
	case len(c.In) < MinIn || len(c.Out) < MinOut,
		c.Resources != nil && len(c.Answers) < MinAnswers,
		c.Pushes != nil && len(c.Pushes) < MinPushes:
		return nil, ErrBuffer
	case c.Exchanges < 0 || c.Exchanges > maxExchanges:
		return nil, ErrConfig
	}
	n := &Conn{
		config: c,
		ours:   coap.Settings{MaxMessage: uint32(min(len(c.In), 1<<31-1)), BlockWise: c.BlockWise || c.Resources != nil},
		in:     c.In,
		turn:   make(chan struct{}, 1),
		free:   make(chan uint16, c.Exchanges),
		idle:   make(chan struct{}, 1),
		table:  make([]exchange, c.Exchanges),
		lapsed: make([]*Call, 0, c.Exchanges),
		stop:   ErrClosed,
		over:   ErrClosed,
	}
	n.flusher = n.flush
	for i := range n.table {
		n.free <- uint16(i)
	}
	answers := n.small[:]
	if c.Resources != nil {
		third := len(c.Answers) / 3
		n.scratch, answers = c.Answers[:third:third], c.Answers[third:]
		n.x = resource.NewExchange(c.Resources, 0, c.Arena)
	}
	n.lanes[laneAnswers].init(answers)
	n.lanes[lanePushes].init(c.Pushes)
	n.lanes[laneRequests].init(c.Out)
	return n, nil
}

// Reset begins a new connection over rw, which the Conn does not close, and
// sends our CSM (RFC 8323 section 5.3). Requests may be sent at once, and are
// answered while Run is called. Nobody else must be using the Conn, and Run have
// returned: else it fails with ErrInUse.
func (c *Conn) Reset(rw io.ReadWriter) error {
	c.mu.Lock()
	if c.over == nil || c.flushing || c.running || len(c.free) != len(c.table) {
		c.mu.Unlock()
		return ErrInUse
	}
	c.rw = rw
	c.pos, c.to = 0, 0
	c.session = coap.Session{}
	for i := range c.lanes {
		c.lanes[i].reset()
	}
	drain(c.idle)
	c.cut, c.held, c.broken = nil, false, false
	c.stop, c.over, c.ended = nil, nil, EndError{}
	c.serial++
	l := &c.lanes[laneAnswers]
	l.used(coap.AppendCSM(l.free(), c.ours))
	c.unlock()
	c.mu.Lock()
	err := c.over
	c.mu.Unlock()
	return err
}

// Peer is what the peer has said of itself so far: the base values before its
// CSM is here (RFC 8323 section 5.3).
func (c *Conn) Peer() coap.Settings {
	c.mu.Lock()
	s := c.session.Peer
	c.mu.Unlock()
	return s
}

// Settings are what our CSM says.
func (c *Conn) Settings() coap.Settings { return c.ours }

// Err is why the connection is at its end, nil if it is not.
func (c *Conn) Err() error {
	c.mu.Lock()
	err := c.over
	c.mu.Unlock()
	return err
}

// Waiting is the number of calls that wait for their answers.
func (c *Conn) Waiting() int {
	c.mu.Lock()
	n := c.waiting
	c.mu.Unlock()
	return n
}

// Release asks the peer to answer what he was asked, and to close the stream
// (RFC 8323 section 5.5); Run then returns nil. address and holdOff may be ""
// and 0, and are as in coap.AppendRelease; an address that does not fit into
// half of Out fails with ErrTooLong. Requests can no longer be sent: they fail
// with ErrReleased. So does a second Release.
func (c *Conn) Release(address string, holdOff uint32) error {
	c.turn <- struct{}{}
	c.mu.Lock()
	err := c.stop
	size := 2 + 2 + 2 + min(len(address), coap.MaxAddress) + 4 // at most
	l := &c.lanes[laneRequests]                                // so it goes behind the requests that are sent already
	if err == nil && (size > l.size() || uint32(size) > c.session.Peer.Message()) {
		err = ErrTooLong
	}
	if err == nil {
		err = c.await(l, size, nil)
	}
	if err == nil {
		err = c.stop
	}
	if err == nil {
		l.used(coap.AppendRelease(l.free(), address, holdOff))
		c.session.Advance(coap.EventSendRelease)
		c.stop = ErrReleased
	}
	<-c.turn
	c.unlock()
	return err
}

// Abort tells the peer that the connection is over, with a text for who looks
// for the cause, of which the first 100 bytes count, and ends it: all calls fail
// with ErrAborted (RFC 8323 section 5.6). It does not wait. The stream is then
// to be closed, which ends Run.
func (c *Conn) Abort(diagnostic string) {
	c.mu.Lock()
	if c.over == nil {
		c.sendAbort(0, diagnostic)
		c.end(ErrAborted)
	}
	c.unlock()
}

// Close ends the connection without a word: all calls fail with ErrClosed. It
// does not wait. The stream is then to be closed, which ends Run.
func (c *Conn) Close() {
	c.mu.Lock()
	if c.over == nil {
		c.broken = true
		c.end(ErrClosed)
	}
	c.unlock()
}

// sendAbort puts an Abort behind the answers, if there is room: who does not
// read what he was sent does not read this either. What has not begun is not
// sent any more.
func (c *Conn) sendAbort(bad coap.Option, diagnostic string) {
	const most = 100
	diagnostic = diagnostic[:min(len(diagnostic), most)]
	for i := range c.lanes {
		if l := &c.lanes[i]; i != laneAnswers && l != c.cut {
			l.n = 0
		}
	}
	l := &c.lanes[laneAnswers]
	if l.left() >= 2+1+3+1+1+len(diagnostic) {
		l.used(coap.AppendAbort(l.free(), bad, diagnostic))
	}
}

// end ends the connection for err, unless it is at its end already: all calls
// fail.
func (c *Conn) end(err error) {
	if c.over != nil {
		return
	}
	c.over, c.stop = err, err
	c.session.Advance(coap.EventClose)
	for i := range c.table {
		c.table[i].end(c, uint16(i), err)
	}
	// Who waits for room sees that there will be none.
	for i := range c.lanes {
		signal(c.lanes[i].room)
	}
}
