// Ways into the kernel: the same system call by the 64-bit entry, by int 0x80 from 64-bit code, by x32, by the old calls that
// the *at calls replaced, and by io_uring. Pointers must be below 4 GiB, as everything static in these programs is.

#ifndef EVADE_CALL_H
#define EVADE_CALL_H

#include "evade.h"
#include "evade_ring.h"

typedef long (*entry_function)(long number, long a, long b, long c, long d, long e);

static long finish(long result)
{
	if (result < 0 && result > -4096) {
		errno = -result;
		return -1;
	}
	return result;
}

static long enter_64(long number, long a, long b, long c, long d, long e)
{
	return syscall(number, a, b, c, d, e);
}

static long int80(long number, long a, long b, long c, long d, long e)
{
	int result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"((int)number), "b"((int)a), "c"((int)b), "d"((int)c), "S"((int)d), "D"((int)e)
			 : "memory", "r8", "r9", "r10", "r11");
	return finish(result);
}

// Numbers of arch/x86/entry/syscalls/syscall_32.tbl.
static const struct {
	short wide, narrow;
} numbers_32[] = {
	{SYS_openat, 295},	 {SYS_openat2, 437},	{SYS_creat, 8},		{SYS_write, 4},	       {SYS_pwrite64, 181},
	{SYS_close, 6},		 {SYS_dup2, 63},	{SYS_unlinkat, 301},	{SYS_renameat2, 353},  {SYS_linkat, 303},
	{SYS_symlinkat, 304},	 {SYS_mkdirat, 296},	{SYS_fchmodat, 306},	{SYS_fchmod, 94},      {SYS_fchownat, 298},
	{SYS_fchown, 207},	 {SYS_truncate, 92},	{SYS_ftruncate, 93},	{SYS_utimensat, 412},  {SYS_setxattr, 226},
	{SYS_lsetxattr, 227},	 {SYS_fsetxattr, 228},	{SYS_removexattr, 235}, {SYS_lremovexattr, 236}, {SYS_fremovexattr, 237},
	{SYS_memfd_create, 356}, {SYS_mount, 21},	{SYS_umount2, 52},	{SYS_bind, 361},       {SYS_socket, 359},
	{SYS_mprotect, 125},	 {SYS_pkey_mprotect, 380}, {SYS_kill, 37},	{SYS_tkill, 238},      {SYS_tgkill, 270},
	{SYS_setuid, 213},	 {SYS_setgid, 214},	{SYS_setreuid, 203},	{SYS_setregid, 204},   {SYS_setresuid, 208},
	{SYS_setresgid, 210},	 {SYS_setfsuid, 215},	{SYS_setfsgid, 216},	{SYS_setgroups, 206},  {SYS_capset, 185},
	{SYS_unshare, 310},	 {SYS_setns, 346},	{SYS_bpf, 357},		{SYS_ptrace, 26},      {SYS_init_module, 128},
	{SYS_finit_module, 350}, {SYS_delete_module, 129}, {SYS_keyctl, 288},	{SYS_add_key, 286},    {SYS_request_key, 287},
	{SYS_perf_event_open, 336}, {SYS_io_uring_setup, 425}, {SYS_pidfd_getfd, 438}, {SYS_pidfd_send_signal, 424},
	{SYS_chmod, 15},	 {SYS_unlink, 10},	{SYS_rename, 38},	{SYS_link, 9},	       {SYS_symlink, 83},
	{SYS_mkdir, 39},	 {SYS_rmdir, 40},	{SYS_open, 5},		{SYS_chown, 212},      {SYS_execve, 11},
};

static long enter_int80(long number, long a, long b, long c, long d, long e)
{
	for (size_t i = 0; i < sizeof(numbers_32) / sizeof(numbers_32[0]); i++)
		if (numbers_32[i].wide == number)
			return int80(numbers_32[i].narrow, a, b, c, d, e);
	fprintf(stderr, "no 32-bit number of system call %ld is known here\n", number);
	_exit(1);
}

static long enter_x32(long number, long a, long b, long c, long d, long e)
{
	return syscall(number | 0x40000000, a, b, c, d, e);
}

static void need_int80(void)
{
	pid_t pid = must("fork", fork());

	// Without the emulation the instruction ends the process.
	if (pid == 0)
		_exit(int80(20 /* getpid */, 0, 0, 0, 0, 0) == getpid() ? 0 : 1);
	int status;
	must("waitpid", waitpid(pid, &status, 0));
	if (status)
		lacking("32-bit system calls (CONFIG_IA32_EMULATION)");
}

static void need_x32(void)
{
	if (syscall(SYS_getpid | 0x40000000) != getpid())
		lacking("x32 system calls (CONFIG_X86_X32_ABI)");
}

// old gives the call that an *at call replaced, for names that need no directory.
static int old(long number, long *a, long *b, long *c, long d)
{
	switch (number) {
	case SYS_openat:
		*a = *b, *b = *c, *c = d;
		return SYS_open;
	case SYS_unlinkat:
		number = *c == AT_REMOVEDIR ? SYS_rmdir : SYS_unlink;
		*a = *b;
		return number;
	case SYS_renameat2:
		*a = *b, *b = d;
		return SYS_rename;
	case SYS_linkat:
		*a = *b, *b = d;
		return SYS_link;
	case SYS_symlinkat:
		*b = *c;
		return SYS_symlink;
	case SYS_mkdirat:
		*a = *b, *b = *c;
		return SYS_mkdir;
	case SYS_fchmodat:
		*a = *b, *b = *c;
		return SYS_chmod;
	case SYS_fchownat:
		*a = *b, *b = *c, *c = d;
		return SYS_chown;
	default:
		return number;
	}
}

static long enter_old(long number, long a, long b, long c, long d, long e)
{
	number = old(number, &a, &b, &c, d);
	return syscall(number, a, b, c, d, e);
}

static long enter_old_int80(long number, long a, long b, long c, long d, long e)
{
	number = old(number, &a, &b, &c, d);
	return enter_int80(number, a, b, c, d, e);
}

// What no ring can do is done in the ordinary way.
static long enter_ring(long number, long a, long b, long c, long d, long e)
{
	long result = ring_call(number, a, b, c, d, e);

	return result == -1 && errno == ENOSYS ? syscall(number, a, b, c, d, e) : result;
}

static entry_function entry = enter_64;

// choose_entry takes a name of a way in; 0 when it is none.
MAYBE_UNUSED static int choose_entry(const char *name)
{
	if (strcmp(name, "64") == 0) {
		entry = enter_64;
	} else if (strcmp(name, "int80") == 0) {
		need_int80();
		entry = enter_int80;
	} else if (strcmp(name, "old-int80") == 0) {
		need_int80();
		entry = enter_old_int80;
	} else if (strcmp(name, "old") == 0) {
		entry = enter_old;
	} else if (strcmp(name, "x32") == 0) {
		need_x32();
		entry = enter_x32;
	} else if (strcmp(name, "ring") == 0) {
		ring_open(0);
		entry = enter_ring;
	} else if (strcmp(name, "ring-slot") == 0) {
		ring_open(0);
		ring_make_slots();
		entry = enter_ring;
	} else if (strcmp(name, "ring-silent") == 0) {
		ring_open(0);
		ring.silent = true;
		entry = enter_ring;
	} else if (strcmp(name, "sqpoll") == 0) {
		ring_open(IORING_SETUP_SQPOLL);
		entry = enter_ring;
	} else {
		return 0;
	}
	return 1;
}

// call takes pointers as they are.
#define ARGUMENT(x) ((long)(uintptr_t)(x))
#define call5(n, a, b, c, d, e) entry(n, ARGUMENT(a), ARGUMENT(b), ARGUMENT(c), ARGUMENT(d), ARGUMENT(e))
#define call4(n, a, b, c, d) call5(n, a, b, c, d, 0)
#define call3(n, a, b, c) call5(n, a, b, c, 0, 0)
#define call2(n, a, b) call5(n, a, b, 0, 0, 0)

#endif
