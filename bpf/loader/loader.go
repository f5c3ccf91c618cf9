// Package loader puts one sensor's eBPF object into the kernel: it checks the object against its committed checksum, sizes
// and freezes its maps, and loads and attaches every program by itself, so that one hook a kernel refuses costs that hook
// and nothing else.
package loader

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
)

// ErrNoBTF says that the kernel does not describe its own types.
var ErrNoBTF = errors.New("this kernel has no BTF: /sys/kernel/btf/vmlinux is missing; Vedette needs a kernel of 5.8 or newer built with CONFIG_DEBUG_INFO_BTF=y (every current distribution kernel is)")

// ErrChecksum says that an object is not the one this program was built with.
var ErrChecksum = errors.New("object does not match its checksum")

// ErrNotAttached says that a program is loaded but not hooked yet.
var ErrNotAttached = errors.New("not attached")

const kernelBTF = "/sys/kernel/btf/vmlinux"

//go:embed checksums.txt
var checksums string

// Attachment says whether one program runs in the kernel, and why not.
type Attachment struct {
	Name string
	Hook string
	// Err is nil when the program is attached.
	Err error
}

// Object is one sensor's maps and programs. Close detaches and unloads all of it. Every method but Close is safe for
// concurrent use.
type Object struct {
	maps     map[string]*ebpf.Map
	programs map[string]*ebpf.Program
	called   map[string]string

	mu          sync.Mutex
	links       map[string]link.Link
	attachments []Attachment
}

// Settings adapts an object to the machine before it is loaded.
type Settings struct {
	// MaxEntries by map name: elements, or bytes for a ring buffer.
	MaxEntries map[string]uint32
	// Variables by name are constants of the programs.
	Variables map[string]any
	// Shared maps by name stand in for the object's own; they stay their owner's.
	Shared map[string]*ebpf.Map
	// Called programs are not attached to a hook: others call them through a table of programs. Called names the hook to
	// show for each, and Attached is told of by SetCalled.
	Called map[string]string
	// Without names programs that are left out, as if the object did not have them.
	Without []string
	// Types holds what has been parsed of the kernel's BTF, which is slow to parse; nil parses it anew.
	Types *btf.Cache
	// LogLevel says how much of the verifier's log each program keeps, for measurements; 0 keeps none.
	LogLevel ebpf.LogLevel
}

// Verify compares an object with the SHA-256 that was committed for its name.
func Verify(name string, object []byte) error {
	sum := sha256.Sum256(object)
	got := hex.EncodeToString(sum[:])
	for line := range strings.Lines(checksums) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[1] == name {
			if fields[0] != got {
				return fmt.Errorf("%w: %s is %s, built as %s; run make generate and build again", ErrChecksum, name, got, fields[0])
			}
			return nil
		}
	}
	return fmt.Errorf("%w: no checksum is known for %s", ErrChecksum, name)
}

// Load verifies the object, creates its maps and loads each program. A program that the kernel refuses is recorded among
// the attachments; Load itself fails only when nothing of the object can work.
func Load(name string, object []byte, s Settings) (*Object, error) {
	if err := Verify(name, object); err != nil {
		return nil, err
	}
	if _, err := os.Stat(kernelBTF); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoBTF
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("cannot read eBPF object %s: %w", name, err)
	}
	for m, n := range s.MaxEntries {
		if spec.Maps[m] == nil {
			return nil, fmt.Errorf("BUG: eBPF object %s has no map %q", name, m)
		}
		spec.Maps[m].MaxEntries = n
	}
	for v, value := range s.Variables {
		if spec.Variables[v] == nil {
			return nil, fmt.Errorf("BUG: eBPF object %s has no constant %q", name, v)
		}
		if err := spec.Variables[v].Set(value); err != nil {
			return nil, fmt.Errorf("cannot set constant %q of eBPF object %s: %w", v, name, err)
		}
	}
	for _, p := range s.Without {
		if spec.Programs[p] == nil {
			return nil, fmt.Errorf("BUG: eBPF object %s has no program %q", name, p)
		}
		delete(spec.Programs, p)
	}
	types := s.Types
	if types == nil {
		types = btf.NewCache()
	}
	atomics, err := hasAtomics(types)
	if err != nil {
		return nil, err
	}
	shared := map[string]*ebpf.Map{}
	for m, stand := range s.Shared {
		if spec.Maps[m] != nil {
			spec.Maps[m].MaxEntries = stand.MaxEntries()
			shared[m] = stand
		}
	}
	o := &Object{programs: map[string]*ebpf.Program{}, links: map[string]link.Link{}, called: s.Called}
	maps := spec.Copy()
	maps.Programs = nil
	collection, err := ebpf.NewCollectionWithOptions(maps, ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return nil, fmt.Errorf("cannot create the maps of eBPF object %s: %w", name, refusal(err))
	}
	o.maps = collection.Maps
	collection.Maps = nil
	for _, p := range sortedNames(spec.Programs) {
		one := spec.Copy()
		one.Programs = map[string]*ebpf.ProgramSpec{p: one.Programs[p]}
		unpreemptible(one.Programs[p])
		if !atomics {
			one.Programs[p].Instructions = withoutAtomics(one.Programs[p].Instructions)
		}
		hook := one.Programs[p].SectionName
		if call := s.Called[p]; call != "" {
			hook = call
		}
		c, err := ebpf.NewCollectionWithOptions(one, ebpf.CollectionOptions{
			MapReplacements: o.maps, Cache: types, Programs: ebpf.ProgramOptions{LogLevel: s.LogLevel},
		})
		if err != nil {
			o.attachments = append(o.attachments, Attachment{p, hook, refusal(err)})
			continue
		}
		o.attachments = append(o.attachments, Attachment{p, hook, ErrNotAttached})
		o.programs[p] = c.Programs[p]
		delete(c.Programs, p)
		c.Close()
	}
	return o, nil
}

// Attach hooks every loaded program where its section says. An iterator is only made ready: it runs when it is opened.
func (o *Object) Attach() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, a := range o.attachments {
		if !errors.Is(a.Err, ErrNotAttached) || o.called[a.Name] != "" {
			continue
		}
		l, err := attach(o.programs[a.Name], a.Hook)
		o.attachments[i].Err = refusal(err)
		if err == nil {
			o.links[a.Name] = l
		}
	}
}

func attach(p *ebpf.Program, hook string) (link.Link, error) {
	if strings.HasPrefix(hook, "iter/") {
		return link.AttachIter(link.IterOptions{Program: p})
	}
	if p.Type() == ebpf.TracePoint {
		return link.Tracepoint("raw_syscalls", strings.TrimPrefix(hook, "tp_btf/"), p, nil)
	}
	if hook == "cgroup/sysctl" {
		return attachCgroup(p, ebpf.AttachCGroupSysctl)
	}
	return link.AttachTracing(link.TracingOptions{Program: p})
}

// onSystemCalls begins the sections of the programs that every system call passes.
const onSystemCalls = "tp_btf/sys_"

// unpreemptible makes a program on system calls one of perf's where tracepoints can be preempted: perf switches preemption off
// around its programs, and while a program is preempted the kernel does not run it again on that CPU. See ON_ENTER in
// bpf/include/call.h.
func unpreemptible(p *ebpf.ProgramSpec) {
	if !TracepointsArePreemptible() || !strings.HasPrefix(p.SectionName, onSystemCalls) {
		return
	}
	p.Type, p.AttachType, p.AttachTo = ebpf.TracePoint, ebpf.AttachNone, ""
}

// SetCalled records that a program which others call can be reached now, or why not.
func (o *Object) SetCalled(program string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, a := range o.attachments {
		if a.Name == program && o.programs[program] != nil {
			o.attachments[i].Err = refusal(err)
		}
	}
}

// Iterate starts a fresh run of an attached iterator; the caller reads the records and closes it.
func (o *Object) Iterate(name string) (io.ReadCloser, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	it, ok := o.links[name].(*link.Iter)
	if !ok {
		return nil, fmt.Errorf("cannot run iterator %q: %w", name, ErrNotAttached)
	}
	return it.Open()
}

// Attachments lists every program of the object, by name.
func (o *Object) Attachments() []Attachment {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.attachments)
}

// Map returns a map of the object, owned by the object.
func (o *Object) Map(name string) *ebpf.Map { return o.maps[name] }

// Program returns a loaded program, owned by the object, or nil when the kernel refused it.
func (o *Object) Program(name string) *ebpf.Program { return o.programs[name] }

// Detach takes the programs off their hooks; what they have made stays in the maps. The attachments say so from then on.
func (o *Object) Detach() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, l := range o.links {
		errs = append(errs, l.Close())
	}
	clear(o.links)
	for i, a := range o.attachments {
		if a.Err == nil {
			o.attachments[i].Err = ErrNotAttached
		}
	}
	return errors.Join(errs...)
}

// Runs says how often a program ran. The kernel counts runs and their time only while somebody asks it to (bpf_stats).
type Runs struct {
	Count  uint64
	Time   time.Duration
	Missed uint64
}

// Runs reads what the kernel counts of a program; it is zero where the kernel does not tell.
func (o *Object) Runs(name string) Runs {
	p := o.programs[name]
	if p == nil {
		return Runs{}
	}
	s, err := p.Stats()
	if err != nil {
		return Runs{}
	}
	return Runs{Count: s.RunCount, Time: s.Runtime, Missed: s.RecursionMisses}
}

// Close detaches the programs and frees programs and maps.
func (o *Object) Close() error {
	errs := []error{o.Detach()}
	for _, p := range o.programs {
		errs = append(errs, p.Close())
	}
	for _, m := range o.maps {
		errs = append(errs, m.Close())
	}
	o.programs, o.maps = nil, nil
	return errors.Join(errs...)
}

// refusal words the kernel's answer so that a user can act on it; a verifier log keeps its last lines. nil stays nil.
func refusal(err error) error {
	if verifier, ok := errors.AsType[*ebpf.VerifierError](err); ok {
		return fmt.Errorf("the kernel's verifier refused it: %w", verifier)
	}
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w; run as root, or with CAP_BPF and CAP_PERFMON (and check kernel lockdown)", err)
	}
	return err
}

// TracepointsArePreemptible reports whether the kernel may preempt a program on a tracepoint: since 7.0 it no longer switches
// preemption off around them.
func TracepointsArePreemptible() bool {
	version, err := features.LinuxVersionCode()
	return err == nil && version >= 7<<16
}

// KernelFuncParams tells how many parameters a BTF tracepoint hands to its programs, without the leading context.
func KernelFuncParams(types *btf.Cache, tracepoint string) (int, error) {
	spec, err := types.Kernel()
	if err != nil {
		return 0, fmt.Errorf("cannot read the kernel's BTF: %w", err)
	}
	var def *btf.Typedef
	if err := spec.TypeByName("btf_trace_"+tracepoint, &def); err != nil {
		return 0, fmt.Errorf("cannot find tracepoint %q in the kernel's BTF: %w", tracepoint, err)
	}
	pointer, ok := def.Type.(*btf.Pointer)
	if !ok {
		return 0, fmt.Errorf("tracepoint %q has an unexpected type in the kernel's BTF", tracepoint)
	}
	proto, ok := pointer.Target.(*btf.FuncProto)
	if !ok || len(proto.Params) == 0 {
		return 0, fmt.Errorf("tracepoint %q has an unexpected type in the kernel's BTF", tracepoint)
	}
	return len(proto.Params) - 1, nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
