package conformance

import (
	"strings"
	"testing"
)

// TestHalves has more connections than there are workers and blocks of the
// stash stop amid a frame, and then all of them go on.
func TestHalves(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		message := txt(strings.Repeat("halves ", 50))
		var all []*wire
		var rest [][]byte
		for i := range 500 {
			w, err := upgrade(p.wsURL("ws"))
			if err != nil {
				t.Fatal(err)
			}
			w.listen()
			b := message.bytes(true)
			half := len(b) - 1 - i%len(message.payload)
			w.c.Write(b[:half])
			all, rest = append(all, w), append(rest, b[half:])
		}
		for i, w := range all {
			w.c.Write(rest[i])
		}
		for i, w := range all {
			if e := w.next(); e != gotText(message.payload) {
				t.Fatalf("connection %d: %s", i, e)
			}
			if bad := w.conversation(nil, together, []string{gotClose(1000)}); bad != "" {
				t.Errorf("connection %d: %s", i, bad)
			}
		}
	}, "-sockets", "600", "-workers", "2")
}

// TestGoingAway has the server end while connections are open, idle and amid a
// message. Each is told so, and the server ends in order when they have answered.
func TestGoingAway(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		var all []*wire
		for _, path := range wsPaths {
			for _, sent := range [][]frame{nil, {txt(hi)}, {begin(opText, "fragment")}} {
				w, err := upgrade(p.wsURL(path))
				if err != nil {
					t.Fatal(err)
				}
				w.listen()
				w.write(append(sent, ping("")), together)
				if len(sent) > 0 && sent[0].first&fin != 0 {
					if e := w.next(); e != gotText(hi) {
						t.Errorf("/%s: %s", path, e)
					}
				}
				if e := w.next(); e != gotPong("") {
					t.Errorf("/%s: %s", path, e)
				}
				all = append(all, w)
			}
		}
		go p.stop()
		for i, w := range all {
			if bad := w.conversation(nil, together, []string{gotClose(1001)}); bad != "" {
				t.Errorf("connection %d: %s", i, bad)
			}
		}
	}, "-workers", "8")
}

// TestWhoDoesNotRead has clients send more than all buffers hold before they
// read. Others are served meanwhile, and nothing is lost.
func TestWhoDoesNotRead(t *testing.T) {
	onPaths(t, func(t *testing.T, url string) {
		message := bin(strings.Repeat("\x00\x01squid", 20000))
		const count = 100
		var all []*wire
		done := make(chan bool)
		for range 5 {
			w, err := upgrade(url)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, w)
			go func() {
				for range count {
					w.write([]frame{message}, together)
				}
				done <- true
			}()
		}
		// The server cannot take all, so that these still write.
		other, err := upgrade(url)
		if err != nil {
			t.Fatal(err)
		}
		other.listen()
		if bad := other.conversation([]frame{txt(hi), ping("p")}, together, []string{gotText(hi), gotPong("p"), gotClose(1000)}); bad != "" {
			t.Errorf("another connection: %s", bad)
		}
		select {
		case <-done:
			t.Error("the server has taken all without being read from")
		default:
		}
		for _, w := range all {
			w.listen()
			for i := range count {
				if e := w.next(); e != gotBin(message.payload) {
					t.Fatalf("message %d: %s", i, e)
				}
			}
		}
		for range all {
			<-done
		}
		for _, w := range all {
			if bad := w.conversation(nil, together, []string{gotClose(1000)}); bad != "" {
				t.Error(bad)
			}
		}
	}, "-workers", "16")
}
