package syscalls

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestCallsAreInTheOrderOfTheObject(t *testing.T) {
	spec, err := loadSyscalls()
	if err != nil {
		t.Fatal(err)
	}
	var enum *btf.Enum
	if err := spec.Types.TypeByName("call", &enum); err != nil {
		t.Fatal(err)
	}
	all := calls()
	if len(enum.Values) != len(all)+2 {
		t.Fatalf("the object knows %d calls, Go %d", len(enum.Values)-2, len(all))
	}
	for i, c := range all {
		if v := enum.Values[i+1]; v.Name != "CALL_"+strings.ToUpper(c.name) || v.Value != uint64(i+1) {
			t.Errorf("call %d is %s in Go, %s in the object", i+1, c.name, v.Name)
		}
	}
}

func TestNoNumberMeansTwoCalls(t *testing.T) {
	wide, narrow := map[uint16]string{}, map[uint16]string{}
	check := func(seen map[uint16]string, numbers []uint16, name string) {
		for _, n := range numbers {
			if seen[n] != "" || n >= callNumbers {
				t.Errorf("number %d is %s and %s, or too large", n, seen[n], name)
			}
			seen[n] = name
		}
	}
	for _, c := range calls() {
		check(wide, c.wide, c.name)
		check(narrow, c.narrow, c.name)
	}
}
