package memory

import "github.com/vedette-edr/vedette/bpf/record"

// Operation is what a Record tells of: enum memory_operation of bpf/include/memory_record.h.
type Operation uint32

// The operations.
const (
	Map     Operation = 1
	Protect Operation = 2
	Trace   Operation = 3
	Read    Operation = 4
	Write   Operation = 5
	Procfs  Operation = 6
	Handle  Operation = 7
	Signal  Operation = 8
)

// Record is the fixed part of the sensor's records; which fields an operation has is told in bpf/include/memory_record.h.
type Record struct {
	record.Header
	// Target has no TGID when the process is not known.
	Target record.Key
	// File has no mode when nothing is mapped from a file, or it is not known.
	File            record.FileIdentity
	Address, Length uint64
	Operation       Operation
	Number          uint32
	OldProtection   uint32
	Flags           uint32
	Error, Code     int32
	Delivered       uint16
	PathLength      uint16
	_               uint32
}

// Parse views a record of kind record.Memory and the path of its file. Both alias the record.
func Parse(rec []byte) (*Record, []byte, error) {
	r, rest, err := record.View[Record](rec)
	if err != nil {
		return nil, nil, err
	}
	var path [1][]byte
	if err := record.Texts(rest, []uint16{r.PathLength}, path[:]); err != nil {
		return nil, nil, err
	}
	return r, path[0], nil
}
