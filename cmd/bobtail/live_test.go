package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

func dialWS(t *testing.T, p *program, path string) *wsdial.Conn {
	t.Helper()
	c, err := wsdial.Dial(t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+path, wsdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	c.SetDeadline(time.Now().Add(patient))
	return c
}

// told is what /ws/live tells.
type told struct {
	MS, Of, Open, Hidden, Served, Memory, Listening int

	Sockets string
	Workers [][2]any
}

func hear(t *testing.T, c *wsdial.Conn) (now told) {
	t.Helper()
	op, p, err := c.Receive()
	if err != nil || op != ws.OpText {
		t.Fatal(op, err)
	}
	if err := json.Unmarshal(p, &now); err != nil {
		t.Fatalf("%v in %s", err, p)
	}
	return now
}

// cells are the letters of the sockets, written out.
func cells(t *testing.T, runs string) string {
	t.Helper()
	var all strings.Builder
	for runs != "" {
		i := strings.IndexAny(runs, ".hwcrox")
		if i < 0 {
			t.Fatalf("runs end in %q", runs)
		}
		n := 1
		if i > 0 {
			var err error
			if n, err = strconv.Atoi(runs[:i]); err != nil {
				t.Fatal(err)
			}
		}
		all.WriteString(strings.Repeat(runs[i:i+1], n))
		runs = runs[i+1:]
	}
	return all.String()
}

func TestLive(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend, "-sockets", "1100", "-workers", "3", "-spare", "1")
		c := dialWS(t, p, "ws/live")
		first := hear(t, c)
		if first.Of != 1100 || first.Hidden != 1100-mostCells || first.Listening != 1 || first.Memory < 1<<20 || len(first.Workers) != 4 {
			t.Errorf("told %+v", first)
		}
		if all := cells(t, first.Sockets); len(all) != mostCells || strings.Count(all, ".") != mostCells-1 {
			t.Errorf("the sockets are %q", all)
		}
		for range 5 {
			dialWS(t, p, "ws")
		}
		http := client(t)
		want(t, http, "GET", p.url+"plaintext", 200, "*", "Hello, World!")
		// In time the page shows them all.
		for began := time.Now(); ; {
			now := hear(t, c)
			all := cells(t, now.Sockets)
			if now.Open == 7 && strings.Count(all, "h") == 1 && strings.Count(all, "w")+strings.Count(all, "r") == 6 && now.Served > first.Served {
				break
			}
			if time.Since(began) > patient {
				t.Fatalf("told %+v", now)
			}
		}
		// Who says much more than a page does is not listened to.
		if err := c.WriteMessage(ws.OpText, make([]byte, 126)); err != nil {
			t.Fatal(err)
		}
		for {
			if _, _, err := c.Receive(); err != nil {
				break
			}
		}
		if got := p.stop(); got.status != 0 || got.stderr != "" {
			t.Errorf("the end = %+v, want status 0", got)
		}
	})
}

func TestEchoMessages(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		for _, path := range []string{"ws", "ws/straight"} {
			c := dialWS(t, p, path)
			for _, n := range []int{0, 1, 125, 126, 1000, 65535, 65536, 1 << 20} {
				message := strings.Repeat("b", n)
				done := make(chan error, 1)
				go func() { done <- c.WriteMessage(ws.OpBinary, []byte(message)) }()
				op, got, err := c.Receive()
				if err != nil || op != ws.OpBinary || string(got) != message {
					t.Fatalf("/%s: %d bytes come back as %v, %d bytes, %v", path, n, op, len(got), err)
				}
				if err := <-done; err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
		// A request that asks for nothing else gets told what there is.
		want(t, client(t), "GET", p.url+"ws", 426, "*", "*")
		want(t, client(t), "GET", p.url+"ws/live", 426, "*", "*")
	})
}

// TestSlowSenders has the server start clients of its own, up to a bound.
func TestSlowSenders(t *testing.T) {
	onBackends(t, func(t *testing.T, backend string) {
		p := start(t, "-backend", backend)
		c := client(t)
		for range mostSlow {
			want(t, c, "POST", p.url+"slow", 202, "*", "*")
		}
		want(t, c, "POST", p.url+"slow", 503, "*", "*")
		p.stop()
	})
}
