package memory

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensortest"
)

func TestLayoutMatchesTheObject(t *testing.T) {
	spec, err := loadMemory()
	if err != nil {
		t.Fatal(err)
	}
	sensortest.Layout(t, spec, map[string]any{
		"process_key": record.Key{}, "actor": record.Actor{}, "record_header": record.Header{}, "file_identity": record.FileIdentity{},
		"memory_record": Record{}, "throttled_record": record.Throttle{},
	})
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{1}, 700))
	f.Fuzz(func(t *testing.T, b []byte) {
		words := make([]uint64, len(b)/8+1)
		rec := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
		copy(rec, b)
		if r, path, err := Parse(rec); err == nil && len(path) != int(r.PathLength) {
			t.Errorf("the path has %d bytes, want %d", len(path), r.PathLength)
		}
	})
}
