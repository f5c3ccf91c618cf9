// Package preflight checks, before anything is touched, that this host can run Vedette.
package preflight

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/vedette-edr/vedette/vedette/exit"
)

// Host is what is checked; Here fills it from the running system.
type Host struct {
	// EUID is the effective user of this process.
	EUID int
	// Release is the kernel's release, such as "6.1.0-28-amd64".
	Release string
	// BTF is where the kernel offers its types.
	BTF string
}

// Here describes the running system.
func Here() (Host, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return Host{}, fmt.Errorf("cannot ask the kernel for its version: %w", err)
	}
	return Host{EUID: os.Geteuid(), Release: unix.ByteSliceToString(name.Release[:]), BTF: "/sys/kernel/btf/vmlinux"}, nil
}

// The oldest kernel with BPF ring buffers.
const oldestMajor, oldestMinor = 5, 8

// Check returns the first reason why Vedette cannot run, with its remedy.
func Check(h Host) error {
	if h.EUID != 0 {
		return exit.Refuse(errors.New("this needs root, to load programs into the kernel and to start each part under its own user"),
			"run: sudo vedette up")
	}
	major, minor, err := version(h.Release)
	if err != nil {
		return exit.Refuse(err, "")
	}
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return exit.Refuse(fmt.Errorf("the kernel %s is too old, %d.%d is needed", h.Release, oldestMajor, oldestMinor), "boot a newer kernel")
	}
	if _, err := os.Stat(h.BTF); errors.Is(err, fs.ErrNotExist) {
		return exit.Refuse(fmt.Errorf("the kernel offers no type information (BTF): there is no %s", h.BTF),
			"boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as those of Debian 11, Ubuntu 20.10 and RHEL 8.2 or newer are")
	} else if err != nil {
		return exit.Refuse(fmt.Errorf("cannot look for the kernel's type information (BTF): %w", err), "")
	}
	return nil
}

func version(release string) (major, minor int, err error) {
	first, rest, _ := strings.Cut(release, ".")
	second := rest
	if end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		second = rest[:end]
	}
	if major, err = strconv.Atoi(first); err == nil {
		minor, err = strconv.Atoi(second)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("cannot read the kernel's version %q", release)
	}
	return major, minor, nil
}
