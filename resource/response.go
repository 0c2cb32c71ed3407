package resource

import "github.com/bobtail-go/bobtail/coap"

// Response is an answer of which nothing has been said yet. It is staged by
// types: code, then options, then one end. What is called in another order, or
// twice, does not compile or fails with ErrMisuse, and the answer is 5.00.
type Response struct{ x *Exchange }

// Head is a response with a code, to which options may be added until it is
// ended. Errors are kept and returned by the method that ends it.
type Head struct{ x *Exchange }

// Source is content that is read where it is asked for: only the range that
// goes into one block. It stays the same as long as its ETag does.
type Source interface {
	// Size is the size of the whole in bytes.
	Size() int64

	// ReadAt reads len(p) bytes from off on, which are within the size.
	ReadAt(p []byte, off int64) (n int, err error)
}

// Code begins the response.
func (w Response) Code(c coap.Code) Head { panic("not yet") }

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

// Option adds an option, behind those of the same number. The options that are
// this package's business, Observe, Block1, Block2, Size1 and Size2, fail with
// ErrOption.
func (h Head) Option(n coap.Option, value []byte) Head { panic("not yet") }

// Uint adds an option with a number.
func (h Head) Uint(n coap.Option, v uint64) Head { panic("not yet") }

// Format says what the payload is, as Content-Format.
func (h Head) Format(f coap.Format) Head { return h.Uint(coap.OptContentFormat, uint64(f)) }

// MaxAge says for how many seconds the answer may be cached (RFC 7252 section
// 5.10.5).
func (h Head) MaxAge(seconds uint32) Head { return h.Uint(coap.OptMaxAge, uint64(seconds)) }

// ETag names the state that is answered, by 1 to 8 bytes. A peer that has it
// already gets 2.03 without the payload (RFC 7252 section 5.10.6.2).
func (h Head) ETag(tag []byte) Head { panic("not yet") }

// Location says where what was created is, by a path with slashes between its
// segments, and queries (RFC 7252 section 5.10.7). Nothing is unescaped.
func (h Head) Location(path string, queries ...string) Head { panic("not yet") }

// Empty ends the response without a payload.
func (h Head) Empty() error { panic("not yet") }

// Text ends the response with text, the parts one after the other. The format
// is text/plain, unless one was given.
func (h Head) Text(parts ...string) error { panic("not yet") }

// Bytes ends the response with a payload, which is the caller's again when it
// returns.
func (h Head) Bytes(p []byte) error { panic("not yet") }

// Source ends the response with content of which only what is sent is read,
// before it returns.
func (h Head) Source(s Source) error { panic("not yet") }
