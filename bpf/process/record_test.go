package process

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/record"
)

func asBytes(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
}

// The eBPF object describes its own structs; the Go ones must have the same sizes and the same fields at the same offsets.
func TestLayoutMatchesTheObject(t *testing.T) {
	spec, err := loadProcess()
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, v any) {
		t.Helper()
		var s *btf.Struct
		if err := spec.Types.TypeByName(name, &s); err != nil {
			t.Errorf("cannot find struct %s in the object: %v", name, err)
			return
		}
		typ := reflect.TypeOf(v)
		if uintptr(s.Size) != typ.Size() {
			t.Errorf("struct %s has %d bytes in the object, %d in Go", name, s.Size, typ.Size())
		}
		if len(s.Members) != typ.NumField() {
			t.Errorf("struct %s has %d fields in the object, %d in Go", name, len(s.Members), typ.NumField())
			return
		}
		for i, m := range s.Members {
			if got := typ.Field(i); uintptr(m.Offset.Bytes()) != got.Offset {
				t.Errorf("field %s of struct %s is at %d in the object, %s at %d in Go", m.Name, name, m.Offset.Bytes(), got.Name, got.Offset)
			}
		}
	}
	f("process_key", record.Key{})
	f("actor", record.Actor{})
	f("record_header", record.Header{})
	f("file_identity", record.FileIdentity{})
	f("exec_record", Exec{})
	f("fork_record", Fork{})
	f("exit_record", Exit{})
	f("chunk_record", Chunk{})
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{1}, 9000))
	f.Fuzz(func(t *testing.T, b []byte) {
		aligned := make([]uint64, len(b)/8+1)
		rec := asBytes(aligned)[:len(b)]
		copy(rec, b)
		_, _ = record.KindOf(rec)
		_, _, _ = ParseExec(rec)
		_, _ = ParseFork(rec)
		_, _ = ParseExit(rec)
		_, _, _ = ParseChunk(rec)
		_, _ = ExecSize(rec)
	})
}
