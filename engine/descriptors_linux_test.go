//go:build linux && (amd64 || arm64)

package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// TestNothingSpinsWithoutDescriptors lets a client wait at a process that has
// no descriptor for it, which then rests, and serves it when it has one.
func TestNothingSpinsWithoutDescriptors(t *testing.T) {
	process := childtest.Start(t, child)
	address := process.Line()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("%v: %q", err, address)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	io.WriteString(c, "at last\n")
	io.WriteString(process.In, "go\n")
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "at last\n" {
		t.Errorf("got %q, %v", got, err)
	}
	process.In.Close()
	process.Wait()
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
	// The client waits. What does that cost in half a second, or as long as this
	// comes to on a busy machine?
	before, began := used(), time.Now()
	<-time.After(500 * time.Millisecond)
	long := time.Since(began)
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
