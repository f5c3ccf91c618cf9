package kernel

import (
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// No test switches kernels: what is handed over is no kernel.
func TestKexecIsTold(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) (*os.File, uint64) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		var st unix.Stat_t
		if err := unix.Fstat(int(f.Fd()), &st); err != nil {
			t.Fatal(err)
		}
		return f, st.Ino
	}
	image, imageInode := open("vmlinuz")
	initrd, initrdInode := open("initrd")
	o := observe(t)
	s := o.of(t, func() {
		err = unix.KexecFileLoad(int(image.Fd()), int(initrd.Fd()), "console=evil", unix.KEXEC_FILE_ON_CRASH)
	})
	if err == nil {
		t.Fatal("an empty file is a kernel")
	}
	s.is(t, Record{Operation: Kexec, Error: number(err), Flags: unix.KEXEC_FILE_ON_CRASH},
		map[Text]string{TextFile: image.Name(), TextSecond: initrd.Name(), TextValue: "console=evil"})
	want(t, "inode of the kernel", s.File.Inode, imageInode)
	want(t, "inode of the initrd", s.Second.Inode, initrdInode)

	// Without an initrd its descriptor means nothing.
	s = o.of(t, func() {
		err = unix.KexecFileLoad(int(image.Fd()), int(initrd.Fd()), "", unix.KEXEC_FILE_NO_INITRAMFS)
	})
	s.is(t, Record{Operation: Kexec, Error: number(err), Flags: unix.KEXEC_FILE_NO_INITRAMFS}, map[Text]string{TextFile: image.Name()})

	var errno unix.Errno
	var segment [32]byte
	// Twice the number of segments that there may be.
	s = o.of(t, func() {
		_, _, errno = unix.Syscall6(unix.SYS_KEXEC_LOAD, 0, 32, uintptr(unsafe.Pointer(&segment)), 1, 0, 0)
	})
	if errno == 0 {
		t.Fatal("a kernel was loaded")
	}
	s.is(t, Record{Operation: Kexec, Error: int32(errno), Flags: 1}, nil)
}
