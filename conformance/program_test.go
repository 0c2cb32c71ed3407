package conformance

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/childtest"
)

// program is a run of bobtail serve.
type program struct {
	url  string // ends with a slash
	addr string // HOST:PORT

	greeting string // the line that says where it serves

	log  childtest.Text // what it says on standard error
	stop func()         // ends it, and returns when it has ended
}

// backends are those that bobtail serve has on the systems this is tested on.
var backends = []string{"epoll", "net"}

// tiny is the program of tiny, if the environment names one: it is then started
// instead of bobtail serve, by the tests that need no more than it does.
var tiny = os.Getenv("TINY")

func init() {
	if tiny != "" {
		backends, wsPaths = []string{"tiny"}, wsPaths[:1]
	}
}

// onBackends runs a test against bobtail serve with every backend.
func onBackends(t *testing.T, test func(t *testing.T, p *program), args ...string) {
	for _, b := range backends {
		t.Run(b, func(t *testing.T) { test(t, start(t, append([]string{"-backend", b}, args...)...)) })
	}
}

// start runs bobtail serve at a free port, and returns when it serves. It ends
// with the test, and must end in order.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "-addr", "127.0.0.1:0"}, args...)...)
	if tiny != "" {
		if len(args) > 2 { // more than -backend tiny
			t.Skip("tiny has no such flags")
		}
		cmd = exec.Command(tiny, "4", "127.0.0.1", "0", "0")
	}
	p := &program{}
	cmd.Stderr = &p.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	ended := make(chan struct{})
	p.stop = sync.OnceFunc(func() {
		cmd.Process.Signal(os.Interrupt)
		overdue := time.AfterFunc(patient, func() { cmd.Process.Kill() })
		defer overdue.Stop()
		<-ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("bobtail serve ends with %v: %s", err, p.log.String())
		}
	})
	t.Cleanup(p.stop)
	line, err := r.ReadString('\n')
	go func() {
		io.Copy(io.Discard, r)
		close(ended)
	}()
	_, rest, ok := strings.Cut(line, "serving ")
	if tiny != "" {
		_, rest, ok = strings.Cut(line, "tiny: ")
	}
	if err != nil || !ok {
		t.Fatalf("bobtail serve %q says %q, %v", args, line, err)
	}
	p.greeting = strings.TrimSpace(line)
	p.url = rest[strings.Index(rest, "http"):]
	p.url, _, _ = strings.Cut(p.url, " ")
	p.url = strings.TrimSuffix(p.url, "/") + "/"
	_, p.addr, _ = strings.Cut(strings.TrimSuffix(p.url, "/"), "://")
	return p
}
