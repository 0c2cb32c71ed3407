//go:build linux && (amd64 || arm64)

package epoll_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/internal/childtest"
	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// TestDescriptorsRunOut accepts more clients than a process may have
// descriptors, in a process of its own, whose limit is low.
func TestDescriptorsRunOut(t *testing.T) {
	process := childtest.Start(t, child)
	address := process.Line()
	for range most {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	io.WriteString(process.In, "go\n")
	process.Wait()
}

// most is the child's limit, and how many clients it gets.
const most = 40

func child() error {
	limit := syscall.Rlimit{Cur: most, Max: most}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	b, err := epoll.New(epoll.Config{})
	if err != nil {
		return err
	}
	if n := b.Limit(); n <= 0 || n >= most {
		return fmt.Errorf("Limit() = %d of %d", n, most)
	}
	l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 5)
	if err != nil {
		return err
	}
	fmt.Println(b.ListenerAddr(l))
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	b.Arm(l, true)
	var streams []transport.Stream
	for {
		s, err := b.Accept(l)
		if err == transport.ErrDescriptors {
			break
		}
		if err != nil {
			return fmt.Errorf("Accept = %v after %d", err, len(streams))
		}
		streams = append(streams, s)
	}
	if len(streams) < b.Limit() {
		return fmt.Errorf("only %d streams, and Limit says %d", len(streams), b.Limit())
	}
	// Nothing else can be opened, and says so.
	if _, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 6); err != transport.ErrDescriptors {
		return fmt.Errorf("Listen = %v", err)
	}
	if _, err := b.Dial(b.ListenerAddr(l)); err != transport.ErrDescriptors {
		return fmt.Errorf("Dial = %v", err)
	}
	if _, err := epoll.New(epoll.Config{}); err != transport.ErrDescriptors {
		return fmt.Errorf("New = %v", err)
	}
	// The client waits; a listener that is armed says so each time, one that is
	// not never.
	ev := make([]transport.Event, 4)
	for range 3 {
		if n, err := b.Wait(0, ev, transport.Forever); n != 1 || err != nil || ev[0].Tag != 5 || !ev[0].Ready.Has(transport.Acceptable) {
			return fmt.Errorf("Wait = %d, %v, %+v", n, err, ev[0])
		}
	}
	b.Arm(l, false)
	if n, err := b.Wait(0, ev, b.Now()+int64(20*time.Millisecond)); n != 0 || err != nil {
		return fmt.Errorf("a listener at rest: Wait = %d, %v, %+v", n, err, ev[0])
	}
	for _, s := range streams[:3] {
		b.CloseStream(s)
	}
	b.Arm(l, true)
	if n, err := b.Wait(0, ev, transport.Forever); n != 1 || err != nil || ev[0].Tag != 5 {
		return fmt.Errorf("a listener at work again: Wait = %d, %v, %+v", n, err, ev[0])
	}
	for range 3 {
		if _, err := b.Accept(l); err != nil {
			return fmt.Errorf("Accept with descriptors again = %v", err)
		}
	}
	if _, err := b.Accept(l); err != transport.ErrDescriptors {
		return fmt.Errorf("Accept = %v", err)
	}
	return nil
}
