/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Absolute paths, walked from a dentry and its mount up to the root of the mount namespace as fs/d_path.c does. The walk
 * holds no lock: a concurrent rename can mix names, which is why events also carry device and inode.
 */
#ifndef VEDETTE_PATH_H
#define VEDETTE_PATH_H

#include "scratch.h"

#define PATH_STEPS 16
#define PATH_ROUNDS 128 /* times PATH_STEPS: PATH_MAX holds no more components */

enum walk_result {
	WALK_DONE = 1,
	/* The object hangs in no tree of a mount namespace. */
	WALK_DISCONNECTED = 2,
	/* The path was longer or deeper than we walk; its last components are there. */
	WALK_INCOMPLETE = 4,
};

/* One step towards the root. */
ALWAYS_INLINE void path_step(struct scratch *s, struct path_walk *w)
{
	struct dentry *dentry = w->dentry, *parent;
	__u32 length, offset = w->offset;
	struct vfsmount *mnt = w->mnt;
	const unsigned char *name;

	if (dentry == w->mnt_root) {
		struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = FIELD(mount, m, mnt_parent);

		if (up == m || !up) {
			/* An internal or detached mount belongs to no namespace. */
			w->result = BPF_CORE_READ(m, mnt_ns) ? WALK_DONE : WALK_DONE | WALK_DISCONNECTED;
			return;
		}
		mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
		w->dentry = FIELD(mount, m, mnt_mountpoint);
		w->mnt = mnt;
		w->mnt_root = FIELD(vfsmount, mnt, mnt_root);
		return;
	}
	parent = FIELD(dentry, dentry, d_parent);
	name = FIELD(dentry, dentry, d_name.name);
	length = FIELD(dentry, dentry, d_name.len) & 0xff;
	if (length + 1 > offset) {
		w->result = WALK_INCOMPLETE;
		return;
	}
	offset -= length;
	/* The mask bounds the offset for the verifier; the name area behind TEXT_MAX takes what starts at its last byte. */
	bpf_probe_read_kernel(&s->path[offset & (TEXT_MAX - 1)], length, name);
	if (parent == dentry) {
		/* A tree of its own, such as memfd: its name is all there is. */
		w->offset = offset;
		w->result = WALK_DONE | WALK_DISCONNECTED;
		return;
	}
	offset -= 1;
	s->path[offset & (TEXT_MAX - 1)] = '/';
	w->offset = offset;
	w->dentry = parent;
}

/* Goes on with the walk of a slot; returns its result, 0 while it is under way. */
ROUND __u32 path_round(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);

	if (!s)
		return WALK_INCOMPLETE;
	for (int i = 0; i < PATH_STEPS && !s->walk.result; i++)
		path_step(s, &s->walk);
	return s->walk.result;
}

/*
 * Writes the path of s->walk.mnt and s->walk.dentry to s->text at the given offset and bits of walk_result to s->walk.result;
 * returns its length, 0 to 4095.
 */
ROUND __u32 path_text(__u32 slot, __u32 to)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u32 length, offset, result = 0;
	struct vfsmount *mnt;
	__u64 at = to;

	if (!s)
		return 0;
	mnt = s->walk.mnt;
	s->walk.mnt_root = BPF_CORE_READ(mnt, mnt_root);
	s->walk.offset = TEXT_MAX - 1;
	s->walk.result = 0;
	for (int i = 0; i < PATH_ROUNDS && !result; i++)
		result = path_round(slot);
	if (!result)
		result = WALK_INCOMPLETE;
	s->walk.result = result;
	offset = s->walk.offset;
	if (offset == TEXT_MAX - 1 && result == WALK_DONE) {
		offset = TEXT_MAX - 2;
		s->path[TEXT_MAX - 2] = '/';
	}
	length = TEXT_MAX - 1 - offset;
	OPAQUE(at);
	if (at >= TEXT_LIMIT)
		return 0;
	length &= TEXT_MAX - 1;
	bpf_probe_read_kernel(&s->text[at], length, &s->path[offset & (TEXT_MAX - 1)]);
	if (result & WALK_INCOMPLETE)
		s->flags |= FLAG_PATH_UNRESOLVED;
	return length;
}

/* The same of a given mount and entry. */
ALWAYS_INLINE __u32 append_path(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry, __u32 at)
{
	if (!mnt || !dentry)
		return 0;
	s->walk.mnt = mnt;
	s->walk.dentry = dentry;
	return path_text(s->slot, at);
}

#endif
