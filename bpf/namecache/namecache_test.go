package namecache

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTheTableIsFoundAmongEntriesThatPointElsewhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := Table{0xffff888100400040, 11}
	var samples []sample
	for i := range 60 {
		s := sample{Hash: rng.Uint32()}
		s.Chain = want.Address + 8*uint64(s.Hash>>want.Shift)
		if i%2 == 0 {
			// The next field of another entry.
			s.Chain = 0xffff888200000008 + uint64(rng.Uint32())&^7
		}
		samples = append(samples, s, s)
	}
	if got, err := locate(samples); err != nil || got != want {
		t.Errorf("the table is %+v (%v), want %+v", got, err, want)
	}
	if got, err := locate(samples[:4]); !errors.Is(err, ErrNotFound) {
		t.Errorf("two entries give %+v (%v), want ErrNotFound", got, err)
	}
}

func TestTheTableOfThisKernelIsFound(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	first, err := Find(btf.NewCache())
	if err != nil {
		t.Fatal(err)
	}
	second, err := Find(btf.NewCache())
	if err != nil || first != second {
		t.Errorf("the table is %+v and then %+v (%v), want it not to move", first, second, err)
	}
}
