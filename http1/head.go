package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// MaxHeadBuffer is the most that a head, or what is kept of it, can take in
// the caller's buffer: offsets are 16 bits wide. The parser looks at no byte
// beyond.
const MaxHeadBuffer = 65535

// MaxFieldName is the length of the longest field name that is accepted, in
// bytes. The registry's longest has about 40.
const MaxFieldName = 127

// Head is the head of one request: the state of its parser, what was learnt
// of it, and where in the caller's buffer the kept parts are. It holds no
// pointer. The zero value is ready for use by Parser.Parse.
//
// The methods that take a buffer must be given the one that the last Parse or
// Compact was given, at the same content; what they return are views of it,
// valid as long as the caller leaves those bytes alone. Methods other than
// Scanned, Empty, Compact, Overflow, SavedSize, Save, Load and Reset are
// meaningful once Parse has said that the head is complete; Method, Target and
// MethodName also before, as far as they have come.
//
// A Head is used by one goroutine at a time.
type Head struct {
	// Where the parser is.
	state   headState
	failure Error  // sticky, in stateFailed
	step    uint8  // bytes of the version seen, or empty lines before the request
	pos     uint16 // bytes of the buffer that were looked at
	dropped uint32 // bytes of the head that are no longer in the buffer
	count   uint16 // field lines begun
	asks    bool   // the parser waits for Answer
	all     bool   // every field is kept

	// The field line under way.
	nameLen uint8
	id      fieldID
	keep    bool   // the program wants it
	name    uint16 // where its name begins
	value   uint16 // where its value begins

	// What was learnt.
	method    Method
	version   Version
	form      Form
	kept      uint8 // fields in use
	methodLen uint8
	facts     fact
	start     uint16 // where the method begins
	target    uint16 // where the target begins
	targetLen uint16
	authority uint16 // where the authority of an absolute target begins, from the target's start
	authLen   uint16
	path      uint16 // where the path begins, from the target's start
	query     uint16 // where the "?" is, from the target's start; targetLen if there is none
	host      uint8  // 1 + index of the Host field in fields, 0 if there is none
	length    uint64

	fields [MaxKept]span
}

// span is where a kept field is.
type span struct {
	name, value, valueLen uint16
	nameLen               uint8
	id                    fieldID
}

// fact is a set of what the fields said.
type fact uint16

const (
	factHost      fact = 1 << iota // there is a Host
	factLength                     // there is a Content-Length
	factCoding                     // there is a Transfer-Encoding
	factChunked                    // the last transfer coding is chunked
	factClose                      // Connection: close
	factKeepAlive                  // Connection: keep-alive
	factConnUpgr                   // Connection: upgrade
	factUpgrade                    // there is an Upgrade
	factExpect                     // Expect: 100-continue
)

func (f fact) has(g fact) bool { return f&g != 0 }

// Reset makes h ready for the next head.
func (h *Head) Reset() {
	// The spans need no clearing: kept says how many count.
	h.state = stateStart
	h.failure = 0
	h.step = 0
	h.pos = 0
	h.dropped = 0
	h.count = 0
	h.asks = false
	h.all = false
	h.method = MethodUnset
	h.version = VersionUnset
	h.form = FormUnset
	h.kept = 0
	h.methodLen = 0
	h.facts = 0
	h.start = 0
	h.target = 0
	h.targetLen = 0
	h.authLen = 0
	h.path = 0
	h.query = 0
	h.host = 0
	h.length = 0
}

// Scanned is the number of bytes at the front of the buffer that were looked
// at. Once the head is complete it is the size of what is in the buffer of it:
// content begins at that offset.
func (h *Head) Scanned() int { return int(h.pos) }

// Empty reports whether nothing of a request was seen yet, an empty line
// before it aside (RFC 9112 section 2.2): the connection is idle rather than
// in the midst of a head.
func (h *Head) Empty() bool { return h.state <= stateStartLF }

// Asks reports whether a parser whose Ask is set has come to the end of the
// request line and waits for Answer. Method, MethodName, Target, Path, Query
// and Version are meaningful then, and Host if the target has one.
func (h *Head) Asks() bool { return h.asks }

// Answer says whether all fields of the head are to be kept, at most MaxKept,
// or only those that the parser keeps. It does nothing unless Asks.
func (h *Head) Answer(all bool) {
	if h.asks {
		h.asks, h.all = false, all
	}
}

// Method is the method of the request, MethodUnset as long as it is not
// complete.
func (h *Head) Method() Method { return h.method }

// MethodName is the method as it was sent.
func (h *Head) MethodName(b []byte) []byte {
	return b[h.start : int(h.start)+int(h.methodLen)]
}

// Form is the form of the target (RFC 9112 section 3.2).
func (h *Head) Form() Form { return h.form }

// Target is the request target as it was sent, nil as long as it is not
// complete.
func (h *Head) Target(b []byte) []byte {
	if h.targetLen == 0 {
		return nil
	}
	return b[h.target : int(h.target)+int(h.targetLen)]
}

// Path is the path of the target as it was sent, not decoded, without the
// query. It is "/" for an absolute target without one (RFC 9110 section
// 4.2.3), "*" for an asterisk, and empty for an authority.
func (h *Head) Path(b []byte) []byte {
	t := int(h.target)
	if h.path == h.query && h.form == Absolute {
		// The last of the two slashes before the authority will do.
		a := t + int(h.authority)
		return b[a-1 : a]
	}
	return b[t+int(h.path) : t+int(h.query)]
}

// Query is what follows the first "?" of the target, not decoded. It is nil
// if there is no "?", and empty but not nil if nothing follows it.
func (h *Head) Query(b []byte) []byte {
	if h.query >= h.targetLen {
		return nil
	}
	t := int(h.target)
	return b[t+int(h.query)+1 : t+int(h.targetLen)]
}

// Host is the host that the request is for, with its port if one was sent:
// the authority of an absolute target or of CONNECT, which outdoes the Host
// field (RFC 9112 section 3.2.2), else the Host field. It is nil in an
// HTTP/1.0 request that names none.
func (h *Head) Host(b []byte) []byte {
	if h.authLen != 0 {
		t := int(h.target) + int(h.authority)
		return b[t : t+int(h.authLen)]
	}
	if h.host != 0 {
		_, v := h.Field(b, int(h.host)-1)
		return v
	}
	return nil
}

// Version is the version of the request.
func (h *Head) Version() Version { return h.version }

// KeepAlive reports whether the connection persists after the response, as
// far as the request is concerned (RFC 9112 section 9.3).
func (h *Head) KeepAlive() bool {
	if h.facts.has(factClose) {
		return false
	}
	return h.version == Version11 || h.facts.has(factKeepAlive)
}

// Close reports whether the request has Connection: close (RFC 9112 section
// 9.6).
func (h *Head) Close() bool { return h.facts.has(factClose) }

// Outline is what an answer needs to know of its request: method, version, and
// whether the connection may persist.
type Outline uint32

// Outline is the head's outline, for those who answer when its bytes are gone.
func (h *Head) Outline() Outline {
	return Outline(h.method) | Outline(h.version)<<8 | Outline(h.facts&(factClose|factKeepAlive))<<16
}

// SetOutline makes h a complete head of which only the outline is known: it
// has no target and no fields, and takes no byte of any buffer.
func (h *Head) SetOutline(o Outline) {
	h.Reset()
	h.state = stateDone
	h.method, h.version, h.facts = Method(o), Version(o>>8), fact(o>>16)
}

// Upgrade reports whether the request asks for another protocol: it has an
// Upgrade field, names it in Connection, and is not HTTP/1.0, where it must be
// ignored (RFC 9110 section 7.8).
func (h *Head) Upgrade() bool {
	return h.facts&(factUpgrade|factConnUpgr) == factUpgrade|factConnUpgr && h.version == Version11
}

// Expect100 reports whether the peer may wait for 100 (Continue) before it
// sends the content: it said so, there is content, and the request is not
// HTTP/1.0, where it must be ignored (RFC 9110 section 10.1.1).
func (h *Head) Expect100() bool {
	return h.facts.has(factExpect) && h.version == Version11 && (h.facts.has(factChunked) || h.length != 0)
}

// ContentLength is the length of the content that the request declares, and
// whether it declares one. It is at most 2^63-1.
func (h *Head) ContentLength() (n uint64, ok bool) {
	return h.length, h.facts.has(factLength)
}

// Chunked reports whether the content is in chunked transfer coding.
func (h *Head) Chunked() bool { return h.facts.has(factChunked) }

// NumFields is the number of fields that were kept, at most MaxKept.
func (h *Head) NumFields() int { return int(h.kept) }

// Field is the name and the value of a kept field, in the order in which they
// were sent. The name is as it was sent; the value is without white space
// around it.
func (h *Head) Field(b []byte, i int) (name, value []byte) {
	s := &h.fields[:h.kept][i]
	return b[s.name : int(s.name)+int(s.nameLen)], b[s.value : int(s.value)+int(s.valueLen)]
}

// Get is the value of the first kept field with a name, in upper or lower
// case, and nil if there is none. The value of an empty field is not nil.
func (h *Head) Get(b []byte, name string) []byte {
	i := h.Next(b, name, 0)
	if i < 0 {
		return nil
	}
	_, v := h.Field(b, i)
	return v
}

// Next is the index of the first kept field at index from or later with a
// name, in upper or lower case, and -1 if there is none. It finds the lines of
// a field that was sent in several.
func (h *Head) Next(b []byte, name string, from int) int {
	for i := from; i < int(h.kept); i++ {
		s := &h.fields[i]
		if int(s.nameLen) == len(name) && ascii.EqualFold(b[s.name:int(s.name)+len(name)], name) {
			return i
		}
	}
	return -1
}
