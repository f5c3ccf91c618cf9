package file

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Whatever way a name takes, the path is the one that the kernel went.
func TestNamesAreFollowed(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	home := filepath.Join(dir, "home")
	must(t, os.Mkdir(home, 0o755))
	must(t, os.Mkdir(filepath.Join(home, "deeper"), 0o755))
	must(t, os.Symlink("home", filepath.Join(dir, "relative")))
	must(t, os.Symlink(home, filepath.Join(dir, "absolute")))
	must(t, os.Symlink("absolute/../relative", filepath.Join(dir, "twice")))
	must(t, os.Symlink(strings.Repeat("./", 100)+"home", filepath.Join(dir, "long")))
	victim := filepath.Join(home, "victim")
	fd, err := unix.Open(home, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	must(t, err)
	defer unix.Close(fd)
	number := strings.TrimPrefix(filepath.Join("/proc/self/fd", itoa(fd)), "")

	f := func(name string, at int, path string) {
		t.Helper()
		must(t, os.WriteFile(victim, nil, 0o600))
		s := o.one(t, Chmod, func() { must(t, unix.Fchmodat(at, path, 0o644, 0)) })
		want(t, name+": path", s.texts[TextPath], victim)
		want(t, name+": source", s.Source, SourceKernel)
		want(t, name+": old mode", s.Before.Mode, unix.S_IFREG|0o600)
		s = o.one(t, Delete, func() { must(t, unix.Unlinkat(at, path, 0)) })
		want(t, name+": deleted path", s.texts[TextPath], victim)
		want(t, name+": source", s.Source, SourceKernel)
	}
	f("plain", unix.AT_FDCWD, victim)
	f("descriptor", fd, "victim")
	f("dots and slashes", fd, ".././/home/deeper/..//victim")
	f("relative link", unix.AT_FDCWD, dir+"/relative/victim")
	f("absolute link", unix.AT_FDCWD, dir+"/absolute/victim")
	f("links in links", unix.AT_FDCWD, dir+"/twice/victim")
	f("link too long for its inode", unix.AT_FDCWD, dir+"/long/victim")
	f("procfs descriptor", unix.AT_FDCWD, number+"/victim")
	f("procfs root", unix.AT_FDCWD, "/proc/self/root"+victim)
	f("procfs root of the thread", unix.AT_FDCWD, "/proc/thread-self/root"+victim)
	f("above the root", unix.AT_FDCWD, "/../../.."+victim)
	old, err := os.Getwd()
	must(t, err)
	must(t, os.Chdir(home))
	f("working directory", unix.AT_FDCWD, "./victim")
	f("procfs working directory", unix.AT_FDCWD, "/proc/self/cwd/deeper/../victim")
	must(t, os.Chdir(old))
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestNamesCrossMounts(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	point, bound := filepath.Join(dir, "point"), filepath.Join(dir, "bound")
	must(t, os.Mkdir(point, 0o755))
	must(t, os.Mkdir(bound, 0o755))
	s := o.one(t, Mount, func() { must(t, unix.Mount("some source", point, "tmpfs", unix.MS_NODEV, "size=1m")) })
	defer func() { _ = unix.Unmount(point, unix.MNT_DETACH) }()
	want(t, "target", s.texts[TextPath], point)
	want(t, "source", s.texts[TextSecondPath], "some source")
	want(t, "type", s.texts[TextFirst], "tmpfs")
	want(t, "options", s.texts[TextSecond], "size=1m")
	want(t, "flags", s.Value[0], unix.MS_NODEV)
	must(t, unix.Mount(point, bound, "", unix.MS_BIND, ""))
	defer func() { _ = unix.Unmount(bound, unix.MNT_DETACH) }()

	inside := filepath.Join(point, "sub")
	s = o.one(t, Mkdir, func() { must(t, unix.Mkdir(inside, 0o755)) })
	s.is(t, inside)
	s = o.one(t, Rmdir, func() { must(t, unix.Rmdir(filepath.Join(bound, "../bound/sub"))) })
	want(t, "path by the bind mount", s.texts[TextPath], filepath.Join(bound, "sub"))
	s = o.one(t, Mount, func() { must(t, unix.Unmount(bound, unix.MNT_DETACH)) })
	want(t, "unmounted", s.texts[TextPath], bound)
	want(t, "flags", s.Value[0], unix.MNT_DETACH)
}

func TestLongAndStrangeNames(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	deep := dir + strings.Repeat("/d", 1800)
	must(t, os.MkdirAll(deep, 0o755))
	for _, path := range []string{deep + "/" + strings.Repeat("n", 250), filepath.Join(dir, "\xff\xfe not text \n"), filepath.Join(dir, strings.Repeat("8", 8))} {
		must(t, os.WriteFile(path, nil, 0o600))
		s := o.one(t, Delete, func() { must(t, unix.Unlink(path)) })
		want(t, "path", s.texts[TextPath], path)
		want(t, "source", s.Source, SourceKernel)
		if s.File.Inode == 0 {
			t.Error("the object is not known")
		}
	}
}

// What the kernel cannot be asked for is told as the caller wrote it.
func TestAnUnknownNameIsLexical(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	must(t, os.WriteFile(dir+"/f", nil, 0o600))
	// The text of a link as long as this is not in memory with the link itself; one that is made while the sensor watches is
	// kept, so this one is made behind its back.
	long := filepath.Join(dir, "long")
	must(t, o.sensor.SetInterest(Interest{Off: []Operation{Symlink}}))
	must(t, os.Symlink(strings.Repeat("./", 100)+".", long))
	must(t, o.sensor.SetInterest(Interest{}))
	path := long + "/f"
	s := o.one(t, Delete, func() { must(t, unix.Unlink(path)) })
	if o.sensor.Untraced == nil {
		// The kernel tells what nobody can look up.
		want(t, "source", s.Source, SourceKernel)
		want(t, "path", s.texts[TextPath], filepath.Join(dir, "f"))
		return
	}
	want(t, "source", s.Source, SourceLexical)
	want(t, "directory", s.texts[TextPath], "")
	want(t, "name as given", s.texts[TextName], path)
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	return st.Ino
}

func TestANameThatChangesDuringTheCallIsFlagged(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(t, os.WriteFile(a, nil, 0o600))
	must(t, os.WriteFile(b, nil, 0o600))
	name := append([]byte(a), 0)
	flip := &name[len(name)-2]
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for !stop.Load() {
			*flip ^= 'a' ^ 'b'
		}
	}()
	inodes := map[string]uint64{a: inode(t, a), b: inode(t, b)}
	changed := 0
	// Whether the two threads meet is up to the scheduler.
	for began := time.Now(); changed == 0 && time.Since(began) < 20*time.Second; {
		for _, s := range o.did(t, Chmod, func() {
			for i := range 5000 {
				_, _, _ = syscall.RawSyscall(unix.SYS_CHMOD, uintptr(unsafe.Pointer(&name[0])), 0o600|uintptr(i&7), 0)
			}
		}) {
			path := s.texts[TextPath]
			switch {
			case s.Source == SourceChanged && s.Flags&16 != 0:
				changed++
			case s.Source != SourceKernel || inodes[path] == 0 || inodes[path] != s.File.Inode:
				t.Fatalf("a record has source %d, path %q and inode %d, want one of %v", s.Source, path, s.File.Inode, inodes)
			}
		}
		if o.sensor.Untraced == nil || runtime.NumCPU() == 1 {
			break
		}
	}
	stop.Store(true)
	<-done
	switch {
	case o.sensor.Untraced == nil && changed > 0:
		t.Errorf("%d records are flagged, although the kernel tells what it changes", changed)
	case o.sensor.Untraced != nil && runtime.NumCPU() > 1 && changed == 0:
		t.Error("no record is flagged, although the name changed all the time")
	}
}

func TestSocketsAndMemory(t *testing.T) {
	o := observe(t)
	path := filepath.Join(tempDir(t), "socket")
	bind := func(name string) func() {
		return func() {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
			must(t, err)
			t.Cleanup(func() { unix.Close(fd) })
			must(t, unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		}
	}
	s := o.one(t, Bind, bind(path))
	s.is(t, path)
	want(t, "type", s.Value[0], unix.SOCK_SEQPACKET)
	want(t, "abstract", s.Value[1], 0)
	s = o.one(t, Bind, bind("@vedette\x01test"))
	want(t, "abstract", s.Value[1], 1)
	want(t, "name", s.texts[TextFirst], "vedette\x01test")

	s = o.one(t, Memfd, func() {
		fd, err := unix.MemfdCreate("a payload", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		must(t, err)
		unix.Close(fd)
	})
	want(t, "name", s.texts[TextFirst], "a payload")
	want(t, "path", s.texts[TextPath], "memfd:a payload")
	want(t, "flags", s.Value[0], unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
}
