package lneto_test

import (
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// A dhcpServer answers what goes over the wire.
type dhcpServer struct {
	to       *lnetotest.Card
	mute     bool // it does not answer
	refuses  bool // it answers requests with NAK
	seconds  uint32
	messages []string // kinds as they come, and where to
	frame    []byte   // the answer, which is put on the wire after the tap
}

func (d *dhcpServer) tap(f []byte) bool {
	if len(f) < 14+20+8+240 || f[23] != 17 || f[37] != 67 {
		return true
	}
	m := f[42:]
	kind := m[242]
	if m[240] != 53 {
		return true
	}
	text := map[byte]string{1: "discover", 3: "request"}[kind]
	if f[0] != 0xff {
		text += ", unicast"
	}
	if m[12] != 0 {
		text += ", of one's own"
	}
	d.messages = append(d.messages, text)
	if d.mute {
		return true
	}
	reply := append([]byte{}, m[:240]...)
	reply[0] = 2
	copy(reply[16:], []byte{10, 9, 0, 77})
	s := d.seconds
	answer := map[byte]byte{1: 2, 3: 5}[kind]
	if kind == 3 && d.refuses {
		answer = 6
	}
	reply = append(reply, 0, 53, 1, answer, 54, 4, 10, 9, 0, 2, 51, 4, byte(s>>24), byte(s>>16), byte(s>>8), byte(s),
		1, 4, 255, 255, 255, 0, 3, 4, 10, 9, 0, 1, 255)
	d.frame = datagram(peerMAC, broadcastMAC, [4]byte{10, 9, 0, 2}, [4]byte{255, 255, 255, 255}, 67, 68, reply)
	return true
}

var broadcastMAC = [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// datagram is a frame with a UDP datagram without a checksum of its own.
func datagram(from, to [6]byte, src, dst [4]byte, sport, dport uint16, body []byte) []byte {
	n := 20 + 8 + len(body)
	f := append(append(append([]byte{}, to[:]...), from[:]...), 8, 0)
	f = append(f, 0x45, 0, byte(n>>8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0)
	f = append(append(f, src[:]...), dst[:]...)
	fixSum(f[14:34], 10)
	f = append(f, byte(sport>>8), byte(sport), byte(dport>>8), byte(dport), byte((n-20)>>8), byte(n-20), 0, 0)
	return append(f, body...)
}

// fixSum writes the Internet checksum of b at an offset in it.
func fixSum(b []byte, at int, more ...[]byte) {
	b[at], b[at+1] = 0, 0
	var sum uint32
	for _, p := range append(more, b) {
		for i, c := range p {
			if i%2 == 0 {
				sum += uint32(c) << 8
			} else {
				sum += uint32(c)
			}
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	b[at], b[at+1] = ^byte(sum>>8), ^byte(sum)
}

func TestLease(t *testing.T) {
	l := newLab(t, lneto.Config{}, lneto.Config{}, lnetotest.Faults{})
	l.peer.off = true
	l.device = l.machine(lneto.Config{MAC: deviceMAC, Hostname: "device"})
	d := &dhcpServer{to: l.device.card, seconds: 1000}
	l.wire.Tap(d.tap)
	turn := func() {
		l.step()
		if d.frame != nil {
			l.device.card.Inject(d.frame)
			d.frame = nil
		}
	}
	want := func(within int64, addr transport.Addr, messages ...string) {
		t.Helper()
		for end := l.clock + within; l.clock < end && (l.device.Addr() != addr || len(d.messages) < len(messages)); {
			turn()
		}
		for range 10 {
			turn()
		}
		if got := l.device.Addr(); got != addr {
			t.Fatalf("address %v, want %v (messages %q)", got, addr, d.messages)
		}
		if len(d.messages) != len(messages) {
			t.Fatalf("messages %q, want %q", d.messages, messages)
		}
		for i, m := range messages {
			if d.messages[i] != m {
				t.Fatalf("messages %q, want %q", d.messages, messages)
			}
		}
		d.messages = nil
	}
	ours := transport.IPv4(10, 9, 0, 77, 0)

	d.mute = true
	want(20*second, transport.Addr{}, "discover", "discover", "discover") // at 0, 2 and 6 s
	d.mute = false
	want(20*second, ours, "discover", "request")
	if _, err := l.device.Listen(ours.WithPort(80), 1); err != nil {
		t.Fatal(err)
	}
	d.messages = nil
	asked := l.clock
	want(501*second, ours, "request, unicast, of one's own") // T1
	if took := l.clock - asked; took < 499*second || took > 501*second {
		t.Fatalf("renewed after %d s, want 500", took/second)
	}
	// The server is gone: it is asked again, then anybody, until the end.
	d.mute = true
	want(1001*second, transport.Addr{}, "request, unicast, of one's own", "request, unicast, of one's own", "request, unicast, of one's own",
		"request, unicast, of one's own", "request, of one's own", "request, of one's own", "request, of one's own", "discover")
	d.mute = false
	want(200*second, ours, "discover", "request")
	d.refuses = true
	want(501*second, transport.Addr{}, "request, unicast, of one's own")
	d.refuses = false
	want(10*second, ours, "discover", "request")
}
