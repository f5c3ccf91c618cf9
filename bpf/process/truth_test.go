package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExecIsReportedWithItsTruePath(t *testing.T) {
	o := observe(t)
	dir := realPath(t, t.TempDir())
	link := filepath.Join(dir, "innocent")
	if err := os.Symlink("/bin/true", link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, "one", "two words", "")
	cmd.Dir = dir
	cmd.Env = []string{"LD_LIBRARY_PATH=/nowhere", "SECRET=1"}
	e := o.run(t, cmd)

	var st unix.Stat_t
	if err := unix.Stat("/bin/true", &st); err != nil {
		t.Fatal(err)
	}
	want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/true"))
	want(t, "filename as given", e.texts[TextFilename], link)
	want(t, "interpreter", e.texts[TextInterpreter], "")
	want(t, "script", e.texts[TextScript], "")
	want(t, "working directory", e.texts[TextWorkingDirectory], dir)
	want(t, "root directory", e.texts[TextRootDirectory], "")
	want(t, "arguments", e.texts[TextArguments], link+"\x00one\x00two words\x00\x00")
	want(t, "argument count", e.ArgumentCount, 4)
	want(t, "environment", e.texts[TextEnvironment], "LD_LIBRARY_PATH=/nowhere\x00SECRET=1\x00")
	want(t, "device", e.Executable.Device, st.Dev)
	want(t, "inode", e.Executable.Inode, st.Ino)
	want(t, "ctime", e.Executable.CTime, st.Ctim.Nano())
	want(t, "mtime", e.Executable.MTime, st.Mtim.Nano())
	want(t, "mode", e.Executable.Mode, st.Mode)
	want(t, "links", e.Executable.Links, uint32(st.Nlink))
	want(t, "size", e.Executable.Size, uint64(st.Size))
	want(t, "file flags", e.Executable.Flags, 0)
	want(t, "record flags", e.Flags, 0)
	want(t, "parent", e.Actor.Parent.TGID, uint32(os.Getpid()))
}

func TestExecThroughMountsAndFileFlags(t *testing.T) {
	o := observe(t)
	dir, err := os.MkdirTemp("/dev/shm", "vedette")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	exe := copyFile(t, "/bin/true", filepath.Join(dir, "tool"), 0o757|os.ModeSetuid)
	e := o.run(t, exec.Command(exe))
	want(t, "executable", e.texts[TextExecutable], exe)
	want(t, "tmpfs, setuid and writable by others", e.Executable.Flags, 8|128|4)
}

func TestScriptIsReportedWithItsTruePath(t *testing.T) {
	o := observe(t)
	dir := realPath(t, t.TempDir())
	script := filepath.Join(dir, "script.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh -e\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "innocent")
	if err := os.Symlink("script.sh", link); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(script, &st); err != nil {
		t.Fatal(err)
	}
	check := func(e *seen, given string) {
		t.Helper()
		want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/sh"))
		want(t, "script", e.texts[TextScript], script)
		want(t, "script inode", e.Script.Inode, st.Ino)
		want(t, "interpreter", e.texts[TextInterpreter], "/bin/sh")
		want(t, "filename as given", e.texts[TextFilename], given)
		want(t, "record flags", e.Flags, 0)
	}
	check(o.run(t, exec.Command(link)), link)

	withFiles := func(count int) *seen {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self, strconv.Itoa(count), link)
		cmd.Env = append(os.Environ(), actVariable+"=exec-with-open-files")
		return o.run(t, cmd)
	}
	t.Run("with many close-on-exec files", func(t *testing.T) {
		check(withFiles(1000), link)
	})
	t.Run("with more close-on-exec files than are looked through", func(t *testing.T) {
		e := withFiles(5000)
		want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/sh"))
		want(t, "filename as given", e.texts[TextFilename], link)
		want(t, "unresolved flag", e.Flags&4, 4)
	})

	t.Run("whose interpreter is a script", func(t *testing.T) {
		outer := filepath.Join(dir, "outer")
		if err := os.WriteFile(outer, []byte("#!"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		e := o.run(t, exec.Command(outer))
		want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/sh"))
		want(t, "script", e.texts[TextScript], outer)
		want(t, "filename as given", e.texts[TextFilename], outer)
	})
}

func TestMemfdAndDeletedExecutables(t *testing.T) {
	o := observe(t)
	b, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("kworker/0", 0)
	if err != nil {
		t.Fatal(err)
	}
	memfd := os.NewFile(uintptr(fd), "memfd")
	defer memfd.Close()
	if _, err := memfd.Write(b); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{memfd}
	e := o.run(t, cmd)
	want(t, "executable", e.texts[TextExecutable], "memfd:kworker/0")
	want(t, "memfd flag", e.Executable.Flags&2, 2)
	want(t, "deleted flag", e.Executable.Flags&1, 0)

	path := copyFile(t, "/bin/true", filepath.Join(realPath(t, t.TempDir()), "gone"), 0o755)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{f}
	e = o.run(t, cmd)
	want(t, "executable", e.texts[TextExecutable], path)
	want(t, "deleted flag", e.Executable.Flags&1, 1)
	want(t, "memfd flag", e.Executable.Flags&2, 0)
}

func TestChrootIsSeenFromOutside(t *testing.T) {
	o := observe(t)
	busybox := "/bin/busybox"
	if _, err := os.Stat(busybox); err != nil {
		t.Skip("needs busybox-static: ", err)
	}
	jail := realPath(t, t.TempDir())
	copyFile(t, busybox, filepath.Join(jail, "sh"), 0o755)
	cmd := exec.Command("/sh", "-c", "exit 3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: jail}
	cmd.Dir = "/"
	e := o.run(t, cmd)
	want(t, "executable", e.texts[TextExecutable], jail+"/sh")
	want(t, "root directory", e.texts[TextRootDirectory], jail)
	want(t, "working directory", e.texts[TextWorkingDirectory], jail)
	want(t, "filename as given", e.texts[TextFilename], "/sh")
	want(t, "exit status", o.exits[e.Actor.Process.TGID].Status>>8, 3)
}

func TestLongArgumentsTravelWhole(t *testing.T) {
	o := observe(t)
	f := func(name string, arguments []string, whole bool) {
		t.Helper()
		e := o.run(t, exec.Command("/bin/true", arguments...))
		sent := strings.Join(append([]string{"/bin/true"}, arguments...), "\x00") + "\x00"
		want(t, name+": size", e.ArgumentsSize, uint64(len(sent)))
		want(t, name+": truncated", e.Flags&1 == 0, whole)
		if !whole {
			sent = sent[:MaxAreaBytes]
		}
		if e.texts[TextArguments] != sent {
			t.Errorf("%s: %d bytes of arguments arrived that differ from the %d sent", name, len(e.texts[TextArguments]), len(sent))
		}
	}
	letters := func(n, size int) (out []string) {
		for i := range n {
			out = append(out, strings.Repeat(string(rune('a'+i%26)), size))
		}
		return out
	}
	f("one byte under the inline limit", []string{strings.Repeat("x", 4096-1-len("/bin/true")-2)}, true)
	f("at the inline limit", []string{strings.Repeat("x", 4096-len("/bin/true")-2)}, true)
	f("200 KiB", letters(20, 10<<10), true)
	f("300 KiB", letters(30, 10<<10), false)
}

func TestDeepPaths(t *testing.T) {
	o := observe(t)
	root := realPath(t, t.TempDir())
	// Deeper than a bounded loop could walk, shorter than PATH_MAX.
	deep := root + strings.Repeat("/d", 700)
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	exe := copyFile(t, "/bin/true", deep+"/true", 0o755)
	e := o.run(t, exec.Command(exe))
	want(t, "executable", e.texts[TextExecutable], exe)
	want(t, "unresolved flag", e.Flags&4, 0)

	// Longer than PATH_MAX: reached through a descriptor, told by its end.
	fd, err := unix.Open(deep, unix.O_PATH, 0)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("n", 250)
	for range 20 {
		if err := unix.Mkdirat(fd, name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(fd, name, unix.O_PATH, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		fd = next
	}
	out, err := unix.Openat(fd, "true", unix.O_CREAT|unix.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(out, b); err != nil {
		t.Fatal(err)
	}
	unix.Close(out)
	in, err := unix.Openat(fd, "true", unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	file := os.NewFile(uintptr(in), "true")
	defer file.Close()
	cmd := exec.Command("/proc/self/fd/3")
	cmd.ExtraFiles = []*os.File{file}
	e = o.run(t, cmd)
	want(t, "unresolved flag", e.Flags&4, 4)
	if !strings.HasSuffix(e.texts[TextExecutable], name+"/"+name+"/true") {
		t.Errorf("the path's end is missing: ...%q", e.texts[TextExecutable][max(0, len(e.texts[TextExecutable])-20):])
	}
}
