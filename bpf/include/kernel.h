/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The kernel types that our programs read, kept by hand and only as deep as we read them. CO-RE relocates every access
 * against the running kernel's BTF, so order and size here do not matter, names do. A name with ___suffix is the same
 * type as older kernels have it; the suffix is the last version that does.
 */
#ifndef VEDETTE_KERNEL_H
#define VEDETTE_KERNEL_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};

enum {
	BPF_F_MMAPABLE = 1U << 10,
};

enum {
	BPF_RB_NO_WAKEUP = 1U << 0,
	BPF_RB_FORCE_WAKEUP = 1U << 1,
};

enum {
	BPF_RB_AVAIL_DATA = 0,
};

/* Only asked about with bpf_core_enum_value_exists: which helpers the running kernel has. */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_for_each_map_elem = 164,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

/* Before 6.3 two 32-bit words, which lie in memory as one little-endian word; so the field is read as a whole, never val. */
typedef struct {
	__u64 val;
} kernel_cap_t;

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
	struct ns_common ns;
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
	struct upid numbers[1];
};

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
	};
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct timespec64 {
	__s64 tv_sec;
	long tv_nsec;
};

struct inode {
	unsigned short i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	__s64 i_size;
	/* The text of a symbolic link that needs no look at the disk. */
	char *i_link;
	/* Since 6.11; see the older forms below. */
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
	__s64 i_mtime_sec;
	__u32 i_mtime_nsec;
};

/* To 6.10: __i_ctime since 6.6, __i_mtime since 6.7. */
struct inode___v610 {
	struct timespec64 __i_ctime;
	struct timespec64 __i_mtime;
};

/* i_ctime to 6.5, i_mtime to 6.6. */
struct inode___v66 {
	struct timespec64 i_ctime;
	struct timespec64 i_mtime;
};

struct hlist_bl_node {
	struct hlist_bl_node *next;
	struct hlist_bl_node **pprev;
};

struct list_head {
	struct list_head *next;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	int mnt_flags;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace *mnt_ns;
	struct list_head mnt_mounts;
	struct list_head mnt_child;
	int mnt_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct callback_head {
	struct callback_head *next;
};

typedef struct {
	__s64 counter;
} atomic64_t;

/* One less than the references that there are (include/linux/file_ref.h). */
typedef struct {
	atomic64_t refcnt;
} file_ref_t;

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
	__s64 f_pos;
	void *private_data;
	struct callback_head f_task_work;
	/* Since 6.13. */
	file_ref_t f_ref;
};

/* The references of a file to 6.12. */
struct file___v612 {
	atomic64_t f_count;
};

/* The work item of a release, 6.0 to 6.6; f_task_work since 6.7. */
struct file___v66 {
	union {
		struct callback_head f_rcuhead;
	};
};

/* The same to 5.19. */
struct file___v519 {
	union {
		struct callback_head fu_rcuhead;
	} f_u;
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

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
};

struct tty_struct {
	char name[64];
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
	int pid;
	int tgid;
	int exit_code;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
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

struct linux_binprm {
	struct file *file;
	unsigned int secureexec : 1;
	int argc;
	const char *filename;
	const char *interp;
};

struct bpf_iter_meta;
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
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

/* include/linux/sched.h, include/linux/fs.h, include/uapi/linux/{stat,magic}.h */
#define PF_KTHREAD 0x00200000
#define FMODE_EXEC_FLAG 0x20
#define SIGNAL_GROUP_EXIT 0x00000004
#define TMPFS_MAGIC 0x01021994
#define MNT_NOEXEC 0x04
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define TS_COMPAT 0x0002
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_CREATED 0x100000
#define AT_FDCWD -100
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFCHR 0020000
#define S_IFLNK 0120000
#define S_IFDIR 0040000
#define S_IWOTH 0002
#define S_ISUID 0004000
#define S_ISGID 0002000

/* include/uapi/linux/{sched,prctl}.h */
#define CLONE_NEWTIME 0x00000080
#define CLONE_NEWNS 0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS 0x04000000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000
#define PR_SET_KEEPCAPS 8
#define PR_CAPBSET_DROP 24
#define PR_SET_SECUREBITS 28
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_IS_SET 1

enum pid_type {
	PIDTYPE_PID = 0,
	PIDTYPE_TGID = 1,
	PIDTYPE_PGID = 2,
	PIDTYPE_SID = 3,
};

#endif
