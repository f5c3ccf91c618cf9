package fields_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vedette-edr/vedette/analyzer/fields"
	"github.com/vedette-edr/vedette/analyzer/sigma/engine"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
)

var _ engine.AliasEvent = (*fields.View)(nil)

// world is a host whose events a view shows.
type world struct {
	tree *state.Tree
	view *fields.View
}

func newWorld(tb testing.TB, product string, names ...string) *world {
	tb.Helper()
	passwd := filepath.Join(tb.TempDir(), "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:\nwww-data:x:33:\nada:x:1000:\n"), 0o644); err != nil {
		tb.Fatal(err)
	}
	w := &world{tree: state.New(state.Options{})}
	w.view = fields.New(w.tree, users.New(passwd, nil), product)
	w.view.Bind(names)
	return w
}

// show applies the event and gives the number of its records.
func (w *world) show(ev *pb.Event) int {
	return w.view.Reset("host", "boot", ev, w.tree.Apply(ev))
}

func key(pid uint32) *pb.ProcessKey {
	return &pb.ProcessKey{Pid: pid, StartTimeNs: uint64(pid) * uint64(time.Second)}
}

// by makes an event that the process acts in; its parent has half its process id.
func by(pid, uid uint32, comm string) *pb.Event {
	return &pb.Event{
		KernelTimeNs: uint64(time.Hour), WallTimeNs: time.Date(2026, 11, 23, 18, 24, 7, 89_000_000, time.UTC).UnixNano(),
		Actor: &pb.Actor{Process: key(pid), Parent: key(pid / 2), Tid: pid, Comm: []byte(comm), Uid: uid, Euid: uid},
	}
}

// exec makes the start of a program as user ada.
func exec(pid uint32, image string, arguments ...string) *pb.Event {
	return execAs(1000, pid, image, arguments...)
}

func execAs(uid, pid uint32, image string, arguments ...string) *pb.Event {
	comm := filepath.Base(image)
	if len(arguments) > 0 {
		comm = filepath.Base(arguments[0])
	}
	joined := ""
	for _, a := range arguments {
		joined += a + "\x00"
	}
	ev := by(pid, uid, comm)
	ev.Payload = &pb.Event_Exec{Exec: &pb.ProcessExec{
		Executable: &pb.File{Path: []byte(image), Inode: 77, Mode: 0o100755},
		Filename:   []byte(image), Arguments: []byte(joined), ArgumentsSize: uint64(len(joined)), ArgumentCount: uint32(len(arguments)),
		WorkingDirectory: []byte("/tmp"),
		Credentials:      &pb.Credentials{Uid: uid, Euid: uid, LoginUid: uid, AuditSession: 3},
	}}
	return ev
}

// line makes the start of a program from its arguments, with spaces between them; the program is in /usr/bin.
func line(command string) *pb.Event {
	arguments := strings.Fields(command)
	return exec(200, "/usr/bin/"+filepath.Base(arguments[0]), arguments...)
}

func wrote(name string) *pb.Event {
	ev := by(200, 0, "sh")
	ev.Payload = &pb.Event_FileOpen{FileOpen: &pb.FileOpen{
		File: &pb.File{Path: []byte(name), Inode: 5, Mode: 0o100644}, Flags: 0o101, Created: true,
	}}
	return ev
}

func read(name string) *pb.Event {
	ev := by(200, 0, "cat")
	ev.Payload = &pb.Event_FileOpen{FileOpen: &pb.FileOpen{File: &pb.File{Path: []byte(name), Inode: 5, Mode: 0o100644}}}
	return ev
}

const linux = taxonomy.Linux
