//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// This file is what a lane sends: bytes are copied into one of its buffers, leave
// with the next submission, and the buffer is free when all of them have left.

// out is a send buffer.
type out struct {
	fd  int32
	gen uint32 // of the stream
	at  uint32 // place of its submission
	off uint16 // bytes that were sent
	end uint16

	orphan bool // the stream was closed: the descriptor is closed when all is sent
}

// mostQueued is how many sends wait for each other: those who are served first
// in a turn are not to wait for all the rest of it.
const mostQueued = 32

// queue takes bytes to be sent when the lane waits next. It takes all or none.
func (l *lane) queue(t *stream, fd int32, bufs [][]byte, total int) bool {
	if t.sending != 0 {
		return l.append(t, bufs, total)
	}
	i, ok := l.buffer(total)
	if !ok {
		return false
	}
	l.outs[i] = out{fd: fd, gen: t.gen.Load()}
	l.fill(i, bufs)
	if !l.send(i) {
		l.release(i)
		return false
	}
	t.sending = i + 1
	if l.queued++; l.queued == mostQueued {
		l.queued = 0
		l.submit()
	}
	return true
}

// append adds bytes to those that are queued, unless the kernel has them.
func (l *lane) append(t *stream, bufs [][]byte, total int) bool {
	i := t.sending - 1
	o := &l.outs[i]
	if int32(o.at-l.told) < 0 {
		return false
	}
	s := &l.sqes[o.at&l.sqMask]
	if int(o.end)+total > len(l.room(i)) {
		k, ok := l.buffer(int(o.end) + total)
		if !ok {
			return false
		}
		l.outs[k] = *o
		copy(l.room(k), l.room(i)[:o.end])
		l.release(i)
		i, t.sending = k, k+1
		o = &l.outs[i]
		s.userData = kindSend | uint64(i)
		s.addr = addressOf(l.room(i)[o.off:])
	}
	l.fill(i, bufs)
	s.len = uint32(o.end - o.off)
	return true
}

// buffer takes a send buffer for n bytes, if there is one. Few bytes take no large
// one: where the small ones are used up, by a burst or by peers who do not read, a
// system call is as good.
func (l *lane) buffer(n int) (i uint8, ok bool) {
	k := 0
	switch {
	case n == 0 || n > largeSize:
		return 0, false
	case n > smallSize:
		k = 1
	}
	f := l.free[k]
	if len(f) == 0 {
		return 0, false
	}
	l.free[k] = f[:len(f)-1]
	return f[len(f)-1], true
}

func (l *lane) release(i uint8) {
	k := 0
	if i >= smallBuffers {
		k = 1
	}
	l.free[k] = append(l.free[k], i)
}

// fill puts bytes into a send buffer, behind those that it has.
func (l *lane) fill(i uint8, bufs [][]byte) {
	o := &l.outs[i]
	room := l.room(i)
	for _, p := range bufs {
		o.end += uint16(copy(room[o.end:], p))
	}
}

// send asks for what is in a send buffer to be sent, all of it.
func (l *lane) send(i uint8) bool {
	s := l.next()
	if s == nil {
		return false
	}
	o := &l.outs[i]
	o.at = l.tail - 1
	s.op, s.fd = opSend, o.fd
	s.addr = addressOf(l.room(i)[o.off:])
	s.len = uint32(o.end - o.off)
	s.opFlags = syscall.MSG_NOSIGNAL | msgWaitall
	s.userData = kindSend | uint64(i)
	l.under++
	return true
}

func (l *lane) sendDone(i uint8, res int32) (tag uint64, ready transport.Ready) {
	o := &l.outs[i]
	t := l.b.at(o.fd)
	live := t.gen.Load() == o.gen
	o.off += uint16(max(res, 0))
	short := o.off < o.end
	interrupted := res > 0 || syscall.Errno(-res) == syscall.ECANCELED
	if short && (live || o.orphan) && interrupted && !l.closing && l.send(i) {
		return 0, 0 // if there is an error, it comes again
	}
	l.release(i)
	if o.orphan {
		if short { // the peer is to see that something is missing
			l.b.sys.Abort(transport.Stream(o.fd))
		} else {
			l.b.sys.CloseStream(transport.Stream(o.fd))
		}
	}
	if !live {
		return 0, 0
	}
	t.sending = 0
	if short {
		t.fail(errorOf(syscall.Errno(-min(res, 0))))
		return t.tag, transport.Readable | transport.Writable | transport.Hangup
	}
	if t.flags&flagFin != 0 {
		t.flags &^= flagFin
		l.b.sys.CloseWrite(transport.Stream(o.fd))
	}
	if t.flags&flagRoom != 0 {
		t.flags &^= flagRoom
		ready = transport.Writable
	}
	return t.tag, ready
}

// sent takes the completions of sends, from one on, that make no event: their
// buffers are free before what came earlier has had its turn, which may be many
// Waits later. They keep their places in the queue, as those of nothing.
func (l *lane) sent(at uint32) {
	for end := l.cqTail.Load(); at != end; at++ {
		c := &l.cqes[at&l.cqMask]
		if c.userData&kindMask != kindSend {
			continue
		}
		i := uint8(c.userData & indexMask)
		o := &l.outs[i]
		if o.orphan || c.res < 0 || int(o.off)+int(c.res) != int(o.end) {
			continue
		}
		if t := l.b.at(o.fd); t.gen.Load() == o.gen {
			if t.flags&(flagRoom|flagFin) != 0 {
				continue
			}
			t.sending = 0
		}
		c.userData = kindNone
		l.under--
		l.release(i)
	}
}

// settle reports whether nothing of the stream's is being sent, after it has
// submitted what waits.
func (l *lane) settle(t *stream) bool {
	if t.sending == 0 {
		return true
	}
	l.submit()
	if t.sending != 0 {
		l.take(kindSend | uint64(t.sending-1)) // what did not have to wait is done by now
	}
	return t.sending == 0
}
