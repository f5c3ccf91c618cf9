/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Memory made executable: mmap and mprotect. Reported is what is writable at the same time, what was writable before, what comes
 * from no file, and what comes from a file without a name. Programs that translate code do it all the time, so there is a budget.
 */
#ifndef VEDETTE_MAP_H
#define VEDETTE_MAP_H

#include "../include/memory_record.h"
#include "../include/throttle.h"
#include "area.h"

/* Events of this kind that a process has in a second. */
#define MAPS_PER_SECOND 64

#define MAX_ERRNO 4095

/* Areas looked at of one mprotect; a call over more is reported for what could not be looked at. */
#define PROTECT_AREAS 8

ALWAYS_INLINE bool is_error(long ret)
{
	return (unsigned long)ret > (unsigned long)-MAX_ERRNO - 1;
}

/* Whether a call for this protection gives executable memory: with a personality of old programs everything readable is. */
ALWAYS_INLINE bool wants_exec(__u64 protection)
{
	if (protection & VM_EXEC)
		return true;
	return (protection & VM_READ) && (BPF_CORE_READ(current_task(), personality) & READ_IMPLIES_EXEC);
}

ALWAYS_INLINE void tell_region(enum memory_operation operation, struct area *a, __u64 address, __u64 length, __u32 protection,
			       __u32 old, __u32 flags)
{
	struct memory_record *r;
	struct scratch *s;

	if (over_budget(&ring_memory, CLASS_MEMORY, MAPS_PER_SECOND))
		return;
	s = begin_memory(operation);
	if (!s)
		return;
	r = RECORD(s, memory_record);
	r->address = address;
	r->length = length;
	r->number = protection & (VM_READ | VM_WRITE | VM_EXEC);
	if (a->known && (a->protection & VM_EXEC))
		r->number = a->protection;
	else if (a->known)
		s->flags |= FLAG_CHANGED_DURING_CALL;
	r->old_protection = old;
	r->flags = flags;
	if (a->file)
		r->path_length = append_file(s, &r->file, a->file);
	SUBMIT_MEMORY(s);
}

/* The arguments of mmap by the oldest entry, which lie in memory (struct mmap_arg_struct32). */
struct old_mmap {
	__u32 address, length, protection, flags, descriptor, offset;
};

#define SHMAT 21 /* of ipc(2): include/uapi/linux/ipc.h */

/* Shared memory of System V: the protection is what was got, for the segment may allow less than was asked. */
ALWAYS_INLINE void attach_exit(struct call_arguments *a, __u64 address)
{
	struct area area;

	if (a->call == CALL_IPC) {
		__u32 narrow = 0;

		if ((a->a0 & 0xffff) != SHMAT)
			return;
		bpf_probe_read_user(&narrow, sizeof(narrow), (void *)a->a3);
		address = narrow;
	}
	read_area(&area, address);
	if (area.known && (area.protection & VM_EXEC))
		tell_region(MEMORY_MAP, &area, address, area.end - address, area.protection, 0, a->a2);
}

ALWAYS_INLINE void map_exit(struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	__u64 length, protection, flags;
	struct area area;

	if (is_error(ret))
		return;
	read_call(&a, regs);
	if (a.call == CALL_SHMAT || a.call == CALL_IPC) {
		attach_exit(&a, ret);
		return;
	}
	length = a.a1;
	protection = a.a2;
	flags = a.a3;
	if (a.call == CALL_MMAP_OLD) {
		struct old_mmap m = {};

		bpf_probe_read_user(&m, sizeof(m), (void *)a.a0);
		length = m.length;
		flags = m.flags;
		protection = m.protection;
		/* Another thread may have changed them since: what counts is what is mapped. */
		read_area(&area, ret);
		if (area.known)
			protection = area.protection;
		if (!(protection & VM_EXEC))
			return;
	} else {
		if (!wants_exec(protection))
			return;
		read_area(&area, ret);
		/* The personality does not hold for files of a mount without exec. */
		if (!(protection & VM_EXEC) && !(area.protection & VM_EXEC))
			return;
	}
	if (area.known && area.file && !area.unnamed && !((protection | area.protection) & VM_WRITE))
		return;
	tell_region(MEMORY_MAP, &area, ret, length, protection, 0, flags);
}

/* What mprotect found, from its entry to its exit. */
struct protect {
	__u64 address; /* in the first area that matters */
	__u32 old;
	__u32 known;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct protect);
} protects SEC(".maps");

/* Whether it matters that an area becomes executable with this protection. */
ALWAYS_INLINE bool matters(struct area *a, __u64 protection)
{
	bool gains_write = (protection & VM_WRITE) && !(a->protection & VM_WRITE);

	if (a->protection & VM_EXEC)
		return gains_write;
	return !a->file || a->unnamed || a->dirty || ((protection | a->protection) & VM_WRITE);
}

ALWAYS_INLINE void protect_enter(struct pt_regs *regs)
{
	__u64 thread = bpf_get_current_pid_tgid(), at, end;
	struct protect p = {};
	struct call_arguments a;
	struct area area;
	bool found = false;

	read_call(&a, regs);
	if (!wants_exec(a.a2))
		return;
	at = a.a0;
	end = a.a0 + a.a1;
	for (int i = 0; i < PROTECT_AREAS && at < end; i++) {
		read_area(&area, at);
		/* The kernel stops at a hole too. */
		if (!area.known)
			break;
		if (matters(&area, a.a2)) {
			found = true;
			break;
		}
		at = area.end;
	}
	if (at >= end)
		return;
	p.address = at;
	if (found) {
		p.old = area.protection;
		p.known = 1;
	}
	if (bpf_map_update_elem(&protects, &thread, &p, BPF_ANY)) {
		struct cpu_counters *c = counters_of(CLASS_MEMORY, bpf_get_smp_processor_id());

		if (c) {
			count_made(c);
			COUNT(c->lost_map_full);
		}
	}
}

ALWAYS_INLINE void protect_exit(struct pt_regs *regs, long ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call_arguments a;
	struct protect *found, p;
	struct area area;

	found = bpf_map_lookup_elem(&protects, &thread);
	if (!found)
		return;
	p = *found;
	bpf_map_delete_elem(&protects, &thread);
	read_call(&a, regs);
	read_area(&area, p.address);
	/* A call over a hole fails at the hole, and has changed what lies before it. */
	if (is_error(ret) && !(p.known && area.known && (area.protection & VM_EXEC) && area.protection != p.old))
		return;
	tell_region(MEMORY_PROTECT, &area, a.a0, a.a1, a.a2, p.old, 0);
}

#endif
