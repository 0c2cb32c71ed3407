//go:build !(tinygo && gc.none)

package main

func seal() {}
