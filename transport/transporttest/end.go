package transporttest

import (
	"io"

	"github.com/bobtail-go/bobtail/transport"
)

var endCases = []testCase{
	{
		"end/the peer half-closes",
		"After the end of the peer's bytes, Send goes on.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.peerWrite(p, "question")
			d.mustNot(p.CloseWrite(), "CloseWrite of the peer")
			d.wantReceive(s, "question")
			d.wantEOF(s)
			d.send(s, []byte("answer"))
			d.wantPeerRead(p, "answer")
			d.close(s)
			d.wantPeerEOF(p)
		},
	},
	{
		"end/we half-close",
		"CloseWrite sends the end of our bytes after those already taken. Receive goes on.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.send(s, []byte("goodbye"))
			d.mustNot(d.b.CloseWrite(s.id), "CloseWrite")
			d.wantPeerRead(p, "goodbye")
			d.wantPeerEOF(p)
			d.peerWrite(p, "not yet")
			d.wantReceive(s, "not yet")
			d.mustNot(p.CloseWrite(), "CloseWrite of the peer")
			d.wantEOF(s)
		},
	},
	{
		"end/in the turn of the question",
		"Bytes that Send has taken come before our end, whichever way it is sent, without a Wait between.",
		func(d *driver) {
			l := d.listenArmed()
			for _, end := range []func(s *stream){
				d.close,
				func(s *stream) { d.mustNot(d.b.CloseWrite(s.id), "CloseWrite") },
				func(s *stream) { d.mustNot(d.b.CloseWrite(s.id), "CloseWrite"); d.close(s) },
			} {
				s, p := d.pair(l, 0)
				other, q := d.pair(l, 0)
				d.peerWrite(p, "question")
				d.peerWrite(q, "question")
				s.empty, other.empty = true, true
				d.wantReceive(s, "question")
				d.wantReceive(other, "question")
				d.send(other, []byte("another answer"))
				d.send(s, []byte("answer"))
				end(s)
				d.wantPeerRead(p, "answer")
				d.wantPeerEOF(p)
				d.wantPeerRead(q, "another answer")
			}
		},
	},
	{
		"end/we half-close a full stream",
		"CloseWrite comes after the bytes already taken, however many wait.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 8)
			d.mustNot(d.b.CloseWrite(s.id), "CloseWrite")
			read := d.readPattern(p, 8, taken)
			d.while("reading by the peer", func() error { return <-read })
			d.wantPeerEOF(p)
		},
	},
	{
		"end/the peer resets: Receive",
		"A reset raises an event, and Receive then tells ErrReset, or EOF on a network that cannot tell.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.mustNot(p.Reset(), "Reset of the peer")
			s.empty = true
			if v, err := d.receive(s, make([]byte, 16)); err != transport.ErrReset && err != transport.EOF {
				d.fatalf("Receive = %q, %v, want ErrReset or EOF", v, err)
			}
		},
	},
	{
		"end/the peer resets: Send",
		"After a reset, Send fails with ErrReset.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.mustNot(p.Reset(), "Reset of the peer")
			d.wantSendReset(s)
		},
	},
	{
		"end/the peer resets before Accept",
		"A client that went away before it was accepted is either told by ErrAborted or given as a stream that is reset, and the next one is not kept from us.",
		func(d *driver) {
			l := d.listenArmed()
			d.mustNot(d.connected(d.dialLater(l.addr)).Reset(), "Reset of the peer")
			p := d.dialLater(l.addr)
			d.connected(p)
			s := d.attach(d.accept(l), 0)
			if d.b.Remote(s.id) != p.peer.Local() { // it is the dead one
				d.close(s)
				s = d.attach(d.accept(l), 0)
			}
			s.empty = true
			d.peerWrite(p.peer, "alive")
			d.wantReceive(s, "alive")
		},
	},
	{
		"end/abort",
		"Abort ends the stream at once; the peer sees a reset, not an end.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.send(s, []byte("part of an answer"))
			d.wantPeerRead(p, "part of an answer")
			d.abort(s)
			if err := d.peerReadErr(p); err == io.EOF {
				d.fatalf("the peer's Read ended with %v, want a reset", err)
			}
		},
	},
	{
		"end/abort of a full stream",
		"Abort waits for nothing.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.fillUp(s, 5)
			d.abort(s)
			if err := d.peerReadErr(p); err == io.EOF {
				d.fatalf("the peer's Read ended with %v, want a reset", err)
			}
		},
	},
	{
		"end/close delivers what was taken",
		"CloseStream ends the stream in order: bytes taken by Send are still delivered, also those that wait for the peer.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 4)
			total := taken + 1<<20
			read := d.readPattern(p, 4, total)
			d.sendPattern(s, 4, taken, total)
			d.close(s)
			d.while("reading by the peer", func() error { return <-read })
			d.wantPeerEOF(p)
		},
	},
	{
		"end/close of a full stream",
		"CloseStream with the stream full delivers what Send has taken, though nobody sends any more.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 4)
			d.close(s)
			read := d.readPattern(p, 4, taken)
			d.while("reading by the peer", func() error { return <-read })
			d.wantPeerEOF(p)
		},
	},
	{
		"end/no events after it",
		"After CloseStream or Abort, a Wait that begins later tells no event of that stream, also if it was ready.",
		func(d *driver) {
			l := d.listenArmed()
			for _, end := range []func(*stream){d.close, d.abort} {
				s, p := d.pair(l, 0)
				d.peerWrite(p, "unread")
				end(s)
				d.told(s.tag, 0) // in which an event of s fails the case
			}
		},
	},
	{
		"end/names are not confused",
		"A stream's name may be given to another stream: the new one has its own tag, events and bytes.",
		func(d *driver) {
			l := d.listenArmed()
			keep, keepPeer := d.pair(l, 0)
			for i := range 100 {
				s, p := d.pair(l, i%d.b.Lanes())
				text := string(rune('a' + i%26))
				d.peerWrite(p, text)
				if i%3 != 0 { // else the byte is left, and so is the event
					d.wantReceive(s, text)
				}
				if i%2 == 0 {
					d.close(s)
				} else {
					d.abort(s)
				}
				p.Close()
			}
			d.peerWrite(keepPeer, "mine")
			keep.empty = true
			d.wantReceive(keep, "mine")
		},
	},
}

// wantSendReset sends until it fails. Bytes may be taken until the reset has
// come, which an event tells.
func (d *driver) wantSendReset(s *stream) {
	d.t.Helper()
	d.until(s.tag, transport.Hangup|transport.Readable|transport.Writable, "an event, for a reset")
	for range 1000 {
		n, err := d.b.Send(s.id, [][]byte{[]byte("into the void")})
		switch {
		case err == transport.ErrReset:
			return
		case err == transport.ErrWouldBlock || err == nil && n < 13:
			d.ready[s.tag] = 0
			d.until(s.tag, transport.Hangup|transport.Readable|transport.Writable, "an event, for a reset")
		case err != nil:
			d.fatalf("Send: %v, want ErrReset", err)
		default:
			d.step(d.lane[s.tag], 0)
		}
	}
	d.fatalf("Send goes on after a reset")
}
