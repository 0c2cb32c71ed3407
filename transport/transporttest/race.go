//go:build race

package transporttest

// raceEnabled tells that the race detector allocates.
const raceEnabled = true
