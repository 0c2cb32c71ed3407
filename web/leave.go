package web

import (
	"github.com/bobtail-go/bobtail/engine"
	"github.com/bobtail-go/bobtail/http1"
)

// This file leaves a slot: what is staged is sent, what is here is put away,
// and the engine is told what comes next.

// send sends head and static, and keeps what the peer does not take. If there
// is no room for that, the worker waits.
func (x *Exchange) send(head, static []byte) error {
	rest, err := x.w.Send(x.s, head, static, true)
	if err != nil || rest == 0 {
		return err
	}
	return x.sendRest(head, static, rest)
}

// sendRest sends the last bytes of head and static, as many as rest says, for
// which no output block is free. The worker waits for the peer then, as a handler
// that streams would.
func (x *Exchange) sendRest(head, static []byte, rest int) error {
	begun := rest < len(head)+len(static)
	if n := rest - len(static); n > 0 {
		head = head[len(head)-n:]
	} else {
		head, static = nil, static[len(static)-rest:]
	}
	if !x.w.BeginHandler(0, true) {
		return engine.ErrClosing
	}
	t := x.w.Stream()
	var err error
	if begun {
		_, err = t.WriteOn(head)
	} else {
		_, err = t.Write(head)
	}
	if err == nil {
		_, err = t.WriteOn(static)
	}
	if !x.w.EndHandler() {
		x.lost = true // whatever the verdict will be
		return engine.ErrDeadline
	}
	return err
}

// flush sends what is staged. If the peer does not take it all, the slot is
// left until it has: blocked says so, and the verdict is the way to say it.
func (x *Exchange) flush() (v engine.Verdict, blocked bool) {
	if staged := x.conn.Staged(); len(staged) > 0 {
		err := x.send(staged, nil)
		if err != nil {
			return engine.Abort, true
		}
		x.conn.Unstage()
	}
	if !x.w.Pending(x.s) {
		return 0, false
	}
	// Nothing more is read from a peer that does not read.
	return x.park(), true
}

// last sends what is staged and ends the connection.
func (x *Exchange) last(v engine.Verdict) engine.Verdict {
	if staged := x.conn.Staged(); len(staged) > 0 {
		err := x.send(staged, nil)
		x.conn.Unstage()
		if err != nil || x.lost {
			return engine.Abort
		}
	}
	x.d.e.Pool().Stash.Drop(x.s)
	return v
}

// park leaves the slot until there is more, with what is here put away.
func (x *Exchange) park() engine.Verdict {
	if len(x.conn.Staged()) > 0 {
		if v, blocked := x.flush(); blocked {
			return v
		}
	}
	w, s := x.w, x.s
	resting := x.conn.Resting()
	if resting {
		x.d.e.Pool().Stash.Drop(s)
	} else if !x.stash() {
		return x.refuseBusy()
	}
	switch x.conn.State() {
	case http1.StateIdle, http1.StateComplete:
		// At most an empty line is here, which is not a request yet.
		switch {
		case resting && (w.Pending(s) || w.Unread(s)):
		case x.d.e.Closing():
			if engine.Phase(s.Phase) != engine.PhaseOpen {
				return engine.Finish
			}
			// Whoever has connected may have sent a request that is on its
			// way.
			w.Hurry(s, engine.ClosingGrace)
		case engine.Phase(s.Phase) != engine.PhaseOpen:
			w.Enter(s, engine.PhaseIdle)
		}
	case http1.StateHead:
		w.Enter(s, engine.PhaseHead)
	case http1.StateBody, http1.StateDrain:
		w.Enter(s, engine.PhaseBody)
	}
	return engine.Park
}

// stash puts what is here away, in a block that the slot has or gets.
func (x *Exchange) stash() bool {
	b := x.w.Stash(x.s)
	if b == nil {
		return false
	}
	_, ok := x.conn.Save(b)
	return ok
}
