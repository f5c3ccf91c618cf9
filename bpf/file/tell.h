/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* How the programs of the file sensor begin and send their record. */
#ifndef VEDETTE_TELL_H
#define VEDETTE_TELL_H

#include "../include/call.h"
#include "../include/emit.h"
#include "../include/file_record.h"
#include "../include/throttle.h"

RING(ring_file);

/* How many changes of files a process may make in a second before they are only counted. */
const volatile __u64 file_budget = 1000;

/* Whether the process has had its share of this second. A function of its own, for the verifier: many ask. */
ROUND __u32 withheld(void)
{
	return over_budget(&ring_file, CLASS_FILE, file_budget);
}

/*
 * What matters whatever else the process does (a mode with setuid, a file whose very reading matters) is told up to so many times a
 * second of each object: acts on others do not use that up.
 */
#define MATTERS_PER_SECOND 100

ROUND __u32 withheld_though_it_matters(__u64 inode)
{
	return over_budget_of(&ring_file, CLASS_FILE, inode + 1, MATTERS_PER_SECOND);
}

ALWAYS_INLINE void begin_fields(struct scratch *s, __u32 operation, __u32 call)
{
	struct file_record *r = RECORD(s, file_record);

	__builtin_memset(&r->file, 0, sizeof(*r) - offsetof(struct file_record, file));
	begin_header(s, &r->header, RECORD_FILE);
	r->operation = operation;
	r->call = call;
	r->source = PATH_KERNEL;
	r->second_source = PATH_KERNEL;
}

/*
 * Numbers the event and gives a slot whose record says nothing yet but who acts and how: the current task, or who is given where
 * another finishes what he began.
 */
static __attribute__((noinline)) struct scratch *begin_file(__u32 operation, __u32 call, const struct actor *actor)
{
	struct scratch *s = begin_record(CLASS_FILE);

	if (!s)
		return NULL;
	begin_fields(s, operation, call);
	if (actor)
		RECORD(s, file_record)->header.actor = *actor;
	return s;
}

ALWAYS_INLINE void submit_file(struct scratch *s)
{
	SUBMIT_RECORD(ring_file, CLASS_FILE, s, file_record);
}

/*
 * The same of what only passed the sieve of reads: it has no number, for whether it is an event is decided by its path, in user
 * space, which then numbers it. What is lost of these counts as made and lost.
 */
ALWAYS_INLINE struct scratch *begin_candidate(__u32 operation, __u32 call)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counters *c = counters_of(CLASS_FILE, cpu);
	struct scratch *s = scratch_claim(cpu);

	if (!s) {
		if (c) {
			count_made(c);
			COUNT(c->lost_scratch);
		}
		return NULL;
	}
	s->sequence = 0;
	s->cpu = cpu;
	begin_fields(s, operation, call);
	return s;
}

ALWAYS_INLINE void submit_candidate(struct scratch *s)
{
	struct cpu_counters *c = counters_of(CLASS_FILE, s->cpu);
	struct file_record *r = RECORD(s, file_record);
	__u64 at = s->at;

	r->header.flags = s->flags;
	if (c && at <= TEXT_LIMIT + TEXT_MAX) {
		if (bpf_ringbuf_output(&ring_file, r, sizeof(*r) + at, BPF_RB_NO_WAKEUP)) {
			count_made(c);
			COUNT(c->lost_ring_full);
		}
		wake_reader(&ring_file, false);
	}
	scratch_release(s);
}

ALWAYS_INLINE bool is_kind(__u32 mode, __u32 kind)
{
	return (mode & S_IFMT) == kind;
}

#endif
