package evasion

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var files = program{"evade_file", "memfd_create name=evasion-end"}

// op is an act on files and what is to be reported of it, whatever the file is called by.
type op struct {
	name  string
	wants []string
}

// fileOps are performed in every place, by every way into the kernel and by everyone.
var fileOps = []op{
	{"open-write", []string{fmt.Sprintf("file_open file@victim flags&%d created=false error=0 file.size={victim.size} file.mode={victim.mode}", unix.O_WRONLY)}},
	{"read", []string{"file_open file@victim flags!&3 created=false error=0"}},
	{"create", []string{fmt.Sprintf("file_open file@fresh flags&%d created=true error=0 file.mode=0100640", unix.O_WRONLY)}},
	{"write", []string{
		fmt.Sprintf("file_open file@victim flags&%d", unix.O_RDWR),
		"file_write file@victim offset=0 length=12 head=evaded-write",
	}},
	{"close", []string{
		fmt.Sprintf("file_open file@victim flags&%d", unix.O_WRONLY),
		"file_write file@victim head=evaded-write",
		"file_close file@victim written=true file.size=21 bytes_written=21",
	}},
	{"delete", []string{"file_delete file@victim"}},
	{"rename", []string{"file_rename from@victim to={fresh} to_source=PATH_SOURCE_KERNEL"}},
	{"rename-replace", []string{"file_rename from@victim to={other} replaced.inode={other.ino} replaced.device={other.dev}"}},
	{"rename-exchange", []string{"file_rename from@victim to={other}", "file_rename from@other to={victim}"}},
	{"mkdir", []string{"directory_change directory@fresh removed=false"}},
	{"rmdir", []string{"directory_change directory@dir removed=true"}},
	{"link", []string{"file_link target@victim link={fresh} symbolic=false"}},
	{"symlink", []string{"file_link link={fresh} symbolic=true link_text=../some%20where/else target=false"}},
	{"chmod", []string{"file_mode file@victim old_mode=0100644 new_mode=0104751"}},
	{"chown", []string{"file_owner file@victim old_uid=0 old_gid=0 new_uid=1234 new_gid=2345"}},
	{"truncate", []string{"file_truncate file@victim old_size=21 new_size=5"}},
	{"utimes", []string{"file_times file@victim old_mtime_ns={victim.mtime} new_mtime_ns=1000000001000002000 new_atime_ns=1000000000000000001"}},
	{"setxattr", []string{"file_attribute file@victim name=trusted.evasion value=a%20value%0A%FF removed=false"}},
	{"removexattr", []string{"file_attribute file@victim name=trusted.evasion removed=true"}},
}

// takesNoDirectory are calls that name a file by a path alone.
var takesNoDirectory = []string{"truncate", "setxattr", "removexattr"}

// placeNames are the ways to name a file.
var placeNames = []string{
	"plain", "dirfd", "path-dirfd", "cwd", "symlinked-directory", "long-symlink", "many-steps", "dots-and-slashes",
	"proc-fd", "proc-thread-self", "proc-root", "proc-cwd", "chroot", "mount-namespace", "stacked-mounts",
	"overlay-upper", "overlay-lower", "deleted-cwd", "long-path", "not-utf8",
}

func TestFilesByEveryName(t *testing.T) {
	for i, place := range placeNames {
		t.Run(place, func(t *testing.T) {
			ready(t)
			if _, lacking := files.try(t, "mkdir", place); lacking != "" {
				t.Skip(lacking)
			}
			for j, op := range fileOps {
				if (place == "dirfd" || place == "path-dirfd") && slices.Contains(takesNoDirectory, op.name) {
					continue
				}
				// In the plain place every machine tries all.
				if place != "plain" && !isOurs(i, j) {
					continue
				}
				t.Run(op.name, func(t *testing.T) {
					expect(t, files.act(t, op.name, place), op.wants...)
				})
			}
		})
	}
	// Of a path longer than any that the kernel gives only the end is told, and that it is only the end.
	t.Run("beyond-path-max", func(t *testing.T) {
		for act, want := range map[string]string{
			"open-write":  "file_open file.path?={victim} file.inode={victim.ino} event.flags&4",
			"create":      "file_open file.path?={fresh} file.inode={fresh.ino} created=true event.flags&4",
			"delete":      "file_delete file.path?={victim} file.inode={victim.ino} event.flags&4",
			"rename":      "file_rename from.path?={victim} to?={fresh} event.flags&4",
			"mkdir":       "directory_change directory.path?={fresh} event.flags&4",
			"chmod":       "file_mode file.path?={victim} file.inode={victim.ino} new_mode=0104751 event.flags&4",
			"symlink":     "file_link link?={fresh} symbolic=true event.flags&4",
			"removexattr": "file_attribute file.path?={victim} removed=true event.flags&4",
		} {
			t.Run(act, func(t *testing.T) { expect(t, files.act(t, act, "beyond-path-max"), want) })
		}
	})
}

// wayNames are the ways into the kernel.
var wayNames = []string{"old", "int80", "old-int80", "x32", "ring", "sqpoll", "ring-slot", "ring-silent"}

// ringOps are the acts that io_uring can do. Into the ring's own table of files it can only open, and a request whose success is
// told to nobody cannot be asked what it made.
var ringOps = map[string][]string{"ring": ringActs, "sqpoll": ringActs, "ring-slot": slotActs, "ring-silent": silentActs}

var (
	ringActs = []string{
		"open-write", "create", "create-openat2", "read", "write", "close", "delete", "rename", "rename-replace",
		"rename-exchange", "mkdir", "rmdir", "link", "symlink", "setxattr",
	}
	slotActs = []string{"open-write", "create", "create-openat2", "read", "write"}
	// aheadActs are those that are told in full when they are asked for.
	aheadActs  = append([]string{"open-write", "read"}, silentActs...)
	silentActs = []string{"write", "delete", "rename", "rename-replace", "rename-exchange", "rmdir", "link", "symlink", "setxattr"}
)

func TestFilesByEveryWay(t *testing.T) {
	for _, way := range wayNames {
		acts, ring := ringOps[way]
		t.Run(way, func(t *testing.T) {
			ready(t)
			results := !ring || attached(t, "file_request_change")
			if _, lacking := files.try(t, "open-write", "plain", way); lacking != "" {
				t.Skip(lacking)
			}
			for _, op := range fileOps {
				if ring && !slices.Contains(acts, op.name) || strings.HasPrefix(way, "old") && op.name == "rename-exchange" {
					continue
				}
				t.Run(op.name, func(t *testing.T) {
					if !results && !slices.Contains(aheadActs, op.name) {
						t.Skip("needs Linux 5.18, which tells which request of io_uring is done, and so what came of it")
					}
					f, lacking := files.try(t, op.name, "plain", way)
					if lacking != "" && ring {
						// One operation after the other came to io_uring, from 5.11 to 5.19.
						t.Skip(lacking)
					}
					expect(t, f, op.wants...)
				})
			}
		})
	}
}

// performerNames are who may act. A thread of a ring, which the kernel starts, acts for its creator.
var performerNames = []string{"thread", "fork", "vfork", "clone3", "sibling", "pid-namespace", "program-32"}

func TestFilesByEveryone(t *testing.T) {
	for i, who := range performerNames {
		t.Run(who, func(t *testing.T) {
			ready(t)
			if _, lacking := files.try(t, "open-write", "plain", "64", who); lacking != "" {
				t.Skip(lacking)
			}
			for j, op := range fileOps {
				if !isOurs(i, j) {
					continue
				}
				t.Run(op.name, func(t *testing.T) {
					expect(t, files.act(t, op.name, "plain", "64", who), op.wants...)
				})
			}
		})
	}
}

// linkOps name a file by a symbolic link to it, or the link itself.
var linkOps = []op{
	{"chmod-through-link", []string{"file_mode file@victim new_mode=0104751"}},
	{"open-through-link", []string{"file_open file@victim flags&1"}},
	{"truncate-through-link", []string{"file_truncate file@victim old_size=21 new_size=5"}},
	{"chown-through-link", []string{"file_owner file@victim new_uid=1234 new_gid=2345"}},
	{"setxattr-through-link", []string{"file_attribute file@victim name=trusted.evasion value=a%20value%0A%FF"}},
	{"delete-link", []string{"file_delete file@alias"}},
	{"chown-of-link", []string{"file_owner file@alias new_uid=1234 new_gid=2345"}},
	{"setxattr-of-link", []string{"file_attribute file@alias name=trusted.evasion"}},
	{"open-append", []string{fmt.Sprintf("file_open file@victim flags&%d", unix.O_RDWR|unix.O_APPEND|unix.O_NOFOLLOW)}},
	{"open-truncate", []string{fmt.Sprintf("file_open file@victim flags&%d", unix.O_TRUNC), "no file_truncate file@victim"}},
	{"create-openat2", []string{"file_open file@fresh created=true"}},
	{"mknod", []string{"file_open file@fresh created=true"}},
	{"mkdir-slashes", []string{"directory_change directory@fresh removed=false"}},
	{"rmdir-slashes", []string{"directory_change directory@dir removed=true"}},
}

func TestFilesBehindSymbolicLinks(t *testing.T) {
	for _, op := range linkOps {
		for _, place := range []string{"plain", "cwd", "chroot"} {
			t.Run(op.name+"/"+place, func(t *testing.T) {
				expect(t, files.act(t, op.name, place), op.wants...)
			})
		}
	}
}
