package secure_test

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bobtail-go/bobtail"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/memory"
	"github.com/bobtail-go/bobtail/transport/secure"
)

// TestLongFirstRecord has clients who announce a first record of full size and
// do not complete it: they ask for a place long before that, so that what they
// hold is bounded by the places, and before it by a few kilobytes.
func TestLongFirstRecord(t *testing.T) {
	const clients = 20
	overEach(t, bobtail.Config{}, secure.Config{Handshakes: 3}, func(t *testing.T, s *site) {
		for range clients {
			s.dial().Write(append([]byte{22, 3, 1, 0x40, 0}, make([]byte, 4096-5)...))
		}
		until(t, "all ask for a place", func() bool {
			st := s.b.Stats()
			return uint64(st.Shaking+st.Waiting)+st.Failed == clients
		})
	})
}

// TestPaddedRecords gives Receive records of full size with one byte of content
// each: it must return long before its buffer is full, and tell that there is
// more.
func TestPaddedRecords(t *testing.T) {
	const (
		records       = 100
		ofListener    = 7
		ofStream      = 9
		mostInReceive = 10 // 64 KB, what was asked for, and what was there before
	)
	n := memory.New(memory.Config{Pipe: 4 << 20})
	b := wrap(t, n, nil, secure.Config{})
	l, err := b.ListenSecure(transport.IPv4(127, 0, 0, 1, 0), ofListener)
	if err != nil {
		t.Fatal(err)
	}
	b.Arm(l, true)
	p, err := n.Connect(b.ListenerAddr(l))
	if err != nil {
		t.Fatal(err)
	}

	var s transport.Stream
	var ev [8]transport.Event
	buf := make([]byte, 4096)
	accept := func() {
		next, err := b.Accept(l)
		if err == transport.ErrWouldBlock {
			return // Acceptable is told until it is
		}
		if s = next; err == nil {
			err = b.Attach(s, 0, ofStream)
		}
		if err != nil {
			t.Error(err)
		}
	}
	var stop atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for ; !stop.Load(); runtime.Gosched() {
			k, _ := b.Wait(0, ev[:], 0)
			for _, e := range ev[:k] {
				if e.Tag == ofListener {
					accept()
				} else {
					b.Receive(s, buf)
				}
			}
		}
	}()
	w := handmade(t, rawConn{p})
	until(t, "the handshake is over", func() bool { return b.Stats().Done == 1 })
	stop.Store(true)
	<-stopped

	var text []byte
	for range records {
		text = w.record(text, contentType, "a", 16<<10-1)
	}
	if _, err := p.Write(text); err != nil {
		t.Fatal(err)
	}
	got := 0
	until(t, "all is received", func() bool {
		k, _ := b.Wait(0, ev[:], 0)
		for _, e := range ev[:k] {
			if !e.Ready.Has(transport.Readable) {
				continue
			}
			view, err := b.Receive(s, buf)
			if err != nil && err != transport.ErrWouldBlock || strings.Trim(string(view), "a") != "" {
				t.Fatalf("Receive: %q, %v", view, err)
			}
			if len(view) > mostInReceive {
				t.Errorf("one Receive has gone through %d records of 16 KB", len(view))
			}
			b.Consume(s, len(view))
			got += len(view)
		}
		return got >= records
	})
	b.Abort(s)
	b.CloseListener(l)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
