package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

const request = "GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"

// TestFloorCountsRequests cuts two requests at every place: a blank line is
// seen whole, in parts, and twice in one read.
func TestFloorCountsRequests(t *testing.T) {
	program := compiled(t, "servers", "floor")
	p, port, err := start(t.Context(), func(t task) ([]string, error) {
		return []string{program, "-p", fmt.Sprint(t.port)}, nil
	}, task{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	c, err := net.Dial("tcp", address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	one := answerTo(t, c, request)
	if !strings.HasPrefix(one, "HTTP/1.1 200 ") || !strings.HasSuffix(one, "Hello, World!") {
		t.Fatalf("answer %q", one)
	}
	// "\r\r\n\r\n" is no blank line by itself, but its end is one.
	for _, text := range []string{request + request, "GET / HTTP/1.1\r\nA: \r\r\n\r\n" + request} {
		for i := range text {
			io.WriteString(c, text[:i])
			io.WriteString(c, text[i:])
			b := make([]byte, 2*len(one))
			if _, err := io.ReadFull(c, b); err != nil || string(b) != one+one {
				t.Fatalf("%q cut at %d: %q, %v", text, i, b, err)
			}
		}
	}
	// One answer more would come before this one.
	if got := answerTo(t, c, request); got != one {
		t.Errorf("at the end: %q", got)
	}
}

func answerTo(t *testing.T, c net.Conn, text string) string {
	t.Helper()
	io.WriteString(c, text)
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestStartTellsWhyAServerEnds(t *testing.T) {
	_, _, err := start(t.Context(), func(task) ([]string, error) {
		return []string{"sh", "-c", "echo begin; echo the port is busy >&2; exit 1"}, nil
	}, task{})
	if err == nil || !strings.Contains(err.Error(), "ended at once") || !strings.Contains(err.Error(), "the port is busy") {
		t.Errorf("error %v", err)
	}
	if _, _, err = start(t.Context(), func(task) ([]string, error) { return []string{"./no-such-program"}, nil }, task{}); err == nil {
		t.Error("no error for a program that is not there")
	}
}

// TestNothingIsLeft ends a server that has a child and does not listen to
// SIGTERM, by stop and by the end of the context.
func TestNothingIsLeft(t *testing.T) {
	// The children write their number and outlive the shell.
	const script = `trap "" TERM; sleep 1000 & echo $! >"$1"; exec sleep 1000`
	for _, tt := range []struct {
		name string
		end  func(p *process, cancel func())
	}{
		{"stop", func(p *process, _ func()) {}},
		{"the context ends", func(p *process, cancel func()) { cancel() }},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		file := t.TempDir() + "/child"
		var l net.Listener
		p, _, err := start(ctx, func(t task) ([]string, error) {
			var err error
			l, err = net.Listen("tcp", address(t.port)) // in its place
			return []string{"sh", "-c", script, "sh", file}, err
		}, task{})
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		child := 0
		for limit := time.Now().Add(10 * time.Second); child == 0 && time.Now().Before(limit); {
			fmt.Sscan(text(file), &child)
		}
		tt.end(p, cancel)
		p.stop()
		cancel()
		for _, pid := range []int{p.pid(), child} {
			if !gone(pid) {
				t.Errorf("%s: process %d of %d and %d is left", tt.name, pid, p.pid(), child)
			}
		}
	}
}

// gone reports whether a process has ended, or does so soon; a zombie, which its
// new parent has not buried yet, has.
func gone(pid int) bool {
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return true
		}
	}
	return false
}

func TestTailKeepsTheEnd(t *testing.T) {
	var x tail
	for i := range 2000 {
		fmt.Fprintf(&x, "line %d\n", i)
	}
	if got := x.said(); got != ": line 1999" || len(x.b) != tailSize {
		t.Errorf("said %q, kept %d bytes", got, len(x.b))
	}
	if got := (&tail{}).said(); got != "" {
		t.Errorf("an empty tail said %q", got)
	}
}

// TestBuild wants a server that is not here left out without a failure, and one
// that does not build left out as a failure of the smoke test.
func TestBuild(t *testing.T) {
	saved := servers
	defer func() { servers = saved }()
	servers = []server{
		{"absent", func(context.Context, *builder) (starter, error) { return nil, fmt.Errorf("absent is %w", errAbsent) }, short},
		{"broken", func(context.Context, *builder) (starter, error) { return nil, errors.New("does not compile") }, short},
		{"unwanted", func(context.Context, *builder) (starter, error) { return nil, errors.New("not asked for") }, short},
		{"fine", func(context.Context, *builder) (starter, error) { return nil, nil }, short},
	}
	for _, smoke := range []bool{false, true} {
		var out strings.Builder
		res := &result{}
		ready := build(t.Context(), nil, options{servers: []string{"absent", "broken", "fine"}, smoke: smoke}, res, &out)
		if len(ready) != 1 || ready[0].name != "fine" || len(res.LeftOut) != 2 || strings.Count(out.String(), "\n") != 2 {
			t.Errorf("smoke %v: ready %v, left out %q, wrote %q", smoke, ready, res.LeftOut, out.String())
		}
		if want := map[bool]int{false: 0, true: 1}[smoke]; len(res.Failures) != want {
			t.Errorf("smoke %v: failures %q, want %d", smoke, res.Failures, want)
		}
	}
}

func TestCompileShowsTheError(t *testing.T) {
	compiled(t, "load") // or skips
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/x.c", []byte("int main(void) { int unused; return 0; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &builder{cache: t.TempDir(), temp: t.TempDir()}
	// A warning is an error.
	if _, err := b.compile(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "x.c") {
		t.Errorf("error %v", err)
	}
}
