/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Scratch memory too large for the stack. Programs only disable migration: another program may preempt ours on the same
 * CPU in the middle of a record. So each CPU has several slots, and a slot belongs to who claimed it until he releases it.
 */
#ifndef VEDETTE_SCRATCH_H
#define VEDETTE_SCRATCH_H

#include "core.h"
#include "record.h"

#define SCRATCH_SLOTS 3

/*
 * A long loop is cut into rounds, each a function that does a few steps. The verifier walks a global function once, whoever
 * calls it, so that a loop of thousands of steps costs it a few, without bpf_loop (5.17). The parameters are numbers because
 * old kernels know no others; what a round works on lies in the slot whose key it is given.
 */
#define ROUND __attribute__((noinline))

/* Texts are at most 4095 bytes, so an offset below TEXT_LIMIT leaves room for one more. */
#define TEXT_MAX 4096
#define TEXT_LIMIT 32768

/* No record's fixed part is larger. */
#define RECORD_ROOM 1024

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif

/*
 * Where the walk of a path has come to (path.h). These structs are ours, not the kernel's: a field of them must be copied to a
 * variable before BPF_CORE_READ goes through it, or it would look for them in the kernel's types.
 */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	__u32 offset; /* of the first byte written so far in scratch->path */
	__u32 result;
};

/* Where the walk along a name has come to (lookup.h). */
struct name_walk {
	struct dentry *root;
	struct vfsmount *root_mnt;
	struct dentry *dentry;
	struct vfsmount *mnt;
	/* What lookup_child has found. */
	struct dentry *child;
	/* The directory that holds the last component, when that is not "..". */
	struct dentry *parent;
	struct vfsmount *parent_mnt;
	__u32 at;   /* in scratch->name, of what is left */
	__u32 last; /* of the last component */
	__u32 last_length;
	__u32 links;  /* symbolic links followed */
	__u32 flags;  /* enum lookup_flag */
	__u32 result; /* enum lookup_result */
	__u64 hash;   /* of the string as the caller gave it */
	__u32 length;
	__u32 reserved;
};

/* What a name led to when a call began, to be compared with where it leads when the call has ended. */
struct name_before {
	__u64 hash; /* of the string; 0 when nothing is known */
	struct dentry *parent;
	__u32 result; /* enum lookup_result */
	__u32 truth;  /* of the file sensor: the kernel has told, and where that is kept; 0 when it has not */
};

struct scratch {
	__u64 owner;
	__u32 slot; /* the key of this slot */
	/* Of the record under way: bits of record_flag, and its number. */
	__u32 flags;
	__u64 sequence;
	__u32 cpu;
	__u32 at; /* in text, of what is free */
	struct path_walk walk;
	/* What object_text tells of. */
	struct {
		struct inode *inode;
		struct vfsmount *mnt;
		struct dentry *dentry;
	} object;
	/* What it tells. */
	struct file_identity identity;
	struct file *script;
	/*
	 * Built from the end backwards. A name may be 255 bytes long and lands at an offset masked to TEXT_MAX. The 8 bytes
	 * before it: kernels 5.8 to 6.1 may write one byte ahead of a destination that faults at once.
	 */
	__u8 guard[8];
	__u8 path[TEXT_MAX + 256];
	__u8 guard2[8];
	/* The fixed part of the record lies at the end of the room, so that its texts follow it: see RECORD. */
	__u8 room[RECORD_ROOM];
	__u8 text[TEXT_LIMIT + TEXT_MAX];
	/* The name that a call was given, what it was at the call's entry, and the walk along it (lookup.h). */
	struct name_before before;
	__u32 lookup_result; /* of the name that was appended last */
	__u32 unused;
	struct name_walk name_walk;
	__u8 name[3 * TEXT_MAX];
};

/* The record of a kind in a slot. All sensors share the slots, and their records differ in size. */
#define RECORD(s, type) ((struct type *)((void *)(s) + offsetof(struct scratch, text) - sizeof(struct type)))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set to CPUs times SCRATCH_SLOTS before loading */
	__type(key, __u32);
	__type(value, struct scratch);
} scratch_slots SEC(".maps");

/* Returns a slot that nobody else uses, or NULL when all of this CPU are taken. */
ALWAYS_INLINE struct scratch *scratch_claim(__u32 cpu)
{
	for (int i = 0; i < SCRATCH_SLOTS; i++) {
		__u32 key = cpu * SCRATCH_SLOTS + i;
		struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &key);

		if (!s)
			return NULL;
		if (have_atomics()) {
			if (__sync_val_compare_and_swap(&s->owner, 0, 1) != 0)
				continue;
		} else {
			if (s->owner != 0)
				continue;
			s->owner = 1;
		}
		s->slot = key;
		s->flags = 0;
		s->at = 0;
		return s;
	}
	return NULL;
}

ALWAYS_INLINE void scratch_release(struct scratch *s)
{
	s->owner = 0;
}

#endif
