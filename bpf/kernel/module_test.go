package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestModuleThatCannotBeLoaded(t *testing.T) {
	o := observe(t)
	image := []byte("this is no module")
	var errno error
	s := o.of(t, func() { errno = unix.InitModule(image, "answer=42") })
	s.is(t, Record{Operation: ModuleLoad, Error: number(errno), FromMemory: 1, Size: uint64(len(image))}, map[Text]string{TextValue: "answer=42"})

	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "evil.ko")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s = o.of(t, func() { errno = unix.FinitModule(int(f.Fd()), "answer=43", unix.MODULE_INIT_IGNORE_VERMAGIC) })
	s.is(t, Record{Operation: ModuleLoad, Error: number(errno), Size: uint64(len(image)), Flags: unix.MODULE_INIT_IGNORE_VERMAGIC},
		map[Text]string{TextFile: path, TextValue: "answer=43"})
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	want(t, "inode", s.File.Inode, st.Ino)
	want(t, "device", s.File.Device, st.Dev)

	s = o.of(t, func() { errno = unix.DeleteModule("no_such_module", unix.O_NONBLOCK) })
	s.is(t, Record{Operation: ModuleUnload, Error: number(errno)}, map[Text]string{TextName: "no_such_module"})
}

func TestModuleOfAnUnreadableName(t *testing.T) {
	o := observe(t)
	var errno unix.Errno
	s := o.of(t, func() { _, _, errno = unix.Syscall(unix.SYS_DELETE_MODULE, uintptr(unsafe.Pointer(nil)), 0, 0) })
	s.is(t, Record{Operation: ModuleUnload, Error: int32(errno)}, nil)
	want(t, "flags", s.Header.Flags, 8)
}

func number(err error) int32 {
	if errno, ok := errors.AsType[unix.Errno](err); ok {
		return int32(errno)
	}
	return 0
}
