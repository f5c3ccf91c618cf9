package kernel

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensortest"
)

func asBytes(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
}

func TestLayoutMatchesTheObject(t *testing.T) {
	spec, err := loadKernel()
	if err != nil {
		t.Fatal(err)
	}
	sensortest.Layout(t, spec, map[string]any{
		"process_key":   record.Key{},
		"actor":         record.Actor{},
		"record_header": record.Header{},
		"file_identity": record.FileIdentity{},
		"kernel_record": Record{},
	})
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{1}, 9000))
	f.Fuzz(func(t *testing.T, b []byte) {
		aligned := make([]uint64, len(b)/8+1)
		rec := asBytes(aligned)[:len(b)]
		copy(rec, b)
		_, _, _ = Parse(rec)
	})
}
