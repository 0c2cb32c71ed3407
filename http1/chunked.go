package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// Chunked transfer coding (RFC 9112 section 7.1), both directions. Extensions
// are checked and ignored; trailer fields are checked and dropped, which
// section 6.5.1 of RFC 9110 allows and which makes it impossible that one
// passes for a field of the head.
//
//	chunked-body   = *chunk last-chunk trailer-section CRLF
//	chunk          = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//	last-chunk     = 1*("0") [ chunk-ext ] CRLF
//	chunk-ext      = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
//	chunk-ext-val  = token / quoted-string

// A chunk earns the allowance of these many bytes of framing, so that small
// chunks alone are no offence but small chunks with long extensions are. The
// figures are those of package net/http.
const (
	overheadPerChunk = 16
	overheadPerByte  = 2
)

// framing goes on with chunk framing in b, up to the content of a chunk (the
// state is then bodyData, and b may end there), the end of the whole, or an
// error. It returns how far it came.
func (y *Body) framing(b []byte, l *Limits) int {
	for i := 0; i < len(b); i++ {
		if y.state == bodyData {
			return i
		}
		var e Error
		if y.state >= bodyTrailer {
			e = y.trailerByte(b[i], l)
		} else {
			e = y.chunkByte(b[i], l)
		}
		if e != 0 {
			y.fail(e)
			return i
		}
		if y.state == bodyDone {
			return i + 1
		}
	}
	return len(b)
}

// chunkByte takes one byte of a chunk-size line, or of the CRLF behind the
// content of a chunk.
func (y *Body) chunkByte(c byte, l *Limits) Error {
	switch y.state {
	case bodyDataCR:
		if c != '\r' {
			return ErrChunkEnd
		}
		y.state = bodyDataLF
		return 0
	case bodyDataLF:
		if c != '\n' {
			return ErrChunkEnd
		}
		y.state = bodySize
		return 0
	case bodySize:
		y.line = 0
	}

	y.line++
	if y.overhead+y.line > uint32(l.chunkOverhead())+overheadPerChunk {
		return ErrChunkOverhead
	}
	switch y.state {
	case bodySize, bodySizeMore:
		if isHex(c) {
			if y.left >= 1<<59 { // 16 times that is 2^63
				return ErrChunkSizeRange
			}
			y.left = y.left<<4 | uint64(hexValue(c))
			y.state = bodySizeMore
			return 0
		}
		if y.state == bodySize {
			return notOr(c, ErrChunkSize)
		}
		return y.extensionEnd(c, ErrChunkSize)
	case bodyExtBlank:
		if c == ';' || ascii.IsBlank(c) {
			return y.extensionEnd(c, ErrChunkExt)
		}
	case bodyExtStart:
		if isToken(c) {
			y.state = bodyExtName
			return 0
		}
		if ascii.IsBlank(c) {
			return 0
		}
	case bodyExtName:
		if isToken(c) {
			return 0
		}
		if ascii.IsBlank(c) {
			y.state = bodyExtNameEnd
			return 0
		}
		if c == '=' {
			y.state = bodyExtEqual
			return 0
		}
		return y.extensionEnd(c, ErrChunkExt)
	case bodyExtNameEnd:
		if ascii.IsBlank(c) {
			return 0
		}
		if c == '=' {
			y.state = bodyExtEqual
			return 0
		}
		if c == ';' {
			return y.extensionEnd(c, ErrChunkExt)
		}
	case bodyExtEqual:
		if isToken(c) {
			y.state = bodyExtToken
			return 0
		}
		if c == '"' {
			y.state = bodyExtQuoted
			return 0
		}
		if ascii.IsBlank(c) {
			return 0
		}
	case bodyExtToken:
		if isToken(c) {
			return 0
		}
		return y.extensionEnd(c, ErrChunkExt)
	case bodyExtQuoted:
		if isQuoted(c) {
			return 0
		}
		if c == '"' {
			y.state = bodyExtUnquoted
			return 0
		}
		if c == '\\' {
			y.state = bodyExtEscape
			return 0
		}
	case bodyExtEscape: // quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text )
		if c >= ' ' && c != 0x7F || c == '\t' {
			y.state = bodyExtQuoted
			return 0
		}
	case bodyExtUnquoted:
		return y.extensionEnd(c, ErrChunkExt)
	case bodySizeLF:
		if c != '\n' {
			return ErrBareCR
		}
		return y.chunkHeader(l)
	}
	return notOr(c, ErrChunkExt)
}

// extensionEnd takes a byte that may end the chunk size or an extension.
func (y *Body) extensionEnd(c byte, e Error) Error {
	switch {
	case c == '\r':
		y.state = bodySizeLF
	case c == ';':
		y.state = bodyExtStart
	case ascii.IsBlank(c):
		y.state = bodyExtBlank
	default:
		return notOr(c, e)
	}
	return 0
}

// chunkHeader ends a chunk-size line.
func (y *Body) chunkHeader(l *Limits) Error {
	if !y.fits(l) {
		return ErrContentLong
	}
	y.overhead += y.line
	earned := uint64(overheadPerChunk) + overheadPerByte*min(y.left, MaxHead)
	y.overhead -= uint32(min(uint64(y.overhead), earned))
	y.state = bodyData
	if y.left == 0 {
		y.line = 0
		y.state = bodyTrailer
	}
	return 0
}

// trailerByte takes one byte of the trailer section, whose lines follow the
// rules of a head (RFC 9112 section 7.1.2).
func (y *Body) trailerByte(c byte, l *Limits) Error {
	y.line++
	if y.line > uint32(l.trailer()) {
		return ErrTrailerLong
	}
	switch y.state {
	case bodyTrailer:
		switch {
		case isToken(c):
			y.nameLen = 1
			y.state = bodyTrailerName
		case c == '\r':
			y.state = bodyTrailerLF
		case ascii.IsBlank(c):
			return ErrFold
		case c == ':':
			return ErrNameEmpty
		default:
			return notOr(c, ErrNameByte)
		}
	case bodyTrailerName:
		switch {
		case isToken(c):
			if y.nameLen == MaxFieldName {
				return ErrNameLong
			}
			y.nameLen++
		case c == ':':
			y.state = bodyTrailerValue
		case ascii.IsBlank(c):
			return ErrNameSpace
		default:
			return notOr(c, ErrNameByte)
		}
	case bodyTrailerValue:
		switch {
		case c >= ' ' && c != 0x7F || c == '\t':
		case c == '\r':
			y.state = bodyTrailerValueLF
		default:
			return notOr(c, ErrValueByte)
		}
	case bodyTrailerValueLF:
		if c != '\n' {
			return ErrBareCR
		}
		y.state = bodyTrailer
	case bodyTrailerLF:
		if c != '\n' {
			return ErrBareCR
		}
		y.state = bodyDone
	}
	return 0
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

const hexDigits = "0123456789abcdef"

// What frames a chunk that is written here: a header of fixed width, so that
// room for it can be reserved before the content is there, and ChunkEnd.
const (
	ChunkHeaderSize = 8         // the size of what PutChunkHeader writes
	ChunkEnd        = "\r\n"    // what follows the content of a chunk
	MaxChunk        = 1<<24 - 1 // the most content of such a chunk, in bytes: six digits
)

// PutChunkHeader writes the header of a chunk of n bytes to the first
// ChunkHeaderSize bytes of dst, which must have as many. It fails with
// ErrChunkLong, and writes nothing, if n is not from 1 to MaxChunk: a chunk of
// 0 bytes would end the content.
func PutChunkHeader(dst []byte, n int) error {
	if n <= 0 || n > MaxChunk {
		return ErrChunkLong
	}
	_ = dst[ChunkHeaderSize-1]
	for i := 5; i >= 0; i-- {
		dst[i] = hexDigits[n&15]
		n >>= 4
	}
	dst[6], dst[7] = '\r', '\n'
	return nil
}

// appendHex appends n in hexadecimal without leading zeros.
func appendHex(dst []byte, n uint64) []byte {
	shift := 60
	for shift > 0 && n>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[n>>shift&15])
	}
	return dst
}
