// Package file is the file sensor's kernel side: what is done to files, by whichever way, with the path that the kernel itself
// has for them. It decides nothing about what the records mean.
package file

import (
	"fmt"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/loader"
	"github.com/vedette-edr/vedette/bpf/namecache"
	"github.com/vedette-edr/vedette/bpf/sensor"
	"github.com/vedette-edr/vedette/bpf/syscalls"
)

// Sensor is the loaded file sensor.
type Sensor struct {
	syscalls.Sensor
	// NamesUnknown says why names cannot be looked up in the kernel, nil when they can. Paths of calls that take a name then
	// are as the caller wrote them.
	NamesUnknown error
	// Untraced says why the kernel's functions cannot be traced, nil when they can. Names are then looked up, and one that is
	// changed by another thread under way is told as such instead of seen through.
	Untraced error

	mu       sync.Mutex
	memory   *ebpf.Memory
	interest interest
}

func handlers() []syscalls.Handler {
	changes := []string{
		"unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "mknod", "mknodat",
		"link", "linkat", "symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
		"truncate", "ftruncate", "utime", "utimes", "futimesat", "utimensat",
		"setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat",
	}
	return []syscalls.Handler{
		{Program: "file_open", Moment: syscalls.Exit, Calls: []string{"open", "openat", "openat2", "creat", "open_by_handle_at"}},
		{Program: "file_write", Moment: syscalls.Exit, Calls: []string{
			"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice", "io_submit", "fallocate",
		}},
		{Program: "file_close", Moment: syscalls.Enter, Calls: []string{"close", "close_range", "dup2", "dup3"}},
		{Program: "file_change_enter", Moment: syscalls.Enter, Calls: changes},
		{Program: "file_change", Moment: syscalls.Exit, Calls: changes},
		{Program: "file_mount", Moment: syscalls.Exit, Calls: []string{
			"mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsmount", "mount_setattr",
		}},
		{Program: "file_bind", Moment: syscalls.Exit, Calls: []string{"bind", "socketcall"}},
		{Program: "file_memfd", Moment: syscalls.Exit, Calls: []string{"memfd_create"}},
	}
}

// DefaultBudget is how many changes of files a process may make in a second before the rest are only counted: what the busiest
// interactive work does, and a per cent of a CPU to move.
const DefaultBudget = 1000

// Options tune the sensor. The zero value is a sensible host.
type Options struct {
	// Budget of a process, in events per second; 0 means DefaultBudget.
	Budget uint64
}

// truths are the programs on functions of the kernel.
func truths() []string {
	var names []string
	for _, act := range []string{"unlink", "rmdir", "mkdir", "mknod", "symlink", "link", "rename", "chmod", "chown", "truncate"} {
		names = append(names, "file_true_"+act)
	}
	return names
}

// requests sets the constants of the programs on io_uring, and tells which of them this kernel has no hook for. Before 5.18
// completions do not say of which request they are, and before 5.13 submissions neither, unless the distribution has a later
// io_uring: then nothing is told but that there was a request, by the kernel sensor.
func requests(types *btf.Cache, variables map[string]any) (without []string) {
	parameters := func(tracepoint string) int {
		n, err := loader.KernelFuncParams(types, tracepoint)
		if err != nil {
			return 0
		}
		return n
	}
	sqe, req, complete := parameters("io_uring_submit_sqe"), parameters("io_uring_submit_req"), parameters("io_uring_complete")
	variables["submit_parameters"] = uint32(sqe)
	if req == 0 {
		without = append(without, "file_request")
	}
	if req > 0 || sqe == 0 || sqe == sqeWithoutRequest {
		without = append(without, "file_request_sqe")
	}
	if complete == 0 || complete == completeWithoutRequest {
		variables["completions_are_nameless"] = true
		without = append(without, "file_request_change", "file_request_open", "file_request_write")
	}
	return without
}

// Parameters of io_uring_submit_sqe and io_uring_complete on kernels where the request is not among them
// (include/trace/events/io_uring.h of 5.10 and 5.15).
const (
	sqeWithoutRequest      = 5
	completeWithoutRequest = 4
)

// Load puts the sensor's maps and programs into the kernel. Nothing is made before its object is attached.
func Load(b sensor.Base, o Options) (*Sensor, error) {
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	s := &Sensor{}
	s.Handlers = handlers()
	variables := map[string]any{"file_budget": o.Budget, "sysctls_by_write": loader.CanReachRootCgroup() != nil}
	without := requests(b.Types, variables)
	entries := map[string]uint32{}
	if s.Untraced = loader.CanTrace("security_path_unlink"); s.Untraced != nil {
		without = append(without, truths()...)
		entries["true_names"] = 1
	}
	table, err := namecache.Find(b.Types)
	if err != nil {
		s.NamesUnknown = err
	} else {
		variables["dentry_table"], variables["dentry_shift"] = table.Address, table.Shift
	}
	s.Object, err = sensor.Load(b, sensor.Source{
		Name: "file", Object: _FileBytes, Handlers: s.Handlers, Variables: variables, Calls: true, Without: without,
		MaxEntries: entries,
	})
	if err != nil {
		return nil, err
	}
	if s.memory, err = s.Object.Map("interests").Memory(); err != nil {
		return nil, fmt.Errorf("cannot map what reading is of interest: %w", err)
	}
	return s, nil
}
