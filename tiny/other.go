//go:build !linux || !(amd64 || arm64)

package main

func main() { panic("tiny needs Linux on amd64 or arm64") }
