// Package budget holds what the kernel's verifier may walk of every eBPF program, by kernel. A kernel refuses a program for
// which it walks more than a million instructions, and loading takes time for each of them; a program that grows unseen is
// refused one day on the kernel of a user.
package budget

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// A program may grow by both of these before it is complained about: compilers and kernels differ a little.
const (
	slackPercent      = 10
	slackInstructions = 500
)

const remedy = "make it cheaper, or accept it with: make budget"

// Budget is the instructions by program and kernel. A kernel is a series such as "6.1", or "host-" and the series where
// counts are those of a machine that no other has.
type Budget map[string]map[string]uint32

// Read reads the file that Write writes; a file that is not there is an empty budget.
func Read(path string) (Budget, error) {
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return Budget{}, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return b, nil
}

func parse(content []byte) (Budget, error) {
	b := Budget{}
	var kernels []string
	lines := bufio.NewScanner(bytes.NewReader(content))
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 0 || strings.HasPrefix(fields[0], "#"):
			continue
		case kernels == nil:
			kernels = fields[1:]
			continue
		case len(fields) != len(kernels)+1:
			return nil, fmt.Errorf("%d: %d columns, the first line has %d; write it anew with: make budget", number, len(fields), len(kernels)+1)
		case b[fields[0]] != nil:
			return nil, fmt.Errorf("%d: %s is there twice; write it anew with: make budget", number, fields[0])
		}
		b[fields[0]] = map[string]uint32{}
		for i, kernel := range kernels {
			if fields[i+1] == none {
				continue
			}
			n, err := strconv.ParseUint(fields[i+1], 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", number, err)
			}
			b[fields[0]][kernel] = uint32(n)
		}
	}
	return b, lines.Err()
}

const (
	host   = "host-"
	none   = "-"
	header = `# How many instructions the verifier walks of each eBPF program, by kernel; written by make budget, compared by the tests.
`
)

// Write writes the file.
func (b Budget) Write(path string) error {
	kernels := b.kernels()
	out := bytes.NewBufferString(header)
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "program\t"+strings.Join(kernels, "\t"))
	for _, program := range slices.Sorted(maps.Keys(b)) {
		cells := []string{program}
		for _, kernel := range kernels {
			cell := none
			if n, ok := b[program][kernel]; ok {
				cell = strconv.FormatUint(uint64(n), 10)
			}
			cells = append(cells, cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}

// kernels lists the columns.
func (b Budget) kernels() []string {
	seen := map[string]bool{}
	for _, kernels := range b {
		for kernel := range kernels {
			seen[kernel] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), CompareKernels)
}

// CompareKernels orders kernels from old to new, those of hosts last.
func CompareKernels(x, y string) int {
	xHost, yHost := strings.HasPrefix(x, host), strings.HasPrefix(y, host)
	if xHost != yHost {
		return map[bool]int{true: 1, false: -1}[xHost]
	}
	return slices.Compare(version(x), version(y))
}

func version(kernel string) []int {
	var numbers []int
	for part := range strings.SplitSeq(strings.TrimPrefix(kernel, host), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = -1
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// Knows reports whether the budget has any entry for the kernel.
func (b Budget) Knows(kernel string) bool {
	for _, kernels := range b {
		if _, ok := kernels[kernel]; ok {
			return true
		}
	}
	return false
}

// Set replaces what is known of a kernel.
func (b Budget) Set(kernel string, walked map[string]uint32) {
	for program, kernels := range b {
		delete(kernels, kernel)
		if len(kernels) == 0 && walked[program] == 0 {
			delete(b, program)
		}
	}
	for program, n := range walked {
		if b[program] == nil {
			b[program] = map[string]uint32{}
		}
		b[program][kernel] = n
	}
}

// Compare complains of each program that costs more than it may, that has no entry, or that has one and is not there.
func (b Budget) Compare(kernel string, walked map[string]uint32) []string {
	var complaints []string
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for _, program := range slices.Sorted(maps.Keys(walked)) {
		n := walked[program]
		limit, ok := b[program][kernel]
		switch {
		case !ok:
			complain("%s has no entry for kernel %s in bpf/verifier-budget.txt (the verifier walks %d instructions); add it with: make budget", program, kernel, n)
		case n > limit+slackInstructions && uint64(n)*100 > uint64(limit)*(100+slackPercent):
			complain("the verifier of kernel %s walks %d instructions of %s, more than the %d of bpf/verifier-budget.txt; %s", kernel, n, program, limit, remedy)
		}
	}
	for _, program := range slices.Sorted(maps.Keys(b)) {
		if _, known := b[program][kernel]; !known {
			continue
		}
		if _, there := walked[program]; !there {
			complain("%s is not loaded on kernel %s, and bpf/verifier-budget.txt has an entry for it; if that is meant, remove it with: make budget", program, kernel)
		}
	}
	return complaints
}
