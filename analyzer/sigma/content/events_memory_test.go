package content

// memoryEvents are of rules for memory and other processes.
func memoryEvents(tr *trial) {
	f := tr.rule
	f("credential_holder_opened",
		events(
			event("TargetImage", "/usr/sbin/sshd", "Image", "/usr/bin/strace", "Operation", "PTRACE_SEIZE",
				"Request", "16902"),
			event("TargetImage", "/usr/bin/ssh-agent", "Image", "/tmp/x", "Operation", "process_vm_readv"),
			event("TargetImage", "/usr/libexec/sssd/sssd_pam", "Image", "/tmp/x", "Descriptor", "5"),
		),
		events(
			event("TargetImage", "/usr/bin/sudo", "Image", "/usr/bin/id", "Request", "0"),
			event("TargetImage", "/usr/sbin/nginx", "Image", "/usr/bin/strace", "Operation", "PTRACE_SEIZE",
				"Request", "16902"),
		))
	f("descriptor_taken",
		events(event("ProcessId", "42", "Descriptor", "5", "Image", "/tmp/x", "TargetImage", "/usr/bin/ssh")),
		events(event("ProcessId", "42", "Descriptor", "5", "Image", "/usr/sbin/criu", "TargetImage", "/usr/bin/ssh")))
	f("executable_memory_in_plain_program",
		events(
			event("Image", "/usr/sbin/sshd", "Protection", "rwx"),
			event("Image", "/usr/bin/bash", "Protection", "r-x", "TargetFilename", "memfd:x"),
		),
		events(
			event("Image", "/usr/bin/bash", "Protection", "r-x",
				"TargetFilename", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
			event("Image", "/usr/bin/node", "Protection", "rwx"),
		))
	f("library_loaded_from_memory",
		events(event("TargetFilename", "memfd:x", "Protection", "r-x", "Image", "/usr/bin/python3.11")),
		events(
			event("TargetFilename", "memfd:doublemapper", "Protection", "r-x", "Image", "/usr/share/dotnet/dotnet"),
			event("TargetFilename", "/usr/lib/x.so", "Protection", "r-x", "Image", "/usr/bin/python3.11"),
		))
	f("memfd_made_by_script",
		events(event("FileName", "x", "Image", "/usr/bin/python3.11")),
		events(
			event("FileName", "pulseaudio", "Image", "/usr/bin/python3.11"),
			event("FileName", "runc_cloned:/proc/self/exe", "Image", "/usr/bin/runc"),
		))
	f("memory_of_plain_program_made_executable",
		events(event("Image", "/usr/sbin/sshd", "Protection", "r-x", "OldProtection", "rw-")),
		events(
			event("Image", "/usr/bin/node", "Protection", "r-x", "OldProtection", "rw-"),
			event("Image", "/usr/bin/bash", "Protection", "r-x", "OldProtection", "rw-",
				"TargetFilename", "/usr/lib/x86_64-linux-gnu/old.so"),
		))
	f("process_memory_copied",
		events(event("Operation", "process_vm_readv", "Image", "/tmp/x", "TargetImage", "/usr/sbin/nginx")),
		events(
			event("Operation", "process_vm_readv", "Image", "/opt/mpi/app", "TargetImage", "/opt/mpi/app"),
			event("Operation", "process_vm_readv", "Image", "/usr/bin/strace", "TargetImage", "/usr/sbin/nginx"),
		))
	f("process_memory_written",
		events(
			event("Operation", "process_vm_writev", "Image", "/tmp/x", "TargetImage", "/usr/sbin/nginx"),
			event("Operation", "procfs", "Image", "/usr/bin/dd", "TargetImage", "/usr/sbin/cron"),
		),
		events(
			event("Operation", "procfs", "Image", "/usr/bin/gdb", "TargetImage", "/usr/sbin/nginx"),
			event("Operation", "process_vm_readv", "Image", "/tmp/x", "TargetImage", "/usr/sbin/nginx"),
		))
	f("process_taken_over",
		events(
			event("Operation", "PTRACE_ATTACH", "Request", "16", "Image", "/tmp/x",
				"TargetImage", "/usr/sbin/nginx"),
			event("Operation", "PTRACE_POKETEXT", "Request", "4", "Image", "/usr/bin/python3.11"),
		),
		events(
			event("Operation", "PTRACE_SEIZE", "Request", "16902", "Image", "/usr/bin/strace",
				"TargetImage", "/usr/bin/sleep"),
			event("Operation", "PTRACE_ATTACH", "Request", "16", "Image", "/tmp/build/test",
				"TargetImage", "/tmp/build/test"),
		))
	f("security_program_signalled",
		events(
			event("TargetImage", "/usr/sbin/auditd", "Signal", "9", "Image", "/usr/bin/bash"),
			event("TargetImage", "/usr/bin/falco", "Signal", "19", "Image", "/tmp/x"),
		),
		events(
			event("TargetImage", "/usr/sbin/rsyslogd", "Signal", "1", "Image", "/usr/bin/dash"),
			event("TargetImage", "/usr/sbin/auditd", "Signal", "15", "Image", "/usr/lib/systemd/systemd"),
		))
	f("stack_made_executable",
		events(
			event("Address", "0x7ffd2c1e0000", "Protection", "rwx", "OldProtection", "rw-",
				"Image", "/usr/sbin/nginx"),
			event("Address", "0xffffd2c1e000", "Protection", "rwx", "OldProtection", "rw-",
				"Image", "/usr/sbin/nginx"),
		),
		events(
			event("Address", "0x7f3a2c1e0000", "Protection", "rwx", "OldProtection", "rw-",
				"Image", "/usr/sbin/nginx"),
			event("Address", "0x7ffd2c1e0000", "Protection", "rwx", "OldProtection", "rw-",
				"Image", "/usr/bin/node"),
		))
	f("vedette_signalled",
		events(event("TargetImage", "/usr/bin/vedette-collector", "Signal", "19", "Image", "/usr/bin/bash")),
		events(
			event("TargetImage", "/usr/bin/vedette-collector", "Signal", "15", "Image", "/usr/lib/systemd/systemd"),
			event("TargetImage", "/usr/bin/vedette-analyzer", "Signal", "15", "Image", "/usr/bin/vedette"),
		))
}
