//go:build baremetal

package engine

// batch is how many events a lane fetches at once; each takes 24 bytes.
const batch = 8
