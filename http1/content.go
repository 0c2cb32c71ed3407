package http1

import "github.com/bobtail-go/bobtail/internal/ascii"

// The part of a response that follows its head: content, and trailers.

// Content counts n bytes of content that the caller sends itself: as they are,
// or if Chunked, each piece as a chunk, for which PutChunkHeader helps. If
// HasBody is false they are counted but must not be sent. It fails with
// ErrLengthExceeded if more comes than was declared.
func (r *Response) Content(n uint64) error {
	if r.state != respContent {
		return ErrState
	}
	most := uint64(maxLength)
	if r.has(respLength) {
		most = r.length
	}
	if n > most-r.sent {
		return ErrLengthExceeded
	}
	r.sent += n
	return nil
}

// AppendContent counts p and appends it as it is to be sent: as a chunk, as it
// is, or not at all, as Content says. An empty p appends nothing.
func (r *Response) AppendContent(dst []byte, p []byte) ([]byte, error) {
	if err := r.Content(uint64(len(p))); err != nil {
		return dst, err
	}
	if r.has(respNoBody) || len(p) == 0 {
		return dst, nil
	}
	if !r.has(respChunked) {
		return append(dst, p...), nil
	}
	dst = appendHex(dst, uint64(len(p)))
	dst = append(dst, '\r', '\n')
	dst = append(dst, p...)
	return append(dst, ChunkEnd...), nil
}

// AppendLastChunk ends chunked content, for AppendTrailer to follow. It fails
// with ErrTrailerFraming if the content is sent otherwise, since trailers then
// have no place. Where no content is sent it appends nothing.
func (r *Response) AppendLastChunk(dst []byte) ([]byte, error) {
	switch {
	case r.state != respContent:
		return dst, ErrState
	case r.has(respNoBody):
		r.state = respTrailers
		return dst, nil
	case !r.has(respChunked):
		return dst, ErrTrailerFraming
	}
	r.state = respTrailers
	return append(dst, "0\r\n"...), nil
}

// AppendTrailer appends a trailer field (RFC 9112 section 7.1.2), after
// AppendLastChunk. Its errors are those of AppendField, and ErrFieldFraming for
// a field that a recipient needs before the content (RFC 9110 section 6.5.1).
func (r *Response) AppendTrailer(dst []byte, name, value string) ([]byte, error) {
	if r.state != respTrailers {
		return dst, ErrState
	}
	if !allToken(name) {
		return dst, ErrFieldName
	}
	if scanValue(ascii.Bytes(value), 0) != len(value) {
		return dst, ErrFieldValue
	}
	switch lookup(ascii.Bytes(name)) {
	case idContentLength, idTransferEncoding, idConnection, idUpgrade, idDate,
		idContentType, idContentEncoding, idCacheControl:
		return dst, ErrFieldFraming
	}
	if r.has(respNoBody) {
		return dst, nil
	}
	return appendLine(dst, name, ascii.Bytes(value)), nil
}

// AppendFinish ends the response. It fails with ErrLengthShort if less content
// came than was declared; the connection must then be aborted, for the peer
// cannot tell otherwise.
func (r *Response) AppendFinish(dst []byte) ([]byte, error) {
	switch {
	case r.state == respTrailers && r.has(respNoBody):
	case r.state == respTrailers:
		dst = append(dst, '\r', '\n')
	case r.state != respContent:
		return dst, ErrState
	case r.has(respNoBody):
	case r.has(respChunked):
		dst = append(dst, "0\r\n\r\n"...)
	case r.has(respLength) && r.sent != r.length:
		r.facts &^= respKeepAlive
		return dst, ErrLengthShort
	}
	r.state = respDone
	return dst, nil
}
