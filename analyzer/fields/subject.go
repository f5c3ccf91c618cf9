package fields

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

// subject is what the payload of an event is about, in the parts that several payloads have alike.
type subject struct {
	file   *pb.File
	socket *pb.Socket
	target *pb.ProcessKey
	region *pb.MemoryRegion
	hashes *pb.Hashes
	signed *pb.Signature
	// resources are the version information of an executable.
	resources *pb.VersionInfo
	// errno is 0 where the call succeeded.
	errno int32
}

// take looks into the payload and gives its number in the event message; 0 for one that no rule sees.
func (s *subject) take(ev *pb.Event) int {
	*s = subject{}
	if number := s.takeFile(ev); number != 0 {
		return number
	}
	if number := s.takeKernel(ev); number != 0 {
		return number
	}
	switch p := ev.Payload.(type) {
	case *pb.Event_Exec:
		s.file, s.hashes, s.signed, s.resources = p.Exec.GetExecutable(), p.Exec.GetHashes(), p.Exec.GetSignature(), p.Exec.GetVersionInfo()
		return 20
	case *pb.Event_Exit:
		return 22
	case *pb.Event_ExecFailed:
		s.errno = p.ExecFailed.GetErrno()
		return 25
	case *pb.Event_ProcessRename:
		return 26
	case *pb.Event_NetworkConnect:
		s.socket, s.errno = p.NetworkConnect.GetSocket(), p.NetworkConnect.GetError()
		return 70
	case *pb.Event_NetworkAccept:
		s.socket = p.NetworkAccept.GetSocket()
		return 71
	case *pb.Event_NetworkBind:
		s.socket, s.errno = p.NetworkBind.GetSocket(), p.NetworkBind.GetError()
		return 72
	case *pb.Event_NetworkListen:
		s.socket = p.NetworkListen.GetSocket()
		return 73
	case *pb.Event_NetworkClose:
		s.socket = p.NetworkClose.GetSocket()
		return 74
	case *pb.Event_UnixConnect:
		s.target, s.errno = p.UnixConnect.GetPeer(), p.UnixConnect.GetError()
		return 76
	case *pb.Event_UnixBind:
		s.file = p.UnixBind.GetFile()
		return 77
	case *pb.Event_DnsQuery:
		return 86
	case *pb.Event_RegistryKey:
		return 150
	case *pb.Event_RegistryValue:
		return 151
	case *pb.Event_ImageLoad:
		l := p.ImageLoad
		s.file, s.hashes, s.signed, s.resources = l.GetFile(), l.GetHashes(), l.GetSignature(), l.GetVersionInfo()
		return 160
	case *pb.Event_ScriptBlock:
		return 161
	case *pb.Event_ModuleLogging:
		return 162
	case *pb.Event_NamedPipe:
		return 170
	case *pb.Event_WmiActivity:
		return 171
	case *pb.Event_ScheduledTask:
		return 172
	case *pb.Event_ServiceChange:
		return 173
	case *pb.Event_EventLogRecord:
		return 174
	}
	return 0
}

func (s *subject) takeFile(ev *pb.Event) int {
	switch p := ev.Payload.(type) {
	case *pb.Event_FileOpen:
		s.file, s.errno = p.FileOpen.GetFile(), p.FileOpen.GetError()
		return 40
	case *pb.Event_FileWrite:
		s.file = p.FileWrite.GetFile()
		return 41
	case *pb.Event_FileDelete:
		s.file = p.FileDelete.GetFile()
		return 43
	case *pb.Event_FileRename:
		s.file = p.FileRename.GetFrom()
		return 44
	case *pb.Event_FileLink:
		s.file = p.FileLink.GetTarget()
		return 45
	case *pb.Event_FileMode:
		s.file = p.FileMode.GetFile()
		return 46
	case *pb.Event_FileOwner:
		s.file = p.FileOwner.GetFile()
		return 47
	case *pb.Event_FileTruncate:
		s.file = p.FileTruncate.GetFile()
		return 48
	case *pb.Event_FileTimes:
		s.file = p.FileTimes.GetFile()
		return 49
	case *pb.Event_FileAttribute:
		s.file = p.FileAttribute.GetFile()
		return 50
	case *pb.Event_DirectoryChange:
		s.file = p.DirectoryChange.GetDirectory()
		return 51
	case *pb.Event_MemfdCreate:
		s.file = p.MemfdCreate.GetFile()
		return 52
	case *pb.Event_Mount:
		return 53
	case *pb.Event_FileStream:
		s.file, s.hashes = p.FileStream.GetFile(), p.FileStream.GetHashes()
		return 54
	case *pb.Event_RawDiskAccess:
		return 55
	}
	return 0
}

// takeKernel is for payloads of memory, other processes, identity and the kernel.
func (s *subject) takeKernel(ev *pb.Event) int {
	switch p := ev.Payload.(type) {
	case *pb.Event_MemoryMap:
		s.region = p.MemoryMap.GetRegion()
		return 90
	case *pb.Event_MemoryProtect:
		s.region = p.MemoryProtect.GetRegion()
		return 91
	case *pb.Event_ProcessTrace:
		s.target, s.errno = p.ProcessTrace.GetTarget(), p.ProcessTrace.GetError()
		return 92
	case *pb.Event_ProcessMemory:
		s.target, s.errno = p.ProcessMemory.GetTarget(), p.ProcessMemory.GetError()
		return 93
	case *pb.Event_ProcessAccess:
		s.target = p.ProcessAccess.GetTarget()
		return 94
	case *pb.Event_RemoteThread:
		s.target = p.RemoteThread.GetTarget()
		return 95
	case *pb.Event_Signal:
		s.target, s.errno = p.Signal.GetTarget(), p.Signal.GetError()
		return 96
	case *pb.Event_HandleSteal:
		s.target, s.errno = p.HandleSteal.GetTarget(), p.HandleSteal.GetError()
		return 97
	case *pb.Event_CredentialChange:
		s.errno = p.CredentialChange.GetError()
		return 110
	case *pb.Event_NamespaceChange:
		s.errno = p.NamespaceChange.GetError()
		return 111
	case *pb.Event_LoginSession:
		return 112
	case *pb.Event_ModuleLoad:
		l := p.ModuleLoad
		s.file, s.errno, s.hashes, s.signed = l.GetFile(), l.GetError(), l.GetHashes(), l.GetSignature()
		return 130
	case *pb.Event_ModuleUnload:
		s.errno = p.ModuleUnload.GetError()
		return 131
	case *pb.Event_BpfOperation:
		s.errno = p.BpfOperation.GetError()
		return 132
	case *pb.Event_PerfEventOpen:
		s.errno = p.PerfEventOpen.GetError()
		return 133
	case *pb.Event_Kexec:
		s.file, s.errno = p.Kexec.GetKernel(), p.Kexec.GetError()
		return 134
	case *pb.Event_SysctlWrite:
		s.errno = p.SysctlWrite.GetError()
		return 135
	case *pb.Event_KeyOperation:
		s.errno = p.KeyOperation.GetError()
		return 136
	case *pb.Event_IoUring:
		s.errno = p.IoUring.GetError()
		return 137
	case *pb.Event_DriverLoad:
		s.hashes, s.signed = p.DriverLoad.GetHashes(), p.DriverLoad.GetSignature()
		return 138
	}
	return 0
}

func payloadName(payload string) protoreflect.Name { return protoreflect.Name(payload) }

// spoken names the fields of a record that keywords are looked for in. What the start of a program has said about it is not
// said again by all that the program does: a word in its command line would otherwise match each of its events.
func spoken(record *taxonomy.Record) []string {
	if record.Name == "execve" {
		return []string{"proctitle"}
	}
	categorised := false
	for _, source := range record.Sources {
		categorised = categorised || source.Category != ""
	}
	var names []string
	for _, f := range record.Fields {
		switch {
		case f.Supply == taxonomy.Never, f.Name == "aN", f.Name == "UtcTime", strings.HasSuffix(strings.ToLower(f.Name), "guid"):
		case f.Name == "ScriptSource", f.Name == "InlineScript":
			// A word of ours, and a part of the command line.
		case categorised && repeats(f.Name), record.Payload != "exec" && saidAtStart(f.Name):
		default:
			names = append(names, f.Name)
		}
	}
	return names
}

// saidAtStart reports whether a field says of the acting process what the record of its start has said.
func saidAtStart(name string) bool {
	switch name {
	case "CommandLine", "ParentCommandLine", "Environment":
		return true
	}
	return false
}

// repeats reports whether a field says in the words of the audit daemon, or of a generic log source, what another field of
// the same record says.
func repeats(name string) bool {
	return name == "SYSCALL" || name == "FileName" || 'a' <= name[0] && name[0] <= 'z'
}
