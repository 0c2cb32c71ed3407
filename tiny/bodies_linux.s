//go:build tinygo

// Functions without a body are those of the C library that TinyGo links. This
// file has Go's own tools take that.
