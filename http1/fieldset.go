package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// fieldID is a field name that this package knows, 0 for every other. The
// names that are acted on come first.
type fieldID uint8

const (
	idOther fieldID = iota
	idHost
	idContentLength
	idTransferEncoding
	idConnection
	idUpgrade
	idExpect
	idContentType // the first that is only kept
	idContentEncoding

	idActedOn      fieldID = idContentType // the ones below are acted on in a request
	idCookie       fieldID = 26            // the ones below are in DefaultFields, except those that only frame
	idCacheControl fieldID = 31
	idDate         fieldID = 38
	numIDs         fieldID = 43
)

// knownNames has the name of each fieldID in lower case. No two of them agree
// in length, first and last letter, which is all that lookup hashes.
var knownNames = [numIDs]string{
	"",
	"host", "content-length", "transfer-encoding", "connection", "upgrade", "expect",
	"content-type", "content-encoding", "content-language", "authorization", "origin",
	"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
	"range", "last-event-id",
	"sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol", "sec-websocket-extensions",
	"accept-encoding", "access-control-request-method", "access-control-request-headers",
	"cookie", "user-agent", "accept", "accept-language", "referer", "cache-control",
	"forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "x-request-id",
	"x-requested-with", "date", "te", "via", "traceparent", "prefer",
}

// knownIndex has the fieldID for each hash. A test says what it must be when
// knownNames changes.
var knownIndex = [128]fieldID{
	0, 36, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 9, 0, 0,
	17, 0, 11, 23, 0, 0, 0, 0, 2, 0, 13, 0, 32, 0, 0, 0,
	0, 25, 0, 16, 0, 0, 0, 0, 0, 8, 0, 0, 4, 0, 0, 14,
	0, 1, 0, 0, 0, 27, 0, 0, 5, 0, 0, 28, 0, 0, 0, 31,
	0, 41, 0, 24, 0, 0, 40, 6, 0, 0, 0, 0, 42, 12, 15, 7,
	0, 0, 0, 0, 0, 10, 38, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	19, 0, 30, 0, 0, 34, 0, 39, 0, 0, 0, 3, 18, 0, 0, 0,
	33, 0, 26, 0, 0, 0, 37, 35, 29, 0, 22, 21, 0, 0, 0, 0,
}

// hashName has its factors from a search for some that have no collision.
func hashName(name []byte) uint {
	n := len(name)
	return (uint(n)*62 + uint(name[0]|0x20)*12 + uint(name[n-1]|0x20)*55) >> 2 & 127
}

// lookup is the fieldID of a name, which is not empty, in upper or lower case. A
// name that is known is a token.
func lookup(name []byte) fieldID {
	id := knownIndex[hashName(name)]
	s := knownNames[id]
	n := len(s)
	if n != len(name) {
		return idOther
	}
	i := 0
	for ; i+8 <= n; i += 8 {
		if !foldsTo(word(name[i:i+8]), word(s[i:i+8])) {
			return idOther
		}
	}
	for ; i < n; i++ {
		if !foldsTo(uint64(name[i]), uint64(s[i])) {
			return idOther
		}
	}
	return id
}

// foldsTo reports whether w is the lower-case letters and hyphens of s, in upper
// or lower case. The bit of the case is set only where s has a letter: it would
// make a hyphen of CR.
func foldsTo(w, s uint64) bool { return w|s&(0x40*ones)>>1 == s }

// MaxOtherNames is the number of names in a FieldSet beside those that this
// package knows.
const MaxOtherNames = 16

// FieldSet is a set of names of fields to keep. The zero value is empty; Host
// is kept in any case. It is a value of its own, not changed while in use.
type FieldSet struct {
	known   uint64 // bit 1<<id
	lengths uint64 // bit 1<<len for each of others, so that most names need no comparison
	others  [MaxOtherNames]string
	n       uint8
	all     bool
}

// DefaultFields is the set of what most programs need: Content-Type,
// Content-Encoding, Content-Language, Authorization, Origin, the conditions
// (If-*) and Range, Last-Event-ID, Accept-Encoding, Upgrade and Sec-WebSocket-*,
// and Access-Control-Request-*; that is one name of MaxOtherNames.
//
// It leaves out what browsers send most of and programs ask for least: Cookie,
// User-Agent, Accept, Accept-Language, Referer, Sec-Fetch-*. So 512 bytes serve
// a browser. Add adds those that a program wants.
func DefaultFields() FieldSet {
	s := FieldSet{known: 1<<idCookie - 1<<idActedOn | 1<<idUpgrade}
	s.Add("Access-Control-Request-Private-Network")
	return s
}

// AllFields is the set of all fields, for programs that hand them on. A head
// with more than MaxKept fields is then refused.
func AllFields() FieldSet { return FieldSet{all: true} }

// Add adds names, in upper or lower case. It fails with ErrFieldName for one
// that is not a token of at most MaxFieldName bytes, and with ErrFieldSetFull
// for more than MaxOtherNames names that this package does not know; those
// before it were added. The set holds on to the strings.
func (s *FieldSet) Add(names ...string) error {
	for _, name := range names {
		if !allToken(name) || len(name) > MaxFieldName {
			return ErrFieldName
		}
		if id := lookup(ascii.Bytes(name)); id != idOther {
			s.known |= 1 << id
			continue
		}
		if s.has(idOther, ascii.Bytes(name)) {
			continue
		}
		if s.n == MaxOtherNames {
			return ErrFieldSetFull
		}
		s.others[s.n] = name
		s.n++
		s.lengths |= lengthBit(len(name))
	}
	return nil
}

// Has reports whether the set has a name, in upper or lower case.
func (s *FieldSet) Has(name string) bool {
	if !allToken(name) {
		return false
	}
	return s.has(lookup(ascii.Bytes(name)), ascii.Bytes(name))
}

// has reports whether the set has a name whose fieldID is id.
func (s *FieldSet) has(id fieldID, name []byte) bool {
	if s.known>>id&1 != 0 || s.all {
		return true
	}
	if id != idOther || s.lengths&lengthBit(len(name)) == 0 {
		return false
	}
	for _, o := range s.others[:s.n] {
		if ascii.EqualFold(name, o) {
			return true
		}
	}
	return false
}

func lengthBit(n int) uint64 { return 1 << (uint(n) & 63) }
