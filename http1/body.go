package http1

// Body is the framing state of the content of one request (RFC 9112 section
// 6). It holds no pointer. The zero value is no content: it is done. Head.Body
// gives the one of a request.
//
// A Body is used by one goroutine at a time.
type Body struct {
	state    bodyState
	failure  Error
	nameLen  uint8  // of the trailer field under way
	line     uint32 // bytes of the chunk-size line, or of the trailer section
	overhead uint32 // framing bytes beyond a fair share in the lines before
	left     uint64 // content to come: of all, or of the chunk
	got      uint64 // content that came
}

// bodyState is where in the content the reader is.
type bodyState uint8

const (
	bodyDone  bodyState = iota
	bodyFixed           // in content whose length is known

	bodySize        // at the first digit of a chunk size
	bodySizeMore    // behind it
	bodyExtBlank    // in the white space before a ";"
	bodyExtStart    // behind ";"
	bodyExtName     // in the name of an extension
	bodyExtNameEnd  // in the white space behind it
	bodyExtEqual    // behind "="
	bodyExtToken    // in a value that is a token
	bodyExtQuoted   // in a value that is a quoted string
	bodyExtEscape   // behind a backslash in it
	bodyExtUnquoted // behind the closing quote
	bodySizeLF      // after the CR of a chunk-size line
	bodyData        // in the content of a chunk
	bodyDataCR      // behind it
	bodyDataLF      // after the CR behind it

	bodyTrailer        // at the start of a trailer line
	bodyTrailerName    // in the name of a trailer field
	bodyTrailerValue   // behind its colon
	bodyTrailerValueLF // after the CR behind it
	bodyTrailerLF      // after the CR of the empty line

	bodyFailed
)

// Done reports whether the content is complete.
func (y *Body) Done() bool { return y.state == bodyDone }

// Remaining is the number of bytes of content that are still to come. It is
// not known of chunked content before its end.
func (y *Body) Remaining() (n uint64, known bool) {
	switch y.state {
	case bodyDone:
		return 0, true
	case bodyFixed:
		return y.left, true
	}
	return 0, false
}

// Next takes from b, which begins where the content goes on. It returns the
// next piece of content, a view of b that may be empty, and the number of
// bytes at the front of b that are done with, the piece and framing before it
// included. It looks at no byte behind the content.
//
// Call it again with what follows until n is 0, which means that it needs more
// bytes than b has, or until Done. An error is final, is returned again by each
// further call, and comes without a piece; it is an Error whose Status is the
// answer to give before the connection is closed.
func (y *Body) Next(b []byte, l *Limits) (piece []byte, n int, err error) {
	switch y.state {
	case bodyDone, bodyFailed:
		return nil, 0, y.failure.err()
	case bodyFixed:
		if !y.fits(l) {
			y.fail(ErrContentLong)
			return nil, 0, y.failure
		}
	default:
		n = y.framing(b, l)
		if y.state != bodyData {
			return nil, n, y.failure.err()
		}
	}
	piece = b[n:]
	if uint64(len(piece)) >= y.left {
		piece = piece[:y.left]
		if y.state == bodyFixed {
			y.state = bodyDone
		} else {
			y.state = bodyDataCR
		}
	}
	y.left -= uint64(len(piece))
	y.got += uint64(len(piece))
	return piece[:len(piece):len(piece)], n + len(piece), nil
}

// fits reports whether what is announced stays within the limit.
func (y *Body) fits(l *Limits) bool {
	most := l.body()
	return y.got <= most && y.left <= most-y.got
}

func (y *Body) fail(e Error) {
	y.state = bodyFailed
	y.failure = e
}
