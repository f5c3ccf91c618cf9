package evasion

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/subject"
)

// manyWithheld is how many events of a flood are withheld at least: an emulated machine does not get far beyond its budget.
func manyWithheld() string {
	if os.Getenv("VEDETTE_EVASION_SOCKET") != "" {
		return "100"
	}
	return "1000"
}

// scenario is one act of a program that needs no variation, and what is to be reported of it.
type scenario struct {
	act   string
	wants []string
}

// run performs every scenario of a program.
func (p program) run(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.act, func(t *testing.T) {
			expect(t, p.act(t, s.act), s.wants...)
		})
	}
}

func wants(w ...string) []string { return w }

const (
	anyWrite = "file_write file@victim length=12 head=evaded-write"
	anyClose = "file_close file@victim written=true file.size=12 bytes_written=12"
	readable = "file_open file@victim flags!&3 error=0 created=false"
)

var handles = program{"evade_handle", "memfd_create name=evasion-end"}

var handleScenarios = []scenario{
	{"creat", wants(fmt.Sprintf("file_open file@fresh flags&%d created=true", unix.O_WRONLY))},
	{"write-reopened", wants("file_open file@victim flags&1")},
	{"write-handle", wants("file_open file@victim flags&1")},
	{"read-opath-reopened", wants(readable)},
	{"read-opath", wants(fmt.Sprintf("file_open file@victim flags&%d", unix.O_PATH))},
	{"read-handle", wants(readable)},
	{"read-openat2-beneath", wants(readable)},
	{"read-openat2-in-root", wants(readable)},
	{"read-openat2-no-symlinks", wants(readable)},
	{"read-openat2-cached", wants(readable)},
	// Under its other name the file is still the same object, and the link tells what it leads to.
	{"read-linked", wants("file_link target@victim link={innocent}", "file_open file.path={innocent} file.inode={victim.ino} flags!&3")},
	{"read-hard-link", wants("file_open file.path={innocent} file.inode={victim.ino} flags!&3")},
	{"read-renamed", wants("file_rename from@victim to={innocent}", "file_open file.path={innocent} file.inode={victim.ino} flags!&3")},
	{"read-denied", wants("file_open error=13 file.path={victim}")},
	{"read-missing", wants("no file_open error=2")},
	{"tmpfile-linkat", wants("file_link target.inode={fresh.ino} target.device={fresh.dev} link={fresh} symbolic=false",
		"file_write file.inode={fresh.ino} length=12 head=evaded-write")},
	{"linkat-empty-path", wants("file_link target@victim link={fresh}")},
	{"pwrite", wants(anyWrite + " offset=7")},
	{"writev", wants(anyWrite + " offset=0")},
	{"pwritev2", wants(anyWrite + " offset=7")},
	{"write-append", wants(anyWrite + " offset=21")},
	// What is moved inside the kernel has no bytes that could be shown.
	{"sendfile", wants("file_write file@victim length=8")},
	{"splice", wants("file_write file@victim length=12")},
	{"copy_file_range", wants("file_write file@victim length=8")},
	{"io_submit", wants("file_open file@victim flags&1", "file_close file@victim written=true")},
	{"mmap-shared", wants("file_open file@victim flags&2")},
	{"fallocate", wants("file_open file@victim flags&1")},
	{"fallocate-ring", wants("file_write file@victim offset=4096 length=65536")},
	{"write-duplicate", wants(anyWrite)},
	{"write-passed-descriptor", wants(anyWrite, "file_open file@victim flags&1 actor.process.pid={main}")},
	{"close-by-dup2", wants(anyClose)},
	{"close-by-close_range", wants(anyClose)},
	{"close-by-exit", wants(anyClose)},
	{"close-by-kill", wants(anyClose)},
	{"close-by-exec", wants(anyClose)},
	{"fchmod", wants("file_mode file@victim old_mode=0100644 new_mode=0104751")},
	{"fchown", wants("file_owner file@victim new_uid=1234 new_gid=2345")},
	{"ftruncate", wants("file_truncate file@victim old_size=21 new_size=5")},
	{"ftruncate-ring", wants("file_truncate file@victim old_size=21 new_size=5")},
	{"futimens", wants("file_times file@victim old_mtime_ns={victim.mtime} new_mtime_ns=1000000001000002000")},
	{"fsetxattr", wants("file_attribute file@victim name=trusted.evasion value=value removed=false")},
	{"fsetxattr-ring", wants("file_attribute file@victim name=trusted.evasion value=value removed=false")},
	{"fremovexattr", wants("file_attribute file@victim name=trusted.evasion removed=true")},
	{"fchownat-empty-path", wants("file_owner file@victim new_uid=1234 new_gid=2345")},
	{"fchmodat2-empty-path", wants("file_mode file@victim new_mode=0104751")},
	{"chmod-proc-fd", wants("file_mode file@victim new_mode=0104751")},
	{"setxattrat", wants("file_attribute file@victim name=trusted.evasion value=value removed=false")},
	{"removexattrat", wants("file_attribute file@victim name=trusted.evasion removed=true")},
	{"unlink-unfaulted", wants("file_delete file.path={victim} file.source=PATH_SOURCE_KERNEL")},
	{"chmod-unfaulted", wants("file_mode file@victim new_mode=0104751")},
	{"rename-unfaulted", wants("file_rename from.inode={fresh.ino} to={fresh} from.path={victim}")},
	{"flood", wants(readable, "throttled class=CLASS_FILE ended=false", "throttled class=CLASS_FILE ended=true withheld>="+manyWithheld())},
	{"utime", wants("file_times file@victim new_mtime_ns=1000000001000000000")},
	{"utimes", wants("file_times file@victim new_mtime_ns=1000000001000002000")},
	{"futimesat", wants("file_times file@victim new_mtime_ns=1000000001000002000")},
}

func TestFilesByDescriptor(t *testing.T) { handles.run(t, handleScenarios) }

// raceScenarios change the name in memory while the call is under way: kind of event, and where it tells the name.
var raceScenarios = []struct{ act, kind, field string }{
	{"unlink", "file_delete", "file"},
	{"rename", "file_rename", "from"},
	{"chmod", "file_mode", "file"},
}

// attached tells whether the collector has hooked a program.
func attached(t *testing.T, program string) bool {
	t.Helper()
	h, err := tests.system.Health.Wait(20*time.Second, func(h *pb.Health) bool { return h.Component == subject.Collector })
	if err != nil {
		t.Fatalf("no health of the collector: %v", err)
	}
	return slices.ContainsFunc(h.Attachments, func(a *pb.Attachment) bool { return a.Name == program && a.Attached })
}

// TestNamesThatChangeUnderWay wants the true path, or to be told that it may not be true.
func TestNamesThatChangeUnderWay(t *testing.T) {
	races := program{"evade_race", "memfd_create name=evasion-end"}
	for _, s := range raceScenarios {
		t.Run(s.act, func(t *testing.T) {
			f := races.act(t, s.act)
			var truth []string
			for _, path := range f.all("truth") {
				_, path, _ = strings.Cut(path, ":")
				truth = append(truth, path)
			}
			n, changed := 0, 0
			tests.system.Events.Count(func(ev *pb.Event) bool {
				path, _ := fieldOf(ev, s.field+".path")
				if kindOf(ev) != s.kind || fmt.Sprint(ev.Actor.Process.Pid) != f["main"] || strings.HasSuffix(path, "/kept") {
					return false
				}
				if n < len(truth) && path != truth[n] {
					changed++
					source, _ := fieldOf(ev, s.field+".source")
					if source != "PATH_SOURCE_CHANGED" || ev.Flags&uint32(pb.EventFlag_EVENT_FLAG_CHANGED_DURING_CALL) == 0 {
						t.Errorf("call %d was about %s; told, and not flagged as changed: %s", n, truth[n], show(ev))
					}
				}
				n++
				return false
			})
			if changed > 0 && attached(t, "file_true_"+s.act) {
				t.Errorf("%d of %d calls were reported with another name, although the kernel tells what it changes", changed, n)
			}
			if n != len(truth) {
				t.Errorf("%d calls were made and %d reported", len(truth), n)
			}
			t.Logf("of %d calls %d were reported with another name, each flagged", n, changed)
		})
	}
}
