//go:build !baremetal

package flat

// Line is the size of a line of the processor's cache in bytes, as what several
// processors write to is kept apart by.
const Line = 64
