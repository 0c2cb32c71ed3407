package web

import (
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/http1conn"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Response is an answer of which nothing has been said yet. It is staged by
// types: status, then fields, then one body, which ends it. What is called in
// another order, or twice, does not compile or fails with ErrMisuse, and
// nothing of it is sent. Nothing reaches the wire before the head is whole.
type Response struct{ x *Exchange }

// Head is a response with a status, to which fields may be added until its
// body is given. Errors are kept and returned by the body's method.
type Head struct{ x *Exchange }

// Body is a response whose content is being written.
type Body struct{ x *Exchange }

// Status begins the response, with the standard reason phrase of the code.
func (w Response) Status(code int) Head { return w.StatusReason(code, "") }

// StatusReason is Status with a reason phrase of the program's.
func (w Response) StatusReason(code int, reason string) Head {
	w.x.noteClosing()
	w.x.keep(w.x.conn.Status(code, reason))
	if w.x.err == nil && w.x.asideFirst != 0 {
		w.x.keep(w.x.addAside(&w.x.conn))
	}
	return Head(w)
}

// With sets a field aside, which is added to whatever response is begun after,
// by whoever begins it: this is how a handler around others says something for
// all of them. It is added to the answer for an error too. It is kept in the
// request's arena until then, and fails with ErrArena, and with ErrMisuse once
// the response is begun; a field that cannot be sent makes the response fail.
func (w Response) With(name, value string) error { return w.x.setAside(name, value) }

// WithBytes is With for a value in bytes, which are copied.
func (w Response) WithBytes(name string, value []byte) error {
	return w.x.setAside(name, ascii.View(value))
}

// Interim sends an interim response at once, before the response is begun,
// such as 103 (Early Hints). A peer that speaks HTTP/1.0 gets none.
func (w Response) Interim(code int, fields ...http1conn.Field) error {
	return w.x.conn.Interim(code, fields...)
}

// EarlyHints tells the peer at once what the response will link to, so that it
// may fetch that while the response is worked out (103, RFC 8297). Each of
// links is a link of RFC 8288, such as `</style.css>; rel=preload; as=style`.
// They are joined in the request's arena: it fails with ErrArena, and as
// Interim does.
func (w Response) EarlyHints(links ...string) error {
	n := 0
	for _, l := range links {
		n += len(l) + len(", ")
	}
	b, err := w.x.req.Alloc(n)
	if err != nil {
		return err
	}
	b = b[:0]
	for i, l := range links {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, l...)
	}
	return w.Interim(http1.StatusEarlyHints, http1conn.Field{Name: "Link", Value: ascii.View(b)})
}

// Redirect answers with a redirection to a location, a reference of RFC 3986
// in ASCII, absolute or relative to the request's (RFC 9110 section 10.2.2).
// code is 301, 302, 303, 307 or 308: 303 has the peer GET the location
// whatever the method was, 307 and 308 have it repeat the request there. Other
// codes, and a location that is empty or has bytes that no reference has, are
// ErrMisuse.
func (w Response) Redirect(code int, location string) error {
	switch code {
	case 301, 302, 303, 307, 308:
	default:
		return w.x.keep(ErrMisuse)
	}
	for i := range len(location) {
		if c := location[i]; c <= ' ' || c >= 0x7f {
			return w.x.keep(ErrMisuse)
		}
	}
	if location == "" {
		return w.x.keep(ErrMisuse)
	}
	return w.Status(code).Header("Location", location).Text(http1.StatusText(code), "\n")
}

// HTML answers 200 with a page in UTF-8, the parts one after the other. What
// came from elsewhere must be escaped: this adds the parts as they are.
func (w Response) HTML(parts ...string) error { return w.Status(200).HTML(parts...) }

// JSON answers 200 with a JSON text, which is not looked at. Package json
// writes one without allocating.
func (w Response) JSON(b []byte) error { return w.Status(200).JSON(b) }

// Text answers 200 with text.
func (w Response) Text(parts ...string) error { return w.Status(200).Text(parts...) }

// Bytes answers 200 with bytes of a content type.
func (w Response) Bytes(contentType string, b []byte) error {
	return w.Status(200).Header("Content-Type", contentType).Bytes(b)
}

// Header adds a field. A value with CR, LF or another control fails, and so
// does a name that is not a token: nothing can split the response.
func (h Head) Header(name, value string) Head {
	x := h.x
	if x.err == nil {
		if name == "Content-Type" {
			x.typed = true
		} else {
			x.noteField(name)
		}
		x.keep(x.conn.Field(name, value))
	}
	return h
}

// HeaderBytes is Header for a value in bytes.
func (h Head) HeaderBytes(name string, value []byte) Head {
	if h.x.err == nil {
		h.x.noteField(name)
		h.x.keep(h.x.conn.FieldBytes(name, value))
	}
	return h
}

// Text ends the response with text, the parts one after the other. The
// content type is text/plain in UTF-8, unless one was given.
func (h Head) Text(parts ...string) error { return h.text("text/plain; charset=utf-8", parts) }

// HTML ends the response with a page, the parts one after the other as they
// are. The content type is text/html in UTF-8, unless one was given.
func (h Head) HTML(parts ...string) error { return h.text("text/html; charset=utf-8", parts) }

// JSON ends the response with a JSON text, which is the caller's again when it
// returns. The content type is application/json, unless one was given.
func (h Head) JSON(b []byte) error {
	if !h.x.typed {
		h.Header("Content-Type", "application/json")
	}
	return h.Bytes(b)
}

func (h Head) text(contentType string, parts []string) error {
	x := h.x
	if !x.typed {
		h.Header("Content-Type", contentType)
	}
	return x.end(parts...)
}

// Bytes ends the response with content that is the caller's again when it
// returns.
func (h Head) Bytes(b []byte) error { return h.x.end(ascii.View(b)) }

// Static ends the response with content that never changes, such as a page in
// the program's memory. It is sent from there, without a worker if the peer
// is slow. Small content is better given to Bytes.
func (h Head) Static(b []byte) error {
	x := h.x
	if x.w == nil || len(b) <= cap(x.conn.Staged())-len(x.conn.Staged())-http1.MaxEndSize-http1.MaxLengthSize {
		return h.Bytes(b)
	}
	if err := x.endHead(len(b)); err != nil {
		return err
	}
	if err := x.conn.Content(len(b)); err != nil {
		return x.keep(err)
	}
	if x.conn.HasBody() {
		x.static = b
	}
	return x.complete()
}

// StaticString is Static for a string.
func (h Head) StaticString(s string) error {
	return h.Static(ascii.Bytes(s))
}

// Empty ends the response without content.
func (h Head) Empty() error {
	if err := h.x.endHead(0); err != nil {
		return err
	}
	return h.x.complete()
}

// Stream begins content of a length that is not known: it is sent in chunks,
// or until the connection closes for a peer that speaks HTTP/1.0.
func (h Head) Stream() (Body, error) {
	if h.x.err != nil {
		return Body{}, h.x.err
	}
	if err := h.x.conn.EndHead(); err != nil {
		return Body{}, h.x.keep(err)
	}
	return Body(h), nil
}

// StreamN begins content of n bytes. If the handler then writes fewer, the
// connection is aborted, since the peer could not tell otherwise.
func (h Head) StreamN(n uint64) (Body, error) {
	if h.x.err != nil {
		return Body{}, h.x.err
	}
	if err := h.x.conn.Length(n); err != nil {
		return Body{}, h.x.keep(err)
	}
	return h.Stream()
}

// Write sends content. It is gathered in the worker's memory, and waits for
// the peer when that is full.
func (b Body) Write(p []byte) (int, error) {
	n, err := b.x.conn.Write(p)
	return n, b.x.keep(err)
}

// WriteString is Write for a string.
func (b Body) WriteString(s string) error { return b.x.keep(b.x.conn.WriteString(s)) }

// Flush sends what was gathered.
func (b Body) Flush() error { return b.x.keep(b.x.conn.Flush()) }

// Trailer adds a field behind the content, after which no more may be
// written. It fails if the content is not sent in chunks.
func (b Body) Trailer(name, value string) error {
	err := b.x.conn.Trailer(name, value)
	if http1.ErrState.Is(err) {
		err = ErrMisuse
	}
	return err
}

// Close ends the content. A handler that returns nil does so too.
func (b Body) Close() error { return b.x.complete() }
