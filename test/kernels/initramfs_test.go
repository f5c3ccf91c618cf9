package kernels

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildInitramfs builds the guest and what it needs, and packs it for the kernel to unpack.
func buildInitramfs(t *testing.T) string {
	t.Helper()
	const module = "github.com/vedette-edr/vedette"
	dir := t.TempDir()
	built := func(name string) string { return filepath.Join(dir, name) }
	build(t, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", built("guest"), module+"/test/kernels/guest")
	build(t, "go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-o", built("process.test"), module+"/bpf/process")
	build(t, "cc", "-O2", "-static", "-nostdlib", "-o", built("noop"), "../programs/noop.c")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("%v; run make deps-test, which installs busybox-static", err)
	}

	var a archive
	for _, d := range []string{"bin", "dev", "proc", "sys", "tmp"} {
		a.add(d, modeDirectory, nil)
	}
	a.addFile(t, "init", built("guest"))
	a.addFile(t, "process.test", built("process.test"))
	a.addFile(t, "bin/busybox", busybox)
	a.addFile(t, "bin/true", built("noop"))
	for _, applet := range []string{"sh", "sleep"} {
		a.add("bin/"+applet, modeLink, []byte("busybox"))
	}
	path := built("initramfs.gz")
	if err := os.WriteFile(path, a.gzip(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// build runs a compiler. The guest has no C library.
func build(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("cannot build with %s: %v\n%s", name, err, out)
	}
}

// File types and permissions as stat(2) has them.
const (
	modeDirectory = 0o040755
	modeProgram   = 0o100755
	modeLink      = 0o120777
)

// modified is when the files were last changed, in seconds since 1970, so that a time that reads as 0 is found out.
const modified = 1_700_000_000

// archive is a cpio archive of the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	bytes.Buffer
	inode int
}

// add appends a file; of a symbolic link the data is the target.
func (a *archive) add(name string, mode int, data []byte) {
	a.inode++
	// Magic, inode, mode, uid, gid, links, mtime, size, device (major, minor), device of a special file, name length, checksum.
	fmt.Fprintf(a, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.inode, mode, 0, 0, 1, modified, len(data), 0, 0, 0, 0, len(name)+1, 0)
	a.WriteString(name + "\x00")
	a.align()
	a.Write(data)
	a.align()
}

func (a *archive) align() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

func (a *archive) addFile(t *testing.T, name, from string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	a.add(name, modeProgram, data)
}

// gzip closes the archive and compresses it.
func (a *archive) gzip(t *testing.T) []byte {
	t.Helper()
	a.add("TRAILER!!!", 0, nil)
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(a.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
