package coapdial

import (
	"context"
	"net"
	"os"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/coapconn"
)

// tcp is a connection over a stream: one goroutine reads, one writes.
type tcp struct {
	conn    *coapconn.Conn
	stream  *stream
	waiting int         // Config.Waiting
	wake    chan func() // what the goroutine that writes is to do
	settled chan struct{}
	once    sync.Once     // closes settled
	over    chan struct{} // closed when reading is over
	err     error         // then, why; nil if the peer was released
	all     sync.WaitGroup
	calls   sync.Pool // of *coapconn.Call
}

// stream is the net.Conn of a tcp.
type stream struct {
	net.Conn
	stuck time.Duration
}

// reason is how long the peer may take to say why it does not read any more.
const reason = time.Second

func (s *stream) Write(p []byte) (int, error) {
	s.SetWriteDeadline(time.Now().Add(s.stuck))
	n, err := s.Conn.Write(p)
	if err != nil {
		s.SetReadDeadline(time.Now().Add(reason)) // see coapconn.Conn.Run
		if os.IsTimeout(err) {
			err = ErrTimeout
		}
	}
	return n, err
}

// start is what times are counted from, by the monotonic clock.
var start = time.Now()

// clock is a time in nanoseconds.
func clock() int64 { return int64(time.Since(start)) }

// overTCP begins a connection over a stream, which it takes if it does not fail.
func overTCP(nc net.Conn, c *Config) (*tcp, error) {
	t := &tcp{
		stream:  &stream{nc, c.Stuck},
		waiting: c.Waiting,
		wake:    make(chan func(), 1),
		settled: make(chan struct{}),
		over:    make(chan struct{}),
	}
	t.calls.New = func() any { return new(coapconn.Call) }
	config := coapconn.Config{
		In:         make([]byte, c.Memory),
		Out:        make([]byte, 2*c.Memory),
		Exchanges:  c.Requests,
		BlockWise:  true,
		Resources:  c.Resources,
		Background: func(f func()) { t.wake <- f },
		Settled:    func() { t.once.Do(func() { close(t.settled) }) },
	}
	if c.Resources != nil {
		config.Arena = make([]byte, 4096)
		config.Answers = make([]byte, 3*c.Memory)
		config.Pushes = make([]byte, 2*c.Memory)
		config.Now = clock
	}
	conn, err := coapconn.New(config)
	if err != nil {
		return nil, err
	}
	t.conn = conn
	t.all.Go(t.write)
	if err := conn.Reset(t.stream); err != nil {
		close(t.over)
		t.all.Wait()
		return nil, err
	}
	t.all.Go(t.read)
	if c.Resources != nil {
		t.all.Go(func() { t.sweep(c) })
	}
	return t, nil
}

func (t *tcp) write() {
	for {
		select {
		case f := <-t.wake:
			f()
		case <-t.over:
			select {
			case f := <-t.wake:
				f()
			default:
			}
			return
		}
	}
}

func (t *tcp) read() {
	t.err = t.conn.Run()
	t.stream.Close()
	close(t.over)
}

// sweep ends what is due among the resources.
func (t *tcp) sweep(c *Config) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.Resources.Sweep(t.conn, clock())
		case <-t.over:
			return
		}
	}
}

func (t *tcp) Do(ctx context.Context, m coap.Message, into []byte) (coap.Message, error) {
	a := t.get()
	defer t.put(a)
	return t.call(ctx, a, m, into)
}

// get is a call, put gives one back that is over.
func (t *tcp) get() *coapconn.Call { return t.calls.Get().(*coapconn.Call) }

func (t *tcp) put(a *coapconn.Call) {
	if a.Keep {
		_ = t.conn.Cancel(a, nil) // it is over: nothing is waited for
	}
	a.Options, a.Payload, a.Into, a.Answer, a.Keep = nil, nil, nil, coap.Message{}, false
	t.calls.Put(a)
}

// call is Do by a call of the caller's.
func (t *tcp) call(ctx context.Context, a *coapconn.Call, m coap.Message, into []byte) (coap.Message, error) {
	a.Code, a.Options, a.Payload, a.Into = m.Code, m.Options, m.Payload, into
	err := t.conn.Do(a, ctx.Done())
	return a.Answer, cause(ctx, err)
}

// cause is what a call has failed with, by the words of its context.
func cause(ctx context.Context, err error) error {
	if err == coapconn.ErrCancelled {
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return err
}

// farewell is how long a deregistration may wait for its turn, and a peer may
// take to close when it was released and owes nothing.
const farewell = time.Second

func (t *tcp) Observe(ctx context.Context, m coap.Message, f func(coap.Message) error) error {
	q := &queue{most: t.waiting, more: make(chan struct{}, 1)}
	// The memory is this call's alone: Run may still have it when we leave.
	a := &coapconn.Call{Code: m.Code, Options: m.Options, Payload: m.Payload, Into: make([]byte, t.MaxAnswer()), Notify: q.push}
	if err := t.conn.Start(a, ctx.Done()); err != nil {
		return cause(ctx, err)
	}
	select {
	case <-a.Done():
	case <-ctx.Done():
		t.leave(a)
		return context.Cause(ctx)
	}
	if a.Err != nil {
		t.leave(a) // one whose answer is refused observes all the same
		return a.Err
	}
	m = a.Answer
	for {
		if err := f(m); err != nil {
			t.leave(a)
			return err
		}
		if m.Code.Class() != 2 || !m.Options.Has(coap.OptObserve) {
			return nil
		}
		var err error
		if m, err = q.pop(ctx); err != nil {
			t.leave(a)
			return err
		}
	}
}

// leave ends an observation.
func (t *tcp) leave(a *coapconn.Call) {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	// If the peer cannot be told, it takes nothing, and the connection will fail.
	_ = t.conn.Cancel(a, ctx.Done())
}

// queue is notifications that wait for their observer.
type queue struct {
	most int
	more chan struct{}

	mu   sync.Mutex
	list []coap.Message
	err  error
}

// push is a Notify.
func (q *queue) push(m coap.Message, err error) {
	q.mu.Lock()
	if err != nil {
		q.err = err
	} else {
		if len(q.list) == q.most {
			// The last state is what an observer wants (RFC 7641 section 1.3).
			copy(q.list, q.list[1:])
			q.list = q.list[:len(q.list)-1]
		}
		n := len(m.Options)
		b := append(append(make([]byte, 0, n+len(m.Payload)), m.Options...), m.Payload...)
		q.list = append(q.list, coap.Message{Code: m.Code, Options: coap.Options(b[:n:n]), Payload: b[n:]})
	}
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// pop waits for the next.
func (q *queue) pop(ctx context.Context) (coap.Message, error) {
	for {
		q.mu.Lock()
		if len(q.list) != 0 {
			m := q.list[0]
			copy(q.list, q.list[1:])
			q.list[len(q.list)-1] = coap.Message{}
			q.list = q.list[:len(q.list)-1]
			q.mu.Unlock()
			return m, nil
		}
		err := q.err
		q.mu.Unlock()
		if err != nil {
			return coap.Message{}, err
		}
		select {
		case <-q.more:
		case <-ctx.Done():
			return coap.Message{}, context.Cause(ctx)
		}
	}
}

func (t *tcp) Ping(ctx context.Context) error {
	_, err := t.Do(ctx, coap.Message{Code: coap.CodePing}, nil)
	return err
}

func (t *tcp) Release(ctx context.Context) error {
	// Its turn may be long in coming, if the peer takes nothing.
	said := make(chan error, 1)
	t.all.Go(func() { said <- t.conn.Release("", 0) })
	select {
	case err := <-said:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	// Some servers do not close after a Release: nobody is waited for who owes
	// nothing.
	tick := time.NewTicker(farewell / 2)
	defer tick.Stop()
	for idle := 0; idle < 2; {
		select {
		case <-t.over:
			return t.err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			if idle++; t.conn.Waiting() != 0 {
				idle = 0
			}
		}
	}
	return nil
}

func (t *tcp) Close() error {
	t.conn.Close()
	err := t.stream.Close()
	t.all.Wait()
	return err
}

// settle waits until the peer has said what it takes, but not for long: it may
// never say.
func (t *tcp) settle(ctx context.Context) {
	select {
	case <-t.settled:
		return
	default:
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-t.settled:
	case <-t.over:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// grace is how long a peer may take for its CSM before the base values are taken
// for its last word.
const grace = time.Second

func (t *tcp) MaxPayload() int {
	return int(min(t.conn.Peer().Message(), maxMemory)) - coap.MaxTCPHeader - coap.MaxToken - 1
}

func (t *tcp) MaxAnswer() int       { return int(t.conn.Settings().Message()) }
func (t *tcp) BERT() bool           { return t.conn.Peer().BERT() && t.conn.Settings().BERT() }
func (t *tcp) LocalAddr() net.Addr  { return t.stream.LocalAddr() }
func (t *tcp) RemoteAddr() net.Addr { return t.stream.RemoteAddr() }
