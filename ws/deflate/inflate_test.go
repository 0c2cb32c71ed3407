package deflate_test

import "errors"

// checker inflates, slowly and plainly by RFC 1951, and notes how far back the
// data refers. It is an oracle beside compress/flate, which tells no distances.
type checker struct {
	in   []byte
	bit  int // of in, the next one
	out  []byte
	most int // the longest distance
}

var errStream = errors.New("malformed stream")

// inflate adds what the blocks of in inflate to. It ends where they do, which
// must be at a byte; a last block is followed by the next one at the next byte.
func (c *checker) inflate(in []byte) (err error) {
	defer func() {
		if recover() != nil {
			err = errStream // behind the end
		}
	}()
	c.in, c.bit = in, 0
	for c.bit < 8*len(in) {
		last := c.bits(1)
		switch c.bits(2) {
		case 0:
			c.align()
			n := c.bits(16)
			if c.bits(16) != n^0xFFFF {
				return errStream
			}
			for range n {
				c.out = append(c.out, byte(c.bits(8)))
			}
		case 1:
			var l [288]int
			for i := range l {
				l[i] = 8
				if i >= 144 && i < 256 {
					l[i] = 9
				} else if i >= 256 && i < 280 {
					l[i] = 7
				}
			}
			var d [30]int
			for i := range d {
				d[i] = 5
			}
			err = c.block(newCode(l[:]), newCode(d[:]))
		case 2:
			err = c.dynamic()
		default:
			return errStream
		}
		if err != nil {
			return err
		}
		if last == 1 {
			c.align()
		}
	}
	return nil
}

func (c *checker) align() { c.bit = (c.bit + 7) &^ 7 }

func (c *checker) bits(n int) int {
	v := 0
	for i := range n {
		v |= int(c.in[c.bit/8]>>(c.bit%8)&1) << i
		c.bit++
	}
	return v
}

// code is a canonical prefix code: how many symbols have each length, and the
// symbols by length.
type code struct {
	count   [16]int
	symbols []int
}

func newCode(lengths []int) (h code) {
	for n := 1; n <= 15; n++ {
		for symbol, l := range lengths {
			if l == n {
				h.count[n]++
				h.symbols = append(h.symbols, symbol)
			}
		}
	}
	return h
}

// whole reports whether every string of bits begins with a code. compress/flate
// takes no others, but for no code at all, or a single one of a bit.
func (h code) whole() bool {
	sum := 0
	for n, k := range h.count {
		sum += k << (15 - n)
	}
	return sum == 1<<15 || sum == 0 || len(h.symbols) == 1 && h.count[1] == 1
}

func (c *checker) symbol(h code) int {
	v, first, at := 0, 0, 0 // the bits, the first code of the length, and the place of its symbol
	for n := 1; n <= 15; n++ {
		v |= c.bits(1)
		if v-first < h.count[n] {
			return h.symbols[at+v-first]
		}
		at += h.count[n]
		first = (first + h.count[n]) << 1
		v <<= 1
	}
	panic(errStream)
}

func (c *checker) dynamic() error {
	nl, nd, nc := 257+c.bits(5), 1+c.bits(5), 4+c.bits(4)
	var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var cl [19]int
	for _, i := range order[:nc] {
		cl[i] = c.bits(3)
	}
	h := newCode(cl[:])
	if nl > 286 || nd > 30 || !h.whole() {
		return errStream
	}
	var l []int
	for len(l) < nl+nd {
		switch s := c.symbol(h); s {
		case 16:
			for range 3 + c.bits(2) {
				l = append(l, l[len(l)-1])
			}
		case 17:
			l = append(l, make([]int, 3+c.bits(3))...)
		case 18:
			l = append(l, make([]int, 11+c.bits(7))...)
		default:
			l = append(l, s)
		}
	}
	if len(l) != nl+nd {
		return errStream
	}
	literals, distances := newCode(l[:nl]), newCode(l[nl:])
	if !literals.whole() || !distances.whole() {
		return errStream
	}
	return c.block(literals, distances)
}

func (c *checker) block(l, d code) error {
	for {
		s := c.symbol(l)
		if s < 256 {
			c.out = append(c.out, byte(s))
			continue
		}
		if s == 256 {
			return nil
		}
		var length int
		switch {
		case s < 265:
			length = s - 254
		case s < 285:
			extra := (s - 261) / 4
			length = (4+(s-261)%4)<<extra + 3 + c.bits(extra)
		case s == 285:
			length = 258
		default:
			return errStream
		}
		s = c.symbol(d)
		distance := s + 1
		if s > 3 {
			extra := (s - 2) / 2
			distance = (2+s%2)<<extra + 1 + c.bits(extra)
		}
		if distance > len(c.out) {
			return errStream
		}
		c.most = max(c.most, distance)
		for range length {
			c.out = append(c.out, c.out[len(c.out)-distance])
		}
	}
}
