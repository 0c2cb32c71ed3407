//go:build !tinygo

package pool

// small is whether a program is to be small rather than fast.
const small = false
