package content

// kernelEvents are of rules for mounts, rights, namespaces and the kernel itself.
func kernelEvents(tr *trial) {
	f := tr.rule
	f("bpf_program_from_temporary_path",
		events(
			event("Command", "5", "ProgramType", "2", "ProgramName", "hide", "Image", "/dev/shm/x"),
			event("Command", "5", "ProgramType", "1", "Image", "/usr/bin/perl"),
		),
		events(
			event("Command", "5", "ProgramType", "15", "Image", "/usr/lib/systemd/systemd"),
			event("Command", "0", "Image", "/dev/shm/x"),
		))
	f("cgroup_mounted_elsewhere",
		events(
			event("Operation", "mount", "FilesystemType", "cgroup", "TargetFilename", "/tmp/cgrp",
				"Image", "/usr/bin/mount"),
		),
		events(
			event("Operation", "mount", "FilesystemType", "cgroup2",
				"TargetFilename", "/var/lib/docker/overlay2/0/merged/sys/fs/cgroup", "Image", "/usr/bin/runc"),
		))
	f("credentials_changed_without_call",
		events(
			event("Unexplained", "true", "OldUser", "alice", "OldEffectiveUser", "alice", "NewUser", "root",
				"NewEffectiveUser", "root", "OldCapabilities", "0x0", "NewCapabilities", "0x1ffffffffff",
				"Image", "/tmp/x"),
			event("Unexplained", "true", "OldUser", "alice", "OldEffectiveUser", "alice", "NewUser", "alice",
				"NewEffectiveUser", "alice", "OldCapabilities", "0x0", "NewCapabilities", "0x200000",
				"Image", "/tmp/x"),
		),
		events(
			event("Unexplained", "false", "Operation", "execve", "OldUser", "alice", "OldEffectiveUser", "alice",
				"NewUser", "alice", "NewEffectiveUser", "root", "Image", "/usr/bin/sudo"),
			event("Unexplained", "true", "OldUser", "root", "OldEffectiveUser", "root", "NewUser", "root",
				"NewEffectiveUser", "root", "NewCapabilities", "0x1ffffffffff", "Image", "/usr/sbin/x"),
		))
	f("io_uring_from_temporary_path",
		events(event("Created", "true", "Opcode", "0", "Image", "/dev/shm/x")),
		events(
			event("Created", "true", "Opcode", "0", "Image", "/usr/bin/node"),
			event("Created", "false", "Opcode", "18", "Image", "/dev/shm/x"),
		))
	f("kernel_helper_program_set",
		events(
			event("TargetFilename", "/proc/sys/kernel/core_pattern", "Details", "|/tmp/payload %p",
				"Image", "/usr/bin/dash"),
			event("TargetFilename", "/proc/sys/kernel/modprobe", "Details", "/tmp/x\n", "Image", "/tmp/x"),
		),
		events(
			event("TargetFilename", "/proc/sys/kernel/core_pattern",
				"Details", "|/usr/lib/systemd/systemd-coredump %P %u",
				"Image", "/usr/lib/systemd/systemd-sysctl"),
			event("TargetFilename", "/proc/sys/kernel/modprobe", "Details", "/bin/true", "Image", "/usr/bin/dash"),
		))
	f("kernel_keys_read",
		events(event("Operation", "11", "Image", "/usr/bin/keyctl"), event("Operation", "11", "Image", "/tmp/x")),
		events(
			event("Operation", "11", "Image", "/usr/sbin/cifs.upcall"),
			event("Operation", "6", "Image", "/usr/bin/keyctl"),
		))
	f("kernel_protection_lowered",
		events(
			event("TargetFilename", "/proc/sys/kernel/yama/ptrace_scope", "Details", "0", "PreviousDetails", "1",
				"Image", "/usr/bin/dash"),
			event("TargetFilename", "/proc/sys/kernel/perf_event_paranoid", "Details", "-1\n",
				"Image", "/usr/sbin/sysctl"),
		),
		events(
			event("TargetFilename", "/proc/sys/kernel/kptr_restrict", "Details", "1", "PreviousDetails", "0",
				"Image", "/usr/bin/dash"),
			event("TargetFilename", "/proc/sys/kernel/kptr_restrict", "Details", "0\n", "PreviousDetails", "0",
				"Image", "/usr/bin/dash"),
		))
	f("kernel_replaced_at_runtime",
		events(
			event("ProcessId", "42", "ImageLoaded", "/tmp/vmlinuz", "Image", "/usr/sbin/kexec"),
			event("ProcessId", "42", "Image", "/tmp/x"),
		),
		events(event("ProcessId", "42", "ImageLoaded", "/boot/vmlinuz-6.1.0-18-amd64", "Image", "/usr/sbin/kexec")))
	f("login_identity_set",
		events(event("Ended", "false", "TargetUserName", "root", "Image", "/usr/bin/dash")),
		events(
			event("Ended", "false", "TargetUserName", "alice", "Image", "/usr/sbin/sshd"),
			event("Ended", "true", "TargetUserName", "alice", "Image", "/usr/bin/dash"),
		))
	f("module_from_memory",
		events(event("FromMemory", "true", "ModuleName", "x", "Image", "/tmp/x")),
		events(
			event("FromMemory", "true", "ModuleName", "xfs", "Image", "/usr/bin/kmod"),
			event("FromMemory", "false", "ModuleName", "xfs",
				"ImageLoaded", "/usr/lib/modules/6.1.0/kernel/fs/xfs/xfs.ko", "Image", "/tmp/x"),
		))
	f("module_from_unusual_path",
		events(
			event("FromMemory", "false", "ModuleName", "x", "ImageLoaded", "/home/alice/x.ko",
				"Image", "/usr/bin/kmod"),
		),
		events(
			event("FromMemory", "false", "ModuleName", "xfs",
				"ImageLoaded", "/usr/lib/modules/6.1.0/kernel/fs/xfs/xfs.ko", "Image", "/usr/bin/kmod"),
			event("FromMemory", "true", "ModuleName", "x", "Image", "/tmp/x"),
		))
	f("namespace_joined_by_script",
		events(
			event("Operation", "setns", "Flags", "0x20000", "Image", "/usr/bin/python3.11"),
			event("Operation", "setns", "Flags", "0x0", "Image", "/tmp/escape"),
		),
		events(
			event("Operation", "setns", "Flags", "0x20000", "Image", "/usr/bin/runc"),
			event("Operation", "setns", "Flags", "0x40000000", "Image", "/usr/bin/python3.11"),
		))
	f("process_hidden_by_mount",
		events(
			event("Operation", "mount", "TargetFilename", "/proc/4711", "SourceFilename", "/tmp/empty",
				"Image", "/usr/bin/mount"),
		),
		events(
			event("Operation", "mount", "TargetFilename", "/proc/sys", "Image", "/usr/bin/runc"),
			event("Operation", "umount2", "TargetFilename", "/proc/4711", "Image", "/usr/bin/umount"),
		))
	f("root_by_capability",
		events(
			event("Operation", "setuid", "Unexplained", "false", "OldUser", "alice", "OldEffectiveUser", "alice",
				"NewUser", "root", "NewEffectiveUser", "root", "success", "yes", "Image", "/usr/bin/python3.11"),
		),
		events(
			event("Operation", "setuid", "Unexplained", "false", "OldUser", "alice", "OldEffectiveUser", "root",
				"NewUser", "root", "NewEffectiveUser", "root", "success", "yes", "Image", "/usr/bin/su"),
		))
	f("system_file_covered_by_mount",
		events(
			event("Operation", "mount", "TargetFilename", "/etc/passwd", "SourceFilename", "/tmp/passwd",
				"MountFlags", "0x1000", "Image", "/usr/bin/mount"),
			event("Operation", "mount", "TargetFilename", "/etc/passwd", "SourceFilename", "/tmp/passwd",
				"MountFlags", "0x41000", "Image", "/tmp/x"),
			event("Operation", "move_mount", "TargetFilename", "/usr/bin", "MountFlags", "0x24", "Image", "/tmp/x"),
		),
		events(
			event("Operation", "mount", "TargetFilename", "/etc/hosts", "MountFlags", "0x1000",
				"Image", "/usr/bin/runc"),
			event("Operation", "mount", "TargetFilename", "/usr/lib/x", "MountFlags", "0x1000",
				"Image", "/usr/lib/systemd/systemd-executor"),
			event("Operation", "mount", "TargetFilename", "/boot", "MountFlags", "0x21", "Image", "/usr/bin/mount"),
			event("Operation", "mount", "TargetFilename", "/boot", "MountFlags", "0x44000",
				"Image", "/usr/bin/mount"),
			event("Operation", "umount2", "TargetFilename", "/etc/passwd", "MountFlags", "0x0",
				"Image", "/usr/bin/umount"),
		))
	f("user_namespace_from_writable_path",
		events(
			event("Operation", "unshare", "Flags", "0x50000000", "Image", "/tmp/x"),
			event("Operation", "clone", "Flags", "0x10000011", "Image", "/dev/shm/x"),
		),
		events(
			event("Operation", "unshare", "Flags", "0x50000000", "Image", "/opt/google/chrome/chrome"),
			event("Operation", "unshare", "Flags", "0x20000", "Image", "/tmp/x"),
		))
}
