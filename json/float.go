package json

import (
	"math"
	"math/bits"
	"strconv"
)

// This file prints numbers by the fewest digits that tell them from their
// neighbours. strconv does it fast, but allocates under TinyGo, and has 10 KB of
// tables: small programs do it with the algorithm of Steele and White in the form
// of Burger and Dybvig ("Printing Floating-Point Numbers Quickly and Accurately",
// 1996). A test holds both to the same result.

// appendFloat appends what putFloat writes.
func appendFloat(b []byte, f float64) []byte {
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	b = strconv.AppendFloat(b, f, form, -1, 64)
	if n := len(b); n > 4 && b[n-4] == 'e' && b[n-2] == '0' {
		b[n-2] = b[n-1] // strconv has two digits of an exponent at least
		b = b[:n-1]
	}
	return b
}

// maxFloat is the length of the longest number, which is one such as
// -1.2345678901234567e-300 or -0.0000012345678901234567, and some more.
const maxFloat = 32

// putFloat writes a finite number as encoding/json does, which is as
// JavaScript does: with an exponent below 1e-6 and from 1e21 on.
func putFloat(b *[maxFloat]byte, f float64) int {
	n := 0
	if math.Signbit(f) {
		b[0] = '-'
		n = 1
		f = -f
	}
	if f == 0 {
		b[n] = '0'
		return n + 1
	}
	var digits [17]byte
	count, point := shortest(&digits, f)
	scientific := f < 1e-6 || f >= 1e21
	exp := point - 1
	if scientific {
		point = 1
	}
	if point <= 0 {
		b[n], b[n+1] = '0', '.'
		n += 2
		for ; point < 0; point++ {
			b[n] = '0'
			n++
		}
		return n + copy(b[n:], digits[:count])
	}
	for i := 0; i < count || i < point; i++ {
		if i == point {
			b[n] = '.'
			n++
		}
		b[n] = '0'
		if i < count {
			b[n] = digits[i]
		}
		n++
	}
	if !scientific {
		return n
	}
	b[n], b[n+1] = 'e', '+'
	if exp < 0 {
		b[n+1] = '-'
		exp = -exp
	}
	n += 2
	for unit := 100; unit > 0; unit /= 10 {
		if exp >= unit || unit == 1 {
			b[n] = byte('0' + exp/unit%10)
			n++
		}
	}
	return n
}

// shortest has the digits of a positive number, and where the point is: the
// number is about 0.DIGITS times ten to the power of point.
func shortest(digits *[17]byte, f float64) (count, point int) {
	b := math.Float64bits(f)
	exp, mantissa := int(b>>52), b&(1<<52-1)
	if exp == 0 {
		exp = 1
	} else {
		mantissa |= 1 << 52
	}
	// Half-way to the neighbour below is nearer behind a power of two.
	near := uint(0)
	if mantissa == 1<<52 && exp > 1 {
		near = 1
	}
	exp -= 1075
	even := mantissa&1 == 0 // then what is half-way is read as this one

	// The number is r/s; half-way to its neighbours is above/s above it and
	// below/s below it.
	var r, s, above, below natural
	up, down := uint(max(exp, 0)), uint(max(-exp, 0))
	r.set(mantissa, up+1+near)
	s.set(1, down+1+near)
	above.set(1, up+near)
	below.set(1, up)

	// The least point for which the number is less than ten to its power, or
	// one less: log10(2) is 1292913986 / 2^32.
	log2 := int64(exp + bits.Len64(mantissa) - 1)
	point = int(-(-log2 * 1292913986 >> 32))
	if point >= 0 {
		s.scale(point)
	} else {
		r.scale(-point)
		above.scale(-point)
		below.scale(-point)
	}
	if c := r.compareSum(&above, &s); c > 0 || c == 0 && even {
		point++
	} else {
		r.mul(10)
		above.mul(10)
		below.mul(10)
	}
	for {
		d := byte('0')
		for r.compare(&s) >= 0 {
			r.sub(&s)
			d++
		}
		c, e := r.compare(&below), r.compareSum(&above, &s)
		low, high := c < 0 || c == 0 && even, e > 0 || e == 0 && even
		if low && high {
			// Either will do: the nearer one, or the even one.
			c := r.compareSum(&r, &s)
			low, high = c < 0 || c == 0 && d&1 == 0, c > 0 || c == 0 && d&1 == 1
		}
		if high {
			d++
		}
		digits[count] = d
		count++
		if low || high {
			return count, point
		}
		r.mul(10)
		above.mul(10)
		below.mul(10)
	}
}

// natural is a number of 32 bits a word, the lowest first. The largest that
// there are here is the mantissa of the least number, times ten to the power of
// 325, beside 2 to the power of 1077.
type natural struct {
	n    int // words that are not zero, and those below
	word [36]uint32
}

// set makes x v times two to the power of shift.
func (x *natural) set(v uint64, shift uint) {
	x.n = int(shift / 32)
	shift %= 32
	high := uint64(0)
	if shift > 0 {
		high = v >> (64 - shift)
	}
	v <<= shift
	for _, w := range [3]uint32{uint32(v), uint32(v >> 32), uint32(high)} {
		x.word[x.n] = w
		x.n++
	}
	x.trim()
}

func (x *natural) trim() {
	for x.n > 0 && x.word[x.n-1] == 0 {
		x.n--
	}
}

func (x *natural) mul(v uint32) {
	carry := uint64(0)
	for i := range x.n {
		carry += uint64(x.word[i]) * uint64(v)
		x.word[i] = uint32(carry)
		carry >>= 32
	}
	if carry > 0 {
		x.word[x.n] = uint32(carry)
		x.n++
	}
}

// scale multiplies by ten to the power of n.
func (x *natural) scale(n int) {
	for ; n >= 9; n -= 9 {
		x.mul(1e9)
	}
	for ; n > 0; n-- {
		x.mul(10)
	}
}

// sub takes y from x, which is not less.
func (x *natural) sub(y *natural) {
	borrow := uint32(0)
	for i := range x.n {
		w := uint32(0)
		if i < y.n {
			w = y.word[i]
		}
		x.word[i], borrow = bits.Sub32(x.word[i], w, borrow)
	}
	x.trim()
}

func (x *natural) compare(y *natural) int {
	if x.n != y.n {
		return x.n - y.n
	}
	for i := x.n - 1; i >= 0; i-- {
		if x.word[i] != y.word[i] {
			if x.word[i] < y.word[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// compareSum compares x + y with z.
func (x *natural) compareSum(y, z *natural) int {
	var sum natural
	carry := uint64(0)
	for i := 0; i < x.n || i < y.n || carry > 0; i++ {
		if i < x.n {
			carry += uint64(x.word[i])
		}
		if i < y.n {
			carry += uint64(y.word[i])
		}
		sum.word[i] = uint32(carry)
		sum.n = i + 1
		carry >>= 32
	}
	return sum.compare(z)
}
