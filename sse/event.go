package sse

import (
	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/web"
)

// Event is one event. The zero Event is a blank line, which is nothing.
type Event struct {
	// ID is what the peer says in Last-Event-ID when it connects again; "" says
	// nothing, and the peer stays at the last one that it was told.
	ID string

	// Name is the type of the event, which the peer listens for; "" is
	// "message".
	Name string

	// Data is the event's data, in UTF-8. CR, LF and CR LF each end a line; the
	// peer sees LF. Without data (nil) nothing is told to the page, but the peer
	// knows ID and Retry from then on; empty data that is not nil is told.
	Data []byte

	// Retry is how long the peer waits before it connects again, in nanoseconds
	// of which it is told whole milliseconds; 0 says nothing.
	Retry int64
}

// Text is an event with a string as its data, which is not copied.
func Text(s string) Event {
	if s == "" {
		return Event{Data: []byte{}}
	}
	return Event{Data: ascii.Bytes(s)}
}

// Error is an error of this package. Its values are constants.
type Error uint8

// The errors of events and topics.
const (
	_          Error = iota
	ErrID            // an ID has a control: CR, LF and NUL cannot be sent, the others would not come back in a field
	ErrName          // a name has CR or LF
	ErrRetry         // Retry is negative
	ErrLong          // the event is longer than a block of output, or than what the topic takes
	ErrTopicID       // the topic gives the IDs itself
	ErrFull          // the topic has as many subscribers as it may have
	ErrClosed        // the topic is closed
	ErrOptions       // a number in Options is out of its bounds
	numErrors
)

var errorTexts = [numErrors]string{
	ErrID:      "sse: ID with a control character",
	ErrName:    "sse: name with a line break",
	ErrRetry:   "sse: negative retry time",
	ErrLong:    "sse: event too long",
	ErrTopicID: "sse: the topic gives the IDs itself",
	ErrFull:    "sse: topic has no room for another subscriber",
	ErrClosed:  "sse: topic is closed",
	ErrOptions: "sse: options out of bounds",
}

// Is reports whether err is e.
func (e Error) Is(err error) bool {
	x, ok := err.(Error)
	return ok && x == e
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "sse: unknown error"
}

// Status is what to answer a request that fails with the error.
func (e Error) Status() int {
	if e == ErrFull {
		return 503
	}
	return 500
}

// check reports what cannot be sent of an event.
func (e *Event) check() error {
	for i := range len(e.ID) {
		if c := e.ID[i]; c < ' ' && c != '\t' || c == 0x7f {
			return ErrID
		}
	}
	for i := range len(e.Name) {
		if c := e.Name[i]; c == '\r' || c == '\n' {
			return ErrName
		}
	}
	if e.Retry < 0 {
		return ErrRetry
	}
	return nil
}

// SizeEvent is how many bytes AppendEvent appends.
func SizeEvent(e Event) int {
	n := 1
	if e.ID != "" {
		n += len("id: \n") + len(e.ID)
	}
	if e.Name != "" {
		n += len("event: \n") + len(e.Name)
	}
	if ms := e.Retry / 1e6; ms > 0 {
		n += len("retry: \n") + digits(uint64(ms))
	}
	if e.Data != nil {
		n += len("data: \n") + len(e.Data)
		for i, c := range e.Data {
			switch {
			case c == '\r':
				n += len("data: ")
			case c == '\n' && (i == 0 || e.Data[i-1] != '\r'):
				n += len("data: ")
			case c == '\n':
				n-- // the second half of a line break
			}
		}
	}
	return n
}

// AppendEvent appends an event as it is sent, and returns dst, as the builtin
// does. It fails with ErrID, ErrName and ErrRetry, and appends nothing then. A
// space follows each colon, so that data may begin with one.
//
//	event   = *( comment / field ) end-of-line
//	field   = 1*name-char [ colon [ space ] *any-char ] end-of-line
func AppendEvent(dst []byte, e Event) ([]byte, error) {
	if err := e.check(); err != nil {
		return dst, err
	}
	if e.ID != "" {
		dst = append(dst, "id: "...)
		dst = append(dst, e.ID...)
		dst = append(dst, '\n')
	}
	return appendRest(dst, &e), nil
}

// appendRest appends all of an event but its ID.
func appendRest(dst []byte, e *Event) []byte {
	if e.Name != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, e.Name...)
		dst = append(dst, '\n')
	}
	if ms := e.Retry / 1e6; ms > 0 {
		dst = append(dst, "retry: "...)
		dst = ascii.AppendUint(dst, uint64(ms))
		dst = append(dst, '\n')
	}
	if e.Data != nil {
		dst = append(dst, "data: "...)
		from := 0
		for i, c := range e.Data {
			if c != '\r' && c != '\n' {
				continue
			}
			if c == '\n' && i > 0 && e.Data[i-1] == '\r' {
				from = i + 1
				continue
			}
			dst = append(dst, e.Data[from:i]...)
			dst = append(dst, "\ndata: "...)
			from = i + 1
		}
		dst = append(dst, e.Data[from:]...)
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

// digits is the number of decimal digits of n.
func digits(n uint64) int {
	k := 1
	for n >= 10 {
		n /= 10
		k++
	}
	return k
}

// LastEventID is the ID of the last event that a peer which connects again has
// seen, nil if it says none. The bytes are valid until the handler returns.
// Last-Event-ID must be among the fields that the server keeps, as it is by
// default.
func LastEventID(r *web.Request) []byte { return r.Header("Last-Event-ID") }
