package kernel

import (
	"os"
	"strings"
	"testing"
)

// A sysctl that changes nothing that matters, written to with what it holds.
func TestSysctlIsTold(t *testing.T) {
	const path = "/proc/sys/kernel/domainname"
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(path, before, 0); err != nil {
			t.Error(err)
		}
	}()
	o := observe(t)
	write := func(value string) *seen {
		t.Helper()
		return o.of(t, func() {
			if err := os.WriteFile(path, []byte(value), 0); err != nil {
				t.Fatal(err)
			}
		})
	}
	write("first\n").is(t, Record{Operation: Sysctl}, map[Text]string{
		TextName: "kernel/domainname", TextValue: "first\n", TextOld: string(before),
	})
	s := write("second")
	s.is(t, Record{Operation: Sysctl}, map[Text]string{TextName: "kernel/domainname", TextValue: "second", TextOld: "first\n"})
	want(t, "flags", s.Header.Flags, 0)

	// What is longer is cut and flagged.
	s = write(strings.Repeat("x", 300))
	want(t, "value", s.texts[TextValue], strings.Repeat("x", sysctlValue-1))
	want(t, "flags", s.Header.Flags, 1)

	o.none(t, func() {
		if _, err := os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	})
}

// sysctlValue is SYSCTL_VALUE of bpf/include/kernel_record.h.
const sysctlValue = 256
