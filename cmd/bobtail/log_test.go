package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
)

func TestAppendVisible(t *testing.T) {
	for _, c := range []struct {
		name, in string
		n        int
		want     string
	}{
		{"plain", "/a?b=%20", 99, "/a?b=%20"},
		{"escape sequence", "\x1b[31m", 99, `\x1b[31m`},
		{"line end", "a\r\nb", 99, `a\x0d\x0ab`},
		{"space and backslash", `a \b`, 99, `a\x20\x5cb`},
		{"not ASCII", "\xff\x7f", 99, `\xff\x7f`},
		{"too long", "abcdef", 3, "abc..."},
		{"just not too long", "abc", 3, "abc"},
		{"too long when escaped", strings.Repeat("\xff", 10), 10, `\xff\xff...`},
	} {
		if got := string(appendVisible(nil, []byte(c.in), c.n)); got != c.want {
			t.Errorf("%s: appendVisible(%q, %d) = %q, want %q", c.name, c.in, c.n, got, c.want)
		}
		if got := appendVisible(nil, []byte(strings.Repeat(c.in, 20)), c.n); len(got) > c.n+len("...") {
			t.Errorf("%s: appendVisible(20 times %q, %d) has %d bytes", c.name, c.in, c.n, len(got))
		}
	}
}

// gate is a writer that waits until it is opened.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	b    bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.Write(p)
}

// TestLogMakesNobodyWait has a log whose lines nobody takes.
func TestLogMakesNobodyWait(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	l := newLineLog(g, true)
	const lines = 20_000 // more than fit
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range lines / 4 {
				l.event(engine.Event{Kind: engine.EventTimeout, Code: int32(engine.PhaseHead), Handle: 1<<32 | 7, Worker: -1})
			}
		})
	}
	all.Wait()
	if n := testing.AllocsPerRun(100, func() { l.event(engine.Event{Kind: engine.EventDeposed}) }); n != 0 {
		t.Errorf("a line that is left out allocates %v times", n)
	}
	close(g.open)
	l.close()
	<-l.done
	text := g.b.String()
	written := strings.Count(text, "#7.1 timeout in phase head\n")
	if written == 0 || written >= lines || !strings.Contains(text, " lines left out") {
		t.Errorf("%d lines of %d were written, and of those left out it says %v", written, lines, strings.Contains(text, " lines left out"))
	}
}

func TestLogAllocatesNothing(t *testing.T) {
	l := newLineLog(&gate{open: make(chan struct{})}, true)
	if n := testing.AllocsPerRun(100, func() {
		l.event(engine.Event{Kind: engine.EventBadInput, Code: 3, Handle: 1, Worker: 2})
	}); n != 0 {
		t.Errorf("a line allocates %v times", n)
	}
}

func TestLogOfCoAPAllocatesNothing(t *testing.T) {
	l := newLineLog(&gate{open: make(chan struct{})}, true)
	options := coap.AppendOption(coap.AppendOption(nil, 0, coap.OptURIPath, []byte("a path")), coap.OptURIPath, coap.OptURIQuery, []byte("a=b"))
	q := coap.Message{Code: coap.CodeGET, Options: options}
	remote := transport.IPv4(192, 0, 2, 1, 5683)
	if n := testing.AllocsPerRun(100, func() {
		l.coapTCP(q, remote, 1<<32, coap.CodeContent, 1024, 1_000_000)
		l.coapUDP(q, remote, 7, 0, 0, 1_000)
	}); n != 0 {
		t.Errorf("a line allocates %v times", n)
	}
}
