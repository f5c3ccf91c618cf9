/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Files of procfs that are doors to something else: another process's memory, and settings of the kernel. */
#ifndef VEDETTE_PROCFS_H
#define VEDETTE_PROCFS_H

#include "../include/kernel_record.h"
#include "../include/memory_record.h"
#include "tell.h"

/* Whether no program of the kernel sensor sees settings where the kernel takes them, so that writes have to stand for them. */
const volatile bool sysctls_by_write = false;

/* Tells of bytes that were written at an offset of another process's memory, if that is what the file is. */
ROUND __u32 tell_memory_file(__u64 description, __u64 offset, __u64 length)
{
	struct file *file = (void *)description;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct pid *pid = pid_of_procfs(BPF_CORE_READ(file, f_inode));
	struct qstr name;
	__u32 word = 0;

	if (!pid)
		return 0;
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	if (name.len != 3)
		return 0;
	bpf_probe_read_kernel(&word, 3, name.name);
	if (word == ('m' | 'e' << 8 | 'm' << 16))
		tell_procfs_memory(pid, offset, length, 0);
	return 0;
}

/*
 * Bytes were written to a file of procfs. offset is where; bytes where they lay, 0 when that is not known. The functions that
 * this calls do not call each other: old kernels have no stack for that below all who come here.
 */
ALWAYS_INLINE void tell_procfs(struct file *file, __u64 offset, __u64 bytes, __u64 length)
{
	if (sysctls_by_write)
		emit_sysctl(file, (void *)bytes, bytes ? length : 0, 0);
	tell_memory_file((__u64)file, offset, length);
}

#endif
