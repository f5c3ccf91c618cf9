package alert

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/ecs"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

// classification is where ECS sorts an event: categories and the types that they allow, and how it came out.
type classification struct {
	category, kind []string
	outcome        string
}

const (
	success = "success"
	failure = "failure"
)

// payload gives the event's payload and its name in the model; nil when it has none.
func payload(ev *pb.Event) (m protoreflect.Message, kind string) {
	r := ev.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("payload"))
	if field == nil {
		return nil, ""
	}
	return r.Get(field).Message(), string(field.Name())
}

// errnoOf gives the error number of what the event tried, and whether the kind has one.
func errnoOf(m protoreflect.Message) (errno int32, can bool) {
	switch x := m.Interface().(type) {
	case interface{ GetError() int32 }:
		return x.GetError(), true
	case interface{ GetErrno() int32 }:
		return x.GetErrno(), true
	}
	return 0, false
}

// classify fills the fields of the document that say what kind of event it was and how it came out.
func classify(doc *ecs.Alert, ev *pb.Event) {
	m, kind := payload(ev)
	if m == nil {
		return
	}
	c := sortEvent(ev)
	doc.Event.Action, doc.Event.Category, doc.Event.Type, doc.Event.Outcome = kind, c.category, c.kind, c.outcome
	if errno, can := errnoOf(m); can {
		doc.Event.Outcome = success
		if errno != 0 {
			doc.Event.Outcome, doc.Vedette.Errno = failure, errno
			doc.Error = &ecs.Error{Code: linuxabi.Errno(errno)}
		}
	}
}

// in makes a classification of something that was done: events of things that failed have an error number.
func in(category string, kinds ...string) classification {
	return classification{category: []string{category}, kind: kinds, outcome: success}
}

// told makes a classification of something that only was noted.
func told(category string, kinds ...string) classification {
	return classification{category: []string{category}, kind: kinds}
}

func sortEvent(ev *pb.Event) classification {
	switch x := ev.Payload.(type) {
	case *pb.Event_Exec, *pb.Event_Fork, *pb.Event_ExecFailed, *pb.Event_ContainerExec:
		return in("process", "start")
	case *pb.Event_Exit:
		return told("process", "end")
	case *pb.Event_Seed, *pb.Event_SeedEnd, *pb.Event_ScriptBlock, *pb.Event_ModuleLogging:
		return told("process", "info")
	case *pb.Event_ProcessRename:
		return in("process", "change")

	case *pb.Event_MemoryMap, *pb.Event_MemoryProtect, *pb.Event_RemoteThread, *pb.Event_NamespaceChange:
		return in("process", "change")
	case *pb.Event_ProcessTrace:
		if traceChanges(x.ProcessTrace.GetRequest()) {
			return in("process", "change")
		}
		return in("process", "access")
	case *pb.Event_ProcessMemory:
		if x.ProcessMemory.GetWrite() {
			return in("process", "change")
		}
		return in("process", "access")
	case *pb.Event_ProcessAccess, *pb.Event_Signal, *pb.Event_HandleSteal:
		return in("process", "access")
	case *pb.Event_CredentialChange:
		return classification{category: []string{"process", "iam"}, kind: []string{"change"}, outcome: success}
	case *pb.Event_LoginSession:
		if x.LoginSession.GetEnded() {
			return told("session", "end")
		}
		return in("session", "start")

	case *pb.Event_ModuleLoad, *pb.Event_DriverLoad:
		return in("driver", "start")
	case *pb.Event_ModuleUnload:
		return in("driver", "end")
	case *pb.Event_BpfOperation:
		return in("driver", bpfKind(x.BpfOperation.GetCommand()))
	case *pb.Event_PerfEventOpen:
		if x.PerfEventOpen.GetWithProgram() {
			return in("driver", "start")
		}
		return in("host", "access")
	case *pb.Event_Kexec:
		return in("host", "change")
	case *pb.Event_SysctlWrite, *pb.Event_Mount, *pb.Event_ServiceChange:
		return in("configuration", "change")
	case *pb.Event_KeyOperation:
		return in("configuration", keyKind(x.KeyOperation))
	case *pb.Event_IoUring:
		return ringClass(x.IoUring)

	case *pb.Event_ScheduledTask, *pb.Event_WmiActivity:
		return in("configuration", "creation")
	case *pb.Event_RegistryKey:
		return in("registry", registryKind(x.RegistryKey.GetOperation()))
	case *pb.Event_RegistryValue:
		return in("registry", registryKind(x.RegistryValue.GetOperation()))
	case *pb.Event_ImageLoad:
		return in("library", "start")

	case *pb.Event_SensorTamper:
		return told("configuration", "change")
	case *pb.Event_CgroupChange:
		return told("host", "change")
	case *pb.Event_EventLogRecord, *pb.Event_ContainerSpec, *pb.Event_Throttled, *pb.Event_CollectorGap:
		return told("host", "info")
	}
	if c := sortFile(ev); c.category != nil {
		return c
	}
	return sortNetwork(ev)
}

func sortFile(ev *pb.Event) classification {
	switch x := ev.Payload.(type) {
	case *pb.Event_FileOpen:
		switch o := x.FileOpen; {
		case o.GetCreated():
			return in("file", "creation")
		case linuxabi.OpenWrites(o.GetFlags()):
			return in("file", "change")
		}
		return in("file", "access")
	case *pb.Event_FileClose:
		if x.FileClose.GetWritten() {
			return in("file", "change")
		}
		return in("file", "access")
	case *pb.Event_FileDelete:
		return in("file", "deletion")
	case *pb.Event_FileWrite, *pb.Event_FileRename, *pb.Event_FileMode, *pb.Event_FileOwner, *pb.Event_FileTruncate, *pb.Event_FileTimes,
		*pb.Event_FileAttribute:
		return in("file", "change")
	case *pb.Event_FileLink, *pb.Event_MemfdCreate, *pb.Event_FileStream:
		return in("file", "creation")
	case *pb.Event_DirectoryChange:
		if x.DirectoryChange.GetRemoved() {
			return in("file", "deletion")
		}
		return in("file", "creation")
	case *pb.Event_NamedPipe:
		if x.NamedPipe.GetCreated() {
			return in("file", "creation")
		}
		return in("file", "access")
	case *pb.Event_RawDiskAccess:
		return in("file", "access")
	case *pb.Event_UnixBind:
		if x.UnixBind.GetAbstract() {
			return in("network", "start")
		}
		return classification{category: []string{"network", "file"}, kind: []string{"start", "creation"}, outcome: success}
	}
	return classification{}
}

func sortNetwork(ev *pb.Event) classification {
	switch x := ev.Payload.(type) {
	case *pb.Event_NetworkConnect, *pb.Event_NetworkAccept, *pb.Event_UnixConnect:
		return in("network", "connection", "start")
	case *pb.Event_NetworkBind, *pb.Event_NetworkListen:
		return in("network", "start")
	case *pb.Event_NetworkClose:
		return told("network", "connection", "end")
	case *pb.Event_NetworkBytes:
		return told("network", "connection", "info")
	case *pb.Event_DnsMessage:
		return told("network", "protocol", "info")
	case *pb.Event_DnsQuery:
		c := in("network", "protocol", "info")
		if x.DnsQuery.GetStatus() != 0 {
			c.outcome = failure
		}
		return c
	}
	return classification{}
}

// traceChanges reports whether a request of ptrace writes into the target, rather than taking hold of it.
func traceChanges(request uint32) bool {
	name := linuxabi.TraceRequest(request)
	return strings.HasPrefix(name, "PTRACE_POKE") || strings.HasPrefix(name, "PTRACE_SET")
}

func bpfKind(command uint32) string {
	switch command {
	case linuxabi.BPFProgramLoad, linuxabi.BPFProgramAttach, linuxabi.BPFRawTracepointOpen, linuxabi.BPFLinkCreate:
		return "start"
	case linuxabi.BPFProgramDetach, linuxabi.BPFLinkDetach:
		return "end"
	}
	return "change"
}

func keyKind(x *pb.KeyOperation) string {
	if x.GetCall() == "add_key" {
		return "creation"
	}
	if x.GetCall() == "request_key" {
		return "access"
	}
	switch linuxabi.KeyOperation(x.GetOperation()) {
	case "read", "search", "describe", "get_keyring_id", "get_security", "pkey_query":
		return "access"
	case "revoke", "invalidate", "unlink":
		return "deletion"
	}
	return "change"
}

// ringClass sorts a request to a ring as the same thing done by a system call.
func ringClass(x *pb.IoUring) classification {
	if x.GetCreated() {
		return in("process", "info")
	}
	switch linuxabi.IoUringOpcode(x.GetOpcode()) {
	case "connect":
		return in("network", "connection", "start")
	case "bind", "listen":
		return in("network", "start")
	case "unlinkat":
		return in("file", "deletion")
	case "mkdirat", "linkat", "symlinkat":
		return in("file", "creation")
	case "renameat", "setxattr", "fsetxattr", "ftruncate":
		return in("file", "change")
	}
	return in("file", "access")
}

func registryKind(operation string) string {
	switch operation = strings.ToLower(operation); {
	case strings.Contains(operation, "create"):
		return "creation"
	case strings.Contains(operation, "delete"):
		return "deletion"
	}
	return "change"
}

// uncertain names what says that something of the event is not sure: flags, and paths that the kernel did not answer for. That
// arguments or environment are cut is said by vedette.truncated.
func uncertain(ev *pb.Event) []string {
	var out []string
	for _, f := range [...]struct {
		bit  pb.EventFlag
		word string
	}{
		{pb.EventFlag_EVENT_FLAG_PATH_UNRESOLVED, "path"},
		{pb.EventFlag_EVENT_FLAG_READ_FAULT, "memory"},
		{pb.EventFlag_EVENT_FLAG_CHANGED_DURING_CALL, "changed"},
	} {
		if ev.Flags&uint32(f.bit) != 0 {
			out = append(out, f.word)
		}
	}
	if m, _ := payload(ev); m != nil {
		var lexical, changed bool
		pathSources(m, func(source pb.PathSource) {
			lexical = lexical || source == pb.PathSource_PATH_SOURCE_LEXICAL
			changed = changed || source == pb.PathSource_PATH_SOURCE_CHANGED
		})
		if changed {
			out = distinct(append(out, "changed"))
		}
		if lexical {
			out = append(out, "lexical")
		}
	}
	return out
}

// pathSources visits the source of every path in a message of the model.
func pathSources(m protoreflect.Message, visit func(pb.PathSource)) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.IsList():
		case field.Kind() == protoreflect.MessageKind:
			pathSources(value.Message(), visit)
		case field.Kind() == protoreflect.EnumKind && field.Enum().Name() == "PathSource":
			visit(pb.PathSource(value.Enum()))
		}
		return true
	})
}
