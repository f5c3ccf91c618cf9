package lane_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/vedette-edr/vedette/bpf/lane"
	"github.com/vedette-edr/vedette/bpf/sensortest"
)

func TestLayoutAndClassesMatchTheObjects(t *testing.T) {
	spec, err := ebpf.LoadCollectionSpec("../process/process_bpfel.o")
	if err != nil {
		t.Fatal(err)
	}
	sensortest.Layout(t, spec, map[string]any{"cpu_counters": lane.CPUCounters{}})
	var classes *btf.Enum
	if err := spec.Types.TypeByName("event_class", &classes); err != nil {
		t.Fatal(err)
	}
	numbers := map[string]uint64{}
	for _, v := range classes.Values {
		numbers[v.Name] = v.Value
	}
	for name, class := range map[string]lane.Class{
		"CLASS_PROCESS": lane.Process, "CLASS_KERNEL": lane.Kernel, "CLASS_IDENTITY": lane.Identity, "CLASS_MEMORY": lane.Memory,
		"CLASS_FILE": lane.File, "CLASS_COUNT": lane.Count,
	} {
		if numbers[name] != uint64(class) {
			t.Errorf("%s is %d in the object, %d in Go", name, numbers[name], class)
		}
	}
	if len(numbers) != len(lane.Classes())+1 {
		t.Errorf("the object has the classes %v, Go %v", numbers, lane.Classes())
	}
}
