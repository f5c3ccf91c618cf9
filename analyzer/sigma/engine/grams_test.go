package engine

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestGramsFindEveryLiteral holds each way of scanning against strings.Contains.
func TestGramsFindEveryLiteral(t *testing.T) {
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
			g := newGramsFor(needles, commonness, vectors)
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
					raw = append(append(raw[:len(raw):len(raw)], "é"...), word(alphabet, random.IntN(20))...)
				}
				hits := make([]uint64, 1)
				met := g.apply(string(raw), posts, hits)
				if len(raw) >= g.shortest && met != foreign {
					t.Fatalf("round %d, vectors %t: %q is said to be foreign: %t", round, vectors, raw, met)
				}
				for n, needle := range needles {
					want := strings.Contains(strings.ToLower(string(raw)), needle.literal)
					if got := hits[0]>>n&1 != 0; got != want {
						t.Fatalf("round %d, vectors %t, stride %d: %q in %q is %t, want %t", round, vectors, g.stride, needle.literal, raw, got, want)
					}
				}
			}
		}
	}
}
