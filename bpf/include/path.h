/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Absolute paths, walked from a dentry and its mount up to the root of the mount namespace as fs/d_path.c does. The walk
 * holds no lock: a concurrent rename can mix names, which is why events also carry device and inode.
 */
#ifndef VEDETTE_PATH_H
#define VEDETTE_PATH_H

#include "scratch.h"

#define PATH_COMPONENTS_PLAIN 128
#define PATH_COMPONENTS_LOOP 2048 /* PATH_MAX holds no more */

struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	struct scratch *scratch;
	__u32 offset; /* of the first byte written so far in scratch->path */
	__u32 done;
	__u32 disconnected;
};

enum walk_result {
	/* The path was longer or deeper than we walk; its last components are there. */
	WALK_INCOMPLETE = 1,
	/* The object hangs in no tree of a mount namespace. */
	WALK_DISCONNECTED = 2,
};

/* One step towards the root; returns 1 to stop. */
static long path_step(__u32 index, void *data)
{
	struct path_walk *w = data;
	struct dentry *dentry = w->dentry, *parent;
	struct scratch *s = w->scratch;
	struct vfsmount *mnt;
	struct qstr name;
	__u32 length, offset = w->offset;

	(void)index;
	if (!s)
		return 1;
	if (dentry == w->mnt_root) {
		struct mount *m = (void *)w->mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = BPF_CORE_READ(m, mnt_parent);

		if (up == m || !up) {
			/* An internal or detached mount belongs to no namespace. */
			if (!BPF_CORE_READ(m, mnt_ns))
				w->disconnected = 1;
			w->done = 1;
			return 1;
		}
		mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt = mnt;
		w->mnt_root = BPF_CORE_READ(mnt, mnt_root);
		return 0;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	length = name.len & 0xff;
	if (length + 1 > offset)
		return 1;
	offset -= length;
	/* The mask bounds the offset for the verifier; the name area behind TEXT_MAX takes what starts at its last byte. */
	bpf_probe_read_kernel(&s->path[offset & (TEXT_MAX - 1)], length, name.name);
	if (parent == dentry) {
		/* A tree of its own, such as memfd: its name is all there is. */
		w->offset = offset;
		w->disconnected = 1;
		w->done = 1;
		return 1;
	}
	offset -= 1;
	s->path[offset & (TEXT_MAX - 1)] = '/';
	w->offset = offset;
	w->dentry = parent;
	return 0;
}

/* Writes the path of (mnt, dentry) to scratch->text at the given offset, and bits of walk_result; returns its length, 0 to 4095. */
static __attribute__((noinline)) __u32 path_append(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry, __u32 at, __u32 *result)
{
	struct path_walk w = {
		.dentry = dentry,
		.mnt = mnt,
		.scratch = s,
		.offset = TEXT_MAX - 1,
	};
	__u32 length;

	if (!s || !result)
		return 0;
	w.mnt_root = BPF_CORE_READ(mnt, mnt_root);
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop)) {
		bpf_loop(PATH_COMPONENTS_LOOP, path_step, &w, 0);
	} else {
		for (int i = 0; i < PATH_COMPONENTS_PLAIN; i++)
			if (path_step(i, &w))
				break;
	}
	*result = 0;
	if (!w.done)
		*result |= WALK_INCOMPLETE;
	if (w.disconnected)
		*result |= WALK_DISCONNECTED;
	if (w.offset == TEXT_MAX - 1 && !w.disconnected) {
		w.offset = TEXT_MAX - 2;
		s->path[TEXT_MAX - 2] = '/';
	}
	length = TEXT_MAX - 1 - w.offset;
	if (at >= TEXT_LIMIT)
		return 0;
	length &= TEXT_MAX - 1;
	bpf_probe_read_kernel(&s->text[at], length, &s->path[w.offset & (TEXT_MAX - 1)]);
	return length;
}

#endif
