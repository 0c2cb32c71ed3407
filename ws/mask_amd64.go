//go:build !tinygo && !race

package ws

// The race detector does not see what is written here, so programs under it do
// without.

// hasBlocks says that there is a maskBlocks.
const hasBlocks = true

// maskBlocks masks n bytes from p on, a multiple of 64 and not 0, by registers of 16
// bytes, which every amd64 has: what a processor can store in a cycle is a number of
// registers, however long they are.
//
//go:noescape
func maskBlocks(p *byte, n int, k Key)
