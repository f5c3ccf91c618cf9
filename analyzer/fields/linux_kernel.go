package fields

import (
	"slices"
	"strings"

	"github.com/vedette-edr/vedette/analyzer/sigma/taxonomy"
	pb "github.com/vedette-edr/vedette/proto"
)

func linuxMemoryShapes() map[string]shape {
	memory := func(syscall string, extra table) shape {
		return audited(syscall, []string{"SYSCALL"}, linuxActor(), region(), table{
			"Protection": func(v *View) (string, bool) { return rights(v.subject.region.GetProtection()), true },
		}, extra)
	}
	access := func(syscall string, extra table) shape {
		return audited(syscall, []string{"SYSCALL"}, linuxActor(), sourceOf(), targetOf(), extra)
	}
	trace := access("ptrace", table{
		"Request":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetProcessTrace().GetRequest())) },
		"Operation": func(v *View) (string, bool) { return traceRequest(v.ev.GetProcessTrace().GetRequest()) },
	})
	trace.argument = func(v *View, n int) (string, bool) {
		p := v.ev.GetProcessTrace()
		return v.callArgument(n, uint64(p.GetRequest()), uint64(p.GetTarget().GetPid()), p.GetAddress(), p.GetData())
	}
	kill := access("kill", table{
		"Signal":    func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetSignal().GetNumber())) },
		"Delivered": func(v *View) (string, bool) { return truth(v.ev.GetSignal().GetDelivered()) },
	})
	kill.lists["type"] = func(*View) []string { return []string{"OBJ_PID"} }
	kill.argument = func(v *View, n int) (string, bool) {
		return v.callArgument(n, uint64(v.ev.GetSignal().GetTarget().GetPid()), uint64(v.ev.GetSignal().GetNumber()))
	}
	operation := func(v *View) (string, bool) {
		m := v.ev.GetProcessMemory()
		if m.GetMethod() != "" {
			return m.GetMethod(), true
		}
		if m.GetWrite() {
			return "process_vm_writev", true
		}
		return "process_vm_readv", true
	}
	return map[string]shape{
		"memory_map": memory("mmap", nil),
		"memory_protect": memory("mprotect", table{
			"OldProtection": func(v *View) (string, bool) { return rights(v.ev.GetMemoryProtect().GetOldProtection()), true },
		}),
		"process_trace": trace,
		"process_memory": access("process_vm_readv", table{
			"Address":   func(v *View) (string, bool) { return v.hexadecimal(v.ev.GetProcessMemory().GetAddress()) },
			"Length":    func(v *View) (string, bool) { return v.decimal(v.ev.GetProcessMemory().GetLength()) },
			"Operation": operation,
		}).called(func(v *View) (string, bool) {
			name, _ := operation(v)
			switch {
			case strings.HasPrefix(name, "process_vm_"):
				return name, true
			case v.ev.GetProcessMemory().GetWrite():
				// Memory can be had through a file of procfs as well.
				return "write", true
			}
			return "read", true
		}),
		"handle_steal": access("pidfd_getfd", table{
			"Descriptor": func(v *View) (string, bool) { return v.signed(int64(v.ev.GetHandleSteal().GetDescriptor_())) },
		}),
		"signal": kill,
	}
}

// callArgument gives argument n of a system call in hexadecimal, as the audit daemon does.
func (v *View) callArgument(n int, arguments ...uint64) (string, bool) {
	if n >= len(arguments) {
		return "", false
	}
	return v.bare(arguments[n])
}

func region() table {
	return table{
		"Address": func(v *View) (string, bool) { return v.hexadecimal(v.subject.region.GetAddress()) },
		"Length":  func(v *View) (string, bool) { return v.decimal(v.subject.region.GetLength()) },
		"TargetFilename": func(v *View) (string, bool) {
			if f := v.subject.region.GetFile(); f != nil {
				return path(f)
			}
			return "", false
		},
	}
}

// rights spells the protection of memory: r, w and x, and - for each that is missing.
func rights(protection uint32) string {
	return [...]string{"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"}[protection&7]
}

// traceRequest names the requests of ptrace that change or take over another process.
func traceRequest(request uint32) (string, bool) {
	switch request {
	case 4:
		return "PTRACE_POKETEXT", true
	case 5:
		return "PTRACE_POKEDATA", true
	case 6:
		return "PTRACE_POKEUSR", true
	case 13:
		return "PTRACE_SETREGS", true
	case 15:
		return "PTRACE_SETFPREGS", true
	case 16:
		return "PTRACE_ATTACH", true
	case 0x4205:
		return "PTRACE_SETREGSET", true
	case 0x4206:
		return "PTRACE_SEIZE", true
	}
	return "", false
}

func linuxKernelShapes() map[string]shape {
	kernel := func(syscall string, tables ...table) shape {
		return audited(syscall, []string{"SYSCALL"}, append([]table{linuxActor()}, tables...)...)
	}
	moduleName := func(v *View) (string, bool) { return presentBytes(v.ev.GetModuleLoad().GetName()) }
	keyCalls := taxonomy.KeyCalls()
	unloaded := func(v *View) (string, bool) { return presentBytes(v.ev.GetModuleUnload().GetName()) }
	return map[string]shape{
		"credential_change": credentialChange(),
		"namespace_change": kernel("setns", table{
			"Operation": func(v *View) (string, bool) { return present(v.ev.GetNamespaceChange().GetOperation()) },
			"Flags":     func(v *View) (string, bool) { return v.hexadecimal(v.ev.GetNamespaceChange().GetFlags()) },
		}).called(oneCall(taxonomy.NamespaceCalls(), func(v *View) string { return v.ev.GetNamespaceChange().GetOperation() })),
		"login_session": loginSession(),
		"module_load": audited("finit_module", []string{"SYSCALL", "KERN_MODULE"}, linuxActor(), table{
			"ImageLoaded": ofFile(path),
			"ModuleName":  moduleName,
			"name":        moduleName,
			"FromMemory":  func(v *View) (string, bool) { return truth(v.ev.GetModuleLoad().GetFromMemory()) },
			"Size":        func(v *View) (string, bool) { return v.decimal(v.ev.GetModuleLoad().GetSize()) },
			"Parameters":  func(v *View) (string, bool) { return presentBytes(v.ev.GetModuleLoad().GetParameters()) },
			"Hashes":      (*View).hashes,
		}).called(func(v *View) (string, bool) {
			if v.ev.GetModuleLoad().GetFromMemory() {
				return "init_module", true
			}
			return "finit_module", true
		}),
		"module_unload": audited("delete_module", []string{"SYSCALL", "KERN_MODULE"}, linuxActor(), table{
			"ModuleName": unloaded, "name": unloaded,
		}),
		"bpf_operation": kernel("bpf", table{
			"Command":      func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetBpfOperation().GetCommand())) },
			"ProgramType":  func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetBpfOperation().GetProgramType())) },
			"MapType":      func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetBpfOperation().GetMapType())) },
			"ProgramName":  func(v *View) (string, bool) { return presentBytes(v.ev.GetBpfOperation().GetName()) },
			"ProgramId":    func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetBpfOperation().GetId())) },
			"AttachType":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetBpfOperation().GetAttachType())) },
			"AttachTarget": func(v *View) (string, bool) { return presentBytes(v.ev.GetBpfOperation().GetTarget()) },
		}),
		"perf_event_open": kernel("perf_event_open", table{
			"EventType":   func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetPerfEventOpen().GetType())) },
			"Config":      func(v *View) (string, bool) { return v.hexadecimal(v.ev.GetPerfEventOpen().GetConfig()) },
			"WithProgram": func(v *View) (string, bool) { return truth(v.ev.GetPerfEventOpen().GetWithProgram()) },
		}).called(eitherCall("ioctl", "perf_event_open", func(v *View) bool { return v.ev.GetPerfEventOpen().GetWithProgram() })),
		"kexec": kernel("kexec_file_load", table{
			"ImageLoaded":       ofFile(path),
			"KernelCommandLine": func(v *View) (string, bool) { return presentBytes(v.ev.GetKexec().GetCommandLine()) },
			"Flags":             func(v *View) (string, bool) { return v.hexadecimal(v.ev.GetKexec().GetFlags()) },
		}).called(eitherCall("kexec_file_load", "kexec_load", func(v *View) bool { return v.ev.GetKexec().GetKernel() != nil })),
		"sysctl_write": sysctlWrite(),
		"key_operation": kernel("keyctl", table{
			"Operation":      func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetKeyOperation().GetOperation())) },
			"KeyType":        func(v *View) (string, bool) { return presentBytes(v.ev.GetKeyOperation().GetType()) },
			"KeyDescription": func(v *View) (string, bool) { return presentBytes(v.ev.GetKeyOperation().GetDescription()) },
		}).called(func(v *View) (string, bool) {
			if call := v.ev.GetKeyOperation().GetCall(); slices.Contains(keyCalls, call) {
				return call, true
			}
			return "keyctl", true
		}),
		"io_uring": kernel("io_uring_enter", table{
			"Opcode":         func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetIoUring().GetOpcode())) },
			"Created":        func(v *View) (string, bool) { return truth(v.ev.GetIoUring().GetCreated()) },
			"SourceFilename": ioUringSource,
			"TargetFilename": ioUringTarget,
			"Entries":        ofRing(func(v *View, ring *pb.IoUring) (string, bool) { return v.decimal(uint64(ring.GetEntries())) }),
			"SetupFlags": ofRing(func(v *View, ring *pb.IoUring) (string, bool) {
				return v.hexadecimal(uint64(ring.GetSetupFlags()))
			}),
			"DestinationIp": func(v *View) (string, bool) { return v.address(v.ev.GetIoUring().GetRemote().GetAddress()) },
			"DestinationPort": func(v *View) (string, bool) {
				remote := v.ev.GetIoUring().GetRemote()
				if len(remote.GetAddress()) == 0 {
					return "", false
				}
				return v.decimal(uint64(remote.GetPort()))
			},
		}).called(eitherCall("io_uring_setup", "io_uring_enter", func(v *View) bool { return v.ev.GetIoUring().GetCreated() })),
	}
}

// eitherCall names one system call where a condition holds, and another elsewhere.
func eitherCall(call, otherwise string, when func(v *View) bool) accessor {
	return func(v *View) (string, bool) {
		if when(v) {
			return call, true
		}
		return otherwise, true
	}
}

// ofRing reads what only the making of a ring says.
func ofRing(read func(v *View, ring *pb.IoUring) (string, bool)) accessor {
	return func(v *View) (string, bool) {
		if ring := v.ev.GetIoUring(); ring.GetCreated() {
			return read(v, ring)
		}
		return "", false
	}
}

// ioUringTarget is the path that a request ends at: of a rename or link the second.
func ioUringTarget(v *View) (string, bool) {
	if second := v.ev.GetIoUring().GetSecondPath(); len(second) > 0 {
		return borrow(second), true
	}
	return presentBytes(v.ev.GetIoUring().GetPath())
}

func ioUringSource(v *View) (string, bool) {
	if len(v.ev.GetIoUring().GetSecondPath()) == 0 {
		return "", false
	}
	return presentBytes(v.ev.GetIoUring().GetPath())
}

func credentialChange() shape {
	user := func(read func(c *pb.CredentialChange) uint32) accessor {
		return func(v *View) (string, bool) { return v.users.Name(read(v.ev.GetCredentialChange())), true }
	}
	capabilities := func(read func(c *pb.CredentialChange) *pb.Capabilities) accessor {
		return func(v *View) (string, bool) {
			c := read(v.ev.GetCredentialChange())
			if c == nil {
				return "", false
			}
			return v.hexadecimal(c.GetEffective())
		}
	}
	operation := func(v *View) (string, bool) { return present(v.ev.GetCredentialChange().GetOperation()) }
	s := audited("", []string{"SYSCALL"}, linuxActor(), table{
		"Operation":        operation,
		"OldUser":          user(func(c *pb.CredentialChange) uint32 { return c.GetBefore().GetUid() }),
		"NewUser":          user(func(c *pb.CredentialChange) uint32 { return c.GetAfter().GetUid() }),
		"OldEffectiveUser": user(func(c *pb.CredentialChange) uint32 { return c.GetBefore().GetEuid() }),
		"NewEffectiveUser": user(func(c *pb.CredentialChange) uint32 { return c.GetAfter().GetEuid() }),
		"Unexplained":      func(v *View) (string, bool) { return truth(v.ev.GetCredentialChange().GetUnexplained()) },
		"OldCapabilities":  capabilities(func(c *pb.CredentialChange) *pb.Capabilities { return c.GetBefore().GetCapabilities() }),
		"NewCapabilities":  capabilities(func(c *pb.CredentialChange) *pb.Capabilities { return c.GetAfter().GetCapabilities() }),
	})
	return s.called(oneCall(taxonomy.CredentialCalls(), func(v *View) string { return v.ev.GetCredentialChange().GetOperation() }))
}

// oneCall gives what is read as long as it is one of the calls: the sensor has words for what no call explains as well.
func oneCall(calls []string, read func(v *View) string) accessor {
	return func(v *View) (string, bool) {
		name := read(v)
		return name, slices.Contains(calls, name)
	}
}

// loginSession is a login, on either platform; the words of the audit daemon are Linux's.
func loginSession() shape {
	all := with(linuxActor(), login(), table{
		"type": constant("LOGIN"),
		"comm": (*View).comm,
		"exe":  (*View).image,
		"pid":  (*View).pid,
		"ppid": (*View).parentPID,
		"uid":  (*View).uid,
		"auid": func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetLoginSession().GetUid())) },
		"ses":  func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetLoginSession().GetAuditSession())) },
	})
	return shape{fields: all}
}

func login() table {
	return table{
		"TargetUserName": func(v *View) (string, bool) {
			if user := v.ev.GetLoginSession().GetUser(); user != "" {
				return user, true
			}
			return v.users.Name(v.ev.GetLoginSession().GetUid()), true
		},
		"SourceIp": func(v *View) (string, bool) { return v.address(v.ev.GetLoginSession().GetSource().GetAddress()) },
		"SourcePort": func(v *View) (string, bool) {
			source := v.ev.GetLoginSession().GetSource()
			if source == nil {
				return "", false
			}
			return v.decimal(uint64(source.GetPort()))
		},
		"SourceHostname": func(v *View) (string, bool) { return presentBytes(v.ev.GetLoginSession().GetSource().GetHostname()) },
		"Ended":          func(v *View) (string, bool) { return truth(v.ev.GetLoginSession().GetEnded()) },
	}
}

// sysctlWrite shows the setting also as the file that it is.
func sysctlWrite() shape {
	file := func(v *View) (string, bool) {
		name := v.ev.GetSysctlWrite().GetName()
		if len(name) == 0 {
			return "", false
		}
		start := len(v.arena)
		v.arena = append(append(v.arena, "/proc/sys/"...), name...)
		if !strings.Contains(borrow(name), "/") {
			for i, c := range v.arena[start:] {
				if c == '.' {
					v.arena[start+i] = '/'
				}
			}
		}
		return v.made(start)
	}
	s := audited("openat", []string{"SYSCALL", "PATH"}, linuxActor(), table{
		"TargetObject":    func(v *View) (string, bool) { return presentBytes(v.ev.GetSysctlWrite().GetName()) },
		"TargetFilename":  file,
		"Details":         func(v *View) (string, bool) { return borrow(v.ev.GetSysctlWrite().GetNewValue()), true },
		"PreviousDetails": func(v *View) (string, bool) { return presentBytes(v.ev.GetSysctlWrite().GetOldValue()) },
	})
	return s.typed("NORMAL").named(file, nil)
}
