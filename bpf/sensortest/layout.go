package sensortest

import (
	"reflect"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// Layout compares structs of an object, by name, with the Go structs that mirror them: each must have the same size, and the same
// fields at the same offsets. The object describes only what a map, a function or a variable mentions.
func Layout(t *testing.T, spec *ebpf.CollectionSpec, mirrors map[string]any) {
	t.Helper()
	for name, v := range mirrors {
		var s *btf.Struct
		if err := spec.Types.TypeByName(name, &s); err != nil {
			t.Errorf("cannot find struct %s in the object: %v", name, err)
			continue
		}
		typ := reflect.TypeOf(v)
		if uintptr(s.Size) != typ.Size() {
			t.Errorf("struct %s has %d bytes in the object, %d in Go", name, s.Size, typ.Size())
		}
		if len(s.Members) != typ.NumField() {
			t.Errorf("struct %s has %d fields in the object, %d in Go", name, len(s.Members), typ.NumField())
			continue
		}
		for i, m := range s.Members {
			if got := typ.Field(i); uintptr(m.Offset.Bytes()) != got.Offset {
				t.Errorf("field %s of struct %s is at %d in the object, %s at %d in Go", m.Name, name, m.Offset.Bytes(), got.Name, got.Offset)
			}
		}
	}
}
