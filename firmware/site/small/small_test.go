//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"bytes"
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
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/firmware/site/sitetest"
	"github.com/bobtail-go/bobtail/host/wsdial"
	"github.com/bobtail-go/bobtail/ws"
)

// TestSmall builds the program with TinyGo, has every allocation that the
// compiler leaves in package site in a function that runs before the first
// client comes, and drives the program. Its heap only grows, and must not.
func TestSmall(t *testing.T) {
	tinygo := os.Getenv("TINYGO")
	if tinygo == "" {
		t.Skip("./test.sh device runs this")
	}
	program := filepath.Join(t.TempDir(), "small")
	args := append([]string{"build", "-o", program, "-opt=z", "-print-allocs=."}, strings.Fields(os.Getenv("TINYGOFLAGS"))...)
	b, err := exec.Command(tinygo, append(args, ".")...).CombinedOutput()
	if err != nil {
		t.Fatalf("tinygo build: %v\n%s", err, b)
	}
	allocations(t, string(b))

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
	said := bufio.NewReader(out)
	var at [2]string
	for i := range at {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("the program prints %q and then %v", line, err)
		}
		at[i] = strings.TrimSpace(line)
	}
	sitetest.Run(t, sitetest.Device{HTTP: at[0], CoAP: at[1], Sockets: 5})

	// A page is open all the time, and told 20 times a second.
	look, err := wsdial.Dial(t.Context(), "ws://"+at[0]+"/ws/live", wsdial.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer look.CloseNow()
	look.SetDeadline(time.Now().Add(time.Minute))
	ask(t, at[0], look, 10)
	before := resident(t, cmd.Process.Pid)
	const rounds, most = 1000, 64 << 10
	ask(t, at[0], look, rounds)
	// The least allocation in each of a round's requests would be 16 bytes.
	after := resident(t, cmd.Process.Pid)
	if after-before > most {
		t.Errorf("%d rounds of all requests have made the program grow from %d bytes to %d", rounds, before, after)
	}
	t.Logf("resident: %d bytes", after)
}

// ask sends each kind of request n times, and has the LED switched.
func ask(t *testing.T, address string, look *wsdial.Conn, n int) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	var all bytes.Buffer
	for _, path := range []string{"", "plaintext", "json", "stats", "led"} {
		fmt.Fprintf(&all, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	}
	all.WriteString("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	all.WriteString("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\non")
	all.WriteString("PUT /led HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noff")
	in := bufio.NewReader(c)
	for range n {
		if _, err := c.Write(all.Bytes()); err != nil {
			t.Fatal(err)
		}
		for range 8 {
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode >= 300 {
				t.Fatal(r.Status, err)
			}
		}
		if op, p, err := look.Receive(); err != nil || op != ws.OpText || len(p) == 0 {
			t.Fatal(op, err)
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

// allocations looks at what TinyGo prints of those in package site.
func allocations(t *testing.T, out string) {
	t.Helper()
	found := 0
	for line := range strings.Lines(out) {
		// A line of a coverage profile: FILE:LINE.COLUMN,LINE.COLUMN 1 0
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil || filepath.Base(filepath.Dir(name)) != "site" {
			continue
		}
		found++
		if in := enclosing(t, name+".go", number); !slices.Contains([]string{"New", "AddWebSocket", "AddCoAP", "Small", "Resources"}, in) {
			t.Errorf("%s.go:%d: %s allocates", filepath.Base(name), number, in)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation in the package: the test sees nothing")
	}
}

// enclosing is the name of the function that a line of a file belongs to.
func enclosing(t *testing.T, file string, line int) string {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fset.Position(fn.Pos()).Line <= line && line <= fset.Position(fn.End()).Line {
			return fn.Name.Name
		}
	}
	return "a declaration"
}
