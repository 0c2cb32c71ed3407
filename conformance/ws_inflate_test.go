package conformance

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
)

// packer compresses messages as RFC 7692 section 7.2.1 has it.
type packer struct {
	takeover bool
	bits     int // of the window
	w        *flate.Writer
	b        bytes.Buffer
}

func newPacker(takeover bool, bits int) *packer {
	p := &packer{takeover: takeover, bits: bits}
	p.w, _ = flate.NewWriter(&p.b, 6)
	return p
}

// pack is the payload for a message.
func (p *packer) pack(s string) string {
	p.b.Reset()
	if !p.takeover {
		p.w.Reset(&p.b)
	}
	// compress/flate has one size of window. What was forgotten is not referred
	// to, so that pieces of the size of a smaller one keep to it.
	for p.bits < 15 && len(s) > 1<<p.bits {
		p.w.Reset(&p.b)
		p.w.Write([]byte(s[:1<<p.bits]))
		p.w.Flush()
		s = s[1<<p.bits:]
	}
	if p.bits < 15 {
		p.w.Reset(&p.b)
	}
	p.w.Write([]byte(s))
	p.w.Flush()
	return string(bytes.TrimSuffix(p.b.Bytes(), []byte("\x00\x00\xff\xff")))
}

// unpacker inflates messages (RFC 7692 section 7.2.2). Unlike compress/flate it
// fails where one refers to more than it may: further back than the window
// reaches, or beyond the message without context takeover.
type unpacker struct {
	takeover bool
	bits     int // of the window
	window   []byte

	in  []byte
	bit uint // of in, the next
	out []byte
}

var errShort = errors.New("deflate: the payload ends too early")

func (z *unpacker) take(n uint) (v uint, err error) {
	if z.bit+n > uint(len(z.in))*8 {
		return 0, errShort
	}
	for i := range n {
		v |= uint(z.in[z.bit>>3]>>(z.bit&7)&1) << i
		z.bit++
	}
	return v, nil
}

// unpack is what a payload inflates to.
func (z *unpacker) unpack(payload []byte) ([]byte, error) {
	z.in, z.bit = append(bytes.Clone(payload), "\x00\x00\xff\xff"...), 0
	z.out = append(z.out[:0], z.window...)
	for z.bit < uint(len(z.in))*8 {
		final, err := z.take(1)
		if err == nil {
			err = z.block()
		}
		if err != nil {
			return nil, err
		}
		if final == 1 { // what follows begins with a byte
			z.bit = (z.bit + 7) &^ 7
		}
	}
	content := bytes.Clone(z.out[len(z.window):])
	if z.takeover {
		z.window = append(z.window[:0], z.out[max(0, len(z.out)-1<<15):]...)
	}
	return content, nil
}

func (z *unpacker) block() error {
	kind, err := z.take(2)
	if err != nil {
		return err
	}
	switch kind {
	case 0:
		z.bit = (z.bit + 7) &^ 7
		n, err := z.take(16)
		if err != nil {
			return err
		}
		not, err := z.take(16)
		if err != nil || n^not != 0xffff || z.bit>>3+n > uint(len(z.in)) {
			return errors.Join(errors.New("deflate: a stored block with a wrong length"), err)
		}
		z.out = append(z.out, z.in[z.bit>>3:z.bit>>3+n]...)
		z.bit += n * 8
		return nil
	case 1:
		lengths := make([]byte, 288)
		for i := range lengths {
			lengths[i] = []byte{8, 9, 7, 8}[b2i(i > 143)+b2i(i > 255)+b2i(i > 279)]
		}
		return z.codes(newCode(lengths), newCode(bytes.Repeat([]byte{5}, 30)))
	case 2:
		return z.dynamic()
	}
	return errors.New("deflate: a block of kind 3")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (z *unpacker) dynamic() error {
	sizes, err := z.take(14)
	if err != nil {
		return err
	}
	literals, distances, n := int(sizes&31)+257, int(sizes>>5&31)+1, int(sizes>>10)+4
	order := []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	lengths := make([]byte, 19)
	for _, at := range order[:n] {
		v, err := z.take(3)
		if err != nil {
			return err
		}
		lengths[at] = byte(v)
	}
	code := newCode(lengths)
	lengths = lengths[:0]
	for len(lengths) < literals+distances {
		symbol, err := z.symbol(code)
		if err != nil {
			return err
		}
		if symbol < 16 {
			lengths = append(lengths, byte(symbol))
			continue
		}
		var repeated byte
		if symbol == 16 {
			if len(lengths) == 0 {
				return errors.New("deflate: nothing to repeat")
			}
			repeated = lengths[len(lengths)-1]
		}
		extra := []uint{2, 3, 7}[symbol-16]
		v, err := z.take(extra)
		if err != nil {
			return err
		}
		lengths = append(lengths, bytes.Repeat([]byte{repeated}, int(v)+[]int{3, 3, 11}[symbol-16])...)
	}
	if len(lengths) != literals+distances {
		return errors.New("deflate: too many lengths")
	}
	return z.codes(newCode(lengths[:literals]), newCode(lengths[literals:]))
}

// code is a canonical Huffman code: how many symbols there are of a length, and
// which, in order (RFC 1951 section 3.2.2).
type code struct {
	count   [16]int
	symbols []int
}

func newCode(lengths []byte) *code {
	c := &code{}
	for n := byte(1); n < 16; n++ {
		for symbol, l := range lengths {
			if l == n {
				c.count[n]++
				c.symbols = append(c.symbols, symbol)
			}
		}
	}
	return c
}

func (z *unpacker) symbol(c *code) (int, error) {
	value, first, at, bit := 0, 0, 0, z.bit
	for n := 1; n < 16; n++ {
		if bit>>3 >= uint(len(z.in)) {
			return 0, errShort
		}
		value |= int(z.in[bit>>3] >> (bit & 7) & 1)
		bit++
		if value-first < c.count[n] {
			z.bit = bit
			return c.symbols[at+value-first], nil
		}
		at += c.count[n]
		first = (first + c.count[n]) << 1
		value <<= 1
	}
	return 0, errors.New("deflate: an unknown code")
}

// codes inflates the symbols of a block (RFC 1951 section 3.2.5).
func (z *unpacker) codes(literals, distances *code) error {
	for {
		symbol, err := z.symbol(literals)
		if err != nil {
			return err
		}
		if symbol < 256 {
			z.out = append(z.out, byte(symbol))
			continue
		}
		if symbol == 256 {
			return nil
		}
		length, err := z.extra(symbol-257, 4, 28)
		if err != nil {
			return err
		}
		length += 3
		if symbol == 285 {
			length = 258
		}
		if symbol, err = z.symbol(distances); err != nil {
			return err
		}
		distance, err := z.extra(symbol, 2, 30)
		if err != nil {
			return err
		}
		distance++
		if distance > 1<<z.bits || distance > len(z.out) {
			return fmt.Errorf("deflate: a distance of %d, %d bytes into a message, with a window of %d bits", distance, len(z.out)-len(z.window), z.bits)
		}
		for range length {
			z.out = append(z.out, z.out[len(z.out)-distance])
		}
	}
}

// extra is the base of the symbol, counted from 0, with the extra bits that
// follow it. In each group of so many symbols there is a bit more.
func (z *unpacker) extra(symbol, group, most int) (int, error) {
	if symbol >= most {
		if group == 4 && symbol == most {
			return 0, nil // length 258
		}
		return 0, errors.New("deflate: an unknown symbol")
	}
	if symbol < 2*group {
		return symbol, nil
	}
	bits := symbol/group - 1
	v, err := z.take(uint(bits))
	return (group+symbol%group)<<bits + int(v), err
}
