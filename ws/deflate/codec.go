package deflate

import (
	"io"
	"math"

	"github.com/bobtail-go/bobtail/ws"
	"github.com/bobtail-go/bobtail/wsconn"
)

// codec is a wsconn.Codec. It borrows a compressor and a decompressor of its
// Extension when a message begins, and gives them back when that ends: but for
// what context takeover has it keep.
type codec struct {
	ext *Extension

	// Of Compress.
	sendBits int
	carry    bool      // the compressor is kept after a message
	d        *deflater // nil between messages, without carry before the first one, too
	sendErr  error     // with carry, after which the peer knows something else than d

	// Of Decompress and Read.
	remember bool // history is kept after a message
	history  history
	i        *inflater // nil between messages
	err      error     // of the message at hand; io.EOF at its end, and before the first
	broken   error     // with remember, after which the history is not what the peer has
	left     int64     // bytes that the message may still inflate to; not counted down without a limit
	limited  bool
	one      [1]byte // to see whether there is more than that
	streams  int32   // how many more of DEFLATE the message may have; as left
}

func newCodec(e *Extension) *codec {
	return &codec{ext: e, sendBits: maxWindowBits, err: io.EOF}
}

// Bind implements wsconn.Codec.
func (c *codec) Bind(role ws.Role, p wsconn.Params) {
	c.unbind()
	sendTakeover, receiveTakeover := ends(role, flagServerTakeover, flagClientTakeover)
	sendBits, receiveBits := ends(role, serverBits(p), clientBits(p))
	c.sendBits = sendBits
	if p == 0 {
		c.sendBits = maxWindowBits
	}
	c.carry = p&sendTakeover != 0
	c.remember = p&receiveTakeover != 0
	if c.remember {
		c.history.init(receiveBits)
	}
}

// unbind gives everything back and forgets it. The memory of the history stays.
func (c *codec) unbind() {
	c.keepDeflater()
	c.keepInflater()
	c.sendErr, c.err, c.broken = nil, io.EOF, nil
}

func (c *codec) keepDeflater() {
	if c.d != nil {
		c.ext.keepDeflater(c.d)
		c.d = nil
	}
}

func (c *codec) keepInflater() {
	if c.i != nil {
		c.ext.keepInflater(c.i)
		c.i = nil
	}
}

// Compress implements wsconn.Codec. A piece of a message need not come out
// before the last one: a compressor waits for up to 64 KB. An error is that of
// w, and the message cannot go on: nor, with context takeover, any other.
func (c *codec) Compress(w io.Writer, b []byte, last bool) error {
	if c.sendErr != nil {
		return c.sendErr
	}
	if c.d == nil {
		c.d = c.ext.deflater(c.ext.config.level(c.sendBits, c.carry))
	}
	c.d.cut.to = w
	err := c.d.write(b, c.sendBits)
	if err == nil && last {
		err = c.d.end()
	}
	c.d.cut.to = nil
	if err != nil && c.carry {
		c.sendErr = err
	}
	if err != nil || last && !c.carry {
		c.keepDeflater()
	}
	return err
}

// To begin a stream anew takes as long as to inflate some hundred bytes, and two
// bytes ask for it: a message may have one for each streamSize bytes that it may
// inflate to, and a few.
const (
	streamSize = 1 << 10
	minStreams = 16
)

// Decompress implements wsconn.Codec. With context takeover the message before
// must have been read to its end, or all from there on are ErrUnfinished.
func (c *codec) Decompress(r io.Reader) {
	if c.i != nil && c.remember {
		c.broken = ErrUnfinished
	}
	if c.broken != nil {
		c.end(c.broken)
		return
	}
	if c.i == nil {
		c.i = c.ext.inflater()
	}
	c.err = nil
	c.left, c.limited = c.ext.config.MaxInflated, c.ext.config.MaxInflated >= 0
	c.streams = int32(min(minStreams+c.left/streamSize, math.MaxInt32))
	if !c.remember {
		// Another connection's message must not be seen in this one.
		c.i.own.n = 0
	}
	c.i.begin(r, c.known().last())
}

// known is what the message at hand may refer to.
func (c *codec) known() *history {
	if c.remember {
		return &c.history
	}
	return &c.i.own
}

// Read implements wsconn.Codec. Its own errors are ws.ErrCompressed (1007: the
// frames are good, and what is in them is not what it should be, as with text
// that is not UTF-8) and ws.ErrInflatedTooBig (1009).
func (c *codec) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	over := c.limited && c.left == 0
	if over {
		p = c.one[:]
	} else if c.limited && int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := 0, error(nil)
	for n == 0 && err == nil {
		n, err = c.i.reader.Read(p)
		c.known().add(p[:n])
		if err == io.EOF && c.i.in.inPayload() {
			// A block with BFINAL set ends a stream of DEFLATE, and not the
			// message: the next one begins at the next byte and may refer to it
			// (RFC 7692 section 7.2.1).
			if c.limited {
				if c.streams == 0 {
					return 0, c.end(ws.ErrInflatedTooBig)
				}
				c.streams--
			}
			c.i.anew(c.known().last())
			err = nil
		}
	}
	switch {
	case over && n > 0:
		return 0, c.end(ws.ErrInflatedTooBig)
	case err == nil:
	case err == io.EOF && c.i.in.whole():
		c.end(io.EOF)
	case c.i.in.err != nil:
		c.end(c.i.in.err)
	default:
		// Not DEFLATE, or a payload that does not stop where its ending fits
		// (section 7.2.2).
		c.end(ws.ErrCompressed)
	}
	c.left -= int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, c.err
}

// end ends the message at hand.
func (c *codec) end(err error) error {
	c.err = err
	if err != io.EOF && c.remember {
		c.broken = err
	}
	c.keepInflater()
	return err
}
