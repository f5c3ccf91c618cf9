package taxonomy

import (
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Why fields of Linux events can be absent.
const (
	whyUnseen = "absent when the process began before the agent and the seeding round did not find it"
	whyParent = "absent when the parent began before the agent and was not found in the seeding round, or was forgotten to save memory"
	whyScript = "only when the program is a script, or an interpreter that was given one: in its arguments or as descriptor 0"
	whyRun    = "only when the program is a script, or an interpreter that was given something to run"
	whyTTY    = "only with a controlling terminal"
	whyLogin  = "only in the session of someone who logged in"
	whyPE     = "a resource of Windows executables"
	whyHash   = "executables are not hashed"
	whyTypes  = "what programs such as systemd and sudo send to the audit daemon is not read, nor are keystrokes"
	whyCalls  = "other system calls are not watched"
	whyKey    = "the key of an audit rule; no audit rules are involved here"
)

// auditd is the log source of the Linux audit daemon. SigmaHQ's rules for it look at single records of an audit event; here
// one record stands for all of them, and its type says several words at once.
func auditd() rule.Logsource { return rule.Logsource{Product: Linux, Service: "auditd"} }

// withAuditd adds the audit daemon to the named categories.
func withAuditd(categories ...string) []rule.Logsource {
	return append(of(Linux, categories...), auditd())
}

// linuxActor is what every event tells of the process that acted.
func linuxActor() []Field {
	return slices.Concat(
		always("UtcTime", "ProcessId", "ProcessGuid", "User", "EffectiveUser", "LogonId"),
		sometimes(whyUnseen, "Image", "CommandLine", "ImageAsGiven", "ParentProcessId", "ParentProcessGuid"),
		sometimes(whyScript, "ScriptPath"),
		sometimes(whyParent, "ParentImage", "ParentCommandLine", "ParentUser", "GrandParentImage"),
		sometimes(whyLogin, "LoginUser"),
	)
}

// auditActor is the same in the words of the audit daemon, with the system call that the event stands for.
func auditActor(syscalls ...string) []Field {
	return slices.Concat(only(whyCalls, "SYSCALL", syscalls...), auditOutcome())
}

// auditOutcome is auditActor for a record whose system call follows from the event.
func auditOutcome() []Field {
	return slices.Concat(
		oneOf("success", "yes", "no"),
		always("exit", "comm", "pid", "uid", "euid", "gid", "egid"),
		sometimes(whyUnseen, "exe", "ppid", "auid", "ses", "suid", "sgid"),
		sometimes(whyTTY, "tty"),
		never(whyKey, "key"),
	)
}

// auditPath is what PATH records of the audit daemon say of a file.
func auditPath() []Field {
	return slices.Concat(always("name", "inode"), sometimes("absent when the file was gone", "mode", "ouid", "ogid"))
}

func linuxProcess() []Record {
	return []Record{
		{
			Name: "process_creation", Payload: "exec", Sources: of(Linux, "process_creation"),
			Fields: slices.Concat(
				always("UtcTime", "ProcessId", "ProcessGuid", "Image", "CommandLine", "User", "EffectiveUser", "LogonId",
					"TerminalSessionId", "SessionLeaderId", "CapabilitiesEffective"),
				sometimes("absent when the directory was deleted or its path could not be walked", "CurrentDirectory"),
				sometimes("absent when it could not be read", "ImageAsGiven", "PreviousName"),
				oneOf("ScriptSource", "none", "file", "inline", "stdin"),
				sometimes(whyScript, "ScriptPath"),
				sometimes(whyRun, "Interpreter"),
				sometimes("only when an interpreter was given text to run, as with -c", "InlineScript"),
				sometimes("absent when descriptor 0 was closed; says a path, or pipe, socket or terminal", "StandardInput"),
				sometimes("only when something is unusual about the file", "ExecutableFlags"),
				sometimes("only in a chroot", "RootDirectory"),
				sometimes("only when a variable that matters is set", "Environment"),
				sometimes(whyTTY, "TTY"),
				sometimes(whyLogin, "LoginUser"),
				sometimes(whyParent, "ParentImage", "ParentCommandLine", "ParentUser", "ParentProcessId", "ParentProcessGuid",
					"GrandParentImage"),
				never(whyPE, "OriginalFileName", "FileVersion", "Description", "Product", "Company"),
				never("Linux has no integrity levels", "IntegrityLevel"),
				never(whyHash, "Hashes"),
			),
		},
		{
			Name: "execve", Payload: "exec", Sources: []rule.Logsource{auditd()},
			Fields: slices.Concat(
				only(whyTypes, "type", "SYSCALL", "EXECVE", "CWD", "PATH", "PROCTITLE"),
				auditActor("execve", "execveat"),
				always("argc", "proctitle", "name", "inode", "mode", "ouid", "ogid"),
				sometimes("as many as the program has arguments", "aN"),
				oneOf("nametype", "NORMAL"),
				sometimes("absent when the directory was deleted or its path could not be walked", "cwd"),
			),
			Note: "Keywords see the arguments, joined by spaces. A second name is that of a script's interpreter.",
		},
		{
			Name: "execve_failed", Payload: "exec_failed", Sources: []rule.Logsource{auditd()},
			Fields: slices.Concat(only(whyTypes, "type", "SYSCALL", "CWD", "PATH"), auditActor("execve"), always("name")),
		},
		{
			Name: "process_termination", Payload: "exit", Sources: of(Linux, "process_termination"),
			Fields: slices.Concat(linuxActor(), always("ExitCode", "ExitSignal")),
		},
		{
			Name: "process_rename", Payload: "process_rename", Sources: of(Linux, "process_rename"),
			Fields: slices.Concat(linuxActor(), always("PreviousName", "NewName")),
		},
	}
}

// linuxHidden names the payloads that rules do not see.
func linuxHidden() []Unserved {
	return append(hiddenEverywhere(),
		Unserved{Payload: "file_close", Why: "the opening of the file for writing has been shown already"},
		Unserved{Payload: "network_bytes", Why: "the server name in it is read by the analyzer and not yet an event"},
		Unserved{Payload: "dns_message", Why: "the analyzer reads the question and the answers in it, and shows dns_query"},
		Unserved{Payload: "cgroup_change", Why: "it only tells which container a process is in"},
		Unserved{Payload: "container_spec", Why: "it only describes a container"},
		Unserved{Payload: "container_exec", Why: "it only marks an exec"},
		Unserved{Payload: "raw_disk_access", Why: "of Windows; on Linux a device is opened as a file"},
		Unserved{Payload: "file_stream", Why: "of Windows"},
		Unserved{Payload: "process_access", Why: "of Windows; on Linux process_trace and process_memory are shown"},
		Unserved{Payload: "remote_thread", Why: "of Windows"},
		Unserved{Payload: "driver_load", Why: "of Windows; on Linux module_load is shown"},
		Unserved{Payload: "registry_key", Why: "of Windows"},
		Unserved{Payload: "registry_value", Why: "of Windows"},
		Unserved{Payload: "image_load", Why: "of Windows; on Linux memory_map is shown"},
		Unserved{Payload: "script_block", Why: "of Windows"},
		Unserved{Payload: "module_logging", Why: "of Windows"},
		Unserved{Payload: "named_pipe", Why: "of Windows"},
		Unserved{Payload: "wmi_activity", Why: "of Windows"},
		Unserved{Payload: "scheduled_task", Why: "of Windows"},
		Unserved{Payload: "service_change", Why: "of Windows"},
		Unserved{Payload: "event_log_record", Why: "of Windows"},
	)
}

// hiddenEverywhere names the payloads that are about the agent itself, or that begin what another one tells of.
func hiddenEverywhere() []Unserved {
	return []Unserved{
		{Payload: "fork", Why: "a process that runs no program of its own yet; the exec that follows is shown"},
		{Payload: "seed", Why: "it did not happen now: the process ran before the agent did"},
		{Payload: "seed_end", Why: "it is about the agent"},
		{Payload: "throttled", Why: "it is about the agent"},
		{Payload: "sensor_tamper", Why: "it is about the agent, which alerts by itself"},
		{Payload: "collector_gap", Why: "it is about the agent, which alerts by itself"},
	}
}

// linuxUnserved names the log sources of Linux that only text logs have.
func linuxUnserved() []Unserved {
	text := func(service string) Unserved {
		return Unserved{
			Logsource: rule.Logsource{Product: Linux, Service: service},
			Why:       "it is in the text log of a program; log files are not read",
		}
	}
	return []Unserved{
		text("auth"), text("clamav"), text("cron"), text("guacamole"), text("sshd"), text("sudo"), text("syslog"), text("vsftpd"),
	}
}
