package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/test/kernels/loaded"
)

// programs measures what the collector's eBPF programs cost; the kernel counts while stats is open.
type programs struct {
	set   loaded.Set
	stats io.Closer
}

// openPrograms takes the programs of the collector with this pid. The caller closes them.
func openPrograms(pid int) (*programs, error) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return nil, fmt.Errorf("cannot make the kernel time eBPF programs: %w", err)
	}
	set, err := loaded.Of(pid)
	if err != nil {
		return nil, errors.Join(err, stats.Close())
	}
	return &programs{set, stats}, nil
}

// seconds is the time that all of them have run.
func (p *programs) seconds() (float64, error) {
	costs, err := p.set.Costs()
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, c := range costs {
		sum += c.Time.Seconds()
	}
	return sum, nil
}

func (p *programs) close() {
	p.set.Close()
	p.stats.Close()
}
