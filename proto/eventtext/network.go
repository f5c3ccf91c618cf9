package eventtext

import (
	"fmt"
	"net/netip"

	pb "github.com/vedette-edr/vedette/proto"
	"github.com/vedette-edr/vedette/proto/linuxabi"
)

func (w Words) network(ev *pb.Event) string {
	switch x := ev.Payload.(type) {
	case *pb.Event_NetworkConnect:
		return failed(w.flow(x.NetworkConnect.GetSocket(), "->"), x.NetworkConnect.GetError())
	case *pb.Event_NetworkAccept:
		return w.flow(x.NetworkAccept.GetSocket(), "<-")
	case *pb.Event_NetworkBind:
		return failed(w.flow(x.NetworkBind.GetSocket(), ""), x.NetworkBind.GetError())
	case *pb.Event_NetworkListen:
		return noted(w.flow(x.NetworkListen.GetSocket(), ""), "listens")
	case *pb.Event_NetworkClose:
		c := x.NetworkClose
		return noted(w.flow(c.GetSocket(), "->"), fmt.Sprintf("sent %d bytes", c.GetBytesSent()),
			fmt.Sprintf("received %d bytes", c.GetBytesReceived()), duration(c.GetDurationNs()))
	case *pb.Event_NetworkBytes:
		b := x.NetworkBytes
		return noted(w.flow(b.GetSocket(), either(b.GetOutgoing(), "->", "<-")), fmt.Sprintf("first %d bytes", len(b.GetData())))
	case *pb.Event_UnixConnect:
		u := x.UnixConnect
		text := when(u.GetAbstract(), "@") + w.text(u.GetPath())
		if u.GetPeer().GetPid() != 0 {
			text = noted(text, "of "+w.other(u.GetPeer()))
		}
		return failed(spaced("socket", text), u.GetError())
	case *pb.Event_DnsMessage:
		d := x.DnsMessage
		return noted(w.flow(d.GetSocket(), either(d.GetOutgoing(), "->", "<-")), fmt.Sprintf("DNS, %d bytes", d.GetOriginalSize()))
	case *pb.Event_DnsQuery:
		d := x.DnsQuery
		return spaced(w.text(d.GetName()), fmt.Sprintf("type=%d status=%d", d.GetType(), d.GetStatus()), w.text(d.GetResults()))
	}
	return ""
}

// flow names both sides of a socket, or the local one alone without an arrow.
func (w Words) flow(s *pb.Socket, arrow string) string {
	local := ""
	if s.GetLocal() != nil {
		local = w.endpoint(s.GetLocal())
	}
	if arrow == "" {
		return spaced(linuxabi.Transport(s.GetProtocol()), local)
	}
	return spaced(linuxabi.Transport(s.GetProtocol()), local, arrow, w.endpoint(s.GetRemote()))
}

func (w Words) endpoint(e *pb.Endpoint) string {
	address, ok := netip.AddrFromSlice(e.GetAddress())
	if !ok {
		if len(e.GetHostname()) > 0 {
			return fmt.Sprintf("%s:%d", w.text(e.GetHostname()), e.GetPort())
		}
		return fmt.Sprintf("?:%d", e.GetPort())
	}
	text := address.Unmap().String()
	if e.GetPort() != 0 {
		text = netip.AddrPortFrom(address.Unmap(), uint16(e.GetPort())).String()
	}
	if len(e.GetHostname()) > 0 {
		text = noted(text, w.text(e.GetHostname()))
	}
	return text
}
