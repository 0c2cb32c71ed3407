package form

import "github.com/bobtail-go/bobtail/internal/ascii"

// Query walks over the pairs of a query, or of another urlencoded text, as it
// was sent:
//
//	q := form.NewQuery(b)
//	for q.Next() {
//		if q.NameIs("page") {
//			page, err = q.Value(buf)
//		}
//	}
//
// Pairs are separated by "&"; what is before the first "=" of one is its name.
// Empty pairs do not count. A pair with a malformed escape is skipped, and
// Err tells of it. Names may come more than once.
//
// A Query holds a view of the text and may be copied, which keeps the place.
// It is used by one goroutine at a time.
type Query struct {
	rest, name, value []byte
	bad               bool // a pair was skipped
	same              bool // the value is as it was sent
}

// NewQuery is a Query before the first pair of b.
func NewQuery(b []byte) Query { return Query{rest: b} }

// Next goes to the next pair, and reports whether there is one.
func (q *Query) Next() bool {
	for len(q.rest) > 0 {
		b := q.rest
		equals, i := -1, 0
		bad, same := false, true
		for ; i < len(b) && b[i] != '&'; i++ {
			switch b[i] {
			case '=':
				if equals < 0 {
					equals, same = i, true // what the name has does not count
				}
			case '%':
				same = false
				if i+2 >= len(b) || ascii.Unhex(b[i+1])|ascii.Unhex(b[i+2]) > 15 {
					bad = true
				}
			case '+':
				same = false
			}
		}
		q.rest = b[min(i+1, len(b)):]
		if bad {
			q.bad = true
			continue
		}
		if i == 0 {
			continue
		}
		q.name, q.value, q.same = b[:i], b[i:i], true
		if equals >= 0 {
			q.name, q.value, q.same = b[:equals], b[equals+1:i], same
		}
		return true
	}
	return false
}

// Err is ErrEscape if a pair was skipped so far, and nil otherwise.
func (q *Query) Err() error {
	if q.bad {
		return ErrEscape
	}
	return nil
}

// RawName is the name of the pair as it was sent.
func (q *Query) RawName() []byte { return q.name }

// RawValue is the value of the pair as it was sent, empty if it has no "=".
func (q *Query) RawValue() []byte { return q.value }

// Plain reports whether the value is RawValue: there is nothing to decode.
func (q *Query) Plain() bool { return q.same }

// NameIs reports whether the name of the pair, decoded, is s.
func (q *Query) NameIs(s string) bool {
	b := q.name
	i := 0
	for j := 0; j < len(b); j++ {
		c := b[j]
		switch c {
		case '%':
			c = ascii.Unhex(b[j+1])<<4 | ascii.Unhex(b[j+2]) // as Next has seen
			j += 2
		case '+':
			c = ' '
		}
		if i == len(s) || s[i] != c {
			return false
		}
		i++
	}
	return i == len(s)
}

// Name decodes the name of the pair into dst and returns what it has written
// of it. It fails with ErrShort; a dst as long as RawName suffices.
func (q *Query) Name(dst []byte) ([]byte, error) {
	n, err := DecodeForm(dst, q.name)
	return dst[:n], err
}

// Value decodes the value of the pair into dst and returns what it has written
// of it. It fails with ErrShort; a dst as long as RawValue suffices.
func (q *Query) Value(dst []byte) ([]byte, error) {
	n, err := DecodeForm(dst, q.value)
	return dst[:n], err
}

// Find goes to the next pair with a name, decoded, and reports whether there
// is one.
func (q *Query) Find(name string) bool {
	for q.Next() {
		if q.NameIs(name) {
			return true
		}
	}
	return false
}
