package kernel

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/bpf/record"
)

// What the tests use of include/uapi/linux/io_uring.h.
const (
	setupSubmissionThread = 1 << 1
	setupUnknown          = 1 << 31
	enterGetEvents        = 1
	enterWakeThread       = 2

	opNop       = 0
	opConnect   = 16
	opOpenAt    = 18
	opRenameAt  = 35
	opUnlinkAt  = 36
	opMkdirAt   = 37
	opSymlinkAt = 38
	opLinkAt    = 39
)

// parameters is struct io_uring_params.
type parameters struct {
	SubmissionEntries, CompletionEntries, Flags, ThreadCPU, ThreadIdle, Features, WorkQueue uint32
	_                                                                                       [3]uint32
	Submissions                                                                             struct {
		Head, Tail, Mask, Entries, Flags, Dropped, Array, _ uint32
		_                                                   uint64
	}
	Completions struct {
		Head, Tail, Mask, Entries, Overflow, CQEs, Flags, _ uint32
		_                                                   uint64
	}
}

// request is struct io_uring_sqe.
type request struct {
	Opcode, Flags uint8
	Priority      uint16
	Descriptor    int32
	Offset        uint64 // or the address of a second name
	Address       uint64
	Length        uint32
	OpFlags       uint32
	UserData      uint64
	_             [3]uint64
}

type ring struct {
	fd        int
	p         parameters
	rings     []byte
	requests  []byte
	submitted uint32
}

func setup(entries uint32, p *parameters) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, uintptr(entries), uintptr(unsafe.Pointer(p)), 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

func newRing(t *testing.T, flags uint32) *ring {
	t.Helper()
	r := &ring{p: parameters{Flags: flags, ThreadIdle: 1000}}
	var err error
	if r.fd, err = setup(8, &r.p); err != nil {
		t.Fatalf("cannot make a ring: %v", err)
	}
	// One mapping for both queues is given since 5.4.
	size := max(r.p.Submissions.Array+r.p.SubmissionEntries*4, r.p.Completions.CQEs+r.p.CompletionEntries*16)
	if r.rings, err = unix.Mmap(r.fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	if r.requests, err = unix.Mmap(r.fd, 0x10000000, int(r.p.SubmissionEntries*64), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, m := range [][]byte{r.rings, r.requests} {
			if err := unix.Munmap(m); err != nil {
				t.Error(err)
			}
		}
		unix.Close(r.fd)
	})
	return r
}

func (r *ring) word(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&r.rings[offset])) }

// do submits one request and returns its result.
func (r *ring) do(t *testing.T, q *request) int32 {
	t.Helper()
	slot := r.submitted & *r.word(r.p.Submissions.Mask)
	*(*request)(unsafe.Pointer(&r.requests[slot*64])) = *q
	*r.word(r.p.Submissions.Array + slot*4) = slot
	r.submitted++
	// A system call follows, which orders the store.
	*r.word(r.p.Submissions.Tail) = r.submitted
	flags, submit := uintptr(enterGetEvents), uintptr(1)
	if r.p.Flags&setupSubmissionThread != 0 {
		flags |= enterWakeThread
	}
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), submit, 1, flags, 0, 0); errno != 0 {
		t.Fatalf("cannot submit: %v", errno)
	}
	deadline := time.Now().Add(20 * time.Second)
	for *r.word(r.p.Completions.Tail) == *r.word(r.p.Completions.Head) {
		if time.Now().After(deadline) {
			t.Fatal("the request does not complete")
		}
		time.Sleep(time.Millisecond)
	}
	head := *r.word(r.p.Completions.Head)
	at := r.p.Completions.CQEs + head&*r.word(r.p.Completions.Mask)*16
	result := int32(binary.LittleEndian.Uint32(r.rings[at+8:]))
	*r.word(r.p.Completions.Head) = head + 1
	return result
}

// knows asks the kernel whether it has a kind of request.
func (r *ring) knows(t *testing.T, opcode uint8) bool {
	t.Helper()
	// struct io_uring_probe: the last kind, how many are told of, then a struct of 8 bytes for each.
	const registerProbe, head, kinds, supported = 8, 16, 128, 1
	var probe [head + kinds*8]byte
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(r.fd), registerProbe, uintptr(unsafe.Pointer(&probe)), kinds, 0, 0); errno != 0 {
		t.Fatalf("cannot ask what the ring knows: %v", errno)
	}
	return probe[head+int(opcode)*8+2]&supported != 0
}

func cString(s string) (*byte, uint64) {
	b := append([]byte(s), 0)
	return &b[0], uint64(uintptr(unsafe.Pointer(&b[0])))
}

func TestRingIsTold(t *testing.T) {
	o := observe(t)
	var p parameters
	var fd int
	var err error
	s := o.of(t, func() { fd, err = setup(5, &p) })
	if err != nil {
		t.Fatalf("cannot make a ring: %v", err)
	}
	unix.Close(fd)
	me := s.Actor.Process
	s.is(t, Record{Operation: RingCreate, Entries: 8, Creator: me}, nil)

	p = parameters{Flags: setupUnknown}
	s = o.of(t, func() { _, err = setup(5, &p) })
	want(t, "errno", err, error(unix.EINVAL))
	s.is(t, Record{Operation: RingCreate, Entries: 5, Flags: setupUnknown, Error: int32(unix.EINVAL), Creator: me}, nil)
}

// requests performs every kind of request that has a name, through a ring with the given flags.
func requests(t *testing.T, flags uint32) {
	o := observe(t)
	var r *ring
	s := o.of(t, func() { r = newRing(t, flags) })
	me := s.Actor.Process
	s.is(t, Record{Operation: RingCreate, Entries: 8, Flags: uint64(flags), Creator: me}, nil)
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	f := func(q request, first, second string, keepResult bool) {
		t.Helper()
		if !r.knows(t, q.Opcode) {
			t.Logf("this kernel has no request %d", q.Opcode)
			return
		}
		one, address := cString(first)
		two, other := cString(second)
		q.Address, q.Descriptor = address, unix.AT_FDCWD
		if second != "" {
			q.Offset = other
			// The directory of the second name lies where a length does.
			q.Length = uint32(0xffffff9c)
		}
		if q.Opcode == opSymlinkAt {
			q.Length = 0
		}
		s := o.of(t, func() {
			result := r.do(t, &q)
			if result < 0 {
				t.Errorf("request %d: %v", q.Opcode, unix.Errno(-result))
			}
			if keepResult {
				unix.Close(int(result))
			}
		})
		runtime.KeepAlive(one)
		runtime.KeepAlive(two)
		s.is(t, Record{Operation: RingRequest, Number: uint32(q.Opcode), Creator: me}, map[Text]string{TextName: first, TextValue: second})
		want(t, "process", s.Actor.Process, me)
	}
	f(request{Opcode: opOpenAt, OpFlags: unix.O_CREAT | unix.O_WRONLY, Length: 0o600}, in("new"), "", true)
	f(request{Opcode: opMkdirAt, Length: 0o700}, in("directory"), "", false)
	f(request{Opcode: opRenameAt}, in("new"), in("renamed"), false)
	f(request{Opcode: opLinkAt}, in("renamed"), in("hard"), false)
	f(request{Opcode: opSymlinkAt}, in("renamed"), in("soft"), false)
	f(request{Opcode: opUnlinkAt}, in("renamed"), "", false)
	if _, err := os.Lstat(in("renamed")); err == nil {
		t.Error("what was to be removed is there")
	}
	o.none(t, func() { r.do(t, &request{Opcode: opNop}) })
}

func TestRequestsAreTold(t *testing.T) { requests(t, 0) }

func TestRequestsOfAThreadAreTold(t *testing.T) { requests(t, setupSubmissionThread) }

func TestConnectionThroughARingIsTold(t *testing.T) {
	o := observe(t)
	r := newRing(t, 0)
	// Drops what the ring itself made.
	o.all(t, func() {})
	f := func(domain int, raw []byte, want Record, path string) {
		t.Helper()
		socket, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Skipf("no socket of domain %d: %v", domain, err)
		}
		defer unix.Close(socket)
		s := o.of(t, func() {
			r.do(t, &request{Opcode: opConnect, Descriptor: int32(socket), Address: uint64(uintptr(unsafe.Pointer(&raw[0]))), Offset: uint64(len(raw))})
		})
		runtime.KeepAlive(raw)
		want.Operation, want.Number, want.Creator = RingRequest, opConnect, s.Actor.Process
		texts := map[Text]string{}
		if path != "" {
			texts[TextName] = path
		}
		s.is(t, want, texts)
	}
	port := []byte{0x01, 0xbb}
	four := append([]byte{unix.AF_INET, 0}, port...)
	four = append(four, 127, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0)
	f(unix.AF_INET, four, Record{Port: 443, AddressLength: 4, Address: [16]byte{127, 0, 0, 9}}, "")
	six := append([]byte{unix.AF_INET6, 0}, port...)
	six = append(six, 0, 0, 0, 0)
	six = append(six, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0)
	f(unix.AF_INET6, six, Record{Port: 443, AddressLength: 16, Address: [16]byte{15: 1}}, "")
	f(unix.AF_UNIX, append([]byte{unix.AF_UNIX, 0}, "/run/no-such-socket\x00"...), Record{}, "/run/no-such-socket")
}

func TestRingFromBeforeTheSensorHasNoCreator(t *testing.T) {
	r := newRing(t, 0)
	o := observeAlone(t)
	one, address := cString("/")
	s := o.of(t, func() {
		unix.Close(int(r.do(t, &request{Opcode: opOpenAt, Descriptor: unix.AT_FDCWD, Address: address})))
	})
	runtime.KeepAlive(one)
	want(t, "creator", s.Creator, record.Key{})
}
