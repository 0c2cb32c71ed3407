//go:build !baremetal

package engine

// batch is how many events a lane fetches at once.
const batch = 64
