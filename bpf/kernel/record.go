package kernel

import (
	"fmt"

	"github.com/vedette-edr/vedette/bpf/record"
)

// The Go side of bpf/include/kernel_record.h; record_test.go compares it with the object's BTF.

// Operation says what a Record tells of.
type Operation uint32

// Operations.
const (
	ModuleLoad   Operation = 1
	ModuleUnload Operation = 2
	BPF          Operation = 3
	Perf         Operation = 4
	Kexec        Operation = 5
	Sysctl       Operation = 6
	Keyctl       Operation = 7
	AddKey       Operation = 8
	RequestKey   Operation = 9
	RingCreate   Operation = 10
	RingRequest  Operation = 11
)

// Text names one of the texts that follow the fixed part of a Record.
type Text uint16

// Texts in the order in which they follow the record.
const (
	// TextFile is the path of Record.File: a module, a kernel to boot, the file of a sysctl.
	TextFile Text = iota
	// TextSecond is the path of Record.Second, an initrd.
	TextSecond
	// TextName names a module, program, map or sysctl, is the type of a key or the path of a ring's request.
	TextName
	// TextValue is the parameters, target, command line, new value, description or second path.
	TextValue
	// TextOld is the value that a sysctl had.
	TextOld
	textCount
)

// Record is one act that reaches into the kernel.
type Record struct {
	record.Header
	File, Second record.FileIdentity
	// Creator of a ring; zero when the ring was made before the sensor was attached.
	Creator record.Key
	// Helpers has a bit for each helper that a program calls.
	Helpers [4]uint64
	// Flags of a module, kexec or ring, as the kernel has them.
	Flags uint64
	// Size of a module in bytes.
	Size   uint64
	Config uint64
	Operation
	// Number is the bpf command, the type of a perf event, the keyctl operation or the opcode of a ring's request.
	Number uint32
	// Error is a positive errno.
	Error int32
	// ID of a program or map; serial of a key.
	ID            uint32
	ProgramType   uint32
	MapType       uint32
	AttachType    uint32
	Instructions  uint32
	Entries       uint32
	Keyring       int32
	Tag           [8]byte
	Address       [16]byte
	Port          uint16
	AddressLength uint8
	FromMemory    uint8
	WithProgram   uint8
	_             uint8
	TextLength    [textCount]uint16
}

// Parse views a record as a Record and its texts. Both alias the record.
func Parse(rec []byte) (*Record, [textCount][]byte, error) {
	var texts [textCount][]byte
	r, rest, err := record.View[Record](rec)
	if err != nil {
		return nil, texts, err
	}
	if int(r.AddressLength) > len(r.Address) {
		return nil, texts, fmt.Errorf("%w: an address of %d bytes", record.ErrMalformed, r.AddressLength)
	}
	if err := record.Texts(rest, r.TextLength[:], texts[:]); err != nil {
		return nil, texts, err
	}
	return r, texts, nil
}
