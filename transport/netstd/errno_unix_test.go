//go:build unix

package netstd

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

func TestErrnoOf(t *testing.T) {
	for errno, want := range map[syscall.Errno]transport.Error{
		syscall.EAGAIN:        transport.ErrWouldBlock,
		syscall.ECONNRESET:    transport.ErrReset,
		syscall.EPIPE:         transport.ErrReset,
		syscall.ECONNABORTED:  transport.ErrAborted,
		syscall.ECONNREFUSED:  transport.ErrRefused,
		syscall.ETIMEDOUT:     transport.ErrTimedOut,
		syscall.EHOSTUNREACH:  transport.ErrUnreachable,
		syscall.ENETUNREACH:   transport.ErrUnreachable,
		syscall.EMFILE:        transport.ErrDescriptors,
		syscall.ENFILE:        transport.ErrDescriptors,
		syscall.ENOBUFS:       transport.ErrDescriptors,
		syscall.EADDRINUSE:    transport.ErrAddressInUse,
		syscall.EADDRNOTAVAIL: transport.ErrAddress,
		syscall.EACCES:        transport.ErrPermission,
		syscall.EIO:           transport.ErrSystem,
	} {
		err := &net.OpError{Op: "x", Err: os.NewSyscallError("y", errno)}
		if got := errorOf(err); got != want {
			t.Errorf("errorOf(%v) = %v, want %v", err, got, want)
		}
	}
}

// A reset has to be told from an end, though the goroutine that waits is told
// it first, and the kernel tells it once.
func TestResetIsNoEnd(t *testing.T) {
	for _, buffered := range []bool{false, true} {
		b, err := New(Config{Buffered: buffered})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		l, err := b.Listen(transport.IPv4(127, 0, 0, 1, 0), 0)
		if err != nil {
			t.Fatal(err)
		}
		b.Arm(l, true)
		peer, err := net.Dial("tcp", b.ListenerAddr(l).String())
		if err != nil {
			t.Fatal(err)
		}
		ev := make([]transport.Event, 8)
		for {
			s, err := b.Accept(l)
			if err == nil {
				b.Attach(s, 0, uint64(s))
				peer.(*net.TCPConn).SetLinger(0)
				peer.Close()
				break
			}
			b.Wait(0, ev, b.Now()+60e9)
		}
		var hangup transport.Event
		for !hangup.Ready.Has(transport.Hangup) {
			n, err := b.Wait(0, ev, b.Now()+60e9)
			if n == 0 || err != nil {
				t.Fatalf("Wait = %d, %v, want Hangup", n, err)
			}
			for _, e := range ev[:n] {
				hangup.Tag, hangup.Ready = e.Tag, hangup.Ready|e.Ready
			}
		}
		for range 2 {
			if v, err := b.Receive(transport.Stream(hangup.Tag), make([]byte, 8)); err != transport.ErrReset {
				t.Errorf("buffered %v: Receive = %q, %v, want ErrReset", buffered, v, err)
			}
		}
	}
}

// A Dial that nobody answers does not hold up Close.
func TestCloseEndsDials(t *testing.T) {
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nl.Close()
	quiet(nl) // a queue of one or none: the others are not answered
	b, err := New(Config{DialTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		if _, err := b.Dial(addrOf(nl.Addr())); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error)
	go func() { closed <- b.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Close waits for a Dial")
	}
}

// Room that comes between a short Send and the wait for it is told, though
// the kernel tells of it once and nobody listened then.
func TestRoomBeforeTheWait(t *testing.T) {
	b, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nl.Close()
	name, err := b.Dial(addrOf(nl.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	peer, err := nl.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := b.Attach(name, 0, 1); err != nil {
		t.Fatal(err)
	}
	ev := make([]transport.Event, 1)
	writable := func() {
		t.Helper()
		if n, err := b.Wait(0, ev, b.Now()+60e9); n != 1 || err != nil || !ev[0].Ready.Has(transport.Writable) {
			t.Fatalf("Wait = %d, %v, %v, want Writable", n, err, ev[0])
		}
	}
	writable() // connected
	// A Send that stops before it makes the goroutine wait.
	r := b.stream(name).conduit.(*raw)
	taken := 0
	for r.sendErr = 0; r.sendErr == 0; taken += r.sent {
		r.bufs = [][]byte{make([]byte, 1<<20)}
		r.rc.Control(r.sendFunc)
	}
	if _, err := io.CopyN(io.Discard, peer, int64(taken)); err != nil {
		t.Fatal(err)
	}
	r.filled()
	writable()
}
