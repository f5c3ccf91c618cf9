// evade32: acts by a 32-bit program, through the numbers and structures of its own system call table. It needs no C library.
//
//   evade32 ACT FILE OTHER FRESH DIRECTORY
//   evade32 ACT [PID]
//
//   cc -m32 -O2 -nostdlib -static -o evade32 evade32.c

typedef int number;

static number call(number n, number a, number b, number c, number d, number e)
{
	number result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return result;
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static number parse(const char *s)
{
	number n = 0;

	for (; s && *s >= '0' && *s <= '9'; s++)
		n = 10 * n + *s - '0';
	return n;
}

#define AT_FDCWD -100
#define P(x) ((number)(x))

struct map {
	unsigned long address, length, protection, flags, fd, offset;
};

// map gives executable memory by the old mmap, whose arguments lie in memory, or by mmap2.
static number map(number protection)
{
	struct map m = {0, 0x23000, protection, 0x22, -1, 0};

	return call(90, P(&m), 0, 0, 0, 0);
}

static number act(const char *name, char **argv)
{
	static const char text[] = "evaded-write", more[] = "-and-more", attribute[] = "trusted.evasion", value[] = "a value\n\xff";
	static const char target[] = "../some where/else";
	static struct {
		long long seconds, nanoseconds;
	} times[2] = {{1000000000, 1}, {1000000001, 2000}};
	const char *victim = argv[2], *other = victim ? argv[3] : 0, *fresh = other ? argv[4] : 0, *directory = fresh ? argv[5] : 0;
	number fd;

	if (same(name, "open-write"))
		return call(5, P(victim), 1, 0, 0, 0);
	if (same(name, "read"))
		return call(5, P(victim), 0, 0, 0, 0);
	if (same(name, "create"))
		return call(295, AT_FDCWD, P(fresh), 0301, 0640, 0);
	if (same(name, "write") || same(name, "close")) {
		fd = call(5, P(victim), same(name, "close") ? 01001 : 2, 0, 0, 0);
		if (fd < 0)
			return fd;
		call(4, fd, P(text), sizeof(text) - 1, 0, 0);
		if (same(name, "close")) {
			call(4, fd, P(more), sizeof(more) - 1, 0, 0);
			return call(6, fd, 0, 0, 0, 0);
		}
		return 0;
	}
	if (same(name, "delete"))
		return call(10, P(victim), 0, 0, 0, 0);
	if (same(name, "rename"))
		return call(38, P(victim), P(fresh), 0, 0, 0);
	if (same(name, "rename-replace"))
		return call(38, P(victim), P(other), 0, 0, 0);
	if (same(name, "rename-exchange"))
		return call(353, AT_FDCWD, P(victim), AT_FDCWD, P(other), 2);
	if (same(name, "mkdir"))
		return call(39, P(fresh), 0751, 0, 0, 0);
	if (same(name, "rmdir"))
		return call(40, P(directory), 0, 0, 0, 0);
	if (same(name, "link"))
		return call(9, P(victim), P(fresh), 0, 0, 0);
	if (same(name, "symlink"))
		return call(83, P(target), P(fresh), 0, 0, 0);
	if (same(name, "chmod"))
		return call(15, P(victim), 04751, 0, 0, 0);
	// chown of 16-bit ids.
	if (same(name, "chown"))
		return call(182, P(victim), 1234, 2345, 0, 0);
	// truncate64 takes the length in two registers.
	if (same(name, "truncate"))
		return call(193, P(victim), 5, 0, 0, 0);
	if (same(name, "utimes"))
		return call(412, AT_FDCWD, P(victim), P(times), 0, 0);
	if (same(name, "setxattr"))
		return call(226, P(victim), P(attribute), P(value), sizeof(value) - 1, 0);
	if (same(name, "removexattr"))
		return call(235, P(victim), P(attribute), 0, 0, 0);
	if (same(name, "memfd"))
		return call(356, P(attribute), 1, 0, 0, 0);
	if (same(name, "mmap-old"))
		return map(7) > -4096 && map(7) < 0 ? -1 : 0;
	if (same(name, "mmap2")) {
		number p;

		// The sixth argument, the offset, is in ebp; any will do for anonymous memory.
		p = call(192, 0, 0x23000, 7, 0x22, -1);
		return p < 0 && p > -4096 ? p : 0;
	}
	if (same(name, "mprotect")) {
		volatile char *p = (char *)map(3);

		p[0] = 0xc3;
		return call(125, P(p), 0x23000, 5, 0, 0);
	}
	if (same(name, "kill"))
		return call(37, parse(argv[2]), 28, 0, 0, 0);
	if (same(name, "ptrace"))
		return call(26, 0x4206, parse(argv[2]), 0, 0, 0);
	if (same(name, "setuid"))
		return call(213, 12345, 0, 0, 0, 0);
	if (same(name, "setuid16"))
		return call(23, 12345, 0, 0, 0, 0);
	if (same(name, "setresuid16"))
		return call(164, 12345, 12346, 12347, 0, 0);
	if (same(name, "setgroups16")) {
		static const unsigned short groups[] = {12345};

		return call(81, 1, P(groups), 0, 0, 0);
	}
	if (same(name, "execve")) {
		char *arguments[] = {argv[2], argv[3], 0};

		return call(11, P(argv[2]), P(arguments), 0, 0, 0);
	}
	if (same(name, "bind") || same(name, "bind-socketcall")) {
		static struct {
			unsigned short family;
			char path[108];
		} address = {1, ""};
		number size = 2, at = 0;

		for (; argv[2][at] && at < 107; at++, size++)
			address.path[at] = argv[2][at];
		if (same(name, "bind")) {
			fd = call(359, 1, 1, 0, 0, 0);
			return call(361, fd, P(&address), size + 1, 0, 0);
		}
		number socket[] = {1, 1, 0};

		fd = call(102, 1, P(socket), 0, 0, 0);

		number bind[] = {fd, P(&address), size + 1};

		return call(102, 2, P(bind), 0, 0, 0);
	}
	return -22;
}

__attribute__((noreturn, used)) static void run(char **stack)
{
	char **argv = stack + 1;
	number result = act(argv[1], argv);

	call(1, result < 0 ? -result : 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

__attribute__((naked, noreturn)) void _start(void) { __asm__("mov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall run"); }
