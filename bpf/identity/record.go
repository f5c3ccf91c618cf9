package identity

import (
	"github.com/vedette-edr/vedette/bpf/record"
)

// The Go side of bpf/include/identity_record.h; record_test.go compares it with the object's BTF.

// Operation says what a Record tells of.
type Operation uint32

// Operations.
const (
	// CredentialsChanged, or, with an error, did not.
	CredentialsChanged Operation = 1
	NamespacesChanged  Operation = 2
	// Login is that the acting process was given the login of After.
	Login Operation = 3
	// Logout is that the process which was given the login of Before has ended, or gave it up.
	Logout Operation = 4
)

// Credentials of a thread: its real_cred, and the login that the audit system keeps; both words of it are 4294967295 where
// nobody has logged in.
type Credentials struct {
	UID, GID, SUID, SGID, EUID, EGID, FSUID, FSGID uint32
	Securebits                                     uint32
	UserNS                                         uint32
	CapInheritable, CapPermitted, CapEffective     uint64
	CapBounding, CapAmbient                        uint64
	LoginUID, AuditSession                         uint32
}

// Namespaces by their inode numbers. PID and Time are those that children are born into.
type Namespaces struct {
	Mount, PID, Network, User, UTS, IPC, Cgroup, Time uint32
}

// Record is one change of who a task is. NamespacesChanged fills the namespaces and Flags, the others the credentials.
type Record struct {
	record.Header
	Before, After                     Credentials
	NamespacesBefore, NamespacesAfter Namespaces
	// Flags are CLONE_NEW*: what was asked for, and what has changed.
	Flags     uint64
	Operation Operation
	// Call is an index into syscalls.Names; 0 when no call explains the change. An exec through either call is execve.
	Call  uint32
	Error int32
	_     uint32
}

// Parse views a record as a Record, which aliases it.
func Parse(rec []byte) (*Record, error) {
	r, _, err := record.View[Record](rec)
	return r, err
}
