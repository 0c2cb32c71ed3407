package http1

// Response is the state of one response being written.
type Response struct {
	state  uint8
	length uint64
	sent   uint64
}

// Continue is the whole interim response that asks for the content (RFC 9110
// section 15.2.1).
const Continue = "HTTP/1.1 100 Continue\r\n\r\n"

// ChunkHeaderSize is the size of what PutChunkHeader writes. A chunk is that,
// the content, and ChunkEnd.
const ChunkHeaderSize = 8

// MaxChunk is the most content that one chunk written here can have, in bytes.
const MaxChunk = 1<<24 - 1

// ChunkEnd ends a chunk.
const ChunkEnd = "\r\n"

// PutChunkHeader writes the header of a chunk of n bytes at the front of dst.
func PutChunkHeader(dst []byte, n int) error { panic("not yet") }

// Init begins a response.
func (r *Response) Init(m Method, v Version, keepAlive bool) { panic("not yet") }

// AppendInformational begins an interim response (1xx but 101).
func (r *Response) AppendInformational(dst []byte, code int, reason string) ([]byte, error) {
	panic("not yet")
}

// AppendStatus begins the final response.
func (r *Response) AppendStatus(dst []byte, code int, reason string) ([]byte, error) {
	panic("not yet")
}

// AppendField appends a field line.
func (r *Response) AppendField(dst []byte, name, value string) ([]byte, error) { panic("not yet") }

// AppendFieldBytes appends a field line.
func (r *Response) AppendFieldBytes(dst []byte, name string, value []byte) ([]byte, error) {
	panic("not yet")
}

// AppendLength declares the length of the content.
func (r *Response) AppendLength(dst []byte, n uint64) ([]byte, error) { panic("not yet") }

// AppendEnd ends the head.
func (r *Response) AppendEnd(dst []byte, date []byte) ([]byte, error) { panic("not yet") }

// AppendContent appends content, framed.
func (r *Response) AppendContent(dst []byte, p []byte) ([]byte, error) { panic("not yet") }

// Content counts content that the caller sends itself.
func (r *Response) Content(n uint64) error { panic("not yet") }

// AppendLastChunk ends chunked content, for trailers to follow.
func (r *Response) AppendLastChunk(dst []byte) ([]byte, error) { panic("not yet") }

// AppendTrailer appends a trailer field.
func (r *Response) AppendTrailer(dst []byte, name, value string) ([]byte, error) { panic("not yet") }

// AppendFinish ends the response.
func (r *Response) AppendFinish(dst []byte) ([]byte, error) { panic("not yet") }

// Chunked reports whether content is sent in chunks.
func (r *Response) Chunked() bool { panic("not yet") }

// HasBody reports whether content is written.
func (r *Response) HasBody() bool { panic("not yet") }

// KeepAlive reports whether the connection persists after the response.
func (r *Response) KeepAlive() bool { panic("not yet") }

// Final is the status code of the final response, 0 as long as there is none.
func (r *Response) Final() int { panic("not yet") }

// Done reports whether the response is complete.
func (r *Response) Done() bool { panic("not yet") }
