package json

// SmallFloat is a number as TinyGo's programs write it.
func SmallFloat(f float64) string {
	var b [maxFloat]byte
	return string(b[:putFloat(&b, f)])
}
