package recording

import "golang.org/x/sys/cpu"

func classify(text []byte, classes []class) (foreign bool) {
	if !cpu.X86.HasAVX2 {
		return classifyPortably(text, classes)
	}
	blocks := len(text) / blockSize
	if blocks == 0 {
		return false
	}
	_ = classes[blocks-1]
	return classifyAVX2(&text[0], blocks, &classes[0]) != 0
}

// classifyAVX2 is classifyPortably for a positive number of blocks, 32 bytes at a time.
//
//go:noescape
func classifyAVX2(text *byte, blocks int, classes *class) (foreign uint64)
