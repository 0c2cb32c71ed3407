//go:build !tinygo

package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// This file appends the parts that most responses have: a Content-Type, and a rest
// whose content is here. It looks once whether there is room and writes words, since
// what a server pays for, behind a system call, is the lines of code that it touches.
// All else is left to the steps, which a test holds it to; and so is all in TinyGo's
// programs, for their size.

// Ending is the end of a head with the value of its Date and the length of its
// content, which are made when they change and not with each response. It holds no
// pointer. The zero value is none.
type Ending struct {
	start, end uint8  // of what is in use of b; start is 0 if there is no length yet, end if there is no Date
	length     uint64 // the digits before endingLength
	b          [endingLength + endingDate + DateSize + 4]byte
}

const (
	lengthName   = "Content-Length: "
	endingLength = len(lengthName) + 20
	endingDate   = len("\r\nDate: ")
)

// Set has e end heads with a date, or nil for a server without a clock. It reports
// false for what AppendEnd refuses with ErrDate; then e is none.
func (e *Ending) Set(date []byte) bool {
	if int(e.end) == len(e.b) && len(date) == DateSize {
		d := e.b[endingLength+endingDate:][:DateSize]
		if (word(date)^word(d))|(word(date[8:])^word(d[8:]))|(word(date[16:])^word(d[16:]))|(word(date[21:])^word(d[21:])) == 0 {
			return true
		}
	}
	return e.setDate(date)
}

func (e *Ending) setDate(date []byte) bool {
	e.end = 0
	b := e.b[:endingLength]
	if date != nil {
		if len(date) != DateSize || scanValue(date, 0) != DateSize {
			return false
		}
		b = append(append(b, "\r\nDate: "...), date...)
	}
	e.end = uint8(len(append(b, "\r\n\r\n"...)))
	return true
}

func (e *Ending) setLength(n uint64) {
	var d [20]byte
	digits := ascii.AppendUint(d[:0], n)
	e.length, e.start = n, uint8(endingLength-len(digits)-len(lengthName))
	copy(e.b[copy(e.b[e.start:], lengthName)+int(e.start):], digits)
}

// AppendRest appends the rest of a response whose status and fields are there and
// whose content is parts, one after the other, as AppendLength, AppendEnd,
// AppendContent and AppendFinish would, if it is of the kind that most are: it
// has content, no length was declared, no Date was given, and the connection persists
// without a word about it. Any other is left as it is, and ok is false; so it is if
// dst has less room than the content, MaxLengthSize and MaxEndSize, if e is
// none, and always in programs that are to be small (TinyGo).
func (r *Response) AppendRest(dst []byte, e *Ending, parts ...string) (rest []byte, ok bool) {
	n := uint64(0)
	for _, s := range parts {
		n += uint64(len(s))
	}
	k := len(dst)
	if r.state != respFields || r.facts != respKeepAlive || r.version == Version10 || r.code == StatusResetContent ||
		e.end == 0 || cap(dst)-k-(MaxLengthSize+MaxEndSize) < int(n) {
		return dst, false
	}
	if e.start == 0 || e.length != n {
		e.setLength(n)
	}
	dst = dst[:cap(dst)]
	k += copy(dst[k:], e.b[e.start:e.end])
	for _, s := range parts {
		k += copy(dst[k:], s)
	}
	r.facts |= respLength
	r.length, r.sent = n, n
	r.state = respDone
	return dst[:k], true
}

// appendType appends a Content-Type if there is room for it and its value is at least
// a word of what a value may have. Else ok is false.
func appendType(dst, value []byte) (line []byte, ok bool) {
	const name = "Content-Type: "
	k, n := len(dst), len(value)
	if n < 8 || cap(dst)-k < len(name)+n+2 {
		return dst, false
	}
	b := dst[k : k+len(name)+n+2]
	copy((*[len(name)]byte)(b)[:], name)
	v := b[len(name):][:n]
	w := word(value[n-8:])
	putWord(v[n-8:], w)
	m := controls(w)
	for len(v) >= 8 && len(value) >= 8 {
		w = word(value)
		putWord(v, w)
		m |= controls(w)
		v, value = v[8:], value[8:]
	}
	if m != 0 {
		return dst, false
	}
	b[len(b)-2], b[len(b)-1] = '\r', '\n'
	return dst[:k+len(b)], true
}

// putWord is the inverse of word.
func putWord(b []byte, w uint64) {
	_ = b[7]
	b[0], b[1], b[2], b[3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
	b[4], b[5], b[6], b[7] = byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56)
}
