/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel types that our programs read, kept by hand and only as deep as we read them. CO-RE relocates every access
 * against the running kernel's BTF, so order and size here do not matter, names do. A name with ___suffix is the same
 * type as older kernels have it; the suffix is the last version that does.
 */
#ifndef VEDETTE_KERNEL_H
#define VEDETTE_KERNEL_H

#include "kernel_base.h"
#include "kernel_bpf.h"
#include "kernel_file.h"
#include "kernel_request.h"
#include "kernel_values.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct user_namespace {
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct uts_namespace {
	struct ns_common ns;
};

struct ipc_namespace {
	struct ns_common ns;
};

struct pid_namespace {
	struct idr idr;
	struct ns_common ns;
	unsigned int level;
};

struct net {
	struct ns_common ns;
};

struct time_namespace {
	struct ns_common ns;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct time_namespace *time_ns_for_children;
	struct cgroup_namespace *cgroup_ns;
	struct pid_namespace *pid_ns_for_children;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[1];
};

struct group_info {
	int ngroups;
	kgid_t gid[1];
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
	unsigned int securebits;
	kernel_cap_t cap_inheritable;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
	kernel_cap_t cap_bset;
	kernel_cap_t cap_ambient;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

/* Areas of memory since 6.1: a tree whose nodes lie at multiples of 256, with their type in the bits below. */
struct maple_tree {
	void *ma_root;
};

struct maple_metadata {
	unsigned char end;
};

struct maple_range_64 {
	unsigned long pivot[15];
	union {
		void *slot[16];
		struct {
			void *pad[15];
			struct maple_metadata meta;
		};
	};
};

struct maple_arange_64 {
	unsigned long pivot[9];
	void *slot[10];
	struct maple_metadata meta;
};

struct rb_node {
	struct rb_node *rb_right;
	struct rb_node *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct anon_vma;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_flags;
	struct anon_vma *anon_vma;
	struct file *vm_file;
};

/* To 6.0. */
struct vm_area_struct___v60 {
	struct rb_node vm_rb;
};

struct mm_struct___v60 {
	struct rb_root mm_rb;
};

struct mm_struct {
	struct maple_tree mm_mt;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
};

struct tty_struct {
	char name[64];
};

struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
};

struct signal_struct {
	atomic_t live;
	struct pid *pids[4];
	int group_exit_code;
	unsigned int flags;
	struct tty_struct *tty;
	__u64 utime;
	__u64 stime;
	unsigned long maxrss;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
};

struct files_struct {
	atomic_t count;
	struct fdtable *fdt;
};

/* x86: TS_COMPAT says that the system call under way came through the 32-bit entry (arch/x86/include/asm/thread_info.h). */
struct thread_info {
	unsigned int status;
};

struct task_struct {
	unsigned int flags;
	unsigned int personality;
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct hlist_node pid_links[4];
	__u64 utime;
	__u64 stime;
	__u64 start_boottime;
	const struct cred *cred;
	const struct cred *real_cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct thread_info thread_info;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct callback_head *task_works;
	__u64 self_exec_id;
	kuid_t loginuid;
	unsigned int sessionid;
	struct mm_struct *mm;
	struct css_set *cgroups;
};

struct sock_common {
	unsigned short skc_family;
};

struct sock {
	struct sock_common __sk_common;
};

struct socket {
	short type;
	struct sock *sk;
};

/* The address itself, a struct sockaddr_un, follows. */
struct unix_address {
	int len;
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
};

struct module {
	char name[56];
};

struct linux_binprm {
	struct file *file;
	unsigned int secureexec : 1;
	int argc;
	const char *filename;
	const char *interp;
};

/* x86: the registers of the system call; orig_ax holds its number. */
struct pt_regs {
	unsigned long r10;
	unsigned long r9;
	unsigned long r8;
	unsigned long bp;
	unsigned long bx;
	unsigned long ax;
	unsigned long cx;
	unsigned long dx;
	unsigned long si;
	unsigned long di;
	unsigned long orig_ax;
};

#pragma clang attribute pop

enum pid_type {
	PIDTYPE_PID = 0,
	PIDTYPE_TGID = 1,
	PIDTYPE_PGID = 2,
	PIDTYPE_SID = 3,
};

#endif
