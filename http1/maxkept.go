//go:build !tinygo

package http1

// MaxKept is the number of fields of one head that can be kept: 64, and 32
// under TinyGo. Each takes 8 bytes of a Head. Browsers send up to 20, and
// proxies in front of a server add some of their own.
const MaxKept = 64
