package http1conn

import (
	"unsafe"

	"github.com/bobtail-go/bobtail/http1"
)

// saved is what Save writes before the head and the bytes.
type saved struct {
	body, probe http1.Body
	drained     uint32
	pos, end    uint16
	probed      uint16
	state       http1.State
	touched     bool
	continued   bool
	eof         bool
}

// image is the memory of a value that holds no pointers.
func image[T any](p *T) []byte { return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)) }

// SaveOverhead is how many bytes Save needs at most beyond what is in the
// buffer In: a stash block of that and len(In) always suffices.
func SaveOverhead() int {
	return int(unsafe.Sizeof(saved{})) + int(unsafe.Sizeof(http1.Head{}))
}

// Save writes the connection as it is before a response (Idle, Head, Body,
// Respond) or after one whose request's content is still coming (Drain) to
// dst, and returns how many bytes that took. ok is false if dst is too small,
// and then the Conn is as it was. Nothing must be staged, and no piece of
// content be half read.
func (c *Conn) Save(dst []byte) (n int, ok bool) {
	switch c.state {
	case http1.StateComplete:
		if c.NeedsClose() {
			return 0, false
		}
		c.next()
	case http1.StateIdle, http1.StateHead, http1.StateBody, http1.StateRespond:
	case http1.StateDrain:
		// Of a request that was answered only the framing matters.
		if !c.KeepAlive() || len(dst) < SaveOverhead()+c.Buffered() {
			return 0, false
		}
		c.head.Reset()
		c.repeat.Forget()
		c.end = copy(c.in, c.in[c.pos:c.end])
		c.at, c.pos = 0, 0
	default:
		return 0, false
	}
	if c.state != http1.StateDrain {
		c.compact()
	}
	v := &c.saved
	*v = saved{
		body: c.body, probe: c.probe, drained: uint32(c.drained),
		pos: uint16(c.pos), end: uint16(c.end), probed: uint16(max(c.probed, 0)),
		state: c.state, touched: c.touched, continued: c.continued, eof: c.eof,
	}
	need := int(unsafe.Sizeof(*v)) + c.head.SavedSize() + c.end
	if len(dst) < need {
		return 0, false
	}
	n = copy(dst, image(v))
	n += c.head.Save(dst[n:])
	n += copy(dst[n:], c.in[:c.end])
	return n, true
}

// Outline forgets all of a request whose content was used up (Respond) but
// what its answer needs, and the bytes behind it, which stay. It fails with
// http1.ErrState in another state, and if the response has begun.
func (c *Conn) Outline() (http1.Outline, error) {
	if c.state != http1.StateRespond || len(c.piece) > 0 {
		return 0, http1.ErrState
	}
	o := c.head.Outline()
	c.head.SetOutline(o)
	c.repeat.Forget()
	c.end = copy(c.in, c.in[c.pos:c.end])
	c.at, c.pos, c.probed = 0, 0, 0
	return o, nil
}

// SetOutline takes up a request of which nothing but its outline is here. The
// Conn is Reset before.
func (c *Conn) SetOutline(o http1.Outline) {
	c.repeat.Forget()
	c.head.SetOutline(o)
	c.state = http1.StateRespond
	c.touched, c.continued = true, true
	c.begin()
}

// Load takes up what Save has written. The Conn is Reset before.
func (c *Conn) Load(src []byte) {
	v := &c.saved
	n := copy(image(v), src)
	c.repeat.Forget()
	n += c.head.Load(src[n:])
	c.end = copy(c.in, src[n:n+int(v.end)])
	c.at, c.pos, c.probed = 0, int(v.pos), int(v.probed)
	c.body, c.probe, c.limits = v.body, v.probe, c.parser.Limits
	c.state, c.touched, c.continued, c.eof = v.state, v.touched, v.continued, v.eof
	switch c.state {
	case http1.StateBody, http1.StateRespond:
		c.begin()
	case http1.StateDrain:
		// Content is read to its end only for a connection that persists.
		c.resp.Init(http1.MethodUnset, http1.Version11, true)
		c.drained = int(v.drained)
	}
}
