package netstd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobtail-go/bobtail/transport"
	"github.com/bobtail-go/bobtail/transport/netstd"
)

const limit = time.Minute

// An engine that serves one stream at a time.
type engine struct {
	t *testing.T
	*netstd.Backend
	ev [8]transport.Event
}

func newEngine(t *testing.T, cfg netstd.Config) *engine {
	t.Helper()
	b, err := netstd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return &engine{t: t, Backend: b}
}

// wait waits for one event or more.
func (e *engine) wait() {
	e.t.Helper()
	n, err := e.Wait(0, e.ev[:], e.Now()+int64(limit))
	if n == 0 || err != nil {
		e.t.Fatalf("Wait = %d, %v", n, err)
	}
}

func (e *engine) accept(l transport.Listener) transport.Stream {
	e.t.Helper()
	for {
		s, err := e.Accept(l)
		if err == nil {
			if err := e.Attach(s, 0, 1); err != nil {
				e.t.Fatal(err)
			}
			return s
		}
		if err != transport.ErrWouldBlock {
			e.t.Fatal(err)
		}
		e.wait()
	}
}

func (e *engine) receive(s transport.Stream) (string, error) {
	e.t.Helper()
	for {
		view, err := e.Receive(s, make([]byte, 64))
		if err != transport.ErrWouldBlock {
			got := string(view)
			e.Consume(s, len(view))
			return got, err
		}
		e.wait()
	}
}

func (e *engine) send(s transport.Stream, text string) {
	e.t.Helper()
	for text != "" {
		n, err := e.Send(s, [][]byte{[]byte(text)})
		if err == transport.ErrWouldBlock {
			e.wait()
			continue
		}
		if err != nil {
			e.t.Fatal(err)
		}
		text = text[n:]
	}
}

func localhost(t *testing.T) *net.TCPListener {
	t.Helper()
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return nl.(*net.TCPListener)
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}
	for _, cfg := range []netstd.Config{{}, {Buffered: true, Buffer: 100}} {
		e := newEngine(t, cfg)
		nl := localhost(t)
		l, err := e.ListenOn(tls.NewListener(nl, server), 0)
		if err != nil {
			t.Fatal(err)
		}
		if e.ListenerAddr(l).String() != nl.Addr().String() {
			t.Fatalf("ListenerAddr = %v, want %v", e.ListenerAddr(l), nl.Addr())
		}
		e.Arm(l, true)
		result := make(chan error, 1)
		go func() {
			result <- func() error {
				c, err := tls.Dial("tcp", nl.Addr().String(), &tls.Config{InsecureSkipVerify: true})
				if err != nil {
					return err
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(limit))
				if _, err := c.Write([]byte("question")); err != nil {
					return err
				}
				if err := c.CloseWrite(); err != nil {
					return err
				}
				got, err := io.ReadAll(c)
				if string(got) != "answer" {
					return errors.New("read " + string(got))
				}
				return err
			}()
		}()
		s := e.accept(l)
		if got, err := e.receive(s); got != "question" || err != nil {
			t.Fatalf("received %q, %v", got, err)
		}
		if got, err := e.receive(s); err != transport.EOF {
			t.Fatalf("received %q, %v, want EOF", got, err)
		}
		e.send(s, "answer")
		e.CloseStream(s)
		if err := <-result; err != nil {
			t.Fatal(err)
		}
	}
}

// A scripted listener has no SetDeadline and no descriptor.
type scripted struct {
	net.Listener // of which only the address is used
	next         chan func() (net.Conn, error)
	done         chan struct{}
}

func newScripted(t *testing.T) *scripted {
	return &scripted{localhost(t), make(chan func() (net.Conn, error)), make(chan struct{})}
}

func (l *scripted) Accept() (net.Conn, error) {
	select {
	case f := <-l.next:
		return f()
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *scripted) Close() error {
	close(l.done)
	return l.Listener.Close()
}

func TestAcceptErrors(t *testing.T) {
	e := newEngine(t, netstd.Config{})
	nl := newScripted(t)
	l, err := e.ListenOn(nl, 0)
	if err != nil {
		t.Fatal(err)
	}
	e.Arm(l, true)
	full := func() (net.Conn, error) { return nil, transport.ErrDescriptors }
	aborted := func() (net.Conn, error) { return nil, transport.ErrAborted }
	nl.next <- aborted // skipped
	nl.next <- full
	e.wait()
	e.wait() // told again
	if _, err := e.Accept(l); err != transport.ErrDescriptors {
		t.Fatalf("Accept = %v, want ErrDescriptors", err)
	}
	if _, err := e.Accept(l); err != transport.ErrWouldBlock {
		t.Fatalf("Accept = %v, want ErrWouldBlock", err)
	}
	// A pipe has neither a descriptor nor an address nor a half-close.
	near, far := net.Pipe()
	defer far.Close()
	nl.next <- func() (net.Conn, error) { return near, nil }
	e.wait()
	s := e.accept(l)
	if !e.Remote(s).IsUnset() || !e.Local(s).IsUnset() {
		t.Errorf("ends of a pipe: %v, %v", e.Local(s), e.Remote(s))
	}
	if err := e.CloseWrite(s); err != transport.ErrNotSupported {
		t.Errorf("CloseWrite = %v, want ErrNotSupported", err)
	}
	e.QuietListener(l)
	if _, err := e.Accept(l); err != transport.ErrWouldBlock {
		t.Errorf("Accept = %v, want ErrWouldBlock", err)
	}
	e.Abort(s)
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the other end of an aborted pipe reads on")
	}
}

func TestDialTimeout(t *testing.T) {
	e := newEngine(t, netstd.Config{DialTimeout: 1})
	nl := localhost(t)
	defer nl.Close()
	s, err := e.Dial(transport.IPv4(127, 0, 0, 1, uint16(nl.Addr().(*net.TCPAddr).Port)))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Attach(s, 0, 1); err != nil {
		t.Fatal(err)
	}
	if got, err := e.receive(s); err != transport.ErrTimedOut {
		t.Fatalf("Receive = %q, %v, want ErrTimedOut", got, err)
	}
}

// acceptPipe makes a stream whose peer reads when the test does, without the
// kernel's buffers between.
func acceptPipe(t *testing.T, e *engine) (transport.Stream, net.Conn) {
	t.Helper()
	nl := newScripted(t)
	l, err := e.ListenOn(nl, 0)
	if err != nil {
		t.Fatal(err)
	}
	e.Arm(l, true)
	near, far := net.Pipe()
	nl.next <- func() (net.Conn, error) { return near, nil }
	return e.accept(l), far
}

// A noticing connection says when it is closed.
type noticing struct {
	net.Conn
	closed chan struct{} // of one place
}

func (c noticing) Close() error {
	err := c.Conn.Close()
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return err
}

func TestLinger(t *testing.T) {
	t.Run("what was taken is sent", func(t *testing.T) {
		e := newEngine(t, netstd.Config{Buffered: true})
		s, far := acceptPipe(t, e)
		if n, err := e.Send(s, [][]byte{[]byte("last words")}); n != 10 || err != nil {
			t.Fatalf("Send = %d, %v", n, err)
		}
		e.CloseStream(s)
		if got, err := io.ReadAll(far); string(got) != "last words" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
	})
	t.Run("not for ever", func(t *testing.T) {
		e := newEngine(t, netstd.Config{Buffered: true, Linger: 1})
		nl := newScripted(t)
		l, err := e.ListenOn(nl, 0)
		if err != nil {
			t.Fatal(err)
		}
		e.Arm(l, true)
		near, far := net.Pipe()
		defer far.Close() // which nobody reads from
		closed := make(chan struct{}, 1)
		nl.next <- func() (net.Conn, error) { return noticing{near, closed}, nil }
		s := e.accept(l)
		e.Send(s, [][]byte{[]byte("last words")})
		e.CloseStream(s)
		select {
		case <-closed:
		case <-time.After(limit):
			t.Fatal("the connection was not closed")
		}
	})
	t.Run("not beyond Close", func(t *testing.T) {
		e := newEngine(t, netstd.Config{Buffered: true, Linger: 24 * time.Hour})
		s, far := acceptPipe(t, e)
		e.Send(s, [][]byte{[]byte("last words")})
		e.CloseStream(s)
		e.Close()
		if got, _ := io.ReadAll(far); len(got) != 0 {
			t.Fatalf("read %q after Close", got)
		}
	})
}

func TestConfigOutOfBounds(t *testing.T) {
	for _, cfg := range []netstd.Config{{Lanes: -1}, {Lanes: 257}, {Buffer: -1}, {DialTimeout: -1}, {Linger: -1}} {
		if _, err := netstd.New(cfg); err != transport.ErrNotSupported {
			t.Errorf("New(%+v) = %v, want ErrNotSupported", cfg, err)
		}
	}
}

func TestCallsAfterClose(t *testing.T) {
	e := newEngine(t, netstd.Config{})
	s, far := acceptPipe(t, e)
	defer far.Close()
	e.Close()
	_, receiveErr := e.Receive(s, make([]byte, 1))
	_, sendErr := e.Send(s, nil)
	_, dialErr := e.Dial(transport.IPv4(127, 0, 0, 1, 1))
	_, listenErr := e.Listen(transport.IPv4(127, 0, 0, 1, 0), 0)
	_, waitErr := e.Wait(0, e.ev[:], transport.Forever)
	_, acceptErr := e.Accept(0)
	for i, err := range []error{receiveErr, sendErr, dialErr, listenErr, waitErr, acceptErr, e.CloseWrite(s), e.Attach(s, 0, 0)} {
		if err != transport.ErrClosed {
			t.Errorf("call %d: %v, want ErrClosed", i, err)
		}
	}
	e.CloseStream(s)
	e.Abort(s)
	e.CloseListener(0)
	e.Wake(0)
}

// A watched listener says when its Accept runs.
type watched struct {
	*net.TCPListener
	running atomic.Int32
	entered chan struct{}
}

func (l *watched) Accept() (net.Conn, error) {
	l.running.Add(1)
	defer l.running.Add(-1)
	l.entered <- struct{}{}
	return l.TCPListener.Accept()
}

func TestNobodyAcceptsWhileDisarmed(t *testing.T) {
	for _, off := range []struct {
		name string
		f    func(*engine, transport.Listener)
	}{
		{"disarmed", func(e *engine, l transport.Listener) { e.Arm(l, false) }},
		{"quiet", func(e *engine, l transport.Listener) { e.QuietListener(l) }},
	} {
		t.Run(off.name, func(t *testing.T) {
			e := newEngine(t, netstd.Config{})
			nl := &watched{TCPListener: localhost(t), entered: make(chan struct{}, 8)}
			l, err := e.ListenOn(nl, 0)
			if err != nil {
				t.Fatal(err)
			}
			e.Arm(l, true)
			<-nl.entered
			off.f(e, l)
			if n := nl.running.Load(); n != 0 {
				t.Fatalf("%d goroutines accept", n)
			}
		})
	}
}
