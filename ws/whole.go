//go:build !tinygo

package ws

// whole takes a frame that has come whole and is a message of its own, not
// compressed and shorter than 64 KB, as nearly all that a server is sent are, in
// one step: the state of the Decoder stays as it is between messages. Any other
// frame, and what breaks a rule of frames, it leaves to Next, with n 0; a test
// holds it to the same result. TinyGo's programs do without, for their size.
func (d *Decoder) whole(b []byte, r *Rules) (payload []byte, n int, e Error) {
	if d.op != 0 || r.Role != RoleServer || len(b) < 6 {
		return nil, 0, 0
	}
	if b[0] != bitFin|byte(OpText) && b[0] != bitFin|byte(OpBinary) {
		return nil, 0, 0
	}
	length, at := int(b[1])-bitMask, 6
	switch {
	case uint(length) < 126:
	case length == 126 && len(b) >= 8:
		if length, at = int(b[2])<<8|int(b[3]), 8; length < 126 {
			return nil, 0, 0
		}
	default:
		return nil, 0, 0
	}
	if len(b)-at < length || r.MaxFrame != 0 && uint64(length) > r.MaxFrame || r.MaxMessage != 0 && uint64(length) > r.MaxMessage {
		return nil, 0, 0
	}
	key := loadKey(b[at-4:])
	f := b[at : at+length : at+length]
	if b[0] == bitFin|byte(OpBinary) {
		Mask(f, key)
		return f, at + length, 0
	}
	ascii := false
	if length <= short {
		_, ascii = maskShort(f, key)
	} else {
		Mask(f, key)
	}
	var text UTF8
	if !ascii && !(text.Check(f) && text.Whole()) {
		return nil, at, ErrUTF8
	}
	return f, at + length, 0
}
