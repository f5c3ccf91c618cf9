//go:build race

package recording

// sampleSize is how many records of each file are read: few where the race detector makes everything slow.
func sampleSize() int { return 1000 }
