package web

import (
	"io"

	"github.com/bobtail-go/bobtail/cookie"
	"github.com/bobtail-go/bobtail/form"
	"github.com/bobtail-go/bobtail/http1"
	"github.com/bobtail-go/bobtail/internal/credentials"
	"github.com/bobtail-go/bobtail/internal/same"
)

// This file gives handlers the values of a request by name: of its query, its
// cookies, its credentials and its forms. Nothing is parsed that is not asked
// for. What must be decoded is decoded into the request's arena; where that has
// no room left and the call returns no error, the response fails with ErrArena.

// Queries walks over the pairs of the query. The Query is a view of the head:
// valid as long as no content is read.
func (r *Request) Queries() form.Query { return form.NewQuery(r.Query()) }

// QueryValue is the first value of a name in the query, decoded, and nil if
// there is none. It is a view of the head, valid as long as no content is read,
// or in the arena if there was something to decode.
func (r *Request) QueryValue(name string) []byte {
	q := r.Queries()
	if !q.Find(name) {
		return nil
	}
	if q.Plain() {
		return q.RawValue()
	}
	x := r.x
	b, err := q.Value(x.arena[x.used:])
	if err != nil {
		x.keep(ErrArena)
		return nil
	}
	x.used += len(b)
	return b[:len(b):len(b)]
}

// Cookie is the value of the first cookie of a name, and nil if there is none,
// or if the server was not told to keep the field: http1.DefaultFields leaves
// Cookie out, since browsers send long ones, so that Config.Fields must have
// it, or the route AllFields. The value is a view of the head, valid as long as
// no content is read.
func (r *Request) Cookie(name string) []byte {
	h, b := r.Head()
	// RFC 6265 section 5.4 has one field; some proxies split it.
	for i := h.Next(b, "cookie", 0); i >= 0; i = h.Next(b, "cookie", i+1) {
		_, value := h.Field(b, i)
		if p := cookie.NewPairs(value); p.Find(name) {
			return p.Value()
		}
	}
	return nil
}

// authorization is the value of the Authorization field, nil if there is none,
// or more than one.
func (r *Request) authorization() []byte {
	h, b := r.Head()
	i := h.Next(b, "authorization", 0)
	if i < 0 || h.Next(b, "authorization", i+1) >= 0 {
		return nil
	}
	_, value := h.Field(b, i)
	return value
}

// BasicAuth is the user and the password of the request (RFC 7617), if it has
// them, in the arena. Package auth compares them in constant time.
func (r *Request) BasicAuth() (user, password []byte, ok bool) {
	value := r.authorization()
	n := credentials.BasicLen(value)
	if n == 0 {
		return nil, nil, false
	}
	dst, err := r.Alloc(n)
	if err != nil {
		r.x.keep(err)
		return nil, nil, false
	}
	return credentials.Basic(dst, value)
}

// Bearer is the token of the request (RFC 6750 section 2.1), and nil if it has
// none. It is a view of the head, valid as long as no content is read.
func (r *Request) Bearer() []byte { return credentials.Bearer(r.authorization()) }

// ReadAll reads the whole content, of at most max bytes: a view of the worker's
// memory if it is there already, and otherwise in the arena. It fails with
// http1.ErrContentLong, which is answered 413, if there is more or the arena
// has no room for it, and as NextPiece does.
func (r *Request) ReadAll(max int) ([]byte, error) {
	x := r.x
	if x.sinking {
		return nil, ErrMisuse
	}
	length, known := r.ContentLength()
	if max < 0 || known && length > uint64(max) {
		return nil, http1.ErrContentLong // before the peer is asked for it
	}
	from := x.used
	for {
		p, err := r.NextPiece()
		if same.Error(err, io.EOF) {
			return x.arena[from:x.used:x.used], nil
		}
		if err != nil {
			return nil, err
		}
		if known && uint64(len(p)) == length {
			return p[:len(p):len(p)], nil
		}
		if len(p) > max-(x.used-from) || len(p) > len(x.arena)-x.used {
			x.used = from
			return nil, http1.ErrContentLong
		}
		x.used += copy(x.arena[x.used:], p)
	}
}

// Form reads a urlencoded form of at most max bytes and decodes it where it is:
// its values are valid until the handler returns. It fails with form.ErrType,
// which is answered 415, if the content is something else, and as ReadAll and
// form.Parse do.
func (r *Request) Form(max int) (form.Values, error) {
	if !form.IsMediaType(r.Header("Content-Type"), form.MediaType) {
		return form.Values{}, form.ErrType
	}
	b, err := r.ReadAll(max)
	if err != nil {
		return form.Values{}, err
	}
	return form.Parse(b)
}

// multipart is where an Exchange is in a form of parts. It is here and not in
// the handler, where TinyGo would allocate it.
type multipart struct {
	parser form.Multipart
	piece  []byte // content that was received and not looked at
	rest   []byte // data of the part that Read has no room for
	inPart bool
}

// multipartMemory is what a form of parts takes of the arena for the headers of
// its parts, if there is so much: enough for names of hundreds of bytes.
const multipartMemory = 1024

// Multipart reads a form of parts, whose files may be larger than memory:
//
//	parts, err := r.Multipart(form.Limits{})
//	for err == nil {
//		if err = parts.NextPart(); err == nil {
//			...                 // parts.Name(), parts.Filename()
//			_, err = io.Copy(file, parts)
//		}
//	}
//	if err != io.EOF {
//		return err
//	}
//
// It waits for content as NextPiece does; a Sink feeds a form.Multipart of its
// own instead. It takes up to 1 KB of the arena, half of what is left at most.
// The errors are those of form.Multipart.Init, of which form.ErrType is answered
// 415, ErrArena, and ErrMisuse in a Sink.
func (r *Request) Multipart(l form.Limits) (Multipart, error) {
	x := r.x
	if x.sinking {
		return Multipart{}, ErrMisuse
	}
	mem, err := r.Alloc(max(form.MinMemory, min((len(x.arena)-x.used)/2, multipartMemory)))
	if err != nil {
		return Multipart{}, err
	}
	x.parts.piece, x.parts.rest, x.parts.inPart = nil, nil, false
	if err := x.parts.parser.Init(r.Header("Content-Type"), mem, l); err != nil {
		return Multipart{}, err
	}
	return Multipart{x}, nil
}

// Multipart is a form of parts that is being read. It is an io.Reader of the
// data of one part after the other. It is valid until the handler returns, and
// a request has one.
type Multipart struct{ x *Exchange }

// NextPart goes to the next part, and passes over what is left of the one
// before. It fails with io.EOF after the last, with the errors of form.Multipart,
// which are answered 400 or 413, and as Request.NextPiece does.
func (m Multipart) NextPart() error {
	m.x.parts.rest = nil
	for {
		ev, _, err := m.next()
		if err != nil {
			return err
		}
		if ev == form.EventPart {
			return nil
		}
	}
}

// NextPiece returns the next piece of the part's data, valid until the next
// call, and io.EOF after the last. The other errors are those of NextPart.
func (m Multipart) NextPiece() ([]byte, error) {
	q := &m.x.parts
	if !q.inPart {
		return nil, io.EOF
	}
	if p := q.rest; len(p) > 0 {
		q.rest = nil
		return p, nil
	}
	ev, data, err := m.next()
	if err == nil && ev == form.EventPartEnd {
		err = io.EOF
	}
	return data, err
}

// Read reads data of the part, as an io.Reader does; see NextPiece.
func (m Multipart) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := m.NextPiece()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	m.x.parts.rest = b[n:]
	return n, nil
}

// Name is the name of the part; see form.Multipart. It is valid until the next
// part is asked for, as what Filename and ContentType give.
func (m Multipart) Name() []byte { return m.x.parts.parser.Name() }

// Filename is the name of the file as the peer has sent it, nil if the part is
// not a file, and empty if no file was chosen. It is no name to store under:
// see form.BaseName.
func (m Multipart) Filename() []byte { return m.x.parts.parser.Filename() }

// ContentType is the media type of the part, nil if none was given.
func (m Multipart) ContentType() []byte { return m.x.parts.parser.ContentType() }

// next is the next thing in the form, but for nothing. Behind the last part it
// takes what is left of the content, and then returns io.EOF.
func (m Multipart) next() (form.Event, []byte, error) {
	q := &m.x.parts
	for {
		ev, data, n, err := q.parser.Next(q.piece)
		q.piece = q.piece[n:]
		if err != nil {
			return form.EventNone, nil, err
		}
		switch ev {
		case form.EventPart:
			q.inPart = true
			return ev, nil, nil
		case form.EventData:
			return ev, data, nil
		case form.EventPartEnd:
			q.inPart = false
			return ev, nil, nil
		case form.EventEnd:
			continue
		}
		q.piece, err = m.x.req.NextPiece()
		if same.Error(err, io.EOF) {
			if err = q.parser.Finish(); err == nil {
				err = io.EOF
			}
		}
		if err != nil {
			return form.EventNone, nil, err
		}
	}
}

// SetCookie adds a cookie. It fails as Cookie.AppendTo does, and with ErrArena
// if the arena has no room for it, which is given back.
func (h Head) SetCookie(c cookie.Cookie) Head {
	x := h.x
	if x.err != nil {
		return h
	}
	if c.MaxSize() > len(x.arena)-x.used {
		x.keep(ErrArena)
		return h
	}
	b, err := c.AppendTo(x.arena[x.used:x.used:len(x.arena)])
	if err != nil {
		x.keep(err)
		return h
	}
	return h.HeaderBytes("Set-Cookie", b)
}

// WithCookie sets a cookie aside, as With does a field. It fails as With and
// Cookie.AppendTo do.
func (w Response) WithCookie(c cookie.Cookie) error {
	b, err := w.x.req.Alloc(c.MaxSize())
	if err != nil {
		return err
	}
	if b, err = c.AppendTo(b[:0]); err != nil {
		return err
	}
	return w.WithBytes("Set-Cookie", b)
}
