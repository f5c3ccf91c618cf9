package eventtext

import (
	"fmt"
	"strconv"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

func (w Words) kernel(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_ModuleLoad:
		m := x.ModuleLoad
		from := "from memory"
		if !m.GetFromMemory() {
			from = "from " + w.path(m.GetFile())
		}
		return failed(spaced("module", w.text(m.GetName()), from, w.text(m.GetParameters())), m.GetError())
	case *pb.Event_ModuleUnload:
		return failed(noted("module "+w.text(x.ModuleUnload.GetName()), "removed"), x.ModuleUnload.GetError())
	case *pb.Event_BpfOperation:
		return w.bpf(x.BpfOperation)
	case *pb.Event_PerfEventOpen:
		p := x.PerfEventOpen
		text := fmt.Sprintf("%s config %#x", linuxabi.PerfType(p.GetType()), p.GetConfig())
		return failed(noted(text, when(p.GetWithProgram(), "with a BPF program")), p.GetError())
	case *pb.Event_Kexec:
		k := x.Kexec
		initrd := ""
		if k.GetInitrd() != nil {
			initrd = w.path(k.GetInitrd())
		}
		return failed(spaced("kernel", w.path(k.GetKernel()), labelled("initrd", initrd), w.text(k.GetCommandLine())), k.GetError())
	case *pb.Event_SysctlWrite:
		s := x.SysctlWrite
		change := w.text(s.GetNewValue())
		if old := w.text(s.GetOldValue()); old != "" {
			change = old + " -> " + change
		}
		return failed(w.text(s.GetName())+" = "+change, s.GetError())
	case *pb.Event_KeyOperation:
		return w.key(x.KeyOperation)
	case *pb.Event_IoUring:
		return w.ring(x.IoUring)
	case *pb.Event_DriverLoad:
		return noted("driver "+w.text(x.DriverLoad.GetImage()), w.signature(x.DriverLoad.GetSignature()))
	}
	return ""
}

func (w Words) bpf(x *pb.BpfOperation) string {
	kind := ""
	switch {
	case x.GetMapType() != 0:
		kind = linuxabi.BPFMapType(x.GetMapType())
	case x.GetProgramType() != 0:
		kind = linuxabi.BPFProgramType(x.GetProgramType())
	}
	name, id, target := "", "", ""
	if len(x.GetName()) > 0 {
		name = `"` + w.text(x.GetName()) + `"`
	}
	if x.GetId() != 0 {
		id = decimal(x.GetId())
	}
	if len(x.GetTarget()) > 0 {
		target = "on " + w.text(x.GetTarget())
	}
	return failed(spaced(linuxabi.BPFCommand(x.GetCommand()), kind, name, target, labelled("id", id)), x.GetError())
}

func (w Words) key(x *pb.KeyOperation) string {
	text := w.word(x.GetCall())
	if text == "" || text == "keyctl" {
		text = spaced(text, linuxabi.KeyOperation(x.GetOperation()))
	}
	serial, keyring := "", ""
	if x.GetSerial() != 0 {
		serial = linuxabi.Keyring(x.GetSerial())
	}
	if x.GetKeyring() != 0 {
		keyring = linuxabi.Keyring(x.GetKeyring())
	}
	return failed(spaced(text, w.text(x.GetType()), w.text(x.GetDescription()), labelled("key", serial), labelled("keyring", keyring)), x.GetError())
}

func (w Words) ring(x *pb.IoUring) string {
	if x.GetCreated() {
		return failed(noted("ring of "+strconv.FormatUint(uint64(x.GetEntries()), 10)+" entries", linuxabi.IoUringSetup(x.GetSetupFlags())...), x.GetError())
	}
	path := w.text(x.GetPath())
	if len(x.GetSecondPath()) > 0 {
		path += " -> " + w.text(x.GetSecondPath())
	}
	remote := ""
	if x.GetRemote() != nil {
		remote = w.endpoint(x.GetRemote())
	}
	return failed(spaced(linuxabi.IoUringOpcode(x.GetOpcode()), path, remote), x.GetError())
}

func (w Words) signature(s *pb.Signature) string {
	switch {
	case s == nil:
		return ""
	case !s.GetSigned():
		return "not signed"
	}
	return spaced("signed by", w.text(s.GetSigner()), w.word(s.GetStatus()))
}
