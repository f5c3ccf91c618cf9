package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// one wants a single record of an act.
func (o *observer) one(t *testing.T, operation Operation, act func()) seen {
	t.Helper()
	all := o.did(t, operation, act)
	if len(all) != 1 {
		t.Fatalf("the act made %d records of operation %d, want 1: %+v", len(all), operation, all)
	}
	s := all[0]
	want(t, "flags of the record", s.Flags, 0)
	want(t, "thread", s.Actor.Process.TGID, uint32(os.Getpid()))
	return s
}

// is wants the record's object to be the one at path now.
func (s *seen) is(t *testing.T, path string) {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	want(t, "path", s.texts[TextPath], path)
	want(t, "source", s.Source, SourceKernel)
	want(t, "device", s.File.Device, st.Dev)
	want(t, "inode", s.File.Inode, st.Ino)
	want(t, "mode", s.File.Mode, st.Mode)
	want(t, "links", uint64(s.File.Links), st.Nlink)
	want(t, "size", s.File.Size, uint64(st.Size))
	want(t, "mtime", s.File.MTime, st.Mtim.Nano())
	want(t, "ctime", s.File.CTime, st.Ctim.Nano())
	want(t, "uid", s.File.UID, st.Uid)
	want(t, "gid", s.File.GID, st.Gid)
}

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}

func TestOpenForWriting(t *testing.T) {
	o := observe(t)
	path := filepath.Join(tempDir(t), "new")
	s := o.one(t, Open, func() {
		fd, err := unix.Open(path, unix.O_CREAT|unix.O_RDWR|unix.O_APPEND, 0o640)
		must(t, err)
		unix.Close(fd)
	})
	s.is(t, path)
	want(t, "created", s.Value[1], 1)
	want(t, "flags", s.Value[0]&(unix.O_ACCMODE|unix.O_APPEND|unix.O_CREAT), unix.O_RDWR|unix.O_APPEND|unix.O_CREAT)
	want(t, "error", s.Error, 0)

	s = o.one(t, Open, func() {
		fd, err := unix.Open(path, unix.O_WRONLY, 0)
		must(t, err)
		unix.Close(fd)
	})
	want(t, "created", s.Value[1], 0)
	want(t, "path", s.texts[TextPath], path)

	none := o.did(t, Open, func() {
		fd, err := unix.Open(path, unix.O_RDONLY, 0)
		must(t, err)
		unix.Close(fd)
		null, err := unix.Open("/dev/null", unix.O_RDWR, 0)
		must(t, err)
		unix.Close(null)
		if _, err := unix.Open(path+"-that-is-not", unix.O_RDONLY, 0); err == nil {
			t.Error("a file that is not there opens")
		}
	})
	want(t, "records of readings and of what is not there", len(none), 0)
}

func TestDeniedOpenIsTold(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	must(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "secret")
	must(t, os.WriteFile(path, nil, 0o600))
	s := o.one(t, Open, func() {
		// Only the thread's own view of files changes.
		must(t, setFSUID(65534, func() {
			if _, err := unix.Open(path, unix.O_RDWR, 0); err != unix.EACCES {
				t.Errorf("opening gives %v, want EACCES", err)
			}
		}))
	})
	want(t, "error", s.Error, int32(unix.EACCES))
	want(t, "path", s.texts[TextPath], path)
	want(t, "flags", s.Value[0]&unix.O_ACCMODE, unix.O_RDWR)
}

func TestReadingIsToldOfWhatMatters(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	secret, other := filepath.Join(dir, "the-secret-of-a-test"), filepath.Join(dir, "other")
	must(t, os.WriteFile(secret, nil, 0o600))
	must(t, os.Link(secret, other))
	read := func(path string) func() {
		return func() {
			_, err := os.ReadFile(path)
			must(t, err)
		}
	}
	want(t, "readings before", len(o.did(t, Open, read(secret))), 0)
	must(t, o.sensor.SetInterest(Interest{Names: []string{"the-secret-of-a-test"}}))
	s := o.one(t, Open, read(secret))
	s.is(t, secret)
	want(t, "number of what only passed the sieve", s.Sequence, 0)
	want(t, "readings under another name", len(o.did(t, Open, read(other))), 0)

	var st unix.Stat_t
	must(t, unix.Stat(secret, &st))
	must(t, o.sensor.AddObject(KernelDevice(st.Dev), st.Ino))
	s = o.one(t, Open, read(other))
	want(t, "path", s.texts[TextPath], other)

	// Of what has just got another name the kernel side knows by itself.
	for by, move := range map[string]func(from, to string) error{"link": os.Link, "rename": os.Rename} {
		must(t, os.RemoveAll(secret))
		must(t, os.WriteFile(secret, nil, 0o600))
		moved := filepath.Join(dir, by)
		s = o.one(t, Open, func() {
			must(t, move(secret, moved))
			read(moved)()
		})
		want(t, "path", s.texts[TextPath], moved)
	}

	must(t, o.sensor.SetInterest(Interest{FailedOpens: true}))
	s = o.one(t, Open, func() { _, _ = os.ReadFile(dir + "/none") })
	want(t, "error", s.Error, int32(unix.ENOENT))
	want(t, "path", s.texts[TextPath], dir+"/none")
	must(t, o.sensor.SetInterest(Interest{Off: []Operation{Open}}))
	want(t, "openings that are switched off", len(o.did(t, Open, func() { must(t, os.WriteFile(secret, nil, 0o600)) })), 0)
}

func TestWriteAndClose(t *testing.T) {
	o := observe(t)
	path := filepath.Join(tempDir(t), "f")
	var fd int
	s := o.one(t, Write, func() {
		var err error
		fd, err = unix.Open(path, unix.O_CREAT|unix.O_RDWR, 0o600)
		must(t, err)
		_, err = unix.Pwrite(fd, []byte("#!/bin/sh\nexit\n"), 7)
		must(t, err)
		_, err = unix.Write(fd, []byte("more"))
		must(t, err)
	})
	want(t, "path", s.texts[TextPath], path)
	want(t, "offset", s.Value[0], 7)
	want(t, "length", s.Value[1], 15)
	want(t, "head", s.texts[TextFirst], "#!/bin/sh\nexit\n")

	s = o.one(t, Close, func() {
		other, err := unix.Dup(fd)
		must(t, err)
		unix.Close(fd)
		unix.Close(other)
	})
	s.is(t, path)
	want(t, "bytes written", s.Value[0], 19)

	want(t, "closes of what was not written", len(o.did(t, Close, func() {
		fd, err := unix.Open(path, unix.O_RDWR, 0)
		must(t, err)
		unix.Close(fd)
	})), 0)
}

func TestEveryWayToWriteIsSeen(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	source := filepath.Join(dir, "source")
	must(t, os.WriteFile(source, []byte(strings.Repeat("x", 5000)), 0o600))
	f := func(name string, head string, write func(fd, from int) error) {
		t.Helper()
		path := filepath.Join(dir, name)
		s := o.one(t, Write, func() {
			fd, err := unix.Open(path, unix.O_CREAT|unix.O_WRONLY, 0o600)
			must(t, err)
			defer unix.Close(fd)
			from, err := unix.Open(source, unix.O_RDONLY, 0)
			must(t, err)
			defer unix.Close(from)
			must(t, write(fd, from))
		})
		want(t, name+": path", s.texts[TextPath], path)
		want(t, name+": head", s.texts[TextFirst], head)
		if s.Value[1] == 0 {
			t.Errorf("%s: no length", name)
		}
	}
	second := func(_ int, err error) error { return err }
	vector := [][]byte{[]byte("ab"), []byte("cd")}
	f("write", "abc", func(fd, _ int) error { return second(unix.Write(fd, []byte("abc"))) })
	f("writev", "abcd", func(fd, _ int) error { return second(unix.Writev(fd, vector)) })
	f("pwritev", "abcd", func(fd, _ int) error { return second(unix.Pwritev(fd, vector, 3)) })
	f("pwritev2", "abcd", func(fd, _ int) error { return second(unix.Pwritev2(fd, vector, 3, 0)) })
	f("sendfile", "", func(fd, from int) error { return second(unix.Sendfile(fd, from, nil, 100)) })
	f("copy_file_range", "", func(fd, from int) error { return second(unix.CopyFileRange(from, nil, fd, nil, 100, 0)) })
	f("fallocate", "", func(fd, _ int) error { return unix.Fallocate(fd, 0, 0, 10) })
	f("splice", "", func(fd, _ int) error {
		var p [2]int
		if err := unix.Pipe(p[:]); err != nil {
			return err
		}
		defer unix.Close(p[0])
		defer unix.Close(p[1])
		if _, err := unix.Write(p[1], []byte("through")); err != nil {
			return err
		}
		_, err := unix.Splice(p[0], nil, fd, nil, 7, 0)
		return err
	})
}

func TestDeleteAndDirectories(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	path := filepath.Join(dir, "f")
	must(t, os.WriteFile(path, []byte("12"), 0o751))
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	s := o.one(t, Delete, func() { must(t, unix.Unlink(path)) })
	want(t, "path", s.texts[TextPath], path)
	want(t, "inode", s.File.Inode, st.Ino)
	want(t, "mode", s.File.Mode, st.Mode)
	want(t, "size", s.File.Size, 2)
	want(t, "failed deletions", len(o.did(t, Delete, func() { _ = unix.Unlink(path) })), 0)

	sub := filepath.Join(dir, "sub")
	s = o.one(t, Mkdir, func() { must(t, unix.Mkdir(sub, 0o700)) })
	s.is(t, sub)
	s = o.one(t, Rmdir, func() { must(t, unix.Rmdir(sub+"///")) })
	want(t, "path", s.texts[TextPath], sub)
}

func TestRenameAndLinks(t *testing.T) {
	o := observe(t)
	dir := tempDir(t)
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	must(t, os.WriteFile(from, []byte("1"), 0o600))
	must(t, os.WriteFile(to, []byte("22"), 0o600))
	inode := func(path string) uint64 {
		var st unix.Stat_t
		must(t, unix.Lstat(path, &st))
		return st.Ino
	}
	moved, replaced := inode(from), inode(to)
	s := o.one(t, Rename, func() { must(t, unix.Rename(from, to)) })
	want(t, "from", s.texts[TextPath], from)
	want(t, "to", s.texts[TextSecondPath], to)
	want(t, "object", s.File.Inode, moved)
	want(t, "replaced object", s.Before.Inode, replaced)
	want(t, "replaced size", s.Before.Size, 2)
	want(t, "second source", s.SecondSource, SourceKernel)

	must(t, os.WriteFile(from, nil, 0o600))
	a, b := inode(from), inode(to)
	both := o.did(t, Rename, func() { must(t, unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE)) })
	want(t, "records of an exchange", len(both), 2)
	want(t, "the first goes", both[0].texts[TextPath]+both[0].texts[TextSecondPath], from+to)
	want(t, "the first object", both[0].File.Inode, a)
	want(t, "the second comes", both[1].texts[TextPath]+both[1].texts[TextSecondPath], to+from)
	want(t, "the second object", both[1].File.Inode, b)

	link := filepath.Join(dir, "hard")
	s = o.one(t, Link, func() { must(t, unix.Link(to, link)) })
	want(t, "target", s.texts[TextPath], to)
	want(t, "link", s.texts[TextSecondPath], link)
	want(t, "object", s.File.Inode, inode(to))
	want(t, "links", s.File.Links, 2)
	soft := filepath.Join(dir, "soft")
	s = o.one(t, Symlink, func() { must(t, unix.Symlink("../somewhere else", soft)) })
	s.is(t, soft)
	want(t, "text", s.texts[TextFirst], "../somewhere else")
}

func TestChangesTellOldAndNew(t *testing.T) {
	o := observe(t)
	path := filepath.Join(tempDir(t), "f")
	must(t, os.WriteFile(path, []byte("1234567"), 0o600))
	fd, err := unix.Open(path, unix.O_RDWR, 0)
	must(t, err)
	defer unix.Close(fd)

	mode := func(old, new uint32, act func()) {
		t.Helper()
		s := o.one(t, Chmod, act)
		s.is(t, path)
		want(t, "old mode", s.Before.Mode, unix.S_IFREG|old)
		want(t, "new mode", s.File.Mode, unix.S_IFREG|new)
	}
	mode(0o600, 0o4755, func() { must(t, unix.Chmod(path, 0o4755)) })
	mode(0o4755, 0o640, func() { must(t, unix.Fchmod(fd, 0o640)) })
	mode(0o640, 0o600, func() { must(t, unix.Fchmodat(unix.AT_FDCWD, path, 0o600, 0)) })

	owner := func(old, new uint32, act func()) {
		t.Helper()
		s := o.one(t, Chown, act)
		s.is(t, path)
		want(t, "old owner", s.Before.UID, old)
		want(t, "new owner", s.File.UID, new)
	}
	owner(0, 12, func() { must(t, unix.Chown(path, 12, 34)) })
	owner(12, 13, func() { must(t, unix.Fchown(fd, 13, -1)) })
	owner(13, 0, func() { must(t, unix.Lchown(path, 0, 0)) })

	size := func(old, new uint64, act func()) {
		t.Helper()
		s := o.one(t, Truncate, act)
		s.is(t, path)
		want(t, "old size", s.Before.Size, old)
		want(t, "new size", s.File.Size, new)
	}
	size(7, 3, func() { must(t, unix.Truncate(path, 3)) })
	size(3, 100, func() { must(t, unix.Ftruncate(fd, 100)) })

	var before unix.Stat_t
	must(t, unix.Stat(path, &before))
	s := o.one(t, Utimes, func() {
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{{Sec: 1000, Nsec: 5}, {Sec: 2000, Nsec: 6}}, 0))
	})
	s.is(t, path)
	want(t, "old mtime", s.Before.MTime, before.Mtim.Nano())
	want(t, "new mtime", s.File.MTime, 2000_000_000_006)
	want(t, "new atime", s.Value[0], 1000_000_000_005)
}

func TestAttributes(t *testing.T) {
	o := observe(t)
	path := filepath.Join(tempDir(t), "f")
	must(t, os.WriteFile(path, nil, 0o600))
	value := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	var err error
	set := o.did(t, SetXattr, func() { err = unix.Setxattr(path, "security.capability", []byte(value), 0) })
	if err == unix.ENOTSUP {
		t.Skip("the file system of the temporary directory has no attributes")
	}
	must(t, err)
	want(t, "records", len(set), 1)
	set[0].is(t, path)
	want(t, "name", set[0].texts[TextFirst], "security.capability")
	want(t, "value", set[0].texts[TextSecond], value)
	s := o.one(t, RemoveXattr, func() { must(t, unix.Removexattr(path, "security.capability")) })
	want(t, "name", s.texts[TextFirst], "security.capability")
	want(t, "value", s.texts[TextSecond], "")
}
