/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What is told of memory and of other processes, shared with Go (bpf/memory/record.go). */
#ifndef VEDETTE_MEMORY_RECORD_H
#define VEDETTE_MEMORY_RECORD_H

#include "emit.h"
#include "pid.h"

enum memory_operation {
	MEMORY_MAP = 1,
	MEMORY_PROTECT = 2,
	MEMORY_TRACE = 3,
	MEMORY_READ = 4,
	MEMORY_WRITE = 5,
	MEMORY_PROCFS = 6,
	MEMORY_HANDLE = 7,
	MEMORY_SIGNAL = 8,
};

struct memory_record {
	struct record_header header;
	struct process_key target; /* of trace, read, write, procfs, handle, signal; nothing when it is not known */
	struct file_identity file; /* what is mapped; mode 0 when nothing is, or it is not known */
	__u64 address;             /* of map, protect, trace, read, write, procfs */
	__u64 length;              /* of map, protect, read, write, procfs; the data of trace */
	__u32 operation;
	__u32 number; /* map and protect: PROT_*. trace: the request. handle: the descriptor. signal: its number. */
	__u32 old_protection;
	__u32 flags; /* map: MAP_* */
	__s32 error;
	__s32 code;      /* signal: si_code */
	__u16 delivered; /* signal */
	__u16 path_length;
	__u32 reserved;
};

RING(ring_memory);

/* Begins a record of which nothing is known but who acts; NULL when it is lost. */
ALWAYS_INLINE struct scratch *begin_memory(enum memory_operation operation)
{
	struct scratch *s = begin_record(CLASS_MEMORY);
	struct memory_record *r;

	if (!s)
		return NULL;
	r = RECORD(s, memory_record);
	begin_header(s, &r->header, RECORD_MEMORY);
	__builtin_memset((void *)r + sizeof(r->header), 0, sizeof(*r) - sizeof(r->header));
	r->operation = operation;
	return s;
}

#define SUBMIT_MEMORY(s) SUBMIT_RECORD(ring_memory, CLASS_MEMORY, s, memory_record)

/* Tells of a write to /proc/PID/mem: who else watches writes calls it, with what the inode is about (pid_of_procfs). */
ALWAYS_INLINE void tell_procfs_memory(struct pid *pid, __u64 address, __u64 length, __s32 error)
{
	struct scratch *s = begin_memory(MEMORY_PROCFS);
	struct memory_record *r;

	if (!s)
		return;
	r = RECORD(s, memory_record);
	read_key(&r->target, task_of_pid(pid));
	r->address = address;
	r->length = length;
	r->error = error;
	SUBMIT_MEMORY(s);
}

#endif
