//go:build unix

package netstd

import (
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/bobtail-go/bobtail/internal/nosyn"
	"github.com/bobtail-go/bobtail/transport"
)

// hasRaw says that streams can do without buffers.
const hasRaw = true

// raw is the conduit of a connection with a descriptor.
//
// Bytes are moved under RawConn.Control and not under its Read and Write:
// those exclude each other, so that a Receive would wait for the goroutine
// which waits for bytes.
type raw struct {
	s    *stream
	conn net.Conn
	rc   syscall.RawConn

	// Method values, made once so that no call makes one.
	receiveFunc, sendFunc func(uintptr)
	peekFunc, roomFunc    func(uintptr) bool
	awaitRoomFunc         func()

	// Of the call that is under way; there is one at most.
	buf      []byte
	received int
	recvErr  syscall.Errno
	bufs     [][]byte
	sent     int
	sendErr  syscall.Errno

	filing filing // of a SendFile that is under way

	// Of the goroutine that waits for bytes.
	peekBuf [1]byte
	peeked  int
	peekErr syscall.Errno

	// Of the goroutine that waits for room.
	looked bool

	ended sync.WaitGroup // of both goroutines

	mu       sync.Mutex      // guards all below; nothing is called under it
	watching bool            // the goroutine that waits for bytes is there
	reading  bool            // it waits, or is about to
	writing  bool            // the goroutine that waits for room is there
	failed   transport.Error // an error that the kernel tells once, found by the wait
	read     chan struct{}   // of one place: the stream is emptied, wait again; closed with the stream
}

// newRaw makes a conduit, or nil if the connection has no descriptor.
func newRaw(s *stream, c net.Conn) conduit {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	r := &raw{s: s, conn: c, rc: rc, read: make(chan struct{}, 1), filing: filing{}}
	r.receiveFunc, r.sendFunc = r.receiveNow, r.sendNow
	r.peekFunc, r.roomFunc = r.peek, r.room
	r.awaitRoomFunc = r.awaitRoom
	return r
}

func (r *raw) watch() {
	r.mu.Lock()
	start := !r.watching
	r.watching, r.reading = true, true
	r.mu.Unlock()
	if start {
		r.ended.Add(1)
		r.s.b.run(r.awaitBytes)
	}
}

// awaitBytes tells the engine each time that the stream is no longer empty,
// until it is closed.
func (r *raw) awaitBytes() {
	defer r.ended.Done()
	for {
		if r.rc.Read(r.peekFunc) != nil {
			return
		}
		ready := transport.Readable
		r.mu.Lock()
		r.reading = false
		switch {
		case r.peekErr != 0:
			// The kernel has told the error to us, and will not tell the engine.
			r.failed = errnoError(r.peekErr)
			ready |= transport.Writable | transport.Hangup
		case r.peeked == 0:
			ready |= transport.Hangup
		}
		r.mu.Unlock()
		r.s.post(ready)
		if _, open := <-r.read; !open {
			return
		}
	}
}

// peek reports whether a Receive would give something else than ErrWouldBlock.
func (r *raw) peek(fd uintptr) bool {
	for {
		n, _, err := syscall.Recvfrom(int(fd), r.peekBuf[:], syscall.MSG_PEEK)
		if err == syscall.EINTR {
			continue
		}
		r.peeked, r.peekErr = n, 0
		if err != nil {
			r.peekErr, _ = err.(syscall.Errno)
		}
		return r.peekErr != syscall.EAGAIN
	}
}

func (r *raw) receive(buf []byte) ([]byte, error) {
	r.buf = buf
	err := r.rc.Control(r.receiveFunc)
	r.buf = nil
	if err != nil {
		return nil, transport.ErrClosed
	}
	switch {
	case r.recvErr == 0 && r.received == len(buf):
		return buf, nil
	case r.recvErr == 0 && r.received > 0:
		r.emptied()
		return buf[:r.received], nil
	}
	r.mu.Lock()
	failed := r.failed
	r.mu.Unlock()
	switch {
	case failed != 0:
		return nil, failed
	case r.recvErr == 0:
		return nil, transport.EOF
	case r.recvErr == syscall.EAGAIN:
		r.emptied()
		return nil, transport.ErrWouldBlock
	}
	return nil, errnoError(r.recvErr)
}

// receiveNow is the system call of receive.
func (r *raw) receiveNow(fd uintptr) {
	r.received, r.recvErr = 0, 0
	if len(r.buf) == 0 {
		return
	}
	for {
		n, err := syscall.Read(int(fd), r.buf)
		if err == syscall.EINTR {
			continue
		}
		r.received = max(n, 0)
		if err != nil {
			r.recvErr, _ = err.(syscall.Errno)
		}
		return
	}
}

// emptied makes the goroutine wait again.
func (r *raw) emptied() {
	r.mu.Lock()
	resume := r.watching && !r.reading
	r.reading = r.reading || resume
	r.mu.Unlock()
	if resume {
		r.read <- struct{}{} // there is a place, since it was not waiting
	}
}

func (r *raw) consume(int) {}

func (r *raw) send(bufs [][]byte) (int, error) {
	r.bufs = bufs
	err := r.rc.Control(r.sendFunc)
	r.bufs = nil
	return r.didSend(err)
}

// didSend is the result of system calls that have sent something or failed,
// unless they were not made.
func (r *raw) didSend(err error) (int, error) {
	switch {
	case err != nil:
		return 0, transport.ErrClosed
	case r.sendErr == syscall.EAGAIN:
		r.filled()
		if r.sent == 0 {
			return 0, transport.ErrWouldBlock
		}
	case r.sendErr != 0 && r.sent == 0:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.failed == 0 {
			return 0, errnoError(r.sendErr)
		}
		return 0, r.failed // the reason for what is EPIPE now
	}
	return r.sent, nil
}

// sendNow is the system calls of send. It goes on until all is sent or the
// kernel says that it would block, on which its next event depends.
func (r *raw) sendNow(fd uintptr) {
	r.sent, r.sendErr = 0, 0
	bufs, skip := r.bufs, 0
	for {
		for len(bufs) > 0 && skip >= len(bufs[0]) {
			skip -= len(bufs[0])
			bufs = bufs[1:]
		}
		if len(bufs) == 0 {
			return
		}
		n, errno := write(int(fd), bufs, skip)
		switch errno {
		case 0:
			r.sent += n
			skip += n
		case syscall.EINTR:
		default:
			r.sendErr = errno
			return
		}
	}
}

// filled makes a goroutine wait for room.
func (r *raw) filled() {
	r.mu.Lock()
	start := !r.writing
	r.writing = true
	r.mu.Unlock()
	if start {
		r.looked = false
		r.s.b.wg.Add(1)
		r.ended.Add(1)
		go r.awaitRoomFunc()
	}
}

// awaitRoom tells the engine once that there is room.
func (r *raw) awaitRoom() {
	defer r.s.b.wg.Done()
	defer r.ended.Done()
	if r.rc.Write(r.roomFunc) != nil {
		return
	}
	r.mu.Lock()
	r.writing = false
	r.mu.Unlock()
	r.s.post(transport.Writable)
}

// room reports whether the kernel has told of room. It is called before the
// wait and after it.
//
// The kernel tells once, and may have done so between the Send that failed
// and this wait, to nobody. There is no way to ask again on every Unix but to
// send, so the engine is told to, now that nothing more can be missed: that
// Send finds room, or fails with the goroutine already at its place.
func (r *raw) room(uintptr) bool {
	if r.looked {
		return true
	}
	r.looked = true
	r.s.post(transport.Writable)
	return false
}

func (r *raw) closeWrite() error {
	c, ok := r.conn.(interface{ CloseWrite() error })
	if !ok {
		return transport.ErrNotSupported
	}
	if err := c.CloseWrite(); err != nil {
		return errorOf(err)
	}
	return nil
}

func (r *raw) close(bool) {
	r.conn.Close()
	close(r.read)
}

func (r *raw) abort() {
	abort(r.conn)
	close(r.read)
}

// detach ends the goroutines by a deadline that has passed: they wait in the
// connection, where nobody else could read meanwhile.
func (r *raw) detach() net.Conn {
	r.conn.SetDeadline(longAgo)
	close(r.read)
	r.ended.Wait()
	r.conn.SetDeadline(time.Time{})
	return r.conn
}

// acceptNow takes a client if one waits, without waiting for one.
func acceptNow(l net.Listener) (net.Conn, error) {
	sc, ok := l.(syscall.Conn)
	if !ok {
		return acceptSoon(l, foreignDrainTime)
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	var conn net.Conn
	if controlErr := rc.Control(func(fd uintptr) { conn, err = acceptFrom(int(fd)) }); controlErr != nil {
		return nil, controlErr
	}
	return conn, err
}

func acceptFrom(fd int) (net.Conn, error) {
	syscall.ForkLock.RLock()
	client, _, err := syscall.Accept(fd)
	if err == nil {
		syscall.CloseOnExec(client)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	syscall.SetNonblock(client, true)
	f := os.NewFile(uintptr(client), "client")
	defer f.Close()
	return net.FileConn(f) // a duplicate
}

// quiet lets no new clients into the queue of a listener.
func quiet(l net.Listener) {
	if sc, ok := l.(syscall.Conn); ok {
		if rc, err := sc.SyscallConn(); err == nil {
			rc.Control(func(fd uintptr) { nosyn.Attach(int(fd)) })
		}
	}
}
