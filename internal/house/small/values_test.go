package small

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// valuePackages are the packages that read and write values. None has a
// constructor that allocates but the guards of auth.
var valuePackages = []string{"form", "cookie", "json", "auth", "internal/credentials"}

// TestValuesNoHeap answers requests with forms, queries, cookies and
// credentials without a heap.
func TestValuesNoHeap(t *testing.T) {
	program, _ := build(t, "./values", "-gc=none")
	out, err := exec.Command(program).CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("the program ends with %v and says %q", err, out)
	}
}

// TestValuesAllocations wants no allocation in these packages, or in what
// handlers call for them.
func TestValuesAllocations(t *testing.T) {
	_, out := build(t, "./values", "-print-allocs=.")
	found := 0
	for line := range strings.Lines(out) {
		name, at, ok := strings.Cut(line, ".go:")
		number, err := strconv.Atoi(strings.Split(at, ".")[0])
		if !ok || err != nil {
			continue
		}
		found++
		ours := strings.HasSuffix(name, "/web/values")
		for _, pkg := range valuePackages {
			dir, err := filepath.Abs("../../../" + pkg)
			ours = ours || err == nil && filepath.Dir(name) == dir
		}
		if !ours {
			continue
		}
		if in, text := enclosing(t, name+".go", number); !slices.Contains([]string{"Basic", "Bearer", "challenge"}, in) && !strings.HasPrefix(text, "panic(") {
			t.Errorf("%s.go:%d: %s allocates: %s", name, number, in, text)
		}
	}
	if found == 0 {
		t.Error("TinyGo names no allocation: the test sees nothing")
	}
}

// TestForms sends forms to a server whose heap only grows: it must not grow
// with requests.
func TestForms(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the backend is that of Linux")
	}
	program, _ := build(t, "./form", "-opt=z", "-no-debug")
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
	c, err := net.Dial("tcp", strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(c)
	request := func(path, contentType, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nCookie: x=1; user=two\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, contentType, len(body), body)
	}
	both := request("/form", "application/x-www-form-urlencoded", "user=one&note=%20+x") +
		request("/parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"+strings.Repeat("\r\n", 2000)+"\r\n--b--")
	ask := func(n int) {
		t.Helper()
		for range n {
			if _, err := io.WriteString(c, both); err != nil {
				t.Fatal(err)
			}
			for _, want := range [][2]string{{"user=one; HttpOnly", `{"user":"one","half":1.5}`}, {"user=two; HttpOnly", `{"user":"two","half":2000}`}} {
				r, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r.Body)
				if err != nil || string(b) != want[1] || r.Header.Get("Set-Cookie") != want[0] {
					t.Fatalf("the answer is %q with cookie %q, %v", b, r.Header.Get("Set-Cookie"), err)
				}
			}
		}
	}
	// The smallest allocation for each of them would be 160 KB.
	const times, most = 5000, 32 << 10
	ask(times / 100)
	before := resident(t, cmd.Process.Pid)
	ask(times)
	if after := resident(t, cmd.Process.Pid); after-before > most {
		t.Errorf("%d forms have made the server grow from %d bytes to %d", 2*times, before, after)
	} else {
		t.Logf("resident: %d bytes", after)
	}
}
