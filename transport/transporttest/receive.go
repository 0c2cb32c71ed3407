package transporttest

import (
	"strings"

	"github.com/bobtail-go/bobtail/transport"
)

var receiveCases = []testCase{
	{
		"receive/nothing at hand",
		"Receive fails with ErrWouldBlock where there is nothing, attached or not.",
		func(d *driver) {
			l := d.listenArmed()
			p := d.dialLater(l.addr)
			id := d.accept(l)
			d.connected(p)
			buf := make([]byte, 16)
			if v, err := d.b.Receive(id, buf); err != transport.ErrWouldBlock {
				d.fatalf("Receive before Attach = %q, %v, want ErrWouldBlock", v, err)
			}
			s := d.attach(id, 0)
			for range 2 {
				if v, err := d.b.Receive(s.id, buf); err != transport.ErrWouldBlock {
					d.fatalf("Receive = %q, %v, want ErrWouldBlock", v, err)
				}
			}
			s.empty = true
			d.peerWrite(p.peer, "now")
			d.wantReceive(s, "now")
		},
	},
	{
		"receive/bytes that came before Attach",
		"Attach reports, by an event after it, whatever was ready before it: bytes.",
		func(d *driver) {
			l := d.listenArmed()
			p := d.dialLater(l.addr)
			id := d.accept(l)
			d.peerWrite(d.connected(p), "early")
			s := d.attach(id, 0)
			s.empty = true // so that the event is needed
			d.wantReceive(s, "early")
		},
	},
	{
		"receive/end that came before Attach",
		"Attach reports, by an event after it, whatever was ready before it: the end of the peer's bytes.",
		func(d *driver) {
			l := d.listenArmed()
			p := d.dialLater(l.addr)
			id := d.accept(l)
			d.connected(p).Close()
			s := d.attach(id, 0)
			s.empty = true
			d.wantEOF(s)
		},
	},
	{
		"receive/a new edge after a short Receive",
		"A Receive whose view is shorter than what was asked for has emptied the stream; bytes that come later raise a new Readable event.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			for range 50 {
				d.peerWrite(p, "ping")
				got := ""
				for len(got) < 4 {
					view, err := d.receive(s, make([]byte, 16))
					d.mustNot(err, "Receive")
					got += string(view)
					d.b.Consume(s.id, len(view))
				}
				if got != "ping" {
					d.fatalf("received %q, want %q", got, "ping")
				}
			}
		},
	},
	{
		"receive/a new edge after ErrWouldBlock",
		"A Receive that fails with ErrWouldBlock has emptied the stream; bytes that come later raise a new Readable event.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			for range 20 {
				d.peerWrite(p, "ping")
				if got := d.receiveAll(s, 4, 4); string(got) != "ping" { // each view full
					d.fatalf("received %q, want %q", got, "ping")
				}
				if v, err := d.b.Receive(s.id, make([]byte, 4)); err != transport.ErrWouldBlock {
					d.fatalf("Receive = %q, %v, want ErrWouldBlock", v, err)
				}
				s.empty = true
				d.ready[s.tag] = 0
			}
		},
	},
	{
		"receive/a full Receive leaves the rest",
		"A Receive that fills the whole buffer may have left bytes: they are given by the next one, and no event is needed for that.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			if h := d.b.Holds(); h > 0 && h < 12 {
				d.t.Skip("the backend holds less than 12 bytes")
			}
			d.peerWrite(p, "0123456789ab")
			d.until(s.tag, transport.Readable, "Readable, for bytes")
			if d.f.Faulty {
				if got := d.receiveAll(s, 12, 4); string(got) != "0123456789ab" {
					d.fatalf("received %q", got)
				}
				return
			}
			for _, want := range []string{"0123", "4567", "89ab"} {
				view, err := d.b.Receive(s.id, make([]byte, 4))
				if string(view) != want || err != nil {
					d.fatalf("Receive = %q, %v, want %q at once", view, err, want)
				}
				d.b.Consume(s.id, len(view))
			}
		},
	},
	{
		"receive/end after bytes",
		"The end of the peer's bytes comes after the last byte, also where both are told by one event, and it stays.",
		func(d *driver) {
			l := d.listenArmed()
			for _, text := range []string{"", "x", "0123456789"} {
				for _, before := range []bool{false, true} {
					s, p := d.pair(l, 0)
					if before { // an edge for the bytes and one for the end
						d.peerWrite(p, text)
						if text != "" {
							d.until(s.tag, transport.Readable, "Readable, for bytes")
						}
						p.CloseWrite()
					} else {
						d.while("writing by the peer", func() error {
							_, err := p.Write([]byte(text))
							p.Close()
							return err
						})
					}
					s.empty = true
					if got := d.receiveAll(s, len(text), 16); string(got) != text {
						d.fatalf("received %q, want %q", got, text)
					}
					d.wantEOF(s)
					d.close(s)
				}
			}
		},
	},
	{
		"receive/end after bytes that filled the buffer",
		"After a Receive that filled the buffer exactly, the next one tells the end or would block until it comes.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "four")
			d.wantReceive(s, "four")
			d.mustNot(p.CloseWrite(), "CloseWrite of the peer")
			d.wantEOF(s)
		},
	},
	{
		"receive/one byte at a time",
		"Each byte that comes after the stream was emptied raises an event of its own.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			text := strings.Repeat("abcdefghij", 5)
			for _, c := range text {
				d.peerWrite(p, string(c))
				view, err := d.receive(s, make([]byte, 2))
				if err != nil || string(view) != string(c) {
					d.fatalf("Receive = %q, %v, want %q", view, err, c)
				}
				d.b.Consume(s.id, 1)
			}
		},
	},
}
