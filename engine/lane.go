package engine

import (
	"sync"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/flat"
	"github.com/bobtail-go/bobtail/transport"
)

// lane is a lane of the backend, with the events that were fetched from it
// and not taken yet.
//
// Its word holds who may take them: the mode, the position of the next event,
// their number, and a sequence number that grows with every change. A leader
// knows the word that it wrote last, its token. As long as the lane is his,
// the word equals the token; a swap from the token that fails tells him that
// he was deposed. The monitor compares the word with what it saw last time to
// tell a leader that is stuck. So one word is the leadership, the cursor and
// the heartbeat, and one swap an event is all it costs.
type lane struct {
	word   atomic.Uint64
	events [batch]atomic.Uint64   // tags, with what is ready packed into them
	raw    [batch]transport.Event // for the backend, in modes waiting and borrowed

	seen uint64 // the monitor's: the word at its last look

	// Scratch for whoever pushes to a slot of the lane.
	push struct {
		sync.Mutex
		bufs [gather][]byte
	}

	_ [flat.Line]byte
}

type laneMode uint8

const (
	laneVacant   laneMode = iota // nobody leads
	laneWaiting                  // the leader waits in the backend; nobody else may touch the lane
	laneServing                  // the leader takes events
	laneBorrowed                 // the monitor polls
	laneLent                     // the leader waits for a peer too, and queues the events of others
)

// token is a word of a lane. mode 4 bits, next 14, n 14, sequence 32.
type token = uint64

func makeToken(mode laneMode, next, n int, seq uint32) token {
	return uint64(mode) | uint64(next)<<4 | uint64(n)<<18 | uint64(seq)<<32
}

func splitToken(t token) (mode laneMode, next, n int, seq uint32) {
	return laneMode(t & 15), int(t >> 4 & 0x3FFF), int(t >> 18 & 0x3FFF), uint32(t >> 32)
}

// change swaps the token for one with another mode. It fails if the word is
// no longer the token.
func (l *lane) change(t *token, mode laneMode) bool {
	_, next, n, seq := splitToken(*t)
	nt := makeToken(mode, next, n, seq+1)
	if !l.word.CompareAndSwap(*t, nt) {
		return false
	}
	*t = nt
	return true
}

// taken is what became of a take.
type taken uint8

const (
	tookEvent   taken = iota
	tookNone          // the batch is done: fetch another
	tookDeposed       // the lane is somebody else's
)

func (l *lane) take(t *token) (transport.Event, taken) {
	mode, next, n, seq := splitToken(*t)
	if next == n {
		return transport.Event{}, tookNone
	}
	// The event is read before it is taken: after, a leader who was deposed in
	// between might find another there. If the swap succeeds, he was not.
	packed := l.events[next].Load()
	nt := makeToken(mode, next+1, n, seq+1)
	if !l.word.CompareAndSwap(*t, nt) {
		return transport.Event{}, tookDeposed
	}
	*t = nt
	return transport.Event{Tag: packed &^ readyMask, Ready: transport.Ready(packed >> readyShift & 15)}, tookEvent
}

// What is ready is packed into four bits of a tag's index, which has 24.
const (
	readyShift = 24
	readyMask  = 15 << readyShift
)

// fetched notes the n events that the backend has put into raw, by the one
// who waits or polls, whom nobody can depose.
func (l *lane) fetched(t *token, mode laneMode, n int) {
	for i, ev := range l.raw[:n] {
		l.events[i].Store(ev.Tag | uint64(ev.Ready&15)<<readyShift)
	}
	_, _, _, seq := splitToken(*t)
	*t = makeToken(mode, 0, n, seq+1)
	l.word.Store(*t)
}

// occupy takes a vacant lane.
func (l *lane) occupy(mode laneMode) (token, bool) {
	t := l.word.Load()
	if m, _, _, _ := splitToken(t); m != laneVacant {
		return 0, false
	}
	ok := l.change(&t, mode)
	return t, ok
}
