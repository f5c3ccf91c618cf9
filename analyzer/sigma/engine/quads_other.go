//go:build !amd64

package engine

// hasVectors reports whether nextQuad can be used.
func hasVectors() bool { return false }

func nextQuad([]string, int, int, int, *[128]byte) (text, at int, found, foreign uint64) {
	panic("BUG: there are no vectors on this machine")
}
