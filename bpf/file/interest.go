package file

import (
	"encoding/binary"
	"fmt"
)

const interestBits = 8192

// interest mirrors struct interest of interest.h.
type interest struct {
	off         uint64
	failedOpens uint64
	names       [interestBits / 64]uint64
	objects     [interestBits / 64]uint64
	_           uint64 // the kernel side's own
}

// Interest says what of the frequent things is to be told. It is a coarse sieve: what passes it is not yet meant.
type Interest struct {
	// Off lists operations that are not to be told at all.
	Off []Operation
	// FailedOpens tells every opening that failed, not only denied ones.
	FailedOpens bool
	// Names of files, or of the directories that they lie in, whose reading is told.
	Names []string
}

// SetInterest replaces what SetInterest said before; objects that were added stay. It needs no capability, and may be called at
// any time from any goroutine.
func (s *Sensor) SetInterest(i Interest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interest.off, s.interest.failedOpens = 0, 0
	for _, op := range i.Off {
		s.interest.off |= 1 << op
	}
	if i.FailedOpens {
		s.interest.failedOpens = 1
	}
	clear(s.interest.names[:])
	for _, name := range i.Names {
		set(&s.interest.names, nameBit(name))
	}
	return s.write()
}

// AddObject makes the reading of an object be told under whatever name it has. device is as the kernel numbers it within itself:
// see KernelDevice.
func (s *Sensor) AddObject(device uint32, inode uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	set(&s.interest.objects, interestBit(inode, uint64(device)))
	return s.write()
}

// KernelDevice gives the kernel's own number of a device from that of stat(2).
func KernelDevice(dev uint64) uint32 {
	major := uint32(dev>>8) & 0xfff
	minor := uint32(dev&0xff) | uint32(dev>>12)&0xfff00
	return major<<20 | minor
}

func set(words *[interestBits / 64]uint64, bit uint32) { words[bit/64] |= 1 << (bit % 64) }

// write copies the whole of it; the programs see each word change at once, and it does not matter in which order.
func (s *Sensor) write() error {
	b := make([]byte, 0, 16+2*interestBits/8)
	b = binary.LittleEndian.AppendUint64(b, s.interest.off)
	b = binary.LittleEndian.AppendUint64(b, s.interest.failedOpens)
	for _, words := range [...][interestBits / 64]uint64{s.interest.names, s.interest.objects} {
		for _, w := range words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	if _, err := s.memory.WriteAt(b, 0); err != nil {
		return fmt.Errorf("cannot tell the file sensor what is of interest: %w", err)
	}
	return nil
}

// interestBit is interest_bit of interest.h.
func interestBit(a, b uint64) uint32 {
	a = (a ^ b*0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93
	a ^= a >> 32
	a *= 0xD6E8FEB86659FD93
	return uint32(a >> 51)
}

// nameBit is name_bit of interest.h.
func nameBit(name string) uint32 {
	var words [16]byte
	copy(words[:], name)
	a, b := binary.LittleEndian.Uint64(words[:8]), binary.LittleEndian.Uint64(words[8:])
	return interestBit(a^uint64(len(name)), b)
}
