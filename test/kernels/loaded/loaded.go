// Package loaded looks at the eBPF programs that a running process holds in the kernel, whoever wrote them and however many
// there are: their full names, what each cost the verifier, and what each costs when it runs.
package loaded

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
)

// Program is one program in the kernel, held open by its Set.
type Program struct {
	// Name is that of the function, which the kernel's own name of a program cuts after 15 bytes.
	Name string
	// Verified is how many instructions the verifier walked; 0 before Linux 5.16, which does not tell.
	Verified uint32

	program *ebpf.Program
}

// Set is the programs of one process, by name. Close releases them.
type Set []Program

// Of opens the programs that a process holds by descriptors, of its own or of its links. It needs root. Programs of other
// processes, such as of a second Vedette, are not among them.
func Of(pid int) (Set, error) {
	ids, err := idsOf(pid)
	if err != nil {
		return nil, err
	}
	var s Set
	for _, id := range ids {
		p, err := open(id)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot look at eBPF program %d of process %d: %w", id, pid, err), s.Close())
		}
		s = append(s, p)
	}
	slices.SortFunc(s, func(a, b Program) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

func open(id ebpf.ProgramID) (Program, error) {
	handle, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return Program{}, err
	}
	info, err := handle.Info()
	if err != nil {
		return Program{}, errors.Join(err, handle.Close())
	}
	p := Program{Name: info.Name, program: handle}
	if functions, err := info.FuncInfos(); err == nil && len(functions) > 0 {
		p.Name = functions[0].Func.Name
	}
	p.Verified, _ = info.VerifiedInstructions()
	return p, nil
}

// idsOf reads the ids from /proc/PID/fdinfo, where programs and links have a line "prog_id" (kernel/bpf/syscall.c).
func idsOf(pid int) ([]ebpf.ProgramID, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("cannot read the descriptors of process %d; it has ended, or this is not root", pid)
	}
	seen := map[ebpf.ProgramID]bool{}
	var ids []ebpf.ProgramID
	for _, file := range files {
		content, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(content) {
			name, value, _ := strings.Cut(string(line), ":")
			if name != "prog_id" {
				continue
			}
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if id := ebpf.ProgramID(n); !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// Close releases the programs.
func (s Set) Close() error {
	var errs []error
	for _, p := range s {
		errs = append(errs, p.program.Close())
	}
	return errors.Join(errs...)
}

// Cost is what a program has run so far. The kernel counts only while somebody asks it to (ebpf.EnableStats).
type Cost struct {
	Runs uint64
	Time time.Duration
}

// Costs reads what every program has run so far. Programs of one name add up.
func (s Set) Costs() (map[string]Cost, error) {
	all := make(map[string]Cost, len(s))
	for _, p := range s {
		stats, err := p.program.Stats()
		if err != nil {
			return nil, fmt.Errorf("cannot read what eBPF program %s has run: %w", p.Name, err)
		}
		c := all[p.Name]
		c.Runs += stats.RunCount
		c.Time += stats.Runtime
		all[p.Name] = c
	}
	return all, nil
}

// Maps opens the maps that a program uses; the caller closes them.
func (p Program) Maps() ([]*ebpf.Map, error) {
	info, err := p.program.Info()
	if err != nil {
		return nil, fmt.Errorf("cannot look at eBPF program %s: %w", p.Name, err)
	}
	ids, _ := info.MapIDs()
	var maps []*ebpf.Map
	for _, id := range ids {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			for _, m := range maps {
				m.Close()
			}
			return nil, fmt.Errorf("cannot open map %d of eBPF program %s: %w", id, p.Name, err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// Places is where the code of programs is in the kernel's memory.
type Places []place

type place struct {
	from, to uint64
	program  string
}

// Places tells where the code of the programs is, that of their functions included.
func (s Set) Places() (Places, error) {
	var all Places
	for _, p := range s {
		info, err := p.program.Info()
		if err != nil {
			return nil, fmt.Errorf("cannot look at eBPF program %s: %w", p.Name, err)
		}
		addresses, ok := info.JitedKsymAddrs()
		lengths, okToo := info.JitedFuncLens()
		if !ok || !okToo || len(addresses) != len(lengths) {
			return nil, fmt.Errorf("the kernel does not tell where the code of eBPF program %s is", p.Name)
		}
		for i, from := range addresses {
			all = append(all, place{uint64(from), uint64(from) + uint64(lengths[i]), p.Name})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.from, b.from) })
	return all, nil
}

// Program is the program whose code is at an address, empty when it is none of ours.
func (p Places) Program(address uint64) string {
	i, found := slices.BinarySearchFunc(p, address, func(one place, address uint64) int { return cmp.Compare(one.from, address) })
	if !found {
		i--
	}
	if i < 0 || address >= p[i].to {
		return ""
	}
	return p[i].program
}
