package wsconn

import "github.com/bobtail-go/bobtail/ws"

// This file ends connections (RFC 6455 section 7).

// StartClose sends a close frame: no message may be sent behind it, and what
// the peer sends from then on, until his own close frame, is discarded by the
// methods that read. One that is being sent is cut off between two of its
// frames. The code is one that may be sent, or ws.CodeNoStatus for an empty
// frame; of the reason, UTF-8, the first ws.MaxReason bytes are sent.
//
// It waits for a frame that is being sent. If a close frame was sent already,
// it returns ErrClosed, or the *CloseError that it was an answer to; if the
// connection has failed, why.
func (c *Conn) StartClose(code ws.Code, reason string) error {
	if !code.MayBeSent() && code != ws.CodeNoStatus {
		return ErrCode
	}
	c.lock()
	err := c.stop
	if err == nil {
		if err = c.putClose(code, reason); err == nil {
			c.sent.Store(true)
			c.advance(ws.EventSendClose)
			c.finish(ErrClosed)
		}
	}
	c.unlock()
	return err
}

// CloseWith closes the connection in order: it sends a close frame as StartClose
// does, unless one was sent, and waits until the peer's is here, reading on if
// nobody else does. It returns nil if both ends have closed, whoever began, and
// otherwise why the connection has failed. Reading then returns a *CloseError
// with what the peer said.
//
// The stream is then to be closed, by a server at once; a client leaves the
// server some time to be first, so that not he but the server has to remember
// the connection for a while (RFC 6455 section 7.1.1).
func (c *Conn) CloseWith(code ws.Code, reason string) error {
	if err := c.StartClose(code, reason); err != nil && !ErrClosed.Is(err) && !c.isClosed(err) {
		return err
	}
	c.reading.Lock()
	err := c.drain()
	c.reading.Unlock()
	if c.isClosed(err) {
		return nil
	}
	return err
}

// isClosed reports whether an error says that the peer has closed.
func (c *Conn) isClosed(err error) bool {
	e, ok := err.(*CloseError)
	return ok && e == &c.closed
}

// putClose sends a close frame; sending is held.
func (c *Conn) putClose(code ws.Code, reason string) error {
	at := c.controlHead()
	return c.putControl(ws.OpClose, len(ws.AppendClose(c.control[at:at], code, reason)))
}

// closeReceived answers the peer's close frame with his own code (RFC 6455
// section 5.5.1), if it is not itself an answer. A message that is being sent
// is not waited for, only the frame.
func (c *Conn) closeReceived(p ws.Part) error {
	c.closed = CloseError{Code: p.Code, Reason: p.Payload}
	c.fault = &c.closed
	c.lock()
	c.advance(ws.EventReceiveClose)
	if c.stop == nil && c.putClose(p.Code, "") == nil {
		c.advance(ws.EventSendClose)
	}
	c.finish(c.fault)
	c.unlock()
	return c.fault
}

// reject tells the peer by a close frame that he has broken a rule.
func (c *Conn) reject(err error, code ws.Code) {
	c.lock()
	if c.stop == nil {
		// The reason is for who looks for the fault at the other end.
		_ = c.putClose(code, err.Error())
	}
	c.advance(ws.EventFail)
	c.finish(err)
	c.unlock()
}

// lost ends sending, since the stream has ended. Who is sending a frame is not
// waited for: it may take for ever, and a deadline for reading must hold.
func (c *Conn) lost(err error) {
	c.owing.Lock()
	c.gone = err
	c.owes.Store(true) // before over, which has others look
	c.owing.Unlock()
	c.over.Store(true)
	c.remind()
}
