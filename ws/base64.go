package ws

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// encodeBase64 writes the base64 of src, with padding, to dst, which is as long
// as that is.
func encodeBase64(dst, src []byte) {
	for ; len(src) >= 3; src, dst = src[3:], dst[4:] {
		v := uint(src[0])<<16 | uint(src[1])<<8 | uint(src[2])
		dst[0], dst[1], dst[2], dst[3] = base64Digits[v>>18&63], base64Digits[v>>12&63], base64Digits[v>>6&63], base64Digits[v&63]
	}
	switch len(src) {
	case 2:
		v := uint(src[0])<<16 | uint(src[1])<<8
		dst[0], dst[1], dst[2], dst[3] = base64Digits[v>>18&63], base64Digits[v>>12&63], base64Digits[v>>6&63], '='
	case 1:
		v := uint(src[0]) << 16
		dst[0], dst[1], dst[2], dst[3] = base64Digits[v>>18&63], base64Digits[v>>12&63], '=', '='
	}
}

// KeySize is the length of a Sec-WebSocket-Key.
const KeySize = 24

// AppendKey appends the Sec-WebSocket-Key of a nonce, which must be random and
// of its own for each connection (RFC 6455 section 4.1, item 7).
func AppendKey(dst []byte, nonce [16]byte) []byte {
	var key [KeySize]byte
	encodeBase64(key[:], nonce[:])
	return append(dst, key[:]...)
}

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
