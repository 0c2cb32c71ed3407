//go:build race

package netstd_test

const raceEnabled = true
