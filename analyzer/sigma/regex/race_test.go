//go:build race

package regex_test

// raceEnabled is set under the race detector, where everything takes ten times as long.
const raceEnabled = true
