//go:build tinygo

package engine

// small is whether a program is to be small rather than fast.
const small = true
