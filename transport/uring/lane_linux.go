//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bobtail-go/bobtail/internal/pace"
	"github.com/bobtail-go/bobtail/transport"
)

// lane is a ring and the streams whose receives are in it.
type lane struct {
	mu sync.Mutex // guards all of it, but for woken; nothing that it guards waits
	ring

	b       *Backend
	number  int
	turn    uint8 // counts the Waits
	waiting bool  // a Wait is in the kernel, or on its way there
	queued  int   // sends that were not submitted yet
	under   int   // operations that the kernel has under way with memory of ours
	outs    [sendBuffers]out
	free    [2][]uint8 // of outs, small and large, the last one freed at the end
	closing bool       // what is interrupted is not sent again
	closed  bool

	// On lane 0, the listeners: those of package epoll, whose descriptor is
	// polled.
	listening bool // the poll is in the ring
	accepting bool // it has said that there are clients

	pace  pace.Pace
	woken atomic.Bool

	_ [64]byte // no two lanes in one line of the cache
}

// What a completion is of, in the bits of its user data between the stream's
// generation and its descriptor, or the index of a send buffer.
const (
	kindNone uint64 = iota << kindShift
	kindReceive
	kindWatch
	kindSend
	kindListen

	kindShift = 28
	kindMask  = 15 << kindShift
	indexMask = 1<<kindShift - 1
)

func userData(kind uint64, gen uint32, fd int32) uint64 {
	return uint64(gen)<<32 | kind | uint64(fd)
}

func (l *lane) open(b *Backend, number int) error {
	l.b, l.number = b, number
	for i := range uint8(sendBuffers) {
		l.release(sendBuffers - 1 - i)
	}
	err := l.ring.open()
	if err == nil {
		err = l.ring.prove()
	}
	if err != nil {
		l.ring.close(true)
	}
	return err
}

// Wait implements transport.Backend.
func (b *Backend) Wait(lane int, ev []transport.Event, deadline int64) (int, error) {
	if lane == len(b.lanes) {
		b.flush()
		return b.sys.Wait(monitor, ev, deadline)
	}
	return b.lanes[lane].await(ev, deadline)
}

// flush submits what waits for those who are busy elsewhere: whoever is about to
// sleep does it, and so does the engine's monitor while there is work.
func (b *Backend) flush() {
	for i := range b.lanes {
		b.lanes[i].flush()
	}
}

// flush submits what was asked for, unless somebody is about to.
func (l *lane) flush() {
	if l.mu.TryLock() {
		if !l.closed {
			l.submit()
		}
		l.mu.Unlock()
	}
}

func (l *lane) await(ev []transport.Event, deadline int64) (int, error) {
	var now, most int64
	if deadline != 0 {
		if now = l.b.Now(); l.pace.Due(now) {
			l.flush() // what was queued does not wait for others
			l.pace.Yield(now)
		}
		most = l.pace.Begin(now)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn++
	l.queued = 0
	raw, entered := true, false
	for {
		if l.closed { // a handler that was left alone has come back
			return 0, transport.ErrClosed
		}
		if l.number == 0 && !l.listening && !l.accepting {
			l.listen()
		}
		if entered || !l.pending() {
			n := l.reap(ev)
			if woken := l.woken.Load() && l.woken.Swap(false); n > 0 || woken {
				return n, nil
			}
		}
		if now >= deadline {
			deadline = 0
		}
		if deadline == 0 && entered {
			return 0, nil
		}
		ns := int64(0)
		switch {
		case deadline == 0 || l.woken.Load():
		case raw:
			ns = min(deadline-now, most)
		case deadline == transport.Forever:
			ns = -1
		default:
			ns = deadline - now
		}
		n, at := l.tell(), l.cqTail.Load()
		l.waiting = true
		l.mu.Unlock()
		if !raw {
			l.b.flush()
		}
		e := l.enter(n, ns, raw)
		l.mu.Lock()
		l.waiting, entered = false, true
		l.sent(at)
		switch e {
		case 0, syscall.EINTR:
		case syscall.ETIME:
			raw = false
		case syscall.EAGAIN, syscall.EBUSY, syscall.ENOMEM: // for want of memory
			l.mu.Unlock()
			runtime.Gosched()
			l.mu.Lock()
		default:
			return 0, errorOf(e)
		}
		if deadline != 0 {
			now = l.b.Now()
			if !raw {
				l.pace.Blocked(now)
			}
		}
	}
}

// reap acts on completions, as far as there is room for their events, and returns
// the number of these.
func (l *lane) reap(ev []transport.Event) (n int) {
	for n < len(ev) && l.head != l.cqTail.Load() {
		c := l.cqes[l.head&l.cqMask]
		l.head++
		if tag, ready := l.complete(c); ready != 0 {
			ev[n] = transport.Event{Tag: tag, Ready: ready}
			n++
		}
		if l.accepting { // in its turn: there may never be room behind the streams
			l.accepting = false
			k, _ := l.b.sys.Wait(0, ev[n:], 0)
			n += max(k, 0)
		}
	}
	l.cqHead.Store(l.head)
	return n
}

// complete acts on a completion, and returns an event if that makes one.
func (l *lane) complete(c cqe) (tag uint64, ready transport.Ready) {
	gen, i := uint32(c.userData>>32), int32(c.userData&indexMask)
	switch c.userData & kindMask {
	case kindReceive:
		l.under--
		t := l.b.at(i)
		if t.gen.Load() != gen {
			if c.flags&cqeBuffer != 0 {
				l.offer(uint16(c.flags >> cqeBufferShift))
			}
			return 0, 0
		}
		return t.tag, l.receiveDone(t, i, c)
	case kindWatch:
		if t := l.b.at(i); t.gen.Load() == gen {
			return t.tag, l.watchDone(t, i, c.res)
		}
	case kindSend:
		l.under--
		return l.sendDone(uint8(i), c.res)
	case kindListen:
		l.listening, l.accepting = false, true
	}
	return 0, 0
}

// fewBytes is how often in a row what was received must have had room in a buffer,
// of a stream that had more than that, until the ring receives for it again.
const fewBytes = 4

// receive asks for the next bytes of a stream; or to be told that they are there,
// if they are likely to be more than a buffer has room for: to take the first of
// them alone costs a call, and has the peer fill what room that made.
func (l *lane) receive(t *stream, fd int32, how uint16) bool {
	s := l.next()
	if s == nil {
		return false
	}
	if s.fd = fd; t.bulk > 0 {
		s.op, s.opFlags = opPollAdd, pollIn
	} else {
		s.op, s.ioprio, s.flags = opRecv, how, sqeBufferSelect
	}
	s.userData = userData(kindReceive, t.gen.Load(), fd)
	t.flags |= flagReceiving
	l.under++
	return true
}

func (l *lane) receiveDone(t *stream, fd int32, c cqe) transport.Ready {
	t.flags &^= flagReceiving
	t.turn = l.turn
	if c.res > 0 && t.bulk > 0 {
		if c.res&(pollErr|pollHup) != 0 {
			return transport.Readable | transport.Writable | transport.Hangup
		}
		return transport.Readable
	}
	if c.res > 0 {
		t.buffer = uint16(c.flags >> cqeBufferShift)
		t.from, t.end = 0, uint16(c.res)
		if c.flags&cqeSockMore != 0 || c.res == receiveSize {
			t.flags |= flagMore
		}
		if c.res == receiveSize {
			t.bulk = fewBytes
		}
		return transport.Readable
	}
	if c.flags&cqeBuffer != 0 {
		l.offer(uint16(c.flags >> cqeBufferShift))
	}
	switch e := syscall.Errno(-c.res); e {
	case 0:
		if t.ended == 0 {
			t.ended = transport.EOF
		}
		return transport.Readable | transport.Hangup
	case syscall.ECANCELED:
		// By the kernel: the thread that has asked for it has ended.
		if t.flags&flagLeaving != 0 || l.receive(t, fd, 0) {
			return 0
		}
		t.fail(transport.ErrSystem)
	case syscall.ENOBUFS:
		l.lacked()
		return transport.Readable // and received by a system call
	case syscall.EAGAIN, syscall.EINTR, syscall.ENOMEM:
		return transport.Readable // who receives finds out
	default:
		t.fail(errorOf(e))
	}
	return transport.Readable | transport.Writable | transport.Hangup
}

// watch asks for an event when the stream has room, or is connected.
func (l *lane) watch(t *stream, fd int32) bool {
	if t.flags&flagWatching != 0 {
		return true
	}
	s := l.next()
	if s == nil {
		return false
	}
	s.op, s.fd, s.opFlags = opPollAdd, fd, pollOut
	s.userData = userData(kindWatch, t.gen.Load(), fd)
	t.flags |= flagWatching
	return true
}

func (l *lane) watchDone(t *stream, fd int32, res int32) transport.Ready {
	t.flags &^= flagWatching
	if syscall.Errno(-res) == syscall.ECANCELED && (t.flags&flagLeaving != 0 || l.watch(t, fd)) {
		return 0
	}
	ready := transport.Writable
	if res < 0 || res&(pollErr|pollHup) != 0 {
		ready |= transport.Hangup
	}
	if t.flags&flagDialling != 0 {
		t.flags &^= flagDialling
		if ready&transport.Hangup == 0 && !l.receive(t, fd, 0) {
			t.fail(transport.ErrSystem)
			ready |= transport.Hangup
		}
	}
	return ready
}

// take acts on a completion before its turn, if it has come: it keeps its place in
// the queue, as one of nothing. The event is lost: whoever takes it knows.
func (l *lane) take(userData uint64) {
	for at := l.head; at != l.cqTail.Load(); at++ {
		if c := &l.cqes[at&l.cqMask]; c.userData == userData {
			done := *c
			c.userData = kindNone
			l.complete(done)
			return
		}
	}
}

// listen polls the listeners.
func (l *lane) listen() {
	if s := l.next(); s != nil {
		s.op, s.fd, s.opFlags, s.userData = opPollAdd, int32(l.b.sys.Poller()), pollIn, kindListen
		l.listening = true
	}
}

// submit has the kernel take what was asked for, without waiting.
func (l *lane) submit() {
	at := l.cqTail.Load()
	l.ring.submit()
	l.sent(at)
}

// hurry submits what was asked for by another than the one who waits, if he does.
func (l *lane) hurry() {
	if l.waiting {
		l.submit()
	}
}

// cancel ends what the ring does for a stream; what is being sent only if the
// stream is aborted.
func (l *lane) cancel(t *stream, fd int32, sending bool) {
	gen := t.gen.Load()
	if t.flags&flagReceiving != 0 {
		l.cancelOne(fd, userData(kindReceive, gen, fd))
	}
	if t.flags&flagWatching != 0 {
		l.cancelOne(fd, userData(kindWatch, gen, fd))
	}
	if sending {
		l.cancelOne(fd, kindSend|uint64(t.sending-1))
	}
	l.submit() // nothing may be asked for of a descriptor that is another's by then
}

func (l *lane) cancelOne(fd int32, userData uint64) {
	s := l.next()
	if s == nil {
		syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(fd), syscall.SHUT_RDWR, 0)
		return
	}
	s.op, s.fd, s.addr, s.userData = opAsyncCancel, -1, userData, kindNone
}

func (l *lane) wake() {
	if l.woken.Swap(true) {
		return // the last one was not seen yet
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !l.waiting {
		return // it is seen before the lane waits
	}
	if s := l.next(); s != nil {
		s.op, s.userData = opNop, kindNone
		l.submit()
	}
}

// patience is how long, in turns of a millisecond, close waits for peers to take
// what was sent to them, and again for what it has cancelled then.
const patience = 1000

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.fd < 0 {
		return
	}
	l.until(l.over)
	l.closing = true
	for i := range l.outs {
		l.cancelOne(-1, kindSend|uint64(i))
	}
	l.until(l.over)
	l.closed = true
	l.ring.close(l.under == 0) // what the kernel may still write to is left to it
}

// over reports whether nothing is under way any more. It is for when there are no
// streams whose events would be lost.
func (l *lane) over() bool {
	l.enter(l.tell(), 0, true)
	for l.head != l.cqTail.Load() {
		c := l.cqes[l.head&l.cqMask]
		l.head++
		l.complete(c)
	}
	l.cqHead.Store(l.head)
	return l.under == 0
}

// until looks whether something has happened, for a while, without the lock in
// between. The caller has it.
func (l *lane) until(happened func() bool) bool {
	for range patience {
		if happened() {
			return true
		}
		l.mu.Unlock()
		time.Sleep(time.Millisecond)
		l.mu.Lock()
	}
	return happened()
}
