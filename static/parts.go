package static

import (
	"io"
	"math/rand/v2"
	"sync/atomic"

	"github.com/bobtail-go/bobtail/internal/same"
	"github.com/bobtail-go/bobtail/web"
)

// parts is the content of an answer with several ranges (RFC 9110 section
// 14.6), as a source: nothing of it is put together before it is read.
//
//	--BOUNDARY CRLF
//	Content-Type: TYPE CRLF
//	Content-Range: bytes 0-1/10 CRLF CRLF
//	(bytes) CRLF --BOUNDARY CRLF ... (bytes) CRLF --BOUNDARY-- CRLF
type parts struct {
	busy atomic.Bool

	text      string     // the form, or else
	src       web.Source // where it is read from, which is closed with the parts
	mediaType string
	size      int64
	boundary  [boundarySize]byte
	n         int
	ranges    [MaxRanges]Range
	ends      [MaxRanges]int64 // where each part ends, in the content
	head      [headMost]byte   // of one part
}

// headMost is the most that precedes the bytes of a part: the longest type,
// and three numbers of 19 digits.
const headMost = 2 + 2 + boundarySize + 16 + maxType + 17 + 6 + 3*19 + 2 + 4

const (
	boundarySize  = 24
	boundaryField = "multipart/byteranges; boundary="
)

func newParts(n int) []parts {
	if n < 0 {
		return nil
	}
	return make([]parts, n)
}

// takeParts is one that is free, made ready for the ranges of a field, and nil
// if there is none.
func takeParts(all []parts, e *Entry, a *Answer, field []byte) *parts {
	for i := range all {
		if p := &all[i]; p.busy.CompareAndSwap(false, true) {
			p.begin(e, a, field)
			return p
		}
	}
	return nil
}

func (p *parts) begin(e *Entry, a *Answer, field []byte) {
	p.mediaType, p.size = e.Type, a.Size
	// Nobody who has written a file can have put the boundary into it.
	n := rand.Uint64()
	for i := range p.boundary {
		if i == 16 {
			n = rand.Uint64()
		}
		p.boundary[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	s := ParseRanges(field, a.Size)
	end := int64(0)
	for p.n = 0; p.n < a.Ranges; p.n++ {
		r, ok := s.Next()
		if !ok {
			break
		}
		p.ranges[p.n] = r
		end += int64(len(p.headOf(p.n))) + r.Len
		p.ends[p.n] = end
	}
}

// total is the length of the content.
func (p *parts) total() int64 { return p.ends[p.n-1] + boundarySize + 8 }

// headOf is what precedes the bytes of a part, valid until it is called again.
func (p *parts) headOf(i int) []byte {
	b := p.head[:0]
	if i > 0 {
		b = append(b, "\r\n"...)
	}
	b = append(b, "--"...)
	b = append(b, p.boundary[:]...)
	if p.mediaType != "" {
		b = append(b, "\r\nContent-Type: "...)
		b = append(b, p.mediaType...)
	}
	b = append(b, "\r\nContent-Range: "...)
	b = appendContentRange(b, p.ranges[i], p.size)
	return append(b, "\r\n\r\n"...)
}

// tail is what follows the last part, valid as headOf is.
func (p *parts) tail() []byte {
	b := append(p.head[:0], "\r\n--"...)
	b = append(b, p.boundary[:]...)
	return append(b, "--\r\n"...)
}

// ReadAt reads the content from off on. It reads what is asked for, unless the
// source fails.
func (p *parts) ReadAt(b []byte, off int64) (n int, err error) {
	start := int64(0)
	for i := range p.n {
		end := p.ends[i]
		if off < end && n < len(b) {
			head := p.headOf(i)
			if k := off - start; k < int64(len(head)) {
				m := copy(b[n:], head[k:])
				n, off = n+m, off+int64(m)
			}
			if k := off - start - int64(len(head)); k >= 0 {
				m := min(int64(len(b)-n), end-off)
				got, err := p.read(b[n:n+int(m)], p.ranges[i].Off+k)
				n, off = n+got, off+int64(got)
				if int64(got) < m {
					return n, err
				}
			}
		}
		start = end
	}
	if n < len(b) && off >= start && off < p.total() {
		n += copy(b[n:], p.tail()[off-start:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// read reads the form.
func (p *parts) read(b []byte, off int64) (int, error) {
	if p.src == nil {
		return copy(b, p.text[off:]), nil
	}
	n, err := p.src.ReadAt(b, off)
	if n < len(b) && (err == nil || same.Error(err, io.EOF)) {
		err = ErrChanged
	}
	return n, err
}

// Close makes the parts free for another answer.
func (p *parts) Close() (err error) {
	if p.src != nil {
		err = p.src.Close()
	}
	p.src, p.text = nil, ""
	p.busy.Store(false)
	return err
}
