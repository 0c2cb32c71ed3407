package coapudp

import (
	"errors"
	"net"
	"time"

	"github.com/bobtail-go/bobtail/coap"
)

// What comes from the server: RFC 7252 sections 4 and 5.3.2.

// read is the goroutine that reads.
func (c *Conn) read() {
	defer close(c.ended)
	b := make([]byte, c.cfg.MaxMessage+1)
	var small [4]byte
	failed, written := 0, uint32(0)
	for {
		n, err := c.conn.Read(b)
		if err != nil {
			if w := c.written.Load(); w != written {
				failed, written = 0, w // it may be of what was written since
			}
			failed++
			// The system tells what has become of what was sent, such as that there
			// is nobody. That is for who is waiting now; the next may have more luck.
			fatal := errors.Is(err, net.ErrClosed) || failed > failures
			if errors.Is(err, net.ErrClosed) {
				err = ErrClosed
			}
			c.fail(err, fatal)
			if fatal {
				return
			}
			continue
		}
		failed = 0
		// What has come is acknowledged before anybody has it, who may end his program
		// then: the server would send it again and again.
		c.mu.Lock()
		if answer := c.receive(b[:n], small[:0]); answer != nil {
			c.conn.Write(answer)
		}
		c.mu.Unlock()
	}
}

// fail ends all calls that wait; with over, also those that are to come.
func (c *Conn) fail(err error, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if over && c.over == nil {
		c.over = err
	}
	for _, k := range c.byID {
		k.finish(err)
	}
	if over {
		for _, k := range c.byToken {
			k.finish(err)
		}
	}
}

// receive takes a datagram, and returns what is to be sent for it. The caller has the
// lock.
func (c *Conn) receive(b, dst []byte) (answer []byte) {
	d, err := coap.ParseUDP(b)
	if len(b) > c.cfg.MaxMessage {
		// What is cut off is known by its token, if that is there.
		if n := 4 + int(b[0]&15); err != nil && b[0]>>6 == 1 && n == 4+tokenLength && len(b) >= n {
			d.Code, d.Token = coap.Code(b[1]), b[4:n]
		}
		err = nil
	}
	empty := func(t coap.Type) []byte { return coap.AppendUDP(dst, coap.Datagram{Type: t, ID: d.ID}) }
	if err != nil {
		// RFC 7252 sections 4.2 and 4.3, as for the server.
		if e := err.(coap.Error); e != coap.ErrDatagramShort && e != coap.ErrDatagramVersion && d.Type == coap.Confirmable {
			return empty(coap.Reset)
		}
		return nil
	}
	switch d.Type {
	case coap.Reset:
		if k := c.byID[d.ID]; k != nil {
			if k.ping {
				k.finish(nil) // that is what a ping is for
			} else {
				k.finish(ErrReset)
			}
		}
	case coap.Acknowledgement:
		// A response that goes with its acknowledgement must match by message ID
		// and token (RFC 7252 section 5.3.2).
		k := c.byID[d.ID]
		switch {
		case k == nil:
		case k.ping:
			k.finish(nil)
		case d.Code == coap.CodeEmpty:
			delete(c.byID, k.mid)
			k.acked = true
			k.signal()
		case string(d.Token) == string(k.token[:]):
			delete(c.byID, k.mid)
			k.acked = true
			c.response(k, &d, b)
		}
	default:
		if !d.Code.IsResponse() {
			// Requests are not served here, and an empty message is a ping.
			if d.Type == coap.Confirmable {
				return empty(coap.Reset)
			}
			return nil
		}
		return c.separate(&d, b, empty)
	}
	return nil
}

// separate takes a response that comes by itself, and a notification: what
// matches is the token alone (RFC 7252 section 5.3.2).
func (c *Conn) separate(d *coap.Datagram, b []byte, empty func(coap.Type) []byte) []byte {
	now := time.Now()
	confirmable := d.Type == coap.Confirmable
	life := c.cfg.Transmission.exchangeLifetime()
	if !confirmable {
		life = c.cfg.Transmission.nonLifetime()
	}
	for i := range c.heard {
		if h := &c.heard[i]; h.mid == d.ID && !h.at.IsZero() && now.Sub(h.at) < life {
			// A duplicate is acknowledged again, and not looked at (RFC 7252 section
			// 4.5).
			if confirmable {
				return empty(coap.Acknowledgement)
			}
			return nil
		}
	}
	var k *call
	if len(d.Token) == tokenLength {
		k = c.byToken[[tokenLength]byte(d.Token)]
	}
	if k == nil {
		// Of no use to anybody (RFC 7252 section 4.2). To reject a notification is
		// to end the observation (RFC 7641 section 3.6).
		if confirmable || d.Options.Has(coap.OptObserve) {
			return empty(coap.Reset)
		}
		return nil
	}
	if !c.response(k, d, b) && confirmable {
		return empty(coap.Reset)
	}
	c.heard[c.next] = heard{now, d.ID}
	c.next = (c.next + 1) % len(c.heard)
	if confirmable {
		return empty(coap.Acknowledgement)
	}
	return nil
}

// response gives a response to its call, and reports whether that can take it.
func (c *Conn) response(k *call, d *coap.Datagram, b []byte) bool {
	// An error is told as it is: some servers repeat in 4.02 what they do not know,
	// and nothing is done by it.
	if _, bad := d.Options.Critical(nil); bad && !d.Code.IsError() {
		k.finish(ErrOption) // RFC 7252 section 5.4.1
		return false
	}
	if k.watch != nil {
		return k.watch.take(k, d, len(b) > c.cfg.MaxMessage)
	}
	if len(b) > c.cfg.MaxMessage || len(d.Options)+len(d.Payload) > len(k.into) {
		k.finish(ErrTooLong)
		return true
	}
	if !k.done {
		k.in = copyMessage(d.Message, k.into)
		k.finish(nil)
	}
	return true
}

// copyMessage copies what a message has but its token.
func copyMessage(m coap.Message, into []byte) coap.Message {
	n := copy(into, m.Options)
	o := n + copy(into[n:], m.Payload)
	return coap.Message{Code: m.Code, Options: into[:n:n], Payload: into[n:o:o]}
}
