package transporttest

import (
	"fmt"
	"io"

	"github.com/bobtail-go/bobtail/transport"
)

var sendCases = []testCase{
	{
		"send/before Attach",
		"Send works before Attach, so that a client that gets no place can be told.",
		func(d *driver) {
			l := d.listenArmed()
			p := d.dialLater(l.addr)
			s := &stream{id: d.accept(l)}
			d.connected(p)
			for text := "503"; text != ""; {
				n, err := d.b.Send(s.id, [][]byte{[]byte(text)})
				if err == transport.ErrWouldBlock && d.f.Faulty {
					continue
				}
				d.mustNot(err, "Send")
				text = text[n:]
			}
			d.close(s)
			d.wantPeerRead(p.peer, "503")
			d.wantPeerEOF(p.peer)
		},
	},
	{
		"send/gathers slices in order",
		"Send takes bytes from the slices in order, whatever their number, empty ones too.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			for _, sizes := range [][]int{{5}, {0, 5}, {5, 0}, {0, 0, 3, 0, 0, 4, 0}, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {300, 1, 200}, nil} {
				if sizes == nil { // more than any system takes in one call
					for i := range 1200 {
						sizes = append(sizes, i%3)
					}
				}
				var bufs [][]byte
				total := 0
				for _, n := range sizes {
					b := make([]byte, n)
					fill(b, 9, total)
					bufs = append(bufs, b)
					total += n
				}
				got := make([]byte, total)
				read := make(chan error, 1)
				go func() {
					_, err := io.ReadFull(p, got)
					read <- err
				}()
				for left := total; left > 0; {
					n := d.sendSome(s, bufs, left)
					left -= n
					bufs = skip(bufs, n)
				}
				d.while("reading by the peer", func() error { return <-read })
				if at := mismatch(got, 9, 0); at >= 0 {
					d.fatalf("slices of %.40s: byte %d of %d differs", fmt.Sprint(sizes), at, total)
				}
			}
		},
	},
	{
		"send/leaves the slices as they were",
		"Send does not write to the slices nor to the list of them, and needs neither after it has returned.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			one, two := []byte("one,"), []byte("two")
			bufs := [][]byte{one, two}
			for left := 7; left > 0; {
				n := d.sendSome(s, bufs, left)
				if len(bufs) != 2 && left == 7 || string(one) != "one," || string(two) != "two" {
					d.fatalf("Send changed what it was given: %q %q", one, two)
				}
				left -= n
				bufs = skip(bufs, n)
			}
			copy(one, "xxxx")
			copy(two, "xxx")
			d.wantPeerRead(p, "one,two")
		},
	},
	{
		"send/fills and goes on",
		"A Send that takes less than it was given has filled the stream; room that comes later raises a new Writable event, and all bytes arrive in order.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			taken := d.fillUp(s, 5)
			end := taken + 300_000
			read := d.readPattern(p, 5, end)
			d.sendPattern(s, 5, taken, end)
			d.while("reading by the peer", func() error { return <-read })
		},
	},
	{
		"send/fills twice",
		"Each time that a stream was filled, room raises a new Writable event.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			sent, was := 0, 0
			for range 2 {
				sent += d.fillUpFrom(s, 6, sent)
				read := d.readPatternFrom(p, 6, was, sent)
				d.while("reading by the peer", func() error { return <-read })
				d.until(s.tag, transport.Writable, "Writable, after the peer has read all")
				was = sent
			}
			read := d.readPatternFrom(p, 6, sent, sent+1000)
			d.sendPattern(s, 6, sent, sent+1000)
			d.while("reading by the peer", func() error { return <-read })
		},
	},
	{
		"send/while the peer reads",
		"Room raises a Writable event whenever it comes after a short Send, also between that and the engine's next look.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			const total = 1 << 20
			read := d.readPattern(p, 2, total)
			d.sendPattern(s, 2, 0, total)
			d.while("reading by the peer", func() error { return <-read })
		},
	},
	{
		"send/full, and the peer resets",
		"A reset ends the wait for room: an event comes, and Send then tells ErrReset.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.fillUp(s, 5)
			d.ready[s.tag] = 0
			d.mustNot(p.Reset(), "Reset of the peer")
			d.wantSendReset(s)
		},
	},
	{
		"send/in the turn of the question",
		"Bytes that Send has taken leave when the lane waits again at the latest, those of each stream in order, however many streams and pieces there were since the Wait before.",
		func(d *driver) {
			l := d.listenArmed()
			n := d.streams(40)
			var streams []*stream
			var peers []Peer
			for range n {
				s, p := d.pair(l, 0)
				streams, peers = append(streams, s), append(peers, p)
			}
			for round := range 3 {
				for i := range n {
					d.peerWrite(peers[i], "question")
				}
				for _, s := range streams {
					s.empty = true
					d.wantReceive(s, "question")
				}
				var read []<-chan error
				for _, p := range peers {
					read = append(read, d.readPattern(p, round, 5322))
				}
				for _, s := range streams {
					size := 0
					for _, k := range []int{1, 300, 0, 20, 5000, 1} {
						b := make([]byte, k)
						fill(b, round, size)
						d.send(s, b)
						size += k
					}
				}
				for _, r := range read {
					d.while("reading by the peer", func() error { return <-r })
				}
			}
		},
	},
	{
		"send/receives while full",
		"A stream that is full in one direction works in the other.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			d.fillUp(s, 5)
			s.empty = true
			d.peerWrite(p, "other way")
			d.wantReceive(s, "other way")
		},
	},
}

// fillUp sends until the peer, which does not read, has no more room, and
// returns the number of bytes taken.
func (d *driver) fillUp(s *stream, seed int) int {
	d.t.Helper()
	return d.fillUpFrom(s, seed, 0)
}

func (d *driver) fillUpFrom(s *stream, seed, from int) int {
	d.t.Helper()
	text := pattern{seed: seed, at: from}
	for sent := from; ; {
		b := text.next(64 << 10)
		d.ready[s.tag] &^= transport.Writable
		n, err := d.b.Send(s.id, [][]byte{b})
		if err != nil && err != transport.ErrWouldBlock {
			d.fatalf("Send: %v", err)
		}
		text.skip(n)
		sent += n
		if sent-from > 256<<20 {
			d.fatalf("Send took %d bytes that nobody read", sent-from)
		}
		s.full = n < len(b)
		if s.full && !d.told(s.tag, transport.Writable) {
			return sent - from
		}
	}
}

// sendPattern sends bytes from to end of a pattern.
func (d *driver) sendPattern(s *stream, seed, from, end int) {
	d.t.Helper()
	text := pattern{seed: seed, at: from}
	for left := end - from; left > 0; {
		b := text.next(32 << 10)
		b = b[:min(len(b), left)]
		n := d.sendSome(s, [][]byte{b}, len(b))
		text.skip(n)
		left -= n
	}
}

// A pattern gives its bytes in order, each made once.
type pattern struct {
	seed, at int
	made     []byte
}

// next is some bytes from here on, at most n.
func (p *pattern) next(n int) []byte {
	if len(p.made) == 0 {
		p.made = make([]byte, n)
		fill(p.made, p.seed, p.at)
	}
	return p.made
}

func (p *pattern) skip(n int) {
	p.made = p.made[n:]
	p.at += n
}

// readPattern lets the peer read the first end bytes and compare them.
func (d *driver) readPattern(p Peer, seed, end int) <-chan error {
	return d.readPatternFrom(p, seed, 0, end)
}

func (d *driver) readPatternFrom(p Peer, seed, from, end int) <-chan error {
	result := make(chan error, 1)
	go func() {
		buf := make([]byte, 64<<10)
		for at := from; at < end; {
			n, err := p.Read(buf[:min(len(buf), end-at)])
			if err != nil {
				result <- fmt.Errorf("at byte %d of %d: %w", at, end, err)
				return
			}
			if i := mismatch(buf[:n], seed, at); i >= 0 {
				result <- fmt.Errorf("byte %d differs from what was sent", at+i)
				return
			}
			at += n
		}
		result <- nil
	}()
	return result
}

// skip drops the first n bytes of bufs.
func skip(bufs [][]byte, n int) [][]byte {
	out := append([][]byte(nil), bufs...)
	for n > 0 {
		m := min(n, len(out[0]))
		out[0] = out[0][m:]
		n -= m
		if len(out[0]) == 0 {
			out = out[1:]
		}
	}
	return out
}

// patternAt is a byte that tells its place, so that lost, doubled and swapped
// pieces show.
func patternAt(seed, at int) byte {
	x := uint32(at)*0x9e3779b1 + uint32(seed)*0x85ebca6b
	x ^= x >> 15
	x *= 0x2c1b3c6d
	return byte(x >> 24)
}

// fill writes the pattern from byte at on.
func fill(b []byte, seed, at int) {
	for i := range b {
		b[i] = patternAt(seed, at+i)
	}
}

// mismatch is the index of the first byte that differs from the pattern, or
// -1.
func mismatch(b []byte, seed, at int) int {
	for i := range b {
		if b[i] != patternAt(seed, at+i) {
			return i
		}
	}
	return -1
}
