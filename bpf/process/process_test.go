package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// Acts that need a process of their own: the test binary runs again with the act's name in this variable.
const actVariable = "VEDETTE_TEST_ACT"

func TestMain(m *testing.M) {
	switch os.Getenv(actVariable) {
	case "":
		os.Exit(m.Run())
	case "exec-from-thread":
		execFromThread()
	case "exec-with-open-files":
		execWithOpenFiles(os.Args[1], os.Args[2])
	case "exit-7":
		os.Exit(7)
	}
}

// execFromThread replaces the process from a thread that does not lead it.
func execFromThread() {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		done := make(chan struct{})
		go func() { execFromThread(); close(done) }()
		<-done
		return
	}
	err := syscall.Exec("/bin/true", []string{"true", "from-thread"}, nil)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// execWithOpenFiles replaces the process while nobody else holds its many close-on-exec files, so that exec releases them.
func execWithOpenFiles(count, program string) {
	n, err := strconv.Atoi(count)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(n) + 100, Max: uint64(n) + 100})
	}
	for i := 0; i < n && err == nil; i++ {
		_, err = syscall.Open("/dev/null", syscall.O_CLOEXEC, 0)
	}
	if err == nil {
		err = syscall.Exec(program, []string{program}, nil)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// observer runs the sensor against the live kernel and keeps every record until it is asked for.
type observer struct {
	sensor *Sensor
	reader *ringbuf.Reader
	chunks map[string][]byte
	execs  map[uint32]*seen
	forks  map[uint32]Fork
	exits  map[uint32]Exit
	read   uint64
}

type seen struct {
	Exec
	texts [textCount]string
}

func observe(t *testing.T) *observer {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	s, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Attach()
	for _, a := range s.Attachments() {
		if a.Err == nil {
			continue
		}
		if verifier, ok := errors.AsType[*ebpf.VerifierError](a.Err); ok {
			t.Logf("%s", strings.Join(verifier.Log[max(0, len(verifier.Log)-30):], "\n"))
		}
		t.Fatalf("program %s is not attached to %s: %v", a.Name, a.Hook, a.Err)
	}
	r, err := ringbuf.NewReader(s.Events())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return &observer{s, r, map[string][]byte{}, map[uint32]*seen{}, map[uint32]Fork{}, map[uint32]Exit{}, 0}
}

// drain reads until the ring has been empty for a moment, and until more is no longer true.
func (o *observer) drain(t *testing.T, more func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	var rec ringbuf.Record
	for {
		o.reader.SetDeadline(time.Now().Add(20 * time.Millisecond))
		err := o.reader.ReadInto(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if !more() {
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("the expected record did not come: there was none for 10 s")
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		deadline = time.Now().Add(10 * time.Second)
		o.keep(t, rec.RawSample)
	}
}

func (o *observer) keep(t *testing.T, record []byte) {
	t.Helper()
	kind, err := KindOf(record)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case KindExec:
		e, texts, err := ParseExec(record)
		if err != nil {
			t.Fatal(err)
		}
		s := &seen{Exec: *e}
		for i, text := range texts {
			s.texts[i] = string(text)
		}
		for _, f := range []Text{TextArguments, TextEnvironment} {
			if c, ok := o.chunks[chunkKey(e.CPU, e.Sequence, f)]; ok {
				s.texts[f] = string(c)
			}
		}
		o.execs[e.Actor.Process.TGID] = s
		o.read++
	case KindFork:
		f, err := ParseFork(record)
		if err != nil {
			t.Fatal(err)
		}
		o.forks[f.Child.TGID] = *f
		o.read++
	case KindExit:
		e, err := ParseExit(record)
		if err != nil {
			t.Fatal(err)
		}
		o.exits[e.Actor.Process.TGID] = *e
		o.read++
	case KindChunk:
		c, data, err := ParseChunk(record)
		if err != nil {
			t.Fatal(err)
		}
		k := chunkKey(c.CPU, c.Sequence, c.Field)
		o.chunks[k] = append(o.chunks[k], data...)
	default:
		t.Fatalf("record of unknown kind %d", kind)
	}
}

func chunkKey(cpu uint32, sequence uint64, f Text) string { return fmt.Sprint(cpu, sequence, f) }

// run starts a command, waits for it and returns the record of its last exec.
func (o *observer) run(t *testing.T, cmd *exec.Cmd) *seen {
	t.Helper()
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			t.Fatal(err)
		}
	}
	o.drain(t, func() bool { _, ok := o.exits[pid]; return !ok })
	e := o.execs[pid]
	if e == nil {
		t.Fatalf("no exec record of process %d", pid)
	}
	return e
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func copyFile(t *testing.T, from, to string, mode os.FileMode) string {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, mode); err != nil {
		t.Fatal(err)
	}
	return to
}

func realPath(t *testing.T, path string) string {
	t.Helper()
	p, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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

func TestIdentity(t *testing.T) {
	o := observe(t)
	cmd := exec.Command("/bin/true")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: 1234, Gid: 4321},
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS,
		Setsid:     true,
	}
	e := o.run(t, cmd)
	want(t, "uid", e.UID, 1234)
	want(t, "effective uid", e.EUID, 1234)
	want(t, "gid", e.GID, 4321)
	want(t, "effective capabilities", e.CapEffective, 0)
	want(t, "bounding capabilities", e.CapBounding, ownBoundingSet(t))
	want(t, "pid in its namespace", e.Actor.NamespacePID, 1)
	want(t, "session", e.Session, e.Actor.Process.TGID)
	own := func(name string) uint32 {
		var st unix.Stat_t
		if err := unix.Stat("/proc/self/ns/"+name, &st); err != nil {
			t.Fatal(err)
		}
		return uint32(st.Ino)
	}
	want(t, "mount namespace", e.MountNS, own("mnt"))
	want(t, "network namespace", e.NetworkNS, own("net"))
	want(t, "user namespace", e.UserNS, own("user"))
	if e.UTSNS == own("uts") || e.PIDNS == own("pid") {
		t.Error("the new pid and uts namespaces are reported as the old ones")
	}
	fork := o.forks[e.Actor.Process.TGID]
	want(t, "fork's child start", fork.Child.StartTime, e.Actor.Process.StartTime)
	want(t, "fork's pid in the new namespace", fork.ChildNamespacePID, 1)
}

func ownBoundingSet(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if digits, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return set
		}
	}
	t.Fatal("/proc/self/status has no CapBnd")
	return 0
}

func TestExecByAThreadKeepsTheProcess(t *testing.T) {
	o := observe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), actVariable+"=exec-from-thread")
	e := o.run(t, cmd)
	pid := e.Actor.Process.TGID
	want(t, "executable", e.texts[TextExecutable], realPath(t, "/bin/true"))
	want(t, "process", pid, uint32(cmd.Process.Pid))
	want(t, "start time", e.Actor.Process.StartTime, o.forks[pid].Child.StartTime)
	if e.CallingThread == 0 || e.CallingThread == pid {
		t.Errorf("calling thread is %d, want another thread of process %d", e.CallingThread, pid)
	}
}

func TestExitTellsStatusAndSignal(t *testing.T) {
	o := observe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The Go runtime gives the process several threads; one exit is reported, with the status of exit_group.
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), actVariable+"=exit-7")
	e := o.run(t, cmd)
	want(t, "status", o.exits[e.Actor.Process.TGID].Status, 7<<8)

	e = o.run(t, exec.Command("/bin/sh", "-c", "kill -TERM $$"))
	want(t, "status", o.exits[e.Actor.Process.TGID].Status, uint32(syscall.SIGTERM))
}

func TestAnExecWakesTheReaderThatSleeps(t *testing.T) {
	o := observe(t)
	var rec ringbuf.Record
	for range 3 {
		o.drain(t, func() bool { return false })
		if err := o.sensor.Sleeps(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		time.AfterFunc(50*time.Millisecond, func() { _ = exec.Command("/bin/true").Run() })
		o.reader.SetDeadline(began.Add(20 * time.Second))
		if err := o.reader.ReadInto(&rec); err != nil {
			t.Fatal(err)
		}
		if slept := time.Since(began); slept > 10*time.Second {
			t.Errorf("the reader slept for %s, want to be woken by the exec", slept)
		}
	}
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	o := observe(t)
	before, err := o.sensor.Counters()
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	go func() {
		for range 300 {
			_ = exec.Command("/bin/true").Run()
		}
		done.Store(true)
	}()
	o.drain(t, func() bool { return !done.Load() })
	if err := o.sensor.Detach(); err != nil {
		t.Fatal(err)
	}
	o.drain(t, func() bool { return false })
	c, err := o.sensor.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.Made < 900 {
		t.Errorf("%d events were made, want at least 900 for 300 processes", c.Made)
	}
	want(t, "made less lost", c.Made-c.LostRingFull-c.LostScratch, o.read)
	want(t, "made before", before.Made <= c.Made, true)
}

func TestAFullRingIsCounted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to load eBPF programs")
	}
	s, err := Load(Options{RingBytes: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Attach()
	for range 20 {
		if err := exec.Command("/bin/true").Run(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Detach(); err != nil {
		t.Fatal(err)
	}
	c, err := s.Counters()
	if err != nil {
		t.Fatal(err)
	}
	if c.LostRingFull == 0 || c.LostRingFull >= c.Made {
		t.Errorf("%d of %d events are counted lost, want most but not all", c.LostRingFull, c.Made)
	}
}

func TestSeedsListEveryProcess(t *testing.T) {
	o := observe(t)
	cmd := exec.Command("/bin/sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := uint32(cmd.Process.Pid)
	o.drain(t, func() bool { return o.execs[pid] == nil })

	listed := map[uint32]bool{}
	err := o.sensor.Seeds(context.Background(), func(record []byte) error {
		e, texts, err := ParseExec(record)
		if err != nil {
			return err
		}
		listed[e.Actor.Process.TGID] = true
		if e.Actor.Process.TGID == pid {
			want(t, "executable", string(texts[TextExecutable]), o.execs[pid].texts[TextExecutable])
			want(t, "start time", e.Actor.Process.StartTime, o.execs[pid].Actor.Process.StartTime)
			want(t, "parent", e.Actor.Parent.TGID, uint32(os.Getpid()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "the child is listed", listed[pid], true)
	want(t, "this process is listed", listed[uint32(os.Getpid())], true)
	// Some machines hide their first process even from root.
	if _, err := os.Readlink("/proc/1/exe"); !errors.Is(err, os.ErrPermission) {
		want(t, "the first process is listed", listed[1], true)
	}
}

func TestCountersAreFrozen(t *testing.T) {
	o := observe(t)
	m := o.sensor.object.Map(mapCounters)
	value := make([]byte, m.ValueSize())
	if err := m.Update(uint32(0), value, ebpf.UpdateAny); err == nil {
		t.Error("root could overwrite the counters, want a refusal: they are frozen")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, 16))
	f.Add(bytes.Repeat([]byte{1}, 9000))
	f.Fuzz(func(t *testing.T, b []byte) {
		aligned := make([]uint64, len(b)/8+1)
		record := asBytes(aligned)[:len(b)]
		copy(record, b)
		_, _ = KindOf(record)
		_, _, _ = ParseExec(record)
		_, _ = ParseFork(record)
		_, _ = ParseExit(record)
		_, _, _ = ParseChunk(record)
		_, _ = ExecSize(record)
	})
}
