//go:build race

package engine_test

// raceEnabled is set when the race detector is on: it makes everything slow, and lets idle scratches be thrown away.
const raceEnabled = true
