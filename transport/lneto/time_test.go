package lneto_test

import (
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/internal/alloctest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/lneto"
	"github.com/bobtail-go/bobtail/transport/lneto/lnetotest"
)

// TestDeadPeers has the peer vanish in each state. The stream fails, or its
// place is free, within the time given.
func TestDeadPeers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(l *lab, d, p transport.Stream)
		after  func(l *lab, d transport.Stream)
		least  int64
		most   int64
		err    error // nil if the place is to be free
	}{
		{"with nothing under way", nil, nil, 60 * second, 90 * second, transport.ErrTimedOut},
		{"with bytes under way", nil, func(l *lab, d transport.Stream) { l.device.Send(d, [][]byte{[]byte("hello")}) }, 80 * second, 300 * second, transport.ErrTimedOut},
		{"with a closed window", func(l *lab, d, p transport.Stream) {
			for range 3 {
				l.device.Send(d, [][]byte{make([]byte, 2048)})
				l.pass(second)
			}
		}, nil, 60 * second, 400 * second, transport.ErrTimedOut},
		{"after our end", func(l *lab, d, p transport.Stream) {
			l.device.CloseWrite(d)
			l.pass(second)
		}, nil, 60 * second, 90 * second, transport.ErrTimedOut},
		{"before our end", nil, func(l *lab, d transport.Stream) { l.device.CloseWrite(d) }, 80 * second, 300 * second, transport.ErrTimedOut},
		{"after its end", func(l *lab, d, p transport.Stream) {
			l.peer.CloseWrite(p)
			l.pass(second)
		}, nil, 60 * second, 90 * second, transport.ErrTimedOut},
		{"closed by us", nil, func(l *lab, d transport.Stream) { l.device.CloseStream(d) }, 14 * second, 16 * second, nil},
		{"closed by us with bytes under way", nil, func(l *lab, d transport.Stream) {
			l.device.Send(d, [][]byte{make([]byte, 2000)})
			l.device.CloseStream(d)
		}, 14 * second, 16 * second, nil},
		{"aborted by us", nil, func(l *lab, d transport.Stream) { l.device.Abort(d) }, 0, second, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, lneto.Config{}, lneto.Config{}, lnetotest.Faults{})
			id, a := l.listen()
			d, p := l.pair(id, a)
			if tt.before != nil {
				tt.before(l, d, p)
			}
			l.peer.off = true
			began := l.clock
			if tt.after != nil {
				tt.after(l, d)
			}
			l.until(tt.most, "the device knows", func() bool {
				if tt.err == nil {
					return l.device.Stats().Open == 0
				}
				_, err := l.device.Send(d, nil)
				return err == tt.err
			})
			if took := l.clock - began; took < tt.least {
				t.Errorf("given up after %d s, want %d at least", took/second, tt.least/second)
			}
			if tt.err != nil {
				l.device.CloseStream(d)
			}
			if open := l.device.Stats().Open; open != 0 {
				t.Errorf("%d streams are taken", open)
			}
		})
	}
}

// TestSilence keeps a connection without traffic for a day.
func TestSilence(t *testing.T) {
	l := newLab(t, lneto.Config{}, lneto.Config{KeepAlive: -1}, lnetotest.Faults{Seed: 9, Lose: 30})
	id, a := l.listen()
	d, p := l.pair(id, a)
	for end := l.clock + 24*3600*second; l.clock < end; l.clock += second / 2 {
		l.step()
	}
	l.device.Send(d, [][]byte{[]byte("still here")})
	l.until(60*second, "the bytes have come", func() bool {
		v, _ := l.peer.Receive(p, make([]byte, 20))
		return string(v) == "still here"
	})
}

// TestClosedWindow has the peer read nothing for an hour and then all, while
// many frames are lost, those that open the window among them.
func TestClosedWindow(t *testing.T) {
	for seed := range uint64(20) {
		l := newLab(t, lneto.Config{KeepAlive: -1}, lneto.Config{KeepAlive: -1}, lnetotest.Faults{Seed: seed, Lose: 150})
		id, a := l.listen()
		d, p := l.pair(id, a)
		sent, got := 0, 0
		send := func() {
			n, err := l.device.Send(d, [][]byte{make([]byte, 700)})
			if err != nil && err != transport.ErrWouldBlock {
				t.Fatalf("seed %d: Send: %v", seed, err)
			}
			sent += n
		}
		for end := l.clock + 3600*second; l.clock < end; l.clock += second / 10 {
			send()
			l.step()
		}
		if sent > 5000 {
			t.Fatalf("seed %d: %d bytes were taken", seed, sent)
		}
		total := sent + 20_000
		l.until(600*second, "all has come", func() bool {
			if sent < total {
				send()
			}
			v, err := l.peer.Receive(p, make([]byte, 1000))
			if err != nil && err != transport.ErrWouldBlock {
				t.Fatalf("seed %d: Receive: %v", seed, err)
			}
			l.peer.Consume(p, len(v))
			got += len(v)
			return got >= total
		})
	}
}

// TestEndsAreRemembered repeats the peer's last FIN after the place is free.
func TestEndsAreRemembered(t *testing.T) {
	l := newLone(t, lneto.Config{})
	iss := l.connect()
	id, err := l.device.Accept(0)
	if err != nil {
		t.Fatal(err)
	}
	l.device.CloseStream(id)
	l.turns()
	l.sent = nil
	last := seg{seq: 101, ack: iss + 2, flags: "AF"}
	answer := `80 to 1000 A seq ` + itoa(iss+2) + ` ack 102 ""`
	l.put(last.frame())
	l.want("the peer's end", answer)
	if open := l.device.Stats().Open; open != 0 {
		t.Errorf("%d streams are taken in TIME-WAIT", open)
	}
	l.pass(2 * second)
	l.want("meanwhile")
	l.put(last.frame())
	l.want("the same once more", answer)
	// A new connection of the same ends, with a number beyond the old one.
	l.put(seg{seq: 5000, flags: "S", wnd: 1000}.frame())
	if s, _ := read(l.sent[0]); s.flags != "SA" || s.ack != 5001 {
		t.Errorf("a new SYN: %v", s)
	}
	l.sent = nil
	l.put(seg{seq: 5001, flags: "R"}.frame())

	// What is sent to nobody is reset.
	l.put(seg{seq: 101, ack: iss + 2, flags: "A", data: "late"}.frame())
	l.want("bytes after the end", `80 to 1000 R seq `+itoa(iss+2)+` ack 0 ""`)
}

func itoa(v uint32) string {
	return string(appendUint(nil, v))
}

func appendUint(b []byte, v uint32) []byte {
	if v >= 10 {
		b = appendUint(b, v/10)
	}
	return append(b, byte('0'+v%10))
}

// TestNoAllocation has clients come, exchange bytes and go.
func TestNoAllocation(t *testing.T) {
	l := newLab(t, lneto.Config{}, lneto.Config{}, lnetotest.Faults{Seed: 4, Lose: 20, Double: 20, Reorder: 50})
	id, a := l.listen()
	l.device.Arm(id, true)
	bufs := [][]byte{make([]byte, 1000)}
	into := make([]byte, 700)
	var ev [8]transport.Event
	visit := func() {
		d, p := l.pair(id, a)
		l.device.Attach(d, 0, 5)
		for n := 0; n < 10_000; {
			l.peer.Send(p, bufs)
			l.device.Wait(0, ev[:], 0)
			if v, err := l.device.Receive(d, into); err == nil {
				n += len(v)
				l.device.Consume(d, len(v))
				l.device.Send(d, bufs)
			}
			v, _ := l.peer.Receive(p, into)
			l.peer.Consume(p, len(v))
			l.step()
		}
		l.device.CloseStream(d)
		l.peer.Abort(p)
		for l.device.Stats().Open > 0 {
			l.clock += second / 10
			l.step()
		}
	}
	for range 3 {
		visit() // the wire keeps the memory of its frames
	}
	alloctest.Zero(t, "a visit", visit)
}

// TestMemory compares what New takes with what Config says.
func TestMemory(t *testing.T) {
	for _, c := range []lneto.Config{
		{}, {Streams: 1, RxSize: 256, TxSize: 256}, {Streams: 100, RxSize: 10_000, TxSize: 65535, Listeners: 200, MTU: 600},
	} {
		c.MAC = deviceMAC
		want := c.Memory()
		got := 1 << 30
		for range 5 { // others may allocate in between
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := lneto.New(c); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			got = min(got, int(after.TotalAlloc-before.TotalAlloc))
		}
		if got < want || got > want+want/4+2000 { // sizes are rounded up
			t.Errorf("%+v takes %d bytes, Memory says %d", c, got, want)
		}
	}
}
