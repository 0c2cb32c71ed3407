package lneto_test

import (
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// TestLongOption has a DHCP server send an option of 254 bytes.
func TestLongOption(t *testing.T) {
	l := newLab(t, lneto.Config{}, lneto.Config{}, lnetotest.Faults{})
	l.peer.off = true
	l.device = l.machine(lneto.Config{MAC: deviceMAC, Hostname: "device"})
	var frame []byte
	l.wire.Tap(func(f []byte) bool {
		m := f[42:]
		reply := append([]byte{}, m[:240]...)
		reply[0] = 2
		copy(reply[16:], []byte{10, 9, 0, 77})
		reply = append(reply, 53, 1, 2, 54, 4, 10, 9, 0, 2, 119, 254)
		reply = append(reply, make([]byte, 254)...)
		reply = append(reply, 255)
		frame = datagram(peerMAC, broadcastMAC, [4]byte{10, 9, 0, 2}, [4]byte{255, 255, 255, 255}, 67, 68, reply)
		return true
	})
	for range 20 {
		l.step()
		if frame != nil {
			l.device.card.Inject(frame)
			frame = nil
		}
	}
}

// TestClosedWindowOpens has a server consume less than half of a full buffer: the
// peer is told of the room when it probes.
func TestClosedWindowOpens(t *testing.T) {
	l := newLab(t, lneto.Config{RxSize: 512}, lneto.Config{}, lnetotest.Faults{})
	id, a := l.listen()
	d, p := l.pair(id, a)
	big := make([]byte, 600)
	sent := 0
	buf := make([]byte, 512)
	give := func() {
		n, err := l.peer.Send(p, [][]byte{big[sent:]})
		if err == nil {
			sent += n
		}
	}
	l.until(10*second, "512 there", func() bool {
		if sent < len(big) {
			give()
		}
		v, err := l.device.Receive(d, buf)
		return err == nil && len(v) == 512
	})
	l.pass(second)
	l.device.Consume(d, 200)
	l.until(100*second, "the other 88", func() bool {
		v, err := l.device.Receive(d, buf)
		return err == nil && len(v) == 400
	})
}

// newHalfOpen has a server accept a stream whose handshake is not over, as it does
// when it stops to listen. syn is what answered the client.
func newHalfOpen(t *testing.T, c lneto.Config) (l *lone, s transport.Stream, syn seg) {
	t.Helper()
	l = newLone(t, c)
	l.put(seg{seq: 100, flags: "S", wnd: 1000}.frame())
	syn, _ = read(l.sent[0])
	l.device.QuietListener(0)
	s, err := l.device.Accept(0)
	if err != nil {
		t.Fatal(err)
	}
	return l, s, syn
}

// TestHalfOpenIsTold has the server write to such a stream.
func TestHalfOpenIsTold(t *testing.T) {
	l, s, syn := newHalfOpen(t, lneto.Config{})
	l.device.Attach(s, 0, 7)
	if _, err := l.device.Send(s, [][]byte{[]byte("hello")}); err != transport.ErrWouldBlock {
		t.Fatal(err)
	}
	l.put(seg{seq: 101, ack: syn.seq + 1, flags: "A", wnd: 1000}.frame())
	var ev [8]transport.Event
	n, _ := l.device.Wait(0, ev[:], 0)
	if n == 0 {
		t.Error("not told Writable")
	}
}

// TestHalfOpenEnds has the same stream closed: its FIN follows the handshake.
func TestHalfOpenEnds(t *testing.T) {
	l, s, syn := newHalfOpen(t, lneto.Config{})
	l.device.CloseStream(s)
	l.turns()
	l.sent = nil
	l.put(seg{seq: 101, ack: syn.seq + 1, flags: "A", wnd: 1000}.frame())
	l.pass(second)
	for _, f := range l.sent {
		if g, _ := read(f); strings.Contains(g.flags, "F") {
			return
		}
	}
	t.Errorf("no FIN in %v", l.answers())
}

// TestHalfOpenStartsOver has the peer of such a stream begin anew: its number stays
// with the server until that lets it go.
func TestHalfOpenStartsOver(t *testing.T) {
	l, s, _ := newHalfOpen(t, lneto.Config{Streams: 2})
	id2, _ := l.device.Listen(transport.Addr{}.WithPort(81), 2)
	l.device.Attach(s, 0, 7)
	l.put(seg{seq: 5000, flags: "S", wnd: 1000}.frame()) // started over
	var ev [8]transport.Event
	if n, _ := l.device.Wait(0, ev[:], 0); n == 0 {
		t.Error("the server is not told that the stream is over")
	}
	l.sent = nil
	l.put(seg{sport: 2000, dport: 81, seq: 100, flags: "S", wnd: 1000}.frame())
	syn, _ := read(l.sent[0])
	l.put(seg{sport: 2000, dport: 81, seq: 101, ack: syn.seq + 1, flags: "A", wnd: 1000}.frame())
	s2, err := l.device.Accept(id2)
	if err == nil && s2 == s {
		t.Error("the slot of a stream that the engine holds was given to another")
	}
}

// TestOldAcknowledgment is RFC 5961 section 5: bytes with one that is older than any
// window are not taken.
func TestOldAcknowledgment(t *testing.T) {
	l := newLone(t, lneto.Config{})
	iss := l.connect()
	l.put(seg{seq: 101, ack: iss - 1<<30, flags: "A", data: "evil", wnd: 1000}.frame())
	s, _ := l.device.Accept(0)
	var buf [10]byte
	v, err := l.device.Receive(s, buf[:])
	if err == nil {
		t.Errorf("%q taken with an ack 2^30 old", v)
	}
}

// TestForgedHop has somebody else send what is not acceptable: answers still go to
// the peer.
func TestForgedHop(t *testing.T) {
	l := newLone(t, lneto.Config{})
	l.connect()
	l.put(seg{seq: 1 << 30, ack: 1 << 30, flags: "R", sourceMAC: [6]byte{2, 9, 9, 9, 9, 9}, wnd: 1000}.frame())
	s, _ := l.device.Accept(0)
	l.device.Send(s, [][]byte{[]byte("secret")})
	l.sent = nil
	l.turns()
	if len(l.sent) != 1 || [6]byte(l.sent[0][:6]) != peerMAC {
		t.Errorf("sent to %x", l.sent[0][:6])
	}
}

// TestDrip has a peer acknowledge byte by byte what a closed stream has sent.
func TestDrip(t *testing.T) {
	l := newLone(t, lneto.Config{})
	iss := l.connect()
	s, _ := l.device.Accept(0)
	l.device.Send(s, [][]byte{make([]byte, 500)})
	l.device.CloseStream(s)
	l.turns()
	for i := range 100 {
		l.pass(14 * second)
		l.put(seg{seq: 101, ack: iss + 2 + uint32(i), flags: "A", wnd: 1000}.frame())
		if l.device.Stats().Open == 0 {
			return
		}
	}
	t.Error("held for 1400 s")
}
