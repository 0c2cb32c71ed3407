package form

import (
	"math/bits"

	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Event is what Multipart.Next has found.
type Event uint8

// The events, in the order in which they come: EventPart, any number of
// EventData, EventPartEnd, for each part, and EventEnd once.
const (
	EventNone    Event = iota // nothing: all bytes were used, and more are needed
	EventPart                 // a part begins: see Name, Filename and ContentType
	EventData                 // a piece of the part's data
	EventPartEnd              // the part is complete
	EventEnd                  // the form is complete: what follows does not count
)

// Limits say how much of a form is accepted. More fails with an error whose
// status is 413.
type Limits struct {
	Parts  int    // parts; 0 is 128
	Header int    // bytes of a part's header; 0 is 4096
	Total  uint64 // bytes of all the content; 0 is as many as come
}

// The defaults. Go's mime/multipart takes 1000 parts and 10000 header fields
// in all; a device has forms of a dozen.
const (
	defaultParts  = 128
	defaultHeader = 4096
)

// MinMemory is the least memory of a Multipart for any boundary, with room for
// a header line of 100 bytes beside names that are as long together.
const MinMemory = 4 + MaxBoundary + 200

// multipartState is where a Multipart is.
type multipartState uint8

const (
	stateUnset       multipartState = iota // Init was not called
	statePreamble                          // before the first delimiter
	stateDelimiter                         // behind a delimiter
	stateDash                              // behind a delimiter and "-"
	statePadding                           // in the blanks behind a delimiter
	stateDelimiterLF                       // at the LF that ends a delimiter
	stateHeader                            // in a line of a part's header
	stateHeaderLF                          // at the LF that ends such a line
	stateData                              // in a part's data
	stateClosing                           // in the blanks behind the closing delimiter
	stateClosingLF                         // at the LF that ends it
	stateEpilogue                          // behind it: nothing counts
	stateFailed
)

// Multipart parses multipart/form-data (RFC 7578, RFC 2046 section 5.1) from
// bytes that come in pieces cut anywhere. It copies headers into its memory,
// and no data: what looks like the beginning of a delimiter at the end of a
// piece, and turns out not to be, it has in the delimiter itself.
//
// It is made ready by Init and used by one goroutine at a time.
type Multipart struct {
	mem    []byte // the delimiter, what is kept of the header, and the line under way
	limits Limits

	state   multipartState
	failure Error

	delimiter int  // length of the delimiter
	matched   int  // bytes of it that were seen at the end of the last piece
	virtual   bool // the first two of these were not: they stand for a line that ended before

	parts  int
	header int // bytes of the header so far
	total  uint64

	kept, line int // ends of what is kept, and of the line

	name, filename, contentType span
	disposed, extended, encoded bool
}

// span is a part of a Multipart's memory; there is none if end is 0.
type span struct{ start, end int }

// Init makes m ready for content of a Content-Type's value. mem is m's until it
// is no longer used: it has the delimiter, and must have room for the names and
// the longest line of a part's header; MinMemory serves a plain form. It fails
// as Boundary does, and with ErrMemory.
func (m *Multipart) Init(contentType, mem []byte, limits Limits) error {
	if limits.Parts == 0 {
		limits.Parts = defaultParts
	}
	if limits.Header == 0 {
		limits.Header = defaultHeader
	}
	*m = Multipart{mem: mem, limits: limits}
	const lead = "\r\n--"
	if len(mem) < len(lead) {
		return ErrMemory
	}
	n, err := Boundary(mem[copy(mem, lead):], contentType)
	if err != nil {
		if ErrShort.Is(err) {
			err = ErrMemory
		}
		return err
	}
	m.delimiter = len(lead) + n
	m.state = statePreamble
	m.atLineStart()
	return nil
}

// atLineStart has the delimiter found without the line break before it, which
// has been seen or stands at the beginning of all.
func (m *Multipart) atLineStart() { m.matched, m.virtual = 2, true }

// Next looks at the next bytes of content, and returns what it has found first
// and how many bytes it has used: it is to be called again with the rest, until
// it has found nothing. data is for EventData only, a view of b or of m's
// memory, not to be changed, and valid until the next call. After EventEnd
// nothing is found. Errors stay.
func (m *Multipart) Next(b []byte) (ev Event, data []byte, n int, err error) {
	for n < len(b) && ev == EventNone && m.failure == 0 {
		var used int
		ev, data, used = m.step(b[n:])
		n += used
	}
	m.total += uint64(n)
	if m.limits.Total > 0 && m.total > m.limits.Total {
		m.fail(ErrTotal)
	}
	if m.failure != 0 {
		return EventNone, nil, n, m.failure
	}
	return ev, data, n, nil
}

// Finish is to be called when the content has ended. It fails with
// ErrTruncated if the form is not complete, and with the error that Next has
// returned.
func (m *Multipart) Finish() error {
	switch m.state {
	case stateClosing, stateEpilogue:
		return nil
	case stateFailed:
		return m.failure
	}
	m.fail(ErrTruncated)
	return ErrTruncated
}

// Done reports whether EventEnd was found.
func (m *Multipart) Done() bool {
	return m.state == stateClosing || m.state == stateClosingLF || m.state == stateEpilogue
}

// Name is the name of the part, from EventPart until the next one. It is a view
// of m's memory, as what Filename and ContentType give.
func (m *Multipart) Name() []byte { return m.view(m.name) }

// Filename is the name of the file as the peer has sent it, nil if the part is
// not a file, and empty if no file was chosen. It may have a path, or anything:
// it is no name to store under. See BaseName.
func (m *Multipart) Filename() []byte { return m.view(m.filename) }

// ContentType is the media type of the part, nil if none was given, which
// stands for text/plain (RFC 7578 section 4.4).
func (m *Multipart) ContentType() []byte { return m.view(m.contentType) }

// Parts is the number of parts that have begun.
func (m *Multipart) Parts() int { return m.parts }

func (m *Multipart) view(s span) []byte {
	if s.end == 0 {
		return nil
	}
	return m.mem[s.start:s.end:s.end]
}

func (m *Multipart) fail(e Error) {
	if m.failure == 0 {
		m.failure, m.state = e, stateFailed
	}
}

// step does one thing with b, which is not empty.
func (m *Multipart) step(b []byte) (ev Event, data []byte, n int) {
	c := b[0]
	switch m.state {
	case statePreamble:
		// What stands before the first delimiter is no part (RFC 2046 section
		// 5.1.1).
		_, found, n := m.search(b)
		if found {
			m.state = stateDelimiter
		}
		return EventNone, nil, n
	case stateData:
		data, found, n := m.search(b)
		if found {
			m.state, m.header = stateDelimiter, 0
			return EventPartEnd, nil, n
		}
		if len(data) > 0 {
			return EventData, data, n
		}
		return EventNone, nil, n
	case stateDelimiter, statePadding:
		switch {
		case c == '\r':
			m.state = stateDelimiterLF
		case c == '-' && m.state == stateDelimiter:
			m.state = stateDash
		case ascii.IsBlank(c):
			// Transports may add blanks (RFC 2046 section 5.1.1).
			m.state = statePadding
			m.countHeader(1)
		default:
			m.fail(ErrDelimiter)
		}
		return EventNone, nil, 1
	case stateDelimiterLF:
		if c != '\n' {
			m.fail(ErrDelimiter)
			return EventNone, nil, 1
		}
		m.beginPart()
		return EventNone, nil, 1
	case stateHeader:
		return EventNone, nil, m.headerBytes(b)
	case stateHeaderLF:
		if c != '\n' {
			m.fail(ErrLine)
			return EventNone, nil, 1
		}
		return m.endLine(), nil, 1
	case stateDash:
		if c != '-' {
			m.fail(ErrDelimiter)
			return EventNone, nil, 1
		}
		m.state = stateClosing
		return EventEnd, nil, 1
	case stateClosing:
		switch {
		case c == '\r':
			m.state = stateClosingLF
		case !ascii.IsBlank(c):
			m.fail(ErrDelimiter)
		}
		return EventNone, nil, 1
	case stateClosingLF:
		if c != '\n' {
			m.fail(ErrDelimiter)
		} else {
			m.state = stateEpilogue
		}
		return EventNone, nil, 1
	case stateEpilogue:
		return EventNone, nil, len(b)
	case stateUnset:
		m.fail(ErrBoundaryNone)
		return EventNone, nil, 0
	}
	panic("BUG: form: step of a Multipart that has failed")
}

// search looks for the delimiter at the beginning of b, and for data before it.
// CR is the delimiter's first byte and none of the others, so what has not
// matched need not be looked at again but for its last byte.
func (m *Multipart) search(b []byte) (data []byte, found bool, n int) {
	delimiter := m.mem[:m.delimiter]
	if m.matched > 0 {
		for n < len(b) && m.matched < len(delimiter) && b[n] == delimiter[m.matched] {
			n++
			m.matched++
		}
		switch {
		case m.matched == len(delimiter):
			m.matched = 0
			return nil, true, n
		case n == len(b):
			return nil, false, n
		}
		// It was none, and is data.
		data = delimiter[:m.matched]
		if m.virtual {
			data = data[2:]
		}
		m.matched, m.virtual = 0, false
		if len(data) > 0 {
			return data, false, n
		}
	}
	for i := 0; ; {
		i += indexCR(b[i:])
		if i == len(b) {
			return b, false, i
		}
		k := 1
		for i+k < len(b) && k < len(delimiter) && b[i+k] == delimiter[k] {
			k++
		}
		switch {
		case k == len(delimiter) && i > 0:
			return b[:i], false, i // the delimiter is next
		case k == len(delimiter):
			return nil, true, k
		case i+k == len(b):
			m.matched, m.virtual = k, false
			return b[:i], false, i + k
		}
		i += k
	}
}

// indexCR is the index of the first CR, the length of b if there is none. It
// looks at eight bytes at a time.
func indexCR(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		p := b[i : i+8 : i+8]
		w := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		w ^= '\r' * ones
		// The lowest top bit that is left belongs to the first byte of zero.
		if w = (w - ones) &^ w & tops; w != 0 {
			return i + bits.TrailingZeros64(w)>>3
		}
	}
	for ; i < len(b); i++ {
		if b[i] == '\r' {
			return i
		}
	}
	return len(b)
}
