// Package fields shows events to Sigma rules: the fields that the tables of package taxonomy promise, read from one event
// and from what is known of the processes in it. A field is made when a rule asks for it, not before.
package fields

import (
	"fmt"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	"github.com/vedette-edr/vedette/analyzer/state"
	"github.com/vedette-edr/vedette/analyzer/users"
	pb "github.com/vedette-edr/vedette/proto"
)

// accessor reads one field; ok is false when the event does not have it.
type accessor func(v *View) (value string, ok bool)

// lister gives the values of a field after the first.
type lister func(v *View) []string

// shape is how the fields of one record are read.
type shape struct {
	fields map[string]accessor
	// lists are of fields that can have several values.
	lists map[string]lister
	// aliases are of fields that go by further values, which count for a match and never against one.
	aliases map[string]lister
	// argument reads the fields a0, a1 and so on; nil without them.
	argument func(v *View, n int) (value string, ok bool)
	// when tells whether an event is shown as this record; nil stands for always.
	when func(v *View) bool
}

// kind is a record that an event can be shown as.
type kind struct {
	record *taxonomy.Record
	shape  shape
	// bound, lists and aliases are by field number.
	bound          []accessor
	lists, aliases []lister
	// spoken are the fields that keywords are looked for in.
	spoken []accessor
}

// View shows one event at a time, as one or several records. It is an event of the engine, with lists and aliases: field numbers
// are those of the names it is bound to. A View is used again and again and is not safe for concurrent use.
type View struct {
	platform *taxonomy.Platform
	tree     *state.Tree
	users    *users.Names
	kinds    []kind
	// byPayload leads from the number of a payload in the event message to the kinds it may be shown as.
	byPayload [][]int
	names     []string

	host, bootID string
	ev           *pb.Event
	process      *state.Process
	// program is what the process ran at the time of the event.
	program     *state.Program
	parent      *state.Process
	parentKnown bool
	subject     subject
	shown       []int
	current     *kind
	currentKind int
	arena       []byte
	list        []string
	log         logRecord
}

// New makes a view of the events of a product (taxonomy.Linux or Windows), bound to no fields yet. Processes are looked up
// in tree, and users' names in users, when they are asked for.
func New(tree *state.Tree, users *users.Names, product string) *View {
	v := &View{platform: taxonomy.For(product), tree: tree, users: users}
	shapes := linuxShapes()
	if product == taxonomy.Windows {
		shapes = windowsShapes()
	}
	payloads := (&pb.Event{}).ProtoReflect().Descriptor().Fields()
	for i := range v.platform.Records {
		record := &v.platform.Records[i]
		payload := payloads.ByName(payloadName(record.Payload))
		shape, ok := shapes[record.Name]
		if !ok || payload == nil {
			panic(fmt.Sprintf("BUG: the record %q of %s cannot be read", record.Name, product))
		}
		k := kind{record: record, shape: shape}
		for _, name := range spoken(record) {
			k.spoken = append(k.spoken, shape.fields[name])
		}
		v.kinds = append(v.kinds, k)
		number := int(payload.Number())
		for len(v.byPayload) <= number {
			v.byPayload = append(v.byPayload, nil)
		}
		v.byPayload[number] = append(v.byPayload[number], i)
	}
	v.log.init()
	v.Bind(nil)
	return v
}

// Bind makes the numbers that Field and More take mean these names. It ends what the view shows.
func (v *View) Bind(names []string) {
	v.names = names
	v.current, v.shown = nil, v.shown[:0]
	for i := range v.kinds {
		v.kinds[i].bind(names)
	}
	v.log.bind(names)
}

func (k *kind) bind(names []string) {
	k.bound, k.lists, k.aliases = make([]accessor, len(names)), make([]lister, len(names)), make([]lister, len(names))
	for n, name := range names {
		k.bound[n], k.lists[n], k.aliases[n] = k.shape.fields[name], k.shape.lists[name], k.shape.aliases[name]
		if index := taxonomy.ArgumentIndex(name); index >= 0 && k.shape.argument != nil {
			argument := k.shape.argument
			k.bound[n] = func(v *View) (string, bool) { return argument(v, index) }
		}
	}
}

// Reset makes the view show ev, of which process is the actor as state.Tree.Apply gave it, and gives the number of records
// there are to Show; 0 for an event that rules do not see. host and bootID go into the ids of processes. The event and the
// process must not change until the next Reset; all text that was given out ends with it.
func (v *View) Reset(host, bootID string, ev *pb.Event, process *state.Process) (records int) {
	v.host, v.bootID, v.ev, v.process = host, bootID, ev, process
	v.program = v.programOf(process)
	v.parent, v.parentKnown = nil, false
	v.arena = v.arena[:0]
	v.shown = v.shown[:0]
	v.current = nil
	number := v.subject.take(ev)
	if number >= len(v.byPayload) {
		return 0
	}
	for _, i := range v.byPayload[number] {
		if when := v.kinds[i].shape.when; when == nil || when(v) {
			v.shown = append(v.shown, i)
		}
	}
	return len(v.shown)
}

// Show makes Sources, Field, More and AppendValues speak of record i, which is below what Reset gave.
func (v *View) Show(i int) {
	v.currentKind = v.shown[i]
	v.current = &v.kinds[v.currentKind]
	if v.current.record.Open {
		v.log.take(v)
	}
}

// Record gives the name of the record that is shown, as the tables have it.
func (v *View) Record() string { return v.current.record.Name }

// Kind numbers the set of log sources of the record that is shown: a small number, the same for the same set as long as the
// View lives, so that a caller can keep for each what it needs for matching.
func (v *View) Kind() int {
	if v.current.record.Open {
		return len(v.kinds) + v.log.kind
	}
	return v.currentKind
}

// Sources gives the log sources of the record that is shown. The caller does not change them.
func (v *View) Sources() []rule.Logsource {
	if v.current.record.Open {
		return v.log.sources[v.log.kind]
	}
	return v.current.record.Sources
}

// Field gives the first text of a field, and whether the record has it. A field that is not known, and one that says nothing
// (no terminal, no script), is absent; the command line of a program that was started without arguments is present and
// empty. The text is good until the next Reset.
func (v *View) Field(n int) (value string, ok bool) {
	if read := v.current.bound[n]; read != nil {
		return read(v)
	}
	if v.current.record.Open {
		return v.log.field(n)
	}
	return "", false
}

// More gives the values of a field after the first. The list is good until the next call.
func (v *View) More(n int) []string {
	if list := v.current.lists[n]; list != nil {
		return list(v)
	}
	if v.current.record.Open {
		return v.log.more(n)
	}
	return nil
}

// Aliases gives the further values that a field goes by. The list is good until the next call.
func (v *View) Aliases(n int) []string {
	if list := v.current.aliases[n]; list != nil {
		return list(v)
	}
	return nil
}

// AppendValues appends the texts that keywords are looked for in: those of all fields but ids and times made here, each once.
// Of a program's start for the audit daemon's rules it is the arguments, joined by spaces.
func (v *View) AppendValues(dst []string) []string {
	for _, read := range v.current.spoken {
		if value, ok := read(v); ok && value != "" {
			dst = append(dst, value)
		}
	}
	if v.current.record.Open {
		dst = v.log.appendValues(dst)
	}
	return dst
}
