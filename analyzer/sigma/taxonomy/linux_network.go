package taxonomy

import (
	"slices"

	"github.com/vedette-edr/vedette/analyzer/sigma/rule"
)

const (
	whyName  = "only when the name was resolved on this host, as far as the agent saw"
	whyError = "only when it failed"
)

// connection is what both platforms say of a flow. Source is the side that began it.
func connection() []Field {
	return slices.Concat(
		oneOf("Initiated", "true", "false"), oneOf("Protocol", "tcp", "udp", "icmp", "raw"),
		always("SourceIp", "SourcePort", "SourceIsIpv6", "DestinationIp", "DestinationPort", "DestinationIsIpv6"),
		sometimes(whyName, "DestinationHostname", "SourceHostname"),
	)
}

// query is what both platforms say of a DNS query: in Sysmon's words and in those of the product-free category dns.
func query() []Field {
	return slices.Concat(
		always("QueryName", "QueryStatus", "query", "record_type"),
		sometimes("only when there were answers", "QueryResults", "answer"),
	)
}

func linuxNetwork() []Record {
	flow := func(name, payload, syscall, note string, sources []rule.Logsource) Record {
		return Record{
			Name: name, Payload: payload, Sources: sources, Note: note,
			Fields: slices.Concat(linuxActor(), connection(), only(whyTypes, "type", "SYSCALL", "SOCKADDR"), auditActor(syscall)),
		}
	}
	bound := func(payload, syscall string) Record {
		return Record{
			Name: payload, Payload: payload, Sources: withAuditd(payload),
			Fields: slices.Concat(
				linuxActor(), always("SourceIp", "SourcePort", "SourceIsIpv6"), oneOf("Protocol", "tcp", "udp", "icmp", "raw"),
				only(whyTypes, "type", "SYSCALL", "SOCKADDR"), auditActor(syscall),
			),
		}
	}
	return slices.Concat([]Record{
		flow("network_connection", "network_connect", "connect", "A connection that came to be or is coming to be.", withAuditd("network_connection")),
		flow("network_connection_failed", "network_connect", "connect", "A connection that failed.", withAuditd("network_failure")),
		flow("network_accept", "network_accept", "accept4", "A connection from outside: Initiated is false.", withAuditd("network_connection")),
	},
		failing(bound("network_bind", "bind")), []Record{
			bound("network_listen", "listen"),
			{
				Name: "network_close", Payload: "network_close", Sources: of(Linux, "network_close"),
				Fields: slices.Concat(linuxActor(), connection(), always("BytesSent", "BytesReceived", "DurationMs")),
			},
		}, failing(Record{
			Name: "unix_connect", Payload: "unix_connect", Sources: withAuditd("unix_connect"),
			Fields: slices.Concat(
				linuxActor(), always("TargetFilename", "SocketName"), oneOf("Abstract", "true", "false"),
				sometimes(whyUnseen, "TargetImage", "TargetProcessId", "TargetProcessGuid"),
				only(whyTypes, "type", "SYSCALL", "SOCKADDR", "PATH"), auditActor("connect"), always("name"),
			),
		}), unixBind(), []Record{{
			Name: "dns_query", Payload: "dns_query", Sources: of(Linux, "dns_query", "dns"),
			Fields: slices.Concat(linuxActor(), query()),
		}})
}

// unixBind is a Unix socket that gets a name. One in the file system is a file that comes to be.
func unixBind() []Record {
	const abstract = "not of an abstract name"
	return []Record{
		{
			Name: "unix_bind", Payload: "unix_bind", Sources: withAuditd("unix_bind"),
			Fields: slices.Concat(
				linuxActor(), always("SocketName", "SocketType"), oneOf("Abstract", "true", "false"),
				sometimes(abstract, "TargetFilename", "FileName"),
				only(whyTypes, "type", "SYSCALL", "SOCKADDR", "CWD", "PATH"), auditActor("bind"),
				sometimes(abstract, "name", "inode", "mode", "ouid", "ogid"), oneOf("nametype", "CREATE"),
			),
		},
		{
			Name: "unix_bind_file", Payload: "unix_bind", Sources: of(Linux, "file_event"),
			Fields: slices.Concat(linuxActor(), always("TargetFilename", "FileName", "SocketType")),
			Note:   "The same where the name is in the file system: rules for file_event see a file that comes to be.",
		},
	}
}
