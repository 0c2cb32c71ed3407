package wsdial

import (
	"net"
	"sync/atomic"
	"time"
)

// stream is what a wsconn.Conn is over: a net.Conn that knows since when its
// reader waits, and why it was closed.
type stream struct {
	net.Conn
	waits atomic.Int64 // since when Read waits, by clock, 0 if it does not
	heard atomic.Int64 // when something was received
	cause atomic.Pointer[error]
}

// start is what times are counted from, by the monotonic clock.
var start = time.Now()

// clock is a time in nanoseconds, never 0.
func clock() int64 { return int64(time.Since(start)) + 1 }

func (s *stream) Read(p []byte) (int, error) {
	s.waits.Store(clock())
	n, err := s.Conn.Read(p)
	if n > 0 {
		s.heard.Store(clock())
	}
	s.waits.Store(0)
	return n, s.why(err)
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	return n, s.why(err)
}

// why is the reason for an error, if it was closed for one.
func (s *stream) why(err error) error {
	if err != nil {
		if cause := s.cause.Load(); cause != nil {
			return *cause
		}
	}
	return err
}

// fail closes the stream, for a reason that its user is told.
func (s *stream) fail(cause error) error {
	s.cause.CompareAndSwap(nil, &cause)
	return s.Conn.Close()
}
