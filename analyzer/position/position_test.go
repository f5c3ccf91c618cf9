package position_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vedette-edr/vedette/analyzer/position"
	"github.com/vedette-edr/vedette/analyzer/tally"
)

func open(t *testing.T, dir string) (*position.Store, *position.Position) {
	t.Helper()
	s, last, err := position.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, last
}

func save(t *testing.T, s *position.Store, number uint64) {
	t.Helper()
	n := tally.New(9, false)
	for i := range number {
		n.Event(1, 0, i+1)
	}
	if err := s.Save(position.Encode(nil, number, n)); err != nil {
		t.Fatal(err)
	}
}

func TestLastPositionComesBack(t *testing.T) {
	dir := t.TempDir()
	s, last := open(t, dir)
	if last != nil {
		t.Fatalf("a new file holds %+v", last)
	}
	for number := uint64(1); number <= 5; number++ {
		save(t, s, number)
		again, last := open(t, dir)
		if last == nil || last.Number != number || last.Tally.Instance() != 9 {
			t.Fatalf("after saving %d the file holds %+v", number, last)
		}
		if diff := cmp.Diff([]tally.Flow{{Class: 1, Received: number}}, last.Tally.Flows(nil)); diff != "" {
			t.Errorf("tally (-want +got):\n%s", diff)
		}
		s = again
	}
}

// A kill in the middle of a write leaves the position before it.
func TestTornWriteLeavesTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	save(t, s, 1)
	save(t, s, 2)
	save(t, s, 3)
	path := filepath.Join(dir, position.FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const newest = 256 << 10
	for _, at := range []int{0, 5, 9, 17, 25, 30} {
		torn := append([]byte(nil), whole...)
		torn[newest+at] ^= 0xff
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, last := open(t, dir); last == nil || last.Number != 2 {
			t.Errorf("with byte %d of the newest record spoilt the file holds %+v, want number 2", at, last)
		}
	}
}

func TestSaveRefusesWhatDoesNotFit(t *testing.T) {
	s, _ := open(t, t.TempDir())
	if err := s.Save(make([]byte, 1<<20)); !errors.Is(err, position.ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s, _, err := position.Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Save(position.Encode(nil, 7, tally.New(9, true))); err != nil {
		f.Fatal(err)
	}
	_ = s.Close()
	whole, err := os.ReadFile(filepath.Join(dir, position.FileName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole[256<<10:])
	f.Add([]byte("PDEV"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, position.FileName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := open(t, dir)
		save(t, s, 3)
		if _, last := open(t, dir); last == nil || last.Number != 3 {
			t.Errorf("over foreign bytes the file holds %+v, want number 3", last)
		}
	})
}

func BenchmarkSave(b *testing.B) {
	s, _, err := position.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := tally.New(9, false)
	for cpu := range uint32(64) {
		for class := range 5 {
			n.Event(1, cpu, 1<<40+uint64(class))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Save(position.Encode(nil, 7, n)); err != nil {
			b.Fatal(err)
		}
	}
}
