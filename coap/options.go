package coap

// Options as they are on the wire (RFC 7252 section 3.1): read by iteration,
// without a table of what is where, and written in the order of their numbers.

//	  0   1   2   3   4   5   6   7
//	+---------------+---------------+
//	|  Option Delta | Option Length |   1 byte
//	+---------------+---------------+
//	/         Option Delta          /   0-2 bytes
//	/          (extended)           /
//	+-------------------------------+
//	/         Option Length         /   0-2 bytes
//	/          (extended)           /
//	+-------------------------------+
//	/         Option Value          /   0 or more bytes
//	+-------------------------------+

// Sizes in bytes.
const (
	MaxOptionHeader = 1 + 2 + 2   // the most that is in front of an option's value
	MaxOptionValue  = 65535 + 269 // the longest value that can be written
)

// marker stands between options and payload (RFC 7252 section 3).
const marker = 0xFF

// Options are encoded options, without the payload marker. It is a view of the
// message, valid as long as that is. ParseTCP, ParseUDP, ParseBody and
// CheckOptions check them, AppendOption writes them; of others all methods see
// what is in front of the first that is malformed.
type Options []byte

// Iter goes through options in their order. It is a plain value, and does not
// allocate. It is best declared in front of the loop,
//
//	it := o.Iter()
//	for it.Next() {
//
// since what a for clause declares is copied for each turn of the loop, which
// takes three times as long as Next.
type Iter struct {
	Number Option // of the option that Next came to
	Value  []byte // of that option; a view
	all    []byte
	next   int // where in all the next option begins
}

// Iter is an iterator in front of the first option.
func (o Options) Iter() Iter { return Iter{all: o} }

// Next goes to the next option, and reports whether there is one.
func (it *Iter) Next() bool {
	b, i := it.all, it.next
	if i >= len(b) {
		return false
	}
	c := b[i]
	length, number := int(c&15), it.Number+Option(c>>4)
	i++
	if c >= 13<<4 || length > 12 || length > len(b)-i || number < it.Number {
		return it.long()
	}
	it.Number = number
	it.Value = b[i : i+length : i+length]
	it.next = i + length
	return true
}

// long is Next for an option whose header is longer than a byte, and for what
// is malformed.
func (it *Iter) long() bool {
	b := it.all[it.next:]
	delta, length, n, e := longOption(b)
	if e != 0 || uint(it.Number)+delta > 0xFFFF || length > len(b)-n {
		return false // and so it remains
	}
	it.Number += Option(delta)
	it.Value = b[n : n+length : n+length]
	it.next += n + length
	return true
}

// longOption reads the header of an option that may be longer than a byte: the
// delta, the length of the value, and the length n of the header itself.
func longOption(b []byte) (delta uint, length, n int, e Error) {
	delta, length, n = uint(b[0]>>4), int(b[0]&15), 1
	switch delta {
	case 13:
		if len(b) < 2 {
			return 0, 0, 0, ErrOptionEnd
		}
		delta, n = 13+uint(b[1]), 2
	case 14:
		if len(b) < 3 {
			return 0, 0, 0, ErrOptionEnd
		}
		delta, n = 269+(uint(b[1])<<8|uint(b[2])), 3
	case 15:
		return 0, 0, 0, ErrOptionDelta
	}
	switch length {
	case 13:
		if len(b) < n+1 {
			return 0, 0, 0, ErrOptionEnd
		}
		length, n = 13+int(b[n]), n+1
	case 14:
		if len(b) < n+2 {
			return 0, 0, 0, ErrOptionEnd
		}
		length, n = 269+(int(b[n])<<8|int(b[n+1])), n+2
	case 15:
		return 0, 0, 0, ErrOptionLength
	}
	return delta, length, n, 0
}

// scan checks the options at the front of b, and where they end: at the payload
// marker or at the end of b.
func scan(b []byte) (end int, e Error) {
	number := uint(0)
	for i := 0; i < len(b); {
		c := b[i]
		if c == marker {
			return i, 0
		}
		delta, length, n := uint(c>>4), int(c&15), 1
		if delta > 12 || length > 12 {
			delta, length, n, e = longOption(b[i:])
			if e != 0 {
				return 0, e
			}
		}
		number += delta
		if number > 0xFFFF {
			return 0, ErrOptionNumber
		}
		if length > len(b)-i-n {
			return 0, ErrOptionEnd
		}
		i += n + length
	}
	return len(b), 0
}

// CheckOptions checks encoded options that no payload marker follows: lengths,
// reserved values, and that no number is above 65535. What the options mean is
// not looked at: see Critical.
func CheckOptions(b []byte) error {
	end, e := scan(b)
	if e == 0 && end != len(b) {
		e = ErrOptionDelta
	}
	return e.err()
}

// ParseBody reads what follows the token of a message: options, and the payload
// behind its marker.
func ParseBody(b []byte) (o Options, payload []byte, err error) {
	o, payload, e := parseBody(b)
	return o, payload, e.err()
}

func parseBody(b []byte) (o Options, payload []byte, e Error) {
	end, e := scan(b)
	switch {
	case e != 0:
		return nil, nil, e
	case end == len(b):
		return b[:end:end], nil, 0
	case end+1 == len(b):
		return nil, nil, ErrPayloadMarker // RFC 7252 section 3
	}
	return b[:end:end], b[end+1 : len(b) : len(b)], 0
}

// AppendPayload appends the payload marker and the payload, and nothing if the
// payload is empty (RFC 7252 section 3).
func AppendPayload(dst, payload []byte) []byte {
	if len(payload) == 0 {
		return dst
	}
	return append(append(dst, marker), payload...)
}

// Get is the value of the first option of a number. As an option that does not
// Fit is to be treated like one that is not understood (RFC 7252 section 5.4.3),
// it is passed over.
func (o Options) Get(n Option) (value []byte, ok bool) {
	it := o.Iter()
	for it.Next() && it.Number <= n {
		if it.Number == n && n.Fits(len(it.Value)) {
			return it.Value, true
		}
	}
	return nil, false
}

// Has reports whether there is an option of a number, as Get finds it.
func (o Options) Has(n Option) bool {
	_, ok := o.Get(n)
	return ok
}

// Count is how many options of a number there are that Fit.
func (o Options) Count(n Option) (count int) {
	it := o.Iter()
	for it.Next() && it.Number <= n {
		if it.Number == n && n.Fits(len(it.Value)) {
			count++
		}
	}
	return count
}

// Uint is the value of the first option of a number, as Get finds it, as a
// number. It is not ok if it has more than eight bytes.
func (o Options) Uint(n Option) (v uint64, ok bool) {
	b, ok := o.Get(n)
	if !ok {
		return 0, false
	}
	return ParseUint(b)
}

// ParseUint reads the value of an option of KindUint: leading zeros are taken
// (RFC 7252 section 3.2). It is not ok if it has more than eight bytes.
func ParseUint(value []byte) (v uint64, ok bool) {
	if len(value) > 8 {
		return 0, false
	}
	for _, c := range value {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// basic has the critical options that are understood by whoever routes a
// request: its URI, Accept, Block1, Block2, and those that are answered with
// 5.05 where there is no proxy. All of them are below 64.
const basic uint64 = 1<<OptURIHost | 1<<OptURIPort | 1<<OptURIPath | 1<<OptURIQuery | 1<<OptAccept |
	1<<OptBlock1 | 1<<OptBlock2 | 1<<OptProxyURI | 1<<OptProxyScheme

// Critical is the first critical option that must not be passed over, for which
// a request is answered with 4.02 and a response is rejected (RFC 7252 section
// 5.4.1): one that is neither in understood nor understood by whoever routes
// requests (those of the URI and of proxies, Accept, Block1, Block2), one that
// does not Fit (section 5.4.3), and one that is there again though not
// repeatable (section 5.4.5). So a program that heeds If-Match must list it.
func (o Options) Critical(understood []Option) (first Option, ok bool) {
	last := uint(1 << 16) // no number
	it := o.Iter()
	for ; it.Next(); last = uint(it.Number) {
		n := it.Number
		if !n.IsCritical() {
			continue
		}
		if !(n < 64 && basic>>n&1 != 0) && !contains(understood, n) {
			return n, true
		}
		d := n.bounds()
		if d == nil {
			continue
		}
		if len(it.Value) < int(d.min) || len(it.Value) > int(d.max) || !d.repeatable && uint(n) == last {
			return n, true
		}
	}
	return 0, false
}

func contains(all []Option, n Option) bool {
	for _, o := range all {
		if o == n {
			return true
		}
	}
	return false
}
