package memory

// A pipe holds the bytes on the way to one end.
//
//	0 ........ start ........ seen ........ end ........ len(buf)
//	  free            arrived      under way      free
type pipe struct {
	buf              []byte
	start, seen, end int
	due              int64 // when buf[seen:end], and fin, arrive; 0 if they have
	fin              bool  // the far end sends no more
	total            uint64

	// fixed says that the reader may hold a view of buf[start:seen]: bytes are
	// then moved by consume only.
	fixed bool
}

// arrived is the bytes that can be read.
func (p *pipe) arrived() []byte { return p.buf[p.start:p.seen] }

// finished reports whether the end has come, though bytes may come before it.
func (p *pipe) finished() bool { return p.fin && p.due == 0 }

// room is the number of bytes that fit.
func (p *pipe) room() int {
	return len(p.buf) - (p.end - p.start)
}

// put adds bytes that are under way, as many as fit.
func (p *pipe) put(b []byte) int {
	if len(p.buf)-p.end < len(b) && !p.fixed {
		p.compact()
	}
	n := copy(p.buf[p.end:], b)
	p.end += n
	p.total += uint64(n)
	return n
}

// consume drops the first n bytes that have arrived.
func (p *pipe) consume(n int) {
	if n < 0 || n > p.seen-p.start {
		panic("memory: Consume of more than was given")
	}
	p.start += n
	if p.fixed {
		was := p.end
		p.compact()
		for i := p.end; i < was; i++ {
			p.buf[i] = 0xdb // see Config.Holds
		}
	}
}

func (p *pipe) compact() {
	copy(p.buf, p.buf[p.start:p.end])
	p.seen -= p.start
	p.end -= p.start
	p.start = 0
}

// drop forgets what was not read.
func (p *pipe) drop() { p.start, p.seen, p.end, p.due = 0, 0, 0, 0 }
