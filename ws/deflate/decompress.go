package deflate

import (
	"compress/flate"
	"io"
)

// inflater is a decompressor. compress/flate makes tables anew for each block
// that has codes of more than 9 bits: for text 4 KB or less, and never more than
// 50 KB, which is garbage at the block's end. For other blocks it allocates
// nothing.
type inflater struct {
	reader io.Reader // also a flate.Resetter
	in     source
	own    history // of messages without context takeover
}

func newInflater() *inflater {
	i := &inflater{}
	i.reader = flate.NewReader(&i.in)
	i.own.init(maxWindowBits)
	return i
}

// begin begins a message whose payload is that of r.
func (i *inflater) begin(r io.Reader, known []byte) {
	i.in.pos, i.in.end, i.in.rest, i.in.err = 0, 0, ending, nil
	i.in.from = r
	i.anew(known)
}

// anew begins a DEFLATE stream at the next byte of the payload.
func (i *inflater) anew(known []byte) {
	// It fails for no dictionary.
	_ = i.reader.(flate.Resetter).Reset(&i.in, known)
}

// ending is what follows a payload: the tail that was cut off (RFC 7692 section
// 7.2.2), and an empty last block, by which compress/flate knows the end.
const ending = tail + "\x01\x00\x00\xff\xff"

// source is where a decompressor reads: the payload, then its ending. It has
// ReadByte, so that compress/flate reads no byte more than it must, as it
// promises: a stream that ends with a last block inside of the payload is
// followed by another.
type source struct {
	from     io.Reader // nil after its end
	err      error     // of from, other than io.EOF
	rest     string    // of the ending
	pos, end int       // of buf: what was not given yet
	buf      [1 << 10]byte
}

// ReadByte implements io.ByteReader.
func (s *source) ReadByte() (byte, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	b := s.buf[s.pos]
	s.pos++
	return b, nil
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	if s.pos == s.end {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.pos:s.end])
	s.pos += n
	return n, nil
}

// fill puts at least one byte into buf. io.EOF means that the ending is given,
// too.
func (s *source) fill() error {
	if s.err != nil {
		return s.err
	}
	s.pos, s.end = 0, 0
	const tries = 100 // as bufio has it
	for range tries {
		if s.from == nil {
			break
		}
		n, err := s.from.Read(s.buf[:])
		s.end = n
		switch err {
		case nil:
		case io.EOF:
			s.from = nil
		default:
			s.from, s.err = nil, err
			if n == 0 {
				return err
			}
		}
		if n > 0 {
			return nil
		}
	}
	if s.from != nil {
		s.from, s.err = nil, io.ErrNoProgress
		return s.err
	}
	if s.rest == "" {
		return io.EOF
	}
	s.end = copy(s.buf[:], s.rest)
	s.rest = ""
	return nil
}

// inPayload reports whether nothing of the ending was given.
func (s *source) inPayload() bool { return s.rest != "" }

// whole reports whether the payload and its tail were given, and nothing more or
// all of the ending: if the empty block that the tail ends has BFINAL set, it is
// the last.
func (s *source) whole() bool {
	n := s.end - s.pos
	return s.rest == "" && s.err == nil && (n == 0 || n == len(ending)-len(tail))
}

// history is the last bytes that were inflated, which later ones may refer to.
type history struct {
	window int
	n      int
	buf    []byte // longer than the window by a quarter, so that not every piece moves it
}

// historyBits is the logarithm of what is kept of a window. Some zlib takes a
// window of 9 bits where 8 were agreed on.
func historyBits(bits int) int { return max(bits, 9) }

// historySize is the memory of a history in bytes.
func historySize(bits int) int { return 5 << historyBits(bits) / 4 }

// init makes it one of a window of 1<<bits bytes, empty, and keeps its memory if
// it can.
func (h *history) init(bits int) {
	h.window, h.n = 1<<historyBits(bits), 0
	if size := historySize(bits); cap(h.buf) >= size {
		h.buf = h.buf[:size]
	} else {
		h.buf = make([]byte, size)
	}
}

// add notes what was inflated.
func (h *history) add(p []byte) {
	if len(p) >= h.window {
		h.n = copy(h.buf, p[len(p)-h.window:])
		return
	}
	if h.n+len(p) > len(h.buf) {
		h.n = copy(h.buf, h.buf[h.n+len(p)-h.window:h.n])
	}
	h.n += copy(h.buf[h.n:], p)
}

// last are the bytes of the window, a view of it.
func (h *history) last() []byte { return h.buf[max(h.n-h.window, 0):h.n] }
