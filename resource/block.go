package resource

import (
	"github.com/bobtail-go/bobtail/coap"
	"github.com/bobtail-go/bobtail/internal/ascii"
)

// This file has the blocks of RFC 7959: those of requests, put together or
// handed on, and those that answers are cut into.

// upload takes a block of the request's payload (RFC 7959 section 2.5). It
// returns what to refuse it with, or 0.
func (x *Exchange) upload() coap.Code {
	b, n := x.block1, len(x.m.Payload)
	// RFC 7959 section 2.2: a block that others follow is as long as it says.
	// RFC 8323 section 6: or several times that.
	switch {
	case b.More && b.SZX == coap.BERT && (n == 0 || n%b.Size() != 0),
		b.More && b.SZX != coap.BERT && n != b.Size(),
		!b.More && b.SZX != coap.BERT && n > b.Size():
		return coap.CodeBadRequest
	}
	r := x.r
	x.part = Part{Offset: b.Offset(), Last: !b.More, P: x.m.Payload, Size: x.size1}
	if x.part.Offset == 0 && !b.More {
		return 0 // it is whole
	}
	gathers := x.route.Data == nil
	x.makeKey()
	if gathers && (x.part.Offset+uint64(n) > uint64(r.Gather) || x.size1 > uint64(r.Gather)) {
		x.refuse(coap.CodeRequestEntityTooLarge) // RFC 7959 section 2.9.3
		if r.Gather > 0 {
			x.insertUint(coap.OptSize1, uint64(r.Gather))
		}
		x.transfer, _ = r.claim(x) // which has ended
		return 0
	}
	var e *transfer
	if x.part.Offset == 0 {
		if x.transfer = r.open(x, gathers, false); x.transfer < 0 {
			return coap.CodeServiceUnavailable
		}
		e = &r.transfers.list[x.transfer]
		e.size = x.size1
	} else {
		i, busy := r.claim(x)
		if busy {
			return coap.CodeServiceUnavailable
		}
		if i < 0 {
			return coap.CodeRequestEntityIncomplete // RFC 7959 section 2.9.2
		}
		if e = &r.transfers.list[i]; e.kept || e.next != x.part.Offset {
			r.release(i, false, false)
			return coap.CodeRequestEntityIncomplete
		}
		x.transfer, x.value, x.part.Size = i, e.value, e.size
	}
	if !gathers {
		return 0
	}
	whole := r.transfers.bytes(e.buffer)[:x.part.Offset+uint64(n)]
	copy(whole[x.part.Offset:], x.m.Payload)
	if x.payload = whole; b.More {
		x.goOn()
	}
	return 0
}

// goOn answers that more of the upload may come (RFC 7959 section 2.9.1).
func (x *Exchange) goOn() {
	x.code, x.stage, x.keep = coap.CodeContinue, stageDone, keepUpload
	x.addBlock1(true)
}

// addBlock1 says which block is answered, and with the first one of what size we
// would like the others, if that is less (RFC 7959 section 2.3).
func (x *Exchange) addBlock1(more bool) {
	if x.has&hasBlock1 == 0 {
		return
	}
	x.insertUint(coap.OptBlock1, uint64(x.acknowledged(more).Uint()))
}

// acknowledged is the block of the request as its answer says it.
func (x *Exchange) acknowledged(more bool) coap.Block {
	b := x.block1
	b.More = more
	if b.Num == 0 && b.SZX != coap.BERT {
		b.SZX = min(b.SZX, x.t.SZX)
	}
	return b
}

// asksAgain reports whether the handler can be asked again for a further block
// of its answer: it is for a method that changes nothing, and the request is as
// it was.
func (x *Exchange) asksAgain() bool {
	return x.m.Code == coap.CodeGET || x.m.Code == coap.CodeFETCH && len(x.m.Payload) != 0 && x.has&hasBlock1 == 0
}

// serveKept answers with a further block of an answer that was kept (RFC 7959
// section 3.3).
func (x *Exchange) serveKept() coap.Code {
	x.makeKey()
	i, busy := x.r.claim(x)
	if busy {
		return coap.CodeServiceUnavailable
	}
	if i < 0 {
		return coap.CodeRequestEntityIncomplete
	}
	e := &x.r.transfers.list[i]
	x.transfer, x.keep = i, keepAnswer
	if !e.kept {
		x.part.Offset, x.part.P = e.next, nil // the upload stays as it was
		x.value = e.value
		x.refuse(coap.CodeRequestEntityIncomplete)
		x.keep = keepUpload
		return 0
	}
	if x.reads = e.source != nil; !x.reads {
		x.writeKept()
	}
	return 0
}

// writeKept writes a block of an answer that was kept. A Source is read where
// handlers run, since it is the program's.
func (x *Exchange) writeKept() {
	e := &x.r.transfers.list[x.transfer]
	x.code, x.tag, x.stage = e.code, e.tag, stageDone
	if e.format >= 0 {
		x.insertUint(coap.OptContentFormat, uint64(e.format))
	}
	var b []byte
	if e.source == nil {
		b = x.r.transfers.bytes(e.buffer)
	}
	if err := x.write(e.length, b, nil, e.source); err != nil {
		x.fail(err)
	}
}

// notInKey are the options that may differ between the requests of one transfer
// (RFC 7959 section 2.5), beside those that are not in the cache key: what the
// blocks themselves say, and what is said with some of them only.
const notInKey uint64 = 1<<coap.OptBlock1 | 1<<coap.OptBlock2 | 1<<coap.OptObserve | 1<<coap.OptContentFormat |
	1<<coap.OptIfMatch | 1<<coap.OptIfNoneMatch | 1<<coap.OptETag

// keys tell the requests of one transfer from others, by hashes.
type keys struct {
	request uint64 // of the options that all its requests have alike
	tag     uint64 // of Request-Tag (RFC 9175 section 3.3), 0 for none
}

// makeKey makes the keys of the request's transfer. One that is met by chance is
// of the same peer.
func (x *Exchange) makeKey() {
	k := &x.key // a local one would be allocated by TinyGo
	*k = keys{request: mix(0, uint64(x.m.Code))}
	it := x.m.Options.Iter()
	for it.Next() {
		n := it.Number
		if n.IsNoCacheKey() || n < 64 && notInKey>>n&1 != 0 || n == coap.OptNoResponse {
			continue
		}
		h := &k.request
		if n == coap.OptRequestTag {
			h = &k.tag
		}
		*h = mix(*h, uint64(n)<<32|uint64(len(it.Value)))
		for _, b := range it.Value {
			*h = mix(*h, uint64(b))
		}
	}
}

func mix(h, w uint64) uint64 {
	h = (h ^ w) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}

// end ends the response with content, which is given in one of three ways.
func (x *Exchange) end(b []byte, parts []string, src Source) error {
	if x.stage != stageHead {
		return x.note(ErrMisuse)
	}
	if x.err != nil {
		return x.err
	}
	x.stage = stageDone
	size := int64(len(b))
	for _, s := range parts {
		size += int64(len(s))
	}
	if src != nil {
		size = src.Size()
	}
	if size < 0 {
		return x.note(ErrSource)
	}
	return x.note(x.write(size, b, parts, src))
}

// write writes what is left of the answer's options, and of its content what
// fits or is asked for.
func (x *Exchange) write(size int64, b []byte, parts []string, src Source) error {
	first := x.has&hasBlock2 == 0 || x.block2.Num == 0
	if x.has&hasETag != 0 && x.code == coap.CodeContent && first && (x.m.Code == coap.CodeGET || x.m.Code == coap.CodeFETCH) {
		if x.tag.n == 0 && src == nil {
			x.tag = sum(b, parts)
		}
		if x.tag.in(x.m.Options) {
			return x.writeValid()
		}
	}
	if x.seq >= 0 && !x.code.IsError() && !x.insertUint(coap.OptObserve, uint64(x.seq)) {
		return ErrLong
	}
	x.addBlock1(false)
	if x.tag.n != 0 && !x.insert(coap.OptETag, x.tag.bytes()) {
		return ErrLong
	}
	room := int64(cap(x.out) - len(x.out))
	if x.code.IsError() || x.has&hasBlock2 == 0 && size < room || size == 0 && first {
		if size > 0 && size >= room {
			return ErrLong
		}
		return x.copyContent(0, int(size), b, parts, src)
	}
	return x.writeBlock(size, b, parts, src)
}

// writeValid answers that the peer has the state already, with 2.03: its ETag,
// and for how long it may be kept, and nothing that tells of content (RFC 7252
// section 5.9.1.3).
func (x *Exchange) writeValid() error {
	age, ok := coap.Options(x.out).Uint(coap.OptMaxAge)
	x.out, x.code = x.out[:0], coap.CodeValid
	if !x.insert(coap.OptETag, x.tag.bytes()) || ok && !x.insertUint(coap.OptMaxAge, age) ||
		x.seq >= 0 && !x.insertUint(coap.OptObserve, uint64(x.seq)) {
		return ErrLong
	}
	x.addBlock1(false)
	return nil
}

// blockRoom is the most that a block needs beside its content: Block2, Size2 and
// the payload marker.
const blockRoom = (2 + 3) + (2 + 4) + 1

// writeBlock writes one block of the content (RFC 7959 section 2.4).
func (x *Exchange) writeBlock(size int64, b []byte, parts []string, src Source) error {
	at := coap.Block{SZX: min(x.t.SZX, 6)}
	if x.t.BERT {
		at.SZX = coap.BERT
	}
	if x.has&hasBlock2 != 0 {
		at = x.block2
	}
	off := int64(at.Offset())
	if off >= size && off > 0 {
		return ErrBadRequest
	}
	if x.tag.n == 0 && src == nil && size > int64(at.Size()) {
		x.tag = sum(b, parts)
		if !x.insert(coap.OptETag, x.tag.bytes()) {
			return ErrLong
		}
	}
	n, ok := fit(&at, cap(x.out)-len(x.out)-blockRoom, off)
	if !ok {
		return ErrLong
	}
	at.More = size-off > int64(n)
	n = int(min(int64(n), size-off))
	var kept []byte
	switch {
	case !at.More:
		if x.keep = keepNone; x.transfer < 0 && x.m.Code == coap.CodeFETCH && off > 0 {
			// What was kept for it was not needed.
			x.makeKey()
			if i, _ := x.r.claim(x); i >= 0 {
				x.r.release(i, x.r.transfers.list[i].kept, true)
			}
		}
	case x.keep != keepAnswer && x.m.Code != coap.CodeGET && off == 0:
		// For FETCH it may do without: it is for those who ask for further
		// blocks without the payload.
		if err := x.keepAnswer(size, b, parts, src); err != nil && !x.asksAgain() {
			return err
		}
		if x.keep == keepAnswer && src == nil {
			kept = x.r.transfers.bytes(x.r.transfers.list[x.transfer].buffer)[:size]
		}
	}
	x.insertUint(coap.OptBlock2, uint64(at.Uint()))
	if off == 0 && (at.More || x.has&hasSize2 != 0) && size < 1<<32 {
		x.insertUint(coap.OptSize2, uint64(size)) // RFC 7959 section 4
	}
	if kept != nil {
		// Where it was may have been written over: see keepAnswer. It is not
		// put into b and parts, since TinyGo puts what may be one of two things
		// on the heap, at the caller.
		return x.copyContent(off, n, kept, nil, nil)
	}
	return x.copyContent(off, n, b, parts, src)
}

// fit makes a block of what fits into room bytes, from an offset that it may
// have: n bytes, smaller ones if need be (RFC 7959 section 2.4), and with BERT as
// many as there is room for.
func fit(b *coap.Block, room int, off int64) (n int, ok bool) {
	if b.SZX == coap.BERT {
		if n = room &^ 1023; n > 0 {
			return n, true
		}
		b.SZX--
	}
	for n = b.Size(); n > room; n /= 2 {
		if b.SZX == 0 {
			return 0, false
		}
		b.SZX--
	}
	num := off / int64(n)
	b.Num = uint32(num)
	return n, num <= coap.MaxBlock
}

// keepAnswer keeps the content, of which the peer will ask for further blocks
// that the handler cannot give: its method may not be repeated (RFC 7959 section
// 3.3).
func (x *Exchange) keepAnswer(size int64, b []byte, parts []string, src Source) error {
	if src == nil && size > int64(x.r.Gather) {
		return ErrLong
	}
	// The place of the upload is used, if there is one.
	if x.transfer >= 0 && src == nil && x.r.transfers.list[x.transfer].buffer < 0 {
		x.letGo(keepNone)
	}
	if x.transfer < 0 {
		x.makeKey()
		if x.transfer = x.r.open(x, src == nil, x.asksAgain()); x.transfer < 0 {
			return ErrFull
		}
	}
	e := &x.r.transfers.list[x.transfer]
	e.kept, e.length, e.source, e.code, e.tag, e.format, e.value = true, size, src, x.code, x.tag, -1, nil
	if f, ok := coap.Options(x.out).Uint(coap.OptContentFormat); ok {
		e.format = int32(f)
	}
	x.keep = keepAnswer
	if src == nil {
		// It may be what was uploaded, in part.
		take(x.r.transfers.bytes(e.buffer)[:size], 0, b, parts)
	}
	return nil
}

// copyContent ends the answer with n bytes of the content, from an offset on.
func (x *Exchange) copyContent(off int64, n int, b []byte, parts []string, src Source) error {
	if n == 0 {
		return nil
	}
	at := len(x.out)
	x.out = x.out[:at+1+n]
	x.out[at] = 0xFF // the payload marker
	dst := x.out[at+1:]
	if src == nil {
		take(dst, off, b, parts)
	} else if k, err := src.ReadAt(dst, off); k < n {
		if err != nil {
			return err
		}
		return ErrSource
	}
	return nil
}

// take fills dst with content from an offset on.
func take(dst []byte, off int64, b []byte, parts []string) {
	if len(parts) == 0 {
		copy(dst, b[off:])
		return
	}
	for _, s := range parts {
		if off >= int64(len(s)) {
			off -= int64(len(s))
			continue
		}
		n := copy(dst, s[off:])
		dst, off = dst[n:], 0
	}
}

// sum is the tag of content.
func sum(b []byte, parts []string) tag {
	var h hash
	h.add(ascii.View(b))
	for _, s := range parts {
		h.add(s)
	}
	return h.tag()
}
