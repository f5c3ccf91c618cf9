/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The kernel's types of files, names and mounts; see kernel.h. */
#ifndef VEDETTE_INCLUDE_KERNEL_FILE_H
#define VEDETTE_INCLUDE_KERNEL_FILE_H

#include "kernel_base.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

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

#pragma clang attribute pop

#endif
