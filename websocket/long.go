package websocket

import "sync/atomic"

// This file has the blocks into which a connection receives that sends more at
// once than a worker's buffer takes. Who finds none free receives less at a time,
// so that a peer who keeps one, by not reading, costs others but speed.

// LongSize is the size of the blocks of Config.Long in bytes: 64 KiB of payload
// with their header, and some of what comes behind.
const LongSize = 66 << 10

type longs struct {
	bytes []byte
	lent  []atomic.Bool
}

func (l *longs) init(n int) {
	if n > 0 {
		l.bytes = make([]byte, n*LongSize)
		l.lent = make([]atomic.Bool, n)
	}
}

// take takes a block, and returns 1 + its number, 0 if none is free.
func (l *longs) take() uint16 {
	for i := range l.lent {
		if !l.lent[i].Load() && !l.lent[i].Swap(true) {
			return uint16(i + 1)
		}
	}
	return 0
}

// put gives a block back that take has returned, or 0.
func (l *longs) put(i uint16) {
	if i != 0 {
		l.lent[i-1].Store(false)
	}
}

// borrow has the connection receive into the block that it has kept, or into a
// free one, if there is one. What was received and not used up, which compact has
// put in front, goes along.
func (c *Conn) borrow() {
	l := &c.d.longs
	i := c.r.long
	if i == 0 {
		if i = l.take(); i == 0 {
			return
		}
	}
	c.block = i
	b := l.bytes[int(i-1)*LongSize : int(i)*LongSize : int(i)*LongSize]
	copy(b, c.in[:c.end])
	c.in = b
}
