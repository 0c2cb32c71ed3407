package transporttest

import (
	"io"
	"os"

	"github.com/bobtail-go/bobtail/transport"
)

// fileCases are for backends that are a transport.FileSender.
var fileCases = []testCase{
	{
		"file/head and file in order",
		"SendFile takes head and then n bytes of the file from an offset, and neither moves the file's own offset nor needs head after it has returned.",
		func(d *driver) {
			const size = 70_000
			fd := d.file(size)
			s, p := d.pair(d.listenArmed(), 0)
			for _, c := range []struct{ head, off, n int }{{5, 0, size}, {0, 0, size}, {300, 1, 5}, {1, 4096, 4096}, {7, 12_345, 50_000}, {3, 10, 0}, {0, 10, 0}, {2, size - 1, 1}} {
				head := make([]byte, c.head)
				fill(head, 9, 0)
				want := make([]byte, c.head+c.n)
				fill(want[:c.head], 9, 0)
				fill(want[c.head:], fileSeed, c.off)
				got := make([]byte, len(want))
				read := make(chan error, 1)
				go func() {
					_, err := io.ReadFull(p, got)
					read <- err
				}()
				d.sendFile(s, head, fd, c.off, c.n)
				clear(head)
				d.while("reading by the peer", func() error { return <-read })
				if string(got) != string(want) {
					d.fatalf("%d bytes behind %d from %d: something else came", c.n, c.head, c.off)
				}
			}
		},
	},
	{
		"file/fills and goes on",
		"A SendFile that takes less than all, and does not fail, has filled the stream; room that comes later raises a new Writable event, and all bytes arrive in order.",
		func(d *driver) {
			const size = 3 << 20
			fd := d.file(size)
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 5)
			at := 0 // the system may have found some more room
			for err := error(nil); err != transport.ErrWouldBlock; {
				var n int
				d.ready[s.tag] &^= transport.Writable
				n, err = d.b.(transport.FileSender).SendFile(s.id, nil, fd, int64(at), size-at)
				if at += n; n > 0 == (err != nil) || err != nil && err != transport.ErrWouldBlock || at == size {
					d.fatalf("SendFile into a full stream: %d, %v", n, err)
				}
			}
			s.full = true
			d.readAll(p, taken)
			read := d.readPattern(p, fileSeed, size)
			d.sendFile(s, nil, fd, at, size-at)
			d.while("reading by the peer", func() error { return <-read })
		},
	},
	{
		"file/and Send, in turns",
		"What SendFile and Send have taken arrives in the order of the calls.",
		func(d *driver) {
			const size = 200_000
			fd := d.file(size)
			s, p := d.pair(d.listenArmed(), 0)
			read := d.readPattern(p, fileSeed, size)
			for at, n := 0, 1; at < size; n = n*3 + 1 {
				n = min(n, size-at)
				half := n / 2
				d.sendPattern(s, fileSeed, at, at+half)
				head := make([]byte, (n-half)/3)
				fill(head, fileSeed, at+half)
				d.sendFile(s, head, fd, at+half+len(head), n-half-len(head))
				at += n
			}
			d.while("reading by the peer", func() error { return <-read })
		},
	},
	{
		"file/that is too short",
		"EOF tells that the file has ended before off+n, also after bytes were taken.",
		func(d *driver) {
			const size = 1000
			fd := d.file(size)
			s, p := d.pair(d.listenArmed(), 0)
			read := d.readPattern(p, fileSeed, size)
			for at := 0; ; {
				n, err := d.sendFileSome(s, nil, fd, at, 2*size-at)
				if at += n; err == transport.EOF {
					if at != size {
						d.fatalf("EOF after %d bytes of %d", at, size)
					}
					break
				}
				d.mustNot(err, "SendFile")
			}
			d.while("reading by the peer", func() error { return <-read })
			if n, err := d.sendFileSome(s, nil, fd, size+1, 1); n != 0 || err != transport.EOF {
				d.fatalf("behind the end: %d, %v", n, err)
			}
		},
	},
	{
		"file/that cannot be sent",
		"ErrNotSupported tells that the content must be given to Send; what was taken of head stays taken.",
		func(d *driver) {
			d.file(0)
			r, w, err := os.Pipe()
			d.mustNot(err, "Pipe")
			defer r.Close()
			defer w.Close()
			s, p := d.pair(d.listenArmed(), 0)
			head := []byte("head,")
			for {
				n, err := d.sendFileSome(s, head, r.Fd(), 0, 10)
				head = head[n:]
				if err == transport.ErrNotSupported {
					break
				}
				d.mustNot(err, "SendFile")
				if n == 0 {
					d.fatalf("SendFile took nothing of a pipe, and did not fail")
				}
			}
			d.send(s, append(head, "body"...))
			d.wantPeerRead(p, "head,body")
		},
	},
	{
		"file/full, and the peer resets",
		"A reset ends the wait for room: an event comes, and SendFile then tells ErrReset.",
		func(d *driver) {
			fd := d.file(1000)
			s, p := d.pair(d.listenArmed(), 0)
			d.fillUp(s, 5)
			d.ready[s.tag] = 0
			d.mustNot(p.Reset(), "Reset of the peer")
			d.until(s.tag, transport.Hangup, "Hangup, after a reset")
			for {
				_, err := d.b.(transport.FileSender).SendFile(s.id, nil, fd, 0, 1000)
				if err == transport.ErrReset {
					return
				}
				if err != transport.ErrWouldBlock && err != nil {
					d.fatalf("SendFile after a reset: %v", err)
				}
				d.until(s.tag, transport.Writable|transport.Hangup, "an event, after a reset")
				d.ready[s.tag] = 0
			}
		},
	},
}

const fileSeed = 3

// file makes a file of bytes of a pattern.
func (d *driver) file(size int) (fd uintptr) {
	d.t.Helper()
	if _, ok := d.b.(transport.FileSender); !ok || d.f.File == nil {
		d.t.Skip("the backend sends no files")
	}
	text := make([]byte, size)
	fill(text, fileSeed, 0)
	fd, file, err := d.f.File(text)
	d.mustNot(err, "making a file")
	d.closers = append(d.closers, file)
	return fd
}

// sendFile sends head and n bytes of a file, as room comes.
func (d *driver) sendFile(s *stream, head []byte, fd uintptr, off, n int) {
	d.t.Helper()
	for len(head) > 0 || n > 0 {
		took, err := d.sendFileSome(s, head, fd, off, n)
		d.mustNot(err, "SendFile")
		k := min(took, len(head))
		head, off, n = head[k:], off+took-k, n-(took-k)
	}
}

// sendFileSome is one SendFile that takes something or fails.
func (d *driver) sendFileSome(s *stream, head []byte, fd uintptr, off, n int) (int, error) {
	d.t.Helper()
	for {
		if s.full {
			d.until(s.tag, transport.Writable|transport.Hangup, "Writable, for room after a short SendFile")
		}
		d.ready[s.tag] &^= transport.Writable
		took, err := d.b.(transport.FileSender).SendFile(s.id, head, fd, int64(off), n)
		s.full = err == transport.ErrWouldBlock || err == nil && took < len(head)+n
		if err == transport.ErrWouldBlock {
			d.ready[s.tag] &^= transport.Hangup
			continue
		}
		if took < 0 || took > len(head)+n || took == 0 && err == nil && len(head)+n > 0 {
			d.fatalf("SendFile took %d of %d and %d bytes, and %v", took, len(head), n, err)
		}
		return took, err
	}
}

// readAll lets the peer read n bytes, whatever they are.
func (d *driver) readAll(p Peer, n int) {
	d.t.Helper()
	d.while("reading by the peer", func() error {
		_, err := io.CopyN(io.Discard, p, int64(n))
		return err
	})
}
