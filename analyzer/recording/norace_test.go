//go:build !race

package recording

import "math"

// sampleSize is how many records of each file are read.
func sampleSize() int { return math.MaxInt }
