package coaptcp

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/resource"
	"github.com/bobtail-go/bobtail/transport"
)

// Config is what a driver is made with. A zero field has the default that its
// comment names. It is not changed after New.
type Config struct {
	// Resources are what requests are for. Other drivers may have the same. The
	// default is none: each request is answered 4.04.
	Resources *resource.Router

	// MaxMessage is the longest message in bytes that peers may send, header and
	// all: what is announced as Max-Message-Size (RFC 8323 section 5.3.1). The
	// default, and the most, is Driver.MaxWhole. The least is 64.
	MaxMessage int

	// MaxToken is the longest token in bytes, from 8, which is the default, to
	// 64. More than 8 is announced as Extended-Token-Length (RFC 8974 section
	// 2.2.1).
	MaxToken int

	// InFlight is how many requests of a connection may wait for an answer that
	// comes later, by a ticket, up to 65535. While there are as many, no more is
	// read from the peer. The default is 16.
	InFlight int

	// Handlers is how many handlers may run at once for this driver. Further
	// requests are answered 5.03 (Service Unavailable) with Max-Age. The default
	// is as many as there are workers; fewer keep workers free for others.
	Handlers int

	// Busy is the Max-Age of these answers in seconds: after that time the peer
	// may try again (RFC 7252 section 5.9.3.4). The default is 1.
	Busy int

	// Ping is how long a peer may be silent, in nanoseconds, before it is sent a
	// Ping; Pong is how long it then has to send anything before the connection
	// is taken for dead. The defaults are 60 s and 30 s. A Ping of -1 is none:
	// then nothing tells of a peer that has vanished.
	Ping, Pong int64

	// HoldOff is for how many seconds peers are asked not to come back when the
	// engine shuts down, or cannot take them, up to coap.MaxHoldOff (RFC 8323
	// section 5.5). The default is 5, -1 says nothing.
	HoldOff int

	// Requests is how many requests of our own, to all peers together, may wait
	// for their answers, up to 65535: see Driver.Request. The default is none.
	Requests int

	// Strict has peers whose first message is no CSM refused, as RFC 8323
	// section 5.3 allows. Many are late with it, or send none: by default they
	// are served with the base values until it comes.
	Strict bool

	// Access, if it is not nil, is told of each request that was answered: by
	// whom it was made, the code and the bytes of payload of the answer, and the
	// nanoseconds that it took. An answer that comes later is told of when that
	// is known, with code 0. It runs on the worker; q is valid until it returns.
	Access func(q coap.Message, remote transport.Addr, peer uint64, code coap.Code, n int, took int64)

	// Panic, if it is not nil, is told what a handler has panicked with, on the
	// stack of the panic.
	Panic func(peer pool.Handle, v any)
}

const second = 1_000_000_000

// most is the longest time that can be asked for: a year.
const most = 365 * 24 * 3600 * second

// The bounds of what is announced.
const (
	leastMessage = 64
	mostToken    = 64
)

func orElse[T ~int | ~int64](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// setDefaults fills in what is zero. whole is what fits, workers how many there
// are.
func (c *Config) setDefaults(whole, workers int) error {
	if c.Resources == nil {
		c.Resources = new(resource.Router)
	}
	orElse(&c.MaxMessage, whole)
	orElse(&c.MaxToken, coap.MaxToken)
	orElse(&c.InFlight, 16)
	orElse(&c.Handlers, workers)
	orElse(&c.Busy, 1)
	orElse(&c.Ping, 60*second)
	orElse(&c.Pong, 30*second)
	orElse(&c.HoldOff, 5)
	switch {
	case whole < leastMessage, c.MaxMessage < leastMessage, c.MaxMessage > whole,
		c.MaxToken < coap.MaxToken, c.MaxToken > mostToken,
		c.InFlight < 1, c.InFlight > 1<<16-1,
		c.Handlers < 1, c.Busy < 0, c.Busy > 1<<31-1,
		c.Ping < -1, c.Ping > most, c.Pong < 0, c.Pong > most,
		c.HoldOff < -1, c.HoldOff > coap.MaxHoldOff,
		c.Requests < 0, c.Requests > 1<<16-1:
		return ErrConfig
	}
	c.HoldOff = max(c.HoldOff, 0)
	return nil
}
