package privilege

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWithoutLeavesTheProcessAsItWas(t *testing.T) {
	before, err := Effective()
	if err != nil {
		t.Fatal(err)
	}
	keep := before & Of(unix.CAP_NET_BIND_SERVICE)
	var during Set
	failure := errors.New("what f returned")
	if err := Without(keep, func() error {
		during, err = Effective()
		return failure
	}); !errors.Is(err, failure) {
		t.Errorf("Without returned %v, want what its function returned", err)
	}
	if during != keep {
		t.Errorf("the thread had capabilities %x, want %x", during, keep)
	}
	after, err := Effective()
	if err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Errorf("the process has capabilities %x after, %x before", after, before)
	}
}

func TestLookupNamesTheRemedy(t *testing.T) {
	_, err := Lookup("vedette-no-such-user")
	if !errors.Is(err, ErrNoUser) || !strings.Contains(err.Error(), "useradd") {
		t.Errorf("an unknown user gives %v, want ErrNoUser and how to create it", err)
	}
	id, err := Lookup("root")
	if err != nil || id != (Identity{0, 0}) {
		t.Errorf("root is %v (%v), want 0 and 0", id, err)
	}
}

func TestLastCapabilityIsTheKernels(t *testing.T) {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		t.Skip("needs procfs: ", err)
	}
	if got := strings.TrimSpace(string(b)); got != strconv.Itoa(lastCapability()) {
		t.Errorf("the last capability is %d, the kernel says %s", lastCapability(), got)
	}
}
