package file

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/sensortest"
)

func TestLayoutMatchesTheObject(t *testing.T) {
	spec, err := loadFile()
	if err != nil {
		t.Fatal(err)
	}
	sensortest.Layout(t, spec, map[string]any{
		"file_record":      Record{},
		"file_identity":    record.FileIdentity{},
		"throttled_record": record.Throttle{},
		"interest":         interest{},
	})
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
