package transporttest

import (
	"github.com/bobtail-go/bobtail/transport"
)

var listenCases = []testCase{
	{
		"listen/starts disarmed",
		"A listener starts disarmed: its clients wait outside and it tells no event. Arm reports what waits already.",
		func(d *driver) {
			l := d.listen(d.f.Addr)
			p := d.dialLater(l.addr)
			if d.told(l.tag, transport.Acceptable) {
				d.fatalf("Acceptable before Arm")
			}
			d.b.Arm(l.id, true)
			d.attach(d.accept(l), 0)
			d.connected(p)
		},
	},
	{
		"listen/reports a client that comes",
		"An armed listener tells Acceptable when a client comes.",
		func(d *driver) {
			l := d.listenArmed()
			d.pair(l, 0)
			d.pair(l, 0)
		},
	},
	{
		"listen/disarm holds clients outside",
		"While a listener is off, clients wait outside, it tells no event and Wait sleeps, though it was on before and a client waits. Turning it on reports them.",
		func(d *driver) {
			l := d.listenArmed()
			d.pair(l, 0)
			d.b.Arm(l.id, false)
			d.ready[l.tag] = 0
			p := d.dialLater(l.addr)
			for range 3 {
				if d.told(l.tag, transport.Acceptable) {
					d.fatalf("Acceptable while disarmed")
				}
			}
			d.b.Arm(l.id, true)
			s := d.attach(d.accept(l), 0)
			d.peerWrite(d.connected(p), "late")
			d.wantReceive(s, "late")
		},
	},
	{
		"listen/disarm takes back an event that was not told",
		"While a listener is off it tells no event, also if a client came while it was still on.",
		func(d *driver) {
			l := d.listenArmed()
			p := d.dialLater(l.addr)
			d.until(l.tag, transport.Acceptable, "Acceptable, for a client that waits")
			d.b.Arm(l.id, false)
			d.ready[l.tag] = 0
			if d.told(l.tag, transport.Acceptable) {
				d.fatalf("Acceptable while disarmed")
			}
			d.b.Arm(l.id, true)
			d.attach(d.accept(l), 0)
			d.connected(p)
		},
	},
	{
		"listen/Accept without a client",
		"Accept fails with ErrWouldBlock when nobody waits, armed or not.",
		func(d *driver) {
			l := d.listen(d.f.Addr)
			for _, on := range []bool{false, true, false} {
				d.b.Arm(l.id, on)
				if _, err := d.b.Accept(l.id); err != transport.ErrWouldBlock {
					d.fatalf("Accept = %v (armed: %v), want ErrWouldBlock", err, on)
				}
			}
		},
	},
	{
		"listen/Acceptable is told again",
		"While a listener is on, Acceptable is told again until Accept has failed with ErrWouldBlock, and then no more until a client comes.",
		func(d *driver) {
			l := d.listenArmed()
			p1 := d.dialLater(l.addr)
			for range 3 {
				d.until(l.tag, transport.Acceptable, "Acceptable, told again for the client that still waits")
				d.ready[l.tag] = 0
			}
			p2 := d.dialLater(l.addr)
			for range 2 {
				d.attach(d.acceptOne(l), 0)
				d.ready[l.tag] = 0
			}
			d.connected(p1)
			d.connected(p2)
			if _, err := d.b.Accept(l.id); err != transport.ErrWouldBlock {
				d.fatalf("Accept without a client = %v, want ErrWouldBlock", err)
			}
			d.ready[l.tag] = 0
			if d.told(l.tag, transport.Acceptable) && !d.f.Faulty {
				d.fatalf("Acceptable after Accept has failed with ErrWouldBlock")
			}
			d.pair(l, 0)
		},
	},
	{
		"listen/two listeners",
		"The events of each listener carry its own tag, and Accept gives its own clients.",
		func(d *driver) {
			l1, l2 := d.listenArmed(), d.listenArmed()
			if l1.addr == l2.addr {
				d.fatalf("two listeners on port 0 have the same address %v", l1.addr)
			}
			s2, p2 := d.pair(l2, 0)
			s1, p1 := d.pair(l1, 0)
			d.peerWrite(p1, "one")
			d.peerWrite(p2, "two")
			d.wantReceive(s1, "one")
			d.wantReceive(s2, "two")
			d.closeListener(l1)
			d.pair(l2, 0)
		},
	},
	{
		"listen/closed",
		"CloseListener ends the listener's events and frees its address; its streams live on.",
		func(d *driver) {
			l := d.listenArmed()
			s, p := d.pair(l, 0)
			d.closeListener(l)
			if peer, err := d.f.Dial(l.addr); err == nil {
				peer.Close()
				d.fatalf("a peer connected to a closed listener")
			}
			d.peerWrite(p, "still here")
			d.wantReceive(s, "still here")
			d.b.Arm(d.listen(d.f.Addr).id, true)
		},
	},
	{
		"listen/quiet, drained, closed: nobody is lost",
		"After QuietListener, Accept until ErrWouldBlock gives every client that had connected before.",
		func(d *driver) { drain(d, true) },
	},
	{
		"listen/disarmed, quiet, drained, closed: nobody is lost",
		"Clients that waited at a disarmed listener are given too when it is drained.",
		func(d *driver) { drain(d, false) },
	},
	{
		"listen/both ends have the same names",
		"Local and Remote are the two ends of a stream: the peer's names for them, crossed.",
		func(d *driver) { d.wantNames(d.listenArmed()) },
	},
	{
		"listen/IPv6",
		"A backend listens on IPv6 if it has it, and both ends of the stream are IPv6.",
		func(d *driver) {
			d.needBothFamilies()
			l := d.listen(d.f.Addr6)
			d.b.Arm(l.id, true)
			if !l.addr.Is6() {
				d.fatalf("ListenerAddr = %v, want IPv6", l.addr)
			}
			d.wantNames(l)
		},
	},
	{
		"listen/dual stack",
		"An unset address is any address of either family. A client that comes over IPv4 has an IPv4 address.",
		func(d *driver) {
			d.needBothFamilies()
			l := d.listen(transport.Addr{})
			d.b.Arm(l.id, true)
			for _, a := range []transport.Addr{d.f.Addr, d.f.Addr6} {
				at := l
				at.addr = a.WithPort(l.addr.Port())
				d.wantNames(at)
			}
		},
	},
	{
		"listen/one family alone",
		"0.0.0.0 is IPv4 alone and [::] is IPv6 alone, so that both can have one port.",
		func(d *driver) {
			d.needBothFamilies()
			l4 := d.listen(transport.IPv4(0, 0, 0, 0, 0))
			l6 := d.listen(transport.IPv6([16]byte{}, l4.addr.Port(), 0))
			d.b.Arm(l4.id, true)
			d.b.Arm(l6.id, true)
			l4.addr = d.f.Addr.WithPort(l4.addr.Port())
			l6.addr = d.f.Addr6.WithPort(l6.addr.Port())
			d.wantNames(l6)
			d.wantNames(l4)
		},
	},
	{
		"listen/busy port",
		"Listen fails with ErrAddressInUse where the backend, or another program, listens already.",
		func(d *driver) {
			l := d.listen(d.f.Addr)
			d.wantListenError(l.addr, transport.ErrAddressInUse)
			d.closeListener(l)
			d.listen(l.addr) // free again
			if d.f.Listen == nil {
				return
			}
			other, err := d.f.Listen(d.f.Addr)
			d.mustNot(err, "opening the peer's listener")
			d.closers = append(d.closers, other)
			d.wantListenError(other.Addr(), transport.ErrAddressInUse)
		},
	},
	{
		"listen/foreign address",
		"Listen fails with ErrAddress where the address is not one of this machine.",
		func(d *driver) {
			d.wantListenError(transport.IPv4(192, 0, 2, 1, 0), transport.ErrAddress) // RFC 5737
		},
	},
}

func (d *driver) wantListenError(a transport.Addr, want error) {
	d.t.Helper()
	if l, err := d.b.Listen(a, d.newTag(0)); err != want {
		if err == nil {
			d.b.CloseListener(l)
		}
		d.fatalf("Listen(%v) = %v, want %v", a, err, want)
	}
}

func (d *driver) needBothFamilies() {
	d.t.Helper()
	if d.f.Addr6.IsUnset() || d.f.Addr6 == d.f.Addr {
		d.t.Skip("the fixture has no second family")
	}
}

// wantNames connects a peer and compares the names of the ends.
func (d *driver) wantNames(l listener) {
	d.t.Helper()
	s, p := d.pair(l, 0)
	if got, want := d.b.Local(s.id), p.Remote(); got != want || got != l.addr {
		d.fatalf("Local = %v, the peer calls it %v and dialled %v", got, want, l.addr)
	}
	if got, want := d.b.Remote(s.id), p.Local(); got != want || got.Port() == 0 {
		d.fatalf("Remote = %v, the peer calls itself %v", got, want)
	}
	d.peerWrite(p, "hello")
	d.wantReceive(s, "hello")
}

func drain(d *driver, armed bool) {
	l := d.listen(d.f.Addr)
	d.b.Arm(l.id, armed)
	var later []*dialling
	for range d.streams(20) {
		later = append(later, d.dialLater(l.addr))
	}
	if armed {
		for _, p := range later {
			d.connected(p) // the events are left unanswered
		}
	}
	// A network may leave clients unanswered while the listener is off: only
	// those that did connect have to be given.
	d.told(l.tag, 0)
	connected := 0
	for _, p := range later {
		select {
		case <-p.done:
			d.connected(p)
			connected++
		default:
		}
	}
	d.b.QuietListener(l.id)
	got := 0
	for {
		s, err := d.b.Accept(l.id)
		if err == transport.ErrWouldBlock {
			if d.f.Faulty && got < connected {
				continue
			}
			break
		}
		d.mustNot(err, "Accept")
		got++
		d.b.CloseStream(s)
	}
	d.closeListener(l)
	if got < connected {
		d.fatalf("%d clients had connected, Accept gave %d before ErrWouldBlock", connected, got)
	}
}
