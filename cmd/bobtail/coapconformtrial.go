package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// trial is one case against one server, on a connection of its own. Its methods
// are the steps: what is sent, and what must come. Behind the first that decides
// the case the others do nothing, so that a case is a list of steps.
type trial struct {
	*conformCase
	c       *conforming
	conn    net.Conn
	coming  chan arrival
	verdict verdict
	why     string
	trace   trace
	asked   int           // how many requests were sent by ask
	first   *coap.Message // of the server, empty ones aside
	csm     bool          // the server has sent a CSM
	theirs  coap.Settings // what it has announced
	half    []byte        // of the message that was sent last
	goOn    chan bool     // of unread
}

// arrival is what comes from the server.
type arrival struct {
	kind arrivalKind
	m    coap.Message // only of a message
	err  error        // of the end, and of bytes that are none
	wire []byte
}

type arrivalKind uint8

const (
	kindSilent  arrivalKind = iota // nothing, in all the time that there is
	kindMessage                    // a message
	kindEnd                        // the end, in order or by a reset
	kindGarbled                    // bytes that are no message
)

func (in arrival) String() string {
	switch in.kind {
	case kindSilent:
		return "nothing"
	case kindEnd:
		if in.err != nil {
			return "a reset"
		}
		return "the end of the connection"
	case kindGarbled:
		return fmt.Sprintf("no message (%v)", in.err)
	}
	if in.m.Code == coap.CodeAbort && len(in.m.Payload) > 0 {
		return fmt.Sprintf("an Abort, %q", visible(string(in.m.Payload)))
	}
	return codeText(in.m.Code)
}

// try runs a case.
func (c *conforming) try(k *conformCase) *trial {
	t := &trial{conformCase: k, c: c}
	t.connect()
	if k.bare {
		k.steps(t)
	} else {
		k.steps(t.hello())
	}
	if t.verdict == undecided {
		t.verdict = passed
	}
	if t.conn != nil {
		t.conn.Close()
	}
	return t
}

// decided reports whether the case is.
func (t *trial) decided() bool { return t.verdict != undecided }

// fail is that the server does not what the section wants.
func (t *trial) fail(format string, args ...any) *trial {
	if t.decided() {
		return t
	}
	t.why = fmt.Sprintf(format, args...)
	t.verdict = failed
	if t.level != must {
		t.verdict = tolerated
	}
	return t
}

// tolerate is that it does what can be defended.
func (t *trial) tolerate(format string, args ...any) *trial {
	if !t.decided() {
		t.why = fmt.Sprintf(format, args...)
		t.verdict = tolerated
	}
	return t
}

// crash is that it does what nobody wants of any server: the case has failed
// whatever its level.
func (t *trial) crash(format string, args ...any) *trial {
	if !t.decided() {
		t.fail(format, args...)
		t.verdict = failed
	}
	return t
}

// connect connects, anew if there is a connection.
func (t *trial) connect() *trial {
	if t.decided() {
		return t
	}
	if t.conn != nil {
		t.conn.Close()
	}
	conn, err := t.c.dial()
	if err != nil {
		return t.crash("the server takes no connection: %v", bareDial(err))
	}
	if c, ok := conn.(*net.TCPConn); ok {
		c.SetReadBuffer(64 << 10) // for unread: what is not read is soon seen
	}
	t.conn, t.coming = conn, make(chan arrival, 4096)
	t.first, t.csm, t.theirs, t.half = nil, false, coap.Settings{}, nil
	t.goOn = make(chan bool, 1)
	go t.read(conn, t.coming)
	return t
}

// read reads until the end.
func (t *trial) read(conn net.Conn, coming chan<- arrival) {
	defer close(coming)
	var b []byte
	chunk := make([]byte, 64<<10)
	for {
		m, n, err := coap.ParseTCP(b)
		switch {
		case err != nil:
			t.received(b)
			coming <- arrival{kind: kindGarbled, err: err, wire: b}
			return
		case n > 0:
			t.received(b[:n])
			coming <- arrival{kind: kindMessage, m: m, wire: b[:n:n]}
			b = b[n:]
			continue
		}
		// What was given away is not written over: b grows by append alone.
		n, err = conn.Read(chunk)
		b = append(b[:len(b):len(b)], chunk[:n]...)
		if n > 0 {
			continue
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if errors.Is(err, net.ErrClosed) {
			return // by us
		}
		if errors.Is(err, os.ErrDeadlineExceeded) { // of unread
			<-t.goOn
			conn.SetReadDeadline(time.Time{})
			continue
		}
		if len(b) > 0 {
			t.received(b)
		}
		if err != nil {
			t.trace.add("<", "reset: "+bare(err).Error())
		} else {
			t.trace.add("<", "end")
		}
		coming <- arrival{kind: kindEnd, err: err, wire: b}
		return
	}
}

// send sends each of some pieces by a write of its own.
func (t *trial) send(pieces ...string) *trial {
	for _, p := range pieces {
		if t.decided() {
			return t
		}
		t.sent(p, "")
		t.write(p)
	}
	return t
}

// sent and received keep what goes either way, for -v.
func (t *trial) sent(p, how string) {
	text, rest := wireText(t.half, []byte(p))
	t.half = rest
	t.trace.add(">", text+how)
}

func (t *trial) received(b []byte) {
	text, _ := wireText(nil, b)
	t.trace.add("<", text)
}

// write is send without a word about it, and reports whether all was taken. That
// the server has closed is seen when something is awaited.
func (t *trial) write(p string) bool {
	t.conn.SetWriteDeadline(time.Now().Add(t.c.timeout))
	_, err := io.WriteString(t.conn, p)
	return err == nil
}

// octets sends a byte at a time, so slowly that each comes alone.
func (t *trial) octets(s string) *trial {
	if t.decided() {
		return t
	}
	t.sent(s, " (byte by byte)")
	for i := range len(s) {
		t.write(s[i : i+1])
		time.Sleep(time.Millisecond)
	}
	return t
}

// unread sends so many requests, and reads nothing, until the server takes no
// more since it cannot be rid of its answers, or the network has taken all. Then
// what comes is read again. It is how many were sent.
func (t *trial) unread(most int) (n int) {
	if t.decided() {
		return 0
	}
	t.trace.add(">", "requests, while nothing is read")
	t.conn.SetReadDeadline(time.Unix(1, 0))
	t.conn.SetWriteDeadline(time.Time{})
	var (
		sent  atomic.Int64
		stuck = make(chan bool)
		done  = make(chan error)
	)
	go func() {
		var err error
		for err == nil && sent.Load() < int64(most) {
			select {
			case <-stuck:
				done <- nil
				return
			default:
				_, err = io.WriteString(t.conn, t.get(manyToken(int(sent.Load()))))
				sent.Add(1)
			}
		}
		done <- err
	}()
	var err error
	for before, over := int64(-1), false; !over; {
		select {
		case err = <-done:
			over = true
		case <-time.After(200 * time.Millisecond):
			if now := sent.Load(); now != before {
				before = now
				continue
			}
			t.trace.add("=", fmt.Sprintf("nothing more is taken behind %s; reading again", plural(uint64(sent.Load()), "request")))
			// What it has not taken yet it takes now.
			t.conn.SetWriteDeadline(time.Now().Add(t.c.timeout))
			t.goOn <- true
			close(stuck)
			err = <-done
			if err != nil {
				t.fail("what was begun is not taken, though its answers are read: %v", bare(err))
			}
			return int(sent.Load())
		}
	}
	t.pause() // the network has taken all, and the server is still at it
	t.goOn <- true
	if err != nil {
		t.fail("%v behind %s", bare(err), plural(uint64(sent.Load()), "request"))
	}
	return int(sent.Load())
}

// next is what comes next, but for what a server may send at any time: empty
// messages, CSMs, Pings, and requests, which are answered.
func (t *trial) next() arrival {
	for {
		if in := t.any(); in.kind != kindMessage || in.m.Code != coap.CodeCSM {
			return in
		}
	}
}

// any is next, with CSMs.
func (t *trial) any() arrival {
	overdue := time.NewTimer(t.c.timeout)
	defer overdue.Stop()
	for {
		var in arrival
		select {
		case got, ok := <-t.coming:
			if in = got; !ok {
				return arrival{kind: kindEnd}
			}
		case <-overdue.C:
			return arrival{kind: kindSilent}
		}
		switch {
		case in.kind != kindMessage:
			return in
		case in.m.Code == coap.CodeEmpty:
			continue // RFC 8323 section 3.4
		}
		if t.first == nil {
			t.first = &in.m
		}
		switch {
		case in.m.Code == coap.CodeCSM:
			t.csm = true
			t.theirs.Update(in.m.Options)
			return in
		case in.m.Code == coap.CodePing:
			t.send(string(coap.AppendPong(nil, in.m.Token, coap.Custody(in.m.Options))))
		case in.m.Code.IsRequest():
			t.send(conformMessage(coap.CodeNotImplemented, string(in.m.Token), "", "")) // RFC 8323 section 3.3
		default:
			return in
		}
	}
}

// finish says that no more is sent.
func (t *trial) finish() *trial {
	if c, ok := t.conn.(interface{ CloseWrite() error }); ok && !t.decided() {
		t.trace.add(">", "end")
		c.CloseWrite()
	}
	return t
}

// reset resets the connection.
func (t *trial) reset() *trial {
	if t.decided() {
		return t
	}
	t.trace.add(">", "reset")
	c := t.conn
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
	t.conn.Close()
	return t
}

// pause waits for as long as somebody takes who is not in a hurry.
func (t *trial) pause() { time.Sleep(min(t.c.timeout/4, 300*time.Millisecond)) }

// pauseShort waits until what was sent is likely to have been read.
func (t *trial) pauseShort() {
	if !t.decided() {
		time.Sleep(2 * time.Millisecond)
	}
}
