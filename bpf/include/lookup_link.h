/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Links on the way: those of procfs, which lead to objects, and symbolic ones, which lead to names. See lookup.h. */
#ifndef VEDETTE_LOOKUP_LINK_H
#define VEDETTE_LOOKUP_LINK_H

#include "lookup_step.h"

/* Puts a number in front of what is left of the name. */
ALWAYS_INLINE void lookup_put_number(struct scratch *s, __u32 number)
{
	struct name_walk *w = &s->name_walk;

	for (int i = 0; i < 10; i++) {
		w->at--;
		if (w->at >= NAME_END)
			break;
		*name_at(s, w->at) = '0' + number % 10;
		number /= 10;
		if (!number)
			return;
	}
	w->result = LOOKUP_UNKNOWN;
}

/*
 * The links of procfs lead to objects, not to names: self is the process, and below it fd/N, cwd, root and exe are what they
 * are called. entry is the link itself, w->dentry its directory. Returns w->result.
 */
ROUND __u32 lookup_proc_link(__u32 slot, __u64 entry)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *link = (void *)entry;
	struct inode *inode = BPF_CORE_READ(link, d_inode);
	struct proc_inode *about = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct task_struct *current = current_task(), *task;
	struct name_walk *w;
	__u32 length, level;
	struct qstr name;
	struct pid *pid;
	char text[8] = {};

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	bpf_core_read(&name, sizeof(name), &link->d_name);
	length = name.len;
	if (length > 7)
		goto unknown;
	bpf_probe_read_kernel(text, length & 7, name.name);
	pid = BPF_CORE_READ(about, pid);
	if (!pid) {
		struct proc_fs_info *info = BPF_CORE_READ(inode, i_sb, s_fs_info);

		/* /proc/self, in the numbers of the namespace that procfs was mounted for. */
		if (length != 4 || *(__u32 *)text != 0x666c6573)
			goto unknown;
		level = BPF_CORE_READ(info, pid_ns, level);
		pid = BPF_CORE_READ(current, signal, pids[PIDTYPE_TGID]);
		if (!pid || level > BPF_CORE_READ(pid, level))
			goto unknown;
		bpf_probe_read_kernel(&level, sizeof(level),
				      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
					      level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr));
		lookup_put_number(s, level);
		return w->result;
	}
	task = task_of_pid(pid);
	if (!task)
		goto unknown;
	if (length == 3 && text[0] == 'c' && text[1] == 'w') {
		lookup_jump(w, &BPF_CORE_READ(task, fs)->pwd);
	} else if (length == 4 && text[0] == 'r' && text[1] == 'o') {
		lookup_jump(w, &BPF_CORE_READ(task, fs)->root);
	} else if (length == 3 && text[0] == 'e' && text[1] == 'x') {
		struct file *exe = BPF_CORE_READ(task, mm, exe_file);

		lookup_jump(w, &exe->f_path);
	} else if (text[0] >= '0' && text[0] <= '9') {
		struct file *file;
		int number = 0;

		for (__u32 i = 0; i < 7 && i < length; i++)
			number = number * 10 + (text[i] - '0');
		file = file_of_descriptor(task, number);
		if (!file)
			goto unknown;
		lookup_jump(w, &file->f_path);
	} else {
		goto unknown;
	}
	return w->result;
unknown:
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

/*
 * Entries of procfs are made when they are asked for: a call that begins may find none yet. What self and thread-self lead to is
 * known without. Follows fd/N, root, cwd and exe below them at the root of a procfs; returns whether it did. The component of
 * the name before w->at is the one in question.
 */
ROUND __u32 lookup_self(__u32 slot, __u32 length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct task_struct *task = current_task();
	__u32 number = 0, used, word;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct name_walk *w;
	__u8 *name, *next;
	struct file *file;

	/* "self" and "thread-self" */
	if (!s || (length != 4 && length != 11))
		return 0;
	w = &s->name_walk;
	dentry = w->dentry;
	mnt = w->mnt;
	if (w->at >= NAME_END || w->at < length || dentry != BPF_CORE_READ(mnt, mnt_root) ||
	    BPF_CORE_READ(mnt, mnt_sb, s_magic) != PROC_SUPER_MAGIC)
		return 0;
	name = name_at(s, w->at - length);
	next = name_at(s, w->at);
	if (*next != '/')
		return 0;
	if (length == 4) {
		if (*(__u32 *)name != 0x666c6573)
			return 0;
		task = BPF_CORE_READ(task, group_leader);
	} else if (*(__u64 *)name != 0x732d646165726874 || *(__u32 *)(name + 7) != 0x666c6573) {
		return 0;
	}
	word = *(__u32 *)(next + 1);
	if ((word & 0xffffff) == 0x2f6466) { /* "fd/" */
		used = 4;
		for (int i = 0; i < 7; i++) {
			__u8 digit = next[4 + i];

			if (digit < '0' || digit > '9')
				break;
			number = number * 10 + (digit - '0');
			used++;
		}
		file = file_of_descriptor(task, number);
		if (file)
			lookup_jump(w, &file->f_path);
		else
			w->result = LOOKUP_UNKNOWN;
	} else if (word == 0x746f6f72) { /* "root" */
		used = 5;
		lookup_jump(w, &BPF_CORE_READ(task, fs)->root);
	} else if ((word & 0xffffff) == 0x647763) { /* "cwd" */
		used = 4;
		lookup_jump(w, &BPF_CORE_READ(task, fs)->pwd);
	} else if ((word & 0xffffff) == 0x657865) { /* "exe" */
		used = 4;
		file = BPF_CORE_READ(task, mm, exe_file);
		lookup_jump(w, &file->f_path);
	} else {
		return 0;
	}
	w->at += used;
	next = name_at(s, w->at);
	if (*next != '/' && *next != 0)
		/* A longer word that begins alike. */
		w->result = LOOKUP_UNKNOWN;
	return 1;
}

/*
 * The text of a link that is too long for its inode lies on disk and in a page that cannot be reached from here. Those that
 * were made while we watched are kept, by device and inode.
 */
struct long_link_key {
	__u64 inode;
	__u64 device;
};

struct long_link {
	__u64 length;
	__u8 text[TEXT_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct long_link_key);
	__type(value, struct long_link);
} long_links SEC(".maps");

/* Follows a symbolic link: its text takes the place of its name. Returns w->result. */
ROUND __u32 lookup_link(__u32 slot, __u64 entry)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *link = (void *)entry;
	struct inode *inode = BPF_CORE_READ(link, d_inode);
	char *text = BPF_CORE_READ(inode, i_link);
	__u64 size = BPF_CORE_READ(inode, i_size), at;
	struct name_walk *w;
	__u8 *place;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	if (!text) {
		struct long_link_key key = {.inode = BPF_CORE_READ(inode, i_ino), .device = BPF_CORE_READ(inode, i_sb, s_dev)};
		struct long_link *kept = bpf_map_lookup_elem(&long_links, &key);

		if (kept && kept->length == size)
			text = (char *)kept->text;
	}
	at = (__u64)w->at - size;
	if (!text || size == 0 || size >= TEXT_MAX || at >= NAME_END) {
		w->result = LOOKUP_UNKNOWN;
		return w->result;
	}
	w->at = at;
	place = name_at(s, at);
	OPAQUE(size);
	size &= TEXT_MAX - 1;
	if (bpf_probe_read_kernel(place, size, text)) {
		w->result = LOOKUP_UNKNOWN;
		return w->result;
	}
	if (*place == '/') {
		w->dentry = w->root;
		w->mnt = w->root_mnt;
	}
	return 0;
}

#endif
