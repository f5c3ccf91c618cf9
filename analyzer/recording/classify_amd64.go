package recording

import "golang.org/x/sys/cpu"

func classify(text []byte, quotes, slashes, controls []uint64) (foreign bool) {
	if !cpu.X86.HasAVX2 {
		return classifyPortably(text, quotes, slashes, controls)
	}
	blocks := len(text) / blockSize
	if blocks == 0 {
		return false
	}
	_, _, _ = quotes[blocks-1], slashes[blocks-1], controls[blocks-1]
	return classifyAVX2(&text[0], blocks, &quotes[0], &slashes[0], &controls[0]) != 0
}

// classifyAVX2 is classifyPortably for a positive number of blocks, 32 bytes at a time.
//
//go:noescape
func classifyAVX2(text *byte, blocks int, quotes, slashes, controls *uint64) (foreign uint64)
