/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Identity and true path of an open file or directory. */
#ifndef VEDETTE_FILE_H
#define VEDETTE_FILE_H

#include "path.h"

ALWAYS_INLINE void fill_times(struct file_identity *f, struct inode *inode)
{
	struct inode___v610 *v610 = (void *)inode;
	struct inode___v66 *v66 = (void *)inode;

	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		/* Bit 31 says that somebody has asked for the time (I_CTIME_QUERIED, 6.13). */
		f->ctime_ns =
			FIELD(inode, inode, i_ctime_sec) * 1000000000LL + (FIELD(inode, inode, i_ctime_nsec) & ~(1U << 31));
		f->mtime_ns = FIELD(inode, inode, i_mtime_sec) * 1000000000LL + FIELD(inode, inode, i_mtime_nsec);
		return;
	}
	if (bpf_core_field_exists(v610->__i_ctime))
		f->ctime_ns = BPF_CORE_READ(v610, __i_ctime.tv_sec) * 1000000000LL + BPF_CORE_READ(v610, __i_ctime.tv_nsec);
	else if (bpf_core_field_exists(v66->i_ctime))
		f->ctime_ns = BPF_CORE_READ(v66, i_ctime.tv_sec) * 1000000000LL + BPF_CORE_READ(v66, i_ctime.tv_nsec);
	if (bpf_core_field_exists(v610->__i_mtime))
		f->mtime_ns = BPF_CORE_READ(v610, __i_mtime.tv_sec) * 1000000000LL + BPF_CORE_READ(v610, __i_mtime.tv_nsec);
	else if (bpf_core_field_exists(v66->i_mtime))
		f->mtime_ns = BPF_CORE_READ(v66, i_mtime.tv_sec) * 1000000000LL + BPF_CORE_READ(v66, i_mtime.tv_nsec);
}

ALWAYS_INLINE __s64 access_time(struct inode *inode)
{
	struct inode___v610 *v610 = (void *)inode;
	struct inode___v66 *v66 = (void *)inode;

	if (!inode)
		return 0;
	if (bpf_core_field_exists(inode->i_atime_sec))
		return BPF_CORE_READ(inode, i_atime_sec) * 1000000000LL + BPF_CORE_READ(inode, i_atime_nsec);
	if (bpf_core_field_exists(v610->__i_atime))
		return BPF_CORE_READ(v610, __i_atime.tv_sec) * 1000000000LL + BPF_CORE_READ(v610, __i_atime.tv_nsec);
	return BPF_CORE_READ(v66, i_atime.tv_sec) * 1000000000LL + BPF_CORE_READ(v66, i_atime.tv_nsec);
}

/* What an inode says of itself; flags that its name decides are not among it. */
ALWAYS_INLINE void fill_inode(struct file_identity *f, struct inode *inode)
{
	struct super_block *filesystem = FIELD(inode, inode, i_sb);

	f->device = encode_device(FIELD(super_block, filesystem, s_dev));
	f->filesystem = FIELD(super_block, filesystem, s_magic);
	f->inode = FIELD(inode, inode, i_ino);
	f->mode = FIELD(inode, inode, i_mode);
	f->uid = FIELD(inode, inode, i_uid.val);
	f->gid = FIELD(inode, inode, i_gid.val);
	f->links = FIELD(inode, inode, i_nlink);
	f->size = FIELD(inode, inode, i_size);
	f->flags = 0;
	fill_times(f, inode);
	if (f->mode & S_IWOTH)
		f->flags |= FILE_WRITABLE_BY_OTHERS;
	if (f->mode & S_ISUID)
		f->flags |= FILE_SETUID;
	if (f->mode & S_ISGID)
		f->flags |= FILE_SETGID;
	if (f->filesystem == TMPFS_MAGIC)
		f->flags |= FILE_TMPFS;
	if (f->filesystem == OVERLAYFS_MAGIC) {
		void *upper = NULL;

		/* struct ovl_inode, which is a module's, has its upper dentry behind the inode (fs/overlayfs/ovl_entry.h). */
		bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
		if (upper)
			f->flags |= FILE_OVERLAY_UPPER;
	}
}

/* Fills s->identity of s->object and writes its path to s->text; returns the length of the path. */
ROUND __u32 object_text(__u32 slot, __u32 at)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct file_identity *f;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct inode *inode;
	struct mount *m;
	__u32 length;

	if (!s)
		return 0;
	f = &s->identity;
	inode = s->object.inode;
	dentry = s->object.dentry;
	mnt = s->object.mnt;
	m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
	fill_inode(f, inode);
	f->mount_id = BPF_CORE_READ(m, mnt_id);
	length = append_path(s, mnt, dentry, at);
	if (BPF_CORE_READ(mnt, mnt_flags) & MNT_NOEXEC)
		f->flags |= FILE_NOEXEC_MOUNT;
	if (BPF_CORE_READ(dentry, d_parent) == dentry) {
		/* The root of a tree of its own on tmpfs is what memfd_create and shmem_file_setup make; neither has a name. */
		if (f->filesystem == TMPFS_MAGIC && (s->walk.result & WALK_DISCONNECTED))
			f->flags |= FILE_MEMFD;
	} else if (!BPF_CORE_READ(dentry, d_hash.pprev) || f->links == 0) {
		f->flags |= FILE_DELETED;
	}
	if ((s->walk.result & WALK_DISCONNECTED) && !(f->flags & FILE_MEMFD))
		f->flags |= FILE_DISCONNECTED;
	return length;
}

/* Identity of an object and its path as text; returns the length of the path. */
ALWAYS_INLINE __u32 append_object(struct scratch *s, struct file_identity *f, struct inode *inode, struct vfsmount *mnt,
				  struct dentry *dentry)
{
	__u32 length;

	if (!inode || !mnt || !dentry)
		return 0;
	s->object.inode = inode;
	s->object.mnt = mnt;
	s->object.dentry = dentry;
	length = object_text(s->slot, s->at);
	*f = s->identity;
	s->at += length;
	return length;
}

/* The same of an open file. */
ALWAYS_INLINE __u32 append_file(struct scratch *s, struct file_identity *f, struct file *file)
{
	if (!file)
		return 0;
	return append_object(s, f, FIELD(file, file, f_inode), FIELD(file, file, f_path.mnt), FIELD(file, file, f_path.dentry));
}

/* The open file of a descriptor of a task, NULL when there is none. */
ALWAYS_INLINE struct file *file_of_descriptor(struct task_struct *task, int descriptor)
{
	struct files_struct *open = FIELD(task_struct, task, files);
	struct fdtable *table = FIELD(files_struct, open, fdt);
	struct file **files, *file = NULL;

	if (!table || descriptor < 0 || (__u32)descriptor >= FIELD(fdtable, table, max_fds))
		return NULL;
	files = FIELD(fdtable, table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	return file;
}

/* The file whose release is queued on a task as this work. */
ALWAYS_INLINE struct file *file_of_work(struct callback_head *work)
{
	struct file___v66 *v66 = NULL;

	if (bpf_core_field_exists(struct file, f_task_work))
		return (void *)work - bpf_core_field_offset(struct file, f_task_work);
	if (bpf_core_field_exists(v66->f_rcuhead))
		return (void *)work - bpf_core_field_offset(struct file___v66, f_rcuhead);
	return (void *)work - bpf_core_field_offset(struct file___v519, f_u);
}

/* The path of a directory; returns its length. */
ALWAYS_INLINE __u32 append_directory(struct scratch *s, struct path *path)
{
	__u32 length = append_path(s, BPF_CORE_READ(path, mnt), BPF_CORE_READ(path, dentry), s->at);

	s->at += length;
	return length;
}

#endif
