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
	special := []byte{'"', '\\', 0, 0x1f, 0x20, '!', '#', '[', ']', 0x7f, 0x80, 0x9f, 0xa2, 0xdc, 0xff}
	type found struct {
		Quotes, Slashes, Controls [3]uint64
		Foreign                   bool
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
			switch {
			case text[i] == '"':
				want.Quotes[i/blockSize] |= bit
			case text[i] == '\\':
				want.Slashes[i/blockSize] |= bit
			case text[i] < ' ':
				want.Controls[i/blockSize] |= bit
			case text[i] > 0x7f:
				want.Foreign = true
			}
		}
		var here, portable found
		here.Foreign = classify(text, here.Quotes[:], here.Slashes[:], here.Controls[:])
		portable.Foreign = classifyPortably(text, portable.Quotes[:], portable.Slashes[:], portable.Controls[:])
		if diff := cmp.Diff(want, here); diff != "" {
			t.Fatalf("%q here (-want +got):\n%s", text, diff)
		}
		if diff := cmp.Diff(want, portable); diff != "" {
			t.Fatalf("%q portably (-want +got):\n%s", text, diff)
		}
	}
}
