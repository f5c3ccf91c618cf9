package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/test/kernels/loaded"
)

// The kernel's own statistics count a program that another goes on to as a part of that one, so they do not tell what a sensor's
// handler of a system call costs. Samples do: many times a second each processor notes what it runs and who called it, and the
// innermost eBPF program among them is the one that the time belongs to, helpers of the kernel included.
const (
	samplePeriod = 250 * time.Microsecond
	// Pages of samples for each processor, a power of two, and one that describes them.
	samplePages = 256
)

// sampler samples all processors.
type sampler struct {
	rings []*sampleRing
	done  chan struct{}
	ended chan struct{}

	counts map[string]uint64
	// total counts all samples, lost those that the kernel could not store.
	total, lost uint64
}

// startSampling begins to sample; stop ends it and gives the time that each program ran.
func startSampling(set loaded.Set) (*sampler, error) {
	s := &sampler{done: make(chan struct{}), ended: make(chan struct{}), counts: map[string]uint64{}}
	places, err := set.Places()
	if err != nil {
		return nil, err
	}
	for cpu := range runtime.NumCPU() {
		r, err := openSampleRing(cpu)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot sample processor %d: %w", cpu, err), s.close())
		}
		s.rings = append(s.rings, r)
	}
	go func() {
		defer close(s.ended)
		for over := false; !over; {
			select {
			case <-s.done:
				over = true
			case <-time.After(10 * time.Millisecond):
			}
			for _, r := range s.rings {
				r.drain(s, places)
			}
		}
	}()
	return s, nil
}

func (s *sampler) stop() (map[string]time.Duration, error) {
	close(s.done)
	<-s.ended
	ran := map[string]time.Duration{}
	for name, n := range s.counts {
		ran[name] = time.Duration(n) * samplePeriod
	}
	if s.lost > 0 {
		return nil, errors.Join(fmt.Errorf("%d of %d samples are lost", s.lost, s.total), s.close())
	}
	return ran, s.close()
}

func (s *sampler) close() error {
	var errs []error
	for _, r := range s.rings {
		errs = append(errs, unix.Munmap(r.memory), unix.Close(r.fd))
	}
	return errors.Join(errs...)
}

// sampleRing is the ring of one processor, as perf_event_open(2) describes it.
type sampleRing struct {
	fd     int
	memory []byte
	head   *uint64
	tail   *uint64
	data   []byte
	record []byte
}

func openSampleRing(cpu int) (*sampleRing, error) {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK,
		Size:        uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample:      uint64(samplePeriod),
		Sample_type: unix.PERF_SAMPLE_CALLCHAIN,
		Bits:        unix.PerfBitExcludeUser | unix.PerfBitExcludeCallchainUser,
	}
	fd, err := unix.PerfEventOpen(&attr, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	page := unix.Getpagesize()
	memory, err := unix.Mmap(fd, 0, (1+samplePages)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	description := (*unix.PerfEventMmapPage)(unsafe.Pointer(&memory[0]))
	return &sampleRing{
		fd: fd, memory: memory, head: &description.Data_head, tail: &description.Data_tail,
		data: memory[page:], record: make([]byte, 1<<16),
	}, nil
}

// drain counts what has come.
func (r *sampleRing) drain(s *sampler, places loaded.Places) {
	head, tail := atomic.LoadUint64(r.head), *r.tail
	for tail < head {
		header := r.at(tail, 8)
		kind, size := binary.NativeEndian.Uint32(header), uint64(binary.NativeEndian.Uint16(header[6:]))
		record := r.at(tail, size)
		switch kind {
		case unix.PERF_RECORD_SAMPLE:
			s.total++
			if name := innermost(record[8:], places); name != "" {
				s.counts[name]++
			}
		case unix.PERF_RECORD_LOST:
			s.lost += binary.NativeEndian.Uint64(record[16:])
		}
		tail += size
	}
	atomic.StoreUint64(r.tail, tail)
}

// at copies bytes out of the ring, which may go over its end.
func (r *sampleRing) at(position, size uint64) []byte {
	for i := range size {
		r.record[i] = r.data[(position+i)%uint64(len(r.data))]
	}
	return r.record[:size]
}

// innermost names the program whose code comes first in a call chain: a count and that many addresses.
func innermost(chain []byte, places loaded.Places) string {
	n := binary.NativeEndian.Uint64(chain)
	for i := range n {
		if name := places.Program(binary.NativeEndian.Uint64(chain[8+8*i:])); name != "" {
			return name
		}
	}
	return ""
}
