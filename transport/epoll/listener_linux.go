//go:build linux && (amd64 || arm64)

package epoll

import (
	"syscall"
	"unsafe"

	"github.com/bobtail-go/bobtail/internal/nosyn"
	"github.com/bobtail-go/bobtail/transport"
)

// Listen implements transport.Backend.
func (b *Backend) Listen(a transport.Addr, tag uint64) (transport.Listener, error) {
	fd, err := b.listen(a)
	if err != nil {
		return 0, err
	}
	// Level-triggered: what is not accepted is told again, once it is armed.
	data, err := b.enroll(transport.Stream(fd), 0, tag)
	if err == nil {
		err = b.control(&b.lanes[0], syscall.EPOLL_CTL_ADD, fd, 0, data)
	}
	if err != nil {
		b.forget(transport.Stream(fd))
		closeDescriptor(fd)
		return 0, err
	}
	return b.remember(listener{fd: fd, data: data, unset: a.IsUnset()}), nil
}

func (b *Backend) listen(a transport.Addr) (int32, error) {
	fd, err := newSocket(a)
	if transport.ErrNotSupported.Is(err) && a.IsUnset() {
		a = transport.IPv4(0, 0, 0, 0, a.Port())
		fd, err = newSocket(a)
	}
	if err != nil {
		return -1, err
	}
	only6 := 1
	if a.IsUnset() {
		only6 = 0
	}
	options := [...]struct{ level, name, value int }{
		// A port whose last connections are in TIME-WAIT can be had again.
		{syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1},
		// Accepted streams inherit it: answers are gathered here, not there.
		{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1},
		{syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, only6},
	}
	for _, o := range options {
		if o.level == syscall.IPPROTO_IPV6 && a.Is4() {
			continue
		}
		if err = b.setOption(fd, o.level, o.name, o.value); err != nil {
			closeDescriptor(fd)
			return -1, err
		}
	}
	var sa sockaddr
	n := sa.set(a)
	_, _, e := syscall.RawSyscall(syscall.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&sa)), n)
	if e == 0 {
		_, _, e = syscall.RawSyscall(syscall.SYS_LISTEN, uintptr(fd), uintptr(b.backlog), 0)
	}
	if e != 0 {
		closeDescriptor(fd)
		return -1, errorOf(e)
	}
	return fd, nil
}

// ListenerAddr implements transport.Backend.
func (b *Backend) ListenerAddr(l transport.Listener) transport.Addr {
	a := b.nameOf(syscall.SYS_GETSOCKNAME, b.listeners[l].fd)
	if b.listeners[l].unset { // and not ::, which is how the kernel calls it
		a = transport.Addr{}.WithPort(a.Port())
	}
	return a
}

// Arm implements transport.Backend.
func (b *Backend) Arm(l transport.Listener, on bool) {
	var events uint32
	if on {
		events = syscall.EPOLLIN
	}
	// It cannot fail: the listener is registered until it is closed.
	b.control(&b.lanes[0], syscall.EPOLL_CTL_MOD, b.listeners[l].fd, events, b.listeners[l].data)
}

// Accept implements transport.Backend.
func (b *Backend) Accept(l transport.Listener) (transport.Stream, error) {
	for {
		fd, _, e := syscall.RawSyscall6(syscall.SYS_ACCEPT4, uintptr(b.listeners[l].fd), 0, 0, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0, 0)
		switch e {
		case 0:
			return transport.Stream(fd), nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, transport.ErrWouldBlock
		case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
			return 0, transport.ErrDescriptors
		case syscall.EBADF, syscall.EINVAL:
			return 0, transport.ErrClosed
		}
		// accept(2): errors already pending on the new socket are told as
		// accept's own, and are to be treated as "try again".
		return 0, transport.ErrAborted
	}
}

// QuietListener implements transport.Backend.
func (b *Backend) QuietListener(l transport.Listener) { nosyn.Attach(int(b.listeners[l].fd)) }

// CloseListener implements transport.Backend.
func (b *Backend) CloseListener(l transport.Listener) {
	b.forget(transport.Stream(b.listeners[l].fd))
	closeDescriptor(b.listeners[l].fd)
	b.listeners[l].fd = -1
}

// listener is what must be known of a listener.
type listener struct {
	fd    int32
	data  uint64 // of its events
	unset bool   // it was opened for an unset address
}

func (b *Backend) remember(l listener) transport.Listener {
	for i := range b.listeners {
		if b.listeners[i].fd < 0 {
			b.listeners[i] = l
			return transport.Listener(i)
		}
	}
	b.listeners = append(b.listeners, l)
	return transport.Listener(len(b.listeners) - 1)
}
