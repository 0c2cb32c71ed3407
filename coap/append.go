package coap

// Options are written one behind the other, or put among those that are there.

// appendOptionHeader appends what is in front of a value of length bytes.
func appendOptionHeader(dst []byte, delta uint, length int) []byte {
	if delta < 13 && length < 13 {
		return append(dst, byte(delta<<4)|byte(length))
	}
	at := len(dst)
	dst = append(dst, 0)
	first := byte(0)
	switch {
	case delta < 13:
		first = byte(delta << 4)
	case delta < 269:
		first = 13 << 4
		dst = append(dst, byte(delta-13))
	default:
		first = 14 << 4
		dst = append(dst, byte((delta-269)>>8), byte(delta-269))
	}
	switch {
	case length < 13:
		first |= byte(length)
	case length < 269:
		first |= 13
		dst = append(dst, byte(length-13))
	default:
		first |= 14
		dst = append(dst, byte((length-269)>>8), byte(length-269))
	}
	dst[at] = first
	return dst
}

// SizeOption is how many bytes AppendOption appends for a value of so many bytes,
// behind an option of the number prev, which is not above n.
func SizeOption(prev, n Option, length int) int {
	return 1 + extended(uint(n-prev)) + extended(uint(length)) + length
}

// extended is how many bytes of a delta or length are not in the first byte.
func extended(n uint) int {
	switch {
	case n < 13:
		return 0
	case n < 269:
		return 1
	}
	return 2
}

// AppendOption appends an option behind one of the number prev, 0 if it is the
// first. It panics if prev is above n, or the value longer than MaxOptionValue:
// InsertOption takes options in any order.
func AppendOption(dst []byte, prev, n Option, value []byte) []byte {
	if prev > n || len(value) > MaxOptionValue {
		panic("coap: option out of order, or too long")
	}
	return append(appendOptionHeader(dst, uint(n-prev), len(value)), value...)
}

// AppendUintOption appends an option of KindUint, without leading zeros (RFC
// 7252 section 3.2), as AppendOption does.
func AppendUintOption(dst []byte, prev, n Option, v uint64) []byte {
	if prev > n {
		panic("coap: option out of order")
	}
	length := SizeUint(v)
	dst = appendOptionHeader(dst, uint(n-prev), length)
	for i := length - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*uint(i))))
	}
	return dst
}

// SizeUint is how many bytes the value of an option of KindUint has, 0 to 8.
func SizeUint(v uint64) (n int) {
	for ; v != 0; v >>= 8 {
		n++
	}
	return n
}

// InsertOption puts an option into encoded options, behind those of the same
// number, and gives what they become. It needs len(value)+MaxOptionHeader bytes
// more at most, and allocates only if the capacity is less than that. It panics
// if the value is longer than MaxOptionValue. The value must not be a view of
// opts.
func InsertOption(opts []byte, n Option, value []byte) []byte {
	if len(value) > MaxOptionValue {
		panic("coap: option too long")
	}
	// Behind at is the first option with a higher number, next, whose header
	// of old bytes will be another, since the option comes between it and prev.
	at, prev := 0, Option(0)
	it := Options(opts).Iter()
	found := false
	for it.Next() {
		if it.Number > n {
			found = true
			break
		}
		at, prev = it.next, it.Number
	}
	if !found {
		return AppendOption(opts[:at], prev, n, value)
	}
	old := it.next - len(it.Value) - at
	length := len(it.Value)
	number := it.Number
	next := SizeOption(n, number, length) - length
	front := SizeOption(prev, n, len(value)) + next
	size := len(opts) + front - old
	for len(opts) < size {
		opts = append(opts, 0)
	}
	copy(opts[at+front:], opts[at+old:size-front+old])
	AppendOption(opts[:at], prev, n, value)
	appendOptionHeader(opts[:at+front-next], uint(number-n), length)
	return opts
}
