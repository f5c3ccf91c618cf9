package alert

import (
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/vedette-edr/vedette/analyzer/state"
	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/linuxabi"
	"github.com/vedette-edr/vedette/proto/subject"
)

// describeKernel fills what was done to the kernel.
func (b *Builder) describeKernel(doc *ecs.Alert, f Finding, cut *cutter) {
	v := &doc.Vedette
	switch x := f.Event.Payload.(type) {
	case *pb.Event_ModuleLoad:
		m := x.ModuleLoad
		v.Kernel = &ecs.Kernel{Module: &ecs.Module{
			Name: cut.text("vedette.kernel.module.name", string(m.GetName())), FromMemory: m.GetFromMemory(),
			Parameters: cut.text("vedette.kernel.module.parameters", string(m.GetParameters())), Size: m.GetSize(), Flags: nonzero(uint64(m.GetFlags())),
		}}
	case *pb.Event_ModuleUnload:
		v.Kernel = &ecs.Kernel{Module: &ecs.Module{Name: cut.text("vedette.kernel.module.name", string(x.ModuleUnload.GetName()))}}
	case *pb.Event_BpfOperation:
		v.Kernel = &ecs.Kernel{BPF: bpf(x.BpfOperation, cut)}
	case *pb.Event_PerfEventOpen:
		v.Kernel = &ecs.Kernel{Perf: &ecs.Perf{
			Type: linuxabi.PerfType(x.PerfEventOpen.GetType()), Config: hexadecimal(x.PerfEventOpen.GetConfig()),
			WithProgram: x.PerfEventOpen.GetWithProgram(),
		}}
	case *pb.Event_Kexec:
		v.Kernel = &ecs.Kernel{Kexec: &ecs.Kexec{
			CommandLine: cut.text("vedette.kernel.kexec.command_line", string(x.Kexec.GetCommandLine())),
			Initrd:      b.object(x.Kexec.GetInitrd(), "vedette.kernel.kexec.initrd.path", cut), Flags: nonzero(x.Kexec.GetFlags()),
		}}
	case *pb.Event_SysctlWrite:
		v.Kernel = &ecs.Kernel{Sysctl: &ecs.Sysctl{
			Name:     cut.text("vedette.kernel.sysctl.name", string(x.SysctlWrite.GetName())),
			OldValue: cut.text("vedette.kernel.sysctl.old_value", string(x.SysctlWrite.GetOldValue())),
			NewValue: cut.text("vedette.kernel.sysctl.new_value", string(x.SysctlWrite.GetNewValue())),
		}}
	case *pb.Event_KeyOperation:
		v.Kernel = &ecs.Kernel{Key: key(x.KeyOperation, cut)}
	case *pb.Event_IoUring:
		v.Kernel = &ecs.Kernel{Ring: b.ring(x.IoUring, f, cut)}
	}
}

func bpf(x *pb.BpfOperation, cut *cutter) *ecs.BPF {
	out := &ecs.BPF{
		Command: linuxabi.BPFCommand(x.GetCommand()), Name: cut.text("vedette.kernel.bpf.name", string(x.GetName())), ID: x.GetId(),
		Tag:    hex.EncodeToString(x.GetTag()[:min(len(x.GetTag()), cut.other)]),
		Target: cut.text("vedette.kernel.bpf.target", string(x.GetTarget())), Instructions: x.GetInstructions(),
	}
	if x.GetProgramType() != 0 {
		out.ProgramType = linuxabi.BPFProgramType(x.GetProgramType())
	}
	if x.GetMapType() != 0 {
		out.MapType = linuxabi.BPFMapType(x.GetMapType())
	}
	// Zero is a way to attach as well, but only these commands always name one.
	if x.GetAttachType() != 0 || x.GetCommand() == linuxabi.BPFProgramAttach || x.GetCommand() == linuxabi.BPFLinkCreate {
		out.AttachType = linuxabi.BPFAttachType(x.GetAttachType())
	}
	helpers := make([]string, 0, len(x.GetHelpers()))
	for _, id := range x.GetHelpers() {
		helpers = append(helpers, linuxabi.BPFHelper(id))
	}
	out.Helpers = cut.list("vedette.kernel.bpf.helpers", helpers)
	return out
}

func key(x *pb.KeyOperation, cut *cutter) *ecs.Key {
	out := &ecs.Key{
		Call: cut.text("vedette.kernel.key.call", x.GetCall()), Type: cut.text("vedette.kernel.key.type", string(x.GetType())),
		Description: cut.text("vedette.kernel.key.description", string(x.GetDescription())),
	}
	if out.Call == "" || out.Call == "keyctl" {
		out.Operation = linuxabi.KeyOperation(x.GetOperation())
	}
	if x.GetSerial() != 0 {
		out.Serial = linuxabi.Keyring(x.GetSerial())
	}
	if x.GetKeyring() != 0 {
		out.Keyring = linuxabi.Keyring(x.GetKeyring())
	}
	return out
}

func (b *Builder) ring(x *pb.IoUring, f Finding, cut *cutter) *ecs.IoUring {
	out := &ecs.IoUring{
		Created: x.GetCreated(), Entries: x.GetEntries(), Path: cut.text("vedette.kernel.io_uring.path", string(x.GetPath())),
		SecondPath: cut.text("vedette.kernel.io_uring.second_path", string(x.GetSecondPath())), Remote: endpoint(x.GetRemote()),
	}
	if x.GetCreated() {
		out.Setup = linuxabi.IoUringSetup(x.GetSetupFlags())
	} else {
		out.Opcode = linuxabi.IoUringOpcode(x.GetOpcode())
	}
	if creator := x.GetRingCreator(); creator.GetPid() != 0 {
		out.Creator = b.entity(f, state.Key{PID: creator.GetPid(), Start: creator.GetStartTimeNs()})
	}
	return out
}

func endpoint(e *pb.Endpoint) string {
	address, ok := netip.AddrFromSlice(e.GetAddress())
	if !ok {
		return ""
	}
	return netip.AddrPortFrom(address.Unmap(), uint16(e.GetPort())).String()
}

func className(class pb.Class) string {
	if _, known := pb.Class_name[int32(class)]; !known {
		return strconv.Itoa(int(class))
	}
	return subject.ClassToken(class)
}
