package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// Paths and queries, which options have in parts and decoded, as text (RFC 7252
// sections 6.4 and 6.5).

// MaxSegment is the longest segment of a path or part of a query in bytes (RFC
// 7252 section 5.10).
const MaxSegment = 255

// AppendPath appends the path of the Uri-Path options, escaped where a URI
// wants it and always with a slash in front (RFC 7252 section 6.5). It is up to
// three times as long as the options.
func (o Options) AppendPath(dst []byte) []byte {
	return o.appendPath(dst, OptURIPath)
}

// AppendQuery appends the query of the Uri-Query options, escaped where a URI
// wants it, without a question mark in front (RFC 7252 section 6.5).
func (o Options) AppendQuery(dst []byte) []byte {
	return o.appendQuery(dst, OptURIQuery)
}

// AppendLocation appends the relative reference that the Location-Path and
// Location-Query options of a response are (RFC 7252 section 5.10.7), nothing
// if there are none.
func (o Options) AppendLocation(dst []byte) []byte {
	if o.Has(OptLocationPath) {
		dst = o.appendPath(dst, OptLocationPath)
	}
	if o.Has(OptLocationQuery) {
		dst = o.appendQuery(append(dst, '?'), OptLocationQuery)
	}
	return dst
}

func (o Options) appendPath(dst []byte, n Option) []byte {
	at := len(dst)
	for it := o.Iter(); it.Next() && it.Number <= n; {
		if it.Number == n {
			dst = appendEscaped(append(dst, '/'), it.Value, charSegment)
		}
	}
	if len(dst) == at {
		dst = append(dst, '/')
	}
	return dst
}

func (o Options) appendQuery(dst []byte, n Option) []byte {
	first := true
	for it := o.Iter(); it.Next() && it.Number <= n; {
		if it.Number != n {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		dst, first = appendEscaped(dst, it.Value, charArgument), false
	}
	return dst
}

// Query is the value of the first Uri-Query option "name=value", empty if the
// option is "name" alone.
func (o Options) Query(name string) (value []byte, ok bool) {
	for it := o.Iter(); it.Next() && it.Number <= OptURIQuery; {
		v := it.Value
		if it.Number != OptURIQuery || len(v) < len(name) || !ascii.Equal(v[:len(name)], name) {
			continue
		}
		if len(v) == len(name) {
			return nil, true
		}
		if v[len(name)] == '=' {
			return v[len(name)+1:], true
		}
	}
	return nil, false
}

// What the bytes of a URI are (RFC 3986 appendix A).
const (
	charSegment  = 1 << iota // pchar, but for the percent sign
	charArgument             // query, but for the percent sign and "&"
	charHost                 // reg-name, but for the percent sign
	charScheme               // scheme behind its first letter
)

// chars has what each byte is.
var chars = [256]uint8{}

// appendEscaped appends what is decoded, each byte that is not of a class by a
// percent sign and two digits.
func appendEscaped(dst, b []byte, class uint8) []byte {
	const hex = "0123456789ABCDEF"
	for _, c := range b {
		if chars[c]&class != 0 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}

// AppendPathOptions appends the segments of a path, decoded, as options of the
// number n, Uri-Path or Location-Path, behind an option of the number prev (RFC
// 7252 section 6.4). "" and "/" have none, and a slash in front is not needed.
// Segments "." and ".." are resolved (RFC 3986 section 5.2.4).
func AppendPathOptions(dst []byte, prev, n Option, path string) ([]byte, error) {
	return dst, nil
}

// AppendQueryOptions appends the parts of a query, without a question mark in
// front, between its "&", decoded, as options of the number n, Uri-Query or
// Location-Query, behind an option of the number prev (RFC 7252 section 6.4).
func AppendQueryOptions(dst []byte, prev, n Option, query string) ([]byte, error) {
	return dst, nil
}
