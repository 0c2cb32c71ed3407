package secure

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/transport"
)

// shake is what a conn needs until its handshake is over.
type shake struct {
	change   sync.Cond // of conn.mu: bytes, room, or the end
	alone    bool      // the goroutine has the tls.Conn
	early    []byte    // plaintext that Send has taken
	since    int64     // since when the goroutine waits for the client; 0 if it does not
	deadline int64     // of time.Now, in nanoseconds
	cancel   context.CancelFunc
}

// end wakes the goroutine, so that it finds the conn in a state in which it
// has nothing to do, and ends what callbacks of the tls.Config wait for.
func (h *shake) end() {
	if h.change.L != nil {
		h.change.Broadcast()
	}
	if h.cancel != nil {
		h.cancel()
	}
}

const (
	recordHeader = 5

	// firstRecord is how much room a client's first record gets at once:
	// browsers and Go send up to 1.8 KB, since key shares of ML-KEM are long.
	firstRecord = 2048

	// mostOfFirst is how much of it is waited for. A longer one is for the
	// handshake to read, of which there are so many and not more: who has not
	// begun one must not hold the 16 KB that a record may have (RFC 8446
	// section 5.1) by sending five bytes.
	mostOfFirst = 4096

	// earlyLimit bounds what Send takes before the handshake: enough for a
	// refusal.
	earlyLimit = 4096

	recordTypeHandshake = 22
)

// plainAnswer is what a client gets who speaks plain HTTP: the words of
// net/http, with what HTTP/1.1 asks for.
var plainAnswer = []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 48\r\nConnection: close\r\n\r\n" +
	"Client sent an HTTP request to an HTTPS server.\n")

// greet goes on with a stream that is not open yet.
func (c *conn) greet() {
	switch c.state {
	case stateHello:
		c.hear()
	case stateShake:
		c.shake.change.Signal()
	}
}

// hear receives the client's first record, or mostOfFirst bytes of it, and asks
// for a place when they are there.
func (c *conn) hear() {
	for {
		want := recordHeader
		if len(c.in) >= recordHeader {
			want = min(recordHeader+(int(c.in[3])<<8|int(c.in[4])), mostOfFirst)
			if len(c.in) >= want {
				c.b.enqueue(c)
				return
			}
		}
		if want > cap(c.in) {
			grown := make([]byte, len(c.in), max(want, firstRecord))
			copy(grown, c.in)
			c.in = grown
		}
		n, err := c.fetch(c.in[len(c.in):cap(c.in)])
		c.in = c.in[:len(c.in)+n]
		if len(c.in) > 0 && c.in[0] != recordTypeHandshake && c.foreign() {
			return
		}
		switch err {
		case nil:
		case errEmpty:
			if len(c.in) == 0 {
				c.in = nil
			}
			return
		case io.EOF:
			c.failed(transport.EOF, nil) // nothing was begun
			return
		default:
			c.failed(transport.ErrReset, nil)
			return
		}
	}
}

// methods are how a request in plain HTTP may begin, as net/http sees it.
var methods = [...]string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH", "CONNE", "TRACE"}

// foreign looks at what is not TLS. It reports whether it is known by now what
// to make of it.
func (c *conn) foreign() bool {
	for _, m := range methods {
		k := min(len(c.in), len(m))
		if !bytes.Equal(c.in[:k], []byte(m)[:k]) {
			continue
		}
		if k < len(m) {
			return false // it may become one
		}
		c.discards = true
		c.put(plainAnswer)
		c.b.stats.add(countPlain)
		c.ended = true
		c.failed(transport.EOF, ErrPlain)
		return true
	}
	c.failed(transport.EOF, ErrNotTLS)
	return true
}

// failed ends a stream that was not opened. err is nil if the client has not
// begun, or the stream was closed.
func (c *conn) failed(readErr, err error) {
	if c.state == stateFailed || c.state == stateClosed {
		return
	}
	was := c.state
	c.state = stateFailed
	c.in = nil
	c.readErr = readErr
	c.flush()
	if err != nil {
		c.b.stats.add(countFailed)
		if f := c.b.cfg.Failed; f != nil {
			f(c.b.inner.Remote(c.inner), err)
		}
	}
	c.b.forget(c, was, false)
	if c.shake != nil {
		c.shake.end()
	}
	c.tell(transport.Readable | transport.Hangup)
}

// early takes plaintext before the handshake is complete.
func (c *conn) early(bufs [][]byte, total int) (int, error) {
	if c.shake == nil {
		c.shake = new(shake)
	}
	n := 0
	for _, p := range bufs {
		p = p[:min(len(p), earlyLimit-len(c.shake.early))]
		c.shake.early = append(c.shake.early, p...)
		n += len(p)
	}
	if n < total {
		c.wantsRoom = true
	}
	if n == 0 {
		return 0, transport.ErrWouldBlock
	}
	return n, nil
}

// enqueue gives c's handshake a place, now or later. The caller has c.mu.
func (b *Backend) enqueue(c *conn) {
	if c.shake == nil {
		c.shake = new(shake)
	}
	c.state = stateQueued
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tickLocked()
	if len(b.waiting) == 0 && len(b.shaking)+b.reserved < b.cfg.Handshakes {
		b.launchLocked(c)
		return
	}
	b.waiting = append(b.waiting, c)
}

// launchLocked begins c's handshake. The caller has c.mu and b.mu.
func (b *Backend) launchLocked(c *conn) {
	b.shaking = append(b.shaking, c)
	c.state = stateShake
	h := c.shake
	h.change.L = &c.mu
	h.alone = true
	h.deadline = time.Now().Add(b.cfg.Timeout).UnixNano()
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	c.tls = tls.Server((*wire)(c), b.cfg.TLS)
	b.wg.Go(func() { c.handshake(ctx) })
}

// handshake is the life of a handshake's goroutine.
func (c *conn) handshake(ctx context.Context) {
	err := c.tls.HandshakeContext(ctx)
	c.shake.cancel()
	if err == nil {
		s := c.tls.ConnectionState()
		if s.Version < tls.VersionTLS12 {
			err = ErrVersion // by GetConfigForClient
		} else if s.DidResume {
			c.b.stats.add(countResumed)
		}
	}
	c.mu.Lock()
	c.shake.alone = false
	switch {
	case c.state != stateShake:
		c.flush() // an alert
	case err != nil:
		readErr := error(transport.EOF)
		if c.sendErr != nil {
			readErr = transport.ErrReset
		}
		c.failed(readErr, err)
	default:
		c.opened()
	}
	if c.state == stateFailed {
		c.tls = nil
	}
	if c.leaving {
		c.leave()
	}
	c.mu.Unlock()
	c.b.admit()
}

// opened begins the time in which plaintext goes both ways.
func (c *conn) opened() {
	early := c.shake.early
	c.shake = nil
	c.state = stateOpen
	c.b.stats.add(countDone)
	c.b.forget(c, stateShake, false)
	if len(early) > 0 {
		c.write(early)
	}
	if c.ended && c.sendErr == nil {
		c.tls.CloseWrite()
	}
	c.flush()
	r := transport.Readable // as the bytes at hand may be more than the handshake
	if c.hangup.Load() {
		r |= transport.Hangup
	}
	if c.out == nil {
		c.wantsRoom = false
		r |= transport.Writable
	}
	c.plainly.Store(!c.leaving)
	c.tell(r)
}

// forget takes c, which was in a state, off the lists.
func (b *Backend) forget(c *conn, was state, wasLeaving bool) {
	b.mu.Lock()
	switch was {
	case stateQueued:
		b.waiting = without(b.waiting, c)
	case stateShake:
		b.shaking = without(b.shaking, c)
	}
	if wasLeaving {
		b.leaving = without(b.leaving, c)
	}
	b.mu.Unlock()
}

// without takes c off a list, in which the order counts.
func without(list []*conn, c *conn) []*conn {
	for i, x := range list {
		if x == c {
			copy(list[i:], list[i+1:])
			list[len(list)-1] = nil
			return list[:len(list)-1]
		}
	}
	return list
}

// admit begins handshakes that wait, as far as there are places. The caller
// has no lock.
func (b *Backend) admit() {
	for {
		b.mu.Lock()
		if len(b.waiting) == 0 || len(b.shaking)+b.reserved >= b.cfg.Handshakes || b.closed {
			b.mu.Unlock()
			return
		}
		c := b.waiting[0]
		b.waiting = without(b.waiting, c)
		b.reserved++
		b.mu.Unlock()
		c.mu.Lock()
		b.mu.Lock()
		b.reserved--
		if c.state == stateQueued && !b.closed {
			b.launchLocked(c)
		}
		b.mu.Unlock()
		c.mu.Unlock()
	}
}

// tickLocked sees to it that deadlines are looked at. The caller has b.mu.
func (b *Backend) tickLocked() {
	switch {
	case b.ticking || b.closed:
		return
	case b.timer == nil:
		b.timer = time.AfterFunc(tick, b.look)
	default:
		b.timer.Reset(tick)
	}
	b.ticking = true
}

// look ends what has lasted too long.
func (b *Backend) look() {
	now := time.Now().UnixNano()
	b.mu.Lock()
	b.ticking = false
	if b.closed {
		b.mu.Unlock()
		return
	}
	b.wg.Add(1)
	defer b.wg.Done()
	shaking := append([]*conn(nil), b.shaking...)
	leaving := append([]*conn(nil), b.leaving...)
	waiting := len(b.waiting)
	if len(b.shaking)+len(b.waiting)+len(b.leaving) > 0 {
		b.tickLocked()
	}
	b.mu.Unlock()
	for _, c := range shaking {
		c.mu.Lock()
		if h := c.shake; c.state == stateShake {
			switch {
			case now >= h.deadline:
				b.stats.add(countTimeout)
				c.failed(transport.EOF, ErrTimeout)
			case waiting > 0 && h.since != 0 && now-h.since >= int64(stallTime):
				waiting--
				b.stats.add(countEvicted)
				c.failed(transport.EOF, ErrEvicted)
			}
			if c.state == stateFailed && c.leaving {
				c.leave()
			}
		}
		c.mu.Unlock()
	}
	for _, c := range leaving {
		c.mu.Lock()
		if now >= c.expires {
			c.abort()
		}
		c.mu.Unlock()
	}
}
