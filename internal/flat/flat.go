// Package flat does what would else compile to more code than it looks like.
package flat

import "unsafe"

// Copy copies *src to *dst. TinyGo makes of an assignment a load and a store for
// each field, a kilobyte for a configuration, and of this a call of memmove.
func Copy[T any](dst, src *T) { copy(unsafe.Slice(dst, 1), unsafe.Slice(src, 1)) }
