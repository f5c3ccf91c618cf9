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

/* Where the walk of a path has come to (path.h). */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *mnt_root;
	__u32 offset; /* of the first byte written so far in scratch->path */
	__u32 result;
};

struct scratch {
	__u64 owner;
	__u32 slot; /* the key of this slot */
	__u32 reserved;
	struct path_walk walk;
	struct file *script;
	/*
	 * Built from the end backwards. A name may be 255 bytes long and lands at an offset masked to TEXT_MAX. The 8 bytes
	 * before it: kernels 5.8 to 6.1 may write one byte ahead of a destination that faults at once.
	 */
	__u8 guard[8];
	__u8 path[TEXT_MAX + 256];
	__u8 guard2[8];
	struct exec_record record;
	__u8 text[TEXT_LIMIT + TEXT_MAX];
};

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
		return s;
	}
	return NULL;
}

ALWAYS_INLINE void scratch_release(struct scratch *s)
{
	s->owner = 0;
}

#endif
