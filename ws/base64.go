package ws

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// appendBase64 appends the base64 of b, with padding.
func appendBase64(dst, b []byte) []byte {
	for len(b) >= 3 {
		v := uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2])
		dst = append(dst, base64Digits[v>>18&63], base64Digits[v>>12&63], base64Digits[v>>6&63], base64Digits[v&63])
		b = b[3:]
	}
	switch len(b) {
	case 2:
		v := uint(b[0])<<16 | uint(b[1])<<8
		dst = append(dst, base64Digits[v>>18&63], base64Digits[v>>12&63], base64Digits[v>>6&63], '=')
	case 1:
		v := uint(b[0]) << 16
		dst = append(dst, base64Digits[v>>18&63], base64Digits[v>>12&63], '=', '=')
	}
	return dst
}

// KeySize is the length of a Sec-WebSocket-Key.
const KeySize = 24

// AppendKey appends the Sec-WebSocket-Key of a nonce, which must be random and
// of its own for each connection (RFC 6455 section 4.1, item 7).
func AppendKey(dst []byte, nonce [16]byte) []byte { return appendBase64(dst, nonce[:]) }

// isKey reports whether b is the base64 of 16 bytes. The bits behind the last of
// them need not be 0: it is not necessary to decode the key (RFC 6455 section
// 4.2.1).
func isKey(b []byte) bool {
	if len(b) != KeySize || b[22] != '=' || b[23] != '=' {
		return false
	}
	for _, c := range b[:22] {
		if !isBase64(c) {
			return false
		}
	}
	return true
}

func isBase64(c byte) bool { return c|0x20-'a' < 26 || c-'0' < 10 || c == '+' || c == '/' }
