package kernels

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/vedette-edr/vedette"

// buildInitramfs builds the guest and what it needs, and packs it for the kernel to unpack. Sensors are found by their files:
// a new one needs no change here.
func buildInitramfs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var a archive
	for _, d := range []string{
		"bin", "dev", "docs", "etc", "home", "objects", "proc", "programs", "root", "run", "suite", "suite/evasion", "sys", "tests", "tmp", "vedette",
	} {
		a.add(d, modeDirectory, nil)
	}
	build(t, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "init"), module+"/test/kernels/guest")
	a.addFile(t, "init", filepath.Join(dir, "init"))
	a.addDirectory(t, "vedette", buildVedette(t))
	a.addDirectory(t, "tests", buildTests(t))
	programs := buildPrograms(t)
	a.addDirectory(t, "programs", programs)
	objects, err := filepath.Glob("../../bpf/*/*_bpfel.o")
	if err != nil || len(objects) == 0 {
		t.Fatalf("no eBPF objects in bpf: %v", err)
	}
	for _, object := range objects {
		a.addFile(t, "objects/"+filepath.Base(object), object)
	}
	if suite := module + "/test/evasion"; hasTests(t, "../evasion") {
		build(t, "go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "evasion.test"), suite)
		a.addFile(t, "evasion.test", filepath.Join(dir, "evasion.test"))
		a.addFile(t, "docs/evasion.md", "../../docs/evasion.md")
	}
	addTools(t, &a, programs)
	path := filepath.Join(dir, "initramfs.gz")
	if err := os.WriteFile(path, a.gzip(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// buildVedette builds bus and collector as they are shipped, into a directory that every user may pass through.
func buildVedette(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vedette-bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	build(t, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", dir+"/",
		module+"/vedette/cmd/vedette", module+"/collector/linux/cmd/vedette-collector")
	return dir
}

// buildTests builds the test binary of every sensor: every package of bpf that has a program for the kernel and tests.
func buildTests(t *testing.T) string {
	t.Helper()
	programs, err := filepath.Glob("../../bpf/*/*.bpf.c")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"test", "-c", "-trimpath", "-ldflags=-s -w", "-o", dir + "/"}
	none := len(args)
	for _, program := range programs {
		if sensor := filepath.Dir(program); hasTests(t, sensor) {
			args = append(args, module+"/bpf/"+filepath.Base(sensor))
		}
	}
	if len(args) == none {
		t.Fatal("no sensor with tests is found in bpf")
	}
	build(t, "go", args...)
	return dir
}

func hasTests(t *testing.T, dir string) bool {
	t.Helper()
	tests, err := filepath.Glob(dir + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	return len(tests) > 0
}

// buildPrograms compiles test/programs. What ends in 32 is for the system calls of 32-bit programs; there is no C library for
// it, and none is wanted by noop, which is to start fast.
func buildPrograms(t *testing.T) string {
	t.Helper()
	sources, err := filepath.Glob("../programs/*.c")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".c")
		args := []string{"-O2", "-static", "-o", filepath.Join(dir, name), source}
		switch {
		case strings.HasSuffix(name, "32"):
			args = append([]string{"-m32", "-nostdlib"}, args...)
		case name == "noop":
			args = append([]string{"-nostdlib"}, args...)
		}
		build(t, "cc", args...)
	}
	return dir
}

// addTools gives the machine a shell and the small programs that tests start.
func addTools(t *testing.T, a *archive, programs string) {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("%v; run make deps-test, which installs busybox-static", err)
	}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		t.Fatalf("cannot list what busybox can be: %v", err)
	}
	a.addFile(t, "bin/busybox", busybox)
	for applet := range strings.FieldsSeq(string(list)) {
		if applet != "true" && applet != "busybox" {
			a.add("bin/"+applet, modeLink, []byte("busybox"))
		}
	}
	a.addFile(t, "bin/true", filepath.Join(programs, "noop"))
	a.add("etc/passwd", modeText, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"))
	a.add("etc/group", modeText, []byte("root:x:0:\nnogroup:x:65534:\n"))
	a.add("etc/shadow", modeSecret, []byte("root:*:20000:0:99999:7:::\n"))
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
	modeText      = 0o100644
	modeSecret    = 0o100600
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

// addDirectory adds the files of a directory.
func (a *archive) addDirectory(t *testing.T, name, from string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		a.addFile(t, name+"/"+e.Name(), filepath.Join(from, e.Name()))
	}
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
