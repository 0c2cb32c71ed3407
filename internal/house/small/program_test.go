package small

import (
	"bufio"
	"fmt"
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

// noHeap links the program of a folder with -gc=none and runs it. It must say
// ok and no more.
func noHeap(t *testing.T, dir string) {
	t.Helper()
	program, _ := build(t, dir, "-gc=none")
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
	program, _ := build(t, dir, "-opt=z", "-no-debug")
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
	cmd.Stderr = cmd.Stdout // the compilers differ in where println goes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the program prints %q and then %v", address, err)
	}
	return server{program, strings.TrimSpace(address), cmd.Process.Pid}
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
	_, out := build(t, dir, "-print-allocs=.")
	all, found := 0, 0
	for line := range strings.Lines(out) {
		// A line of a coverage profile: FILE:LINE.COLUMN,LINE.COLUMN 1 0
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil {
			continue
		}
		all++ // the runtime has some, at least
		pkg, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			continue
		}
		made, ours := judge(filepath.ToSlash(pkg), filepath.Base(name))
		if !ours {
			continue
		}
		found++
		if in, text := enclosing(t, name+".go", number); !slices.Contains(made, in) && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s/%s.go:%d: %s allocates: %s", pkg, filepath.Base(name), number, in, text)
		}
	}
	if all == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
	return found
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
