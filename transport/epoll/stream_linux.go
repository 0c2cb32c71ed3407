//go:build linux && (amd64 || arm64)

package epoll

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
)

// waited is the result of a wait: an interrupted one has found nothing.
func waited(n int, e syscall.Errno) (int, error) {
	if e == 0 {
		return n, nil
	}
	if e == syscall.EINTR {
		return 0, nil
	}
	return 0, errorOf(e)
}

// Attach implements transport.Backend.
func (b *Backend) Attach(s transport.Stream, lane int, tag uint64) error {
	data, err := b.enroll(s, lane, tag)
	if err == nil {
		err = b.control(&b.lanes[lane], syscall.EPOLL_CTL_ADD, int32(s), syscall.EPOLLIN|syscall.EPOLLOUT|syscall.EPOLLRDHUP|epollET, data)
	}
	if err != nil {
		b.forget(s)
	}
	return err
}

// Receive implements transport.Backend. The view is in buf.
func (b *Backend) Receive(s transport.Stream, buf []byte) ([]byte, error) {
	if len(buf) == 0 {
		return nil, nil // a read of nothing would look like the end
	}
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(s), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), msgDontwait, 0, 0)
		switch e {
		case 0:
			if n == 0 {
				return nil, b.ended(s)
			}
			return buf[:n], nil
		case syscall.EAGAIN:
			return nil, transport.ErrWouldBlock
		case syscall.EINTR:
		default:
			return nil, errorOf(e)
		}
	}
}

// Consume implements transport.Backend.
func (b *Backend) Consume(transport.Stream, int) {}

// maxGather is the most slices that one system call sends.
const maxGather = 16

// gathering is what a call that sends several slices, or a file, is given the
// address of.
type gathering struct {
	busy atomic.Bool
	iov  [maxGather]syscall.Iovec
	msg  syscall.Msghdr
	off  int64
}

// gathers is how many such calls can be made at once. Whoever finds none free
// sends a slice at a time.
const gathers = 8

// send sends at once.
func (b *Backend) send(s transport.Stream, bufs [][]byte) (sent int, err error) {
	for {
		for len(bufs) > 0 && len(bufs[0]) == 0 {
			bufs = bufs[1:]
		}
		for len(bufs) > 1 && len(bufs[len(bufs)-1]) == 0 {
			bufs = bufs[:len(bufs)-1]
		}
		if len(bufs) == 0 {
			return sent, nil
		}
		n, took, want := 0, 1, len(bufs[0])
		g := &b.gathers[uint32(s)%gathers]
		if len(bufs) > 1 && !g.busy.Swap(true) {
			n, took, want, err = g.send(s, bufs)
			g.busy.Store(false)
		} else {
			n, err = sendOne(s, bufs[0], msgDontwait|msgNosignal)
		}
		sent += n
		switch {
		case transport.ErrWouldBlock.Is(err) && sent > 0:
			return sent, nil
		case err != nil || n < want:
			return sent, err
		}
		bufs = bufs[took:]
	}
}

func sendOne(s transport.Stream, p []byte, flags int) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(s), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), uintptr(flags), 0, 0)
		if e == 0 {
			return int(n), nil
		}
		if e != syscall.EINTR {
			return 0, sendError(e)
		}
	}
}

// send sends the first slices of bufs with one call. It returns how many bytes
// it has sent of how many, in how many slices.
func (g *gathering) send(s transport.Stream, bufs [][]byte) (sent, took, want int, err error) {
	k := 0
	for _, p := range bufs {
		if k == maxGather {
			break
		}
		took++
		if len(p) > 0 {
			g.iov[k].Base = &p[0]
			g.iov[k].Len = uint64(len(p))
			want += len(p)
			k++
		}
	}
	g.msg = syscall.Msghdr{Iov: &g.iov[0], Iovlen: uint64(k)}
	defer clear(g.iov[:k]) // hold on to nobody's bytes
	for {
		n, _, e := syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(s), uintptr(unsafe.Pointer(&g.msg)), msgDontwait|msgNosignal)
		if e == 0 {
			return int(n), took, want, nil
		}
		if e != syscall.EINTR {
			return 0, took, want, sendError(e)
		}
	}
}

// sendError names the error of a send.
func sendError(e syscall.Errno) error {
	switch e {
	case syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOTCONN:
		// ENOTCONN is a dialled stream before it is connected.
		return transport.ErrWouldBlock
	}
	return errorOf(e)
}

// CloseWrite implements transport.Backend.
func (b *Backend) CloseWrite(s transport.Stream) error {
	if err := b.settle(s); err != nil {
		return err
	}
	_, _, e := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(s), syscall.SHUT_WR, 0)
	return errorOf(e)
}

// CloseStream implements transport.Backend. Closing a descriptor takes it out
// of its epoll instance, since nobody duplicates it.
func (b *Backend) CloseStream(s transport.Stream) {
	if !b.forget(s) {
		b.Abort(s) // what was taken cannot be delivered
		return
	}
	closeDescriptor(int32(s))
}

// Abort implements transport.Backend: a close with a linger time of zero is
// a reset.
func (b *Backend) Abort(s transport.Stream) {
	b.forget(s)
	syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(s), syscall.SOL_SOCKET, syscall.SO_LINGER, uintptr(unsafe.Pointer(&b.reset)), unsafe.Sizeof(b.reset), 0)
	closeDescriptor(int32(s))
}

// Local implements transport.Backend.
func (b *Backend) Local(s transport.Stream) transport.Addr {
	return b.nameOf(syscall.SYS_GETSOCKNAME, int32(s))
}

// Remote implements transport.Backend.
func (b *Backend) Remote(s transport.Stream) transport.Addr {
	return b.nameOf(syscall.SYS_GETPEERNAME, int32(s))
}

// Dial implements transport.Backend.
func (b *Backend) Dial(a transport.Addr) (transport.Stream, error) {
	if a.IsUnset() || a.Port() == 0 {
		return 0, transport.ErrAddress
	}
	fd, err := newSocket(a)
	if err != nil {
		return 0, err
	}
	if err = b.setOption(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		closeDescriptor(fd)
		return 0, err
	}
	b.setup.Lock()
	defer b.setup.Unlock()
	n := b.setup.name.set(a)
	for {
		_, _, e := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&b.setup.name)), n)
		switch e {
		case 0, syscall.EINPROGRESS, syscall.EALREADY:
			return transport.Stream(fd), nil
		case syscall.EINTR:
			continue
		}
		// Known at once on some ways. The first Send would not say so any
		// more, so the caller hears it here.
		closeDescriptor(fd)
		return 0, errorOf(e)
	}
}

func newSocket(a transport.Addr) (int32, error) {
	family := syscall.AF_INET6
	if a.Is4() {
		family = syscall.AF_INET
	}
	fd, _, e := syscall.RawSyscall(syscall.SYS_SOCKET, uintptr(family), syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	return int32(fd), errorOf(e)
}

func (b *Backend) setOption(fd int32, level, name, value int) error {
	b.setup.Lock()
	defer b.setup.Unlock()
	b.setup.option = int32(value)
	_, _, e := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&b.setup.option)), unsafe.Sizeof(b.setup.option), 0)
	return errorOf(e)
}
