package coapudp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// Conn is the client's end of CoAP over UDP: the message layer, without blocks.
// Its methods may be called from any goroutine, and by many at a time;
// Transmission.NStart says how many requests are really under way.
//
// Whoever has a Conn must call Close in the end.
//
// A Conn uses each of the 65536 message IDs in turn, and does not mind the rule
// that none is used again within EXCHANGE_LIFETIME (RFC 7252 section 4.4): a
// program that sends more than 265 messages a second for minutes should spread
// them over several connections, if its server remembers for that long.
type Conn struct {
	cfg    ClientConfig
	conn   net.Conn
	places chan struct{} // NStart of them
	closed chan struct{} // by Close
	ended  chan struct{} // when nothing is read any more

	written atomic.Uint32 // datagrams

	mu      sync.Mutex
	over    error // why no call can be made, nil as long as some can
	mid     uint16
	byToken map[[tokenLength]byte]*call
	byID    map[uint16]*call
	spare   []*call
	random  entropy
	heard   [64]heard // what has come last, to tell duplicates
	next    int       // of heard
}

// tokenLength is the length of our tokens in bytes: all of them random, since
// they protect from answers of others (RFC 7252 section 5.3.1).
const tokenLength = 8

// heard is a message that has come and was taken.
type heard struct {
	at  time.Time
	mid uint16
}

// entropy is random bytes in stock.
type entropy struct {
	b    [256]byte
	used int
}

func (e *entropy) read() {
	rand.Read(e.b[:]) // never fails
	e.used = 0
}

func (e *entropy) next() uint64 {
	if e.used == len(e.b) {
		e.read()
	}
	e.used += 8
	return binary.LittleEndian.Uint64(e.b[e.used-8:])
}

// call is a request, an observation or a ping that is under way. What its owner
// does not guard by the lock of the Conn is his own.
type call struct {
	token [tokenLength]byte
	mid   uint16
	ping  bool
	out   []byte        // the datagram
	event chan struct{} // of capacity 1: look at what follows
	timer *time.Timer

	// Behind the lock.
	acked bool
	done  bool
	err   error
	into  []byte
	in    coap.Message
	watch *watch // of an observation
}

// begin takes a call, with a datagram of a message in it; it is not under way
// yet. The token is chosen here if the message has none of the right length.
func (c *Conn) begin(m coap.Message, t coap.Type, into []byte) (*call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over != nil {
		return nil, c.over
	}
	var k *call
	if n := len(c.spare); n > 0 {
		k = c.spare[n-1]
		c.spare = c.spare[:n-1]
		select {
		case <-k.event: // of the call before
		default:
		}
	} else {
		k = &call{event: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
		k.timer.Stop()
	}
	k.acked, k.done, k.err, k.into, k.in, k.watch, k.ping = false, false, nil, into, coap.Message{}, nil, m.Code == coap.CodeEmpty
	if !k.ping {
		if len(m.Token) == tokenLength {
			k.token = [tokenLength]byte(m.Token)
		} else {
			binary.LittleEndian.PutUint64(k.token[:], c.random.next())
		}
		m.Token = k.token[:]
	}
	if coap.SizeUDP(m) > maxDatagram {
		c.spare = append(c.spare, k)
		return nil, ErrTooLong
	}
	k.out = coap.AppendUDP(k.out[:0], coap.Datagram{Message: m, Type: t})
	return k, nil
}

// maxDatagram is the longest payload of a UDP datagram over IPv4.
const maxDatagram = 65507

// enter has a call found by what comes, under a new message ID. The lock is
// held.
func (c *Conn) enter(k *call) {
	c.leave(k) // a registration that is renewed may still wait for its acknowledgement
	for {
		c.mid++
		if c.byID[c.mid] == nil {
			break
		}
	}
	k.mid = c.mid
	k.out[2], k.out[3] = byte(k.mid>>8), byte(k.mid)
	c.byID[k.mid] = k
	if !k.ping {
		c.byToken[k.token] = k
	}
}

// leave has a call found no more. The lock is held.
func (c *Conn) leave(k *call) {
	if c.byID[k.mid] == k {
		delete(c.byID, k.mid)
	}
	if !k.ping && c.byToken[k.token] == k {
		delete(c.byToken, k.token)
	}
}

// end gives a call back.
func (c *Conn) end(k *call) {
	k.timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave(k)
	k.into, k.in, k.watch = nil, coap.Message{}, nil
	c.spare = append(c.spare, k)
}

// finish ends a call's waiting. The lock is held.
func (k *call) finish(err error) {
	if !k.done {
		k.done, k.err = true, err
		k.signal()
	}
}

// signal wakes the owner of a call.
func (k *call) signal() {
	select {
	case k.event <- struct{}{}:
	default:
	}
}

// transmit sends a call's datagram, again if need be, until it is done, or, for
// an observation, answered for the first time; ctx may end it, or Close.
func (c *Conn) transmit(ctx context.Context, k *call) error {
	// RFC 7252 section 4.7.
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.closed:
		return ErrClosed
	}
	placed := true
	defer func() {
		if placed {
			<-c.places
		}
	}()
	c.mu.Lock()
	if err := c.over; err != nil {
		c.mu.Unlock()
		return err
	}
	if other := c.byToken[k.token]; !k.ping && other != nil && other != k {
		c.mu.Unlock()
		return ErrToken
	}
	c.enter(k)
	c.mu.Unlock()
	confirmable := coap.Type(k.out[0]>>4&3) == coap.Confirmable
	wait := c.cfg.Patience
	if confirmable {
		wait = c.cfg.Transmission.first()
	}
	if err := c.write(k.out); err != nil {
		return err
	}
	k.timer.Reset(wait)
	for tries := 0; ; {
		select {
		case <-k.event:
			c.mu.Lock()
			done, err, acked := k.done, k.err, k.acked
			if k.watch != nil && k.watch.n > 0 {
				done = true
			}
			c.mu.Unlock()
			if done {
				return err
			}
			if acked && placed {
				// What is acknowledged is not sent again, and not outstanding.
				placed = false
				<-c.places
				confirmable = false
				k.timer.Reset(c.cfg.Patience)
			}
		case <-k.timer.C:
			if !confirmable || tries == c.cfg.Transmission.MaxRetransmit {
				return ErrUnanswered
			}
			// RFC 7252 section 4.2.
			tries++
			wait *= 2
			if err := c.write(k.out); err != nil {
				return err
			}
			k.timer.Reset(wait)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.closed:
			return ErrClosed
		}
	}
}

func (c *Conn) write(b []byte) error {
	c.written.Add(1)
	_, err := c.conn.Write(b)
	if err != nil && errors.Is(err, net.ErrClosed) {
		return ErrClosed
	}
	return err
}

// kind is the type of requests.
func (c *Conn) kind() coap.Type {
	if c.cfg.NonConfirmable {
		return coap.NonConfirmable
	}
	return coap.Confirmable
}

// Do sends a request and waits for its answer. Its token is chosen at random,
// unless the message has one of 8 bytes, as for one that several requests of a
// transfer by blocks have in common: it must be as random, and not that of
// another request that is under way, which fails with ErrToken.
// Options and payload of the answer are put into into, and are part of what is
// returned; it fails with ErrTooLong if they do not fit. An answer of 4.xx or
// 5.xx is no error, but for one that wants an Echo option to be repeated (RFC
// 9175 section 2.3): that is done, once, and the answer to it counts.
//
// Do fails with ErrUnanswered, ErrReset, ErrClosed, the cause of ctx, and with
// errors of the socket, such as that nobody listens where the request was sent.
func (c *Conn) Do(ctx context.Context, m coap.Message, into []byte) (coap.Message, error) {
	if !m.Code.IsRequest() {
		return coap.Message{}, ErrRequest
	}
	a, err := c.do(ctx, m, into)
	if again, ok := repeat(m, a); ok && err == nil {
		return c.do(ctx, again, into)
	}
	return a, err
}

// repeat is a request with the Echo option that its answer wants to see.
func repeat(m, a coap.Message) (again coap.Message, ok bool) {
	if a.Code != coap.CodeUnauthorized || m.Options.Has(coap.OptEcho) {
		return m, false
	}
	v, ok := a.Options.Get(coap.OptEcho)
	if !ok {
		return m, false
	}
	o := make([]byte, len(m.Options), len(m.Options)+coap.MaxOptionHeader+len(v))
	copy(o, m.Options)
	m.Options = coap.InsertOption(o, coap.OptEcho, v)
	return m, true
}

func (c *Conn) do(ctx context.Context, m coap.Message, into []byte) (coap.Message, error) {
	k, err := c.begin(m, c.kind(), into)
	if err != nil {
		return coap.Message{}, err
	}
	err = c.transmit(ctx, k)
	c.mu.Lock()
	a := k.in
	c.mu.Unlock()
	c.end(k)
	if err != nil {
		return coap.Message{}, err
	}
	return a, nil
}

// Ping asks whether the peer is there, by an empty message, which it rejects
// (RFC 7252 section 4.3). It fails as Do does.
func (c *Conn) Ping(ctx context.Context) error {
	k, err := c.begin(coap.Message{}, coap.Confirmable, nil)
	if err != nil {
		return err
	}
	err = c.transmit(ctx, k)
	c.end(k)
	return err
}

// Release does nothing: over UDP there is no connection to be released.
func (c *Conn) Release(context.Context) error { return nil }

// Close ends all calls, with ErrClosed, and closes the socket. When it returns,
// nothing of the connection runs any more.
func (c *Conn) Close() error {
	c.mu.Lock()
	first := c.over != ErrClosed
	c.over = ErrClosed
	c.mu.Unlock()
	if first {
		close(c.closed)
		c.conn.Close()
	}
	<-c.ended
	return nil
}

// MaxPayload is how many bytes of payload a request should have at most: 1024
// (RFC 7252 section 4.6).
func (c *Conn) MaxPayload() int { return 1024 }

// MaxAnswer is the length of the longest message that is taken, in bytes.
func (c *Conn) MaxAnswer() int { return c.cfg.MaxMessage }

// BERT is false: only reliable transports have it (RFC 8323 section 6).
func (c *Conn) BERT() bool { return false }

// LocalAddr is the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr is the address of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }
