//go:build linux && (amd64 || arm64)

package epoll

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.FileSender = (*Backend)(nil)

// mostFile is the most that one sendfile is asked for, which is what the kernel
// gives at most (MAX_RW_COUNT), in whole pages.
const mostFile = 0x7ffff000

// SendFile implements transport.FileSender: head waits in the kernel for the
// first bytes of the file (MSG_MORE), which saves a packet of its own, and a
// quarter of the time that a short file takes.
func (b *Backend) SendFile(s transport.Stream, head []byte, fd uintptr, off int64, n int) (sent int, err error) {
	if err := b.settle(s); err != nil {
		return 0, err
	}
	ignorePipe()
	if len(head) > 0 {
		flags := msgDontwait | msgNosignal
		if n > 0 {
			flags |= msgMore
		}
		sent, err = sendOne(s, head, flags)
		if err != nil || sent < len(head) {
			return sent, err
		}
	}
	if n <= 0 {
		return sent, nil
	}
	// The kernel writes the offset, so it has a place that is not the stack:
	// there, TinyGo would allocate it.
	for i := range gathers {
		if g := &b.gathers[(uint32(s)+uint32(i))%gathers]; !g.busy.Swap(true) {
			g.off = off
			n, err = sendFile(s, fd, &g.off, n)
			g.busy.Store(false)
			return full(sent+n, err)
		}
	}
	// More calls at once than there are places take turns.
	b.alone.Lock()
	defer b.alone.Unlock()
	b.alone.off = off
	n, err = sendFile(s, fd, &b.alone.off, n)
	return full(sent+n, err)
}

// full says that a stream which has taken something is full by not saying so.
func full(sent int, err error) (int, error) {
	if transport.ErrWouldBlock.Is(err) && sent > 0 {
		err = nil
	}
	return sent, err
}

// sendFile goes on until all is sent or the kernel says that it would block:
// it may take less for other reasons than a full stream, and only a full one
// has an event to come.
func sendFile(s transport.Stream, fd uintptr, off *int64, n int) (sent int, err error) {
	for sent < n {
		k, e := sendfile(int32(s), fd, off, min(n-sent, mostFile))
		switch {
		case e == 0 && k == 0:
			return sent, transport.EOF
		case e == 0:
			sent += int(k)
		case e != syscall.EINTR:
			return sent, fileError(e)
		}
	}
	return sent, nil
}

// fileError names the error of a sendfile.
func fileError(e syscall.Errno) error {
	switch e {
	case syscall.EINVAL, syscall.ENOSYS, syscall.ESPIPE, syscall.EOPNOTSUPP, syscall.EPERM, syscall.EACCES, syscall.EOVERFLOW:
		// Not a file with pages, or not in this sandbox. Whoever reads it
		// instead finds out if it cannot be read either.
		return transport.ErrNotSupported
	}
	return sendError(e)
}
