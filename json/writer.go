// Package json writes JSON (RFC 8259) value by value, into memory of the
// caller's or into an io.Writer as it goes, without allocating:
//
//	var j json.Writer
//	j.Reset(buf[:0], nil)
//	j.Object()
//	j.Name("temperature")
//	j.Float(21.5)
//	j.Name("on")
//	j.Bool(true)
//	j.EndObject()
//	b, err := j.Bytes()
//
// Commas and colons come by themselves. What would be no JSON is not written:
// the first mistake is kept, and everything after it does nothing, so that one
// look at the end suffices.
//
// Values look as those of encoding/json do.
package json

import (
	"io"
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/internal/ascii"
	"github.com/bobtail-go/bobtail/internal/build"
)

// MaxDepth is how deep objects and arrays can be nested.
const MaxDepth = 64

// Error is an error of this package: one value for each rule that can be
// broken. Its values are constants: none allocates, and each can be compared.
type Error uint8

// The errors. All are the program's.
const (
	_         Error = iota
	ErrFull         // the memory is full, and there is no io.Writer
	ErrMemory       // less than MinBuffer bytes of memory for an io.Writer
	ErrValue        // a value where a name must stand, or after the whole
	ErrName         // a name outside of an object, or two of them
	ErrEnd          // the end of what was not begun, or of an object behind a name
	ErrDepth        // nested deeper than MaxDepth
	ErrOpen         // the text is not complete
	ErrNumber       // infinite, or not a number
	ErrRaw          // a raw value that is no JSON
	numErrors
)

var errorTexts = [numErrors]string{
	ErrFull:   "json: memory full",
	ErrMemory: "json: too little memory to write by",
	ErrValue:  "json: value in the wrong place",
	ErrName:   "json: name in the wrong place",
	ErrEnd:    "json: end in the wrong place",
	ErrDepth:  "json: nested too deep",
	ErrOpen:   "json: not complete",
	ErrNumber: "json: number that JSON does not have",
	ErrRaw:    "json: malformed raw value",
}

// Error is the text of the error, prefixed by the package's name.
func (e Error) Error() string {
	if e < numErrors && errorTexts[e] != "" {
		return errorTexts[e]
	}
	return "json: unknown error"
}

// place is what may be written next.
type place uint8

const (
	placeUnset     place = iota // nothing: Reset was not called
	placeWhole                  // the whole
	placeFirst                  // the first element of an array, or its end
	placeNext                   // another element of an array, or its end
	placeFirstName              // the first name of an object, or its end
	placeNextName               // another name of an object, or its end
	placeMember                 // the value of a name
	placeEnd                    // nothing: the whole was written
)

// Writer writes one JSON text. It is made ready by Reset, and used by one
// goroutine at a time.
type Writer struct {
	// Script has "<", ">" and "&" escaped in strings, so that the text can
	// stand in a script of an HTML page. It may be set after Reset.
	Script bool

	b     []byte
	to    io.Writer
	err   error
	stack uint64 // a bit for each level, 1 for an object; the innermost is the lowest
	depth uint8
	place place
}

// MinBuffer is the least memory of a Writer that has an io.Writer, in bytes.
const MinBuffer = 32

// Reset makes w ready for a text. It is appended to b, whose capacity is not
// exceeded. If to is nil, b must have room for it all, and Bytes gives it;
// otherwise b is sent to it whenever it is full, and by Close.
func (w *Writer) Reset(b []byte, to io.Writer) {
	*w = Writer{b: b, to: to, place: placeWhole}
	if to != nil && cap(b) < MinBuffer {
		w.fail(ErrMemory)
	}
}

// Err is the first mistake, or the error of the io.Writer, and nil if there
// was none.
func (w *Writer) Err() error { return w.err }

// Bytes is b as it was given to Reset, with the text. It fails with Err, and
// with ErrOpen if the text is not complete.
func (w *Writer) Bytes() ([]byte, error) {
	if err := w.complete(); err != nil {
		return nil, err
	}
	return w.b, nil
}

// Flush sends what there is to the io.Writer, if there is one.
func (w *Writer) Flush() error {
	if w.err == nil && w.to != nil {
		w.send()
	}
	return w.err
}

// Close ends the text and sends what is left. It fails as Bytes does.
func (w *Writer) Close() error {
	if err := w.complete(); err != nil {
		return err
	}
	return w.Flush()
}

func (w *Writer) complete() error {
	if w.err == nil && w.place != placeEnd {
		return ErrOpen
	}
	return w.err
}

func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// send empties the buffer.
func (w *Writer) send() {
	n, err := w.to.Write(w.b)
	if err == nil && n < len(w.b) {
		err = io.ErrShortWrite
	}
	w.b = w.b[:0]
	if err != nil {
		w.fail(err)
	}
}

// text writes s as it is.
func (w *Writer) text(s string) {
	for w.err == nil {
		n := copy(w.b[len(w.b):cap(w.b)], s)
		w.b = w.b[:len(w.b)+n]
		if s = s[n:]; s == "" {
			return
		}
		if w.to == nil {
			w.fail(ErrFull)
			return
		}
		w.send()
	}
}

func (w *Writer) byte(c byte) {
	if len(w.b) == cap(w.b) {
		if w.to == nil {
			w.fail(ErrFull)
			return
		}
		w.send()
	}
	if w.err == nil {
		w.b = append(w.b, c)
	}
}

// value writes what is before a value, and reports whether it may be written.
func (w *Writer) value() bool {
	if w.err != nil {
		return false
	}
	switch w.place {
	case placeWhole:
		w.place = placeEnd
	case placeFirst:
		w.place = placeNext
	case placeNext:
		w.byte(',')
	case placeMember:
		w.place = placeNextName
	default:
		w.fail(ErrValue)
	}
	return w.err == nil
}

// Object begins an object, which is a value.
func (w *Writer) Object() { w.begin('{', 1, placeFirstName) }

// Array begins an array, which is a value.
func (w *Writer) Array() { w.begin('[', 0, placeFirst) }

func (w *Writer) begin(c byte, bit uint64, p place) {
	if w.depth == MaxDepth {
		w.fail(ErrDepth)
		return
	}
	if !w.value() {
		return
	}
	w.byte(c)
	w.stack = w.stack<<1 | bit
	w.depth++
	w.place = p
}

// EndObject ends the innermost object.
func (w *Writer) EndObject() { w.end('}', placeFirstName, placeNextName) }

// EndArray ends the innermost array.
func (w *Writer) EndArray() { w.end(']', placeFirst, placeNext) }

func (w *Writer) end(c byte, first, next place) {
	if w.err != nil {
		return
	}
	if w.place != first && w.place != next {
		w.fail(ErrEnd)
		return
	}
	w.byte(c)
	w.stack >>= 1
	w.depth--
	switch {
	case w.depth == 0:
		w.place = placeEnd
	case w.stack&1 == 1:
		w.place = placeNextName
	default:
		w.place = placeNext
	}
}

// Name writes the name of the next value of an object. That names differ is
// the program's care.
func (w *Writer) Name(s string) {
	if w.err != nil {
		return
	}
	switch w.place {
	case placeFirstName:
	case placeNextName:
		w.byte(',')
	default:
		w.fail(ErrName)
		return
	}
	w.quoted(s)
	w.byte(':')
	w.place = placeMember
}

// String writes a string. Bytes of it that are not UTF-8 become U+FFFD.
func (w *Writer) String(s string) {
	if w.value() {
		w.quoted(s)
	}
}

// StringBytes is String for bytes.
func (w *Writer) StringBytes(b []byte) { w.String(ascii.View(b)) }

// Bool writes true or false.
func (w *Writer) Bool(v bool) {
	if v {
		w.literal("true")
	} else {
		w.literal("false")
	}
}

// Null writes null.
func (w *Writer) Null() { w.literal("null") }

func (w *Writer) literal(s string) {
	if w.value() {
		w.text(s)
	}
}

// Int writes a whole number. Programs in JavaScript read it exactly up to 2^53.
func (w *Writer) Int(n int64) {
	if !w.value() {
		return
	}
	if n < 0 {
		w.byte('-')
		w.digits(-uint64(n))
		return
	}
	w.digits(uint64(n))
}

// Uint writes a whole number that is not negative.
func (w *Writer) Uint(n uint64) {
	if w.value() {
		w.digits(n)
	}
}

// digits is ascii.AppendUint without a slice of what is on the stack, which
// TinyGo would put on the heap.
func (w *Writer) digits(n uint64) {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			break
		}
	}
	if !build.Small {
		w.text(ascii.View(b[i:]))
		return
	}
	for _, c := range b[i:] {
		w.byte(c)
	}
}

// Float writes a number by the fewest digits that tell it from its neighbours.
// JSON has no infinity, and nothing that is not a number: these fail with
// ErrNumber.
func (w *Writer) Float(f float64) {
	if w.err != nil {
		return
	}
	if f-f != 0 {
		w.fail(ErrNumber)
		return
	}
	if !w.value() {
		return
	}
	var b [maxFloat]byte
	if !build.Small {
		w.text(ascii.View(appendFloat(b[:0], f)))
		return
	}
	for _, c := range b[:putFloat(&b, f)] {
		w.byte(c)
	}
}

// Base64 writes bytes as a string in base64 with padding (RFC 4648 section 4),
// as encoding/json writes a []byte.
func (w *Writer) Base64(p []byte) {
	if !w.value() {
		return
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	w.byte('"')
	for ; len(p) >= 3; p = p[3:] {
		w.byte(digits[p[0]>>2])
		w.byte(digits[p[0]<<4&63|p[1]>>4])
		w.byte(digits[p[1]<<2&63|p[2]>>6])
		w.byte(digits[p[2]&63])
	}
	switch len(p) {
	case 1:
		w.byte(digits[p[0]>>2])
		w.byte(digits[p[0]<<4&63])
		w.text("==")
	case 2:
		w.byte(digits[p[0]>>2])
		w.byte(digits[p[0]<<4&63|p[1]>>4])
		w.byte(digits[p[1]<<2&63])
		w.byte('=')
	}
	w.byte('"')
}

// Raw writes a value that is JSON already, as it is, white space included. It
// fails with ErrRaw if it is not one JSON text, nested no deeper than MaxDepth,
// and with ErrDepth if it is nested deeper here.
func (w *Writer) Raw(b []byte) {
	if w.err != nil {
		return
	}
	deepest, ok := check(b)
	switch {
	case !ok:
		w.fail(ErrRaw)
		return
	case int(w.depth)+deepest > MaxDepth:
		w.fail(ErrDepth)
		return
	}
	if w.value() {
		w.text(ascii.View(b))
	}
}

// quoted writes a string in quotes (RFC 8259 section 7).
func (w *Writer) quoted(s string) {
	const hex = "0123456789abcdef"
	w.byte('"')
	from := 0 // what is before it was written
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			escape := ""
			switch {
			case r == utf8.RuneError && n == 1:
				escape = `\ufffd`
			case r == '\u2028': // these two end a line in old JavaScript
				escape = `\u2028`
			case r == '\u2029':
				escape = `\u2029`
			}
			if escape != "" {
				w.text(s[from:i])
				w.text(escape)
				from = i + n
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && (!w.Script || c != '<' && c != '>' && c != '&') {
			i++
			continue
		}
		w.text(s[from:i])
		w.byte('\\')
		switch c {
		case '"', '\\':
			w.byte(c)
		case '\b':
			w.byte('b')
		case '\f':
			w.byte('f')
		case '\n':
			w.byte('n')
		case '\r':
			w.byte('r')
		case '\t':
			w.byte('t')
		default:
			w.text("u00")
			w.byte(hex[c>>4])
			w.byte(hex[c&15])
		}
		i++
		from = i
	}
	w.text(s[from:])
	w.byte('"')
}
