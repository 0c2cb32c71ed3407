package small

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client is a connection to a program, on which requests are made one after
// the other.
type client struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	return &client{t, c, bufio.NewReader(c)}
}

func (c *client) send(method, path, fields string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.c, "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n", method, path, fields); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) want(status int, body string) {
	c.t.Helper()
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if b, err := io.ReadAll(r.Body); err != nil || r.StatusCode != status || string(b) != body {
		c.t.Fatalf("answer %d %q, %v, want %d %q", r.StatusCode, b, err, status, body)
	}
}

// next reads up to the end of an event, or of the head.
func (c *client) next() string {
	c.t.Helper()
	var text string
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("%q and %v", text, err)
		}
		if strings.TrimRight(line, "\r\n") == "" {
			return text
		}
		text += line
	}
}

// TestEvents listens to a program, is answered later by it, and looks whether
// that makes it grow.
func TestEvents(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the backend is that of Linux")
	}
	program, _ := build(t, "./events", "-opt=z", "-no-debug")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %d bytes", info.Size())
	cmd := exec.Command(program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program prints %q and then %v", address, err)
	}
	address = strings.TrimSpace(address)

	publisher := dial(t, address)
	var listeners [3]*client
	for i := range listeners {
		listeners[i] = dial(t, address)
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
	waiter := dial(t, address)
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
			c := dial(t, address)
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
	before := resident(t, cmd.Process.Pid)
	publish(rounds)
	wait(rounds)
	resume(100)
	if after := resident(t, cmd.Process.Pid); after-before > most {
		t.Errorf("%d events and as many answers have made the program grow from %d bytes to %d", rounds, before, after)
	} else {
		t.Logf("resident: %d bytes", after)
	}
}

// TestEventsAllocations wants every allocation in package sse to be in what
// makes a topic, and none where requests are answered later.
func TestEventsAllocations(t *testing.T) {
	_, out := build(t, "./events", "-print-allocs=.")
	found := 0
	for line := range strings.Lines(out) {
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil {
			continue
		}
		pkg := filepath.Base(filepath.Dir(name))
		switch file := filepath.Base(name); {
		case pkg == "sse":
		case pkg == "web" && (file == "later" || file == "outlet" || file == "ticket"):
		default:
			continue
		}
		found++
		if in, text := enclosing(t, name+".go", number); in != "New" && in != "init" && in != "withDefaults" && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s/%s.go:%d: %s allocates: %s", pkg, filepath.Base(name), number, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}
