package linuxabi_test

import (
	"syscall"
	"testing"

	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// The standard library has these numbers from the headers as well.
func TestNamesAgreeWithTheStandardLibrary(t *testing.T) {
	errnos := map[string]syscall.Errno{
		"ENOENT": syscall.ENOENT, "EAGAIN": syscall.EAGAIN, "EEXIST": syscall.EEXIST, "ENOTDIR": syscall.ENOTDIR,
		"EBADF": syscall.EBADF, "EXDEV": syscall.EXDEV, "EDOM": syscall.EDOM, "EPIPE": syscall.EPIPE,
	}
	for name, number := range errnos {
		if got := linuxabi.Errno(int32(number)); got != name {
			t.Errorf("error %d is %q, want %q", number, got, name)
		}
	}
	signals := map[string]syscall.Signal{
		"SIGHUP": syscall.SIGHUP, "SIGABRT": syscall.SIGABRT, "SIGKILL": syscall.SIGKILL, "SIGSEGV": syscall.SIGSEGV,
		"SIGPIPE": syscall.SIGPIPE, "SIGTERM": syscall.SIGTERM,
	}
	for name, number := range signals {
		if got := linuxabi.Signal(uint32(number)); got != name {
			t.Errorf("signal %d is %q, want %q", number, got, name)
		}
	}
}
