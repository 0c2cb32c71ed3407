package web

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bobtail-go/bobtail/pool"
)

// This file knows which connections wait for the program: for an answer that
// it has promised, or for content that it pushes. Each slot has a place, so
// that there is always one for whoever is served; the slot's handle and the
// token of its place name one wait for all time.

// A place is what the program may still do for a connection.
type place struct {
	handler Handler       // the answer, or the one to give at the limit
	word    atomic.Uint32 // token and placeState; changed under the lock, read without
}

// PlaceSize is what a connection costs for being able to wait for the program,
// in bytes.
const PlaceSize = int(unsafe.Sizeof(place{}))

// placeState is what a place is for.
type placeState uint32

const (
	placeFree    placeState = iota
	placeWaiting            // for an answer: handler is for the limit
	placeGiven              // the answer is handler, and was not run yet
	placeOpen               // for pushes
	placeClosing            // pushes are over: what was pushed is to be sent

	placeBits = 3
)

// places are the places of all slots. The lock is held for a few words' work.
type places struct {
	mu    sync.Mutex
	list  []place
	beats [maxBeats]string // see Head.Open
}

// maxBeats is how many different beats the outlets of one driver may have. A
// program has one or two.
const maxBeats = 4

func (p *places) init(slots int) { p.list = make([]place, slots) }

func makePlace(token uint32, st placeState) uint32 { return token<<placeBits | uint32(st) }

// begin gives the slot at i a wait, and returns its token.
func (p *places) begin(i int, st placeState, h Handler) (token uint32) {
	p.mu.Lock()
	e := &p.list[i]
	token = (e.word.Load()>>placeBits + 1) & (1<<(32-placeBits) - 1)
	if token == 0 {
		token = 1 // so that no ticket is zero
	}
	e.handler = h
	e.word.Store(makePlace(token, st))
	p.mu.Unlock()
	return token
}

// change moves a wait that is named by its token from one state to another,
// with the handler that belongs to it. It reports whether it could.
func (p *places) change(i int, token uint32, from, to placeState, h Handler) bool {
	if uint(i) >= uint(len(p.list)) || token == 0 {
		return false
	}
	p.mu.Lock()
	ok := p.changeLocked(i, token, from, to, h)
	p.mu.Unlock()
	return ok
}

// changeLocked is change under the lock.
func (p *places) changeLocked(i int, token uint32, from, to placeState, h Handler) bool {
	e := &p.list[i]
	if e.word.Load() != makePlace(token, from) {
		return false
	}
	e.handler = h
	e.word.Store(makePlace(token, to))
	return true
}

// state is the state of the place of a slot that the caller owns.
func (p *places) state(i int) placeState {
	return placeState(p.list[i].word.Load() & (1<<placeBits - 1))
}

// take ends the wait of a slot that the caller owns and returns the handler
// that is to answer now, if there is one: what was given, or at the limit what
// was meant for it.
func (p *places) take(i int, limit bool) (h Handler, ok bool) {
	p.mu.Lock()
	h, ok = p.takeLocked(i, limit)
	p.mu.Unlock()
	return h, ok
}

// takeLocked is take under the lock.
func (p *places) takeLocked(i int, limit bool) (h Handler, ok bool) {
	switch st := p.state(i); {
	case st == placeGiven, st == placeWaiting && limit:
		return p.dropLocked(i), true
	}
	return nil, false
}

// drop ends the wait of a slot that the caller owns, if there is one.
func (p *places) drop(i int) {
	p.mu.Lock()
	p.dropLocked(i)
	p.mu.Unlock()
}

func (p *places) dropLocked(i int) Handler {
	e := &p.list[i]
	h := e.handler
	e.handler = nil
	e.word.Store(e.word.Load() &^ (1<<placeBits - 1))
	return h
}

// is reports whether a wait is in a state at this moment.
func (p *places) is(h pool.Handle, token uint32, st placeState) bool {
	i := h.Index()
	return token != 0 && uint(i) < uint(len(p.list)) && p.list[i].word.Load() == makePlace(token, st)
}

// waits reports whether the handler has left the connection to the program.
func (x *Exchange) waits() bool {
	return x.then == modeOutlet || x.then == modeLater && !x.conn.Begun()
}

// beat is the number of a beat, 0 for none. ok is false if there are too many.
func (p *places) beat(s string) (number uint8, ok bool) {
	if s == "" {
		return 0, true
	}
	p.mu.Lock()
	number, ok = p.beatLocked(s)
	p.mu.Unlock()
	return number, ok
}

// beatLocked is beat under the lock.
func (p *places) beatLocked(s string) (number uint8, ok bool) {
	for i := range p.beats {
		if p.beats[i] == "" {
			p.beats[i] = s
		}
		if p.beats[i] == s {
			return uint8(i + 1), true
		}
	}
	return 0, false
}
