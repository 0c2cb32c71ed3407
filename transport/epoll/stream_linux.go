//go:build linux && (amd64 || arm64)

package epoll

import (
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
	return b.lanes[lane].control(syscall.EPOLL_CTL_ADD, int32(s), syscall.EPOLLIN|syscall.EPOLLOUT|syscall.EPOLLRDHUP|epollET, tag)
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
				return nil, transport.EOF
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

// Send implements transport.Backend.
func (b *Backend) Send(s transport.Stream, bufs [][]byte) (sent int, err error) {
	for {
		n, rest, want, err := sendSome(s, bufs)
		sent += n
		switch {
		case err == transport.ErrWouldBlock && sent > 0:
			return sent, nil
		case err != nil || n < want || len(rest) == 0:
			return sent, err
		}
		bufs = rest
	}
}

// sendSome sends the first slices of bufs with one call, and returns those
// that it has not looked at, and how many bytes it has.
func sendSome(s transport.Stream, bufs [][]byte) (sent int, rest [][]byte, want int, err error) {
	var iov [maxGather]syscall.Iovec
	k := 0
	for len(bufs) > 0 && k < maxGather {
		if p := bufs[0]; len(p) > 0 {
			iov[k].Base = &p[0]
			iov[k].Len = uint64(len(p))
			want += len(p)
			k++
		}
		bufs = bufs[1:]
	}
	if k == 0 {
		return 0, bufs, 0, nil
	}
	for {
		var n uintptr
		var e syscall.Errno
		if k == 1 {
			n, _, e = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(s), uintptr(unsafe.Pointer(iov[0].Base)), uintptr(iov[0].Len), msgDontwait|msgNosignal, 0, 0)
		} else {
			m := syscall.Msghdr{Iov: &iov[0], Iovlen: uint64(k)}
			n, _, e = syscall.RawSyscall(syscall.SYS_SENDMSG, uintptr(s), uintptr(unsafe.Pointer(&m)), msgDontwait|msgNosignal)
		}
		switch e {
		case 0:
			return int(n), bufs, want, nil
		case syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOTCONN:
			// ENOTCONN is a dialled stream before it is connected.
			return 0, bufs, want, transport.ErrWouldBlock
		case syscall.EINTR:
		default:
			return 0, bufs, want, errorOf(e)
		}
	}
}

// CloseWrite implements transport.Backend.
func (b *Backend) CloseWrite(s transport.Stream) error {
	_, _, e := syscall.RawSyscall(syscall.SYS_SHUTDOWN, uintptr(s), syscall.SHUT_WR, 0)
	return errorOf(e)
}

// CloseStream implements transport.Backend. Closing a descriptor takes it out
// of its epoll instance, since nobody duplicates it.
func (b *Backend) CloseStream(s transport.Stream) { closeDescriptor(int32(s)) }

// Abort implements transport.Backend: a close with a linger time of zero is
// a reset.
func (b *Backend) Abort(s transport.Stream) {
	linger := [2]int32{1, 0}
	syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(s), syscall.SOL_SOCKET, syscall.SO_LINGER, uintptr(unsafe.Pointer(&linger)), unsafe.Sizeof(linger), 0)
	closeDescriptor(int32(s))
}

// Local implements transport.Backend.
func (b *Backend) Local(s transport.Stream) transport.Addr {
	return nameOf(syscall.SYS_GETSOCKNAME, int32(s))
}

// Remote implements transport.Backend.
func (b *Backend) Remote(s transport.Stream) transport.Addr {
	return nameOf(syscall.SYS_GETPEERNAME, int32(s))
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
	if err = setOption(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1); err != nil {
		closeDescriptor(fd)
		return 0, err
	}
	var sa sockaddr
	n := sa.set(a)
	for {
		_, _, e := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), n)
		switch e {
		case 0, syscall.EINPROGRESS, syscall.EALREADY:
			return transport.Stream(fd), nil
		case syscall.EINTR:
			continue
		case syscall.ECONNREFUSED, syscall.ENETUNREACH, syscall.EHOSTUNREACH:
			// Known at once on some ways. The first Send would not say so any
			// more, so the caller hears it here.
		}
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

func setOption(fd int32, level, name, value int) error {
	v := int32(value)
	_, _, e := syscall.RawSyscall6(syscall.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&v)), unsafe.Sizeof(v), 0)
	return errorOf(e)
}
