//go:build !race

package engine_test

// raceEnabled is set when the race detector is on.
const raceEnabled = false
