package linuxabi

import "strconv"

// Protection spells PROT_READ, PROT_WRITE and PROT_EXEC as in "rw-": asm-generic/mman-common.h. Other bits do not show.
func Protection(protection uint32) string {
	return [...]string{"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"}[protection&7]
}

// The kinds of a mapping fill the low four bits of its flags: linux/mman.h.
const mapKind = 0xf

// MapFlags names the flags of mmap, as in "private", "anonymous": linux/mman.h, asm-generic/mman-common.h and
// asm-generic/mman.h.
func MapFlags(flags uint32) []string {
	var out []string
	switch kind := flags & mapKind; kind {
	case 0:
	case 1:
		out = append(out, "shared")
	case 2:
		out = append(out, "private")
	case 3:
		out = append(out, "shared_validate")
	default:
		out = append(out, "0x"+strconv.FormatUint(uint64(kind), 16))
	}
	return append(out, words(uint64(flags&^mapKind), []bit{
		{0x10, "fixed"},
		{0x20, "anonymous"},
		{0x100, "growsdown"},
		{0x800, "denywrite"},
		{0x1000, "executable"},
		{0x2000, "locked"},
		{0x4000, "noreserve"},
		{0x8000, "populate"},
		{0x10000, "nonblock"},
		{0x20000, "stack"},
		{0x40000, "hugetlb"},
		{0x80000, "sync"},
		{0x100000, "fixed_noreplace"},
	})...)
}

// MemfdFlags names the flags of memfd_create, as in "cloexec": linux/memfd.h. The size of huge pages, in the bits from 26,
// shows in hexadecimal.
func MemfdFlags(flags uint32) []string {
	return words(uint64(flags), []bit{
		{1, "cloexec"}, {2, "allow_sealing"}, {4, "hugetlb"}, {8, "noexec_seal"}, {0x10, "exec"},
	})
}

// TraceRequest names a request of ptrace, as in "PTRACE_ATTACH": linux/ptrace.h, and for 12 to 15 asm/ptrace-abi.h of x86.
func TraceRequest(request uint32) string {
	const first, last = 0x4200, 0x4212
	if request >= first && request <= last {
		return "PTRACE_" + [...]string{
			"SETOPTIONS", "GETEVENTMSG", "GETSIGINFO", "SETSIGINFO", "GETREGSET", "SETREGSET", "SEIZE", "INTERRUPT", "LISTEN",
			"PEEKSIGINFO", "GETSIGMASK", "SETSIGMASK", "SECCOMP_GET_FILTER", "SECCOMP_GET_METADATA", "GET_SYSCALL_INFO",
			"GET_RSEQ_CONFIGURATION", "SET_SYSCALL_USER_DISPATCH_CONFIG", "GET_SYSCALL_USER_DISPATCH_CONFIG", "SET_SYSCALL_INFO",
		}[request-first]
	}
	return named([]string{
		0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 3: "PTRACE_PEEKUSR", 4: "PTRACE_POKETEXT",
		5: "PTRACE_POKEDATA", 6: "PTRACE_POKEUSR", 7: "PTRACE_CONT", 8: "PTRACE_KILL", 9: "PTRACE_SINGLESTEP",
		12: "PTRACE_GETREGS", 13: "PTRACE_SETREGS", 14: "PTRACE_GETFPREGS", 15: "PTRACE_SETFPREGS", 16: "PTRACE_ATTACH",
		17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL",
	}, request)
}
