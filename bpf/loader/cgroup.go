package loader

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// ErrCgroupNamespace says that only a part of the machine's processes could be seen.
var ErrCgroupNamespace = errors.New("the root of the control groups is out of reach: this process is in a cgroup namespace of its own; run it in the host's (docker run --cgroupns=host)")

// rootInode is the inode number of the root of the hierarchy (kernfs counts from 1).
const rootInode = 1

// rootCgroup opens the root of the second version's hierarchy, wherever and whether or not it is mounted. Every task is below
// it, also where controllers are on the first version's.
func rootCgroup() (int, error) {
	context, err := unix.Fsopen("cgroup2", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("cannot open the file system of control groups: %w", err)
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return -1, fmt.Errorf("cannot open the file system of control groups: %w", err)
	}
	root, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot mount control groups for this process alone: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(root, &st); err != nil {
		return -1, errors.Join(fmt.Errorf("cannot look at the root of the control groups: %w", err), unix.Close(root))
	}
	if st.Ino != rootInode {
		return -1, errors.Join(ErrCgroupNamespace, unix.Close(root))
	}
	return root, nil
}

// CanReachRootCgroup reports whether programs of control groups can see every process of the machine.
func CanReachRootCgroup() error {
	root, err := rootCgroup()
	if err != nil {
		return err
	}
	return unix.Close(root)
}

// attachCgroup fastens a program to the root. The link keeps the control group, not the mount.
func attachCgroup(p *ebpf.Program, at ebpf.AttachType) (link.Link, error) {
	root, err := rootCgroup()
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	return link.AttachRawLink(link.RawLinkOptions{Target: root, Program: p, Attach: at})
}
