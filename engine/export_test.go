package engine

import (
	"github.com/bobtail-go/bobtail/pool"
	"github.com/bobtail-go/bobtail/transport"
)

// What the tests of package engine_test see of the inside.

const (
	TickTime      = tick
	NumErrors     = numErrors
	NumEventKinds = numEventKinds
	LingerLimit   = lingerLimit
	AcceptBatch   = acceptBatch
	MaxListeners  = maxListeners
	MostPatience  = mostPatience
	StarvedTime   = starvedTime
	LeastWait     = leastWait
)

// SignalsOf is signalsOf.
func SignalsOf(r transport.Ready) pool.Signals { return signalsOf(r) }

// Crew is the number of workers in use, of those who sleep, and of those whose
// handler is lost.
func (e *Engine) Crew() (inUse, idle, lost int) {
	e.crew.Lock()
	defer e.crew.Unlock()
	return e.crew.inUse, len(e.crew.idle), int(e.lost.Load())
}

// Permits is the number of permits to lend that are out.
func (e *Engine) Permits() int { return int(e.lent.Load()) }

// Armed is the number of listeners whose events are on.
func (e *Engine) Armed() (n int) {
	e.accept.Lock()
	defer e.accept.Unlock()
	for _, l := range e.accept.listeners {
		if l.armed && !l.closed {
			n++
		}
	}
	return n
}

// Watching reports whether the monitor ticks.
func (e *Engine) Watching() bool { return e.monitor.watching.Load() }

// AcceptNow accepts as a worker does that was told of clients.
func (e *Engine) AcceptNow(listener int) { e.acceptClients(listener, &e.counts, -1) }
