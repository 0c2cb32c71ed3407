package coapdial

import (
	"context"
	"errors"
	"iter"

	"github.com/bobtail-go/bobtail/coap"
)

// errBreak ends an observation whose loop was left.
var errBreak = errors.New("coapdial: loop left")

// Observe asks for a resource and all its states from now on (RFC 7641): GET,
// or FETCH (RFC 8132 section 2.4). The body of the request must fit into one
// message. The rest of a notification that comes by blocks is fetched.
//
// Each state is a Response, the first of them the present one. An answer of the
// classes 4 and 5 comes with its error, and is the last; so is an error without
// a Response, of the connection or of ctx. The loop also ends, without an error,
// when the server ends the observation, or does not let the resource be
// observed: then there is one state. When the loop is left, the server is told.
//
// States come in their order. Of those that come while the loop is busy, the
// last Config.Waiting are kept; and while a body is fetched by blocks, the
// content may become newer than its notification.
func (c *Client) Observe(ctx context.Context, r Request) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		if err := c.observe(ctx, &r, yield); err != nil && err != errBreak {
			yield(nil, err)
		}
	}
}

func (c *Client) observe(ctx context.Context, r *Request, yield func(*Response, error) bool) error {
	if r.Method != 0 && r.Method != coap.CodeGET && r.Method != coap.CodeFETCH {
		return ErrMethod
	}
	t, err := c.begin(ctx, r)
	if err != nil {
		return err
	}
	defer t.end()
	if r.Body != nil {
		u := upload{transfer: t, total: -1}
		whole, err := u.size()
		if err == nil {
			err = u.fillWhole(whole)
		}
		if err == nil && u.n > whole {
			err = ErrTooLong
		}
		if err != nil {
			return err
		}
		t.payload = t.body[:u.n]
	}
	t.fresh()
	t.first()
	t.extra(coap.OptObserve, 0)
	// The options are read until the observation is over, others are written
	// meanwhile.
	m := coap.Message{Code: t.method, Options: append(coap.Options(nil), t.with...), Payload: t.payload}
	return c.ex.Observe(ctx, m, func(m coap.Message) error {
		t.again, t.busy = 0, 0 // each state has its own trials
		resp, err := t.receive(m)
		if err != nil {
			return err
		}
		if !yield(resp, resp.Err()) {
			return errBreak
		}
		return nil
	})
}
