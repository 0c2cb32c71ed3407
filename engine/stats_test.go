package engine_test

import (
	"fmt"
	"testing"

	"github.com/bobtail-go/bobtail/engine"
)

// TestStats brings connections into many states, and wants the numbers to be
// right.
func TestStats(t *testing.T) {
	c := usual()
	c.Workers, c.Spare = 4, 1
	c.mem.Pipe = 1000
	c.Pool.Slots, c.Reserve, c.Admission = 9, 1, engine.AdmitRefuse
	bubble(t, c, func(f *fixture) {
		idle, _ := f.open()
		idle.echo("12345")
		half, _ := f.open()
		half.send("half")
		f.settle()
		blocked, _ := f.open()
		blocked.send("static 5000\n")
		f.settle()
		handler, _ := f.open()
		g := handler.enter("block g")
		if s := f.e.Stats(); s.Busy != 1 || s.Lent != 0 || s.Parked != 3 {
			t.Errorf("with a handler at work: %+v", s)
		}
		g.pass()
		handler.want("done g\n")
		var readers []*client
		for i := range 4 {
			r, _ := f.open()
			r.send("read 10\n")
			f.until("lend or hold", func() bool { s := f.e.Stats(); return s.Lent+s.Held == i+1 })
			readers = append(readers, r)
		}
		no := f.connect()
		no.wantEnd("farewell refused\n")
		s := f.e.Stats()
		want := engine.Stats{
			Accepted: 8, Refused: 1, Deposed: s.Deposed,
			Received: uint64(len("12345\nhalfstatic 5000\nblock g\n") + 4*len("read 10\n")),
			Sent:     uint64(len("12345\ndone g\nfarewell refused\n") + 1000),
			Sockets:  8, Open: 9, Parked: 5, Held: 1, Workers: 4, Busy: 3, Lent: 3,
			Stash: 2, OutputNodes: 1,
		}
		if s != want {
			t.Errorf("Stats() = %+v, want\n%+v", s, want)
		}
		for _, r := range readers {
			r.send("0123456789")
			r.want("read 10\n")
		}
		blocked.want(string(static[:5000]))
		half.send("\n")
		half.want("half\n")
		f.quiet()
		s = f.e.Stats()
		if s.Stash != 0 || s.OutputBlocks != 0 || s.OutputNodes != 0 || s.Open != 9 || s.Parked != 9 {
			t.Errorf("when all is quiet: %+v", s)
		}
		no.conn.Close()
		f.settle()
		if n := f.e.Stats().Open; n != 8 {
			t.Errorf("%d connections are open", n)
		}
	})
}

// TestStatsOfTraffic counts every byte once, on each network.
func TestStatsOfTraffic(t *testing.T) {
	everywhere(t, usual(), func(f *fixture) {
		in, out := 0, 0
		a, h := f.open()
		for i := range 30 {
			send, want := fmt.Sprintf("static %d\nx\n", i*1000), string(static[:i*1000])+"x\n"
			if i%3 == 1 {
				send, want = fmt.Sprintf("write %d\nx\n", i*1000), string(static[:i*1000])+"x\n"
			}
			a.send(send)
			a.want(want)
			f.push(h, "push\n")
			a.want("push\n")
			in, out = in+len(send), out+len(want)+len("push\n")
		}
		f.quiet()
		s := f.e.Stats()
		f.count("received", s.Received, uint64(in))
		f.count("sent", s.Sent, uint64(out))
		f.count("pushed", s.Pushed, 30)
		f.count("accepted", s.Accepted, 1)
	})
}
