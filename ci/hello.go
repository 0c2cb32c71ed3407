//go:build ignore

// Hello does nothing: test.sh runs it to see whether the kernel runs programs
// of another architecture.
package main

func main() {}
