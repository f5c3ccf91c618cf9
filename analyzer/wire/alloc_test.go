//go:build !race

package wire_test

import (
	"testing"

	"github.com/vedette-edr/vedette/analyzer/wire"
)

// Under the race detector sync.Pool forgets on purpose, so this file is not built there.
func TestReadingABatchDoesNotAllocate(t *testing.T) {
	data := encode(t, batch(exec(1), fork(2), exit(3), exec(4)))
	var b wire.Batch
	var d wire.Decoder
	read := func() {
		if err := b.Open(data); err != nil {
			t.Fatal(err)
		}
		for body, ok := b.Next(); ok; body, ok = b.Next() {
			if _, err := d.Decode(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	read()
	if n := testing.AllocsPerRun(100, read); n > 0 {
		t.Errorf("a batch of 4 events costs %v allocations, want 0", n)
	}
}
