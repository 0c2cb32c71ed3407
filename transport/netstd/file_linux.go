package netstd

import (
	"syscall"

	"github.com/bobtail-go/bobtail/transport"
)

var _ transport.FileSender = (*Backend)(nil)

// filing is what a SendFile sends.
type filing struct {
	now  func(uintptr) // raw.sendFileNow, made at the first use
	head []byte
	fd   int
	off  int64
	left int
	end  bool // the file has ended before
}

// SendFile implements transport.FileSender, for connections that have a
// descriptor and no buffer.
func (b *Backend) SendFile(name transport.Stream, head []byte, fd uintptr, off int64, n int) (int, error) {
	c, err := b.state(name)
	if err != nil {
		return 0, err
	}
	r, ok := c.(*raw)
	if !ok {
		return 0, transport.ErrNotSupported
	}
	f := &r.filing
	if f.now == nil {
		f.now = r.sendFileNow
	}
	f.head, f.fd, f.off, f.left, f.end = head, int(fd), off, n, false
	err = r.rc.Control(f.now)
	f.head = nil
	switch {
	case err == nil && f.end:
		return r.sent, transport.EOF
	case err == nil && cannotSendFile(r.sendErr):
		return r.sent, transport.ErrNotSupported
	}
	return r.didSend(err)
}

func cannotSendFile(e syscall.Errno) bool {
	switch e {
	case syscall.EINVAL, syscall.ENOSYS, syscall.ESPIPE, syscall.EOPNOTSUPP, syscall.EPERM, syscall.EACCES, syscall.EOVERFLOW:
		return true // not a file with pages, or not in this sandbox
	}
	return false
}

// sendFileNow is the system calls of SendFile: the head waits in the kernel for
// the first bytes of the file.
func (r *raw) sendFileNow(stream uintptr) {
	f := &r.filing
	r.sent, r.sendErr = 0, 0
	for len(f.head) > 0 {
		flags := syscall.MSG_DONTWAIT
		if f.left > 0 {
			flags |= syscall.MSG_MORE
		}
		n, err := syscall.SendmsgN(int(stream), f.head, nil, nil, flags)
		if f.failed(r, err) {
			return
		}
		f.head = f.head[max(n, 0):]
		r.sent += max(n, 0)
	}
	for f.left > 0 {
		n, err := syscall.Sendfile(int(stream), f.fd, &f.off, f.left)
		if f.failed(r, err) {
			return
		}
		if err == nil && n == 0 {
			f.end = true
			return
		}
		f.left -= max(n, 0)
		r.sent += max(n, 0)
	}
}

// failed notes an error that is none of being interrupted.
func (f *filing) failed(r *raw, err error) bool {
	if err == nil || err == syscall.EINTR {
		return false
	}
	r.sendErr, _ = err.(syscall.Errno)
	return true
}
