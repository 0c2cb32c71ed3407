//go:build baremetal

package flat

// Line is 1: there is one processor, or no cache between them.
const Line = 1
