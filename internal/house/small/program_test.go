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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/tinygotest"
)

// noHeap links the program of a folder with -gc=none and runs it. It must say
// ok and no more.
func noHeap(t *testing.T, dir string) {
	t.Helper()
	program, _ := tinygotest.Build(t, dir, "-gc=none")
	out, err := exec.Command(program).CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("the program ends with %v and says %q", err, out)
	}
}

// server is a program that runs until the test ends.
type server struct {
	program, address string
	pid              int
}

// serve builds the program of a folder as small as it gets, and runs it. The
// program prints its address first.
func serve(t *testing.T, dir string) server {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the backend is that of Linux")
	}
	program, _ := tinygotest.Build(t, dir, "-opt=z", "-no-debug")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %d bytes", info.Size())
	p := tinygotest.Run(t, program)
	return server{program, p.Line(), p.Pid}
}

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

// allocations looks at every allocation that TinyGo leaves in the program of a
// folder, also on a path that the program does not take. What judge calls ours,
// by the package and the file's name without .go, must be in a function that it
// lists, or build the last words of a program that has a bug. It does not see
// what the runtime allocates for them: append, which noHeap sees, and
// conversions, which a rule of the house forbids. It returns how many are ours.
func allocations(t *testing.T, dir string, judge func(pkg, file string) (made []string, ours bool)) int {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	_, out := tinygotest.Build(t, dir, "-print-allocs=.")
	all, found := 0, 0
	for a := range tinygotest.Allocations(out) {
		all++ // the runtime has some, at least
		pkg, err := filepath.Rel(root, filepath.Dir(a.File))
		if err != nil {
			continue
		}
		made, ours := judge(filepath.ToSlash(pkg), strings.TrimSuffix(filepath.Base(a.File), ".go"))
		if !ours {
			continue
		}
		found++
		if in, text := a.Enclosing(t); !slices.Contains(made, in) && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s/%s:%d: %s allocates: %s", pkg, filepath.Base(a.File), a.Line, in, text)
		}
	}
	if all == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
	return found
}
