package http1

// Body is the framing state of content.
type Body struct {
	state uint8
	left  uint64
}

// Body is the framing of the request's content (RFC 9112 section 6.3).
func (h *Head) Body() Body { panic("not yet") }

// Next takes the next piece of content from b.
func (y *Body) Next(b []byte, l *Limits) (piece []byte, n int, err error) { panic("not yet") }

// Done reports whether the content is complete.
func (y *Body) Done() bool { panic("not yet") }

// Remaining is the number of bytes of content still to come, where it is known.
func (y *Body) Remaining() (n uint64, known bool) { panic("not yet") }
