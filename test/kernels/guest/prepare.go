package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// prepare gives the machine what every machine has.
func prepare() error {
	for _, m := range []struct{ kind, at string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"bpf", "/sys/fs/bpf"},
		{"cgroup2", "/sys/fs/cgroup"},
		{"securityfs", "/sys/kernel/security"},
		{"tracefs", "/sys/kernel/tracing"},
		{"devtmpfs", "/dev"},
		{"devpts", "/dev/pts"},
		{"tmpfs", "/dev/shm"},
		{"tmpfs", "/run"},
		{"tmpfs", "/tmp"},
		// JetStream asks the file system how much room there is, and ramfs, the root, says none.
		{"tmpfs", "/var"},
	} {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("cannot mount %s: %w", m.at, err)
		}
	}
	if err := os.Chmod("/tmp", 0o1777); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("cannot set the loopback interface up: %w", err)
	}
	// Before 5.11 eBPF maps and programs count as locked memory; raising that limit is up to who loads them.
	unlimited := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unlimited); err != nil {
		return fmt.Errorf("cannot raise the limit of locked memory: %w", err)
	}
	return os.Setenv("PATH", "/bin")
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// oneLine makes a text fit to stand in a line of results.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
