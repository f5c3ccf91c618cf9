package fields

import (
	"net/netip"
	"strconv"

	pb "github.com/vedette-edr/vedette/proto"
)

// inProgress is the errno of a connection that has been begun and not been answered yet.
const inProgress = 115

// begun reports whether a connect did not fail.
func begun(v *View) bool {
	return v.subject.errno == 0 || v.subject.errno == inProgress || v.subject.errno == -inProgress
}

func linuxNetworkShapes() map[string]shape {
	flow := func(syscall string, ends table) shape {
		return audited(syscall, []string{"SYSCALL", "SOCKADDR"}, linuxActor(), ends)
	}
	bound := func(syscall string) shape {
		return flow(syscall, table{
			"SourceIp": ipOf(local), "SourcePort": portOf(local), "SourceIsIpv6": isIPv6(local), "Protocol": protocol,
		})
	}
	closed := with(linuxActor(), outgoing(), table{
		"BytesSent":     func(v *View) (string, bool) { return v.decimal(v.ev.GetNetworkClose().GetBytesSent()) },
		"BytesReceived": func(v *View) (string, bool) { return v.decimal(v.ev.GetNetworkClose().GetBytesReceived()) },
		"DurationMs":    func(v *View) (string, bool) { return v.decimal(v.ev.GetNetworkClose().GetDurationNs() / 1e6) },
	})
	for name, read := range incoming() {
		out := closed[name]
		closed[name] = func(v *View) (string, bool) {
			if v.ev.GetNetworkClose().GetInitiated() {
				return out(v)
			}
			return read(v)
		}
	}
	return map[string]shape{
		"network_connection":        flow("connect", outgoing()).only(begun),
		"network_connection_failed": flow("connect", outgoing()).only(func(v *View) bool { return !begun(v) }),
		"network_accept":            flow("accept4", incoming()),
		"network_bind":              bound("bind"),
		"network_listen":            bound("listen"),
		"network_close":             {fields: closed},
		"unix_connect":              unixConnect(),
		"unix_bind":                 unixBind(),
		"unix_bind_file":            unixBindFile(),
		"dns_query":                 {fields: with(linuxActor(), dns())},
	}
}

// endpoint picks one side of a flow.
type endpoint func(s *pb.Socket) *pb.Endpoint

func local(s *pb.Socket) *pb.Endpoint { return s.GetLocal() }

func remote(s *pb.Socket) *pb.Endpoint { return s.GetRemote() }

func ipOf(side endpoint) accessor {
	return func(v *View) (string, bool) { return v.address(side(v.subject.socket).GetAddress()) }
}

func portOf(side endpoint) accessor {
	return func(v *View) (string, bool) { return v.decimal(uint64(side(v.subject.socket).GetPort())) }
}

func hostOf(side endpoint) accessor {
	return func(v *View) (string, bool) { return presentBytes(side(v.subject.socket).GetHostname()) }
}

func isIPv6(side endpoint) accessor {
	return func(v *View) (string, bool) {
		ip, ok := netip.AddrFromSlice(side(v.subject.socket).GetAddress())
		return truth(ok && ip.Unmap().Is6())
	}
}

func protocol(v *View) (string, bool) {
	switch v.subject.socket.GetProtocol() {
	case 6:
		return "tcp", true
	case 17:
		return "udp", true
	case 1, 58:
		return "icmp", true
	}
	return "raw", true
}

// ends reads a flow. As Sysmon has it, the source is the side that began.
func ends(initiated string, source, destination endpoint) table {
	return table{
		"Initiated":           constant(initiated),
		"Protocol":            protocol,
		"SourceIp":            ipOf(source),
		"SourcePort":          portOf(source),
		"SourceIsIpv6":        isIPv6(source),
		"SourceHostname":      hostOf(source),
		"DestinationIp":       ipOf(destination),
		"DestinationPort":     portOf(destination),
		"DestinationIsIpv6":   isIPv6(destination),
		"DestinationHostname": hostOf(destination),
	}
}

func outgoing() table { return ends("true", local, remote) }

func incoming() table { return ends("false", remote, local) }

func unixConnect() shape {
	socket := func(v *View) (string, bool) { return presentBytes(v.ev.GetUnixConnect().GetPath()) }
	peer := targetOf()
	return audited("connect", []string{"SYSCALL", "SOCKADDR", "PATH"}, linuxActor(), table{
		"TargetFilename":    socket,
		"SocketName":        socket,
		"name":              socket,
		"Abstract":          func(v *View) (string, bool) { return truth(v.ev.GetUnixConnect().GetAbstract()) },
		"TargetImage":       peer["TargetImage"],
		"TargetProcessId":   peer["TargetProcessId"],
		"TargetProcessGuid": peer["TargetProcessGuid"],
	})
}

func socketType(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetUnixBind().GetType())) }

func unixBind() shape {
	file := func(v *View) *pb.File {
		if v.ev.GetUnixBind().GetAbstract() || len(v.subject.file.GetPath()) == 0 {
			return nil
		}
		return v.subject.file
	}
	all := auditFile(file)
	all["inode"] = func(v *View) (string, bool) {
		if f := file(v); f != nil {
			return v.decimal(f.Inode)
		}
		return "", false
	}
	s := audited("bind", []string{"SYSCALL", "SOCKADDR", "CWD", "PATH"}, linuxActor(), all, table{
		"TargetFilename": all["name"],
		"FileName":       all["name"],
		"SocketName": func(v *View) (string, bool) {
			if name := v.ev.GetUnixBind().GetName(); len(name) > 0 {
				return borrow(name), true
			}
			return ofFile(path)(v)
		},
		"SocketType": socketType,
		"Abstract":   func(v *View) (string, bool) { return truth(v.ev.GetUnixBind().GetAbstract()) },
	})
	return s.typed("CREATE")
}

// unixBindFile shows the file that a socket with a name in the file system is.
func unixBindFile() shape {
	s := shape{fields: with(linuxActor(), aboutFile(), table{"SocketType": socketType})}
	return s.only(func(v *View) bool { return !v.ev.GetUnixBind().GetAbstract() && len(v.subject.file.GetPath()) > 0 })
}

// dns reads a query that is told in text, in the words of Sysmon and of the category dns.
func dns() table {
	name := func(v *View) (string, bool) {
		b := v.ev.GetDnsQuery().GetName()
		if n := len(b); n > 1 && b[n-1] == '.' {
			b = b[:n-1]
		}
		return presentBytes(b)
	}
	results := func(v *View) (string, bool) { return presentBytes(v.ev.GetDnsQuery().GetResults()) }
	return table{
		"QueryName":    name,
		"query":        name,
		"QueryStatus":  func(v *View) (string, bool) { return v.decimal(uint64(v.ev.GetDnsQuery().GetStatus())) },
		"QueryResults": results,
		"answer":       results,
		"record_type":  func(v *View) (string, bool) { return recordType(v.ev.GetDnsQuery().GetType()), true },
	}
}

// recordType gives the mnemonic of a DNS record type, and TYPEn for one without (RFC 3597).
func recordType(n uint32) string {
	switch n {
	case 1:
		return "A"
	case 2:
		return "NS"
	case 5:
		return "CNAME"
	case 6:
		return "SOA"
	case 10:
		return "NULL"
	case 12:
		return "PTR"
	case 15:
		return "MX"
	case 16:
		return "TXT"
	case 28:
		return "AAAA"
	case 33:
		return "SRV"
	case 35:
		return "NAPTR"
	case 64:
		return "SVCB"
	case 65:
		return "HTTPS"
	case 255:
		return "ANY"
	}
	return "TYPE" + strconv.FormatUint(uint64(n), 10)
}
