package transporttest

import (
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

var resourceCases = []testCase{
	{
		"resource/no allocation",
		"Nothing between Wait and Send allocates.",
		func(d *driver) {
			if d.f.Allocates || raceEnabled {
				d.t.Skip("not measured")
			}
			s, p := d.pair(d.listenArmed(), 0)
			var (
				buf  = make([]byte, 512)
				got  = make([]byte, 16)
				bufs = [][]byte{nil, nil}
				line = []byte("0123456789abcdef")
				fail error
			)
			wait := func() {
				if _, err := d.b.Wait(0, d.ev[:], transport.Forever); err != nil {
					fail = err
				}
			}
			exchange := func() {
				if _, err := p.Write(line); err != nil {
					fail = err
				}
				for n := 0; n < len(line) && fail == nil; {
					view, err := d.b.Receive(s.id, buf)
					if err == transport.ErrWouldBlock {
						wait()
						continue
					}
					for sent := 0; sent < len(view) && err == nil; {
						middle := (sent + len(view)) / 2
						bufs[0], bufs[1] = view[sent:middle], view[middle:]
						var took int
						took, err = d.b.Send(s.id, bufs)
						sent += took
						if err == transport.ErrWouldBlock {
							wait()
							err = nil
						}
					}
					d.b.Consume(s.id, len(view))
					n += len(view)
					if err != nil {
						fail = err
					}
				}
				if _, err := d.b.Wait(0, d.ev[:], 0); err != nil { // what Send took leaves now at the latest
					fail = err
				}
				if fail == nil {
					_, fail = io.ReadFull(p, got)
				}
			}
			if d.f.Faulty {
				d.t.Skip("an exchange may be cut short")
			}
			for range 20 { // what is made once is not the request path's
				exchange()
			}
			// Other goroutines of the process may allocate: the best run counts.
			best := testing.AllocsPerRun(200, exchange)
			for range 4 {
				if best == 0 {
					break
				}
				best = min(best, testing.AllocsPerRun(200, exchange))
			}
			d.mustNot(fail, "the exchange")
			if best != 0 {
				d.fatalf("%v allocations an exchange, want 0", best)
			}
		},
	},
	{
		"resource/Close frees all",
		"CloseStream, CloseListener and then Close free what the backend holds, whatever state each was in: descriptors, goroutines, memory.",
		func(d *driver) {
			l := d.listenArmed()
			d.listen(d.f.Addr) // never armed
			p := d.dialLater(l.addr)
			d.accept(l) // never attached
			d.connected(p)
			s, _ := d.pair(l, 0)
			s.empty = true
			full, _ := d.pair(l, 0)
			d.fillUp(full, 1)
			half, halfPeer := d.pair(l, d.b.Lanes()-1)
			halfPeer.CloseWrite()
			d.wantEOF(half)
			read, readPeer := d.pair(l, 0)
			d.peerWrite(readPeer, "some of this is left")
			d.receiveAll(read, 4, 4)
			d.b.CloseWrite(read.id)
			if d.f.Listen != nil {
				far := d.peerListen()
				d.dial(far, 0)
				_, err := d.backendDial(far.Addr()) // neither attached nor accepted
				d.mustNot(err, "Dial")
			}
			d.dialLater(l.addr) // armed, not accepted
			d.closeAll()        // finish takes the census
		},
	},
	{
		"resource/closed streams are freed",
		"CloseStream and Abort free all that a stream holds, while the backend goes on.",
		func(d *driver) {
			l := d.listenArmed()
			round := func(i int) {
				s, p := d.pair(l, i%d.b.Lanes())
				d.peerWrite(p, "x")
				d.wantReceive(s, "x")
				if i%5 == 0 {
					d.fillUp(s, 3)
				}
				if i%2 == 0 {
					d.close(s)
				} else {
					d.abort(s)
				}
				p.Close()
			}
			for i := range 5 {
				round(i)
			}
			before := takeCensus()
			for i := range 30 {
				round(i)
			}
			before.compare(d)
		},
	},
}

// A census is what the process holds.
type census struct {
	goroutines  int
	descriptors int // -1 where they cannot be counted
}

// noCensus compares with nothing.
var noCensus = census{goroutines: 1 << 30, descriptors: -1}

func takeCensus() census {
	return census{runtime.NumGoroutine(), openDescriptors()}
}

// compare fails if more is held now. What ends in other goroutines is given
// time, and so are bytes under way in a stream that was closed.
func (c census) compare(d *driver) {
	d.t.Helper()
	limit := time.Now().Add(waitLimit / 4)
	for {
		now := takeCensus()
		if now.goroutines <= c.goroutines && (c.descriptors < 0 || now.descriptors <= c.descriptors) {
			return
		}
		if time.Now().After(limit) {
			var stacks []byte
			if now.goroutines > c.goroutines {
				stacks = make([]byte, 1<<20)
				stacks = stacks[:runtime.Stack(stacks, true)]
			}
			d.t.Fatalf("held before: %+v, now: %+v\nrule: what was closed holds nothing\n%s", c, now, stacks)
		}
		runtime.Gosched()
	}
}

func openDescriptors() int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if f, err := os.Open(dir); err == nil {
			names, err := f.Readdirnames(-1)
			f.Close()
			if err == nil {
				return len(names)
			}
		}
	}
	return -1
}

// warmUp makes the run-time system open the descriptors that it keeps, so that
// they are not counted against a case.
func warmUp() {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
		}
		l.Close()
	}
}
