//go:build !tinygo

package http1

// Outline of a known name, as tests see it.
type nameOutline struct {
	N           int
	First, Last uint64
}

// Outlines are those of all known names.
var Outlines = func() (o [numIDs]nameOutline) {
	for i, k := range outlines {
		o[i] = nameOutline{k.n, k.first, k.last}
	}
	return o
}()
