package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// libcoap is the program coap-client of libcoap.
type libcoap struct {
	program string
	dir     string // for its files
	anyone  bool   // takes any certificate
}

func newLibcoap(t *testing.T) *libcoap {
	return &libcoap{
		program: need(t, "coap-client-notls", "coap-client", "coap-client-gnutls", "coap-client-openssl"),
		dir:     t.TempDir(),
	}
}

// libcoapAnswer matches what coap-client tells of an answer: its code, and the
// payload if it is short.
var libcoapAnswer = regexp.MustCompile(`v:1 t:[A-Z]+ c:([2-5]\.\d\d) .*?\](?: :: '(.*)')?`)

// command runs coap-client, with the files in a folder of their own.
func (l *libcoap) command(ctx context.Context, args ...string) ([]byte, error) {
	// It would wait for 90 seconds otherwise.
	always := []string{"-v", "6", "-B", "20"}
	if l.anyone {
		always = append(always, "-n")
	}
	cmd := exec.CommandContext(ctx, l.program, append(always, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("coap-client %q: %w: %s", args, err, lastLine(out))
	}
	return out, err
}

func (l *libcoap) do(ctx context.Context, url string, r coapRequest) (coapAnswer, error) {
	dir, err := os.MkdirTemp(l.dir, "do")
	if err != nil {
		return coapAnswer{}, err
	}
	// Unlike what the log shows, the file has all of an answer in blocks, if
	// libcoap puts them together (-L 3).
	body := filepath.Join(dir, "body")
	args := []string{"-L", "3", "-o", body}
	if r.method != "" {
		args = append(args, "-m", strings.ToLower(r.method))
	}
	if r.payload != "" {
		file := filepath.Join(dir, "payload")
		if err := os.WriteFile(file, []byte(r.payload), 0o600); err != nil {
			return coapAnswer{}, err
		}
		args = append(args, "-f", file)
		if r.format >= 0 {
			args = append(args, "-t", strconv.Itoa(r.format))
		}
	}
	if r.block > 0 {
		args = append(args, "-b", strconv.Itoa(r.block))
	}
	if r.token != "" {
		args = append(args, "-T", r.token)
	}
	for _, o := range r.options {
		args = append(args, "-O", fmt.Sprintf("%d,%s", o.number, o.value))
	}
	if r.non {
		args = append(args, "-N")
	}
	out, err := l.command(ctx, append(args, url)...)
	if err != nil {
		return coapAnswer{}, err
	}
	all := libcoapAnswer.FindAllSubmatch(out, -1)
	if len(all) == 0 {
		return coapAnswer{}, fmt.Errorf("coap-client %q has no answer: %s", args, lastLine(out))
	}
	a := coapAnswer{code: string(all[len(all)-1][1])}
	b, err := os.ReadFile(body)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return a, err
	}
	a.payload = string(b)
	return a, nil
}

func (l *libcoap) observe(ctx context.Context, url string, n int) ([]string, error) {
	// It ends by itself, and takes the observation back before.
	out, err := l.command(ctx, "-s", strconv.Itoa(n), url)
	if err != nil {
		return nil, err
	}
	var states []string
	for _, m := range libcoapAnswer.FindAllSubmatch(out, -1) {
		if string(m[1]) != "2.05" {
			return states, fmt.Errorf("a state with the code %s", m[1])
		}
		states = append(states, string(m[2]))
	}
	return states, nil
}

// ping has the client observe for longer than it stays without a ping.
func (l *libcoap) ping(ctx context.Context, url string) error {
	out, err := l.command(ctx, "-K", "1", "-s", "3", "-v", "7", url)
	if err == nil && !strings.Contains(string(out), "c:Pong") && !strings.HasPrefix(url, "coap:") {
		err = fmt.Errorf("no pong: %s", lastLine(out))
	}
	if err == nil && !strings.Contains(string(out), "t:RST c:0.00") && strings.HasPrefix(url, "coap:") {
		err = fmt.Errorf("no reset: %s", lastLine(out))
	}
	return err
}

// startLibcoap runs the program coap-server of libcoap.
func startLibcoap(t *testing.T) *coapSite {
	t.Helper()
	program := need(t, "coap-server-notls", "coap-server", "coap-server-gnutls", "coap-server-openssl")
	addr := coapPort(t)
	host, port, _ := strings.Cut(addr, ":")
	cmd := exec.Command(program, "-A", host, "-p", port, "-d", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	coapAwait(t, addr)
	return &coapSite{
		addr: addr, small: "/", says: "made with libcoap", fixed: "/async", store: "/store-", clock: "/time", still: "/example_data",
		links: `</time>;if="clock";rt="ticks"`, filter: "rt=ticks", strict: true,
	}
}
