package static

import "github.com/bobtail-go/bobtail/internal/ascii"

// Range is some bytes of a form.
type Range struct{ Off, Len int64 }

// MaxRanges is the most ranges of one request that are looked at. A request
// for more is answered with the whole (RFC 9110 section 14.2: "a set of many
// small ranges").
const MaxRanges = 16

// Ranges goes through the satisfiable ranges of a Range field, which is looked
// at meanwhile. It is made by [ParseRanges].
type Ranges struct {
	rest  []byte
	size  int64
	specs int
	bad   bool
}

// ParseRanges begins to go through the ranges of a Range field (RFC 9110
// section 14.1.2) for content of size bytes. Of a field that has an error
// somewhere, those before it are given: [Decide] tells which fields count.
//
//	ranges-specifier = range-unit "=" range-set
//	range-set        = 1#( int-range / suffix-range )
//	int-range        = first-pos "-" [ last-pos ]
//	suffix-range     = "-" suffix-length
func ParseRanges(field []byte, size int64) Ranges {
	const unit = "bytes="
	if !ascii.HasPrefixFold(field, unit) {
		return Ranges{bad: true}
	}
	return Ranges{rest: field[len(unit):], size: size}
}

// Next is the next range that is not wholly beyond the content, cut to what
// there is.
func (s *Ranges) Next() (r Range, ok bool) {
	for !s.bad {
		if s.rest = skipList(s.rest); len(s.rest) == 0 {
			s.bad = s.specs == 0
			return r, false
		}
		s.specs++
		if r, ok = s.spec(); ok {
			return r, true
		}
	}
	return r, false
}

// spec reads a member of the set. ok says that it is satisfiable.
func (s *Ranges) spec() (r Range, ok bool) {
	first, hasFirst := s.number()
	if len(s.rest) == 0 || s.rest[0] != '-' {
		s.bad = true
		return r, false
	}
	s.rest = s.rest[1:]
	last, hasLast := s.number()
	if s.rest = skipBlank(s.rest); len(s.rest) > 0 && s.rest[0] != ',' {
		s.bad = true
		return r, false
	}
	switch {
	case !hasFirst && !hasLast, hasFirst && hasLast && last < first:
		// RFC 9110 section 14.1.2: "An int-range is invalid if the last-pos
		// value is present and less than first-pos."
		s.bad = true
		return r, false
	case !hasFirst:
		n := min(last, s.size)
		return Range{s.size - n, n}, n > 0
	case first >= s.size:
		return r, false
	case !hasLast || last >= s.size:
		last = s.size - 1
	}
	return Range{first, last - first + 1}, true
}

// number reads digits. A number that is too large is the largest.
func (s *Ranges) number() (n int64, ok bool) {
	const most = 1<<63 - 1
	for len(s.rest) > 0 && '0' <= s.rest[0] && s.rest[0] <= '9' {
		d := int64(s.rest[0] - '0')
		if n > (most-d)/10 {
			n = most
		} else {
			n = n*10 + d
		}
		s.rest, ok = s.rest[1:], true
	}
	return n, ok
}

// choose says what becomes of a Range field: n is the number of ranges to
// send, 0 for the whole, and -1 if none can be satisfied. first is the only
// range if n is 1.
func choose(field []byte, size int64) (n int, first Range) {
	var sum int64
	overlaps := 0
	s := ParseRanges(field, size)
	for {
		r, ok := s.Next()
		if s.bad || s.specs > MaxRanges {
			return 0, Range{}
		}
		if !ok {
			break
		}
		if n == 0 {
			first = r
		}
		n++
		sum += r.Len
		rest := s
		for {
			o, ok := rest.Next()
			if rest.bad || rest.specs > MaxRanges {
				return 0, Range{}
			}
			if !ok {
				break
			}
			if r.Off < o.Off+o.Len && o.Off < r.Off+r.Len {
				overlaps++
			}
		}
	}
	switch {
	case size == 0:
		return 0, Range{} // clients that always ask for the first bytes are not to fail
	case n == 0:
		return -1, Range{}
	case overlaps > 1 || sum > size:
		// RFC 9110 section 14.2: "more than two overlapping ranges", and what
		// would be longer than the whole is better answered by that.
		return 0, Range{}
	}
	return n, first
}

// appendContentRange appends the value of a Content-Range field (RFC 9110
// section 14.4).
func appendContentRange(dst []byte, r Range, size int64) []byte {
	dst = append(dst, "bytes "...)
	dst = ascii.AppendUint(dst, uint64(r.Off))
	dst = append(dst, '-')
	dst = ascii.AppendUint(dst, uint64(r.Off+r.Len-1))
	dst = append(dst, '/')
	return ascii.AppendUint(dst, uint64(size))
}
