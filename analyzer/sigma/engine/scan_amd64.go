package engine

import "golang.org/x/sys/cpu"

// hasVectors reports whether nextDense and nextSparse can be used.
func hasVectors() bool { return cpu.X86.HasAVX2 }

// nextDense gives the first place, from on in steps of eight, where one of the eight grams that begin there and at the next
// bytes is in the bitmap, and a bit for each of these; past the end of the text, at and grams say nothing. foreign is not 0 if
// a byte that it came by is not ASCII. The text has at least 16 bytes. A gram that is not whole may be among grams.
//
//go:noescape
func nextDense(text string, from int, bitmap []uint64, shift uint64) (at int, grams, foreign uint64)

// nextSparse does the same in steps of 32 for every fourth gram. The text may be of any length; up to three bytes at its end,
// where no gram begins, are not looked at.
//
//go:noescape
func nextSparse(text string, from int, bitmap []uint64, shift uint64) (at int, grams, foreign uint64)
