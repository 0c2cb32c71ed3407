package netstd_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

// TestMemoryOfAStream holds the figures of the package comment to what is
// there: heap and stacks of the process for each stream that was served once
// and is parked.
func TestMemoryOfAStream(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for _, tt := range []struct {
		name  string
		cfg   netstd.Config
		sends bool
		bound uint64
	}{
		{"as the system has it", netstd.Config{}, true, 5000},
		{"buffered, received", netstd.Config{Buffered: true}, false, 5500},
		{"buffered, received and sent", netstd.Config{Buffered: true}, true, 9000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const streams = 400
			b, err := netstd.New(tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 0)
			if err != nil {
				t.Fatal(err)
			}
			b.Arm(l, true)
			var peers []net.Conn
			defer func() {
				for _, p := range peers {
					p.Close()
				}
			}()
			for range streams {
				p, err := net.Dial("tcp", b.ListenerAddr(l).String())
				if err != nil {
					t.Fatal(err)
				}
				peers = append(peers, p)
			}
			before := memoryInUse()
			ev := make([]transport.Event, 16)
			buf := make([]byte, 64)
			names := make(map[uint64]transport.Stream, streams)
			served := 0
			for served < streams {
				n, err := b.Wait(0, ev, b.Now()+60e9)
				if n == 0 || err != nil {
					t.Fatalf("Wait = %d, %v", n, err)
				}
				for _, e := range ev[:n] {
					if e.Tag == 0 {
						s, err := b.Accept(l)
						if err != nil {
							continue
						}
						tag := uint64(len(names) + 1)
						names[tag] = s
						if err := b.Attach(s, 0, tag); err != nil {
							t.Fatal(err)
						}
						peers[tag-1].Write([]byte("hello"))
						continue
					}
					view, err := b.Receive(names[e.Tag], buf)
					if err != nil {
						continue
					}
					b.Consume(names[e.Tag], len(view))
					if tt.sends {
						if _, err := b.Send(names[e.Tag], [][]byte{[]byte("world")}); err != nil {
							t.Fatal(err)
						}
					}
					served++
				}
			}
			per := (memoryInUse() - before) / streams
			t.Logf("%d bytes a stream", per)
			if per > tt.bound {
				t.Errorf("%d bytes a stream, want at most %d", per, tt.bound)
			}
			runtime.KeepAlive(names)
		})
	}
}

func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
