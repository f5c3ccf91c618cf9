package engine

import "golang.org/x/sys/cpu"

// hasVectors reports whether nextQuad can be used.
func hasVectors() bool { return cpu.X86.HasAVX2 }

// nextQuad goes through texts of at least shortest bytes, beginning at a place of the one with the number index, until it
// finds quads that may be wanted or a text that is not ASCII. It gives the text and the place at which it stopped; found has
// a bit for each of the 32 quads from there on that may be wanted, and foreign is not 0 if it came by a byte of this text
// outside ASCII. It stops behind the last text with found 0. With found all ones, it cannot read the text.
//
//go:noescape
func nextQuad(texts []string, index, from, shortest int, masks *[128]byte) (text, at int, found, foreign uint64)
