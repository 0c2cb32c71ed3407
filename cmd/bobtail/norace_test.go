//go:build !race

package main

// raceFlag has the program built as its tests are.
const raceFlag = "-race=false"
