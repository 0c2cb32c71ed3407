package coapudp

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// PacketConn is what a server is served on: a *net.UDPConn, or what stands for
// one. None of its methods keeps the bytes that it is given.
type PacketConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (n int, err error)
	LocalAddr() net.Addr
	Close() error
}

// Server serves a Router to peers that speak CoAP over UDP (RFC 7252). It is
// made by New, and serves once. Its methods may be called from any goroutine.
//
// A fixed number of goroutines read and run handlers, in turn, and one minds the
// time. All that is known is behind one lock, which is never held while a handler
// runs or the Router is called.
type Server struct {
	cfg   ServerConfig
	start time.Time // of the server's clock, which is the Router's too
	conn  socket

	queue   chan *job     // what the handlers have before them
	baton   chan struct{} // whoever takes it leads
	freed   chan struct{} // a job was released that the leader waits for
	wake    chan struct{} // for the sweeper: next is earlier than it was
	stopped chan struct{} // closed by Close
	served  chan struct{} // closed when Serve has nothing left to do
	small   []byte        // what is answered without a handler; behind the lock
	zones   zones         // of the leader
	said    refusal       // what was answered last by the leader
	workers []worker

	mu       sync.Mutex
	state    serverState
	draining bool
	ends     endpoints
	safe     window // of requests that may be done again
	unsafe   window // of all others
	jobs     []job
	free     []*job
	busy     int // jobs that a worker has, or is to have
	lead     lead
	failed   error // of the socket
	outs     []outgoing
	spare    []int32 // of outs
	waiting  int     // outs that are answers
	sent     notes
	late     lates
	gone     []uint64 // peers that the Router is to be told of
	next     int64    // when the sweeper looks next
	echo     echo
	excess   int   // bytes that may go beyond the limits of endpoints
	filled   int64 // when excess was added to last
	counts   Stats

	writing atomic.Int32 // answers that the system is being given without the lock
}

// refusal is what a request was answered without a handler, for Access.
type refusal struct {
	code coap.Code
	peer uint64 // 0 if it is not known
}

type serverState uint8

const (
	stateNew serverState = iota
	stateServing
	stateClosed
)

// forever is a time that never comes.
const forever = transport.Forever

// job is a request that is being worked on. It belongs to the goroutine that
// reads until it is queued, and then to a worker, but for what the lock guards.
type job struct {
	buf []byte
	m   coap.Message // views of buf
	ep  int32
	non bool
	mid uint16

	group  bool // it was sent to a multicast or broadcast address
	inline bool // the leader has it

	// Behind the lock.
	active   bool
	reserved int  // bytes of the server's excess that its answer may take
	acked    bool // an empty acknowledgement was sent
	lost     bool // it was answered for the handler, which took too long
	came     int64
	ack      int64 // when it is to be acknowledged
	deadline int64 // when it is to be answered, 0 as long as no handler has it
	window   *window
	entry    int32
	serial   uint32
}

// worker is who runs handlers.
type worker struct {
	x     *resource.Exchange
	terms resource.Terms
	out   []byte // the datagram of the answer

	zones zones
}

// New makes a server with all its memory. It fails as Validate does, and with
// what is wrong with the Router.
func New(c ServerConfig) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.setDefaults()
	if err := c.Resources.Freeze(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     c,
		start:   time.Now(),
		queue:   make(chan *job, c.Queue+c.Workers+1),
		baton:   make(chan struct{}, 1),
		freed:   make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		served:  make(chan struct{}),
		workers: make([]worker, c.Workers+1),
		ends:    newEndpoints(c.Endpoints),
		safe:    newWindow(c.Exchanges, c.Kept),
		unsafe:  newWindow(c.Exchanges, c.Kept),
		jobs:    make([]job, c.Queue+c.Workers+1),
		free:    make([]*job, 0, c.Queue+c.Workers+1),
		outs:    make([]outgoing, c.InFlight),
		spare:   make([]int32, 0, c.InFlight),
		gone:    make([]uint64, 0, 2*c.Endpoints),
		next:    forever,
		lead:    lead{look: forever},
		excess:  excessMost,
		small:   make([]byte, c.MaxMessage+smallOptions),
	}
	for i := range s.workers {
		s.workers[i] = worker{x: resource.NewExchange(c.Resources, i, make([]byte, c.WorkerMemory)), out: make([]byte, c.MaxMessage)}
	}
	for i := range s.jobs {
		s.jobs[i].buf = make([]byte, c.MaxMessage+1) // one more tells a datagram that is too long
		s.free = append(s.free, &s.jobs[i])
	}
	for i := range s.outs {
		s.outs[i].buf = make([]byte, 0, min(c.MaxMessage, baseMessage))
		s.spare = append(s.spare, int32(i))
	}
	return s, s.echo.init()
}

// Listen opens a socket for Serve: the network is "udp", for IPv4 and IPv6,
// "udp4" or "udp6"; the port of CoAP is 5683.
func Listen(network, address string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr(network, address)
	if err != nil {
		return nil, err
	}
	return net.ListenUDP(network, a)
}

// ListenAndServe is Listen and Serve.
func (s *Server) ListenAndServe(network, address string) error {
	c, err := Listen(network, address)
	if err != nil {
		return err
	}
	return s.Serve(c)
}

// Serve serves what comes on the socket, until Shutdown or Close, when it
// returns nil, or until the socket fails. It has the socket from the call on, and
// closes it. When it returns no handler runs any more. It fails with ErrServing
// if it was called before.
func (s *Server) Serve(c PacketConn) error {
	s.mu.Lock()
	if s.state != stateNew {
		closed := s.state == stateClosed && s.conn == nil
		s.mu.Unlock()
		c.Close()
		if closed {
			return nil
		}
		return ErrServing
	}
	s.state, s.conn = stateServing, socketOf(c)
	s.mu.Unlock()

	var working sync.WaitGroup
	s.baton <- struct{}{}
	for i := range s.workers {
		working.Go(func() { s.work(&s.workers[i]) })
	}
	working.Go(s.sweepAll)
	working.Wait()
	s.tellGone()
	for i := range s.ends.used {
		// Nothing else runs here any more, and what is pushed finds the server
		// closed.
		if s.ends.list[i].linked {
			s.cfg.Resources.Gone(s, s.ends.peer(int32(i)))
		}
	}
	close(s.served)
	return s.failed
}

// Now is the time of the server's clock, which is the Router's.
func (s *Server) now() int64 { return int64(time.Since(s.start)) + 1 }

// Addr is the address that is served, nil before Serve.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	return s.conn.LocalAddr()
}

// drainEvery is how often Shutdown looks.
const drainEvery = 10 * time.Millisecond

// Shutdown lets the requests that have come be answered, by tickets too, and the
// answers be acknowledged; new ones are answered 5.03. Then, or when ctx is done,
// it closes the server. It returns when Serve is about to, with nil, or with the
// cause of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	serving := s.conn != nil
	s.mu.Unlock()
	look := time.NewTicker(drainEvery)
	defer look.Stop()
	var err error
	for doubted := false; err == nil; {
		idle, doubt := s.drained()
		if idle && (!doubt || doubted) {
			break
		}
		doubted = idle
		select {
		case <-look.C:
		case <-s.stopped:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	s.close()
	if !serving || err != nil {
		return err
	}
	select {
	case <-s.served:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drained reports whether nothing is under way any more, but perhaps the answer
// of a ticket that is being pushed at this moment.
func (s *Server) drained() (idle, doubt bool) {
	s.mu.Lock()
	if s.state != stateServing {
		s.mu.Unlock()
		return true, false
	}
	idle = s.busy == 0 && s.waiting == 0 && s.writing.Load() == 0
	late := s.late // the Router is asked without the lock
	s.mu.Unlock()
	for i := range late.list {
		if l := &late.list[i]; l.peer != 0 && idle {
			_, waits := s.cfg.Resources.Waiting(s, l.peer, l.token[:l.n])
			idle, doubt = !waits, true
		}
	}
	return idle, doubt
}

// Close closes the socket at once. Serve returns when the handlers that run have
// returned; what they answer is not sent.
func (s *Server) Close() error {
	s.close()
	return nil
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return
	}
	s.state = stateClosed
	close(s.stopped)
	if s.conn != nil {
		s.conn.Close()
	}
}

// Stats are counts of a server, read while it runs.
type Stats struct {
	Endpoints    int       // known now
	Answers      [6]uint64 // requests answered, by the class of the code; 0 for those without an answer, or with one that comes later
	Received     uint64    // datagrams
	Malformed    uint64    // of these, that made no sense
	Requests     uint64    // given to handlers
	Duplicates   uint64    // requests that had come before
	Repeated     uint64    // of these, that were given to a handler again, since what they had been answered was forgotten
	Busy         uint64    // requests answered 5.03
	Challenged   uint64    // requests answered 4.01 with Echo
	Excess       uint64    // bytes of answers that went beyond the limit of their peer
	Separate     uint64    // answers that did not go with the acknowledgement
	Late         uint64    // requests answered 5.03 since their handler took too long
	Notified     uint64    // notifications sent
	Superseded   uint64    // notifications that were not sent, since there was a newer one
	Retransmits  uint64    // messages sent again, or newer ones in their place
	Unanswered   uint64    // messages given up
	Resets       uint64    // messages of ours that were rejected
	Forgotten    uint64    // endpoints that gave way to others
	Unsent       uint64    // datagrams that the system has not taken
	WithoutPlace uint64    // datagrams answered 5.03 since every known endpoint was busy
}

// Stats reads the counts, without allocating.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Endpoints = s.ends.used
	return c
}

// Memory is how many bytes the server holds: see ServerConfig.Memory.
func (s *Server) Memory() int { return s.cfg.Memory() }

var _ resource.Pusher = (*Server)(nil)
