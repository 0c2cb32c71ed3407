//go:build !(linux && (amd64 || arm64))

package secure_test

var systemInners []inner
