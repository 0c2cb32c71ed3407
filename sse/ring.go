package sse

import "unsafe"

// ring keeps the last events, each in one piece, in as many bytes and of as
// many as it was made for. Events are numbered one after the other.
type ring struct {
	buf   []byte
	list  []span
	begin int    // of the oldest, in list
	n     int    // how many there are
	next  uint64 // number of the next event
	at    int    // where it goes in buf, if it fits there
}

type span struct{ from, len uint32 }

const spanSize = int(unsafe.Sizeof(span{}))

// first is the number of the oldest event that is kept; that of the next if
// none is.
func (r *ring) first() uint64 { return r.next - uint64(r.n) }

// view is an event that is kept.
func (r *ring) view(number uint64) []byte {
	s := r.list[(r.begin+int(number-r.first()))%len(r.list)]
	return r.buf[s.from : s.from+s.len]
}

// add adds an event, for which the oldest make room. One that is larger than
// the ring, or any where there is no ring, is not kept, and neither are those
// before it: whoever has missed it has missed it.
func (r *ring) add(p []byte) {
	if len(p) > len(r.buf) || len(r.list) == 0 {
		r.n, r.begin, r.at = 0, 0, 0
		r.next++
		return
	}
	at := r.at
	if at+len(p) > len(r.buf) {
		// What is behind is too little. Who lies there is older than who lies
		// at the front.
		for r.n > 0 && int(r.list[r.begin].from) >= at {
			r.drop()
		}
		at = 0
	}
	for r.n == len(r.list) || r.n > 0 && r.overlaps(at, len(p)) {
		r.drop()
	}
	r.list[(r.begin+r.n)%len(r.list)] = span{uint32(at), uint32(len(p))}
	r.at = at + copy(r.buf[at:], p)
	r.n++
	r.next++
}

// overlaps reports whether the oldest event lies where n bytes at at go.
func (r *ring) overlaps(at, n int) bool {
	s := r.list[r.begin]
	return int(s.from) < at+n && at < int(s.from+s.len)
}

func (r *ring) drop() {
	r.begin = (r.begin + 1) % len(r.list)
	r.n--
}
