//go:build !linux || !(amd64 || arm64)

package main

// backends are those of this system, the default first.
var backends = []backend{overNet}
