package engine

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestLookupsFindEveryLiteral holds each way of scanning against strings.Contains.
func TestLookupsFindEveryLiteral(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	word := func(alphabet string, length int) string {
		var b strings.Builder
		for range length {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		return b.String()
	}
	for round := range 400 {
		alphabet := []string{"ab", "abcdefgh", `abcdefghijklmnopqrstuvwxyz0123456789\.:-@[{`}[round%3]
		var needles []needle
		var bitsOf [][]int
		shortest := gramSize + random.IntN(10)
		for n := range 1 + random.IntN(60) {
			needles = append(needles, needle{kind: kindContains, literal: word(alphabet, shortest+random.IntN(8)), post: int32(n)})
			bitsOf = append(bitsOf, []int{n})
		}
		posts := newPostings(bitsOf)
		for _, vectors := range []bool{false, hasVectors()} {
			l := newLookupWith(needles, commonness, vectors)
			texts := []string{"x"}
			var wants []uint64
			for range 20 {
				text := word(alphabet, random.IntN(90))
				for range random.IntN(3) {
					text += needles[random.IntN(len(needles))].literal + word(alphabet, random.IntN(40))
				}
				raw := []byte(text)
				for i := range raw {
					if random.IntN(2) == 0 && 'a' <= raw[i] && raw[i] <= 'z' {
						raw[i] -= 'a' - 'A'
					}
				}
				foreign := random.IntN(3) == 0
				if foreign {
					raw = append(append(slices.Clip(raw), "é"...), word(alphabet, random.IntN(20))...)
				}
				texts = append(texts, string(raw))
				lower := strings.ToLower(string(raw))
				want := uint64(0)
				for n, needle := range needles {
					if strings.Contains(lower, needle.literal) {
						want |= 1 << n
					}
				}
				wants = append(wants, want)
				hits := make([]uint64, 1)
				isForeign := len(l.applyRaw(texts[len(texts)-1:], posts, hits, nil)) > 0
				if len(raw) >= shortest+8 && isForeign != foreign {
					t.Fatalf("round %d, vectors %t: %q is said to be foreign: %t", round, vectors, raw, isForeign)
				}
				if hits[0] != want {
					t.Fatalf("round %d, vectors %t: found %b of %q in %q, want %b", round, vectors, hits[0], needles, raw, want)
				}
			}
			all, hits := uint64(0), make([]uint64, 1)
			for _, want := range wants {
				all |= want
			}
			if l.applyRaw(texts, posts, hits, nil); hits[0] != all {
				t.Fatalf("round %d, vectors %t: found %b of %q in %q, want %b", round, vectors, hits[0], needles, texts, all)
			}
		}
	}
}
