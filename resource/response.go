package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// Response is an answer of which nothing has been said yet. It is staged by
// types: code, then options, then one end. What is called in another order, or
// twice, does not compile or fails with ErrMisuse, and the answer is 5.00.
type Response struct{ x *Exchange }

// Head is a response with a code, to which options may be added until it is
// ended. Errors are kept and returned by the method that ends it. One that is
// never ended has no payload.
type Head struct{ x *Exchange }

// Source is content that is read where it is asked for: only the range that
// goes into one block. Where the method is not GET, it may be read until the
// peer has all of it, after the handler has returned and from other goroutines.
type Source interface {
	// Size is the size of the whole in bytes.
	Size() int64

	// ReadAt reads len(p) bytes from off on, which are within the size, as an
	// io.ReaderAt does. Less is an error, which is answered 5.00.
	ReadAt(p []byte, off int64) (n int, err error)
}

// Code begins the response, with a code of the classes 2, 4 and 5 that is not
// 2.31.
func (w Response) Code(c coap.Code) Head {
	x := w.x
	if x.stage != stageFresh || !c.IsResponse() || c.Class() == 3 || c == coap.CodeContinue {
		x.note(ErrMisuse)
	} else {
		x.code, x.stage = c, stageHead
	}
	return Head(w)
}

// note keeps the first error, and returns it.
func (x *Exchange) note(err error) error {
	if x.err == nil {
		x.err = err
	}
	return x.err
}

// Text answers 2.05 with text, the parts one after the other.
func (w Response) Text(parts ...string) error { return w.Code(coap.CodeContent).Text(parts...) }

// Bytes answers 2.05 with content of a format.
func (w Response) Bytes(f coap.Format, p []byte) error {
	return w.Code(coap.CodeContent).Format(f).Bytes(p)
}

// Source answers 2.05 with content of a format, of which only what is sent is
// read.
func (w Response) Source(f coap.Format, s Source) error {
	return w.Code(coap.CodeContent).Format(f).Source(s)
}

// Option adds an option, behind those of the same number. What has another
// length than the registry says, or is there twice though not repeatable, fails
// with ErrOption, and so do Observe, Block1, Block2 and Size2, which are this
// package's business.
func (h Head) Option(n coap.Option, value []byte) Head {
	x := h.x
	switch {
	case x.err != nil:
	case x.stage != stageHead:
		x.note(ErrMisuse)
	case !n.Fits(len(value)) || !isFree(n) || isOnce(n) && coap.Options(x.out).Has(n):
		x.note(ErrOption)
	case n == coap.OptETag:
		if x.tag.n != 0 {
			x.note(ErrOption) // RFC 7252 section 5.10.6.1: there is one state
		}
		x.tag.set(value)
	case !x.insert(n, value):
		x.note(ErrLong)
	case n == coap.OptContentFormat:
		x.formatted = true
	}
	return h
}

// isFree reports whether programs may set an option.
func isFree(n coap.Option) bool {
	switch n {
	case coap.OptObserve, coap.OptBlock1, coap.OptBlock2, coap.OptSize2:
		return false
	}
	return true
}

// isOnce reports whether a message has an option once at most (RFC 7252 section
// 5.4.5).
func isOnce(n coap.Option) bool { return !n.Repeatable() }

// Uint adds an option with a number.
func (h Head) Uint(n coap.Option, v uint64) Head { return h.Option(n, h.x.number(v)) }

// Format says what the payload is, as Content-Format.
func (h Head) Format(f coap.Format) Head {
	if x := h.x; x.stage == stageHead && x.err == nil && len(x.out) == 0 && cap(x.out) > 2 {
		// The usual case of Uint: it is the first option, and fits.
		x.out = coap.AppendUintOption(x.out, 0, coap.OptContentFormat, uint64(f))
		x.formatted = true
		return h
	}
	return h.Uint(coap.OptContentFormat, uint64(f))
}

// MaxAge says for how many seconds the answer may be cached (RFC 7252 section
// 5.10.5).
func (h Head) MaxAge(seconds uint32) Head { return h.Uint(coap.OptMaxAge, uint64(seconds)) }

// ETag names the state that is answered, by 1 to 8 bytes. A peer that has it
// already gets 2.03 without the payload (RFC 7252 section 5.10.6.2). An answer
// that goes in blocks without one is given a hash of the content, which is
// computed for each block, unless it is a Source.
func (h Head) ETag(tag []byte) Head { return h.Option(coap.OptETag, tag) }

// Location says where what was created is, by a path with slashes between its
// segments, and queries (RFC 7252 section 5.10.7). Nothing is unescaped.
func (h Head) Location(path string, queries ...string) Head {
	if path != "" && path[0] == '/' {
		path = path[1:]
	}
	for path != "" {
		n := 0
		for n < len(path) && path[n] != '/' {
			n++
		}
		if isDots(ascii.Bytes(path[:n])) {
			h.x.note(ErrOption) // RFC 7252 section 5.10.7
		}
		if h.Option(coap.OptLocationPath, ascii.Bytes(path[:n])); n == len(path) {
			break
		}
		if path = path[n+1:]; path == "" {
			h.Option(coap.OptLocationPath, nil)
		}
	}
	for _, q := range queries {
		h.Option(coap.OptLocationQuery, ascii.Bytes(q))
	}
	return h
}

// Empty ends the response without a payload.
func (h Head) Empty() error { return h.x.end(nil, nil, nil) }

// Text ends the response with text, the parts one after the other. The format
// is text/plain, unless one was given; that of an error is none, since the text
// is a diagnostic (RFC 7252 section 5.5.2).
func (h Head) Text(parts ...string) error {
	if x := h.x; x.stage == stageHead && !x.formatted && !x.code.IsError() {
		h.Format(coap.FormatText)
	}
	return h.x.end(nil, parts, nil)
}

// Bytes ends the response with a payload, which is the caller's again when it
// returns.
func (h Head) Bytes(p []byte) error { return h.x.end(p, nil, nil) }

// Source ends the response with content of which only what is sent is read.
func (h Head) Source(s Source) error { return h.x.end(nil, nil, s) }
