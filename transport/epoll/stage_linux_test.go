//go:build linux && (amd64 || arm64)

package epoll_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/epoll"
)

// turns is a backend with streams whose tags are their indices, and their peers.
type turns struct {
	*testing.T
	*epoll.Backend
	listener transport.Listener
	streams  []transport.Stream
	peers    []*net.TCPConn
	ready    []transport.Ready
	closed   []bool
}

func newTurns(t *testing.T, lanes, n int) *turns {
	t.Helper()
	x := &turns{T: t, Backend: open(t, epoll.Config{Lanes: lanes}), ready: make([]transport.Ready, n), closed: make([]bool, n)}
	l, err := x.Listen(transport.IPv4(127, 0, 0, 1, 0), 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	x.listener = l
	for i := range n {
		c, err := net.Dial("tcp", x.ListenerAddr(l).String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := x.Accept(l)
		if err == nil {
			err = x.Attach(s, i%lanes, uint64(i))
		}
		if err != nil {
			t.Fatal(err)
		}
		x.streams, x.peers = append(x.streams, s), append(x.peers, c.(*net.TCPConn))
	}
	t.Cleanup(func() {
		for i, s := range x.streams {
			if !x.closed[i] {
				x.CloseStream(s)
			}
			x.peers[i].Close()
		}
		x.CloseListener(l)
		x.Close()
	})
	return x
}

// wait waits on a lane once.
func (x *turns) wait(lane int, deadline int64) {
	x.Helper()
	ev := make([]transport.Event, 64)
	n, err := x.Wait(lane, ev, deadline)
	if err != nil {
		x.Fatal(err)
	}
	for _, e := range ev[:n] {
		x.ready[e.Tag] |= e.Ready
	}
}

// ask has peers write, and waits until that is told of all, in one turn if all was
// told before.
func (x *turns) ask(p []byte, which ...int) {
	x.Helper()
	x.wait(0, 0)
	for _, i := range which {
		x.ready[i] = 0
		x.write(i, p)
	}
	for _, i := range which { // a busy machine may take a moment to deliver it
		b := make([]byte, 1)
		for err := error(syscall.EAGAIN); err == syscall.EAGAIN; runtime.Gosched() {
			_, _, err = syscall.Recvfrom(int(x.streams[i]), b, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		}
	}
	for _, i := range which {
		for !x.ready[i].Has(transport.Readable) {
			x.wait(0, transport.Forever)
		}
	}
}

func (x *turns) write(i int, p []byte) {
	x.Helper()
	if _, err := x.peers[i].Write(p); err != nil {
		x.Fatal(err)
	}
}

func (x *turns) send(i int, want error, text string) {
	x.Helper()
	n, err := x.Send(x.streams[i], [][]byte{[]byte(text[:len(text)/2]), []byte(text[len(text)/2:])})
	if err != want || err == nil && n != len(text) {
		x.Fatalf("Send of %d bytes = %d, %v, want %v", len(text), n, err, want)
	}
}

func (x *turns) wantRead(i int, want string) {
	x.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(x.peers[i], got); err != nil || string(got) != want {
		x.Fatalf("the peer has read %.40q, %v, want %.40q", got, err, want)
	}
}

func (x *turns) wantReceive(i, size int, want []byte, end error) {
	x.Helper()
	buf := make([]byte, size)
	var got []byte
	for {
		view, err := x.Receive(x.streams[i], buf)
		got = append(got, view...)
		if err == end && bytes.Equal(got, want) {
			return
		}
		if err != nil && err != transport.ErrWouldBlock || len(got) > len(want) {
			x.Fatalf("Receive gives %d bytes and %v, want %d and %v", len(got), err, len(want), end)
		}
		if err == transport.ErrWouldBlock {
			x.wait(0, transport.Forever)
		}
	}
}

// nothing is sent to the peer yet.
func (x *turns) nothing(i int) {
	x.Helper()
	c, err := x.peers[i].SyscallConn()
	if err != nil {
		x.Fatal(err)
	}
	c.Control(func(fd uintptr) {
		b := make([]byte, 8)
		if n, _, err := syscall.Recvfrom(int(fd), b, syscall.MSG_PEEK|syscall.MSG_DONTWAIT); err != syscall.EAGAIN {
			x.Fatalf("the peer has %d bytes, %v: nothing was staged, so the test shows nothing", n, err)
		}
	})
}

// TestStagedIsSent at each point where it has to be.
func TestStagedIsSent(t *testing.T) {
	long := string(bytes.Repeat([]byte("long "), 1000))
	for _, tt := range []struct {
		name string
		do   func(x *turns)
		want string
		end  error // of the peer's reading, if there is one
	}{
		{"when the lane waits", func(x *turns) { x.wait(0, 0) }, "answer", nil},
		{"when the monitor waits", func(x *turns) { x.wait(x.Lanes(), 0) }, "answer", nil},
		{"when another lane sleeps", func(x *turns) {
			go func() {
				if _, err := io.ReadFull(x.peers[0], make([]byte, 6)); err == nil {
					x.Wake(1)
				}
			}()
			x.wait(1, transport.Forever)
		}, "", nil},
		{"before more than fits", func(x *turns) { x.send(0, nil, long) }, "answer" + long, nil},
		{"before a file", func(x *turns) {
			f, err := os.Open("doc.go")
			if err != nil {
				x.Fatal(err)
			}
			defer f.Close()
			if n, err := x.SendFile(x.streams[0], []byte(", head"), f.Fd(), 0, 10); n != 16 || err != nil {
				x.Fatalf("SendFile = %d, %v", n, err)
			}
		}, "answer, head// Package", nil},
		{"with more that fits", func(x *turns) { x.send(0, nil, " and more"); x.wait(0, 0) }, "answer and more", nil},
		{"before more, after the turn of another", func(x *turns) { x.send(0, nil, long); x.send(0, nil, "end"); x.wait(0, 0) }, "answer" + long + "end", nil},
		{"before our end", func(x *turns) {
			if err := x.CloseWrite(x.streams[0]); err != nil {
				x.Fatal(err)
			}
		}, "answer", io.EOF},
		{"before the stream is closed", func(x *turns) { x.CloseStream(x.streams[0]); x.closed[0] = true }, "answer", io.EOF},
		{"before it is aborted", func(x *turns) { x.Abort(x.streams[0]); x.closed[0] = true }, "", syscall.ECONNRESET},
		{"before it is detached", func(x *turns) {
			v, err := x.Detach(x.streams[0])
			if fd, ok := v.(transport.Descriptor); !ok || err != nil {
				x.Fatalf("Detach = %T, %v", v, err)
			} else {
				syscall.Write(int(fd), []byte(", theirs"))
			}
		}, "answer, theirs", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTurns(t, 2, 1)
			x.ask([]byte("question"), 0)
			x.wantReceive(0, 100, []byte("question"), nil)
			x.send(0, nil, "answer")
			x.nothing(0)
			tt.do(x)
			x.wantRead(0, tt.want)
			if tt.end != nil {
				if n, err := io.Copy(io.Discard, x.peers[0]); !errors.Is(err, tt.end) && !(tt.end == io.EOF && err == nil && n == 0) {
					t.Errorf("then %d bytes, %v, want %v", n, err, tt.end)
				}
			}
		})
	}
}

// TestNothingIsStagedForALaneThatWaits: nobody would send it.
func TestNothingIsStagedForALaneThatWaits(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(x *turns)
	}{
		{"that has never been sent to", func(x *turns) {}},
		{"that was sent to in the turn before", func(x *turns) {
			x.ask([]byte("question"), 0)
			x.wantReceive(0, 100, []byte("question"), nil)
			x.send(0, nil, "answer")
		}},
		{"that was sent to otherwise in the turn before", func(x *turns) {
			x.ask([]byte("question"), 0)
			x.wantReceive(0, 100, []byte("question"), nil)
			long := string(bytes.Repeat([]byte("long "), 1000))
			x.send(0, nil, long)
			x.wantRead(0, long)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTurns(t, 1, 1)
			tt.before(x)
			var over atomic.Bool
			var waits sync.WaitGroup
			waits.Go(func() {
				ev := make([]transport.Event, 4)
				for !over.Load() {
					x.Wait(0, ev, transport.Forever)
				}
			})
			for i := range 200 { // some of them when the lane sleeps, some before
				x.send(0, nil, "pushed")
				if i == 0 && strings.HasPrefix(tt.name, "that was sent to in") {
					x.wantRead(0, "answer")
				}
				x.wantRead(0, "pushed")
			}
			over.Store(true)
			x.Wake(0)
			waits.Wait()
		})
	}
}

// TestNothingIsStagedBeforeTheFirstWait: what was not told to have room may have none.
func TestNothingIsStagedBeforeTheFirstWait(t *testing.T) {
	x := newTurns(t, 1, 1)
	x.send(0, nil, "hello")
	x.wantRead(0, "hello")
}

// TestStagedIsOfNobodyElse looks that what an aborted stream leaves behind does not
// go to the next that has its descriptor.
func TestStagedIsOfNobodyElse(t *testing.T) {
	x := newTurns(t, 1, 1)
	x.ask([]byte("question"), 0)
	x.wantReceive(0, 100, []byte("question"), nil)
	x.send(0, nil, "old answer")
	c, err := net.Dial("tcp", x.ListenerAddr(x.listener).String()) // with a descriptor of its own
	if err != nil {
		t.Fatal(err)
	}
	x.Abort(x.streams[0])
	x.closed[0] = true
	s, err := x.Accept(x.listener)
	if err == nil {
		err = x.Attach(s, 0, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	x.streams, x.peers, x.closed = append(x.streams, s), append(x.peers, c.(*net.TCPConn)), append(x.closed, false)
	x.wait(0, 0)
	x.send(1, nil, "new answer")
	x.wait(0, 0)
	x.wantRead(1, "new answer")
}

// TestStagedIsLate has handlers take their time: the answers before theirs leave
// when the fourth is staged, or more for the same stream.
func TestStagedIsLate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		which []int // streams that are answered later
		want  string
	}{
		{"others", []int{1, 2, 3}, "answer"},
		{"the same", []int{0}, "answer and more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := newTurns(t, 1, 4)
			x.ask([]byte("question"), 0, 1, 2, 3)
			for i := range 4 {
				x.wantReceive(i, 100, []byte("question"), nil)
			}
			x.send(0, nil, "answer")
			for since := x.Now(); x.Now()-since <= 200_000; { // a handler that computes
			}
			for _, i := range tt.which {
				x.nothing(0)
				x.send(i, nil, " and more")
			}
			x.wantRead(0, tt.want)
		})
	}
}

// TestManyStaged sends for more streams in a turn than a stage holds.
func TestManyStaged(t *testing.T) {
	const n = 50
	x := newTurns(t, 1, n)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	for round := range 3 {
		x.ask([]byte("question"), all...)
		for i := range n {
			x.wantReceive(i, 100, []byte("question"), nil)
			x.send(i, nil, fmt.Sprintf("answer %d.%d", round, i))
			if i == 15 {
				x.wantRead(0, fmt.Sprintf("answer %d.0", round)) // no place is left
			}
		}
		x.wait(0, 0)
		for i := 1; i < n; i++ {
			x.wantRead(i, fmt.Sprintf("answer %d.%d", round, i))
		}
	}
}

// fill makes a stream full behind the backend's back, which the kernel does to it
// when it has no memory, and returns how many bytes that took.
func (x *turns) fill(i int) (n int) {
	s := int(x.streams[i])
	b := make([]byte, 1<<16)
	for full := false; ; {
		k, err := syscall.SendmsgN(s, b, nil, nil, syscall.MSG_DONTWAIT)
		switch {
		case err == nil:
			n += k
			full = false
		case err != syscall.EAGAIN:
			x.Fatal(err)
		case full:
			return n
		default:
			// When all that is under way has been acknowledged, it stays full.
			for !full {
				runtime.Gosched()
				info := make([]byte, 104) // struct tcp_info
				size := uint32(len(info))
				_, _, e := syscall.Syscall6(syscall.SYS_GETSOCKOPT, uintptr(s), syscall.IPPROTO_TCP, syscall.TCP_INFO, uintptr(unsafe.Pointer(&info[0])), uintptr(unsafe.Pointer(&size)), 0)
				if e != 0 {
					x.Fatal(e)
				}
				full = binary.LittleEndian.Uint32(info[24:]) == 0 // tcpi_unacked
			}
		}
	}
}

// TestStagedIsNotTaken keeps what the kernel does not take, and its place.
func TestStagedIsNotTaken(t *testing.T) {
	stuck := func(t *testing.T) (*turns, int) {
		x := newTurns(t, 1, 2)
		x.ask([]byte("question"), 0)
		x.wantReceive(0, 100, []byte("question"), nil)
		x.send(0, nil, "answer")
		filled := x.fill(0)
		x.wait(0, 0)
		x.send(0, transport.ErrWouldBlock, "more")
		return x, filled
	}
	discard := func(x *turns, n int) {
		if _, err := io.CopyN(io.Discard, x.peers[0], int64(n)); err != nil {
			x.Fatal(err)
		}
	}
	t.Run("it is sent when there is room, and more after it", func(t *testing.T) {
		x, filled := stuck(t)
		x.ready[0] = 0
		discard(x, filled)
		for !x.ready[0].Has(transport.Writable) {
			x.wait(0, transport.Forever)
		}
		x.wantRead(0, "answer")
		x.send(0, nil, "more")
		x.wait(0, 0)
		x.wantRead(0, "more")
	})
	t.Run("the other direction works on, and other streams", func(t *testing.T) {
		x, filled := stuck(t)
		for range 30 {
			x.ask([]byte("question"), 0, 1)
			x.wantReceive(0, 100, []byte("question"), nil)
			x.wantReceive(1, 100, []byte("question"), nil)
			x.send(0, transport.ErrWouldBlock, "more")
			x.send(1, nil, "answer")
			x.wait(0, 0)
			x.wantRead(1, "answer")
		}
		discard(x, filled)
		for x.ready[0] = 0; !x.ready[0].Has(transport.Writable); {
			x.wait(0, transport.Forever)
		}
		x.wantRead(0, "answer")
	})
	t.Run("our end does not go before it", func(t *testing.T) {
		x, _ := stuck(t)
		if err := x.CloseWrite(x.streams[0]); err != transport.ErrWouldBlock {
			t.Errorf("CloseWrite = %v", err)
		}
	})
	t.Run("a stream that is closed without it is reset", func(t *testing.T) {
		x, _ := stuck(t)
		x.CloseStream(x.streams[0])
		x.closed[0] = true
		if _, err := io.Copy(io.Discard, x.peers[0]); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer reads to %v, want a reset", err)
		}
	})
	t.Run("a file does not go before it, and the stream is not given away", func(t *testing.T) {
		x, _ := stuck(t)
		if n, err := x.SendFile(x.streams[0], []byte("head"), 0, 0, 1); n != 0 || err != transport.ErrWouldBlock {
			t.Errorf("SendFile = %d, %v", n, err)
		}
		if v, err := x.Detach(x.streams[0]); v != nil || err != transport.ErrWouldBlock {
			t.Errorf("Detach = %v, %v", v, err)
		}
	})
	t.Run("the peer resets", func(t *testing.T) {
		x, _ := stuck(t)
		x.peers[0].SetLinger(0)
		x.peers[0].Close()
		for x.ready[0] = 0; !x.ready[0].Has(transport.Hangup); {
			x.wait(0, transport.Forever)
		}
		x.send(0, transport.ErrReset, "more")
		x.wantReceive(0, 100, nil, transport.ErrReset)
	})
	t.Run("in all places of a stage", func(t *testing.T) {
		const n = 20
		x := newTurns(t, 1, n)
		for i := range n {
			x.ask([]byte("question"), i)
			x.wantReceive(i, 100, []byte("question"), nil)
			x.send(i, nil, "answer")
			if i < 16 {
				x.fill(i)
			}
			x.wait(0, 0)
			if i >= 16 {
				x.wantRead(i, "answer")
			}
		}
		for i := range 16 {
			x.CloseStream(x.streams[i])
			x.closed[i] = true
		}
		x.ask([]byte("question"), 17)
		x.wantReceive(17, 100, []byte("question"), nil)
		x.send(17, nil, "answer")
		x.nothing(17)
	})
}

// TestTurnsOverlap has streams served while their lanes wait, by others than those
// who wait, and the monitor looks: bytes are neither lost nor swapped, nor is an
// edge.
func TestTurnsOverlap(t *testing.T) {
	const streams, rounds = 24, 150
	x := newTurns(t, 2, streams)
	var over atomic.Bool
	var waits, all sync.WaitGroup
	called := make([]chan struct{}, streams)
	var ended [streams]atomic.Bool
	for i := range called {
		called[i] = make(chan struct{}, 1)
	}
	for lane := range x.Lanes() + 1 {
		waits.Go(func() {
			ev := make([]transport.Event, 8)
			for !over.Load() {
				until := transport.Forever
				if lane == x.Lanes() {
					until = x.Now() + 250_000
				}
				n, err := x.Wait(lane, ev, until)
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range ev[:n] {
					if e.Ready.Has(transport.Hangup) {
						ended[e.Tag].Store(true)
					}
					select {
					case called[e.Tag] <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	for i := range streams {
		all.Go(func() { echo(x, i, called[i], &ended[i]) })
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			sent, got := make([]byte, 6000), make([]byte, 6000)
			for range rounds {
				n := 1 + r.IntN(40)
				if r.IntN(8) == 0 {
					n = 1 + r.IntN(len(sent))
				}
				for k := range n {
					sent[k] = byte(r.Uint32())
				}
				cut := r.IntN(n + 1)
				x.peers[i].Write(sent[:cut])
				x.peers[i].Write(sent[cut:n])
				if _, err := io.ReadFull(x.peers[i], got[:n]); err != nil || !bytes.Equal(got[:n], sent[:n]) {
					t.Errorf("stream %d: %v, or the echo differs", i, err)
					break
				}
			}
			x.peers[i].CloseWrite()
		})
	}
	all.Wait()
	over.Store(true)
	for lane := range x.Lanes() + 1 {
		x.Wake(lane)
	}
	waits.Wait()
}

// echo plays the owner of a stream's slot until the peer's end.
func echo(x *turns, i int, called <-chan struct{}, ended *atomic.Bool) {
	buf := make([]byte, 100+i*100)
	s := x.streams[i]
	for range called {
		for {
			view, err := x.Receive(s, buf)
			if err == transport.ErrWouldBlock {
				break
			}
			if err != nil {
				if err != transport.EOF {
					x.Errorf("stream %d: Receive: %v", i, err)
				}
				return
			}
			for rest := view; len(rest) > 0; {
				n, err := x.Send(s, [][]byte{rest[:len(rest)/2], rest[len(rest)/2:]})
				if err != nil && err != transport.ErrWouldBlock {
					x.Errorf("stream %d: Send: %v", i, err)
					return
				}
				if rest = rest[n:]; len(rest) > 0 {
					<-called
				}
			}
			if len(view) < len(buf) && !ended.Load() && i%2 == 0 {
				break // the stream is empty
			}
		}
	}
}

// TestStagedHasRoom: however often a stage is sent in a turn, no stream is staged
// for more bytes than it was told to have room for, so that one whose peer reads
// late has all that was taken, and is not reset for what is staged still.
func TestStagedHasRoom(t *testing.T) {
	const places = 16
	x := newTurns(t, 1, places)
	all := make([]int, places)
	for i, s := range x.streams {
		all[i] = i
		if err := syscall.SetsockoptInt(int(s), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<14); err != nil {
			t.Fatal(err)
		}
	}
	x.ask([]byte("question"), all...)
	for i := range places {
		x.wantReceive(i, 100, []byte("question"), nil)
	}
	piece := strings.Repeat("piece ", 150)
	taken := 0
	for {
		n, err := x.Send(x.streams[0], [][]byte{[]byte(piece)})
		if taken += n; err == transport.ErrWouldBlock || err == nil && n < len(piece) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < places; i++ {
			x.send(i, nil, piece)
		}
		for i := 1; i < places; i++ {
			x.wantRead(i, piece)
		}
	}
	x.CloseStream(x.streams[0])
	x.closed[0] = true
	if n, err := io.Copy(io.Discard, x.peers[0]); err != nil || int(n) != taken {
		t.Errorf("the peer has read %d bytes, %v; %d were taken", n, err, taken)
	}
}
