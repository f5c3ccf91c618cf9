//go:build !amd64

package recording

func classify(text []byte, quotes, slashes, controls []uint64) (foreign bool) {
	return classifyPortably(text, quotes, slashes, controls)
}
