package taxonomy

import (
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

// Why fields of Windows events can be absent.
const (
	whyHashed    = "only when the file could be read and hashed"
	whyResources = "only when the file has a version resource and could be read"
	whySigned    = "only when the signature was looked at"
	whySysmon    = "made by Sysmon alone"
	whySteps     = "only of the steps of a permanent subscription"
	whyStarts    = "told of a process when it starts, and not kept"
)

// windowsActor is what every event tells of the process that acted.
func windowsActor() []Field {
	return slices.Concat(
		always("UtcTime", "ProcessId", "ProcessGuid"),
		sometimes(whyUnseen, "Image", "CommandLine", "ParentProcessId", "ParentProcessGuid"),
		sometimes("only of accounts that every Windows has", "User"),
		sometimes(whyParent, "ParentImage", "ParentCommandLine", "GrandParentImage"),
		never(whyStarts, "IntegrityLevel", "ParentUser"),
		never(whySysmon, "RuleName"),
	)
}

func version() []Field {
	return sometimes(whyResources, "OriginalFileName", "FileVersion", "Description", "Product", "Company")
}

func signature() []Field {
	return slices.Concat(oneOfSometimes(whySigned, "Signed", "true", "false"), sometimes(whySigned, "Signature", "SignatureStatus"))
}

func oneOfSometimes(why, name string, values ...string) []Field {
	return []Field{{Name: name, Supply: Sometimes, Why: why, Values: values}}
}

func windowsProcess() []Record {
	return []Record{
		{
			Name: "process_creation", Payload: "exec", Sources: of(Windows, "process_creation"),
			Fields: slices.Concat(
				oneOf("EventID", "1"),
				always("UtcTime", "ProcessId", "ProcessGuid", "Image", "TerminalSessionId"),
				sometimes("best effort: absent when the process ended before it was looked at", "CommandLine", "CurrentDirectory",
					"User", "LogonId", "IntegrityLevel"),
				version(),
				sometimes(whyHashed, "Hashes"),
				sometimes(whyParent, "ParentImage", "ParentCommandLine", "ParentProcessId", "ParentProcessGuid", "GrandParentImage"),
				never(whyStarts, "ParentUser"),
				never(whySysmon, "RuleName", "LogonGuid"),
			),
		},
		{
			Name: "process_termination", Payload: "exit", Sources: of(Windows, "process_termination"),
			Fields: slices.Concat(oneOf("EventID", "5"), windowsActor(), always("ExitStatus")),
		},
		{
			Name: "process_access", Payload: "process_access", Sources: of(Windows, "process_access"),
			Fields: slices.Concat(
				oneOf("EventID", "10"), windowsActor(), source(), target(), always("GrantedAccess"), sometimes("only when the account is known", "TargetUser"),
				sometimes("only when the stack was walked", "CallTrace"), always("SourceThreadId"),
			),
		},
		{
			Name: "create_remote_thread", Payload: "remote_thread", Sources: of(Windows, "create_remote_thread"),
			Fields: slices.Concat(
				oneOf("EventID", "8"), windowsActor(), source(), target(), always("NewThreadId", "StartAddress"),
				sometimes("only when the address is in a known module", "StartModule", "StartFunction"),
				sometimes(whyParent, "SourceParentImage", "TargetParentProcessId"),
			),
		},
		{
			Name: "image_load", Payload: "image_load", Sources: of(Windows, "image_load"),
			Fields: slices.Concat(
				oneOf("EventID", "7"), windowsActor(), always("ImageLoaded"), sometimes(whyHashed, "Hashes"), signature(), version(),
			),
		},
		{
			Name: "driver_load", Payload: "driver_load", Sources: of(Windows, "driver_load"),
			Fields: slices.Concat(
				oneOf("EventID", "6"), always("UtcTime", "ImageLoaded"), sometimes(whyHashed, "Hashes"), signature(),
				never(whySysmon, "RuleName"),
			),
		},
	}
}

func windowsFile() []Record {
	file := func(name, payload, eventID string, extra ...[]Field) Record {
		r := Record{
			Name: name, Payload: payload, Sources: of(Windows, name),
			Fields: slices.Concat(windowsActor(), always("TargetFilename", "FileName"), slices.Concat(extra...)),
		}
		if eventID != "" {
			r.Fields = append(oneOf("EventID", eventID), r.Fields...)
		}
		return r
	}
	event := file("file_event", "file_open", "11", sometimes("only when the file system tells", "CreationUtcTime"))
	event.Note = "A file that was created."
	access := file("file_access", "file_open", "")
	access.Note = "Any other opening."
	stream := file("create_stream_hash", "file_stream", "15", sometimes(whyHashed, "Hash", "Hashes"),
		sometimes("only of small streams of text", "Contents"), sometimes("only when the file system tells", "CreationUtcTime"))
	return []Record{
		event,
		access,
		file("file_delete", "file_delete", "23", oneOf("Archived", "true", "false"), always("IsExecutable"),
			sometimes(whyHashed, "Hashes")),
		file("file_rename", "file_rename", "", sometimes("absent when the file was opened before the agent began", "SourceFilename")),
		file("file_change", "file_times", "2", sometimes("only when the time of creation was set", "CreationUtcTime", "PreviousCreationUtcTime")),
		stream,
		{
			Name: "raw_access_thread", Payload: "raw_disk_access", Sources: of(Windows, "raw_access_thread"),
			Fields: slices.Concat(oneOf("EventID", "9"), windowsActor(), always("Device")),
		},
	}
}

func windowsRegistry() []Record {
	key := func(name, payload, eventID, note string, eventTypes []string, categories []string, extra ...[]Field) Record {
		return Record{
			Name: name, Payload: payload, Sources: of(Windows, categories...), Note: note,
			Fields: slices.Concat(
				oneOf("EventID", eventID), oneOf("EventType", eventTypes...), windowsActor(), always("TargetObject"), slices.Concat(extra...),
			),
		}
	}
	return []Record{
		key("registry_add", "registry_key", "12", "A key that was made.", []string{"CreateKey"}, []string{"registry_add", "registry_event"}),
		key("registry_delete", "registry_key", "12", "A key that was deleted.", []string{"DeleteKey"}, []string{"registry_delete", "registry_event"}),
		key("registry_rename", "registry_key", "14", "A key that was renamed.", []string{"RenameKey"}, []string{"registry_rename", "registry_event"},
			always("NewName")),
		key("registry_set", "registry_value", "13", "A value that was set.", []string{"SetValue"}, []string{"registry_set", "registry_event"},
			sometimes("absent when the data was not captured", "Details")),
		key("registry_delete_value", "registry_value", "12", "A value that was deleted.", []string{"DeleteValue"}, []string{"registry_delete", "registry_event"}),
	}
}

func windowsOther() []Record {
	flow := func(name, payload, note string) Record {
		return Record{
			Name: name, Payload: payload, Sources: of(Windows, "network_connection"), Note: note,
			Fields: slices.Concat(oneOf("EventID", "3"), windowsActor(), connection()),
		}
	}
	own := func(payload string, extra ...[]Field) Record {
		return Record{
			Name: payload, Payload: payload, Sources: of(Windows, payload), Fields: slices.Concat(windowsActor(), slices.Concat(extra...)),
		}
	}
	return []Record{
		flow("network_connection", "network_connect", "A connection that this host began."),
		flow("network_accept", "network_accept", "A connection from outside: Initiated is false."),
		{
			Name: "dns_query", Payload: "dns_query", Sources: of(Windows, "dns_query", "dns"),
			Fields: slices.Concat(oneOf("EventID", "22"), windowsActor(), query()),
		},
		{
			Name: "ps_script", Payload: "script_block", Sources: []rule.Logsource{{Category: "ps_script", Product: Windows, Service: servicePowerShell}},
			Fields: slices.Concat(
				oneOf("EventID", "4104"), windowsActor(), always("ScriptBlockText", "ScriptBlockId", "MessageNumber", "MessageTotal"),
				sometimes("only when the script is a file", "Path"),
			),
		},
		{
			Name: "ps_module", Payload: "module_logging", Sources: []rule.Logsource{{Category: "ps_module", Product: Windows, Service: servicePowerShell}},
			Fields: slices.Concat(oneOf("EventID", "4103"), windowsActor(), always("Payload", "ContextInfo")),
		},
		{
			Name: "pipe_created", Payload: "named_pipe", Sources: of(Windows, "pipe_created"),
			Fields: slices.Concat(oneOf("EventID", "17", "18"), oneOf("EventType", "CreatePipe", "ConnectPipe"), windowsActor(), always("PipeName")),
		},
		{
			Name: "wmi_event", Payload: "wmi_activity", Sources: of(Windows, "wmi_event"),
			Fields: slices.Concat(
				oneOfSometimes(whySteps, "EventID", "19", "20", "21"),
				oneOfSometimes(whySteps, "EventType", "WmiFilterEvent", "WmiConsumerEvent", "WmiBindingEvent"),
				always("UtcTime", "Operation"),
				sometimes("as the kind of event has it", "User", "EventNamespace", "Query", "Consumer", "Filter", "Destination", "ClientMachine"),
			),
		},
		own("scheduled_task", always("Operation", "TaskName"), sometimes("not of a deletion", "TaskContent", "TaskUser")),
		own("service_change", always("Operation", "ServiceName"),
			sometimes("not of a deletion", "ImagePath", "ServiceType", "StartType", "AccountName")),
		own("login_session", always("TargetUserName", "LogonType"), sometimes("only of a login over the network", "SourceIp", "SourcePort"),
			sometimes("only where the address has a name", "SourceHostname"), oneOf("Ended", "true", "false")),
		own("signal", target()),
		own("memory_protect", always("Address", "Length", "Protection", "OldProtection"), sometimes("only of mapped files", "TargetFilename")),
		{
			Name: "event_log_record", Payload: "event_log_record", Sources: channelSources(), Open: true,
			Fields: always("Channel", "Provider_Name", "EventID", "Level", "EventRecordID"),
			Note: "The log sources of a record follow from its channel, provider and event id; Sysmon's channel, when Sysmon is " +
				"installed, serves its categories as well.",
		},
	}
}

// channelSources are the log sources that the event log serves on every Windows host.
func channelSources() []rule.Logsource {
	var sources []rule.Logsource
	for _, service := range WindowsServices() {
		if service != serviceSysmon {
			sources = append(sources, rule.Logsource{Product: Windows, Service: service})
		}
	}
	for _, id := range []int{400, 600, 800} {
		sources = append(sources, WindowsSources("Windows PowerShell", "PowerShell", id)...)
	}
	return sources
}

func windowsHidden() []Unserved {
	linux := func(payload string) Unserved { return Unserved{Payload: payload, Why: "of Linux"} }
	return append(hiddenEverywhere(),
		Unserved{Payload: "file_close", Why: "the creation of the file has been shown already"},
		Unserved{Payload: "network_close", Why: "the connection has been shown already"},
		Unserved{Payload: "network_bytes", Why: "the server name in it is read by the analyzer and not yet an event"},
		Unserved{Payload: "dns_message", Why: "Windows describes its queries in dns_query"},
		Unserved{Payload: "memory_map", Why: "images are shown as image_load"},
		linux("exec_failed"), linux("process_rename"), linux("container_exec"), linux("file_write"), linux("file_link"),
		linux("file_mode"), linux("file_owner"), linux("file_truncate"), linux("file_attribute"), linux("directory_change"),
		linux("memfd_create"), linux("mount"), linux("network_bind"), linux("network_listen"), linux("unix_connect"), linux("unix_bind"),
		linux("process_trace"), linux("process_memory"), linux("handle_steal"), linux("credential_change"),
		linux("namespace_change"), linux("module_load"), linux("module_unload"), linux("bpf_operation"),
		linux("perf_event_open"), linux("kexec"), linux("sysctl_write"), linux("key_operation"), linux("io_uring"),
		linux("cgroup_change"), linux("container_spec"),
	)
}

// windowsUnserved names the log sources of Windows that nothing here can show.
func windowsUnserved() []Unserved {
	category := func(name, why string) Unserved {
		return Unserved{Logsource: rule.Logsource{Category: name, Product: Windows}, Why: why}
	}
	const sysmon = "only Sysmon reports it; its records are read where Sysmon is installed"
	return []Unserved{
		{Logsource: rule.Logsource{Product: Windows, Service: serviceSysmon}, Why: sysmon},
		category("sysmon_status", sysmon),
		category("sysmon_error", sysmon),
		category("process_tampering", sysmon),
		category("clipboard_capture", sysmon),
		category("file_block_executable", sysmon),
		category("file_block_shredding", sysmon),
		category("file_executable_detected", sysmon),
	}
}
