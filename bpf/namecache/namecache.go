// Package namecache finds where the kernel keeps its cache of names (fs/dcache.c), so that a program can look a name up in it.
// The table has no symbol that every kernel tells; but an entry that stands first in its chain points back at the table, at the
// place that its hash says, and a few entries that agree give both the table's address and its size.
package namecache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/loader"
)

// Table is where the cache lies: the chain of hash h begins at Address + 8*(h>>Shift).
type Table struct {
	Address uint64
	Shift   uint32
}

// ErrNotFound says that the entries at hand do not agree on a table.
var ErrNotFound = errors.New("the kernel's cache of names was not found")

const program = "namecache_sample"

// Find looks at the entries of open files. It needs the right to load programs.
func Find(types *btf.Cache) (Table, error) {
	object, err := loader.Load("namecache", _NamecacheBytes, loader.Settings{Types: types, Variables: map[string]any{"cpus": uint32(1)}})
	if err != nil {
		return Table{}, err
	}
	files := openFiles()
	samples, err := read(object)
	for _, f := range files {
		err = errors.Join(err, f.Close())
	}
	if err := errors.Join(err, object.Close()); err != nil {
		return Table{}, fmt.Errorf("cannot look at the kernel's cache of names: %w", err)
	}
	return locate(samples)
}

// openFiles opens files of many names, so that there are entries to look at also where hardly a process runs. What cannot be
// opened is not missed.
func openFiles() []*os.File {
	var files []*os.File
	for _, dir := range []string{"/", "/proc/self", "/proc/self/ns", "/proc/sys/kernel", "/proc/sys/vm", "/sys/kernel", "/etc", "/usr", "/dev"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries[:min(len(entries), mostFiles)] {
			if e.Type().IsRegular() || e.IsDir() {
				if f, err := os.Open(filepath.Join(dir, e.Name())); err == nil {
					files = append(files, f)
				}
			}
		}
	}
	return files
}

// mostFiles are opened of one directory.
const mostFiles = 12

// sample mirrors struct cache_sample of namecache.bpf.c.
type sample struct {
	Chain uint64
	Hash  uint32
	_     uint32
}

func read(object *loader.Object) ([]sample, error) {
	object.Attach()
	for _, a := range object.Attachments() {
		if a.Err != nil {
			return nil, a.Err
		}
	}
	r, err := object.Iterate(program)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	samples := make([]sample, len(b)/binary.Size(sample{}))
	if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, samples); err != nil {
		return nil, err
	}
	return samples, nil
}

const (
	// The kernel makes between 2^8 and 2^31 chains (dcache_init).
	minShift, maxShift = 1, 24
	// The table is allocated at boot in whole lines of the CPU's cache, which need not be whole pages
	// (alloc_large_system_hash with HASH_EARLY).
	alignment = 64
	// So many entries that agree, and such a part of them, are no accident. Not all do: they need not be first in their chain.
	wantVotes, wantPart = 4, 4
)

// locate finds the table that most entries point at. An entry that is not the first of its chain points at another entry, and
// so does not agree with any.
func locate(samples []sample) (Table, error) {
	seen := map[sample]bool{}
	var distinct []sample
	for _, s := range samples {
		if !seen[s] {
			seen[s] = true
			distinct = append(distinct, s)
		}
	}
	var best Table
	most := 0
	for shift := uint32(minShift); shift <= maxShift; shift++ {
		votes := map[uint64]int{}
		for _, s := range distinct {
			address := s.Chain - 8*uint64(s.Hash>>shift)
			if address%alignment != 0 {
				continue
			}
			votes[address]++
			if votes[address] > most {
				most, best = votes[address], Table{address, shift}
			}
		}
	}
	if want := max(wantVotes, len(distinct)/wantPart); most < want {
		return Table{}, fmt.Errorf("%w: %d of %d entries agree, want %d", ErrNotFound, most, len(distinct), want)
	}
	return best, nil
}
