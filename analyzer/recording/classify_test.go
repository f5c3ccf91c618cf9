package recording

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestClassify compares what this machine does with what is done where it has no special instructions, and both with a look
// at each byte.
func TestClassify(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	special := []byte{'"', '\\', '/', 'b', 'f', 'n', 'r', 't', 'u', 'a', 0, 0x1f, 0x20, '!', '#', '[', ']', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff}
	type found struct {
		Classes [3]class
		Foreign bool
	}
	for range 2000 {
		text := make([]byte, 3*blockSize)
		ascii := random.IntN(2) == 0
		var want found
		for i := range text {
			text[i] = byte(random.Uint32())
			if random.IntN(3) > 0 {
				text[i] = special[random.IntN(len(special))]
			}
			if ascii {
				text[i] &= 0x7f
			}
			bit := uint64(1) << (i % blockSize)
			c := &want.Classes[i/blockSize]
			if escapes[text[i]] == 0 {
				c.rare |= bit
			}
			switch {
			case text[i] == '"':
				c.quotes |= bit
			case text[i] == '\\':
				c.slashes |= bit
			case text[i] < ' ':
				c.controls |= bit
			case text[i] > 0x7f:
				want.Foreign = true
			}
		}
		var here, portable found
		here.Foreign = classify(text, here.Classes[:])
		portable.Foreign = classifyPortably(text, portable.Classes[:])
		for i := range want.Classes {
			// Whoever does not know takes every byte for a rare one.
			for _, c := range []*class{&here.Classes[i], &portable.Classes[i]} {
				if c.rare == ^uint64(0) {
					c.rare = want.Classes[i].rare
				}
			}
		}
		if diff := cmp.Diff(want, here, cmp.AllowUnexported(class{})); diff != "" {
			t.Fatalf("%q here (-want +got):\n%s", text, diff)
		}
		if diff := cmp.Diff(want, portable, cmp.AllowUnexported(class{})); diff != "" {
			t.Fatalf("%q portably (-want +got):\n%s", text, diff)
		}
	}
}
