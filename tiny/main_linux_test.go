//go:build amd64 || arm64

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// The tests start the program, which is the one that the variable TINY names,
// or else what Go makes of this folder. Their names have the words of the text
// that it is to match: HTTP, WS, CoAP, Stress, Concurrent; conformance/ has the
// browser.

var (
	binary  string
	byOther = os.Getenv("TINY") // compiled by TinyGo, with limits to be held
)

// patient is how long a test waits for what must come.
const patient = time.Minute

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	if binary = byOther; binary != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tiny")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tiny")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// program is a run of it.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	web  string // HOST:PORT
	coap string // HOST:PORT, "" if it has no CoAP
	log  childtest.Text
	stop func()
}

// launch runs the program at free ports. It ends with the test, and must end in
// order.
func launch(t *testing.T, workers int, flags ...string) *program {
	t.Helper()
	args := append(flags, strconv.Itoa(workers), "127.0.0.1", "0")
	if hasCoAP {
		args = append(args, "0")
	}
	p := &program{t: t, cmd: exec.Command(binary, args...)}
	p.cmd.Stderr = &p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		p.cmd.Process.Signal(syscall.SIGTERM)
		overdue := time.AfterFunc(patient, func() { p.cmd.Process.Kill() })
		defer overdue.Stop()
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("the program ends with %v: %s", err, p.log.String())
		}
	})
	t.Cleanup(p.stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) < 4 || !strings.HasPrefix(words[1], "http://") {
		t.Fatalf("%q says %q, %v", args, line, err)
	}
	p.web = strings.TrimPrefix(words[1], "http://")
	if hasCoAP {
		p.coap = strings.TrimPrefix(words[2], "coap+tcp://")
	}
	if want := " workers " + strconv.Itoa(workers) + "\n"; !strings.HasSuffix(line, want) {
		t.Errorf("the program says %q, want %q at its end", line, want)
	}
	return p
}

// onWorkers runs a test with the numbers of workers that the program is for.
func onWorkers(t *testing.T, test func(t *testing.T, p *program)) {
	for _, n := range []int{1, 2, 4, 8, 16} {
		t.Run(strconv.Itoa(n), func(t *testing.T) { test(t, launch(t, n)) })
	}
}

// peer is a connection on which bytes are sent and awaited.
type peer struct {
	t *testing.T
	net.Conn
	r *bufio.Reader
}

func (p *program) dial(address string) *peer {
	p.t.Helper()
	c, err := net.DialTimeout("tcp", address, patient)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patient))
	return &peer{p.t, c, bufio.NewReader(c)}
}

func (c *peer) send(s string) *peer {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("sending %.60q: %v", s, err)
	}
	return c
}

// want awaits these bytes.
func (c *peer) want(s string) *peer {
	c.t.Helper()
	b := make([]byte, len(s))
	if n, err := io.ReadFull(c.r, b); err != nil || string(b) != s {
		c.t.Fatalf("%q, %v came, want %q", b[:n], err, s)
	}
	return c
}

// end awaits the end of the connection, in order.
func (c *peer) end() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); err != nil || len(b) != 0 {
		c.t.Fatalf("%q, %v came, want the end", b, err)
	}
}

// ends runs the program with wrong arguments, and wants it to end with a status
// and one line.
func ends(t *testing.T, status int, says string, args ...string) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	cmd.Run()
	text := errs.String()
	if status == 0 {
		text = out.String()
	}
	if cmd.ProcessState.ExitCode() != status || !strings.Contains(text, says) || status != 0 && strings.Count(text, "\n") != 1 {
		t.Errorf("%q: status %d, %q, want %d, %q", args, cmd.ProcessState.ExitCode(), text, status, says)
	}
}

func TestArguments(t *testing.T) {
	ends(t, 0, "usage: tiny", "-h")
	for _, args := range [][]string{
		{"0"}, {"17"}, {"-1"}, {"x"}, {"1", "127.0.0"}, {"1", "127.0.0.1.2"}, {"1", "127.0.0.256"}, {"1", "a.b.c.d"}, {"1", ""},
		{"1", "127.0.0.1", "65536"}, {"1", "127.0.0.1", "0", "0", "0"}, {"-t", "0"}, {"-t"}, {"-x"},
	} {
		ends(t, 2, "? tiny -h helps", args...)
	}
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ends(t, 2, "tiny: 127.0.0.1:"+port+" is in use\n", "1", "127.0.0.1", port)
	p := launch(t, 4)
	_, port, _ = net.SplitHostPort(p.web)
	ends(t, 2, "tiny: 127.0.0.1:"+port+" is in use\n", "4", "127.0.0.1", port)
	ends(t, 2, "tiny: 192.0.2.1:0 cannot be listened at, error 99\n", "1", "192.0.2.1", "0")
}

// TestEnd has the program end while clients are in all phases.
func TestEnd(t *testing.T) {
	p := launch(t, 4)
	idle := p.dial(p.web)
	idle.send("GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n").status(200)
	// It sleeps until after what follows, also on a busy machine.
	sleeper := p.dial(p.web).send("GET /sleep?ms=3000 HTTP/1.1\r\nHost: a\r\n\r\n")
	socket := p.socket("/ws", "")
	upload := p.dial(p.web).send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")
	upload.head()
	upload.want("x")
	go p.stop()
	socket.want("\x88\x02\x03\xe9").end()
	idle.end()
	upload.send("y").want("y").end()
	if r := sleeper.status(200); !r.Close {
		t.Error("the answer does not say that the connection ends")
	}
	sleeper.end()
	p.stop()
}

func TestLog(t *testing.T) {
	p := launch(t, 1, "-v")
	p.dial(p.web).send("GET /json?x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status(200)
	socket := p.socket("/ws", "")
	socket.send(masked(0x81, "squid")).want("\x81\x05squid")
	p.stop()
	for _, want := range []string{"[ACCEPT] fd=", "[HTTP] fd=", " GET /json\n", "[WS] fd=", " handshake complete\n", " recv 11 bytes\n", "[CLOSE] fd="} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log is %q, want %q in it", p.log.String(), want)
		}
	}
}
