package wsdial

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// NetConn is a connection as a stream of bytes, for protocols that want a
// net.Conn. Each Write sends a message of kind op, and Read gives the content
// of messages, whose bounds are not seen. A message of the other kind closes
// the connection (1003), and Read fails with ErrWrongKind. That the peer has
// closed with 1000, 1001 or without a code is io.EOF.
//
// Close closes c in order. c is not to be used otherwise from now on. Deadlines
// are those of c: behind one that has passed, nothing more can be read, or
// sent.
func NetConn(c *Conn, op ws.Opcode) net.Conn { return &netConn{c: c, op: op} }

// netConn does not embed its Conn, which has methods, such as WriteTo, that
// mean a message where those of a stream mean all of it.
type netConn struct {
	c  *Conn
	op ws.Opcode

	mu     sync.Mutex // held by Read
	inside bool       // a message
	wrong  bool       // kind of message: the peer's answer to that is no end of a stream
}

func (n *netConn) Read(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(p) > 0 {
		if !n.inside {
			if err := n.next(); err != nil {
				return 0, err
			}
		}
		m, err := n.c.Read(p)
		if err == io.EOF {
			n.inside, err = false, nil
		}
		if m > 0 || err != nil {
			return m, err
		}
	}
	return 0, nil
}

// next waits for a message.
func (n *netConn) next() error {
	if n.wrong {
		return ErrWrongKind
	}
	op, err := n.c.Next()
	if err != nil {
		return end(err)
	}
	if op != n.op {
		n.wrong = true
		n.c.CloseWith(ws.CodeUnsupportedData, "wrong kind of message")
		return ErrWrongKind
	}
	n.inside = true
	return nil
}

// end is how a stream says what ended its connection.
func end(err error) error {
	var closed *wsconn.CloseError
	if errors.As(err, &closed) {
		switch closed.Code {
		case ws.CodeNormal, ws.CodeGoingAway, ws.CodeNoStatus:
			return io.EOF
		}
	}
	return err
}

func (n *netConn) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := n.c.WriteMessage(n.op, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (n *netConn) Close() error                       { return n.c.Close() }
func (n *netConn) LocalAddr() net.Addr                { return n.c.LocalAddr() }
func (n *netConn) RemoteAddr() net.Addr               { return n.c.RemoteAddr() }
func (n *netConn) SetDeadline(t time.Time) error      { return n.c.SetDeadline(t) }
func (n *netConn) SetReadDeadline(t time.Time) error  { return n.c.SetReadDeadline(t) }
func (n *netConn) SetWriteDeadline(t time.Time) error { return n.c.SetWriteDeadline(t) }
