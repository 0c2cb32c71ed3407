package small

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// heapless are the packages that allocate in their constructor at most. The
// program of that name takes each of them through its work.
var heapless = []string{"http1", "pool", "ws"}

// TestNoHeap links the programs with -gc=none, so that the heap is the one of
// package heap, which the programs seal after construction, and runs them.
func TestNoHeap(t *testing.T) {
	for _, pkg := range heapless {
		t.Run(pkg, func(t *testing.T) {
			noHeap(t, "./"+pkg)
		})
	}
}

// TestServer fetches a page from a server that is linked static, with threads
// for goroutines and a heap that only grows: what it holds must not grow with
// requests.
func TestServer(t *testing.T) {
	s := serve(t, "./server")
	client := http.Client{Timeout: time.Minute}
	// More than one connection a lane, each used twice.
	for range 2 {
		var bodies []io.ReadCloser
		for range 4 {
			r, err := client.Get("http://" + s.address + "/")
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, r.Body)
		}
		for _, body := range bodies {
			b, err := io.ReadAll(body)
			body.Close()
			if err != nil || string(b) != "Hello, World!" {
				t.Errorf("the page is %q, %v", b, err)
			}
		}
	}
	file, err := os.ReadFile(s.program)
	if err != nil {
		t.Fatal(err)
	}
	downloads := func(n int) {
		t.Helper()
		for range n {
			for _, path := range []string{"/program", "/program?read"} {
				r, err := client.Get("http://" + s.address + path)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r.Body)
				r.Body.Close()
				if err != nil || !bytes.Equal(b, file) {
					t.Fatalf("%s: %d bytes of %d, %v", path, len(b), len(file), err)
				}
			}
		}
	}
	downloads(20)
	before := childtest.Resident(t, s.pid)
	downloads(500)
	// Each sends several dozen pieces.
	if after := childtest.Resident(t, s.pid); after-before > 32<<10 {
		t.Errorf("1000 downloads have made the server grow from %d bytes to %d", before, after)
	}
	vanish(t, s.address)
	// The smallest allocation for each of them would be 320 KB.
	const requests, most = 20000, 64 << 10
	ask(t, s.address, requests/100)
	before = childtest.Resident(t, s.pid)
	ask(t, s.address, requests)
	if after := childtest.Resident(t, s.pid); after-before > most {
		t.Errorf("%d requests have made the server grow from %d bytes to %d", requests, before, after)
	} else {
		t.Logf("resident: %d bytes", after)
	}
}

// vanish resets connections while the program is sent on them, which must not
// end it.
func vanish(t *testing.T, address string) {
	t.Helper()
	for range 20 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.(*net.TCPConn).SetReadBuffer(1)
		io.WriteString(c, strings.Repeat("GET /program HTTP/1.1\r\nHost: a\r\n\r\n", 20))
		io.ReadFull(c, make([]byte, 5000))
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// ask sends n requests on one connection, ten at a time.
func ask(t *testing.T, address string, n int) {
	t.Helper()
	c := dial(t, address)
	defer c.c.Close()
	ten := strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 10)
	for range n / 10 {
		if _, err := io.WriteString(c.c, ten); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			c.want(200, "Hello, World!")
		}
	}
}

// TestAllocations wants every allocation in these packages to be in a
// constructor.
func TestAllocations(t *testing.T) {
	for _, pkg := range heapless {
		t.Run(pkg, func(t *testing.T) {
			allocations(t, "./"+pkg, func(in, _ string) ([]string, bool) {
				return []string{"New", "init"}, in == pkg
			})
		})
	}
}

// made are the functions in which the packages of a server may allocate: they
// run before the first client comes, or once for each listener.
var made = map[string][]string{
	"engine":          {"Make", "newWorker", "init", "Validate", "run", "watch", "Stop"},
	"http1conn":       {"New"},
	"web":             {"Make", "init", "add", "addPath", "tree", "insert", "badPattern", "NewExchange", "begin"},
	"transport/epoll": {"New", "open", "descriptorLimit", "listen", "remember"},
}

// TestServerAllocations wants the same of the packages that only the server
// has.
func TestServerAllocations(t *testing.T) {
	found := allocations(t, "./server", func(pkg, _ string) ([]string, bool) {
		functions, ours := made[pkg]
		return functions, ours
	})
	if found == 0 {
		t.Error("TinyGo names no allocation in them: the test sees nothing")
	}
}
