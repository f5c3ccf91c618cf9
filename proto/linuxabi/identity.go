package linuxabi

import "strconv"

// Capabilities names the bits of a capability set, as in "CAP_SYS_ADMIN": linux/capability.h. A bit without a name is given as
// its number.
func Capabilities(set uint64) []string {
	var out []string
	names := [...]string{
		"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
		"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
		"SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
		"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
	}
	for n := range 64 {
		switch {
		case set>>n&1 == 0:
		case n < len(names):
			out = append(out, "CAP_"+names[n])
		default:
			out = append(out, strconv.Itoa(n))
		}
	}
	return out
}

// Namespaces names the kinds of namespaces that CLONE_NEW* flags ask for, as in "mount", "user": linux/sched.h. Other flags,
// which clone has as well, do not show.
func Namespaces(flags uint64) []string {
	const mount, cgroup, uts, ipc, user, pid, network, time = 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80
	all := []bit{
		{mount, "mount"}, {pid, "pid"}, {network, "network"}, {user, "user"}, {uts, "uts"}, {ipc, "ipc"}, {cgroup, "cgroup"}, {time, "time"},
	}
	return words(flags&(mount|cgroup|uts|ipc|user|pid|network|time), all)
}

// KeyOperation names an operation of keyctl, as in "join_session_keyring": linux/keyctl.h.
func KeyOperation(operation uint32) string {
	return named([]string{
		"get_keyring_id", "join_session_keyring", "update", "revoke", "chown", "setperm", "describe", "clear", "link", "unlink", "search",
		"read", "instantiate", "negate", "set_reqkey_keyring", "set_timeout", "assume_authority", "get_security", "session_to_parent",
		"reject", "instantiate_iov", "invalidate", "get_persistent", "dh_compute", "pkey_query", "pkey_encrypt", "pkey_decrypt",
		"pkey_sign", "pkey_verify", "restrict_keyring", "move", "capabilities", "watch_key",
	}, operation)
}

// Keyring names a special key, as in "session": linux/keyctl.h. Other keys are given by their serial number.
func Keyring(serial int32) string {
	switch serial {
	case -1:
		return "thread"
	case -2:
		return "process"
	case -3:
		return "session"
	case -4:
		return "user"
	case -5:
		return "user_session"
	case -6:
		return "group"
	case -7:
		return "reqkey_auth_key"
	case -8:
		return "requestor"
	}
	return strconv.Itoa(int(serial))
}
