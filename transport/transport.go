// Package transport is the contract between the engine and a network.
//
// A backend owns listeners and streams, tells when they are ready, and moves
// bytes without ever blocking on one of them. The engine above it owns
// everything else: which slot a stream belongs to, its deadlines, its output.
//
// # Lanes
//
// A backend has [Backend.Lanes] lanes, numbered from 0. A stream is attached
// to one lane for its life, and only a Wait on that lane reports its events.
// At most one goroutine waits on a lane at a time (the engine sees to that,
// the backend need not), but it need not be always the same one. The lane
// whose number is Lanes() carries no stream: a Wait there sleeps until its
// deadline or its Wake, which is how the engine's monitor sleeps in whatever
// time the backend keeps.
//
// # Readiness
//
// Readiness is told by edges. An event says that a condition may have become
// true since a call last found it false:
//
//   - A Receive whose view is shorter than what was asked for, or that fails
//     with ErrWouldBlock, has emptied the stream; bytes that come later raise
//     a new Readable event. A Receive that fills the whole buffer may have
//     left bytes, and no further event is promised for those.
//   - A Send that takes less than it was given has filled the stream; room
//     that comes later raises a new Writable event.
//   - The end of the peer's bytes, a reset, and the completion of a Dial raise
//     events too, with Hangup where the backend can tell. An event that
//     carries Hangup asks the engine to Receive until an error or EOF, since
//     no further edge may come.
//
// An event may be spurious: the call that follows then fails with
// ErrWouldBlock. Attach reports, by an event after it, whatever was ready
// before it.
//
// # Calls
//
// Receive, Consume, Send, CloseWrite, CloseStream and Abort of one stream are
// never called from two goroutines at once. Nor are the calls of one listener,
// Listen and Dial; but calls of different streams, and Attach, are. Wake may be
// called from any goroutine at any time, also after Close of the
// backend. Nothing between Wait and Send allocates.
package transport

import "math"

// Forever is the deadline that never comes.
const Forever int64 = math.MaxInt64

// Stream is a backend's name for an open stream. It is meaningless after
// CloseStream or Abort, and may then be given to another stream.
type Stream int32

// Listener is a backend's name for an open listener.
type Listener int32

// Ready is a set of conditions.
type Ready uint8

// The conditions of an Event.
const (
	Readable   Ready = 1 << iota // Receive may give bytes, EOF or an error
	Writable                     // Send may take bytes; a dialled stream is connected, or its Send tells why not
	Hangup                       // the peer has closed or reset: Receive will come to EOF or an error
	Acceptable                   // Accept may give a stream
)

// Has reports whether all conditions of c are in r.
func (r Ready) Has(c Ready) bool { return r&c == c }

// Event is one report of readiness.
type Event struct {
	Tag   uint64 // what Attach or Listen was given
	Ready Ready
}

// Backend is a network. See the package comment for the rules that hold
// across its methods.
//
// Deadlines and Now are nanoseconds on one monotonic clock of the backend's
// own, which starts above zero.
type Backend interface {
	// Lanes is the number of lanes, at least 1, the same for the life of the
	// backend.
	Lanes() int

	// Now is the time of the backend's clock.
	Now() int64

	// Wait fills ev with events of the lane and returns their number. It
	// blocks until there is one, or the deadline has passed (a deadline of 0
	// never blocks), or the lane was woken; in the last two cases it may
	// return 0. A Wake that comes before the Wait ends the next one.
	Wait(lane int, ev []Event, deadline int64) (int, error)

	// Wake ends the Wait of the lane that is under way, or else the next one.
	Wake(lane int)

	// Listen opens a listener. Its events carry tag and come on lane 0. It
	// starts disarmed. An unset address takes clients of both IPv4 and IPv6,
	// as far as the system has them; 0.0.0.0 those of IPv4 alone, and :: those
	// of IPv6. The errors are ErrAddressInUse, ErrAddress,
	// ErrPermission and ErrDescriptors.
	Listen(a Addr, tag uint64) (Listener, error)

	// ListenerAddr is the address that the listener has got, with the port
	// that the system chose where port 0 was asked for.
	ListenerAddr(l Listener) Addr

	// Arm turns the listener's events on or off. While it is off, clients wait
	// outside (in the kernel's backlog, or unanswered). Turning it on reports
	// what waits already. While it is on, Acceptable is told again until
	// Accept has failed with ErrWouldBlock.
	Arm(l Listener, on bool)

	// Accept takes a waiting client. The stream is not attached yet. The
	// errors are ErrWouldBlock, ErrDescriptors (the client still waits, and
	// the listener should be disarmed until a stream is closed) and
	// ErrAborted (that client went away; try the next).
	Accept(l Listener) (Stream, error)

	// CloseListener closes the listener. Clients that wait should have been
	// accepted before: QuietListener first, then Accept until ErrWouldBlock.
	CloseListener(l Listener)

	// QuietListener asks that no further clients be admitted to the queue of
	// those that wait, as far as the backend can.
	QuietListener(l Listener)

	// Dial begins to open a stream. It is connected when it is Writable; a
	// Send before that fails with ErrWouldBlock, and the first Send or Receive
	// after a failure tells the reason (ErrRefused, ErrTimedOut,
	// ErrUnreachable).
	Dial(a Addr) (Stream, error)

	// Attach starts the events of a stream, on a lane, under a tag. On error
	// the stream is still the caller's to close.
	Attach(s Stream, lane int, tag uint64) error

	// Receive gives a view of the bytes at hand, of at most len(buf) bytes. The
	// view is in buf if the backend holds nothing itself (Holds is 0), and then
	// its bytes are the caller's. Else it may be in the backend's memory,
	// valid until the next call for the stream, and begins at the first byte
	// that was not consumed. The errors are ErrWouldBlock, EOF after the last
	// byte, and ErrReset.
	Receive(s Stream, buf []byte) ([]byte, error)

	// Consume says that the first n bytes of the last view are done with. It
	// does nothing in a backend that holds nothing.
	Consume(s Stream, n int)

	// Holds is the number of unconsumed bytes that the backend can hold for a
	// stream. At 0, every byte that Receive gave is the caller's to keep.
	Holds() int

	// Send takes bytes from the slices in order, as many as fit, and returns
	// their number. It fails with ErrWouldBlock if none fit, and with ErrReset
	// or another error when the stream is beyond use. Bytes that it has taken
	// leave when the stream's lane, or the lane without streams, is waited on
	// next, or before another's Wait sleeps, if they have not left before.
	Send(s Stream, bufs [][]byte) (int, error)

	// CloseWrite sends the end of our bytes after those already taken. Receive
	// goes on.
	CloseWrite(s Stream) error

	// CloseStream ends the stream in order: bytes taken by Send are still delivered
	// as far as the network does so by itself.
	CloseStream(s Stream)

	// Abort ends the stream at once; the peer sees a reset.
	Abort(s Stream)

	// Local and Remote are the two ends of a stream.
	Local(s Stream) Addr
	Remote(s Stream) Addr

	// Close frees what the backend holds: descriptors, goroutines, memory. The
	// caller has closed every stream and listener before. No other call is
	// under way or follows, except Wake.
	Close() error
}

// SecureListener is what a backend may be beside a Backend: it has listeners
// whose clients speak TLS. Their streams are like others: what Receive gives
// and Send takes is plaintext.
type SecureListener interface {
	// ListenSecure is Listen for clients who speak TLS.
	ListenSecure(a Addr, tag uint64) (Listener, error)
}
