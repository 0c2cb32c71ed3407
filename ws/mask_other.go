//go:build !amd64 || tinygo || race

package ws

// hasBlocks says that there is no maskBlocks: Mask does all by words.
const hasBlocks = false

func maskBlocks(_ *byte, _ int, _ Key) {}
