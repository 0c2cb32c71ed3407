package transporttest

import (
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

var waitCases = []testCase{
	{
		"wait/clock",
		"Now starts above zero and does not go back.",
		func(d *driver) {
			was := d.b.Now()
			if was <= 0 {
				d.fatalf("Now = %d", was)
			}
			for range 100 {
				now := d.b.Now()
				if now < was {
					d.fatalf("Now = %d after %d", now, was)
				}
				was = now
			}
		},
	},
	{
		"wait/lanes",
		"There is at least one lane, and their number stays.",
		func(d *driver) {
			n := d.b.Lanes()
			d.pair(d.listenArmed(), 0)
			if n < 1 || d.b.Lanes() != n {
				d.fatalf("Lanes = %d, then %d", n, d.b.Lanes())
			}
		},
	},
	{
		"wait/does not block",
		"A deadline of 0, or one that has passed, never blocks.",
		func(d *driver) {
			for lane := range d.b.Lanes() + 1 {
				for _, deadline := range []int64{0, 1, d.b.Now()} {
					if n := d.step(lane, deadline); n != 0 {
						d.fatalf("%d events on lane %d", n, lane)
					}
				}
			}
		},
	},
	{
		"wait/until the deadline",
		"Wait blocks until the deadline has passed, on each lane and on the monitor's, and never returns before without a reason.",
		func(d *driver) {
			for lane := range d.b.Lanes() + 1 {
				for _, ns := range []int64{1, 1000, 100_000, 1_500_000, 7_000_000} {
					deadline := d.b.Now() + ns
					got, now := d.waitBeside(lane, deadline, func(done <-chan struct{}) {
						for d.f.Advance != nil {
							select {
							case <-done:
								return
							default:
								d.f.Advance(ns/3 + 1)
							}
						}
						<-done
					})
					if got != 0 || now < deadline {
						d.fatalf("Wait = %d, %d ns before its deadline", got, deadline-now)
					}
				}
			}
		},
	},
	{
		"wait/woken before",
		"A Wake that comes before the Wait ends the next one, on each lane and on the monitor's, also one of two Wakes.",
		func(d *driver) {
			for lane := range d.b.Lanes() + 1 {
				for range 10 {
					d.b.Wake(lane)
					d.b.Wake(lane)
					n, err := d.b.Wait(lane, d.ev[:], d.limit()) // else the case hangs
					if n != 0 || err != nil {
						d.fatalf("Wait = %d, %v after a Wake", n, err)
					}
				}
			}
		},
	},
	{
		"wait/woken during",
		"A Wake from another goroutine ends the Wait that is under way, on each lane and on the monitor's.",
		func(d *driver) {
			for lane := range d.b.Lanes() + 1 {
				for range 50 {
					got, _ := d.waitBeside(lane, transport.Forever, func(<-chan struct{}) { d.b.Wake(lane) })
					if got != 0 {
						d.fatalf("Wait = %d after a Wake, want 0", got)
					}
				}
			}
		},
	},
	{
		"wait/woken from many goroutines",
		"Wake may be called from any goroutine at any time. No Wake is lost: after the last one a Wait ends.",
		func(d *driver) {
			lanes := d.b.Lanes() + 1
			for lane := range lanes {
				const goroutines, each = 8, 200
				var wg sync.WaitGroup
				for range goroutines {
					wg.Go(func() {
						for range each {
							d.b.Wake(lane)
						}
					})
				}
				all := make(chan struct{})
				go func() { wg.Wait(); close(all) }()
				for running := true; running; {
					select {
					case <-all:
						running = false
					default:
						d.rawWait(lane, 0)
					}
				}
				// All that were there may be used up by now; one more is not.
				d.b.Wake(lane)
				d.rawWait(lane, d.limit())
			}
		},
	},
	{
		"wait/wakes one lane",
		"Wake ends the Wait of its lane and leaves the others asleep.",
		func(d *driver) {
			for lane := range d.b.Lanes() + 1 {
				d.b.Wake(lane)
				for other := range d.b.Lanes() + 1 {
					if other == lane || d.f.Advance != nil {
						continue
					}
					d.step(other, d.b.Now()+1_000_000) // step fails if it returns early
				}
				d.rawWait(lane, d.limit())
			}
		},
	},
	{
		"wait/a Wake hides no event",
		"A lane that is woken still tells its events, in that Wait or in the next.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			for range 50 {
				d.peerWrite(p, "x")
				d.b.Wake(0)
				d.wakes++
				d.wantReceive(s, "x")
			}
		},
	},
	{
		"wait/woken after Close",
		"Wake may be called at any time, also after Close of the backend, and while it closes.",
		func(d *driver) {
			lanes := d.b.Lanes()
			start := make(chan struct{})
			var wg sync.WaitGroup
			for lane := range lanes + 1 {
				wg.Go(func() {
					close := start
					<-close
					for range 100 {
						d.b.Wake(lane)
					}
				})
			}
			close(start)
			d.closeBackend()
			wg.Wait()
			for lane := range lanes + 1 {
				d.b.Wake(lane)
			}
		},
	},
	{
		"wait/few events at a time",
		"Wait fills no more than it is given; the other events come with the next Wait, and none starves.",
		func(d *driver) {
			l := d.listenArmed()
			want := map[uint64]*stream{}
			for range d.streams(10) {
				s, p := d.pair(l, 0)
				d.peerWrite(p, "x")
				want[s.tag] = s
			}
			deadline := d.limit()
			for tag := range want { // what is told already
				if d.ready[tag].Has(transport.Readable) {
					delete(want, tag)
				}
			}
			var one [1]transport.Event
			for len(want) > 0 {
				n, err := d.b.Wait(0, one[:], deadline)
				d.mustNot(err, "Wait")
				if n == 0 && d.b.Now() >= deadline {
					d.fatalf("%d streams were never told", len(want))
				}
				if n == 1 && one[0].Ready.Has(transport.Readable) {
					delete(want, one[0].Tag)
				}
			}
		},
	},
	{
		"wait/lanes and tags",
		"A stream's events come on the lane and under the tag of its Attach; a listener's come on lane 0.",
		func(d *driver) {
			l := d.listenArmed()
			lanes := d.b.Lanes()
			var all []*stream
			var peers []Peer
			for i := range d.streams(3 * lanes) {
				s, p := d.pair(l, i%lanes)
				all, peers = append(all, s), append(peers, p)
			}
			for round := range 3 {
				for i, s := range all {
					d.peerWrite(peers[i], string(rune('A'+i%26)))
					s.empty = true // as it is from the second round on
				}
				for i := range all {
					i = (i + round) % len(all)
					d.wantReceive(all[i], string(rune('A'+i%26))) // step checks lane and tag
				}
			}
		},
	},
	{
		"wait/another goroutine each time",
		"At most one goroutine waits on a lane, but it need not be always the same one.",
		func(d *driver) {
			s, p := d.pair(d.listenArmed(), 0)
			for range 20 {
				d.peerWrite(p, "x")
				if !d.ready[s.tag].Has(transport.Readable) {
					moved := make(chan struct{})
					go func() {
						defer close(moved)
						n, err := d.b.Wait(0, d.ev[:], d.limit())
						for _, e := range d.ev[:max(n, 0)] {
							d.ready[e.Tag] |= e.Ready
						}
						if err != nil {
							d.t.Errorf("Wait: %v", err)
						}
					}()
					<-moved
				}
				d.wantReceive(s, "x")
			}
		},
	},
}

// rawWait waits once and forgets what it is told.
func (d *driver) rawWait(lane int, deadline int64) int {
	d.t.Helper()
	n, err := d.b.Wait(lane, d.ev[:], deadline)
	d.mustNot(err, "Wait")
	return n
}

// waitBeside waits in a goroutine while act runs, and returns what Wait did
// and the time at which it returned. act gets a channel that is closed then.
func (d *driver) waitBeside(lane int, deadline int64, act func(done <-chan struct{})) (n int, now int64) {
	d.t.Helper()
	done := make(chan struct{})
	var err error
	go func() {
		defer close(done)
		n, err = d.b.Wait(lane, d.ev[:], deadline)
		now = d.b.Now()
	}()
	act(done)
	select {
	case <-done:
	case <-time.After(waitLimit):
		d.b.Wake(lane)
		<-done
		d.fatalf("Wait did not end")
	}
	d.mustNot(err, "Wait")
	return n, now
}
