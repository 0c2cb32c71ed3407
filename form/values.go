package form

import (
	"unicode/utf8"

	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Values are the names and values of a urlencoded form, decoded in the memory
// that the content had, and views of it: valid as long as that is. The zero
// value has none. It may be copied, and read by several goroutines.
//
// A name ends in nameEnd if a value follows, and every pair but the last in
// pairEnd: two bytes that UTF-8 never has, in the places of "=" and "&". So
// nothing needs more room than it had, and there is no index.
type Values struct {
	b    []byte
	some bool // there is a pair: it may be a "=" alone
}

// MediaType is the media type of what Parse decodes, as IsMediaType takes it.
const MediaType = "application/x-www-form-urlencoded"

const (
	nameEnd = 0xFE
	pairEnd = 0xFF
)

// Parse decodes the whole content of a urlencoded form where it is (WHATWG URL
// section 5.1). Empty pairs do not count. It fails with ErrEscape and ErrUTF8;
// b has changed then.
func Parse(b []byte) (Values, error) {
	w := 0 // where to write: never beyond what the Query has passed
	some := false
	q := NewQuery(b)
	for {
		more := q.Next()
		if q.bad {
			return Values{}, ErrEscape
		}
		if !more {
			return Values{b[:w:w], some}, nil
		}
		if some {
			b[w] = pairEnd
			w++
		}
		some = true
		n, _ := DecodeForm(b[w:], q.name)
		if !utf8.Valid(b[w : w+n]) {
			return Values{}, ErrUTF8
		}
		w += n
		if len(q.value) == 0 {
			continue
		}
		b[w] = nameEnd
		w++
		n, _ = DecodeForm(b[w:], q.value)
		if !utf8.Valid(b[w : w+n]) {
			return Values{}, ErrUTF8
		}
		w += n
	}
}

// Get is the first value of a name, and nil if the form does not have it.
func (v Values) Get(name string) []byte {
	p := v.Pairs() // one for each turn of the loop would be on the heap under TinyGo
	for p.Next() {
		if ascii.Equal(p.name, name) {
			return p.value
		}
	}
	return nil
}

// Has reports whether the form has a name.
func (v Values) Has(name string) bool { return v.Get(name) != nil }

// Pairs walks over the names and values in their order:
//
//	p := v.Pairs()
//	for p.Next() {
//		use(p.Name(), p.Value())
//	}
func (v Values) Pairs() Pairs { return Pairs{rest: v.b, more: v.some} }

// Pairs is a place in Values. It may be copied, which keeps the place.
type Pairs struct {
	rest, name, value []byte
	more              bool
}

// Next goes to the next pair, and reports whether there is one.
func (p *Pairs) Next() bool {
	if !p.more {
		return false
	}
	b := p.rest
	end, named := 0, -1
	for ; end < len(b) && b[end] != pairEnd; end++ {
		if b[end] == nameEnd {
			named = end
		}
	}
	p.more = end < len(b)
	p.rest = b[min(end+1, len(b)):]
	if named < 0 {
		p.name, p.value = b[:end:end], b[end:end:end]
	} else {
		p.name, p.value = b[:named:named], b[named+1:end:end]
	}
	return true
}

// Name is the name of the pair.
func (p *Pairs) Name() []byte { return p.name }

// Value is the value of the pair, empty if it has no "=".
func (p *Pairs) Value() []byte { return p.value }
