//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// TestDetachWithoutDescriptors gives away a stream with bytes that were received,
// where no descriptor is left for a duplicate: it must not be closed, since the
// engine would close it again, and then perhaps another's.
func TestDetachWithoutDescriptors(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	io.WriteString(p.peer, "rest")
	n.until(p, transport.Readable)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = uint64(newDescriptor())
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	v, err := n.Detach(p.id)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatalf("Detach = %v", err)
	}
	p.done = true
	c := v.(io.ReadWriteCloser)
	if _, err := c.Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	io.WriteString(p.peer, " and more")
	p.peer.CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "rest and more" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(p.peer); string(got) != "answer" || err != nil {
		t.Errorf("the peer reads %q, %v", got, err)
	}
}

// TestDetachLetsGo gives away a full stream, whose room was asked for by a thread
// that computes, and so is told late that this has ended: nothing may be asked for
// again, or the stream would stay open when it is closed.
func TestDetachLetsGo(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	var all sync.WaitGroup
	var over atomic.Bool
	var p *pair
	full := make(chan bool)
	all.Go(func() {
		runtime.LockOSThread()
		p = n.connect()
		n.fill(p)
		close(full)
		for !over.Load() {
		}
	})
	<-full
	all.Go(func() {
		for ev := make([]transport.Event, 4); !over.Load(); {
			if _, err := n.Wait(0, ev, n.Now()+int64(time.Millisecond)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	v, err := n.Detach(p.id)
	for end := time.Now().Add(limit); transport.ErrTimedOut.Is(err) && time.Now().Before(end); { // on a busy machine
		v, err = n.Detach(p.id)
	}
	over.Store(true)
	all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	p.done = true
	if err := syscall.Close(int(v.(transport.Descriptor))); err != nil {
		t.Fatal(err)
	}
	ours, peers := p.peer.RemoteAddr().(*net.TCPAddr).Port, p.peer.LocalAddr().(*net.TCPAddr).Port
	established := fmt.Sprintf(" 0100007F:%04X 0100007F:%04X 01 ", ours, peers)
	for end := time.Now().Add(limit / 6); ; n.wait(time.Millisecond) {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Skip(err)
		}
		if !strings.Contains(string(table), established) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the stream is still open")
		}
	}
}
