package cookie

import "github.com/bobtail-go/bobtail/internal/ascii"

// Pairs walks over the cookies of a Cookie field's value (RFC 6265 section
// 4.2.1):
//
//	p := cookie.NewPairs(b)
//	for p.Next() {
//		use(p.Name(), p.Value())
//	}
//
// A malformed pair is skipped, since other programs of the host, and scripts,
// can set what they like; Err tells of it. Of cookies of one name, a browser
// sends the one with the longest path first.
//
// Pairs is a view of the field and may be copied, which keeps the place. It is
// used by one goroutine at a time.
type Pairs struct {
	rest, name, value []byte
	more              bool
	quoted            bool
	err               Error
}

// NewPairs is a place before the first cookie of b.
func NewPairs(b []byte) Pairs {
	b = ascii.Trim(b)
	return Pairs{rest: b, more: len(b) > 0}
}

// Next goes to the next cookie, and reports whether there is one.
func (p *Pairs) Next() bool {
	for p.more {
		b := p.rest
		end, equals := 0, -1
		for ; end < len(b) && b[end] != ';'; end++ {
			if b[end] == '=' && equals < 0 {
				equals = end
			}
		}
		p.more = end < len(b)
		p.rest = b[min(end+1, len(b)):]
		if e := p.pair(b[:end], equals); e != 0 {
			if p.err == 0 {
				p.err = e
			}
			continue
		}
		return true
	}
	return false
}

// pair takes a pair, in which the first "=" is at equals.
func (p *Pairs) pair(b []byte, equals int) Error {
	if equals < 0 {
		return ErrPair
	}
	name, value := ascii.TrimLeft(b[:equals]), ascii.TrimRight(b[equals+1:])
	if !ascii.IsToken(name) {
		return ErrPairName
	}
	quoted := len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"'
	if quoted {
		value = value[1 : len(value)-1]
	}
	for _, c := range value {
		if !isValue(c) {
			return ErrPairValue
		}
	}
	p.name, p.value, p.quoted = name, value, quoted
	return 0
}

// Find goes to the next cookie of a name, and reports whether there is one.
// Names are compared byte for byte.
func (p *Pairs) Find(name string) bool {
	for p.Next() {
		if ascii.Equal(p.name, name) {
			return true
		}
	}
	return false
}

// Name is the name of the cookie.
func (p *Pairs) Name() []byte { return p.name }

// Value is the value of the cookie, without the quotes if it was sent in some.
func (p *Pairs) Value() []byte { return p.value }

// Quoted reports whether the value was sent in quotes.
func (p *Pairs) Quoted() bool { return p.quoted }

// Err is why the first of the pairs skipped so far was: ErrPair, ErrPairName
// or ErrPairValue; nil if none was.
func (p *Pairs) Err() error {
	if p.err == 0 {
		return nil
	}
	return p.err
}
