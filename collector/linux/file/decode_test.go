package file

import (
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	kernel "github.com/vedette-edr/vedette/bpf/file"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/collector/core"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	"github.com/vedette-edr/vedette/collector/linux/glob"
	pb "github.com/vedette-edr/vedette/proto"
)

// sieve notes what it is told.
type sieve struct {
	interest kernel.Interest
	objects  []uint64
}

func (s *sieve) SetInterest(i kernel.Interest) error { s.interest = i; return nil }

func (s *sieve) AddObject(_ uint32, inode uint64) error {
	s.objects = append(s.objects, inode)
	return nil
}

func newWanted(t testing.TB, patterns ...string) (*Wanted, *sieve) {
	t.Helper()
	s := &sieve{}
	var parsed []glob.Pattern
	for _, text := range patterns {
		p, err := glob.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	w, err := NewWanted(s, parsed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, s
}

// layOut makes a record as the kernel side does.
func layOut(r kernel.Record, texts map[kernel.Text]string) []byte {
	for i := range r.TextLength {
		r.TextLength[i] = uint16(len(texts[kernel.Text(i)]))
	}
	b := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&r)), unsafe.Sizeof(r))...)
	for i := range r.TextLength {
		b = append(b, texts[kernel.Text(i)]...)
	}
	return b
}

func TestRecordsBecomeEvents(t *testing.T) {
	w, _ := newWanted(t)
	d := NewDecoder(w)
	*d.frame.Clock() = frame.ClockAt(1e18, 6e9)
	header := record.Header{Sequence: 3, Time: 6e9, CPU: 1, Kind: record.File, Actor: record.Actor{
		Process: record.Key{TGID: 100, StartTime: 5e9}, Parent: record.Key{TGID: 50, StartTime: 4e9}, TID: 101, UID: 1, MountNS: 8,
	}}
	id := record.FileIdentity{Device: 1, Inode: 2, CTime: 3, MTime: 4, Size: 5, Mode: 0o100644, UID: 6, GID: 7, Links: 1, Flags: 8, Filesystem: 9, MountID: 10}
	was := record.FileIdentity{Device: 1, Inode: 22, MTime: 40, Size: 50, Mode: 0o104755, UID: 60, GID: 70}
	file := func(path string) *pb.File {
		return &pb.File{
			Path: []byte(path), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 2, CtimeNs: 3, MtimeNs: 4, Size: 5, Mode: 0o100644,
			Uid: 6, Gid: 7, Links: 1, Flags: 8, Filesystem: 9, MountId: 10, MountNamespace: 8,
		}
	}
	f := func(name string, r kernel.Record, texts map[kernel.Text]string, want *pb.Event) {
		t.Helper()
		r.Header, r.File, r.Before = header, id, was
		if r.Source == 0 {
			r.Source, r.SecondSource = kernel.SourceKernel, kernel.SourceKernel
		}
		if texts[kernel.TextPath] == "" {
			texts[kernel.TextPath] = "/p"
		}
		got, err := d.Decode(record.File, layOut(r, texts))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want.Class, want.Cpu, want.Sequence, want.KernelTimeNs, want.WallTimeNs = pb.Class_CLASS_FILE, 1, 3, 6e9, 1e18+6e9
		want.Actor = &pb.Actor{Process: &pb.ProcessKey{Pid: 100, StartTimeNs: 5e9}, Parent: &pb.ProcessKey{Pid: 50, StartTimeNs: 4e9}, Tid: 101, Uid: 1, MountNamespace: 8}
		if diff := cmp.Diff(overTheWire(t, want), overTheWire(t, got), protocmp.Transform()); diff != "" {
			t.Errorf("%s: the event differs (-want +got):\n%s", name, diff)
		}
	}
	type texts = map[kernel.Text]string
	f("open", kernel.Record{Operation: kernel.Open, Value: [2]uint64{0o101, 1}}, texts{},
		&pb.Event{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: file("/p"), Flags: 0o101, Created: true}}})
	f("denied", kernel.Record{Operation: kernel.Open, Error: 13}, texts{},
		&pb.Event{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: file("/p"), Error: 13}}})
	f("mknod", kernel.Record{Operation: kernel.Mknod}, texts{},
		&pb.Event{Payload: &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: file("/p"), Created: true}}})
	f("write", kernel.Record{Operation: kernel.Write, Value: [2]uint64{7, 9}}, texts{kernel.TextFirst: "\x7fELF"},
		&pb.Event{Payload: &pb.Event_FileWrite{FileWrite: &pb.FileWrite{File: file("/p"), Offset: 7, Length: 9, Head: []byte("\x7fELF")}}})
	f("close", kernel.Record{Operation: kernel.Close, Value: [2]uint64{99, 0}}, texts{},
		&pb.Event{Payload: &pb.Event_FileClose{FileClose: &pb.FileClose{File: file("/p"), Written: true, BytesWritten: 99}}})
	f("delete", kernel.Record{Operation: kernel.Delete}, texts{}, &pb.Event{Payload: &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: file("/p")}}})
	replaced := &pb.File{
		Path: []byte("/q"), Source: pb.PathSource_PATH_SOURCE_KERNEL, Device: 1, Inode: 22, MtimeNs: 40, Size: 50, Mode: 0o104755, Uid: 60, Gid: 70, MountNamespace: 8,
	}
	f("rename", kernel.Record{Operation: kernel.Rename}, texts{kernel.TextSecondPath: "/q"},
		&pb.Event{Payload: &pb.Event_FileRename{FileRename: &pb.FileRename{
			From: file("/p"), To: []byte("/q"), ToSource: pb.PathSource_PATH_SOURCE_KERNEL, Replaced: replaced,
		}}})
	f("link", kernel.Record{Operation: kernel.Link}, texts{kernel.TextSecondPath: "/q"},
		&pb.Event{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Target: file("/p"), Link: []byte("/q")}}})
	f("symlink", kernel.Record{Operation: kernel.Symlink}, texts{kernel.TextFirst: "to"},
		&pb.Event{Payload: &pb.Event_FileLink{FileLink: &pb.FileLink{Link: []byte("/p"), Symbolic: true, LinkText: []byte("to")}}})
	f("chmod", kernel.Record{Operation: kernel.Chmod}, texts{},
		&pb.Event{Payload: &pb.Event_FileMode{FileMode: &pb.FileMode{File: file("/p"), OldMode: 0o104755, NewMode: 0o100644}}})
	f("chown", kernel.Record{Operation: kernel.Chown}, texts{},
		&pb.Event{Payload: &pb.Event_FileOwner{FileOwner: &pb.FileOwner{File: file("/p"), OldUid: 60, OldGid: 70, NewUid: 6, NewGid: 7}}})
	f("truncate", kernel.Record{Operation: kernel.Truncate}, texts{},
		&pb.Event{Payload: &pb.Event_FileTruncate{FileTruncate: &pb.FileTruncate{File: file("/p"), OldSize: 50, NewSize: 5}}})
	f("utimes", kernel.Record{Operation: kernel.Utimes, Value: [2]uint64{77, 0}}, texts{},
		&pb.Event{Payload: &pb.Event_FileTimes{FileTimes: &pb.FileTimes{File: file("/p"), OldMtimeNs: 40, NewMtimeNs: 4, NewAtimeNs: 77}}})
	f("setxattr", kernel.Record{Operation: kernel.SetXattr}, texts{kernel.TextFirst: "user.a", kernel.TextSecond: "v\x00"},
		&pb.Event{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{File: file("/p"), Name: []byte("user.a"), Value: []byte("v\x00")}}})
	f("removexattr", kernel.Record{Operation: kernel.RemoveXattr}, texts{kernel.TextFirst: "user.a"},
		&pb.Event{Payload: &pb.Event_FileAttribute{FileAttribute: &pb.FileAttribute{File: file("/p"), Name: []byte("user.a"), Removed: true}}})
	f("mkdir", kernel.Record{Operation: kernel.Mkdir}, texts{},
		&pb.Event{Payload: &pb.Event_DirectoryChange{DirectoryChange: &pb.DirectoryChange{Directory: file("/p")}}})
	f("rmdir", kernel.Record{Operation: kernel.Rmdir}, texts{},
		&pb.Event{Payload: &pb.Event_DirectoryChange{DirectoryChange: &pb.DirectoryChange{Directory: file("/p"), Removed: true}}})
	f("memfd", kernel.Record{Operation: kernel.Memfd, Value: [2]uint64{3, 0}}, texts{kernel.TextFirst: "x"},
		&pb.Event{Payload: &pb.Event_MemfdCreate{MemfdCreate: &pb.MemfdCreate{Name: []byte("x"), Flags: 3, File: file("/p")}}})
	f("umount", kernel.Record{Operation: kernel.Mount, Call: callOf(t, "umount2"), Value: [2]uint64{2, 0}}, texts{},
		&pb.Event{Payload: &pb.Event_Mount{Mount: &pb.Mount{Target: []byte("/p"), Flags: 2, Operation: "umount2"}}})
	f("mount", kernel.Record{Operation: kernel.Mount, Call: callOf(t, "mount"), Value: [2]uint64{2, 0}},
		texts{kernel.TextSecondPath: "dev", kernel.TextFirst: "ext4", kernel.TextSecond: "ro"},
		&pb.Event{Payload: &pb.Event_Mount{Mount: &pb.Mount{
			Source: []byte("dev"), Target: []byte("/p"), Filesystem: []byte("ext4"), Flags: 2, Options: []byte("ro"), Operation: "mount",
		}}})
	f("bind", kernel.Record{Operation: kernel.Bind, Value: [2]uint64{5, 0}}, texts{},
		&pb.Event{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{File: file("/p"), Type: 5}}})
	f("abstract bind", kernel.Record{Operation: kernel.Bind, Value: [2]uint64{1, 1}}, texts{kernel.TextFirst: "a\x00b"},
		&pb.Event{Payload: &pb.Event_UnixBind{UnixBind: &pb.UnixBind{Name: []byte("a\x00b"), Abstract: true, Type: 1}}})

	lexical := file("/home/x/f")
	lexical.Source = pb.PathSource_PATH_SOURCE_LEXICAL
	f("lexical", kernel.Record{Operation: kernel.Delete, Source: kernel.SourceLexical}, texts{kernel.TextPath: "/home", kernel.TextName: "./y/../x//f"},
		&pb.Event{Payload: &pb.Event_FileDelete{FileDelete: &pb.FileDelete{File: lexical}}})
}

func callOf(t *testing.T, name string) uint32 {
	t.Helper()
	w, _ := newWanted(t)
	for i, n := range NewDecoder(w).calls {
		if n == name {
			return uint32(i)
		}
	}
	t.Fatalf("no call %s", name)
	return 0
}

func overTheWire(t *testing.T, ev *pb.Event) *pb.Event {
	t.Helper()
	b, err := proto.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	var out pb.Event
	if err := proto.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestWhatPassedTheSieveIsJudgedByItsPath(t *testing.T) {
	w, s := newWanted(t, "/etc/shadow", "**/.ssh/id_*")
	d := NewDecoder(w)
	read := func(path string, inode uint64) *pb.Event {
		t.Helper()
		ev, err := d.Decode(record.File, layOut(kernel.Record{
			Header: record.Header{Kind: record.File, Time: 1}, Operation: kernel.Open, File: record.FileIdentity{Device: 5, Inode: inode}, Source: 1,
		}, map[kernel.Text]string{kernel.TextPath: path}))
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
	if ev := read("/etc/shadow", 1<<40); ev == nil || ev.Cpu != core.SeedCPU {
		t.Errorf("a reading that matters gives %v, want an event that user space numbers", ev)
	}
	if ev := read("/tmp/shadow", 7); ev != nil {
		t.Errorf("another file of the name gives %v", ev)
	}
	if ev := read("/tmp/hard-link", 1<<40); ev == nil {
		t.Error("the same object under another name is not told")
	}
	if len(s.objects) == 0 || s.objects[len(s.objects)-1] != 1<<40 {
		t.Errorf("the sieve was told of the objects %v, want the one that was read last", s.objects)
	}
}

func TestWantedPassesOnWhatIsAsked(t *testing.T) {
	w, s := newWanted(t, "**/.ssh/id_*")
	refused, err := w.Ask(&pb.Interest{ReadPaths: [][]byte{[]byte("/etc/passwd"), []byte("*"), []byte("/etc/passwd")}, FailedOpens: true})
	if err != nil || refused != 1 {
		t.Errorf("asking gives %d refusals (%v), want 1", refused, err)
	}
	if diff := cmp.Diff(kernel.Interest{FailedOpens: true, Names: []string{".ssh", "passwd"}}, s.interest); diff != "" {
		t.Errorf("the sieve was told something else (-want +got):\n%s", diff)
	}
	if !w.reads(&pb.File{Path: []byte("/etc/passwd")}) || w.reads(&pb.File{Path: []byte("/etc/group")}) {
		t.Error("what is asked for is not what is told")
	}
}

func TestDecodingDoesNotAllocate(t *testing.T) {
	w, _ := newWanted(t, "/etc/shadow")
	d := NewDecoder(w)
	var records [][]byte
	for op := kernel.Open; op <= kernel.Mknod; op++ {
		records = append(records, layOut(kernel.Record{
			Header: record.Header{Sequence: 1, Time: 5, Kind: record.File}, Operation: op, Source: 1, SecondSource: 2,
		}, map[kernel.Text]string{kernel.TextPath: "/a/b", kernel.TextSecondPath: "/a", kernel.TextSecondName: "c"}))
	}
	n := testing.AllocsPerRun(100, func() {
		for _, rec := range records {
			if _, err := d.Decode(record.File, rec); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n != 0 {
		t.Errorf("decoding %d records allocates %v times", len(records), n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(layOut(kernel.Record{Operation: kernel.Rename}, map[kernel.Text]string{kernel.TextSecondName: "../x"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, _ := newWanted(t, "/etc/shadow")
		d := NewDecoder(w)
		words := make([]uint64, len(b)/8+1)
		rec := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:len(b)]
		copy(rec, b)
		_, _ = d.Decode(record.File, rec)
		_, _ = d.Decode(record.Throttled, rec)
	})
}

func BenchmarkDecode(b *testing.B) {
	w, _ := newWanted(b, DefaultReadPaths()...)
	d := NewDecoder(w)
	rec := layOut(kernel.Record{
		Header: record.Header{Sequence: 1, Time: 5, Kind: record.File}, Operation: kernel.Open, Source: 1,
	}, map[kernel.Text]string{kernel.TextPath: "/home/somebody/project/src/module/file.go"})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(record.File, rec); err != nil {
			b.Fatal(err)
		}
	}
}
