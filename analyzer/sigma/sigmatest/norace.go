//go:build !race

package sigmatest

const raceEnabled = false
