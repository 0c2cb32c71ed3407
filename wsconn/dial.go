package wsconn

import (
	"io"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/ws"
)

// RefusedError says that the server did not change to WebSocket, but answered
// with another status. It is part of its Conn, and its views are valid until
// that is used again.
type RefusedError struct {
	Err    ws.Error  // ws.ErrRedirect, if the answer says where to try instead, or ws.ErrRefused
	Answer ws.Answer // its Status, Location and RetryAfter
	Rest   []byte    // what was received behind the answer's head: the beginning of its content
}

// Error is the text of the error, with the status.
func (e *RefusedError) Error() string {
	s := e.Answer.Status
	b := make([]byte, 0, 80)
	b = append(b, e.Err.Error()...)
	b = append(b, ", status "...)
	b = append(b, '0'+byte(s/100%10), '0'+byte(s/10%10), '0'+byte(s%10))
	return ascii.View(b)
}

// Unwrap is Err.
func (e *RefusedError) Unwrap() error { return e.Err }

// Dial begins a connection as a client: it sends the request over rw, which the
// Conn does not close, and waits for the server's answer (RFC 6455 section 4.1).
// Key and Extensions of r are not looked at, since they are the Conn's to make.
// The request must fit into Out with ws.KeySize bytes and the Extension's offer beside
// it, and the head of the answer into In. Nobody else must be using the Conn.
//
// a is the server's answer, with views that are valid until the Conn is used
// again, and protocol the index in r.Protocols of the subprotocol that he has
// chosen, -1 for none. What was received behind the answer will be read first.
//
// If the server answers with another status, the error is a *RefusedError.
// Errors of package ws are about r, with nothing sent, or about the answer. After
// an error the stream is to be closed, and the Conn may be used for another.
func (c *Conn) Dial(rw io.ReadWriter, r *ws.ClientRequest) (a ws.Answer, protocol int, err error) {
	c.Release()
	c.pos, c.end = 0, 0
	if c.config.Role != ws.RoleClient {
		return a, -1, ErrConfig
	}
	c.rw = rw
	a, protocol, n, err := c.handshake(*r)
	if err != nil {
		c.rw = nil
		return a, -1, err
	}
	c.open(rw)
	c.pos = n
	return a, protocol, nil
}

// handshake sends the request and reads the answer, which takes n bytes.
func (c *Conn) handshake(r ws.ClientRequest) (a ws.Answer, protocol, n int, err error) {
	if err = c.request(&r); err != nil {
		return a, -1, 0, err
	}
	if a, n, err = c.answer(); err != nil {
		return a, -1, 0, err
	}
	protocol, err = a.Check(&r)
	if e, ok := err.(ws.Error); ok && (e == ws.ErrRedirect || e == ws.ErrRefused) {
		c.refused = RefusedError{Err: e, Answer: a, Rest: c.in[n:c.end]}
		return a, -1, 0, &c.refused
	}
	if err == nil && len(r.Extensions) > 0 {
		err = c.agree(&a)
	}
	return a, protocol, n, err
}

// request sends the request. The key and the offer are at the end of Out, where
// they stay until the answer is checked against them.
func (c *Conn) request(r *ws.ClientRequest) error {
	out := c.config.Out
	// What was read ahead for masking is thrown away: the key is made of new
	// entropy, as each is (RFC 6455 section 4.1, item 7).
	var nonce [16]byte
	c.keysAt = len(c.keys)
	if err := c.entropy(c.keys[:len(nonce)]); err != nil {
		return err
	}
	copy(nonce[:], c.keys[:])
	at := len(out) - ws.KeySize
	r.Key = ws.AppendKey(out[at:at], nonce)
	r.Extensions = nil
	if c.config.Extension != nil {
		offer := c.config.Extension.AppendOffer(out[:0:at])
		if len(offer) > at {
			return ErrRequest
		}
		at -= len(offer)
		r.Extensions = out[at : at+copy(out[at:], offer)]
	}
	if ws.RequestSize(r) > at {
		return ErrRequest
	}
	b, err := ws.AppendRequest(out[:0:at], r)
	if err != nil {
		return err
	}
	n, err := c.rw.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// answer waits for the head of the answer, which is then in[:n].
func (c *Conn) answer() (a ws.Answer, n int, err error) {
	for empty := 0; empty < emptyReads; empty++ {
		if a, n, err = ws.ParseAnswer(c.in[:c.end]); n > 0 || err != nil {
			return a, n, err
		}
		if c.end == len(c.in) {
			return a, 0, ErrAnswer
		}
		k, err := c.rw.Read(c.in[c.end:])
		c.end += k
		if k > 0 {
			empty = 0
			continue // an error will come again
		}
		if same.Error(err, io.EOF) {
			err = ErrTruncated
		}
		if err != nil {
			return a, 0, err
		}
	}
	return a, 0, io.ErrNoProgress
}

// agree takes up the compression that the server has agreed to.
func (c *Conn) agree(a *ws.Answer) error {
	lines := a.Extensions()
	// The request is sent: its place in Out is free.
	free := c.config.Out[:len(c.config.Out)-ws.KeySize]
	if lines.JoinedSize() > len(free) {
		return ErrAnswer
	}
	answer := lines.Joined(free[:0])
	if answer == nil {
		return nil
	}
	x := c.config.Extension
	p, err := x.Agree(answer)
	if err != nil || p == 0 {
		return err
	}
	c.agreed, c.extension = p, x
	if x.Stateful(ws.RoleClient, p) {
		c.taken = x.Take(ws.RoleClient, p)
		c.codec = c.taken
		return nil
	}
	if c.spare == nil {
		if c.spare = c.config.Codec; c.spare == nil {
			c.spare = x.Codec()
		}
	}
	c.spare.Bind(ws.RoleClient, p)
	c.codec = c.spare
	return nil
}

// Release gives back what Dial has taken of the Extension. Reset, Init and the
// next Dial do it, too: it is for a Conn that is not used again. Nobody must be
// using it.
func (c *Conn) Release() {
	if c.taken != nil {
		c.extension.Put(c.taken)
		c.taken = nil
	}
	if c.agreed != 0 {
		c.extension.Release(c.agreed)
		c.agreed = 0
	}
	c.shut(ErrOrder)
}

// Params are those that were agreed on: of the Config, or by Dial.
func (c *Conn) Params() Params {
	if c.codec == nil {
		return 0
	}
	if c.agreed != 0 {
		return c.agreed
	}
	return c.config.Params
}
