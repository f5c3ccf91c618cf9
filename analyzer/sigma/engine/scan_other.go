//go:build !amd64

package engine

// hasVectors reports whether nextDense and nextSparse can be used.
func hasVectors() bool { return false }

func nextDense(string, int, []uint64, uint64) (at int, grams, foreign uint64) {
	panic("BUG: there are no vectors on this machine")
}

func nextSparse(string, int, []uint64, uint64) (at int, grams, foreign uint64) {
	panic("BUG: there are no vectors on this machine")
}
