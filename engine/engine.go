package engine

import (
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// Error is an error of the engine. Its values are constants.
type Error uint8

// The errors of the engine.
const (
	_            Error = iota
	ErrDeadline        // the handler's time is over
	ErrSlow            // the peer has kept the handler waiting for too long
	ErrReclaimed       // the worker was needed by others; the connection is aborted
	ErrClosing         // the engine is shutting down
	ErrKilled          // the program has ended the connection
	ErrLanes           // Wait needs a backend of one lane
	ErrFull            // no slot, block or listener is free
	ErrRunning         // the engine was started already, or was not yet
	numErrors
)

var errorTexts = [numErrors]string{
	ErrDeadline:  "engine: handler's deadline passed",
	ErrSlow:      "engine: peer too slow",
	ErrReclaimed: "engine: waited too long while others were ready",
	ErrClosing:   "engine: shutting down",
	ErrKilled:    "engine: connection ended by the program",
	ErrLanes:     "engine: to Wait, the backend must have one lane",
	ErrFull:      "engine: full",
	ErrRunning:   "engine: started already, or not yet",
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "engine: unknown error"
}

// Timeout reports whether the error is a passed deadline.
func (e Error) Timeout() bool { return e == ErrDeadline || e == ErrSlow }

// Verdict is what a driver says comes next for a slot.
type Verdict uint8

// The verdicts.
const (
	// Park waits for the peer's next bytes, under the deadline of the slot's
	// phase. If bytes are known to be there, the slot goes to the end of the
	// queue instead, so that nobody is served for ever.
	Park Verdict = iota + 1

	// Hold waits until a worker may be lent (TryLend has failed).
	Hold

	// Await waits until there may be room for output, of which the driver has
	// more than it has given to Send. The slot is in PhaseWrite from then on.
	Await

	// Finish closes the connection in order when its output is sent. The peer
	// has sent all that we were to read.
	Finish

	// Linger is Finish for a peer that may still be sending: what comes is
	// thrown away for a while, so that the output reaches it.
	Linger

	// Abort resets the connection.
	Abort

	// Detached releases the slot, whose stream was given away by Stream.Detach.
	Detached

	// Lost says that the slot is no longer the worker's: EndHandler has
	// returned false.
	Lost

	// Again has the slot served again after the others that are ready: the
	// driver has more to do than is fair in one turn.
	Again
)

// Why is the reason for a farewell.
type Why uint8

// The reasons.
const (
	WhyTimeout Why = iota + 1 // the deadline of the slot's phase has passed
	WhyHandler                // the handler's deadline has passed
	WhyStalled                // the stash is full, and this sender has stalled longest
	WhyRefused                // all slots are taken
	WhyHeld                   // no worker could be lent in time
	WhyClosing                // the engine shuts down
)

// Driver speaks one protocol on slots. There is one for all slots of its
// listeners; its methods are called by many goroutines, but for one slot by
// its owner only.
type Driver interface {
	// Serve does what can be done for a slot with the bytes at hand, and says
	// what is next. It is called when there may be bytes, when the output is
	// sent after it had waited, when there may be room after an Await, when a
	// worker may be lent after a Hold, after an Again, at the time of an Alarm,
	// after a Wake, and when the engine begins to close.
	Serve(w *Worker, s *pool.Slot) Verdict

	// Farewell appends to dst what to tell the peer of a connection that ends
	// for a reason from outside, or nothing. It must not keep dst, which has
	// room for 512 bytes. It is called by one goroutine at a time.
	Farewell(dst []byte, s *pool.Slot, why Why) []byte

	// Gone is called once for each slot that was served, when it will not be
	// served again: before it is released, or before what the peer still sends
	// is thrown away. The driver lets go of what it keeps elsewhere for it.
	Gone(s *pool.Slot, h pool.Handle)
}

// WorkerGone is what a Driver may be too, whose Gone calls the program. If
// GoneByWorkers is true, connections that end for a reason from outside end on a
// worker, not on whoever pushes to them, nor on the monitor, whom nothing may keep
// waiting. There are three exceptions, in which Gone must not call the program:
// connections that are evicted for new clients (only those in PhaseIdle are),
// those that could not even be attached to a lane, and those of an engine that
// stops.
type WorkerGone interface{ GoneByWorkers() bool }

// Eager is what a Driver may be too, for a protocol in which the one who was
// called speaks first. If Eager is true, a connection is served as soon as it is
// accepted, in PhaseOpen, and not only when its peer has sent something.
type Eager interface{ Eager() bool }

// Schemed is what a Driver may be too, that serves the listeners of URI schemes.
type Schemed interface{ Schemes() []Scheme }

// Scheme is a URI scheme that a driver serves.
type Scheme struct {
	Name   string // such as "coap+tcp"
	Port   uint16 // the default port
	Secure bool   // it is spoken over TLS: see ListenSecure
}

// Scheme finds the driver of a URI scheme, the first that was added if there are
// several. ok is false if there is none.
func (e *Engine) Scheme(name string) (driver int, s Scheme, ok bool) {
	for i, d := range e.drivers {
		if d, is := d.(Schemed); is {
			for _, s := range d.Schemes() {
				if s.Name == name {
					return i, s, true
				}
			}
		}
	}
	return 0, Scheme{}, false
}

// endByWorker has a worker end the connection of a slot that the caller owns, by
// the flags that say how, if its driver wants that. From then on the slot is not
// the caller's.
func (e *Engine) endByWorker(s *pool.Slot, flags uint8) bool {
	d, ok := e.drivers[s.Driver].(WorkerGone)
	if !ok || s.Flags&flagHalf != 0 || !d.GoneByWorkers() {
		return false
	}
	s.Flags |= flags
	s.Idle(pool.Never)
	e.hand(s, pool.Kick)
	return true
}

// maxListeners bounds the listeners of an engine.
const maxListeners = 16

// listenerTag marks the tags of listeners: no slot has an index so large.
const listenerTag = uint64(1) << 31

type listener struct {
	id     transport.Listener
	addr   transport.Addr
	driver uint8
	armed  bool
	quiet  bool // shutting down: it is closed when nobody waits any more
	closed bool
}

// Engine is a pool, its workers, and their backend.
type Engine struct {
	cfg     Config
	backend transport.Backend
	files   transport.FileSender // the backend, if it is one
	holds   bool                 // the backend holds bytes until they are consumed
	pool    *pool.Pool
	drivers []Driver
	lanes   []lane
	workers []*Worker
	counts  counters // of those who are not workers

	// Accepting. The lock is held for a batch of clients.
	accept struct {
		sync.Mutex
		listeners []listener
		open      int // listeners that are not closed
		lane      int // of the next stream
		refusing  int // slots of the reserve in use
	}
	disarmed atomic.Bool  // some listener waits for a slot or a descriptor
	starved  atomic.Int64 // since when there are no descriptors, 0 if there are

	// Who works. A worker is in use unless it is on the idle stack; at most
	// cfg.Workers are, beside those that are lost.
	crew struct {
		sync.Mutex
		idle  []*Worker
		inUse int
	}
	lost atomic.Int32

	watchers atomic.Int32 // workers whose connection is watched

	// Lending.
	lent atomic.Int32 // requests that may lend their worker
	held held

	farewell struct {
		sync.Mutex
		text [512]byte
		bufs [1][]byte
	}

	monitor monitor
	clock   atomic.Int64 // the time at the monitor's last look
	running atomic.Bool
	polled  atomic.Bool
	// waitPolled is that of a Worker if polled is set.
	waitPolled func(w *Worker, s *pool.Slot, ev pool.Event, deadline int64) error
	closing    atomic.Bool
	stopping   atomic.Bool
	stopped    chan struct{} // closed when all has ended
	drained    chan struct{} // closed when closing and the last connection is over
	isOver     atomic.Bool   // it was closed
	ended      chan int      // has the id of each goroutine that has ended, -1 for the monitor
}

// New makes an engine, with all its memory. It fails as Config.Validate does.
func New(c Config) (*Engine, error) { return Make(&c) }

// Make is New of a configuration that it only looks at. An argument as large as a
// Config costs a small machine more code than it should.
func Make(c *Config) (*Engine, error) {
	if c.Backend == nil {
		return nil, &ConfigError{rules[0].Field, rules[0].Rule}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		backend: c.Backend,
		holds:   c.Backend.Holds() > 0,
		pool:    pool.New(c.Pool),
		lanes:   make([]lane, c.Backend.Lanes()),
		workers: make([]*Worker, c.Workers+c.Spare),
		drained: make(chan struct{}),
		stopped: make(chan struct{}),
		ended:   make(chan int, c.Workers+c.Spare+1),
	}
	flat.Copy(&e.cfg, c)
	e.files, _ = c.Backend.(transport.FileSender)
	e.accept.listeners = make([]listener, 0, maxListeners)
	e.crew.idle = make([]*Worker, 0, len(e.workers))
	e.held.init(heldFactor * c.Pool.Stash)
	e.monitor.init()
	for i := range e.workers {
		e.workers[i] = newWorker(e, i, c.WorkerMemory)
	}
	return e, nil
}

// Pool is the engine's pool, for drivers.
func (e *Engine) Pool() *pool.Pool { return e.pool }

// Backend is the engine's backend.
func (e *Engine) Backend() transport.Backend { return e.backend }

// Patience is the configured patience.
func (e *Engine) Patience() *Patience { return &e.cfg.Patience }

// Memory is the memory of the worker with an id, which a driver may divide
// before the engine starts.
func (e *Engine) Memory(id int) []byte { return e.workers[id].Memory }

// MaxWorkers is the number of workers, spare ones included: their ids are
// below it.
func (e *Engine) MaxWorkers() int { return len(e.workers) }

// Closing reports whether the engine is shutting down: connections should end
// after the request at hand.
func (e *Engine) Closing() bool { return e.closing.Load() }

// AddDriver adds a driver, before any Listen, and returns its number.
func (e *Engine) AddDriver(d Driver) int {
	e.drivers = append(e.drivers, d)
	return len(e.drivers) - 1
}

// Listen opens a listener whose clients the driver serves, and returns the
// address that it got. It may be called before and after Start.
func (e *Engine) Listen(a transport.Addr, driver int) (transport.Addr, error) {
	return e.listen(a, driver, e.backend.Listen)
}

// ListenSecure is Listen for clients who speak TLS. It fails with
// transport.ErrNotSupported unless the backend is a transport.SecureListener.
func (e *Engine) ListenSecure(a transport.Addr, driver int) (transport.Addr, error) {
	b, ok := e.backend.(transport.SecureListener)
	if !ok {
		return a, transport.ErrNotSupported
	}
	return e.listen(a, driver, b.ListenSecure)
}

func (e *Engine) listen(a transport.Addr, driver int, open func(transport.Addr, uint64) (transport.Listener, error)) (transport.Addr, error) {
	e.accept.Lock()
	v, err := e.listenLocked(a, driver, open)
	e.accept.Unlock()
	return v, err
}

// listenLocked is listen under the lock.
func (e *Engine) listenLocked(a transport.Addr, driver int, open func(transport.Addr, uint64) (transport.Listener, error)) (transport.Addr, error) {
	if e.closing.Load() {
		return a, ErrClosing
	}
	k := len(e.accept.listeners)
	if k == maxListeners {
		return a, ErrFull
	}
	id, err := open(a, listenerTag|uint64(k))
	if err != nil {
		return a, err
	}
	l := listener{id: id, addr: e.backend.ListenerAddr(id), driver: uint8(driver)}
	e.accept.listeners = append(e.accept.listeners, l)
	e.accept.open++
	e.arm(&e.accept.listeners[k])
	return l.addr, nil
}

// Start lets the workers work, until Stop. It fails with ErrClosing after Stop,
// and with ErrRunning if the engine was started or polled before.
func (e *Engine) Start() error {
	e.crew.Lock() // whoever stops the engine meanwhile finds all of the crew, or none
	err := e.startLocked()
	e.crew.Unlock()
	return err
}

// startLocked is Start under the lock.
func (e *Engine) startLocked() error {
	if e.stopping.Load() {
		return ErrClosing
	}
	if e.polled.Load() || e.running.Swap(true) {
		return ErrRunning
	}
	// The first workers lead the lanes, the others are idle, the spare ones
	// deepest in the stack.
	leaders := min(len(e.lanes), e.cfg.Workers)
	for i := len(e.workers) - 1; i >= leaders; i-- {
		e.crew.idle = append(e.crew.idle, e.workers[i])
	}
	for i, w := range e.workers[:leaders] {
		w.lane.Store(int32(i))
		w.token, _ = e.lanes[i].occupy(laneServing)
	}
	e.crew.inUse = leaders
	for _, w := range e.workers {
		go w.run()
	}
	go e.watch()
	return nil
}

// log tells the hook, if there is one.
func (e *Engine) log(k EventKind, worker int, h pool.Handle, code int) {
	if e.cfg.Log != nil {
		e.cfg.Log(Event{Kind: k, Worker: int16(worker), Code: int32(code), Handle: h, Time: e.backend.Now()})
	}
}

// Logs reports whether anybody listens to events.
func (e *Engine) Logs() bool { return e.cfg.Log != nil }

// Log tells the hook an event of a driver's, with the time.
func (e *Engine) Log(ev Event) {
	if e.cfg.Log != nil {
		ev.Time = e.backend.Now()
		e.cfg.Log(ev)
	}
}
