/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Single steps along the kernel's cache of names: down to a child, onto a mount, up. See lookup.h. */
#ifndef VEDETTE_LOOKUP_STEP_H
#define VEDETTE_LOOKUP_STEP_H

#include "call.h"
#include "file.h"
#include "pid.h"

/* Where the cache's table lies; user space finds out from entries that are in it (bpf/namecache). 0 leaves every name unknown. */
const volatile __u64 dentry_table = 0;
const volatile __u32 dentry_shift = 0;

enum lookup_flag {
	LOOKUP_FOLLOW = 1, /* a symbolic link at the end is followed */
	LOOKUP_EMPTY = 2,  /* an empty name means the directory itself, or its descriptor's file */
	LOOKUP_KERNEL = 4, /* the name lies in the memory of the kernel */
};

enum lookup_result {
	LOOKUP_FOUND = 1,
	/* The directory is known, and the last component is not in it, or not in the cache. */
	LOOKUP_ABSENT = 2,
	LOOKUP_UNKNOWN = 4,
	/* As absent, and the cache says that there was nothing when somebody last looked. */
	LOOKUP_NEGATIVE = 8,
	/* Of one component: the walk is at its entry by now, on which something may be mounted. */
	LOOKUP_ENTERED = 16,
};

#define NAME_START TEXT_MAX /* room for the texts of links before it */
#define NAME_END (2 * TEXT_MAX)
#define MOST_LINKS 40 /* MAXSYMLINKS */

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL
#define GOLDEN_RATIO_64 0x61C8864680B583EBULL

/*
 * A place in the name. Its mask changes nothing of an offset below NAME_END, and bounds for the verifier the value that is used:
 * the pointer keeps the bound wherever the compiler puts it, which a number does not before 5.12.
 */
ALWAYS_INLINE __u8 *name_at(struct scratch *s, __u64 at)
{
	__u8 *place = s->name;

	OPAQUE(at);
	at &= NAME_END - 1;
	place += at;
	OPAQUE(place);
	return place;
}

ALWAYS_INLINE __u64 rotate_left(__u64 x, int n)
{
	return (x << n) | (x >> (64 - n));
}

/*
 * Length (high half) and hash (low half) of the component at w->at within a directory: hash_name of fs/namei.c for machines
 * that read words at any address. The address of the directory salts it.
 */
ROUND __u64 lookup_hash(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 x = 0, y, a, b, zero, mask, length = 0;
	__u8 *word;

	if (!s || s->name_walk.at >= NAME_END)
		return 0;
	word = name_at(s, s->name_walk.at);
	y = (__u64)s->name_walk.dentry;
	for (int i = 0; i < 33; i++) {
		a = *(__u64 *)word;
		b = a ^ (ONES * '/');
		zero = (((a - ONES) & ~a) | ((b - ONES) & ~b)) & HIGHS;
		if (zero) {
			/* The bytes before the first that ends the component. */
			mask = ((zero - 1) & ~zero) >> 7;
			x ^= a & mask;
			length += (mask * 0x0001020304050608ULL) >> 56;
			y ^= x * GOLDEN_RATIO_64;
			y *= GOLDEN_RATIO_64;
			return length << 32 | y >> 32;
		}
		x ^= a;
		y ^= x;
		x = rotate_left(x, 12);
		x += y;
		y = rotate_left(y, 45);
		y *= 9;
		word += 8;
		length += 8;
	}
	return 0;
}

#define CHAIN_STEPS 48

/* Leaves the entry of a component within w->dentry in w->child, NULL when the cache has none. */
ROUND __u32 lookup_child(__u32 slot, __u64 hash_length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct hlist_bl_node *node = NULL;
	struct dentry *directory;

	if (!s)
		return 0;
	s->name_walk.child = NULL;
	if (!dentry_table)
		return 0;
	directory = s->name_walk.dentry;
	bpf_probe_read_kernel(&node, sizeof(node), (void *)(dentry_table + 8 * ((__u32)hash_length >> dentry_shift)));
	/* The lowest bit of the head is its lock. */
	node = (void *)((__u64)node & ~1ULL);
	for (int i = 0; i < CHAIN_STEPS && node; i++) {
		struct dentry *dentry = (void *)node - bpf_core_field_offset(struct dentry, d_hash);

		if (FIELD(dentry, dentry, d_parent) == directory &&
		    ((__u64)FIELD(dentry, dentry, d_name.len) << 32 | FIELD(dentry, dentry, d_name.hash)) == hash_length) {
			s->name_walk.child = dentry;
			return 0;
		}
		node = FIELD(hlist_bl_node, node, next);
	}
	return 0;
}

#define STACKED_MOUNTS 16
#define MOUNT_STEPS 32
#define MOUNT_ROUNDS 32 /* times MOUNT_STEPS: mounts on one mount that are looked through */

/* Looks through a piece of the mounts on w->mnt for the one at w->dentry; returns it, or the place to go on at with bit 0 set. */
ROUND __u64 lookup_mount_round(__u32 slot, __u64 from)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct list_head *head, *one = (void *)from;
	struct mount *parent;

	if (!s)
		return 0;
	parent = (void *)s->name_walk.mnt - bpf_core_field_offset(struct mount, mnt);
	head = (void *)parent + bpf_core_field_offset(struct mount, mnt_mounts);
	if (!one)
		one = BPF_CORE_READ(head, next);
	for (int i = 0; i < MOUNT_STEPS; i++) {
		struct mount *m = (void *)one - bpf_core_field_offset(struct mount, mnt_child);

		if (!one || one == head)
			return 0;
		if (BPF_CORE_READ(m, mnt_mountpoint) == s->name_walk.dentry)
			return (__u64)m;
		one = BPF_CORE_READ(one, next);
	}
	return (__u64)one | 1;
}

ALWAYS_INLINE bool is_mountpoint(struct dentry *dentry)
{
	__u32 flag = DCACHE_MOUNTED_BEFORE_ENUM;

	if (bpf_core_enum_value_exists(enum dentry_flags, DCACHE_MOUNTED))
		flag = bpf_core_enum_value(enum dentry_flags, DCACHE_MOUNTED);
	return FIELD(dentry, dentry, d_flags) & flag;
}

/* The mount on w->dentry as seen from w->mnt: its address, 0 for none, 1 when there are too many to look through. */
ROUND __u64 lookup_mount(__u32 slot)
{
	__u64 found = 1;

	for (int i = 0; i < MOUNT_ROUNDS && (found & 1); i++)
		found = lookup_mount_round(slot, found & ~1ULL);
	return found & 1 ? 1 : found;
}

/* Goes from w->dentry down to what is mounted on it. The flag says only that something is, in some mount namespace. */
ROUND __u32 lookup_mounted(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct name_walk *w;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	for (int depth = 0; depth < STACKED_MOUNTS; depth++) {
		struct vfsmount *mnt;
		struct mount *m;
		__u64 found;

		if (!is_mountpoint(w->dentry))
			return 0;
		found = lookup_mount(slot);
		if (!found)
			return 0;
		if (found == 1)
			break;
		m = (void *)found;
		mnt = (void *)m + bpf_core_field_offset(struct mount, mnt);
		w->mnt = mnt;
		w->dentry = FIELD(vfsmount, mnt, mnt_root);
	}
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

/* ".." */
ROUND __u32 lookup_up(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct name_walk *w;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	for (int i = 0; i < 8; i++) {
		struct dentry *dentry = w->dentry;
		struct vfsmount *mnt = w->mnt;
		struct mount *m, *up;

		if (dentry == w->root && mnt == w->root_mnt)
			return 0;
		if (dentry != BPF_CORE_READ(mnt, mnt_root)) {
			w->dentry = BPF_CORE_READ(dentry, d_parent);
			return 0;
		}
		m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		up = BPF_CORE_READ(m, mnt_parent);
		if (up == m || !up)
			return 0;
		w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
	}
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

ALWAYS_INLINE void lookup_jump(struct name_walk *w, struct path *path)
{
	w->dentry = BPF_CORE_READ(path, dentry);
	w->mnt = BPF_CORE_READ(path, mnt);
	if (!w->dentry || !w->mnt)
		w->result = LOOKUP_UNKNOWN;
}

#endif
