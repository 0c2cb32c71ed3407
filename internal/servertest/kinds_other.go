//go:build !linux || !(amd64 || arm64)

package servertest

var pollers []Kind
