//go:build !tinygo

package static

// hidden reports whether a segment of a path begins with a dot, other than
// .well-known (RFC 8615).
func hidden(path []byte) bool {
	const known = ".well-known"
	for i := range path {
		if path[i] == '.' && (i == 0 || path[i-1] == '/') {
			if rest := path[i:]; !has(rest, 0, known) || len(rest) > len(known) && rest[len(known)] != '/' {
				return true
			}
		}
	}
	return false
}
