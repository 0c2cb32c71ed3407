package lneto_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// A seg is a TCP segment made by hand, and one that came.
type seg struct {
	from, to         [4]byte
	sport, dport     uint16
	seq, ack         uint32
	flags            string // of "SARFP"
	wnd              uint16
	data             string
	options          []byte
	fragment         uint16
	badIP, badTCP    bool
	toMAC, sourceMAC [6]byte
}

var flagBits = map[rune]byte{'F': 1, 'S': 2, 'R': 4, 'P': 8, 'A': 16}

// frame is s as it is on the wire. What is unset is of a peer of the device.
func (s seg) frame() []byte {
	if s.from == ([4]byte{}) {
		s.from = [4]byte{10, 9, 0, 2}
	}
	if s.to == ([4]byte{}) {
		s.to = [4]byte{10, 9, 0, 1}
	}
	if s.sport == 0 {
		s.sport = 1000
	}
	if s.dport == 0 {
		s.dport = 80
	}
	if s.toMAC == ([6]byte{}) {
		s.toMAC = deviceMAC
	}
	if s.sourceMAC == ([6]byte{}) {
		s.sourceMAC = peerMAC
	}
	n := 40 + len(s.options) + len(s.data)
	f := append(append(append([]byte{}, s.toMAC[:]...), s.sourceMAC[:]...), 8, 0)
	f = append(f, 0x45, 0, byte(n>>8), byte(n), 0, 1, byte(s.fragment>>8), byte(s.fragment), 64, 6, 0, 0)
	f = append(append(f, s.from[:]...), s.to[:]...)
	var flags byte
	for _, c := range s.flags {
		flags |= flagBits[c]
	}
	f = append(f, byte(s.sport>>8), byte(s.sport), byte(s.dport>>8), byte(s.dport),
		byte(s.seq>>24), byte(s.seq>>16), byte(s.seq>>8), byte(s.seq), byte(s.ack>>24), byte(s.ack>>16), byte(s.ack>>8), byte(s.ack),
		byte(5+len(s.options)/4)<<4, flags, byte(s.wnd>>8), byte(s.wnd), 0, 0, 0, 0)
	f = append(append(f, s.options...), s.data...)
	fixSum(f[14:34], 10)
	if s.badIP {
		f[24]++
	}
	fixTCP(f)
	if s.badTCP {
		f[50]++
	}
	return f
}

// fixTCP makes the checksum of a frame right.
func fixTCP(f []byte) {
	n := len(f) - 34
	fixSum(f[34:], 16, f[26:34], []byte{0, 6, byte(n >> 8), byte(n)})
}

func (s seg) String() string {
	return fmt.Sprintf("%d to %d %s seq %d ack %d %q", s.sport, s.dport, s.flags, s.seq, s.ack, s.data)
}

// read is the segment of a frame.
func read(f []byte) (s seg, ok bool) {
	if len(f) < 54 || f[23] != 6 {
		return s, false
	}
	total := int(f[16])<<8 | int(f[17])
	h := f[34 : 14+total]
	u32 := func(b []byte) uint32 { return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]) }
	s = seg{sport: uint16(h[0])<<8 | uint16(h[1]), dport: uint16(h[2])<<8 | uint16(h[3]), seq: u32(h[4:]), ack: u32(h[8:]), wnd: uint16(h[14])<<8 | uint16(h[15]), data: string(h[h[12]>>4*4:])}
	for _, c := range "SARFP" {
		if h[13]&flagBits[c] != 0 {
			s.flags += string(c)
		}
	}
	return s, true
}

// A lone is a device to which frames are given by hand.
type lone struct {
	*lab
	sent [][]byte // frames of the device, since they were last looked at
}

func newLone(t *testing.T, c lneto.Config) *lone {
	l := &lone{lab: newLab(t, c, lneto.Config{}, lnetotest.Faults{})}
	l.peer.off = true
	l.wire.Tap(func(f []byte) bool {
		l.sent = append(l.sent, bytes.Clone(f))
		return false
	})
	id, err := l.device.Listen(transport.Addr{}.WithPort(80), 1)
	if err != nil {
		t.Fatal(err)
	}
	l.device.Arm(id, true)
	return l
}

// put gives a frame to the device, and lets it answer.
func (l *lone) put(f []byte) {
	l.device.card.Inject(f)
	l.turns()
}

func (l *lone) turns() {
	l.t.Helper()
	for i := 0; ; i++ {
		if i == 1000 {
			l.t.Fatalf("the device does not come to rest:\n%s", l.device.Dump())
		}
		moved, err := l.device.Step(l.device.card)
		if err != nil {
			l.t.Fatal(err)
		}
		if !moved {
			return
		}
	}
}

// answers are the segments that were sent since the last call.
func (l *lone) answers() (got []string) {
	for _, f := range l.sent {
		if s, ok := read(f); ok {
			got = append(got, s.String())
		} else {
			got = append(got, fmt.Sprintf("%x", f[:min(len(f), 42)]))
		}
	}
	l.sent = nil
	return got
}

func (l *lone) want(what string, want ...string) {
	l.t.Helper()
	got := l.answers()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		l.t.Errorf("%s: answered %q, want %q", what, got, want)
	}
}

// connect makes a connection by hand, from port 1000 with initial sequence
// number 100, and returns the device's initial sequence number.
func (l *lone) connect() uint32 {
	l.t.Helper()
	l.put(seg{seq: 100, flags: "S", wnd: 1000}.frame())
	s, _ := read(l.sent[len(l.sent)-1])
	if s.flags != "SA" || s.ack != 101 {
		l.t.Fatalf("SYN: answered %v", s)
	}
	l.put(seg{seq: 101, ack: s.seq + 1, flags: "A", wnd: 1000}.frame())
	l.sent = nil
	return s.seq
}

func TestStrangers(t *testing.T) {
	l := newLone(t, lneto.Config{})
	for _, tt := range []struct {
		name string
		seg  seg
		want []string
	}{
		{"SYN for a port where nobody listens", seg{dport: 81, seq: 7, flags: "S"}, []string{`81 to 1000 AR seq 0 ack 8 ""`}},
		{"SYN with bytes, for such a port", seg{dport: 81, seq: 7, flags: "S", data: "abc"}, []string{`81 to 1000 AR seq 0 ack 11 ""`}},
		{"acknowledgment for such a port", seg{dport: 81, seq: 7, ack: 99, flags: "A"}, []string{`81 to 1000 R seq 99 ack 0 ""`}},
		{"reset for such a port", seg{dport: 81, seq: 7, flags: "R"}, nil},
		{"bytes without a connection", seg{seq: 7, ack: 99, flags: "A", data: "x"}, []string{`80 to 1000 R seq 99 ack 0 ""`}},
		{"SYN and FIN at once", seg{seq: 7, flags: "SF"}, []string{`80 to 1000 AR seq 0 ack 9 ""`}},
		{"SYN|ACK for a listener", seg{seq: 7, ack: 5, flags: "SA"}, []string{`80 to 1000 R seq 5 ack 0 ""`}},
		{"nothing set", seg{seq: 7}, []string{`80 to 1000 AR seq 0 ack 7 ""`}},
		{"IP checksum wrong", seg{flags: "S", badIP: true}, nil},
		{"TCP checksum wrong", seg{flags: "S", badTCP: true}, nil},
		{"first fragment", seg{flags: "S", fragment: 0x2000}, nil},
		{"later fragment", seg{flags: "S", fragment: 100}, nil},
		{"from ourselves (land)", seg{from: [4]byte{10, 9, 0, 1}, sport: 80, flags: "S"}, nil},
		{"from a group", seg{from: [4]byte{224, 0, 0, 1}, flags: "S"}, nil},
		{"from everyone", seg{from: [4]byte{255, 255, 255, 255}, flags: "S"}, nil},
		{"from the loopback network", seg{from: [4]byte{127, 0, 0, 1}, flags: "S"}, nil},
		{"from no host", seg{from: [4]byte{0, 0, 0, 1}, flags: "S"}, nil},
		{"from a group of cards", seg{sourceMAC: [6]byte{1, 0, 0, 0, 0, 1}, flags: "S"}, nil},
		{"to another host", seg{to: [4]byte{10, 9, 0, 9}, flags: "S"}, nil},
		{"to another card", seg{toMAC: [6]byte{2, 2, 2, 2, 2, 2}, flags: "S"}, nil},
		{"to all cards", seg{toMAC: broadcastMAC, flags: "S"}, nil},
		{"to all hosts", seg{to: [4]byte{10, 9, 0, 255}, toMAC: broadcastMAC, flags: "S"}, nil},
	} {
		l.put(tt.seg.frame())
		l.want(tt.name, tt.want...)
	}
	if open := l.device.Stats().Open; open != 0 {
		t.Errorf("%d streams are taken", open)
	}
	whole := seg{flags: "S", seq: 1, options: []byte{2, 4, 5, 0xb4}, wnd: 100}.frame()
	for n := range whole {
		l.put(whole[:n])
		l.want(fmt.Sprintf("the first %d bytes of a SYN", n))
		// The same with a length that fits: the headers lie.
		if n >= 34 {
			f := bytes.Clone(whole[:n])
			f[16], f[17] = 0, byte(n-14)
			fixSum(f[14:34], 10)
			fixTCPShort(f)
			l.put(f)
			l.want(fmt.Sprintf("a packet of %d bytes of a SYN", n-14))
		}
	}
	for _, options := range [][]byte{{2, 0, 0, 0}, {2, 255, 5, 0xb4}, {2, 4, 0, 0}, {1, 1, 1, 2}, {0, 2, 4, 5}, {3, 1, 2, 4}, {200, 4, 1, 1}} {
		l.put(seg{flags: "S", sport: uint16(options[0]) + 2000, options: options, wnd: 100}.frame())
		if len(l.sent) != 1 {
			t.Errorf("SYN with options %x: %q", options, l.answers())
		}
		l.sent = nil
	}
}

func fixTCPShort(f []byte) {
	if len(f) >= 52 {
		fixTCP(f)
	}
}

func TestNeighbours(t *testing.T) {
	l := newLone(t, lneto.Config{})
	arp := func(op byte, mac [6]byte, from, to [4]byte) []byte {
		f := append(append(append([]byte{}, broadcastMAC[:]...), mac[:]...), 8, 6, 0, 1, 8, 0, 6, 4, 0, op)
		f = append(append(f, mac[:]...), from[:]...)
		return append(append(append(f, make([]byte, 6)...), to[:]...), make([]byte, 18)...)
	}
	peer, own, other := [4]byte{10, 9, 0, 2}, [4]byte{10, 9, 0, 1}, [4]byte{10, 9, 0, 3}
	l.put(arp(1, peerMAC, peer, own))
	l.want("who has our address", "020000000002"+"020000000001"+"0806"+"00010800"+"0604"+"0002"+"020000000001"+"0a090001"+"020000000002"+"0a090002")
	l.put(arp(1, peerMAC, peer, other))
	l.put(arp(2, peerMAC, peer, own))
	l.put(arp(1, peerMAC, own, own)) // another has our address, or says so
	l.put(arp(1, [6]byte{1}, peer, own))
	l.put(arp(1, peerMAC, peer, own)[:41])
	l.want("what is not asked of us")
	for i := range 1000 {
		l.put(arp(2, peerMAC, [4]byte{10, 9, byte(i >> 8), byte(i)}, own))
	}
	l.want("a flood of replies")

	echo := func(kind byte, data string) []byte {
		n := 28 + len(data)
		f := append(append(append([]byte{}, deviceMAC[:]...), peerMAC[:]...), 8, 0, 0x45, 0, byte(n>>8), byte(n), 0, 0, 0, 0, 64, 1, 0, 0)
		f = append(append(f, peer[:]...), own[:]...)
		f = append(append(f, kind, 0, 0, 0, 1, 2, 3, 4), data...)
		fixSum(f[14:34], 10)
		fixSum(f[34:], 2)
		return f
	}
	l.put(echo(8, "ping!"))
	if len(l.sent) != 1 || string(l.sent[0][42:]) != "ping!" || l.sent[0][34] != 0 || [4]byte(l.sent[0][30:]) != peer {
		t.Errorf("echo: answered %x", l.sent)
	}
	l.sent = nil
	l.put(echo(0, "pong"))
	bad := echo(8, "ping")
	bad[40]++
	l.put(bad)
	l.want("what is no echo request")
}

func TestBlindAttacks(t *testing.T) {
	l := newLone(t, lneto.Config{})
	iss := l.connect()
	ackNow := fmt.Sprintf(`80 to 1000 A seq %d ack 101 ""`, iss+1)
	l.pass(second)
	for _, tt := range []struct {
		name string
		seg  seg
		want []string
	}{
		{"reset before the window", seg{seq: 90, flags: "R"}, nil},
		{"reset beyond the window", seg{seq: 101 + 2048, flags: "R"}, nil},
		{"reset in the window", seg{seq: 102, flags: "R"}, []string{ackNow}},
		{"SYN in the window", seg{seq: 102, flags: "S"}, []string{ackNow}},
		{"SYN out of it", seg{seq: 5000000, flags: "S"}, []string{ackNow}},
		{"acknowledgment of what was not sent", seg{seq: 101, ack: iss + 5000, flags: "A", data: "evil"}, []string{ackNow}},
		{"bytes beyond the window", seg{seq: 101 + 2048, ack: iss + 1, flags: "A", data: "evil"}, []string{ackNow}},
		{"no acknowledgment", seg{seq: 101, data: "evil"}, nil},
	} {
		l.put(tt.seg.frame())
		l.want(tt.name, tt.want...)
		l.pass(second)
		l.sent = nil
	}
	for range 1000 {
		l.put(seg{seq: 102, flags: "R"}.frame())
	}
	if n := len(l.sent); n != 1 {
		t.Errorf("%d answers to 1000 forged resets", n)
	}
	l.sent = nil
	l.pass(second / 2)
	l.put(seg{seq: 101, ack: iss + 1, flags: "A", data: "good", wnd: 1000}.frame())
	l.want("the peer itself", fmt.Sprintf(`80 to 1000 A seq %d ack 105 ""`, iss+1))
	l.put(seg{seq: 105, flags: "R"}.frame())
	if open := l.device.Stats().Open; open != 0 {
		t.Errorf("%d streams are taken after the reset", open)
	}
}

// TestHandshakes are those that do not go as they should.
func TestHandshakes(t *testing.T) {
	l := newLone(t, lneto.Config{})
	l.put(seg{seq: 100, flags: "S", wnd: 1000}.frame())
	syn, _ := read(l.sent[0])
	again := fmt.Sprintf(`80 to 1000 SA seq %d ack 101 ""`, syn.seq)
	l.want("SYN", again)
	l.put(seg{seq: 100, flags: "S", wnd: 1000}.frame())
	l.want("the same SYN", again)
	l.put(seg{seq: 101, ack: syn.seq + 7, flags: "A"}.frame())
	l.want("acknowledgment of another number", fmt.Sprintf(`80 to 1000 R seq %d ack 0 ""`, syn.seq+7))
	l.put(seg{seq: 101, flags: "A", ack: syn.seq}.frame())
	l.want("acknowledgment of less", fmt.Sprintf(`80 to 1000 R seq %d ack 0 ""`, syn.seq))
	l.put(seg{seq: 300, flags: "R"}.frame())
	if l.device.Stats().Open != 1 {
		t.Error("a reset that does not fit has ended the handshake")
	}
	l.put(seg{seq: 500, flags: "S", wnd: 1000}.frame())
	s, _ := read(l.sent[0])
	if s.flags != "SA" || s.ack != 501 {
		t.Errorf("a SYN anew: %v", s)
	}
	l.sent = nil
	// The request comes with the end, and the acknowledgment before it is lost.
	l.put(seg{seq: 501, ack: s.seq + 1, flags: "AF", data: "all", wnd: 1000}.frame())
	l.want("bytes and end at once", fmt.Sprintf(`80 to 1000 A seq %d ack 505 ""`, s.seq+1))
	id, err := l.device.Accept(0)
	if err != nil {
		t.Fatal(err)
	}
	v, err := l.device.Receive(id, make([]byte, 9))
	if string(v) != "all" || err != nil {
		t.Errorf("received %q, %v", v, err)
	}
	l.device.Consume(id, 3)
	if _, err := l.device.Receive(id, make([]byte, 9)); err != transport.EOF {
		t.Errorf("then %v, want EOF", err)
	}
	l.pass(5 * second)
	l.want("while the server is at work")
	l.device.Send(id, [][]byte{[]byte("answer")})
	l.turns()
	l.want("the answer", fmt.Sprintf(`80 to 1000 AP seq %d ack 505 "answer"`, s.seq+1))
}

// TestFlood has a client come among many who only send SYNs, at once and
// without end: no time passes between them.
func TestFlood(t *testing.T) {
	l := newLab(t, lneto.Config{Streams: 5}, lneto.Config{}, lnetotest.Faults{})
	id, a := l.listen()
	flood := func() {
		for i := range 10 {
			n := int(l.clock)/1000 + i
			l.device.card.Inject(seg{from: [4]byte{10, 8, byte(n >> 8), byte(n)}, sport: uint16(1 + n%60000), seq: uint32(n), flags: "S", dport: a.Port()}.frame())
		}
		l.step()
	}
	for range 1000 {
		flood()
	}
	if st := l.device.Stats(); st.Open != 5 || st.Unanswered != 0 {
		t.Errorf("under the flood: %+v", st)
	}
	s := l.dial(a)
	var d transport.Stream
	for i := 0; ; i++ {
		var err error
		if d, err = l.device.Accept(id); err == nil {
			break
		}
		if i == 1000 {
			t.Fatal("the client did not get in")
		}
		flood()
	}
	if _, err := l.peer.Send(s, [][]byte{bytes.Repeat([]byte("x"), 2000)}); err != nil {
		t.Error(err)
	}
	for range 1000 {
		flood()
	}
	if v, err := l.device.Receive(d, make([]byte, 3000)); len(v) != 2000 {
		t.Errorf("received %d bytes, %v", len(v), err)
	}
	l.pass(30 * second)
	if open := l.device.Stats().Open; open != 1 {
		t.Errorf("%d streams are taken after the flood", open)
	}
}

// FuzzFrames gives frames to a device with a connection, as they are and with
// their checksums made right. Whatever they are, the device lives, and takes a
// new client when they are over.
func FuzzFrames(f *testing.F) {
	f.Add(seg{seq: 101, flags: "A", ack: 1, data: "hello", wnd: 10}.frame(), uint64(0))
	f.Add(seg{seq: 101, flags: "AF", ack: 1}.frame(), uint64(1))
	f.Add(seg{seq: 101, flags: "R"}.frame(), uint64(2))
	f.Add(seg{seq: 105, flags: "AP", data: "later"}.frame(), uint64(3))
	f.Add(datagram(peerMAC, broadcastMAC, [4]byte{10, 9, 0, 2}, [4]byte{255, 255, 255, 255}, 67, 68, make([]byte, 300)), uint64(4))
	f.Add([]byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\b\x00E\xff\x00-\x00\x01\x00\x80\x00\x00\x00\xb6\n\t\x00d\x00\t\x00\x01\x03\xe8\x00P\x00\x00\x00e\x00\x00\x00\x01P\x10\x00\nSA\x00\x00"), uint64(88)) // the handshake's acknowledgment again
	f.Fuzz(func(t *testing.T, frame []byte, seed uint64) {
		if len(frame) > 1514 {
			return
		}
		l := newLone(t, lneto.Config{RxSize: 300, TxSize: 300})
		iss := l.connect()
		id, err := l.device.Accept(0)
		if err != nil {
			t.Fatal(err)
		}
		l.device.Send(id, [][]byte{make([]byte, 200)})
		rng := rand.New(rand.NewPCG(seed, 2))
		l.put(frame)
		var last []byte // of what the device sent
		for range 20 {
			g := bytes.Clone(frame)
			if len(g) >= 54 {
				for range rng.IntN(4) {
					g[14+rng.IntN(min(len(g), 80)-14)] = byte(rng.Uint32())
				}
				copy(g, deviceMAC[:])
				copy(g[30:], []byte{10, 9, 0, 1})
				g[14], g[23] = 0x45, 6
				g[16], g[17] = byte((len(g)-14)>>8), byte(len(g)-14)
				if rng.IntN(3) > 0 { // of the connection, near its numbers
					copy(g[12:], []byte{8, 0})
					g[20], g[21] = 0, 0
					copy(g[26:], []byte{10, 9, 0, 2})
					copy(g[34:], []byte{1000 >> 8, 1000 & 255, 0, 80})
					put := func(b []byte, v uint32) { b[0], b[1], b[2], b[3] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v) }
					put(g[38:], 101+uint32(rng.IntN(700))-300)
					put(g[42:], iss+1+uint32(rng.IntN(500))-200)
					if s, ok := read(last); ok && rng.IntN(2) == 0 { // just what the device expects
						put(g[38:], s.ack)
						put(g[42:], s.seq+uint32(len(s.data))+uint32(rng.IntN(2)))
					}
					g[46] = g[46]&15 | 5<<4
					if rng.IntN(4) > 0 {
						g[47] = 16 | g[47]&0xf9
					}
				}
				fixSum(g[14:34], 10)
				fixTCP(g)
			}
			l.put(g)
			if n := len(l.sent); n > 0 {
				last = l.sent[n-1]
			}
			if v, err := l.device.Receive(id, make([]byte, 1+rng.IntN(400))); err == nil {
				l.device.Consume(id, rng.IntN(len(v)+1))
			}
			if rng.IntN(4) == 0 {
				l.device.Send(id, [][]byte{make([]byte, rng.IntN(300))})
			}
			switch rng.IntN(20) {
			case 0, 1:
				l.device.CloseWrite(id)
			case 2:
				l.device.CloseStream(id)
			}
			l.clock += int64(rng.IntN(second))
			l.turns()
		}
		l.device.CloseStream(id)
		for range 120 {
			l.clock += second / 2
			l.turns()
			// The acknowledgment of the handshake is a cookie too: when it comes
			// again after the end, it is a client's.
			if again, err := l.device.Accept(0); err == nil {
				l.device.CloseStream(again)
			}
		}
		if open := l.device.Stats().Open; open != 0 {
			t.Fatalf("%d streams are taken a minute later:\n%s", open, l.device.Dump())
		}
		l.connect()
	})
}

// TestClosedWindowIsHeard has a peer acknowledge with a number beyond our closed
// window, as one who has filled it and more does.
func TestClosedWindowIsHeard(t *testing.T) {
	l := newLone(t, lneto.Config{RxSize: 256})
	iss := l.connect()
	id, err := l.device.Accept(0)
	if err != nil {
		t.Fatal(err)
	}
	l.device.Send(id, [][]byte{[]byte("hello")})
	l.turns()
	l.put(seg{seq: 101, ack: iss + 1, flags: "A", wnd: 1000, data: string(make([]byte, 256))}.frame())
	l.sent = nil
	l.put(seg{seq: 101 + 256 + 40, ack: iss + 6, flags: "A", wnd: 1000}.frame())
	l.pass(30 * second)
	l.want("after all is acknowledged")
}

// TestBothEnd has both ends close at once, with bytes unread.
func TestBothEnd(t *testing.T) {
	l := newLone(t, lneto.Config{})
	iss := l.connect()
	id, err := l.device.Accept(0)
	if err != nil {
		t.Fatal(err)
	}
	l.put(seg{seq: 101, ack: iss + 1, flags: "A", wnd: 1000, data: string(make([]byte, 1400))}.frame())
	l.device.CloseWrite(id)
	l.turns()
	l.put(seg{seq: 1501, ack: iss + 1, flags: "AF", wnd: 1000}.frame())
	v, err := l.device.Receive(id, make([]byte, 2000))
	if len(v) != 1400 || err != nil {
		t.Fatalf("received %d bytes, %v", len(v), err)
	}
	l.device.Consume(id, 1400)
	l.sent = nil
	l.put(seg{seq: 1502, ack: iss + 2, flags: "A", wnd: 1000}.frame())
	l.want("the acknowledgment of our end")
	if _, err := l.device.Receive(id, make([]byte, 9)); err != transport.EOF {
		t.Errorf("then %v, want EOF", err)
	}
	l.device.CloseStream(id)
	l.turns()
	if open := l.device.Stats().Open; open != 0 {
		t.Errorf("%d streams are taken", open)
	}
}
