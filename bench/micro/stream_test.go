package micro

import (
	"io"
	"net"
	"sync"
	"time"
)

// stream is a connection in memory: a peer who sends the same bytes again and
// again, so many times, each time as one read if the buffer has room, and then
// closes; and who keeps what it was sent last.
//
// It is locked, since net/http reads ahead while a handler runs.
type stream struct {
	sync.Mutex
	in    []byte
	left  int    // times, the one at hand included
	at    int    // in in
	out   []byte // of the last answers
	fresh bool   // something was received since the last Write

	once   sync.Once
	closed chan struct{}
}

func newStream(in []byte, times int) *stream {
	return &stream{in: in, left: times, closed: make(chan struct{})}
}

func (s *stream) Read(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	if s.left == 0 {
		return 0, io.EOF
	}
	s.fresh = true
	n := copy(p, s.in[s.at:])
	if s.at += n; s.at == len(s.in) {
		s.at = 0
		s.left--
	}
	return n, nil
}

func (s *stream) Write(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	if s.fresh {
		s.out = s.out[:0]
		s.fresh = false
	}
	s.out = append(s.out, p...)
	return len(p), nil
}

func (s *stream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }

func (s *stream) LocalAddr() net.Addr              { return address{} }
func (s *stream) RemoteAddr() net.Addr             { return address{} }
func (s *stream) SetDeadline(time.Time) error      { return nil }
func (s *stream) SetReadDeadline(time.Time) error  { return nil }
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

// only is a listener with one client.
type only struct {
	c    net.Conn
	gone chan struct{}
	sync.Once
}

func listenerOf(c net.Conn) *only { return &only{c: c, gone: make(chan struct{})} }

func (l *only) Accept() (net.Conn, error) {
	if c := l.c; c != nil {
		l.c = nil
		return c, nil
	}
	<-l.gone
	return nil, net.ErrClosed
}

func (l *only) Close() error {
	l.Do(func() { close(l.gone) })
	return nil
}

func (l *only) Addr() net.Addr { return address{} }
