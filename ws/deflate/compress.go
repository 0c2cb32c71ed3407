package deflate

import (
	"compress/flate"
	"io"
)

// tail is what a flushed DEFLATE stream ends with, and the payload of a message
// does not (RFC 7692 section 7.2.1): the length of an empty block without
// compression, and its complement.
const tail = "\x00\x00\xff\xff"

// deflater is a compressor.
type deflater struct {
	writer *flate.Writer
	cut    cutter
	shelf  int // the one that it belongs on
	since  int // bytes that it was given since it knew nothing; only counted for a window smaller than its own
}

func newDeflater(shelf, level int) *deflater {
	d := &deflater{shelf: shelf}
	w, err := flate.NewWriter(&d.cut, level)
	if err != nil {
		panic("BUG: level that Validate does not know")
	}
	d.writer = w
	return d
}

// reset makes it forget what it was given.
func (d *deflater) reset() {
	d.writer.Reset(&d.cut)
	d.cut.n = 0
	d.since = 0
}

// write compresses b for a window of 1<<bits bytes. compress/flate has only one
// window, of 32 KB: so that nothing refers to what is farther away than a
// smaller one is long, it begins anew so often. Flush ends at a byte, so that
// the two streams are one (RFC 7692 section 7.2.1 allows any blocks).
func (d *deflater) write(b []byte, bits int) error {
	if bits == maxWindowBits {
		_, err := d.writer.Write(b)
		return err
	}
	for len(b) > 0 {
		if d.since == 1<<bits {
			if err := d.writer.Flush(); err != nil {
				return err
			}
			d.writer.Reset(&d.cut)
			d.since = 0
		}
		n := min(len(b), 1<<bits-d.since)
		if _, err := d.writer.Write(b[:n]); err != nil {
			return err
		}
		d.since += n
		b = b[n:]
	}
	return nil
}

// end ends a message. What the next one is compressed to goes on at a byte, and
// may refer to this one.
func (d *deflater) end() error {
	if err := d.writer.Flush(); err != nil {
		return err
	}
	return d.cut.end()
}

// cutter is where a compressor writes: it passes everything on but the last
// four bytes, and gathers small pieces.
type cutter struct {
	to  io.Writer // during a call of Compress
	n   int       // bytes in buf; at least the last four that were written
	buf [1 << 10]byte
}

// Write implements io.Writer.
func (c *cutter) Write(p []byte) (int, error) {
	if c.n+len(p) <= len(c.buf) {
		c.n += copy(c.buf[c.n:], p)
		return len(p), nil
	}
	// The last four bytes of both together stay.
	stay := max(len(tail)-len(p), 0)
	if err := c.pass(c.buf[:c.n-stay]); err != nil {
		return 0, err
	}
	c.n = copy(c.buf[:], c.buf[c.n-stay:c.n])
	if stay == 0 {
		if err := c.pass(p[:len(p)-len(tail)]); err != nil {
			return 0, err
		}
		c.n = copy(c.buf[:], p[len(p)-len(tail):])
		return len(p), nil
	}
	c.n += copy(c.buf[c.n:], p)
	return len(p), nil
}

// end passes on what is left but the tail.
func (c *cutter) end() error {
	n := c.n - len(tail)
	if n < 0 || string(c.buf[n:c.n]) != tail {
		panic("BUG: Flush of compress/flate without its end")
	}
	c.n = 0
	return c.pass(c.buf[:n])
}

func (c *cutter) pass(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := c.to.Write(p)
	if err == nil && n != len(p) {
		err = io.ErrShortWrite
	}
	return err
}
