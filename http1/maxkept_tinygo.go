//go:build tinygo

package http1

// MaxKept is the number of fields of one head that can be kept: half of what
// it is elsewhere, for the memory of small machines.
const MaxKept = 32
