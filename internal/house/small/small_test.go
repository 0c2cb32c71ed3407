package small

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// build makes a program of a folder with TinyGo and returns its path, and what
// the compiler prints.
func build(t *testing.T, dir string, flags ...string) (program, out string) {
	t.Helper()
	tinygo := os.Getenv("TINYGO")
	if tinygo == "" {
		t.Skip("./test.sh tinygo runs this")
	}
	program = filepath.Join(t.TempDir(), filepath.Base(dir))
	args := []string{"build", "-o", program}
	args = append(args, strings.Fields(os.Getenv("TINYGOFLAGS"))...)
	args = append(args, flags...)
	cmd := exec.Command(tinygo, append(args, dir)...)
	b, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("tinygo build %s %s: %v\n%s", strings.Join(flags, " "), dir, err, b)
	}
	return program, string(b)
}

// heapless are the packages that allocate in their constructor at most. The
// program of that name takes each of them through its work.
var heapless = []string{"http1", "pool"}

// TestNoHeap links the programs with -gc=none, so that the heap is the one of
// package heap, which the programs seal after construction, and runs them.
func TestNoHeap(t *testing.T) {
	for _, pkg := range heapless {
		t.Run(pkg, func(t *testing.T) {
			program, _ := build(t, "./"+pkg, "-gc=none")
			out, err := exec.Command(program).CombinedOutput()
			if err != nil || string(out) != "ok\n" {
				t.Errorf("the program ends with %v and says %q", err, out)
			}
		})
	}
}

// TestServer fetches a page from a server that is linked static, with threads
// for goroutines and a heap that only grows: what it holds must not grow with
// requests.
func TestServer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the backend is that of Linux")
	}
	program, _ := build(t, "./server", "-opt=z", "-no-debug")
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the server has %d bytes", info.Size())
	cmd := exec.Command(program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout // the compilers differ in where println goes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server prints %q and then %v", address, err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	// More than one connection a lane, each used twice.
	for range 2 {
		var bodies []io.ReadCloser
		for range 4 {
			r, err := client.Get("http://" + strings.TrimSpace(address) + "/")
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
	file, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	downloads := func(n int) {
		t.Helper()
		for range n {
			for _, path := range []string{"/program", "/program?read"} {
				r, err := client.Get("http://" + strings.TrimSpace(address) + path)
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
	before := resident(t, cmd.Process.Pid)
	downloads(500)
	// Each sends several dozen pieces.
	if after := resident(t, cmd.Process.Pid); after-before > 32<<10 {
		t.Errorf("1000 downloads have made the server grow from %d bytes to %d", before, after)
	}
	vanish(t, strings.TrimSpace(address))
	// The smallest allocation for each of them would be 320 KB.
	const requests, most = 20000, 64 << 10
	ask(t, strings.TrimSpace(address), requests/100)
	before = resident(t, cmd.Process.Pid)
	ask(t, strings.TrimSpace(address), requests)
	if after := resident(t, cmd.Process.Pid); after-before > most {
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
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(c)
	ten := strings.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 10)
	for range n / 10 {
		if _, err := io.WriteString(c, ten); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(r.Body); err != nil || string(b) != "Hello, World!" {
				t.Fatalf("the page is %q, %v", b, err)
			}
		}
	}
}

// resident is the memory that a process has, in bytes.
func resident(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// TestAllocations wants every allocation that TinyGo leaves in these packages,
// also on a path that the program does not take, to be in a constructor, or to
// build the last words of a program that has a bug. It does not see what the
// runtime allocates for them: append, which TestNoHeap sees, and conversions,
// which a rule of the house forbids.
func TestAllocations(t *testing.T) {
	for _, pkg := range heapless {
		t.Run(pkg, func(t *testing.T) {
			_, out := build(t, "./"+pkg, "-print-allocs=.")
			dir, err := filepath.Abs("../../../" + pkg)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for line := range strings.Lines(out) {
				// A line of a coverage profile: FILE:LINE.COLUMN,LINE.COLUMN 1 0
				name, at, ok := strings.Cut(line, ".go:")
				number, err := strconv.Atoi(strings.Split(at, ".")[0])
				if !ok || err != nil {
					continue
				}
				found++ // the runtime has some, at least
				if filepath.Dir(name) != dir {
					continue
				}
				if in, text := enclosing(t, name+".go", number); in != "New" && in != "init" && !strings.HasPrefix(text, "panic(") {
					t.Errorf("%s.go:%d: %s allocates: %s", filepath.Base(name), number, in, text)
				}
			}
			if found == 0 {
				t.Error("TinyGo names no allocation: the test sees nothing")
			}
		})
	}
}

// made are the functions in which the packages of a server may allocate: they
// run before the first client comes, or once for each listener.
var made = map[string][]string{
	"engine":          {"New", "newWorker", "init", "Validate", "run", "watch", "Stop"},
	"http1conn":       {"New"},
	"web":             {"New", "init", "add", "addPath", "tree", "insert", "badPattern", "lower", "NewExchange", "begin"},
	"transport/epoll": {"New", "open", "descriptorLimit", "listen", "remember"},
}

// TestServerAllocations wants the same of the packages that only the server
// has.
func TestServerAllocations(t *testing.T) {
	_, out := build(t, "./server", "-print-allocs=.")
	found := 0
	for line := range strings.Lines(out) {
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil {
			continue
		}
		for pkg, allowed := range made {
			if dir, err := filepath.Abs("../../../" + pkg); err != nil || filepath.Dir(name) != dir {
				continue
			}
			found++
			if in, text := enclosing(t, name+".go", number); !slices.Contains(allowed, in) && !strings.HasPrefix(text, "panic(") {
				t.Errorf("%s/%s.go:%d: %s allocates: %s", pkg, filepath.Base(name), number, in, text)
			}
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}

// enclosing is the name of the function that a line of a file belongs to, and
// the line.
func enclosing(t *testing.T, file string, line int) (name, text string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, b, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	name = "a declaration"
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fset.Position(fn.Pos()).Line <= line && line <= fset.Position(fn.End()).Line {
			name = fn.Name.Name
		}
	}
	return name, strings.TrimSpace(strings.Split(string(b), "\n")[line-1])
}
