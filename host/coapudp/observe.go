package coapudp

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// watch is what has come of an observation and waits for the program: a ring,
// behind the lock of the Conn.
type watch struct {
	ring  []held
	first int
	n     int

	begun bool // a notification has come
	order uint32
	at    time.Time
	over  bool // the last one in the ring is the last of all
}

// held is a notification that waits.
type held struct {
	m   coap.Message // its slices are in buf
	buf []byte
}

// take takes a notification that has come, and reports whether it could be one.
func (w *watch) take(k *call, d *coap.Datagram, cut bool) bool {
	if k.done {
		return false
	}
	if cut {
		k.finish(ErrTooLong)
		return true
	}
	now := time.Now()
	order, ok := d.Options.Uint(coap.OptObserve)
	if !ok || d.Code.IsError() {
		w.over = true // RFC 7641 section 3.2
	} else {
		if w.begun && !coap.Newer(w.order, uint32(order), int64(now.Sub(w.at))) {
			return true // RFC 7641 section 3.4
		}
		w.begun, w.order, w.at = true, uint32(order), now
	}
	if w.n == len(w.ring) {
		w.first = (w.first + 1) % len(w.ring)
		w.n--
	}
	h := &w.ring[(w.first+w.n)%len(w.ring)]
	w.n++
	if n := len(d.Options) + len(d.Payload); n > len(h.buf) {
		h.buf = make([]byte, n)
	}
	h.m = copyMessage(d.Message, h.buf)
	k.signal()
	return true
}

// next takes the oldest notification, and puts the memory of spare in its place.
func (w *watch) next(spare *held) (ok, last bool) {
	if w.n == 0 {
		return false, w.over
	}
	h := &w.ring[w.first]
	*h, *spare = *spare, *h
	w.first = (w.first + 1) % len(w.ring)
	w.n--
	return true, w.over && w.n == 0
}

// Observe sends a request that has the option Observe with 0, and calls f with
// its answer and with each notification, in their order, in the caller's
// goroutine: while it runs, others wait, ClientConfig.Waiting of them at most,
// and the oldest gives way. What f is given is valid until it returns.
//
// When nothing has come for as long as the last notification was good for, by its
// Max-Age, the request is sent again (RFC 7641 section 3.3.1).
//
// It returns nil when the server has ended the observation, or has not begun
// one: the message that f was given last had no Observe option, or an error
// code. Otherwise it returns what f has returned, if that is not nil, or the
// cause of ctx, in both cases having told the server (RFC 7641 section 3.6), or
// else fails as Do does.
func (c *Conn) Observe(ctx context.Context, m coap.Message, f func(coap.Message) error) error {
	if v, ok := m.Options.Uint(coap.OptObserve); !ok || v != 0 || !m.Code.IsRequest() {
		return ErrRequest
	}
	for {
		again, err := c.observe(ctx, m, f)
		if again == nil {
			return err
		}
		m = *again
	}
}

// observe is Observe, but for what has to be repeated with Echo.
func (c *Conn) observe(ctx context.Context, m coap.Message, f func(coap.Message) error) (again *coap.Message, err error) {
	k, err := c.begin(m, c.kind(), nil)
	if err != nil {
		return nil, err
	}
	defer c.end(k)
	w := &watch{ring: make([]held, c.cfg.Waiting)}
	k.watch = w
	if err := c.transmit(ctx, k); err != nil {
		if ctx.Err() != nil {
			c.forget(k, m)
		}
		return nil, err
	}
	var now held
	for {
		c.mu.Lock()
		ok, last := w.next(&now)
		done, err := k.done, k.err
		c.mu.Unlock()
		if ok {
			if r, repeated := repeat(m, now.m); repeated {
				return &r, nil
			}
			if err := f(now.m); err != nil {
				if !last {
					c.forget(k, m)
				}
				return nil, err
			}
			k.timer.Reset(freshness(now.m))
			if !last {
				continue
			}
		}
		if last {
			return nil, nil
		}
		if done {
			return nil, err
		}
		select {
		case <-k.event:
		case <-k.timer.C:
			// The same request, with the same token, is a registration anew (RFC 7641
			// section 3.3.1).
			c.mu.Lock()
			k.acked = false
			w.begun = false // the server may have begun anew, and count from anywhere
			c.mu.Unlock()
			if err := c.transmit(ctx, k); err != nil {
				if ctx.Err() != nil {
					c.forget(k, m)
				}
				return nil, err
			}
		case <-ctx.Done():
			c.forget(k, m)
			return nil, context.Cause(ctx)
		case <-c.closed:
			return nil, ErrClosed
		}
	}
}

// freshness is how long no notification may come before the registration is
// renewed: Max-Age, by default 60 s (RFC 7252 section 5.10.5), and between 5 and
// 15 s more, so that not all clients come at once (RFC 7641 section 3.3.1).
func freshness(m coap.Message) time.Duration {
	age := uint64(60)
	if v, ok := m.Options.Uint(coap.OptMaxAge); ok {
		age = min(v, 1<<32-1)
	}
	return time.Duration(age)*time.Second + 5*time.Second + rand.N(10*time.Second)
}

// forget tells the server that an observation is over: by the request that began
// it, with an Observe option of 1 and the same token (RFC 7641 section 3.6). If
// that gets lost, the next notification is rejected. It waits for the answer,
// since the notifications that are under way should find somebody, but no
// longer than AckTimeout.
func (c *Conn) forget(k *call, m coap.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Transmission.AckTimeout)
	defer cancel()
	o := make([]byte, 0, len(m.Options)+1)
	prev := coap.Option(0)
	it := m.Options.Iter()
	for it.Next() {
		v := it.Value
		if it.Number == coap.OptObserve {
			v = []byte{1}
		}
		o = coap.AppendOption(o, prev, it.Number, v)
		prev = it.Number
	}
	m.Options, m.Token = o, k.token[:]
	c.mu.Lock()
	c.leave(k)
	k.acked, k.done, k.err, k.watch = false, false, nil, nil
	k.out = coap.AppendUDP(k.out[:0], coap.Datagram{Message: m, Type: c.kind()})
	k.into = make([]byte, c.cfg.MaxMessage)
	c.mu.Unlock()
	c.transmit(ctx, k)
}
