package static

import "github.com/bobtail-go/bobtail/http1"

// Conditions are the fields of a request that an answer depends on. A field
// that was not sent is nil. One that was sent in several lines is given as one
// list; a second Range, If-Range or date makes it malformed, as it is.
type Conditions struct {
	IfMatch           []byte
	IfNoneMatch       []byte
	IfModifiedSince   []byte
	IfUnmodifiedSince []byte
	IfRange           []byte
	Range             []byte
	AcceptEncoding    []byte
}

// Entry is what there is to answer with.
type Entry struct {
	// Type is the media type, "" if none is to be sent.
	Type string
	// ETag is the entity-tag with its quotes, of the form Identity: see
	// AppendETag. "" if there is none.
	ETag string
	// Modified is the time of the last modification in seconds since 1970 UTC,
	// 0 if it is not known.
	Modified int64
	// Length is the length of each form in bytes, -1 of one that is not there.
	Length [NumForms]int64
}

// Varies reports whether the answer depends on Accept-Encoding.
func (e *Entry) Varies() bool { return e.Length[Gzip] >= 0 || e.Length[Brotli] >= 0 }

// Answer is what to answer.
type Answer struct {
	// Status is 200, 206, 304, 406, 412 or 416.
	Status int
	// Form is the form to send, or that the conditions were compared with.
	Form Form
	// Size is the length of the form.
	Size int64
	// Ranges is how many ranges to send, 0 for the whole. Several are sent as
	// multipart/byteranges, in the order that ParseRanges gives them.
	Ranges int
	// Range is what to send of the form: the only range, or the whole.
	Range Range
}

// Decide says how to answer a request for an entry by GET or HEAD (for other
// methods the conditions would be evaluated alike, but nothing here answers
// them). It first chooses a form, then goes through the conditions in the
// order of RFC 9110 section 13.2.2. It looks at its arguments and keeps
// nothing.
func Decide(m http1.Method, c *Conditions, e *Entry) (a Answer) {
	form, ok := negotiate(c.AcceptEncoding, e)
	if !ok {
		return Answer{Status: http1.StatusNotAcceptable}
	}
	a.Form, a.Size = form, e.Length[form]
	if !c.required(e, form) {
		a.Status = http1.StatusPreconditionFailed
		return a
	}
	if c.known(e, form) {
		a.Status = http1.StatusNotModified
		return a
	}
	a.Status, a.Range = http1.StatusOK, Range{0, a.Size}
	// RFC 9110 section 14.2: ranges are defined for GET alone.
	if m != http1.GET || c.Range == nil || !c.sameRange(e, form) {
		return a
	}
	n, r := choose(c.Range, a.Size)
	switch {
	case n < 0:
		a.Status, a.Range = http1.StatusRangeNotSatisfiable, Range{}
	case n > 0:
		a.Status, a.Ranges, a.Range = http1.StatusPartialContent, n, r
	}
	return a
}

// required are the steps 1 and 2: whether the entry is what the client
// requires.
func (c *Conditions) required(e *Entry, f Form) bool {
	if c.IfMatch != nil {
		return listed(c.IfMatch, e.ETag, f, true) // section 13.1.1: the strong comparison
	}
	if c.IfUnmodifiedSince == nil || e.Modified == 0 {
		return true
	}
	t, ok := parseDate(c.IfUnmodifiedSince)
	return !ok || e.Modified <= t // section 13.1.4: what is no date is ignored
}

// known are the steps 3 and 4: whether the client has what it would get.
func (c *Conditions) known(e *Entry, f Form) bool {
	if c.IfNoneMatch != nil {
		return listed(c.IfNoneMatch, e.ETag, f, false) // section 13.1.2: the weak comparison
	}
	if c.IfModifiedSince == nil || e.Modified == 0 {
		return false
	}
	t, ok := parseDate(c.IfModifiedSince)
	return ok && e.Modified <= t
}

// sameRange is step 5: whether what the client has a part of is what there is
// (RFC 9110 section 13.1.5). A date is as strong as the tag beside it: who
// gives a weak tag does not know whether there was another change within the
// second (section 8.8.2.2).
func (c *Conditions) sameRange(e *Entry, f Form) bool {
	b := c.IfRange
	if b == nil {
		return true
	}
	if n := scanTag(b); n > 0 {
		return n == len(b) && sameTag(b, e.ETag, f, true)
	}
	t, ok := parseDate(b)
	return ok && e.Modified != 0 && t == e.Modified && !weakTag(e.ETag)
}
