//go:build !amd64

package recording

func classify(text []byte, classes []class) (foreign bool) {
	return classifyPortably(text, classes)
}
