//go:build linux && (amd64 || arm64)

package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

const childKey = "BOBTAIL_ENGINE_CHILD"

// TestNothingSpinsWithoutDescriptors lets a client wait at a process that has
// no descriptor for it, which then rests, and serves it when it has one.
func TestNothingSpinsWithoutDescriptors(t *testing.T) {
	if os.Getenv(childKey) != "" {
		if err := child(); err != nil {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	self, err := os.Executable()
	if err != nil {
		t.Skip(err)
	}
	cmd := exec.Command(self, "-test.run=^TestNothingSpinsWithoutDescriptors$")
	cmd.Env = append(os.Environ(), childKey+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	c, err := net.Dial("tcp", lines.Text())
	if err != nil {
		t.Fatalf("%v: %q", err, lines.Text())
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "at last\n")
	io.WriteString(in, "go\n")
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "at last\n" {
		t.Errorf("got %q, %v", got, err)
	}
	in.Close()
	var rest []string
	for lines.Scan() {
		rest = append(rest, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, strings.Join(rest, "\n"))
	}
}

func child() error {
	limit := syscall.Rlimit{Cur: 80, Max: 80}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	b, err := epoll.New(epoll.Config{})
	if err != nil {
		return err
	}
	var tries atomic.Int32
	c := usual()
	c.Backend = b
	c.Log = func(ev engine.Event) {
		if ev.Kind == engine.EventAccept {
			tries.Add(1)
		}
	}
	e, err := engine.New(c.Config)
	if err != nil {
		return err
	}
	d := &lines{e: e}
	addr, err := e.Listen(transport.IPv4(127, 0, 0, 1, 0), e.AddDriver(d))
	if err != nil {
		return err
	}
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		files = append(files, f)
	}
	if err := e.Start(); err != nil {
		return err
	}
	fmt.Println(addr)
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return err
	}
	// The client waits. What does that cost in half a second?
	const long = 500 * time.Millisecond
	before := used()
	<-time.After(long)
	if cost := used() - before; cost > long/4 {
		return fmt.Errorf("in %v, %v of CPU were used for nothing", long, cost)
	}
	if n := tries.Load(); n < 1 || n > 2+int32(int64(long)/engine.StarvedTime) {
		return fmt.Errorf("accepting was tried %d times in %v", n, long)
	}
	for _, f := range files {
		f.Close()
	}
	in.ReadString('\n') // until the end
	<-e.Stop()
	return nil
}

// used is the CPU time of the process.
func used() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
