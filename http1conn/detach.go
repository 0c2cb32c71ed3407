package http1conn

import "github.com/bobtail-go/bobtail/http1"

// Detach gives the stream up in the midst of a request, for a program that
// goes on with it in its own way: whole answers to earlier requests are sent,
// and the head of this one's if it is complete, and what was received and not
// used is returned, valid until the Conn is used again. Content is among it as
// it was sent, framing included. The Conn is closed, as far as HTTP is
// concerned. Detach fails with http1.ErrState when no request is at hand, and
// as Flush does.
func (c *Conn) Detach() (rest []byte, err error) {
	switch c.state {
	case http1.StateBody, http1.StateRespond, http1.StateEarly, http1.StateContent, http1.StateDrain, http1.StateComplete:
	default:
		return nil, http1.ErrState
	}
	if c.rw == nil {
		return nil, http1.ErrState
	}
	if err := c.Flush(); err != nil {
		return nil, err
	}
	c.advance(http1.EventClose)
	c.rw = nil
	rest = c.in[c.pos-len(c.piece) : c.end]
	c.piece = nil
	return rest, nil
}
