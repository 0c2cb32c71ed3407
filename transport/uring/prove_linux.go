//go:build linux && (amd64 || arm64) && !tinygo

package uring

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

// What a ring is asked for to prove itself. The last two are one operation and its
// end.
const (
	proofPoll uint64 = iota
	proofSend
	proofReceive
	proofNothing
	proofEnds
	proofCancel
	proofs
)

// proofTime is how long, in nanoseconds, and how often the ring is waited for.
const (
	proofTime  = 10_000_000
	proofTurns = 100
)

// prove does once, with the two ends of a pipe, all that a lane asks of a ring. A
// sandbox may have let us have a ring and then forbid its calls or operations, and
// what is not the kernel itself (gVisor) may know but some.
func (r *ring) prove() error {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return transport.ErrDescriptors
	}
	defer syscall.Close(ends[0])
	defer syscall.Close(ends[1])
	text := r.outgoing[:1]
	text[0] = 'x'
	ask := func(proof uint64, s sqe) {
		s.userData = proof
		*r.next() = s
	}
	ask(proofReceive, sqe{op: opRecv, fd: int32(ends[0]), ioprio: recvPollFirst, flags: sqeBufferSelect})
	ask(proofPoll, sqe{op: opPollAdd, fd: int32(ends[1]), opFlags: pollOut})
	ask(proofSend, sqe{op: opSend, fd: int32(ends[1]), addr: addressOf(text), len: 1, opFlags: syscall.MSG_NOSIGNAL | msgWaitall})
	ask(proofNothing, sqe{op: opNop})
	if !r.proven(1<<proofPoll | 1<<proofSend | 1<<proofReceive | 1<<proofNothing) {
		return transport.ErrNotSupported
	}
	ask(proofEnds, sqe{op: opRecv, fd: int32(ends[0]), ioprio: recvPollFirst, flags: sqeBufferSelect})
	ask(proofCancel, sqe{op: opAsyncCancel, fd: -1, addr: proofEnds})
	if !r.proven(1<<proofEnds | 1<<proofCancel) {
		return transport.ErrNotSupported
	}
	return nil
}

// proven reports whether what was asked for comes, and as it should.
func (r *ring) proven(due uint32) bool {
	for range proofTurns {
		switch e := r.enter(r.tell(), proofTime, true); e {
		case 0, syscall.EINTR, syscall.ETIME, syscall.EAGAIN, syscall.EBUSY:
		default:
			return false
		}
		for ; r.head != r.cqTail.Load(); r.head++ {
			c := r.cqes[r.head&r.cqMask]
			ok := c.res == 0
			switch c.userData {
			case proofPoll:
				ok = c.res&pollOut != 0
			case proofSend:
				ok = c.res == 1
			case proofReceive:
				id := uint16(c.flags >> cqeBufferShift)
				if ok = c.res == 1 && c.flags&cqeBuffer != 0 && id < receiveBuffers && r.received(id)[0] == 'x'; ok {
					r.offer(id)
				}
			case proofEnds:
				ok = syscall.Errno(-c.res) == syscall.ECANCELED
			}
			if !ok {
				return false
			}
			due &^= 1 << c.userData
		}
		r.cqHead.Store(r.head)
		if due == 0 {
			return true
		}
	}
	return false
}
