package transporttest

import (
	"github.com/bobtail-go/bobtail/transport"
)

var dialCases = []testCase{
	{
		"dial/connects",
		"A dialled stream is connected when it is Writable, and then works like an accepted one.",
		func(d *driver) {
			l := d.peerListen()
			for lane := range d.b.Lanes() {
				s, p := d.dial(l, lane)
				d.send(s, []byte("question"))
				d.wantPeerRead(p, "question")
				s.empty = true
				d.peerWrite(p, "answer")
				d.wantReceive(s, "answer")
				d.mustNot(d.b.CloseWrite(s.id), "CloseWrite")
				d.wantPeerEOF(p)
				d.peerWrite(p, "more")
				d.wantReceive(s, "more")
				p.Close()
				d.wantEOF(s)
				d.close(s)
			}
		},
	},
	{
		"dial/names of the ends",
		"Local and Remote of a dialled stream are the peer's names for the two ends, crossed.",
		func(d *driver) {
			l := d.peerListen()
			s, p := d.dial(l, 0)
			if got, want := d.b.Local(s.id), p.Remote(); got != want {
				d.fatalf("Local = %v, the peer calls it %v", got, want)
			}
			if got, want := d.b.Remote(s.id), p.Local(); got != want || got != l.Addr() {
				d.fatalf("Remote = %v, the peer calls it %v and was dialled at %v", got, want, l.Addr())
			}
		},
	},
	{
		"dial/refused, told by Send",
		"An event tells that a Dial has failed, and the first Send tells the reason.",
		func(d *driver) {
			s := d.dialNobody()
			if _, err := d.b.Send(s.id, [][]byte{[]byte("hello")}); err != transport.ErrRefused {
				d.fatalf("Send = %v, want ErrRefused", err)
			}
			d.close(s)
		},
	},
	{
		"dial/refused, told by Receive",
		"An event tells that a Dial has failed, and the first Receive tells the reason.",
		func(d *driver) {
			s := d.dialNobody()
			if _, err := d.b.Receive(s.id, make([]byte, 16)); err != transport.ErrRefused {
				d.fatalf("Receive = %v, want ErrRefused", err)
			}
			d.abort(s)
		},
	},
	{
		"dial/attached late",
		"Attach reports, by an event after it, whatever was ready before it: that the stream is connected, and the peer's bytes.",
		func(d *driver) {
			l := d.peerListen()
			id, err := d.backendDial(l.Addr())
			d.mustNot(err, "Dial")
			p := d.peerAccept(l)
			d.peerWrite(p, "first word")
			s := d.attach(id, 0)
			d.until(s.tag, transport.Writable, "Writable, for a connected stream")
			s.empty = true
			d.wantReceive(s, "first word")
		},
	},
	{
		"dial/given up",
		"A stream may be closed while it is being connected, and tells no event after it.",
		func(d *driver) {
			l := d.peerListen()
			for i := range 20 {
				id, err := d.backendDial(l.Addr())
				d.mustNot(err, "Dial")
				s := &stream{id: id}
				if i%2 == 0 {
					s = d.attach(id, 0)
				}
				if i%4 < 2 {
					d.close(s)
				} else {
					d.abort(s)
				}
				d.step(0, 0)
			}
			s, p := d.dialAmong(l)
			d.send(s, []byte("hello"))
			d.wantPeerRead(p, "hello")
		},
	},
	{
		"dial/the backend's own listener",
		"A backend that dials itself has both streams, each with its own tag.",
		func(d *driver) {
			l := d.listenArmed()
			if d.f.Listen == nil {
				d.t.Skip("the fixture has no Listen")
			}
			id, err := d.backendDial(l.addr)
			d.mustNot(err, "Dial")
			near := d.attach(id, 0)
			far := d.attach(d.accept(l), d.b.Lanes()-1)
			d.until(near.tag, transport.Writable, "Writable, for a connected stream")
			far.empty, near.empty = true, true
			d.send(near, []byte("to far"))
			d.wantReceive(far, "to far")
			d.send(far, []byte("to near"))
			d.wantReceive(near, "to near")
			d.close(far)
			d.wantEOF(near)
		},
	},
}

func (d *driver) peerListen() PeerListener {
	d.t.Helper()
	if d.f.Listen == nil {
		d.t.Skip("the fixture has no Listen")
	}
	l, err := d.f.Listen(d.f.Addr)
	d.mustNot(err, "opening the peer's listener")
	d.closers = append(d.closers, l)
	return l
}

func (d *driver) backendDial(to transport.Addr) (transport.Stream, error) {
	id, err := d.b.Dial(to)
	if err == nil {
		d.opened[id] = true
	}
	return id, err
}

func (d *driver) peerAccept(l PeerListener) Peer {
	d.t.Helper()
	var p Peer
	d.while("accepting by the peer", func() (err error) {
		p, err = l.Accept()
		return err
	})
	d.closers = append(d.closers, p)
	return p
}

// dial makes a dialled stream that is connected.
func (d *driver) dial(l PeerListener, lane int) (*stream, Peer) {
	d.t.Helper()
	id, err := d.backendDial(l.Addr())
	d.mustNot(err, "Dial")
	s := d.attach(id, lane)
	p := d.peerAccept(l)
	d.until(s.tag, transport.Writable, "Writable, for a connected stream")
	return s, p
}

// dialAmong is dial where earlier, dead streams may wait at the listener.
func (d *driver) dialAmong(l PeerListener) (*stream, Peer) {
	d.t.Helper()
	id, err := d.backendDial(l.Addr())
	d.mustNot(err, "Dial")
	s := d.attach(id, 0)
	d.until(s.tag, transport.Writable, "Writable, for a connected stream")
	for {
		if p := d.peerAccept(l); p.Remote() == d.b.Local(s.id) {
			return s, p
		}
	}
}

// dialNobody dials an address where nobody listens, and waits until that is
// known.
func (d *driver) dialNobody() *stream {
	d.t.Helper()
	l := d.peerListen()
	d.mustNot(l.Close(), "closing the peer's listener")
	id, err := d.backendDial(l.Addr())
	d.mustNot(err, "Dial")
	s := d.attach(id, 0)
	d.until(s.tag, transport.Writable|transport.Hangup, "Writable, for a Dial that has failed")
	return s
}
