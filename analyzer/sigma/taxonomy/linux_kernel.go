package taxonomy

import "slices"

// target is the process that is acted upon.
func target() []Field {
	return slices.Concat(
		always("TargetProcessId", "TargetProcessGuid", "TargetProcessGUID"),
		sometimes(whyUnseen, "TargetImage", "TargetCommandLine"),
	)
}

// source repeats the acting process under the names that Sysmon has where two processes are involved.
func source() []Field {
	return slices.Concat(
		always("SourceProcessId", "SourceProcessGuid", "SourceProcessGUID"),
		sometimes(whyUnseen, "SourceUser", "SourceImage", "SourceCommandLine"),
	)
}

func linuxMemory() []Record {
	memory := func(payload, syscall string, extra []Field) Record {
		return Record{
			Name: payload, Payload: payload, Sources: withAuditd(payload),
			Fields: slices.Concat(
				linuxActor(), always("Address", "Length", "Protection"), sometimes("only of mapped files", "TargetFilename"), extra,
				only(whyTypes, "type", "SYSCALL"), auditActor(syscall),
			),
		}
	}
	access := func(payload string, extra []Field, syscalls ...string) Record {
		return Record{
			Name: payload, Payload: payload, Sources: withAuditd("process_access", payload),
			Fields: slices.Concat(
				linuxActor(), source(), target(), sometimes(whyUnseen, "TargetUser"), extra, only(whyTypes, "type", "SYSCALL"), auditActor(syscalls...),
				never("Linux has no access masks for processes", "GrantedAccess"), never("stacks are not walked", "CallTrace"),
			),
		}
	}
	return slices.Concat([]Record{
		memory("memory_map", "mmap", nil),
		memory("memory_protect", "mprotect", always("OldProtection")),
	},
		failing(access("process_trace", slices.Concat(always("Request"), sometimes("only of requests that take over or change the other process", "Operation"), sometimes("the arguments of the call, in hexadecimal", "aN")), "ptrace")),
		failing(access("process_memory", always("Address", "Length", "Operation"),
			"process_vm_readv", "process_vm_writev", "read", "write")),
		failing(access("handle_steal", always("Descriptor"), "pidfd_getfd")),
		failing(Record{
			Name: "signal", Payload: "signal", Sources: withAuditd("signal"),
			Fields: slices.Concat(
				linuxActor(), source(), target(), sometimes(whyUnseen, "TargetUser"), always("Signal"), oneOf("Delivered", "true", "false"),
				sometimes("the arguments of the call, in hexadecimal", "aN"), only(whyTypes, "type", "SYSCALL", "OBJ_PID"), auditActor("kill"),
			),
		}),
	)
}

// CredentialCalls are the system calls that change the credentials of their caller; execve does for a program that is setuid or
// has capabilities of its own.
func CredentialCalls() []string {
	return []string{
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset", "prctl",
		"execve",
	}
}

// KeyCalls are the system calls for the kernel's keyrings.
func KeyCalls() []string { return []string{"keyctl", "add_key", "request_key"} }

// NamespaceCalls are the system calls that change the namespaces of their caller or its child.
func NamespaceCalls() []string { return []string{"setns", "unshare", "clone", "clone3"} }

// MountCalls are the system calls that change what is mounted.
func MountCalls() []string {
	return []string{"mount", "umount2", "move_mount", "open_tree", "fsmount", "pivot_root", "mount_setattr"}
}

func linuxIdentity() []Record {
	return slices.Concat(
		failing(Record{
			Name: "credential_change", Payload: "credential_change", Sources: withAuditd("credential_change"),
			Fields: slices.Concat(
				linuxActor(), always("Operation", "OldUser", "NewUser", "OldEffectiveUser", "NewEffectiveUser"),
				oneOf("Unexplained", "true", "false"),
				sometimes("only when the sensor sent capabilities", "OldCapabilities", "NewCapabilities"),
				only(whyTypes, "type", "SYSCALL"), auditOutcome(),
				oneOfSometimes("not when no call explains the change", "SYSCALL", CredentialCalls()...),
			),
		}),
		failing(Record{
			Name: "namespace_change", Payload: "namespace_change", Sources: withAuditd("namespace_change"),
			Fields: slices.Concat(
				linuxActor(), always("Operation", "Flags"), only(whyTypes, "type", "SYSCALL"), auditOutcome(),
				oneOfSometimes("only where the sensor names one of these calls", "SYSCALL", NamespaceCalls()...),
			),
		}),
		[]Record{{
			Name: "login_session", Payload: "login_session", Sources: withAuditd("login_session"),
			Fields: slices.Concat(
				linuxActor(), always("TargetUserName"), sometimes("only of a login over the network", "SourceIp", "SourcePort"),
				sometimes("only where the address has a name", "SourceHostname"), oneOf("Ended", "true", "false"),
				only(whyTypes, "type", "LOGIN"), always("comm", "pid", "uid", "auid", "ses"), sometimes(whyUnseen, "exe", "ppid"),
				never(whyKey, "key"),
			),
		}},
	)
}

func linuxKernel() []Record {
	kernel := func(payload string, syscalls []string, extra ...[]Field) []Record {
		return failing(Record{
			Name: payload, Payload: payload, Sources: withAuditd(payload),
			Fields: slices.Concat(linuxActor(), slices.Concat(extra...), only(whyTypes, "type", "SYSCALL"), auditActor(syscalls...)),
		})
	}
	return slices.Concat(
		failing(Record{
			Name: "module_load", Payload: "module_load", Sources: withAuditd("driver_load", "module_load"),
			Fields: slices.Concat(
				linuxActor(), sometimes("absent when it was loaded from memory", "ImageLoaded"), always("ModuleName"),
				oneOf("FromMemory", "true", "false"), always("Size"), sometimes("only when some were given", "Parameters"),
				sometimes("only when the file was hashed", "Hashes"),
				only(whyTypes, "type", "SYSCALL", "KERN_MODULE"), auditActor("finit_module", "init_module"), always("name"),
			),
		}),
		failing(Record{
			Name: "module_unload", Payload: "module_unload", Sources: withAuditd("module_unload"),
			Fields: slices.Concat(
				linuxActor(), always("ModuleName"), only(whyTypes, "type", "SYSCALL", "KERN_MODULE"), auditActor("delete_module"), always("name"),
			),
		}),
		kernel("bpf_operation", []string{"bpf"}, always("Command", "ProgramType", "MapType", "ProgramName", "ProgramId", "AttachType"),
			sometimes("only of an attachment", "AttachTarget")),
		kernel("perf_event_open", []string{"perf_event_open", "ioctl"}, always("EventType", "Config"), oneOf("WithProgram", "true", "false")),
		kernel("kexec", []string{"kexec_file_load", "kexec_load"}, always("Flags"), sometimes("absent when it was loaded from memory", "ImageLoaded"),
			sometimes("only when one was given", "KernelCommandLine")),
		failing(Record{
			Name: "sysctl_write", Payload: "sysctl_write", Sources: withAuditd("sysctl_write"),
			Fields: slices.Concat(
				linuxActor(), always("TargetObject", "TargetFilename", "Details"), sometimes("absent when it could not be read", "PreviousDetails"),
				only(whyTypes, "type", "SYSCALL", "PATH"), auditActor("openat"), always("name"), oneOf("nametype", "NORMAL"),
			),
			Note: "name and TargetFilename are the file below /proc/sys.",
		}),
		kernel("key_operation", KeyCalls(), always("Operation"), sometimes("only when the call names it", "KeyType", "KeyDescription")),
		kernel("io_uring", []string{"io_uring_enter", "io_uring_setup"}, always("Opcode"), oneOf("Created", "true", "false"),
			sometimes("only of a ring that was made", "Entries", "SetupFlags"),
			sometimes("only of requests with a path", "TargetFilename", "SourceFilename"),
			sometimes("only of connects", "DestinationIp", "DestinationPort")),
	)
}
