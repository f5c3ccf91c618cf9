package door

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// From linux/sock_diag.h and linux/inet_diag.h, which package syscall does not carry.
const (
	netlinkSockDiag  = 4
	sockDiagByFamily = 20
	diagRequestSize  = 56
	diagReplySize    = 72
	diagReplyUID     = 64
	diagReplyInode   = 68
	diagTimeout      = 200 // milliseconds
)

// peerUID returns the local user that owns the other end of a TCP connection over loopback. It is UnknownUID for a peer
// on another host or in another network namespace, or one that has closed already.
func peerUID(conn net.Conn) uint32 {
	// The peer's socket has the two addresses the other way round.
	local, errLocal := netip.ParseAddrPort(conn.RemoteAddr().String())
	remote, errRemote := netip.ParseAddrPort(conn.LocalAddr().String())
	if errLocal != nil || errRemote != nil {
		return UnknownUID
	}
	uid, err := socketUID(local, remote)
	if err != nil {
		return UnknownUID
	}
	return uid
}

// socketUID asks the kernel for one socket by its exact addresses, which costs the same however many sockets there are.
func socketUID(local, remote netip.AddrPort) (uint32, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, netlinkSockDiag)
	if err != nil {
		return 0, fmt.Errorf("cannot open a sock_diag socket: %w", err)
	}
	defer syscall.Close(fd)
	timeout := syscall.Timeval{Usec: diagTimeout * 1000}
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &timeout); err != nil {
		return 0, fmt.Errorf("cannot set a timeout: %w", err)
	}
	kernel := &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}
	if err := syscall.Sendto(fd, diagRequest(local, remote), 0, kernel); err != nil {
		return 0, fmt.Errorf("cannot ask for socket %s: %w", local, err)
	}
	reply := make([]byte, 8<<10)
	n, _, err := syscall.Recvfrom(fd, reply, 0)
	if err != nil {
		return 0, fmt.Errorf("no answer for socket %s: %w", local, err)
	}
	return parseDiag(reply[:n])
}

// diagRequest is a struct nlmsghdr followed by a struct inet_diag_req_v2.
func diagRequest(local, remote netip.AddrPort) []byte {
	msg := make([]byte, syscall.NLMSG_HDRLEN+diagRequestSize)
	binary.NativeEndian.PutUint32(msg[0:], uint32(len(msg)))
	binary.NativeEndian.PutUint16(msg[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(msg[6:], syscall.NLM_F_REQUEST)

	req := msg[syscall.NLMSG_HDRLEN:]
	from, to := local.Addr().Unmap(), remote.Addr().Unmap()
	req[0] = syscall.AF_INET
	if from.Is6() {
		req[0] = syscall.AF_INET6
	}
	req[1] = syscall.IPPROTO_TCP
	binary.NativeEndian.PutUint32(req[4:], ^uint32(0)) // any state
	binary.BigEndian.PutUint16(req[8:], local.Port())
	binary.BigEndian.PutUint16(req[10:], remote.Port())
	copy(req[12:28], from.AsSlice())
	copy(req[28:44], to.AsSlice())
	// No interface, and no cookie: INET_DIAG_NOCOOKIE.
	binary.NativeEndian.PutUint64(req[48:], ^uint64(0))
	return msg
}

func parseDiag(reply []byte) (uint32, error) {
	messages, err := syscall.ParseNetlinkMessage(reply)
	if err != nil || len(messages) == 0 {
		return 0, fmt.Errorf("cannot read the answer of sock_diag: %w", errors.Join(err, errors.New("no message")))
	}
	m := messages[0]
	switch {
	case m.Header.Type == syscall.NLMSG_ERROR && len(m.Data) >= 4:
		errno := -int32(binary.NativeEndian.Uint32(m.Data))
		return 0, fmt.Errorf("no such socket: %w", syscall.Errno(errno))
	case m.Header.Type != sockDiagByFamily || len(m.Data) < diagReplySize:
		return 0, fmt.Errorf("unexpected answer of sock_diag: type %d, %d bytes", m.Header.Type, len(m.Data))
	}
	// A socket that no process holds any more has no inode, and is reported as root's.
	if binary.NativeEndian.Uint32(m.Data[diagReplyInode:]) == 0 {
		return 0, errors.New("the socket was closed already")
	}
	return binary.NativeEndian.Uint32(m.Data[diagReplyUID:]), nil
}
