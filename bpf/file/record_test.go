package file

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/record"
)

// The eBPF object describes its own structs; the Go ones must have the same sizes and the same fields at the same offsets.
func TestLayoutMatchesTheObject(t *testing.T) {
	spec, err := loadFile()
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
		if uintptr(s.Size) != typ.Size() || len(s.Members) != typ.NumField() {
			t.Errorf("struct %s has %d bytes and %d fields in the object, %d and %d in Go", name, s.Size, len(s.Members), typ.Size(), typ.NumField())
			return
		}
		for i, m := range s.Members {
			if got := typ.Field(i); uintptr(m.Offset.Bytes()) != got.Offset {
				t.Errorf("field %s of struct %s is at %d in the object, %s at %d in Go", m.Name, name, m.Offset.Bytes(), got.Name, got.Offset)
			}
		}
	}
	f("file_record", Record{})
	f("file_identity", record.FileIdentity{})
	f("throttled_record", record.Throttle{})
	f("interest", interest{})
}

func TestKernelDeviceIsTheKernelsOwnNumber(t *testing.T) {
	// MKDEV(254, 0) and MKDEV(259, 70000), whose st_dev the kernel makes by new_encode_dev.
	for dev, want := range map[uint64]uint32{254 << 8: 254 << 20, 70000&0xff | 259<<8 | (70000&^0xff)<<12: 259<<20 | 70000} {
		if got := KernelDevice(dev); got != want {
			t.Errorf("device %#x is %#x, want %#x", dev, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{1}, 900))
	f.Fuzz(func(_ *testing.T, b []byte) {
		words := make([]uint64, len(b)/8+1)
		rec := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
		copy(rec, b)
		_, _, _ = Parse(rec)
	})
}
