package coap

import "github.com/bobtail-go/bobtail/internal/ascii"

// Paths and queries: options have them in parts and decoded, URIs as text (RFC
// 7252 sections 6.4 and 6.5).

// MaxSegment is the longest segment of a path and part of a query in bytes,
// decoded (RFC 7252 section 5.10).
const MaxSegment = 255

// AppendPath appends the path of the Uri-Path options as it is in a URI, always
// with a slash in front (RFC 7252 section 6.5). It is at most three times as
// long as the options, and one more.
func (o Options) AppendPath(dst []byte) []byte {
	return o.appendPath(dst, OptURIPath)
}

// AppendQuery appends the query of the Uri-Query options as it is in a URI,
// without a question mark in front (RFC 7252 section 6.5). It is at most three
// times as long as the options.
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
	it := o.Iter()
	for it.Next() && it.Number <= n {
		if it.Number == n {
			dst = appendEscaped(append(dst, '/'), it.Value, &segmentChars)
		}
	}
	if len(dst) == at {
		dst = append(dst, '/')
	}
	return dst
}

func (o Options) appendQuery(dst []byte, n Option) []byte {
	first := true
	it := o.Iter()
	for it.Next() && it.Number <= n {
		if it.Number != n {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		dst, first = appendEscaped(dst, it.Value, &argumentChars), false
	}
	return dst
}

// Query is the value of the first Uri-Query option that is "name=value", a view
// of it, or nil for an option that is the name alone.
func (o Options) Query(name string) (value []byte, ok bool) {
	it := o.Iter()
	for it.Next() && it.Number <= OptURIQuery {
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

// AppendPathOptions appends the segments of a path of a URI, decoded, as options
// of the number n, Uri-Path or Location-Path, behind one of the number prev (RFC
// 7252 section 6.4). The slash in front may be missing; "" and "/" have no
// segments. Those that are "." or ".." are resolved (RFC 3986 section 5.2.4),
// and an error if they are escaped, since no option may have them. After an
// error dst is as it was. It panics if prev is above n.
func AppendPathOptions(dst []byte, prev, n Option, path string) ([]byte, error) {
	got, e := appendPathOptions(dst, prev, n, path)
	if e != 0 {
		return dst, e
	}
	return got, nil
}

func appendPathOptions(dst []byte, prev, n Option, path string) ([]byte, Error) {
	if e := checkEscaped(path, &pathChars); e != 0 {
		return nil, e
	}
	if path != "" && path[0] == '/' {
		path = path[1:]
	}
	start, before := len(dst), prev
	for {
		i := indexByte(path, '/')
		segment, last := path[:i], i == len(path)
		dots := segment == "." || segment == ".."
		if segment == ".." {
			dst = dropLast(dst, start)
		}
		if before = n; len(dst) == start {
			before = prev
		}
		// At the end dots leave what a slash does: an empty segment, unless the
		// path is one slash alone.
		if dots {
			segment = ""
		}
		if !last && !dots || last && (segment != "" || len(dst) != start) {
			var e Error
			if dst, e = appendPart(dst, before, n, segment); e != 0 {
				return nil, e
			}
		}
		if last {
			return dst, 0
		}
		path = path[i+1:]
	}
}

// dropLast takes back the last of the options from start on, if there is one.
func dropLast(dst []byte, start int) []byte {
	last := start
	it := Options(dst[start:]).Iter()
	for ; it.next < len(it.all); it.Next() {
		last = start + it.next
	}
	return dst[:last]
}

// AppendQueryOptions appends what is between the "&" of a URI's query, decoded,
// as options of the number n, Uri-Query or Location-Query, behind one of the
// number prev (RFC 7252 section 6.4). There is no question mark in front; an
// empty query has no parts. After an error dst is as it was. It panics if prev
// is above n.
func AppendQueryOptions(dst []byte, prev, n Option, query string) ([]byte, error) {
	got, e := appendQueryOptions(dst, prev, n, query)
	if e != 0 {
		return dst, e
	}
	return got, nil
}

func appendQueryOptions(dst []byte, prev, n Option, query string) ([]byte, Error) {
	if e := checkEscaped(query, &queryChars); e != 0 {
		return nil, e
	}
	for more := query != ""; more; prev = n {
		i := indexByte(query, '&')
		var e Error
		if dst, e = appendPart(dst, prev, n, query[:i]); e != 0 {
			return nil, e
		}
		if more = i != len(query); more {
			query = query[i+1:]
		}
	}
	return dst, 0
}

// appendPart appends a part of a URI whose bytes are checked, decoded.
func appendPart(dst []byte, prev, n Option, s string) ([]byte, Error) {
	size := unescapedSize(s)
	if size > MaxSegment {
		return nil, ErrURISegment
	}
	if prev > n {
		panic("coap: option out of order")
	}
	dst = appendUnescaped(appendOptionHeader(dst, uint(n-prev), size), s)
	if v := dst[len(dst)-size:]; (n == OptURIPath || n == OptLocationPath) && (ascii.Equal(v, ".") || ascii.Equal(v, "..")) {
		return nil, ErrURIDots // RFC 7252 sections 5.10.1 and 5.10.7
	}
	return dst, 0
}
