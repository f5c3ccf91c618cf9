package identity

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// program32 is a static i386 executable that makes calls by their 32-bit numbers, each with one argument, and ends.
func program32(calls ...[2]uint32) []byte {
	const (
		address = 0x08048000
		header  = 52 + 32
	)
	var code []byte
	for _, c := range append(calls, [2]uint32{1, 0}) {
		code = append(code, 0xb8)
		code = binary.LittleEndian.AppendUint32(code, c[0])
		code = append(code, 0xbb)
		code = binary.LittleEndian.AppendUint32(code, c[1])
		code = append(code, 0xcd, 0x80)
	}
	size := uint32(header + len(code))
	file := append([]byte("\x7fELF\x01\x01\x01"), make([]byte, 9)...)
	half := func(values ...uint16) {
		for _, v := range values {
			file = binary.LittleEndian.AppendUint16(file, v)
		}
	}
	word := func(values ...uint32) {
		for _, v := range values {
			file = binary.LittleEndian.AppendUint32(file, v)
		}
	}
	half(2, 3) // an executable for i386
	word(1, address+header, 52, 0, 0)
	half(52, 32, 1, 40, 0, 0)
	// One segment that is loaded, readable and executable.
	word(1, 0, address, address, size, size, 5, 4096)
	return append(file, code...)
}

// The calls of 32-bit programs, also those for 16-bit ids, are the same calls.
func TestCallsOf32BitPrograms(t *testing.T) {
	o := observe(t)
	path := filepath.Join(t.TempDir(), "program")
	const setgid16, setuid32, unshare = 46, 213, 310
	program := program32([2]uint32{unshare, unix.CLONE_NEWUTS}, [2]uint32{setgid16, 4321}, [2]uint32{setuid32, 1234}, [2]uint32{setuid32, 0})
	if err := os.WriteFile(path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	all := o.unmissed(t, func() []Record {
		cmd := exec.Command(path)
		err := cmd.Run()
		if errors.Is(err, unix.ENOEXEC) {
			t.Skip("this kernel runs no 32-bit programs")
		}
		if err != nil {
			t.Fatal(err)
		}
		return o.of(t, cmd.Process.Pid)
	})
	if len(all) != 4 {
		t.Fatalf("%d records came, want 4: %+v", len(all), all)
	}
	isNamespaces(t, "unshare", &all[0], "unshare", unix.CLONE_NEWUTS)
	isCredentials(t, "setgid", &all[1], "setgid", 0)
	want(t, "group", all[1].After.GID, 4321)
	isCredentials(t, "setuid", &all[2], "setuid", 0)
	want(t, "user", all[2].After.UID, 1234)
	isCredentials(t, "setuid back", &all[3], "setuid", unix.EPERM)
}
