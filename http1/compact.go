package http1

// A head in a buffer that is smaller than it: what is kept of it is moved to
// the front, in the order in which it came, and the rest is forgotten. What is
// kept is the method and the target, with the space between them; name and
// value of each kept field; and of the field line under way, if it is to be
// kept or acted on, as much as is there.

// Compact moves what is kept to the front of b, and what was not yet scanned
// behind it, and returns how many bytes of b are now in use. Scanned is what
// is kept, afterwards. It may be called at any time, also when the head is
// complete; content then begins at b[h.Scanned():] as before. If content is
// not to be moved, give only the head, b[:h.Scanned()].
//
// The cost is that of moving those bytes; call it when the buffer is full, or
// when the head is put away, and not after each Parse.
func (h *Head) Compact(b []byte) int {
	old := int(h.pos)
	n := 0
	if h.state >= stateMethod {
		n = h.compactLine(b)
	}
	for i := range h.fields[:h.kept] {
		s := &h.fields[i]
		n = move(b, n, &s.name, int(s.nameLen))
		n = move(b, n, &s.value, int(s.valueLen))
	}
	switch h.state {
	case stateName:
		n = move(b, n, &h.name, old-int(h.name))
	case stateOWS:
		if h.retained() {
			n = move(b, n, &h.name, int(h.nameLen))
		}
	case stateValue:
		if h.retained() {
			n = move(b, n, &h.name, int(h.nameLen))
			n = move(b, n, &h.value, old-int(h.value))
		} else {
			h.value = uint16(n)
		}
	}
	h.pos = uint16(n)
	h.dropped += uint32(old - n)
	return n + copy(b[n:], b[old:])
}

// compactLine moves the request line and returns its length.
func (h *Head) compactLine(b []byte) int {
	end := int(h.pos) // in the method or the target
	switch {
	case h.targetLen != 0:
		end = int(h.target) + int(h.targetLen)
	case h.state == stateFailed:
		end = int(h.start)
	}
	start := h.start
	n := move(b, 0, &h.start, end-int(start))
	h.target -= min(start, h.target)
	return n
}

// move moves n bytes at *from to the offset to, sets *from to it, and returns
// the offset behind them.
func move(b []byte, to int, from *uint16, n int) int {
	if f := int(*from); f != to {
		copy(b[to:to+n], b[f:f+n])
		*from = uint16(to)
	}
	return to + n
}

// Overflow is the error to take when Compact leaves no room in the buffer
// although the head is not complete: the target is too long, or else what is
// to be kept of the fields is.
func (h *Head) Overflow() Error {
	if h.state < stateVersion {
		return ErrTargetLong
	}
	return ErrHeadLong
}

// savedFixed is the number of bytes that Save writes beside the kept fields,
// savedSpan what it writes for each of them.
const (
	savedFixed = 50
	savedSpan  = 8
)

// SavedSize is the number of bytes that Save writes.
func (h *Head) SavedSize() int { return savedFixed + savedSpan*int(h.kept) }

// Save writes the state of the parser to dst, which must have SavedSize bytes,
// and returns that number. What is kept in the buffer is not part of it; call
// Compact before and put it away as well.
func (h *Head) Save(dst []byte) int {
	w := saver{b: dst[:h.SavedSize()]}
	h.transfer(&w, false)
	return w.n
}

// Load reads what Save wrote and returns how many bytes that were. The buffer
// that goes with it must have the bytes that it had, at the same offsets. src
// must come from Save: it is memory of the program and is not checked.
func (h *Head) Load(src []byte) int {
	w := saver{b: src}
	h.transfer(&w, true)
	return w.n
}

// transfer writes or reads every field, so that the two cannot differ.
func (h *Head) transfer(w *saver, load bool) {
	w.load = load
	w.u8((*uint8)(&h.kept))
	w.u8((*uint8)(&h.state))
	w.u8((*uint8)(&h.failure))
	w.u8(&h.step)
	w.u16(&h.pos)
	w.u32(&h.dropped)
	w.u16(&h.count)
	w.flag(&h.asks)
	w.flag(&h.all)
	w.u8(&h.nameLen)
	w.u8((*uint8)(&h.id))
	w.flag(&h.keep)
	w.u16(&h.name)
	w.u16(&h.value)
	w.u8((*uint8)(&h.method))
	w.u8((*uint8)(&h.version))
	w.u8((*uint8)(&h.form))
	w.u8(&h.methodLen)
	w.u16((*uint16)(&h.facts))
	w.u16(&h.start)
	w.u16(&h.target)
	w.u16(&h.targetLen)
	w.u16(&h.authority)
	w.u16(&h.authLen)
	w.u16(&h.path)
	w.u16(&h.query)
	w.u8(&h.host)
	w.u64(&h.length)
	for i := range h.fields[:h.kept] {
		s := &h.fields[i]
		w.u16(&s.name)
		w.u16(&s.value)
		w.u16(&s.valueLen)
		w.u8(&s.nameLen)
		w.u8((*uint8)(&s.id))
	}
}

// saver moves values between variables and bytes, in one direction or the
// other, the lowest byte first.
type saver struct {
	b    []byte
	n    int
	load bool
}

func (w *saver) u8(v *uint8) {
	if w.load {
		*v = w.b[w.n]
	} else {
		w.b[w.n] = *v
	}
	w.n++
}

func (w *saver) flag(v *bool) {
	var x uint8
	if *v {
		x = 1
	}
	w.u8(&x)
	*v = x != 0
}

func (w *saver) u16(v *uint16) {
	lo, hi := uint8(*v), uint8(*v>>8)
	w.u8(&lo)
	w.u8(&hi)
	*v = uint16(lo) | uint16(hi)<<8
}

func (w *saver) u32(v *uint32) {
	lo, hi := uint16(*v), uint16(*v>>16)
	w.u16(&lo)
	w.u16(&hi)
	*v = uint32(lo) | uint32(hi)<<16
}

func (w *saver) u64(v *uint64) {
	lo, hi := uint32(*v), uint32(*v>>32)
	w.u32(&lo)
	w.u32(&hi)
	*v = uint64(lo) | uint64(hi)<<32
}
