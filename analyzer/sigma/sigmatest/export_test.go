package sigmatest

// RaceEnabled is whether the race detector makes everything slow.
const RaceEnabled = raceEnabled
