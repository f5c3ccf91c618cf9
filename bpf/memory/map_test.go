package memory

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/record"
)

const (
	pages = 8192
	r     = unix.PROT_READ
	rw    = unix.PROT_READ | unix.PROT_WRITE
	rx    = unix.PROT_READ | unix.PROT_EXEC
	rwx   = unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	anon  = unix.MAP_PRIVATE | unix.MAP_ANONYMOUS
)

// mmap gives an address rather than a slice: nothing here looks at the memory.
func mmap(at uint64, length, protection, flags, fd int) (uint64, error) {
	p, _, errno := unix.RawSyscall6(unix.SYS_MMAP, uintptr(at), uintptr(length), uintptr(protection), uintptr(flags), uintptr(fd), 0)
	if errno != 0 {
		return 0, errno
	}
	return uint64(p), nil
}

func munmap(at uint64, length int) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_MUNMAP, uintptr(at), uintptr(length), 0); errno != 0 {
		return errno
	}
	return nil
}

func mapAt(t *testing.T, at uint64, length, protection, flags, fd int) uint64 {
	t.Helper()
	p, err := mmap(at, length, protection, flags, fd)
	must(t, err)
	t.Cleanup(func() { _ = munmap(p, length) })
	return p
}

func protect(address uint64, length, protection int) error {
	_, _, errno := unix.RawSyscall(unix.SYS_MPROTECT, uintptr(address), uintptr(length), uintptr(protection))
	if errno != 0 {
		return errno
	}
	return nil
}

// fileOf makes a file of two pages.
func fileOf(t *testing.T) *os.File {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	f, err := os.Create(filepath.Join(dir, "code"))
	must(t, err)
	t.Cleanup(func() { f.Close() })
	must(t, f.Truncate(pages))
	return f
}

func memfd(t *testing.T, name string) int {
	t.Helper()
	fd, err := unix.MemfdCreate(name, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.Ftruncate(fd, pages))
	return fd
}

const (
	deleted   = 1
	memfdFlag = 2
)

func TestExecutableMappings(t *testing.T) {
	o := observe(t)
	f := func(what string, protection, flags, fd int, identity uint32, path string) {
		t.Helper()
		var address uint64
		got := o.act(t, func() { address = mapAt(t, 0, pages, protection, flags, fd) })
		want := seen{Record{Operation: Map, Address: address, Length: pages, Number: uint32(protection), Flags: uint32(flags)}, path}
		if path != "" {
			want.File = identityOf(t, fd, identity)
		}
		want.PathLength = uint16(len(path))
		same(t, what, got, want)
	}
	f("anonymous writable memory", rwx, anon, -1, 0, "")
	f("anonymous memory", rx, anon, -1, 0, "")
	f("shared anonymous memory", rwx, unix.MAP_SHARED|unix.MAP_ANONYMOUS, -1, 0, "")
	file := fileOf(t)
	f("a writable file", rwx, unix.MAP_PRIVATE, int(file.Fd()), 0, file.Name())
	f("a shared writable file", rwx, unix.MAP_SHARED, int(file.Fd()), 0, file.Name())
	f("a memfd", rx, unix.MAP_SHARED, memfd(t, "payload"), memfdFlag, "memfd:payload")
	must(t, os.Remove(file.Name()))
	f("a deleted file", rx, unix.MAP_PRIVATE, int(file.Fd()), deleted, file.Name())
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	if fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR, 0o600); err == nil {
		defer unix.Close(fd)
		must(t, unix.Ftruncate(fd, pages))
		// Its name is the number of its inode.
		got := o.act(t, func() { mapAt(t, 0, pages, rx, unix.MAP_PRIVATE, fd) })
		if len(got) != 1 || got[0].File != identityOf(t, fd, deleted) {
			t.Errorf("a file that never had a name is reported as %+v", got)
		}
	} else if err != unix.EOPNOTSUPP {
		t.Error(err)
	}
}

func TestMappingsOfLoadersAreNotReported(t *testing.T) {
	o := observe(t)
	file := fileOf(t)
	fd := int(file.Fd())
	o.none(t, "the code of a file", func() { mapAt(t, 0, pages, rx, unix.MAP_PRIVATE, fd) })
	o.none(t, "anonymous data", func() { mapAt(t, 0, pages, rw, anon, -1) })
	o.none(t, "what is sealed after relocation", func() { must(t, protect(mapAt(t, 0, pages, rw, unix.MAP_PRIVATE, fd), pages, r)) })
	o.none(t, "a clean file made executable", func() { must(t, protect(mapAt(t, 0, pages, r, unix.MAP_PRIVATE, fd), pages, rx)) })
	o.none(t, "what is executable already", func() { must(t, protect(mapAt(t, 0, pages, rx, unix.MAP_PRIVATE, fd), pages, rx)) })
	o.none(t, "a mapping that fails", func() {
		if _, err := mmap(0, 0, rwx, anon, -1); !errors.Is(err, unix.EINVAL) {
			t.Error(err)
		}
		if err := protect(1<<46, pages, rwx); !errors.Is(err, unix.ENOMEM) {
			t.Error(err)
		}
	})
}

func TestProtectionsThatMakeMemoryExecutable(t *testing.T) {
	o := observe(t)
	file := fileOf(t)
	fd := int(file.Fd())
	f := func(what string, address uint64, length, protection, old int, identity uint32, path string) {
		t.Helper()
		want := seen{Record{
			Operation: Protect, Address: address, Length: uint64(length), Number: uint32(protection), OldProtection: uint32(old),
		}, path}
		want.PathLength = uint16(len(path))
		got := o.act(t, func() { must(t, protect(address, length, protection)) })
		if path != "" {
			want.File = identityOf(t, fd, identity)
		}
		same(t, what, got, want)
	}
	f("anonymous memory that was writable", mapAt(t, 0, pages, rw, anon, -1), pages, rx, rw, 0, "")
	f("anonymous memory made writable too", mapAt(t, 0, pages, rw, anon, -1), pages, rwx, rw, 0, "")
	f("anonymous memory that could do nothing", mapAt(t, 0, pages, 0, anon, -1), pages, rx, 0, 0, "")
	f("a file that was writable", mapAt(t, 0, pages, rw, unix.MAP_PRIVATE, fd), pages, rx, rw, 0, file.Name())
	f("code that becomes writable", mapAt(t, 0, pages, rx, unix.MAP_PRIVATE, fd), pages, rwx, rx, 0, file.Name())
	written := mapAt(t, 0, pages, rw, unix.MAP_PRIVATE, fd)
	if _, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(fd), uintptr(written), 1, 0, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	must(t, protect(written, pages, r))
	f("a file with pages of one's own", written, pages, rx, r, 0, file.Name())

	// Code of a file and, right behind it, data: one call over both.
	both := mapAt(t, 0, 2*pages, 0, anon, -1)
	mapAt(t, both, pages, rx, unix.MAP_PRIVATE|unix.MAP_FIXED, fd)
	mapAt(t, both+pages, pages, rw, anon|unix.MAP_FIXED, -1)
	f("data behind code", both, 2*pages, rx, rw, 0, "")

	plain := mapAt(t, 0, pages, rw, anon, -1)
	o.one(t, "pkey_mprotect", seen{Record: Record{Operation: Protect, Address: plain, Length: pages, Number: rx, OldProtection: rw}}, func() {
		if _, _, errno := unix.RawSyscall6(unix.SYS_PKEY_MPROTECT, uintptr(plain), pages, rx, ^uintptr(0), 0, 0); errno != 0 {
			t.Error(errno)
		}
	})
	hole := mapAt(t, 0, 2*pages, rw, anon, -1)
	must(t, munmap(hole+pages, pages))
	o.one(t, "a call that fails half way", seen{Record: Record{Operation: Protect, Address: hole, Length: 2 * pages, Number: rx, OldProtection: rw}}, func() {
		if err := protect(hole, 2*pages, rx); !errors.Is(err, unix.ENOMEM) {
			t.Error(err)
		}
	})
	must(t, os.Remove(file.Name()))
	f("a deleted file", mapAt(t, 0, pages, r, unix.MAP_PRIVATE, fd), pages, rx, r, deleted, file.Name())
	fd = memfd(t, "payload")
	f("a memfd", mapAt(t, 0, pages, r, unix.MAP_SHARED, fd), pages, rx, r, memfdFlag, "memfd:payload")
}

// The tree of areas has several levels, and every area of it must be found.
func TestEveryAreaOfManyIsFound(t *testing.T) {
	o := observe(t)
	const count = 600
	all := mapAt(t, 0, count*pages, rw, anon, -1)
	// Every other area differs, so that the kernel cannot merge them.
	for i := range uint64(count / 2) {
		must(t, protect(all+2*i*pages, pages, r))
	}
	for i := uint64(0); i < count; i += 37 {
		old := uint32(rw)
		if i%2 == 0 {
			old = r
		}
		o.one(t, "area "+strconv.Itoa(int(i)), seen{Record: Record{
			Operation: Protect, Address: all + i*pages, Length: pages, Number: rx, OldProtection: old,
		}}, func() { must(t, protect(all+i*pages, pages, rx)) })
	}
}

// oldPersonality maps readable memory where everything readable is executable, and writes what the kernel has made of it.
func oldPersonality(args []string) error {
	const readImpliesExec = 0x0400000
	if _, _, errno := unix.RawSyscall(unix.SYS_PERSONALITY, readImpliesExec, 0, 0); errno != 0 {
		return errno
	}
	p, err := mmap(0, pages, r, anon, -1)
	if err != nil {
		return err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasPrefix(line, strconv.FormatUint(p, 16)) {
			return os.WriteFile(args[0], []byte(strings.Fields(line)[1]), 0o600)
		}
	}
	return errors.New("the mapping is not among the process's")
}

func TestReadableMeansExecutableForOldPersonalities(t *testing.T) {
	o := observe(t)
	made := filepath.Join(t.TempDir(), "made")
	pid := run(t, "old-personality", nil, made)
	permissions, err := os.ReadFile(made)
	must(t, err)
	if string(permissions) != "r-xp" {
		same(t, "what this kernel does not make executable", o.of(t, pid))
		return
	}
	for _, s := range o.of(t, pid) {
		if s.Operation == Map && s.Length == pages && s.Number == rx && s.Flags == anon {
			return
		}
	}
	t.Errorf("the mapping is not among %+v", o.of(t, pid))
}

// flips makes memory executable and writable again as often as it is told.
func flips(args []string) error {
	count, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	p, err := mmap(0, pages, rw, anon, -1)
	if err != nil {
		return err
	}
	for range count {
		if err := protect(p, pages, rx); err != nil {
			return err
		}
		if err := protect(p, pages, rw); err != nil {
			return err
		}
	}
	if len(args) > 1 {
		time.Sleep(1100 * time.Millisecond)
		return protect(p, pages, rx)
	}
	return nil
}

func TestWhatExceedsTheBudgetIsWithheldAndCounted(t *testing.T) {
	const count = 5000
	f := func(args ...string) {
		o := observe(t)
		before, err := o.Set.Lanes().Counters(4)
		must(t, err)
		pid := run(t, "flips", nil, args...)
		told := len(o.of(t, pid))
		// The process has ended, and with it its second.
		o.drain(t, func() bool { return len(o.throttled) == 0 || o.throttled[len(o.throttled)-1].Ended == 0 })
		made, withheld := uint64(count+len(args)-1), uint64(0)
		for i, r := range o.throttled {
			if r.Actor.Process.TGID != uint32(pid) || r.Class != 4 || r.Kind != record.Throttled || r.Sequence == 0 {
				t.Errorf("record %d is %+v", i, r)
			}
			if r.Ended == 0 && r.Withheld != 1 || r.Ended == 1 && r.Interval == 0 || r.Ended != uint32(i%2) {
				t.Errorf("record %d is %+v", i, r)
			}
			if r.Ended == 1 {
				withheld += r.Withheld
			}
		}
		if uint64(told)+withheld != made || withheld == 0 {
			t.Errorf("%d are told and %d withheld of %d", told, withheld, made)
		}
		if len(args) == 1 && told < 64 {
			t.Errorf("%d are told, want the 64 of a second at least", told)
		}
		c, err := o.Set.Lanes().Counters(4)
		must(t, err)
		if c.LostThrottled-before.LostThrottled != withheld || c.Made-c.Lost() != o.Read {
			t.Errorf("the counters are %+v, withheld were %d, read %d", c, withheld, o.Read)
		}
	}
	f(strconv.Itoa(count))
	f(strconv.Itoa(count), "and-later")
}
