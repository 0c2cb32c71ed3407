package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the program, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bobtail")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "bobtail.exe")
	out, err := exec.Command("go", "build", raceFlag, "-o", binary, ".").CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		os.Exit(1)
	}
	// A program with a race ends with a status that no test wants, and without
	// one it ends at once.
	os.Setenv("GORACE", "halt_on_error=1 atexit_sleep_ms=0")
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// patient is how long a test waits for what must come, before it fails.
const patient = time.Minute

// result is how a run of the program has ended.
type result struct {
	status         int
	stdout, stderr string
}

// runToEnd runs the program with arguments that let it end by itself.
func runToEnd(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
	defer overdue.Stop()
	err := cmd.Run()
	if e := (*exec.ExitError)(nil); err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// program is a run of bobtail serve.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string // ends with a slash
	addr   string
	greets string // the first line
	stdout chan string
	stderr bytes.Buffer
}

// start runs bobtail serve at a free port, and returns when it serves.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{t: t}
	r := bufio.NewReader(p.launch(append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)...))
	line, err := r.ReadString('\n')
	p.collect(r)
	if err != nil {
		t.Fatalf("bobtail serve %q = %+v", args, p.end())
	}
	p.greets = line
	_, rest, _ := strings.Cut(line, "serving ")
	p.url, _, _ = strings.Cut(rest, " ")
	p.addr = strings.TrimSuffix(strings.TrimPrefix(p.url, "http://"), "/")
	return p
}

// launch starts the program. It ends with the test.
func (p *program) launch(args ...string) (stdout io.Reader) {
	p.t.Helper()
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stderr = &p.stderr
	pipe, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	overdue := time.AfterFunc(3*patient, func() { p.cmd.Process.Kill() })
	p.t.Cleanup(func() {
		overdue.Stop()
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return pipe
}

// collect reads the rest of what the program says, for end.
func (p *program) collect(r io.Reader) {
	p.stdout = make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(r)
		p.stdout <- string(b)
	}()
}

// signal sends a signal to the program. Windows has none to send.
func (p *program) signal(s os.Signal) {
	p.t.Helper()
	if runtime.GOOS == "windows" {
		p.t.Skip("no signals")
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// end waits until the program has ended, and returns what it has said after
// its first line.
func (p *program) end() result {
	out := <-p.stdout
	p.cmd.Wait()
	return result{p.cmd.ProcessState.ExitCode(), out, p.stderr.String()}
}

// stop has the program end in order.
func (p *program) stop() result {
	p.t.Helper()
	p.signal(os.Interrupt)
	return p.end()
}

// until asks for the statistics, over a connection of its own, until those of
// the moment are as wanted. The answers must be prompt. Beside what /stats says
// of now, there is how many connections were reclaimed so far.
func (p *program) until(ok func(now map[string]int) bool) {
	p.t.Helper()
	conn := dial(p.t, p)
	defer conn.Close()
	p.watch(conn, bufio.NewReader(conn), ok)
}

// watch is until over a connection of the caller's.
func (p *program) watch(conn net.Conn, r *bufio.Reader, ok func(now map[string]int) bool) {
	p.t.Helper()
	for overdue := time.Now().Add(patient); ; {
		b := p.ask(conn, r, "/stats")
		var stats struct{ Now, Connections map[string]int }
		if err := json.Unmarshal(b, &stats); err != nil {
			p.t.Fatal(err)
		}
		stats.Now["reclaimed"] = stats.Connections["reclaimed"]
		if ok(stats.Now) {
			return
		}
		if time.Now().After(overdue) {
			p.t.Fatalf("the statistics stay at %s", b)
		}
	}
}

// prompt is how long nobody may have to wait for an answer, on a machine that
// is busy with other tests: much less than any patience of the program's that
// would end what he waits for.
const prompt = 10 * time.Second

// ask sends a request over a connection, which stays open, and wants a prompt
// 200.
func (p *program) ask(conn net.Conn, r *bufio.Reader, target string) []byte {
	p.t.Helper()
	conn.SetDeadline(time.Now().Add(prompt))
	io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: a\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		p.t.Fatalf("%s: %v", target, err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		p.t.Fatalf("%s: %d, %q, %v", target, resp.StatusCode, b, err)
	}
	return b
}

// onBackends runs a test with every backend of this system.
func onBackends(t *testing.T, test func(t *testing.T, backend string)) {
	for _, b := range backendNames() {
		t.Run(b, func(t *testing.T) { test(t, b) })
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"help"}, 0, "bobtail serve "},
		{[]string{"-h"}, 0, "bobtail serve "},
		{[]string{"--help"}, 0, "bobtail serve "},
		{[]string{"help", "serve"}, 0, "-worker-memory BYTES"},
		{[]string{"serve", "-h"}, 0, "-worker-memory BYTES"},
		{[]string{"serve", "--help"}, 0, "-timeout-idle TIME"},
		{[]string{"version"}, 0, runtime.Version()},
		{[]string{"-version"}, 0, runtime.Version()},
	} {
		got := runToEnd(t, c.args...)
		if got.status != c.status || !strings.Contains(got.stdout, c.want) || got.stderr != "" {
			t.Errorf("bobtail %q = %+v, want status %d and %q", c.args, got, c.status, c.want)
		}
	}
	if got := runToEnd(t); got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, "bobtail serve ") {
		t.Errorf("bobtail without a command = %+v, want status 2 and the commands", got)
	}
}

func TestWrongUse(t *testing.T) {
	for _, c := range []struct {
		name string
		args string
		want string
	}{
		{"unknown command", "srve", "did you mean serve?"},
		{"unknown command like no other", "xyzzy", "bobtail help lists them"},
		{"flags before the command", "-sockets 5", "bobtail serve -sockets 5"},
		{"help for what is not there", "help nothing", "no command nothing"},
		{"argument to version", "version 2", "no arguments"},
		{"unknown flag", "serve -sokets 5", "did you mean -sockets?"},
		{"unknown flag like no other", "serve -q2", "no flag -q2; bobtail serve -h"},
		{"no value", "serve -sockets", "needs an argument"},
		{"no number", "serve -sockets many", "want a whole number"},
		{"zero", "serve -sockets 0", "want at least 1"},
		{"negative", "serve -workers -1", "want at least 1"},
		{"more than the library takes", "serve -workers 5000", "-workers must be from 1 to 4096"},
		{"too little memory", "serve -worker-memory 100", "-worker-memory must be from"},
		{"unknown unit", "serve -worker-memory 4q", "such as 4096, 16k or 1m"},
		{"more than a number holds", "serve -max-head 99999999999g", "such as 4096, 16k or 1m"},
		{"large head", "serve -max-head 1025m", "-max-head must be from 0 to 1073741824"},
		{"many fields", "serve -max-fields 70000", "-max-fields must be from 0 to 65535"},
		{"large target", "serve -max-target 1m", "-max-target must be from 0 to 65535"},
		{"many of one address", "serve -per-address 70000", "-per-address must be from 0 to 65535"},
		{"time without unit", "serve -timeout-idle 5", "such as 30s"},
		{"no time", "serve -timeout-idle 0s", "more than 0"},
		{"unknown policy", "serve -admission maybe", "want evict or wait or refuse"},
		{"unknown backend", "serve -backend x", "want "},
		{"unknown log", "serve -log=much", "-log=all"},
		{"value of a switch", "serve -quiet=perhaps", "takes no value"},
		{"no such folder", "serve there/is/none", "there is no folder there/is/none"},
		{"file for a folder", "serve main.go", "main.go is not a folder"},
		{"two folders", "serve . ..", "takes one folder"},
		{"folder first, wrong flag", "serve . -sokets 5", "did you mean -sockets?"},
		{"-no-list without a folder", "serve -no-list", "bobtail serve -no-list DIR"},
		{"certificate without key", "serve -tls-cert x.pem", "go together"},
		{"certificate that is not there", "serve -tls-cert there/is/none -tls-key main.go", "there/is/none cannot be read"},
		{"certificate that is none", "serve -tls-cert main.go -tls-key main.go", "-tls-cert main.go"},
		{"two certificates", "serve -tls-self -tls-cert x.pem", "does not go with"},
		{"no port", "serve -addr 127.0.0.1", "want HOST:PORT"},
		{"port alone", "serve -addr 8080", "such as 127.0.0.1:8080"},
		{"port out of range", "serve -addr 127.0.0.1:65536", "0 to 65535"},
		{"no host", "serve -addr nowhere.invalid:80", "no host"},
		{"no address of this machine", "serve -addr 192.0.2.1:0", "not an address of this machine"},
		{"CoAP without a port", "serve -coap 127.0.0.1", "-coap 127.0.0.1: want HOST:PORT"},
		{"CoAP at no address of this machine", "serve -addr 127.0.0.1:0 -coap 192.0.2.1:0", "-coap: 192.0.2.1:0 is not an address of this machine"},
		{"CoAP with a folder", "serve -coap 127.0.0.1:0 .", "-coap is for the site"},
		{"more sockets than descriptors", "serve -sockets 16000000", "ulimit -n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runToEnd(t, strings.Fields(c.args)...)
			if got.status != 2 || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
				t.Errorf("bobtail %s = %+v, want status 2 and %q", c.args, got, c.want)
			}
			if !strings.HasPrefix(got.stderr, "bobtail: ") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("bobtail %s says %q, want one line", c.args, got.stderr)
			}
		})
	}
}

// terminate is the signal that service managers send.
const terminate = syscall.SIGTERM
