package engine_test

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// lines is a driver for the tests. Each line that a client sends is answered
// by the same line, unless it is a command:
//
//	block G         a handler waits for gate G, then writes "done G"
//	blockfor D G    the same, with a limit of D nanoseconds
//	sendblock G     the same, and it writes "begun" first
//	write N         a handler writes N bytes, and waits for its peer if it must
//	read N          a handler reads N bytes, with a permit to lend, and writes "read N"
//	ruderead N      the same without asking for a permit
//	body N          N bytes are taken without a handler, then "body N" is sent
//	static N        N bytes that never change are sent
//	copy N          N bytes are sent, and copied where the peer is slow
//	long N          what static sends, in a handler if there is no block for it
//	push TEXT       TEXT is pushed to the connection itself
//	bye             the connection is finished, with "bye"
//	linger, abort   the connection ends so
//	alarm D         the slot waits for an alarm in D nanoseconds, then "alarm" is sent; bytes that come first are answered
//	detach D G      a handler takes the stream over, then waits for gate G, if one is named, with a limit of D nanoseconds, or 0
//	watch D G       a handler watches its connection, and waits for gate G, with such a limit
//	park            the slot is parked in PhaseBody, as if half a body were there
//	piece TEXT      TEXT is sent, and the queue held: it is the part of a message
//	final TEXT      TEXT is sent, and the message over
//	seal TEXT       TEXT is sent, and the queue sealed
//	talk N          a handler sends N messages of three parts each
//	chat D          a handler talks to its peer, see chat, and waits D nanoseconds for each of its words
//
// A static byte at position i is 'a' + i%26.
type lines struct {
	e      *engine.Engine
	number int

	gates  sync.Map // of *gate by name
	gone   sync.Map // of *atomic.Int32 by handle
	served atomic.Int64
	during func(w *engine.Worker, s *pool.Slot) // called in each Serve
	slow   func()                               // called in each handler
	wake   func(w *engine.Worker)               // the handler of the next Serve
	onGone func(h pool.Handle)                  // called in each Gone, on a worker
	onBye  func(s *pool.Slot)                   // called in each Farewell

	detached chan any   // what detach has got
	told     chan error // what watch was told

	mu     sync.Mutex
	errors []error // that handlers got from their calls
}

// lineState is what lines keeps in a slot.
type lineState struct {
	kept uint32 // bytes in the stash block
	body uint32 // bytes of a body that are missing
	size uint32 // of the body
	used bool   // a line was answered
}

// gate is where a handler waits until the test lets it through.
type gate struct {
	entered, open chan struct{}
}

func (d *lines) gate(name string) *gate {
	g, _ := d.gates.LoadOrStore(name, &gate{make(chan struct{}, 100), make(chan struct{})})
	return g.(*gate)
}

// much is more than the system's buffers hold of what a peer does not read.
const much = 24 << 20

// static is what "static" sends.
var static = func() []byte {
	b := make([]byte, much)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}()

func (d *lines) failed(err error) {
	d.mu.Lock()
	d.errors = append(d.errors, err)
	d.mu.Unlock()
}

// failures are the errors that handlers got, and forgets them.
func (d *lines) failures() []error {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.errors
	d.errors = nil
	return e
}

// turn is how often Serve receives before others have their turn.
const turn = 4

func (d *lines) Serve(w *engine.Worker, s *pool.Slot) engine.Verdict {
	d.served.Add(1)
	if d.during != nil {
		d.during(w, s)
	}
	if d.wake != nil {
		if v := d.handler(w, 0, func() { d.wake(w) }); v != 0 {
			return v
		}
	}
	if w.Alarmed(s) {
		s.Phase = uint8(engine.PhaseBusy)
		if v := d.send(w, s, []byte("alarm\n"), nil, false); v != 0 {
			return v
		}
	}
	st := pool.StateOf[lineState](s)
	buf, n := w.Memory[:len(w.Memory)/2], 0 // the other half is for handlers
	if s.Stashed() {
		n = copy(buf, d.e.Pool().Stash.Block(s)[:st.kept])
	}
	for received := 0; ; {
		used, verdict := d.take(w, s, st, buf[:n])
		if verdict == engine.Lost {
			return verdict
		}
		n = copy(buf, buf[used:n])
		if verdict != 0 {
			if !d.keep(w, s, st, buf[:n]) {
				return engine.Abort
			}
			return verdict
		}
		if w.Pending(s) || received > 0 && !w.Unread(s) || received == turn {
			return d.rest(w, s, st, buf[:n])
		}
		received++
		if n == len(buf) {
			return engine.Abort // no line is so long
		}
		k, err := w.Receive(s, buf[n:])
		n += k
		switch err {
		case nil:
		case transport.ErrWouldBlock:
			return d.rest(w, s, st, buf[:n])
		case transport.EOF:
			return engine.Finish
		default:
			return engine.Abort
		}
	}
}

// rest leaves the slot until there is more.
func (d *lines) rest(w *engine.Worker, s *pool.Slot, st *lineState, left []byte) engine.Verdict {
	if !d.keep(w, s, st, left) {
		return engine.Abort
	}
	switch {
	case st.body > 0:
		w.Enter(s, engine.PhaseBody)
	case len(left) > 0:
		w.Enter(s, engine.PhaseHead)
	case w.Pending(s):
	case d.e.Closing() && st.used:
		return engine.Finish
	case st.used:
		w.Enter(s, engine.PhaseIdle)
	}
	return engine.Park
}

// keep puts what is not used yet into the stash.
func (d *lines) keep(w *engine.Worker, s *pool.Slot, st *lineState, left []byte) bool {
	if len(left) == 0 {
		d.e.Pool().Stash.Drop(s)
		st.kept = 0
		return true
	}
	b := w.Stash(s)
	if b == nil || len(left) > len(b) {
		return false
	}
	st.kept = uint32(copy(b, left))
	return true
}

// take answers the lines in b and returns how many bytes it is done with. A
// verdict that is not 0 is for now.
func (d *lines) take(w *engine.Worker, s *pool.Slot, st *lineState, b []byte) (used int, v engine.Verdict) {
	for len(b) > 0 && !w.Pending(s) {
		if st.body > 0 {
			n := min(len(b), int(st.body))
			st.body -= uint32(n)
			used, b = used+n, b[n:]
			w.Enter(s, engine.PhaseBody)
			w.Progress(s, n)
			w.Prompt(s)
			if st.body == 0 {
				s.Phase = uint8(engine.PhaseBusy)
				if v := d.say(w, s, "body ", int(st.size)); v != 0 {
					return used, v
				}
			}
			continue
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return used, 0
		}
		took, v := d.line(w, s, st, b[:i+1], b[i+1:])
		if v == engine.Hold {
			return used, v // it is looked at again
		}
		used, b = used+i+1+took, b[i+1+took:]
		if v != 0 {
			return used, v
		}
	}
	return used, 0
}

// line answers one line, which ends with a newline. It returns how many of the
// bytes after it it has taken.
func (d *lines) line(w *engine.Worker, s *pool.Slot, st *lineState, b, after []byte) (took int, v engine.Verdict) {
	if command, rest, _ := bytes.Cut(b[:len(b)-1], []byte(" ")); string(command) == "read" || string(command) == "ruderead" {
		st.used = true
		if string(command) == "read" && !w.TryLend() {
			return 0, engine.Hold
		}
		s.Phase = uint8(engine.PhaseBusy)
		n := int(number(rest))
		took = min(n, len(after))
		return took, d.handler(w, 0, func() { d.read(w, n, n-took) })
	}
	return 0, d.answer(w, s, st, b)
}

// answer answers a line that is complete in itself.
func (d *lines) answer(w *engine.Worker, s *pool.Slot, st *lineState, b []byte) engine.Verdict {
	command, rest, _ := bytes.Cut(b[:len(b)-1], []byte(" "))
	n := int(number(rest))
	st.used = true
	s.Phase = uint8(engine.PhaseBusy)
	switch string(command) {
	case "block":
		return d.handler(w, 0, func() { d.wait(w, string(rest)) })
	case "blockfor":
		_, name, _ := bytes.Cut(rest, []byte(" "))
		return d.handler(w, number(rest), func() { d.wait(w, string(name)) })
	case "sendblock":
		return d.handler(w, 0, func() { d.write(w, []byte("begun\n")); d.wait(w, string(rest)) })
	case "write":
		return d.handler(w, 0, func() { d.write(w, static[:n]) })
	case "body":
		if st.body, st.size = uint32(n), uint32(n); n == 0 {
			return d.say(w, s, "body ", 0)
		}
		w.Enter(s, engine.PhaseBody)
		return 0
	case "static":
		return d.send(w, s, nil, static[:n], true)
	case "copy":
		return d.send(w, s, static[:n/2], static[n/2:n], false)
	case "long":
		rest, err := w.Send(s, nil, static[:n], true)
		if err != nil {
			return engine.Abort
		}
		if rest > 0 {
			return d.handler(w, 0, func() {
				if _, err := w.Stream().WriteOn(static[n-rest : n]); err != nil {
					d.failed(err)
				}
			})
		}
		return 0
	case "push":
		if d.e.Push(d.e.Pool().Handle(s), nil, rest, 0, engine.DropNewest) != nil {
			return engine.Abort
		}
		return 0
	case "alarm":
		w.Alarm(s, number(rest))
		return engine.Park
	case "detach":
		_, name, _ := bytes.Cut(rest, []byte(" "))
		v := d.handler(w, number(rest), func() { d.detach(w, string(name)) })
		if v != 0 {
			return v
		}
		return engine.Detached
	case "watch":
		_, name, _ := bytes.Cut(rest, []byte(" "))
		return d.handler(w, number(rest), func() {
			w.Stream().Watch(told{d})
			d.wait(w, string(name))
			w.Stream().Unwatch()
		})
	case "park":
		w.Enter(s, engine.PhaseBody)
		return engine.Park
	case "piece", "final":
		if command[0] == 'p' {
			w.Hold(s, true)
		}
		v := d.send(w, s, rest, nil, false)
		if command[0] == 'f' {
			w.Hold(s, false)
		}
		return v
	case "seal":
		w.Seal(s)
		return d.send(w, s, rest, nil, false)
	case "talk":
		return d.handler(w, 0, func() { d.talk(w, n) })
	case "chat":
		w.TryLend()
		return d.handler(w, 0, func() { d.chat(w, number(rest)) })
	case "bye":
		if v := d.send(w, s, b, nil, false); v != 0 {
			return v
		}
		return engine.Finish
	case "linger":
		if v := d.send(w, s, b, nil, false); v != 0 {
			return v
		}
		return engine.Linger
	case "abort":
		return engine.Abort
	}
	return d.send(w, s, b, nil, false)
}

func number(b []byte) (n int64) {
	for _, c := range b {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

func (d *lines) send(w *engine.Worker, s *pool.Slot, head, body []byte, static bool) engine.Verdict {
	if rest, err := w.Send(s, head, body, static); rest > 0 || err != nil {
		return engine.Abort
	}
	return 0
}

// say sends a word and a number.
func (d *lines) say(w *engine.Worker, s *pool.Slot, word string, n int) engine.Verdict {
	return d.send(w, s, fmt.Appendf(nil, "%s%d\n", word, n), nil, false)
}

// handler runs f as a handler.
func (d *lines) handler(w *engine.Worker, limit int64, f func()) engine.Verdict {
	if !w.BeginHandler(limit, false) {
		return engine.Abort
	}
	if d.slow != nil {
		d.slow()
	}
	ok := run(f)
	if !w.EndHandler() {
		return engine.Lost
	}
	if !ok {
		return engine.Abort
	}
	return 0
}

// run calls f and reports whether it went well: a handler gives up by a panic
// with giveUp.
func run(f func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil && v != giveUp {
			panic(v)
		}
	}()
	f()
	return true
}

type gaveUp struct{}

var giveUp any = gaveUp{}

func (d *lines) check(err error) {
	if err != nil {
		d.failed(err)
		panic(giveUp)
	}
}

func (d *lines) wait(w *engine.Worker, name string) {
	g := d.gate(name)
	select {
	case g.entered <- struct{}{}:
	default: // nobody counts
	}
	<-g.open
	_, err := w.Stream().Write([]byte("done " + name + "\n"))
	d.check(err)
}

func (d *lines) write(w *engine.Worker, p []byte) {
	_, err := w.Stream().Write(p)
	d.check(err)
}

func (d *lines) read(w *engine.Worker, n, left int) {
	buf := w.Memory[len(w.Memory)/2:]
	for left > 0 {
		k, err := w.Stream().Read(buf[:min(left, len(buf))])
		d.check(err)
		left -= k
	}
	d.write(w, fmt.Appendf(nil, "read %d\n", n))
}

var whys = map[engine.Why]string{
	engine.WhyTimeout: "timeout", engine.WhyHandler: "handler", engine.WhyStalled: "stalled",
	engine.WhyRefused: "refused", engine.WhyHeld: "held", engine.WhyClosing: "closing",
}

func (d *lines) Farewell(dst []byte, s *pool.Slot, why engine.Why) []byte {
	if d.onBye != nil {
		d.onBye(s)
	}
	return append(append(append(dst, "farewell "...), whys[why]...), '\n')
}

func (d *lines) Gone(s *pool.Slot, h pool.Handle) {
	n, _ := d.gone.LoadOrStore(h, new(atomic.Int32))
	n.(*atomic.Int32).Add(1)
	if d.onGone != nil {
		d.onGone(h)
	}
}

// GoneByWorkers implements engine.WorkerGone, for tests that have to do with it.
func (d *lines) GoneByWorkers() bool { return d.onGone != nil }

// talk sends n messages "(...)", in three parts.
func (d *lines) talk(w *engine.Worker, n int) {
	t := w.Stream()
	for i := range n {
		d.check(t.Hold(true))
		d.write(w, []byte("("))
		d.write(w, static[:i%50])
		d.write(w, []byte(")"))
		d.check(t.Hold(false))
	}
}

// chat answers "got" and what was read, and "slow" or "closing" when told. A
// byte of what it reads may say more:
//
//	e  it extends its deadline by 30 s
//	E  the same by ten years, at most a year
//	r  it reads, without a limit of its own, and answers "then" and what
//	n  it looks for more without waiting
//	( and )  it holds, and does not
//	s  it seals
//	w  it waits for gate w
//	.  it is over
func (d *lines) chat(w *engine.Worker, limit int64) {
	t := w.Stream()
	buf := w.Memory[len(w.Memory)/2:]
	for {
		n, err := t.ReadWithin(buf, limit)
		switch err {
		case nil:
		case engine.ErrSlow, engine.ErrClosing:
			d.write(w, fmt.Appendf(nil, "%s\n", map[error]string{engine.ErrSlow: "slow", engine.ErrClosing: "closing"}[err]))
			continue
		default:
			d.check(err)
		}
		d.write(w, fmt.Appendf(nil, "got %s\n", buf[:n]))
		for _, c := range bytes.Clone(buf[:n]) {
			switch c {
			case 'e':
				d.check(t.Extend(30 * second))
			case 'E':
				d.check(t.Extend(10 * engine.MostPatience))
			case 'r':
				n, err := t.Read(buf)
				d.check(err)
				d.write(w, fmt.Appendf(nil, "then %s\n", buf[:n]))
			case 'n':
				n, err := t.ReadWithin(buf, 0)
				d.write(w, fmt.Appendf(nil, "now %q %v\n", buf[:n], err))
			case '(', ')':
				d.check(t.Hold(c == '('))
			case 's':
				d.check(t.Seal())
			case 'w':
				g := d.gate("w")
				g.entered <- struct{}{}
				<-g.open
			case '.':
				return
			}
		}
	}
}
