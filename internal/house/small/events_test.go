package small

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// TestEvents listens to a program, is answered later by it, and looks whether
// that makes it grow.
func TestEvents(t *testing.T) {
	s := serve(t, "./events")
	publisher := dial(t, s.address)
	var listeners [3]*client
	for i := range listeners {
		listeners[i] = dial(t, s.address)
		listeners[i].send("GET", "/events", "")
		if h := listeners[i].next(); !strings.Contains(h, "text/event-stream") {
			t.Fatalf("head %q", h)
		}
	}
	id := 0
	publish := func(n int) {
		t.Helper()
		for range n {
			id++
			publisher.send("POST", "/publish?hello", "")
			publisher.want(200, "published")
			for _, l := range listeners {
				if got, want := l.next(), fmt.Sprintf("id: %d\nevent: n\ndata: hello\n", id); got != want {
					t.Fatalf("got %q, want %q", got, want)
				}
			}
		}
	}
	waiter := dial(t, s.address)
	wait := func(n int) {
		t.Helper()
		for range n {
			waiter.send("GET", "/poll", "")
			for {
				publisher.send("POST", "/answer", "")
				r, err := http.ReadResponse(publisher.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, r.Body)
				if r.StatusCode == 200 {
					break
				}
			}
			waiter.want(200, "now")
		}
	}
	resume := func(n int) {
		t.Helper()
		for range n {
			c := dial(t, s.address)
			c.send("GET", "/events", fmt.Sprintf("Last-Event-ID: %d\r\n", id-1))
			c.next()
			if got, want := c.next(), fmt.Sprintf("id: %d\nevent: n\ndata: hello\n", id); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			c.c.Close()
			publish(1) // which finds it gone
		}
	}
	// The smallest allocation for each would be some hundred KB.
	const rounds, most = 5000, 64 << 10
	publish(50)
	wait(50)
	resume(10)
	before := childtest.Resident(t, s.pid)
	publish(rounds)
	wait(rounds)
	resume(100)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d events and as many answers have made the program grow from %d bytes to %d", rounds, before, after)
	} else {
		t.Logf("resident: %d bytes", after)
	}
}

// TestEventsAllocations wants every allocation in package sse to be in what
// makes a topic, and none where requests are answered later.
func TestEventsAllocations(t *testing.T) {
	found := allocations(t, "./events", func(pkg, file string) ([]string, bool) {
		later := pkg == "web" && (file == "later" || file == "outlet" || file == "ticket")
		return []string{"New", "init", "withDefaults"}, pkg == "sse" || later
	})
	if found == 0 {
		t.Error("TinyGo names no allocation in them: the test sees nothing")
	}
}
