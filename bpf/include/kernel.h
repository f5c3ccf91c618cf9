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
	BPF_RB_RING_SIZE = 1,
};

/* Only asked about with bpf_core_enum_value_exists: which helpers the running kernel has. */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_for_each_map_elem = 164,
	BPF_FUNC_cgrp_storage_get = 210,
};

/* A macro of another value on older kernels. */
enum dentry_flags {
	DCACHE_MOUNTED = 0x8000,
};

/* Kernel fields of these types are read; what the values mean is said in Go. */
enum bpf_prog_type {
	BPF_PROG_TYPE_UNSPEC = 0,
};

enum bpf_attach_type {
	BPF_CGROUP_INET_INGRESS = 0,
};

enum bpf_link_type {
	BPF_LINK_TYPE_RAW_TRACEPOINT = 1,
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

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

/* An array that grows: a tree of nodes, whose addresses are marked in their low bits (include/linux/xarray.h). */
struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct idr {
	struct xarray idr_rt;
	unsigned int idr_base;
};

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
	void *s_fs_info;
};

/* What s_fs_info of procfs is. */
struct proc_fs_info {
	struct pid_namespace *pid_ns;
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
	void *i_private;
	/* The text of a symbolic link that needs no look at the disk. */
	char *i_link;
	/* Since 6.11; see the older forms below. */
	__s64 i_atime_sec;
	__u32 i_atime_nsec;
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
	__s64 i_mtime_sec;
	__u32 i_mtime_nsec;
};

/* The inode of a file in procfs, and the process that it is about. */
struct proc_inode {
	struct pid *pid;
	unsigned int fd;
	struct inode vfs_inode;
};

/* To 6.10: __i_ctime since 6.6, __i_mtime since 6.7. */
struct inode___v610 {
	struct timespec64 __i_ctime;
	struct timespec64 __i_mtime;
	struct timespec64 __i_atime;
};

/* i_ctime to 6.5, i_mtime to 6.6. */
struct inode___v66 {
	struct timespec64 i_ctime;
	struct timespec64 i_mtime;
	struct timespec64 i_atime;
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

struct bpf_prog_aux {
	__u32 id;
	const char *attach_func_name;
	char name[16];
};

struct bpf_prog {
	__u16 kprobe_override : 1;
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	__u32 len;
	__u8 tag[8];
	struct bpf_prog_aux *aux;
};

struct bpf_map {
	enum bpf_map_type map_type;
	__u32 id;
	char name[16];
};

struct bpf_link {
	__u32 id;
	enum bpf_link_type type;
	struct bpf_prog *prog;
};

struct tracepoint {
	const char *name;
};

struct bpf_raw_event_map {
	struct tracepoint *tp;
};

struct bpf_raw_tp_link {
	struct bpf_link link;
	struct bpf_raw_event_map *btp;
};

struct perf_event_attr {
	__u32 type;
	__u64 config;
};

struct perf_event {
	struct perf_event_attr attr;
	/* The type that was asked for, where attr has that of the unit which took it. */
	__u32 orig_type;
};

struct module {
	char name[56];
};

struct filename {
	const char *name;
};

/* The name of an io_uring request since 7.0. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_cqe {
	__s32 res;
	int fd; /* until there is a result */
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags;
	struct io_cqe cqe; /* since 5.19 */
	void *ctx;
	void *async_data;
};

struct open_how {
	__u64 flags;
};

struct io_open {
	int dfd;
	__u32 file_slot;
	struct delayed_filename filename;
	struct open_how how;
};

struct io_close {
	int fd;
	__u32 file_slot;
};

struct kiocb {
	__s64 ki_pos;
};

struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
	__u32 len;
};

struct io_sync {
	__s64 len;
	__s64 off;
};

struct io_unlink {
	int dfd;
	int flags;
	struct delayed_filename filename;
};

struct io_mkdir {
	int dfd;
	struct delayed_filename filename;
};

struct xattr_name {
	char name[256];
};

/* Its own name changed in 6.13, those of its fields did not. */
struct xattr_ctx {
	void *kvalue;
	unsigned long size;
	struct xattr_name *kname;
};

struct io_xattr {
	struct xattr_ctx ctx;
	struct delayed_filename filename;
};

struct io_ftrunc {
	__s64 len;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
	int flags;
};

struct io_link {
	int old_dfd;
	int new_dfd;
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
	int flags;
};

struct io_open___v619 {
	struct filename *filename;
};

struct io_unlink___v619 {
	struct filename *filename;
};

struct io_mkdir___v619 {
	struct filename *filename;
};

struct io_xattr___v619 {
	struct filename *filename;
};

struct io_rename___v619 {
	struct filename *oldpath;
	struct filename *newpath;
};

struct io_link___v619 {
	struct filename *oldpath;
	struct filename *newpath;
};

/* Links of both kinds to 5.19. */
struct io_hardlink {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct io_symlink {
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};

struct sockaddr;

struct io_connect {
	struct sockaddr *addr;
};

/* To 6.9; since then the address lies in an io_async_msghdr from the start. */
struct io_async_connect {
	__u8 unused;
};

struct __kernel_sockaddr_storage {
	__u8 unused;
};

struct io_async_msghdr {
	struct __kernel_sockaddr_storage addr;
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

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
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

/* The context of a program for sysctls (include/uapi/linux/bpf.h); its layout is the same on every kernel. */
struct bpf_sysctl {
	__u32 write;
	__u32 file_pos;
};

/* include/linux/sched.h, include/linux/fs.h, include/uapi/linux/{stat,magic}.h */
#define PF_KTHREAD 0x00200000
#define FMODE_EXEC_FLAG 0x20
#define SIGNAL_GROUP_EXIT 0x00000004
#define TMPFS_MAGIC 0x01021994
#define MNT_NOEXEC 0x04
#define DCACHE_MOUNTED_BEFORE_ENUM 0x00010000
#define OVERLAYFS_MAGIC 0x794c7630
#define PID_FS_MAGIC 0x50494446
#define VM_READ 0x1
#define VM_WRITE 0x2
#define VM_EXEC 0x4
#define READ_IMPLIES_EXEC 0x0400000
#define DCACHE_MOUNTED_BEFORE_ENUM 0x00010000
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define ANON_INODE_FS_MAGIC 0x09041934
#define TS_COMPAT 0x0002
#define FMODE_READ 0x1
#define FMODE_WRITE 0x2
#define FMODE_CREATED 0x100000
#define E2BIG 7
#define AT_FDCWD -100
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR 0x200
#define AT_SYMLINK_FOLLOW 0x400
#define AT_EMPTY_PATH 0x1000
#define RENAME_EXCHANGE 2
#define O_WRONLY 01
#define O_CREAT 0100
#define O_EXCL 0200
#define O_TRUNC 01000
#define AF_UNIX 1
#define S_IFSOCK 0140000
#define OPEN_TREE_CLONE 1
#define CLOSE_RANGE_CLOEXEC 4
#define EPERM 1
#define EACCES 13
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
