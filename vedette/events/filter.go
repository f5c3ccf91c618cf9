package events

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/vedette/eventview"
	"github.com/vedette-edr/vedette/vedette/glob"
)

// condition is one key=value of --filter.
type condition struct {
	key   string
	value string
	// number is the value of a key that counts.
	number uint32
}

// keys that a condition may have, and whether they are numbers.
func keys() map[string]bool {
	return map[string]bool{"pid": true, "ppid": true, "uid": true, "image": false, "comm": false, "args": false}
}

// parseFilter reads key=value pairs.
func parseFilter(pairs []string) ([]condition, error) {
	var all []condition
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || value == "" {
			return nil, fmt.Errorf("the filter %q is not of the form key=value", pair)
		}
		isNumber, known := keys()[key]
		if !known {
			return nil, fmt.Errorf("the filter %q has an unknown key; the keys are pid, ppid, uid, image, comm, args", pair)
		}
		c := condition{key: key, value: value}
		if isNumber {
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("the filter %q needs a number", pair)
			}
			c.number = uint32(n)
		}
		all = append(all, c)
	}
	return all, nil
}

// holds reports whether the event fits the condition. What an event does not have does not fit.
func (c condition) holds(ev *pb.Event) bool {
	a := ev.GetActor()
	switch c.key {
	case "pid":
		return a != nil && a.GetProcess().GetPid() == c.number
	case "ppid":
		return a != nil && a.GetParent().GetPid() == c.number
	case "uid":
		return a != nil && a.Uid == c.number
	case "comm":
		return a != nil && glob.Match(c.value, string(a.Comm))
	}
	x := program(ev)
	switch {
	case x == nil:
		return false
	case c.key == "args":
		return glob.Match(c.value, strings.Join(eventview.Arguments(x.Arguments), " "))
	default:
		script := x.GetScript().GetPath()
		return glob.Match(c.value, string(x.GetExecutable().GetPath())) || len(script) > 0 && glob.Match(c.value, string(script))
	}
}

func program(ev *pb.Event) *pb.ProcessExec {
	if x := ev.GetExec(); x != nil {
		return x
	}
	return ev.GetSeed()
}

// selection says which events to show.
type selection struct {
	kinds  []string
	filter []condition
}

func (s selection) takes(ev *pb.Event) bool {
	if len(s.kinds) > 0 && !slices.Contains(s.kinds, eventview.Kind(ev)) {
		return false
	}
	for _, c := range s.filter {
		if !c.holds(ev) {
			return false
		}
	}
	return true
}

// classes reads the names of classes; none means all.
func classes(names []string) ([]pb.Class, error) {
	var all []pb.Class
	for _, name := range names {
		number, ok := pb.Class_value["CLASS_"+strings.ToUpper(name)]
		if !ok || number == 0 || name != strings.ToLower(name) {
			return nil, fmt.Errorf("unknown class %q; the classes are %s", name, strings.Join(classNames(), ", "))
		}
		all = append(all, pb.Class(number))
	}
	return all, nil
}

func classNames() []string {
	var numbers []int32
	for n := range pb.Class_name {
		if n != 0 {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	names := make([]string, len(numbers))
	for i, n := range numbers {
		names[i] = strings.ToLower(strings.TrimPrefix(pb.Class_name[n], "CLASS_"))
	}
	return names
}

// checkKinds reports a kind that does not exist.
func checkKinds(names []string) error {
	known := eventview.Kinds()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown kind %q; the kinds are %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}
