package web

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/pool"
)

// mode says what a connection is in the midst of, beside requests.
type mode uint8

const (
	modeRequest mode = iota // nothing: its state is that of its http1conn.Conn
	modeSource              // the driver sends content from a Source: see source.go
	modeLater               // the answer will be given by Answer: see later.go
	modeOutlet              // content comes by pushes: see outlet.go
	modeSwitch              // of a handler only: the connection goes to another protocol: see switch.go
	modeHeld                // of a handler only: it has taken the connection for itself
	numModes
)

// modeCalls are what a mode consists of. The driver has them from the first time
// that a handler begins the mode (Driver.use), and reaches them in no other way:
// a program none of whose handlers does so has no code of the mode.
type modeCalls struct {
	// leave takes a connection into the mode whose handler has begun that and
	// returned err. over says that the turn goes on as after and v say; if it is
	// not, the request is answered as others are.
	leave func(x *Exchange, err error, began int64) (after next, v engine.Verdict, over bool)

	// serve goes on with a connection in the mode. over says that it is in none
	// any more, and to be served as others are; else v is the verdict.
	serve func(x *Exchange) (v engine.Verdict, over bool)

	// gone lets go of what a connection in the mode has that is over.
	gone func(d *Driver, st *slotState, h pool.Handle)

	// drop undoes what the handler has begun, whose response will not be sent.
	drop func(x *Exchange)
}

// use has the calls of a mode at hand, before any connection is in it.
func (d *Driver) use(m mode, calls *modeCalls) {
	if d.modes[m].Load() == nil {
		d.modes[m].Store(calls)
	}
}
