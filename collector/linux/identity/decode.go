// Package identity turns the records of the identity sensor's eBPF programs into events. It copies what the kernel wrote and judges
// none of it.
package identity

import (
	"fmt"

	"github.com/vedette-edr/vedette/bpf/identity"
	"github.com/vedette-edr/vedette/bpf/record"
	"github.com/vedette-edr/vedette/bpf/syscalls"
	"github.com/vedette-edr/vedette/collector/linux/frame"
	pb "github.com/vedette-edr/vedette/proto"
)

// Decoder turns records into events. It owns one event of each kind and fills it anew, so decoding allocates nothing. Not safe
// for concurrent use.
type Decoder struct {
	frame *frame.Frame
	calls []string

	credentials      pb.CredentialChange
	namespaces       pb.NamespaceChange
	login            pb.LoginSession
	credentialsEvent pb.Event_CredentialChange
	namespacesEvent  pb.Event_NamespaceChange
	loginEvent       pb.Event_LoginSession

	before, after                         pb.Credentials
	capabilitiesBefore, capabilitiesAfter pb.Capabilities
	namespacesBefore, namespacesAfter     pb.Namespaces
}

// NewDecoder returns a decoder.
func NewDecoder() *Decoder {
	d := &Decoder{frame: frame.New(pb.Class_CLASS_IDENTITY), calls: syscalls.Names()}
	d.before.Capabilities, d.after.Capabilities = &d.capabilitiesBefore, &d.capabilitiesAfter
	d.credentials.Before, d.credentials.After = &d.before, &d.after
	d.namespaces.Before, d.namespaces.After = &d.namespacesBefore, &d.namespacesAfter
	d.credentialsEvent.CredentialChange = &d.credentials
	d.namespacesEvent.NamespaceChange = &d.namespaces
	d.loginEvent.LoginSession = &d.login
	return d
}

// Decode implements rings.Decoder.
func (d *Decoder) Decode(kind record.Kind, rec []byte) (*pb.Event, error) {
	if kind != record.Identity {
		return nil, fmt.Errorf("%w: kind %d is unknown", record.ErrMalformed, kind)
	}
	r, err := identity.Parse(rec)
	if err != nil {
		return nil, err
	}
	if int(r.Call) >= len(d.calls) {
		return nil, fmt.Errorf("%w: call %d is unknown", record.ErrMalformed, r.Call)
	}
	call := d.calls[r.Call]
	d.frame.Header(&r.Header)
	event := &d.frame.Event
	switch r.Operation {
	case identity.CredentialsChanged:
		c := &d.credentials
		setCredentials(&d.before, &r.Before)
		setCredentials(&d.after, &r.After)
		c.Operation, c.Unexplained, c.Error = call, call == "", r.Error
		event.Payload = &d.credentialsEvent
	case identity.NamespacesChanged:
		n := &d.namespaces
		setNamespaces(&d.namespacesBefore, &r.NamespacesBefore)
		setNamespaces(&d.namespacesAfter, &r.NamespacesAfter)
		n.Operation, n.Flags, n.Error = call, r.Flags, r.Error
		event.Payload = &d.namespacesEvent
	case identity.Login:
		d.login.AuditSession, d.login.Uid, d.login.Ended = r.After.AuditSession, r.After.LoginUID, false
		event.Payload = &d.loginEvent
	case identity.Logout:
		d.login.AuditSession, d.login.Uid, d.login.Ended = r.Before.AuditSession, r.Before.LoginUID, true
		event.Payload = &d.loginEvent
	default:
		return nil, fmt.Errorf("%w: operation %d is unknown", record.ErrMalformed, r.Operation)
	}
	return event, nil
}

func setCredentials(to *pb.Credentials, from *identity.Credentials) {
	to.Uid, to.Gid, to.Euid, to.Egid = from.UID, from.GID, from.EUID, from.EGID
	to.Suid, to.Sgid, to.Fsuid, to.Fsgid = from.SUID, from.SGID, from.FSUID, from.FSGID
	to.LoginUid, to.AuditSession, to.Securebits = from.LoginUID, from.AuditSession, from.Securebits
	c := to.Capabilities
	c.Effective, c.Permitted, c.Inheritable = from.CapEffective, from.CapPermitted, from.CapInheritable
	c.Bounding, c.Ambient = from.CapBounding, from.CapAmbient
}

func setNamespaces(to *pb.Namespaces, from *identity.Namespaces) {
	to.Mount, to.Pid, to.Network, to.User = from.Mount, from.PID, from.Network, from.User
	to.Uts, to.Ipc, to.Cgroup, to.Time = from.UTS, from.IPC, from.Cgroup, from.Time
}
