package wsdial

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// Conn is a connection to a server: a [wsconn.Conn] in the role of the client,
// and the net.Conn that it is over. Methods that read (Next, Read, WriteTo,
// ReadMessage, Receive) are for one goroutine at a time; all others, Close
// among them, may be called from any.
//
// Whoever has a Conn must call Close, CloseWith or CloseNow in the end, also
// if it has failed.
type Conn struct {
	*wsconn.Conn

	stream   stream
	protocol string
	header   http.Header
	patience time.Duration // Config.Close
	lease    *lease        // nil without compression
	keeper   *keeper       // nil without pings
	message  []byte        // of Receive

	ending sync.Once
	ended  error // of the first close
	now    sync.Once
}

// Protocol is the subprotocol that the server has chosen, "" if none.
func (c *Conn) Protocol() string { return c.protocol }

// Header has the fields of the server's answer.
func (c *Conn) Header() http.Header { return c.header }

// NetConn is what the connection is over: a *tls.Conn, or what Config.Connect
// has returned. It is not to be read or written.
func (c *Conn) NetConn() net.Conn { return c.stream.Conn }

// LocalAddr is the address of this end, of a proxy's connection if there is one.
func (c *Conn) LocalAddr() net.Addr { return c.stream.LocalAddr() }

// RemoteAddr is the address of the other end, the proxy's if there is one.
func (c *Conn) RemoteAddr() net.Addr { return c.stream.RemoteAddr() }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (c *Conn) SetDeadline(t time.Time) error { return c.stream.SetDeadline(t) }

// SetReadDeadline says until when methods that read wait for the peer to send,
// as in net.Conn. The zero Time is no limit. What they had begun to read is
// lost, and so is the connection for all further reading. They also answer, to
// pings and to what ends the connection: how long that waits for the peer to
// take it is for SetWriteDeadline.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.stream.SetReadDeadline(t) }

// SetWriteDeadline says until when methods that send wait. Behind a frame that
// was sent in part nothing can be sent.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.stream.SetWriteDeadline(t) }

// keptMessage is how long a message may be for Receive to keep its memory for
// the next, in bytes.
const keptMessage = 1 << 20

// Receive waits for a message and reads all of it, Config.MaxMessage bytes at
// most. p is valid until the next Receive.
func (c *Conn) Receive() (op ws.Opcode, p []byte, err error) {
	if cap(c.message) > keptMessage {
		c.message = nil
	}
	if op, err = c.Next(); err != nil {
		return 0, nil, err
	}
	p = c.message[:0]
	for {
		if len(p) == cap(p) {
			p = append(p, 0)[:len(p)]
		}
		n, err := c.Read(p[len(p):cap(p)])
		p = p[:len(p)+n]
		if err == io.EOF {
			c.message = p
			return op, p, nil
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// Close is CloseWith ws.CodeNormal.
func (c *Conn) Close() error { return c.CloseWith(ws.CodeNormal, "") }

// lingering is how long a server may take to close its end once the close
// handshake is over.
const lingering = time.Second

// CloseWith performs the close handshake (RFC 6455 section 7.1.2), within
// Config.Close, and closes the connection. Messages that come in the meantime
// are dropped. It returns nil if both ends have closed in order, whoever began,
// and otherwise why the connection has failed; it is closed all the same.
// Further calls wait for the first one and return what it did.
func (c *Conn) CloseWith(code ws.Code, reason string) error {
	c.ending.Do(func() {
		// A deadline would be in the way of whoever sets others.
		overdue := time.AfterFunc(c.patience, func() { c.stream.fail(ErrCloseTimeout) })
		c.ended = c.Conn.CloseWith(code, reason)
		overdue.Stop()
		if !c.IsOpen() {
			// The server closes first, so that what remains of a connection for
			// some minutes remains there (RFC 6455 section 7.1.1). And if it still
			// sends, closing would reset the connection, and it might never see
			// what our close frame says.
			c.stream.SetReadDeadline(time.Now().Add(min(c.patience, lingering)))
			io.Copy(io.Discard, c.stream.Conn)
		}
		c.CloseNow()
	})
	return c.ended
}

// CloseNow closes the connection without a word, for the peer an abnormal
// closure (1006). Everything that waits, also in another goroutine, fails
// with net.ErrClosed. So does a second CloseNow.
func (c *Conn) CloseNow() error {
	err := net.ErrClosed
	c.now.Do(func() {
		c.keeper.stop()
		err = c.stream.fail(net.ErrClosed)
		c.lease.free()
	})
	return err
}
