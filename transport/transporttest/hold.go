package transporttest

import (
	"bytes"

	"github.com/bobtail-go/bobtail/transport"
)

// holdCases are the rules of Consume, by both kinds of backend.
var holdCases = []testCase{
	{
		"hold/nothing is held",
		"In a backend that holds nothing, every byte that Receive gave is the caller's: Consume does nothing.",
		func(d *driver) {
			if d.b.Holds() != 0 {
				d.t.Skip("the backend holds bytes")
			}
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "abcdef")
			buf := make([]byte, 3)
			view, err := d.receive(s, buf)
			d.mustNot(err, "Receive")
			got := string(view)
			d.b.Consume(s.id, 0)
			for len(got) < 6 {
				view, err = d.receive(s, buf)
				d.mustNot(err, "Receive")
				got += string(view)
			}
			if got != "abcdef" {
				d.fatalf("received %q, want %q", got, "abcdef")
			}
		},
	},
	{
		"hold/unconsumed bytes are given again",
		"A view begins at the first byte that was not consumed, whether or not new bytes have come.",
		func(d *driver) {
			if d.b.Holds() == 0 {
				d.t.Skip("the backend holds nothing")
			}
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "abcdef")
			d.wantView(s, "abcdef", 0) // looked at, nothing taken
			d.wantView(s, "abcdef", 2)
			d.wantView(s, "cdef", 3)
			d.peerWrite(p, "ghi")
			d.wantView(s, "fghi", 4)
			d.peerWrite(p, "j")
			d.wantView(s, "j", 1)
		},
	},
	{
		"hold/all that it says",
		"Holds is the number of unconsumed bytes that the backend can hold: that many can be seen at once.",
		func(d *driver) {
			h := d.b.Holds()
			if h == 0 {
				d.t.Skip("the backend holds nothing")
			}
			s, p := d.pair(d.listenArmed(), 0)
			text := make([]byte, h)
			fill(text, 7, 0)
			d.while("writing by the peer", func() error {
				_, err := p.Write(text[:h/2])
				return err
			})
			d.wantView(s, string(text[:h/2]), 0)
			d.while("writing by the peer", func() error {
				_, err := p.Write(text[h/2:])
				return err
			})
			d.wantView(s, string(text), h)
			// The view was short of what was asked for, so that an event comes.
			s.empty = true
			d.peerWrite(p, "more")
			d.wantView(s, "more", 4)
			// All of it again, wherever in the backend's memory the bytes lie now.
			d.while("writing by the peer", func() error {
				_, err := p.Write(text)
				return err
			})
			d.wantView(s, string(text), h)
		},
	},
	{
		"hold/end after the last consumed byte",
		"EOF comes after the last byte; bytes that were not consumed come before it.",
		func(d *driver) {
			if d.b.Holds() == 0 {
				d.t.Skip("the backend holds nothing")
			}
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "abc")
			d.mustNot(p.CloseWrite(), "CloseWrite of the peer")
			d.wantView(s, "abc", 1)
			d.wantView(s, "bc", 2)
			d.wantEOF(s)
		},
	},
	{
		"hold/more than is held",
		"Consuming makes room, without an event asked for by the caller: a long transfer goes on though each step leaves some bytes.",
		func(d *driver) {
			h := d.b.Holds()
			if h < 4 {
				d.t.Skip("the backend holds less than 4 bytes")
			}
			s, p := d.pair(d.listenArmed(), 0)
			const total = 20_000
			sent := make(chan error, 1)
			go func() {
				text := make([]byte, total)
				fill(text, 3, 0)
				_, err := p.Write(text)
				sent <- err
			}()
			got, buf, want := 0, make([]byte, h), make([]byte, h)
			for got < total {
				view, err := d.receive(s, buf)
				d.mustNot(err, "Receive")
				fill(want[:len(view)], 3, got)
				if !bytes.Equal(view, want[:len(view)]) {
					d.fatalf("the view at byte %d differs from what was sent", got)
				}
				// Leave a third, except where nothing more comes.
				n := max(1, len(view)*2/3)
				d.b.Consume(s.id, n)
				got += n
				// What was left is at hand and needs no event.
				s.empty = s.empty && n == len(view)
			}
			d.while("writing by the peer", func() error { return <-sent })
		},
	},
}

// wantView waits until the view is want, and consumes n bytes of it.
func (d *driver) wantView(s *stream, want string, n int) {
	d.t.Helper()
	buf := make([]byte, d.b.Holds()+1)
	if s.empty {
		d.until(s.tag, transport.Readable, "Readable, for further bytes after a short Receive")
	}
	for {
		d.ready[s.tag] &^= transport.Readable
		view, err := d.b.Receive(s.id, buf)
		if err == nil && string(view) == want {
			d.b.Consume(s.id, n)
			s.empty = n == len(view)
			return
		}
		if err != nil && err != transport.ErrWouldBlock || !bytes.HasPrefix([]byte(want), view) {
			d.fatalf("Receive = %q, %v, want %q", view, err, want)
		}
		// Short of it: a new edge comes for the rest.
		d.until(s.tag, transport.Readable, "Readable, for further bytes after a short Receive")
	}
}
