/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * System calls, whichever entry they came through. Two programs see every call of every process (bpf/syscalls), look its number
 * up and hand the few that matter to the program that knows them; those read arguments and result here.
 */
#ifndef VEDETTE_CALL_H
#define VEDETTE_CALL_H

#include "core.h"

/* The calls that somebody may watch. bpf/syscalls/table.go has their numbers in the same order. */
enum call {
	CALL_NONE,
	CALL_OPEN,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_CREAT,
	CALL_OPEN_BY_HANDLE_AT,
	CALL_MEMFD_CREATE,
	CALL_CLOSE,
	CALL_CLOSE_RANGE,
	CALL_DUP2,
	CALL_DUP3,
	CALL_WRITE,
	CALL_PWRITE64,
	CALL_WRITEV,
	CALL_PWRITEV,
	CALL_PWRITEV2,
	CALL_SENDFILE,
	CALL_COPY_FILE_RANGE,
	CALL_SPLICE,
	CALL_IO_SUBMIT,
	CALL_FALLOCATE,
	CALL_FTRUNCATE,
	CALL_TRUNCATE,
	CALL_UNLINK,
	CALL_UNLINKAT,
	CALL_RMDIR,
	CALL_RENAME,
	CALL_RENAMEAT,
	CALL_RENAMEAT2,
	CALL_MKDIR,
	CALL_MKDIRAT,
	CALL_LINK,
	CALL_LINKAT,
	CALL_SYMLINK,
	CALL_SYMLINKAT,
	CALL_MKNOD,
	CALL_MKNODAT,
	CALL_CHMOD,
	CALL_FCHMOD,
	CALL_FCHMODAT,
	CALL_FCHMODAT2,
	CALL_CHOWN,
	CALL_FCHOWN,
	CALL_LCHOWN,
	CALL_FCHOWNAT,
	CALL_UTIME,
	CALL_UTIMES,
	CALL_FUTIMESAT,
	CALL_UTIMENSAT,
	CALL_SETXATTR,
	CALL_LSETXATTR,
	CALL_FSETXATTR,
	CALL_SETXATTRAT,
	CALL_REMOVEXATTR,
	CALL_LREMOVEXATTR,
	CALL_FREMOVEXATTR,
	CALL_REMOVEXATTRAT,
	CALL_MOUNT,
	CALL_UMOUNT2,
	CALL_PIVOT_ROOT,
	CALL_MOVE_MOUNT,
	CALL_OPEN_TREE,
	CALL_FSMOUNT,
	CALL_MOUNT_SETATTR,
	CALL_BIND,
	CALL_SOCKETCALL,
	CALL_MMAP,
	CALL_MMAP_OLD,
	CALL_SHMAT,
	CALL_IPC,
	CALL_MPROTECT,
	CALL_PKEY_MPROTECT,
	CALL_PTRACE,
	CALL_PROCESS_VM_READV,
	CALL_PROCESS_VM_WRITEV,
	CALL_PIDFD_GETFD,
	CALL_KILL,
	CALL_TKILL,
	CALL_TGKILL,
	CALL_RT_SIGQUEUEINFO,
	CALL_RT_TGSIGQUEUEINFO,
	CALL_PIDFD_SEND_SIGNAL,
	CALL_SETUID,
	CALL_SETGID,
	CALL_SETREUID,
	CALL_SETREGID,
	CALL_SETRESUID,
	CALL_SETRESGID,
	CALL_SETFSUID,
	CALL_SETFSGID,
	CALL_SETGROUPS,
	CALL_CAPSET,
	CALL_PRCTL,
	CALL_SETNS,
	CALL_UNSHARE,
	CALL_CLONE,
	CALL_CLONE3,
	CALL_INIT_MODULE,
	CALL_FINIT_MODULE,
	CALL_DELETE_MODULE,
	CALL_BPF,
	CALL_PERF_EVENT_OPEN,
	CALL_IOCTL,
	CALL_KEXEC_LOAD,
	CALL_KEXEC_FILE_LOAD,
	CALL_KEYCTL,
	CALL_ADD_KEY,
	CALL_REQUEST_KEY,
	CALL_IO_URING_SETUP,
	CALL_EXECVE,
	CALL_EXECVEAT,
	CALL_MAX,
};

/* Numbers of the x86-64 table end at 547, which x32 has (arch/x86/entry/syscalls/syscall_64.tbl). */
#define CALL_NUMBERS 560

/* x32 calls carry this bit in their number. */
#define X32_BIT 0x40000000

/* Which call a number means: low half through the 64-bit entry, high half through the 32-bit one. */
const volatile __u32 calls[CALL_NUMBERS] = {};

/* The acting task. Its fields are read with BPF_CORE_READ: before 5.11 it is a plain address to the verifier. */
ALWAYS_INLINE struct task_struct *current_task(void)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf();
	return (struct task_struct *)bpf_get_current_task();
}

/* Whether the call came through the 32-bit entry, which a 64-bit program can take too (int 0x80). */
ALWAYS_INLINE bool is_compat(void)
{
	/* A direct load where the verifier knows the task: this runs for every call that may matter. */
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf))
		return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), thread_info.status) & TS_COMPAT;
}

ALWAYS_INLINE enum call call_of(__u64 number, bool compat)
{
	__u64 n = (__u32)number & ~X32_BIT;

	OPAQUE(n);
	if (n >= CALL_NUMBERS)
		return CALL_NONE;
	return compat ? calls[n] >> 16 : calls[n] & 0xffff;
}

/*
 * Programs that system calls are handed to: int ON_ENTER(name, struct pt_regs *regs) and int ON_EXIT(name, struct pt_regs *regs, long
 * ret). Where tracepoints can be preempted they are loaded as programs of perf (bpf/loader), which cannot: else whoever is preempted
 * in one would make the calls of all others on his CPU pass unseen until he runs again. Perf hands over a record of the call, whose
 * third word is the result, and no registers.
 */
#define ON_ENTER(name, registers)                                                                    \
	name(__u64 *ctx);                                                                            \
	ALWAYS_INLINE int on_##name(__u64 *ctx, registers);                                          \
	int name(__u64 *ctx)                                                                         \
	{                                                                                            \
		if (tracepoints_are_preemptible)                                                     \
			return on_##name(ctx, (void *)bpf_task_pt_regs(bpf_get_current_task_btf())); \
		return on_##name(ctx, (void *)ctx[0]);                                               \
	}                                                                                            \
	ALWAYS_INLINE int on_##name(__u64 *ctx, registers)

#define ON_EXIT(name, registers, result)                                                                     \
	name(__u64 *ctx);                                                                                    \
	ALWAYS_INLINE int on_##name(__u64 *ctx, registers, result);                                          \
	int name(__u64 *ctx)                                                                                 \
	{                                                                                                    \
		if (tracepoints_are_preemptible)                                                             \
			return on_##name(ctx, (void *)bpf_task_pt_regs(bpf_get_current_task_btf()), ctx[2]); \
		return on_##name(ctx, (void *)ctx[0], ctx[1]);                                               \
	}                                                                                                    \
	ALWAYS_INLINE int on_##name(__u64 *ctx, registers, result)

/* Arguments of a call. Those of the 32-bit entry are 32 bits wide. */
struct call_arguments {
	__u64 a0, a1, a2, a3, a4, a5;
	enum call call;
	bool compat;
};

ALWAYS_INLINE void read_call(struct call_arguments *a, struct pt_regs *regs)
{
	a->compat = is_compat();
	a->call = call_of(regs->orig_ax, a->compat);
	if (a->compat) {
		a->a0 = (__u32)regs->bx;
		a->a1 = (__u32)regs->cx;
		a->a2 = (__u32)regs->dx;
		a->a3 = (__u32)regs->si;
		a->a4 = (__u32)regs->di;
		a->a5 = (__u32)regs->bp;
	} else {
		a->a0 = regs->di;
		a->a1 = regs->si;
		a->a2 = regs->dx;
		a->a3 = regs->r10;
		a->a4 = regs->r8;
		a->a5 = regs->r9;
	}
}

#endif
