//go:build linux && !tinygo && race

package table

// Most bounds the descriptors of a table, to fewer than elsewhere: each element
// takes memory from the start.
const Most = 1 << 16

// New makes a table of Go's memory, which alone the race detector watches.
func New[T, O any](*O) ([]T, error) { return make([]T, Most), nil }
