package conformance

import (
	"bytes"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// answer is what curl got.
type answer struct {
	t       *testing.T
	command string
	code    int
	status  string // the first line
	head    textproto.MIMEHeader
	interim int // responses before it, such as 100
	body    string
	exit    int
	notes   string // standard error
}

// curl runs curl, which must end well.
func curl(t *testing.T, args ...string) *answer {
	t.Helper()
	a := tryCurl(t, args...)
	if a.exit != 0 {
		t.Fatalf("%s ends with status %d: %s", a.command, a.exit, a.notes)
	}
	return a
}

// tryCurl runs curl as it would run for anybody: without a configuration file
// or a proxy, in an empty folder.
func tryCurl(t *testing.T, args ...string) *answer {
	t.Helper()
	path := need(t, "curl")
	dir := t.TempDir()
	heads := filepath.Join(dir, "heads")
	full := append([]string{"-q", "-sS", "--noproxy", "*", "--max-time", "20", "-D", heads}, args...)
	cmd := exec.Command(path, full...)
	cmd.Dir = dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	a := &answer{t: t, command: "curl " + strings.Join(args, " "), notes: errs.String(), body: out.String(), exit: cmd.ProcessState.ExitCode()}
	if err != nil && a.exit < 0 {
		t.Fatalf("%s: %v", a.command, err)
	}
	b, err := os.ReadFile(heads)
	if err != nil {
		return a // nothing was received
	}
	all := strings.Split(strings.TrimSuffix(string(b), "\r\n\r\n"), "\r\n\r\n")
	a.interim = len(all) - 1
	lines := strings.Split(all[len(all)-1], "\r\n")
	a.status = lines[0]
	if w := strings.Fields(a.status); len(w) > 1 {
		a.code, _ = strconv.Atoi(w[1])
	}
	a.head = textproto.MIMEHeader{}
	for _, l := range lines[1:] {
		k, v, _ := strings.Cut(l, ":")
		a.head.Add(k, strings.TrimSpace(v))
	}
	return a
}

// is compares the status and the content.
func (a *answer) is(code int, body string) *answer {
	a.t.Helper()
	if a.code != code || a.body != body {
		a.t.Errorf("%s = %s with %.300q, want %d with %.300q", a.command, a.status, a.body, code, body)
	}
	return a
}

// has compares a field.
func (a *answer) has(name, value string) *answer {
	a.t.Helper()
	if got := strings.Join(a.head.Values(name), ", "); got != value {
		a.t.Errorf("%s: %s is %q, want %q", a.command, name, got, value)
	}
	return a
}

const hello = "Hello, World!"

func TestCurlGet(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		curl(t, p.url+"plaintext").is(200, hello).has("Content-Type", "text/plain").has("Content-Length", "13")
		curl(t, "--http1.0", p.url+"plaintext").is(200, hello).has("Content-Length", "13")
		curl(t, "-u", "squid:tentacle", p.url+"plaintext").is(200, hello)
		if a := curl(t, "-X", "DELETE", p.url+"plaintext"); a.code != 405 || !strings.HasPrefix(a.head.Get("Allow"), "GET, HEAD") {
			t.Errorf("%s = %s, Allow %q, want 405 and GET, HEAD", a.command, a.status, a.head.Get("Allow"))
		}
		if a := curl(t, p.url+"nothing"); a.code != 404 {
			t.Errorf("%s = %s, want 404", a.command, a.status)
		}
		// curl follows what the server says of its connection: a second transfer
		// uses the same one, but not in HTTP/1.0.
		a := curl(t, "-w", "%{num_connects} ", "-o", os.DevNull, "-o", os.DevNull, "-o", os.DevNull, p.url, p.url+"json", p.url+"plaintext")
		a.is(200, "1 0 0 ")
		a = curl(t, "--http1.0", "-w", "%{num_connects} ", "-o", os.DevNull, "-o", os.DevNull, p.url, p.url+"json")
		a.is(200, "1 1 ")
	})
}

func TestCurlHead(t *testing.T) {
	onBackends(t, func(t *testing.T, p *program) {
		for _, path := range []string{"", "plaintext", "json", "sleep?ms=0"} {
			get := curl(t, p.url+path)
			head := curl(t, "-I", p.url+path)
			if head.code != 200 || head.head.Get("Content-Length") != strconv.Itoa(len(get.body)) || head.head.Get("Content-Type") != get.head.Get("Content-Type") {
				t.Errorf("%s = %s %v, want what GET has: %v", head.command, head.status, head.head, get.head)
			}
		}
		// What follows on the connection is not taken for content of a HEAD.
		curl(t, "-I", "-w", "%{num_connects} ", "-o", os.DevNull, "-o", os.DevNull, "-o", os.DevNull, p.url, p.url+"stats", p.url+"nothing").is(404, "1 0 0 ")
	})
}

func TestCurlUpload(t *testing.T) {
	text := strings.Repeat("squid and tentacles ", 100_000)
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	onBackends(t, func(t *testing.T, p *program) {
		echo := p.url + "echo"
		curl(t, "-d", "squid", echo).is(200, "squid").has("Content-Type", "application/x-www-form-urlencoded")
		curl(t, "-d", "", echo).is(200, "")
		for _, c := range []struct {
			name    string
			args    []string
			interim int
		}{
			{"with a length", []string{"-H", "Expect:"}, 0},
			{"in chunks", []string{"-H", "Expect:", "-H", "Transfer-Encoding: chunked"}, 0},
			{"asking first", []string{"-H", "Expect: 100-continue"}, 1},
			{"asking first, in chunks", []string{"-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked"}, 1},
		} {
			a := curl(t, append(c.args, "-X", "POST", "-T", file, echo)...).is(200, text)
			if a.interim != c.interim {
				t.Errorf("%s gets %d interim responses, want %d", c.name, a.interim, c.interim)
			}
		}
		// In HTTP/1.0 there are no chunks and nothing is asked first.
		curl(t, "--http1.0", "-X", "POST", "-T", file, echo).is(200, text)
		// Who is refused is told so instead of being told to go on, and need
		// not send its content.
		a := curl(t, "-H", "Expect: 100-continue", "-T", file, p.url+"plaintext", "-w", "%{size_upload}")
		if a.code != 405 || a.interim != 0 || !strings.HasSuffix(a.body, "\n0") {
			t.Errorf("%s = %s after %d interim responses with %q, want 405 and nothing uploaded", a.command, a.status, a.interim, a.body)
		}
	})
}
