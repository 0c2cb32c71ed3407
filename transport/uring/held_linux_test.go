//go:build linux && (amd64 || arm64) && !tinygo

package uring_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/uring"
)

// network is a backend of one lane with a listener, and the streams that it has
// accepted.
type network struct {
	*uring.Backend
	t     *testing.T
	l     transport.Listener
	ev    [64]transport.Event
	ready map[uint64]transport.Ready
	all   []pair
}

// pair is a stream under its tag, and its peer.
type pair struct {
	id   transport.Stream
	tag  uint64
	peer *net.TCPConn
	done bool // the stream is closed
}

const listenerTag = 1 << 40

// limit is how long what must happen may take.
const limit = time.Minute

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{Backend: open(t, uring.Config{}), t: t, ready: map[uint64]transport.Ready{}}
	l, err := n.Listen(transport.IPv4(127, 0, 0, 1, 0), listenerTag)
	if err != nil {
		t.Fatal(err)
	}
	n.l = l
	n.Arm(l, true)
	return n
}

// end closes everything.
func (n *network) end() {
	for i := range n.all {
		n.all[i].peer.Close()
		if !n.all[i].done {
			n.CloseStream(n.all[i].id)
		}
	}
	n.CloseListener(n.l)
	if err := n.Close(); err != nil {
		n.t.Error(err)
	}
}

// connect makes a stream, attached.
func (n *network) connect() *pair {
	n.t.Helper()
	c, err := net.Dial("tcp", n.ListenerAddr(n.l).String())
	if err != nil {
		n.t.Fatal(err)
	}
	c.(*net.TCPConn).SetReadBuffer(64 << 10)
	s := n.accept()
	tag := uint64(len(n.all) + 1)
	if err := n.Attach(s, 0, tag); err != nil {
		n.t.Fatal(err)
	}
	n.all = append(n.all, pair{id: s, tag: tag, peer: c.(*net.TCPConn)})
	return &n.all[len(n.all)-1]
}

// accept accepts a client who has connected, which he may know before we do.
func (n *network) accept() transport.Stream {
	n.t.Helper()
	for end := time.Now().Add(limit); ; n.wait(time.Millisecond) {
		s, err := n.Accept(n.l)
		if err == nil {
			return s
		}
		if !transport.ErrWouldBlock.Is(err) || time.Now().After(end) {
			n.t.Fatalf("Accept = %v", err)
		}
	}
}

// wait waits once, for d at most.
func (n *network) wait(d time.Duration) {
	n.t.Helper()
	until := int64(0)
	if d > 0 {
		until = n.Now() + int64(d)
	}
	k, err := n.Wait(0, n.ev[:], until)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, e := range n.ev[:k] {
		n.ready[e.Tag] |= e.Ready
	}
}

// until waits until a condition of a stream is told, and forgets it.
func (n *network) until(p *pair, r transport.Ready) {
	n.t.Helper()
	for end := time.Now().Add(limit); n.ready[p.tag]&r == 0; {
		if time.Now().After(end) {
			n.t.Fatalf("stream %d is never told %b", p.tag, r)
		}
		n.wait(time.Second)
	}
	n.ready[p.tag] &^= r
}

// receive receives what is there, up to size bytes.
func (n *network) receive(p *pair, size int) string {
	n.t.Helper()
	view, err := n.Receive(p.id, make([]byte, size))
	if err != nil {
		n.t.Fatalf("Receive of stream %d = %v", p.tag, err)
	}
	return string(view)
}

// fill sends until the peer, who does not read, has no room for a byte, and
// returns what was taken.
func (n *network) fill(p *pair) (total int) {
	n.t.Helper()
	piece := bytes.Repeat([]byte("x"), 32<<10)
	for {
		k, err := n.Send(p.id, [][]byte{piece})
		total += k
		switch {
		case transport.ErrWouldBlock.Is(err):
			n.ready[p.tag] = 0
			n.wait(20 * time.Millisecond)
			if len(piece) == 1 && n.ready[p.tag]&transport.Writable == 0 {
				return total
			}
			piece = piece[:(len(piece)+63)/64] // there is room for little before there is room for much
		case err != nil:
			n.t.Fatal(err)
		}
	}
}

// told has the peer say something, which is received: what is sent next is of
// this turn.
func (n *network) told(p *pair) {
	n.t.Helper()
	io.WriteString(p.peer, "?")
	n.until(p, transport.Readable)
	if got := n.receive(p, 10); got != "?" {
		n.t.Fatalf("received %q", got)
	}
}

// block fills the stream, and has an answer taken that the peer has no room for.
// It returns all that was taken.
func (n *network) block(p *pair) string {
	n.t.Helper()
	all := bytes.Repeat([]byte("x"), n.fill(p))
	for {
		n.told(p) // which may bring an acknowledgement, and so make some room
		under := n.Under()
		k, err := n.Send(p.id, [][]byte{[]byte("ans"), []byte("wer")})
		if err != nil && !transport.ErrWouldBlock.Is(err) {
			n.t.Fatalf("Send = %d, %v", k, err)
		}
		all = append(all, "answer"[:k]...)
		if n.wait(0); k == 0 || n.Under() > under {
			return string(all)
		}
	}
}

// read is what the peer reads to the end, in the background.
func read(p *pair) <-chan string {
	c := make(chan string, 1)
	go func() {
		b, err := io.ReadAll(p.peer)
		if err != nil {
			b = append(b, fmt.Sprintf("(%v)", err)...)
		}
		c <- string(b)
	}()
	return c
}

// TestMoreStreamsThanBuffers has many streams told bytes that nobody receives, so
// that no buffer of the lane is left; all of them are told, and have all of it.
func TestMoreStreamsThanBuffers(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	const streams = 1200 // there are 1024 buffers, and at first but 32
	const rounds = 12    // in which the kernel is given more
	if n.Limit() < 2*streams+100 {
		t.Skip("this process may not have so many descriptors")
	}
	for range streams {
		n.connect()
	}
	for round := range rounds {
		for i := range n.all {
			fmt.Fprintf(n.all[i].peer, "stream %d, round %d", i, round)
		}
		for i := range n.all {
			n.until(&n.all[i], transport.Readable)
		}
		for i := range n.all {
			if got, want := n.receive(&n.all[i], 100), fmt.Sprintf("stream %d, round %d", i, round); got != want {
				t.Fatalf("received %q, want %q", got, want)
			}
			if v, err := n.Receive(n.all[i].id, make([]byte, 1)); err != transport.ErrWouldBlock {
				t.Fatalf("Receive = %q, %v, want ErrWouldBlock", v, err)
			}
		}
	}
}

// TestMoreEventsThanCompletions has more streams ready at once than the ring's
// queue has room for.
func TestMoreEventsThanCompletions(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	const streams = 2100
	if n.Limit() < 2*streams+100 {
		t.Skip("this process may not have so many descriptors")
	}
	for range streams {
		n.connect()
	}
	for i := range n.all {
		io.WriteString(n.all[i].peer, "x")
	}
	for i := range n.all {
		n.until(&n.all[i], transport.Readable)
		if got := n.receive(&n.all[i], 100); got != "x" {
			t.Fatalf("received %q", got)
		}
	}
}

// TestMoreAnswersThanBuffers answers more streams in one turn than there are
// buffers for, and some of them in several pieces.
func TestMoreAnswersThanBuffers(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	const streams = 200
	n.Keep(32)
	for range streams {
		n.connect()
	}
	long := bytes.Repeat([]byte("long"), 3000)
	for round := range 3 {
		for i := range n.all {
			io.WriteString(n.all[i].peer, "?")
		}
		got := make(chan error, streams)
		want := func(i int) []byte {
			head := fmt.Sprintf("head of %d in %d,", i, round)
			switch i % 3 {
			case 1:
				return slices.Concat([]byte(head), long, []byte("tail"))
			case 2:
				return slices.Concat([]byte(head), long[:3000], long[:3000], []byte("tail"))
			}
			return []byte(head + "tail")
		}
		for i := range n.all {
			go func() {
				b := make([]byte, len(want(i)))
				if _, err := io.ReadFull(n.all[i].peer, b); err != nil || !bytes.Equal(b, want(i)) {
					got <- fmt.Errorf("stream %d: %.40q, %v", i, b, err)
					return
				}
				got <- nil
			}()
		}
		for i := range n.all {
			n.until(&n.all[i], transport.Readable)
			n.receive(&n.all[i], 10)
			text := want(i)
			cut := len(text) - 4
			for at := 0; at < len(text); { // in pieces, and what does not fit again
				end := len(text)
				if at < 10 {
					end = 10
				} else if at < cut {
					end = cut
				}
				k, err := n.Send(n.all[i].id, [][]byte{text[at : at+(end-at)/2], text[at+(end-at)/2 : end]})
				at += k
				if transport.ErrWouldBlock.Is(err) || err == nil && at < end {
					n.until(&n.all[i], transport.Writable)
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
		for range n.all {
			for ok := false; !ok; {
				select {
				case err := <-got:
					if ok = true; err != nil {
						t.Fatal(err)
					}
				default:
					n.wait(time.Millisecond)
				}
			}
		}
	}
}

// TestSentToOneWhoDoesNotRead is about what Send has taken in a turn, and the
// peer has no room for.
func TestSentToOneWhoDoesNotRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(n *network, p *pair)
	}{
		{"is delivered when he reads", func(n *network, p *pair) {
			n.CloseWrite(p.id)
		}},
		{"is delivered though the stream is closed", func(n *network, p *pair) {
			n.CloseStream(p.id)
			p.done = true
		}},
		{"is delivered before our end", func(n *network, p *pair) {
			n.wait(0)
			n.CloseWrite(p.id)
			n.CloseStream(p.id)
			p.done = true
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNetwork(t)
			defer n.end()
			p := n.connect()
			want := n.block(p)
			if k, err := n.Send(p.id, [][]byte{[]byte("more")}); k != 0 || err != transport.ErrWouldBlock {
				t.Fatalf("Send = %d, %v, want ErrWouldBlock", k, err)
			}
			tt.end(n, p)
			text := read(p)
			for {
				select {
				case got := <-text:
					if got != want {
						t.Errorf("%d bytes, the last %q; want %d, %q", len(got), got[max(len(got)-20, 0):], len(want), want[len(want)-20:])
					}
					return
				default:
					n.wait(time.Millisecond)
				}
			}
		})
	}
}

// TestRoomAfterOneWhoDidNotRead tells of room when what was under way has left.
func TestRoomAfterOneWhoDidNotRead(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	want := n.block(p) + "more"
	if k, err := n.Send(p.id, [][]byte{[]byte("more")}); k != 0 || err != transport.ErrWouldBlock {
		t.Fatalf("Send = %d, %v, want ErrWouldBlock", k, err)
	}
	n.ready[p.tag] = 0
	all := make([]byte, len(want))
	done := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(p.peer, all)
		done <- err
	}()
	for k := 0; k == 0; { // what was under way may have taken all the room
		n.until(p, transport.Writable)
		var err error
		if k, err = n.Send(p.id, [][]byte{[]byte("more")}); err != nil && !transport.ErrWouldBlock.Is(err) {
			t.Fatalf("Send = %d, %v", k, err)
		}
	}
	n.wait(0)
	if err := <-done; err != nil || string(all) != want {
		t.Errorf("%q, %v", all[len(all)-20:], err)
	}
}

// TestManyWhoDoNotRead leaves no buffer for the others, who are served all the
// same; and it ends.
func TestManyWhoDoNotRead(t *testing.T) {
	n := newNetwork(t)
	closed := false
	defer func() {
		if !closed {
			n.end()
		}
	}()
	const streams = 80
	n.Keep(32)
	for i := range streams {
		p := n.connect()
		n.block(p)
		if i%3 == 0 {
			n.CloseStream(p.id)
			p.done = true
		}
	}
	p := n.connect()
	for range 3 {
		n.told(p)
		if k, err := n.Send(p.id, [][]byte{[]byte("answer")}); k != 6 || err != nil {
			t.Fatalf("Send = %d, %v", k, err)
		}
		got := make([]byte, 6)
		n.wait(0)
		if _, err := io.ReadFull(p.peer, got); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n.all {
		if !n.all[i].done {
			n.Abort(n.all[i].id)
			n.all[i].done = true
		}
	}
	// Those that were closed may go on; the others have ended.
	for end := time.Now().Add(limit); n.Under() > streams/3+2; n.wait(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d operations are under way", n.Under())
		}
	}
	n.CloseListener(n.l)
	n.Close()
	closed = true
	if under := n.Under(); under != 0 {
		t.Errorf("%d operations are under way after Close", under)
	}
	for i := range n.all {
		n.all[i].peer.Close()
	}
}

// onThread runs f in a goroutine whose thread ends with it.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread() // and never unlocks it, so that the thread ends
		if syscall.Gettid() != syscall.Getpid() {
			f()
			return
		}
		// But for the first thread of the process, which never does. While this
		// goroutine has it, the other gets another.
		over := make(chan struct{})
		onThread(func() { defer close(over); f() })
		<-over
		runtime.UnlockOSThread()
	}()
}

// TestThreadEnds has a thread that has asked for a receive end, which cancels it.
func TestThreadEnds(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	for range 20 {
		p := make(chan *pair)
		onThread(func() {
			q := n.connect()
			n.told(q) // asks again
			n.wait(0)
			p <- q
		})
		q := <-p
		for range 3 {
			n.told(q)
		}
	}
}

// TestThreadEndsWhileClosed has a thread end that has asked for what is sent of a
// stream which was closed since. All of it is delivered.
func TestThreadEndsWhileClosed(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	for range 10 {
		want, ended := make(chan string), make(chan int)
		var p *pair
		onThread(func() {
			p = n.connect()
			all := n.block(p)
			n.CloseStream(p.id)
			p.done = true
			ended <- syscall.Gettid()
			want <- all
		})
		id := <-ended
		all := <-want
		for end := time.Now().Add(limit); syscall.Tgkill(syscall.Getpid(), id, 0) == nil; n.wait(0) {
			if time.Now().After(end) {
				t.Fatal("the thread does not end")
			}
			runtime.Gosched()
		}
		text := read(p)
		for done := false; !done; {
			select {
			case got := <-text:
				if done = true; got != all {
					t.Fatalf("%d bytes, the last %q; want %d", len(got), got[max(len(got)-20, 0):], len(all))
				}
			default:
				n.wait(time.Millisecond)
			}
		}
	}
}

// TestCloseWaits for peers to take what was sent to streams that are closed, and
// resets those who do not.
func TestCloseWaits(t *testing.T) {
	for tries := 10; ; tries-- {
		n := newNetwork(t)
		n.connect()
		n.connect()
		p, q := &n.all[0], &n.all[1] // which have moved
		want := n.block(p)
		n.block(q)
		n.CloseStream(p.id)
		n.CloseStream(q.id)
		text := read(p)
		n.CloseListener(n.l)
		n.Close()
		got := <-text
		if _, err := io.Copy(io.Discard, q.peer); err == nil {
			t.Error("the peer who did not read sees an end, want a reset")
		}
		p.peer.Close()
		q.peer.Close()
		if got == want {
			return
		}
		if tries == 0 { // on a busy machine he who reads may not have had the processor for a second
			t.Fatalf("%d bytes, the last %q; want %d", len(got), got[max(len(got)-20, 0):], len(want))
		}
	}
}

// TestAbortIsAtOnce also while a receive and a send are under way, and resets.
func TestAbortIsAtOnce(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	for i := range 10 {
		p := n.connect()
		if i%2 == 0 {
			n.block(p)
		}
		n.Abort(p.id)
		p.done = true
		if _, err := io.Copy(io.Discard, p.peer); err == nil { // or waits for ever
			t.Error("the peer sees an end, want a reset")
		}
	}
}

// TestOrder of short and long sends in one turn is that of the calls.
func TestOrder(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	for i := range 50 {
		n.told(p)
		var said []byte
		for k := range 1 + i%5 {
			size := []int{10, 4090, 5000, 1, 4096, 300}[(i+k)%6]
			text := bytes.Repeat([]byte{byte('a' + (i+k)%26)}, size)
			for at := 0; at < len(text); {
				m, err := n.Send(p.id, [][]byte{text[at:]})
				if at += m; transport.ErrWouldBlock.Is(err) || err == nil && at < len(text) {
					n.until(p, transport.Writable)
				} else if err != nil {
					t.Fatal(err)
				}
			}
			said = append(said, text...)
		}
		n.wait(0)
		got := make([]byte, len(said))
		if _, err := io.ReadFull(p.peer, got); err != nil || !bytes.Equal(got, said) {
			t.Fatalf("round %d: %v, or in another order", i, err)
		}
	}
}

// TestBulk receives more than a buffer has room for.
func TestBulk(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	text := make([]byte, 1<<20)
	for i := range text {
		text[i] = byte(i * 7 >> 3)
	}
	go func() {
		p.peer.Write(text)
		p.peer.CloseWrite()
	}()
	var got []byte
	buf := make([]byte, 16<<10)
	for {
		view, err := n.Receive(p.id, buf)
		got = append(got, view...)
		if transport.ErrWouldBlock.Is(err) || err == nil && len(view) < len(buf) {
			n.until(p, transport.Readable|transport.Hangup)
		} else if transport.EOF.Is(err) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, text) {
		t.Errorf("%d bytes, or others than were sent", len(got))
	}
}

// TestBulkAndLines has a peer say much and little by turns: what is much is not
// received by the ring, what is little is, and between them nothing is lost or late.
func TestBulkAndLines(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	p := n.connect()
	buf := make([]byte, 16<<10)
	for round := range 60 {
		size := []int{1, 2048, 100, 30_000, 1, 1, 1, 1, 1, 2047, 5000, 2049, 16 << 10}[round%13]
		text := bytes.Repeat([]byte{byte('a' + round%26)}, size)
		go p.peer.Write(text)
		for got := 0; got < size; {
			view, err := n.Receive(p.id, buf)
			if got += len(view); transport.ErrWouldBlock.Is(err) || err == nil && len(view) < len(buf) && got < size {
				n.until(p, transport.Readable)
			} else if err != nil {
				t.Fatalf("round %d: %v", round, err)
			} else if len(view) == 0 || bytes.Count(view, text[:1]) != len(view) {
				t.Fatalf("round %d: received %.20q", round, view)
			}
		}
	}
	p.peer.CloseWrite()
	n.until(p, transport.Readable)
	if _, err := n.Receive(p.id, buf); !transport.EOF.Is(err) {
		t.Errorf("Receive = %v, want EOF", err)
	}
}

// TestNoClientStarves tells of a client who waits though each Wait has no room but
// for a stream's event, of which there is always another.
func TestNoClientStarves(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	for range 3 {
		n.connect()
	}
	for i := range n.all {
		io.WriteString(n.all[i].peer, "x")
	}
	c, err := net.Dial("tcp", n.ListenerAddr(n.l).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var one [1]transport.Event
	for end := time.Now().Add(limit / 6); ; {
		k, err := n.Wait(0, one[:], n.Now()+int64(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if k > 0 && one[0].Tag == listenerTag {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody tells of the client")
		}
		if k > 0 { // he says more at once
			p := &n.all[one[0].Tag-1]
			n.receive(p, 10)
			n.Receive(p.id, make([]byte, 10))
			io.WriteString(p.peer, "x")
		}
	}
	n.CloseStream(n.accept())
}

// TestFilledBeforeAttach tells of room to who has filled the stream before it was
// attached.
func TestFilledBeforeAttach(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	c, err := net.Dial("tcp", n.ListenerAddr(n.l).String())
	if err != nil {
		t.Fatal(err)
	}
	c.(*net.TCPConn).SetReadBuffer(64 << 10)
	s := n.accept()
	n.all = append(n.all, pair{id: s, tag: 1, peer: c.(*net.TCPConn)})
	for err == nil {
		_, err = n.Send(s, [][]byte{make([]byte, 64<<10)})
	}
	if !transport.ErrWouldBlock.Is(err) {
		t.Fatal(err)
	}
	if err := n.Attach(s, 0, 1); err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, c)
	n.until(&n.all[0], transport.Writable)
}

// TestNothingIsLostRefused asks for receives, sends, room and wakes while the kernel
// takes none: Wait says so, and what was asked for stays asked for.
func TestNothingIsLostRefused(t *testing.T) {
	n := newNetwork(t)
	defer n.end()
	const streams = 100 // more than are queued before they are submitted
	for range streams {
		n.connect()
	}
	for i := range n.all {
		n.told(&n.all[i])
		io.WriteString(n.all[i].peer, "?") // for the receive that is to be asked for
	}
	for i := range n.all {
		n.until(&n.all[i], transport.Readable)
	}
	end := n.Refuse()
	for i := range n.all {
		p := &n.all[i]
		if got := n.receive(p, 10); got != "?" {
			t.Fatalf("received %q", got)
		}
		if k, err := n.Send(p.id, [][]byte{[]byte("answer")}); k != len("answer") || err != nil {
			t.Fatalf("Send = %d, %v", k, err)
		}
	}
	n.Wake(0)
	n.Wait(n.Lanes(), nil, 0) // who sleeps submits for all
	if k, err := n.Wait(0, n.ev[:], 0); err == nil && k > 0 {
		t.Errorf("Wait = %d events of a ring that works no more", k)
	}
	end()
	got := make([]byte, len("answer"))
	for i := range n.all {
		p := &n.all[i]
		n.wait(0)
		if _, err := io.ReadFull(p.peer, got); err != nil || string(got) != "answer" {
			t.Fatalf("the peer of stream %d reads %q, %v", p.tag, got, err)
		}
		n.told(p)
	}
}
