package web

import (
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/flat"
)

// counts are one worker's counts of answers, by class of status: 1xx to 5xx,
// and 0 for others. They keep clear of the lines of the cache that others
// count in.
type counts struct {
	_  [flat.Line]byte
	by [6]atomic.Uint64
	_  [flat.Line]byte
}

func (c *counts) class(code int) {
	k := code / 100
	if k > 5 {
		k = 0
	}
	c.by[k].Add(1)
}

// Requests are counts of requests by class of status; index 2 counts 2xx. It
// counts what was answered here, by handlers and for requests that could not
// be understood, also if the connection was then cut; and not the last words
// to a connection that has ended for a reason from outside (408, 503), which
// the engine's Timeouts, HandlerTimeout, Stalled and Refused count.
type Requests [6]uint64

// Total is the number of answered requests.
func (r Requests) Total() (n uint64) {
	for _, k := range r {
		n += k
	}
	return n
}

// Requests reads the counts.
func (d *Driver) Requests() (r Requests) {
	for i := range d.xs {
		for k := range r {
			r[k] += d.xs[i].counts.by[k].Load()
		}
	}
	return r
}
