package coap

// Newer reports whether the notification with the sequence number v2 is newer
// than the one with v1, which came elapsed nanoseconds before (RFC 7641 section
// 3.4). Over reliable transports the order in which they come counts instead
// (RFC 8323 section 7.1).
func Newer(v1, v2 uint32, elapsed int64) bool {
	return v1 < v2 && v2-v1 < 1<<23 || v1 > v2 && v1-v2 > 1<<23 || elapsed > 128e9
}
