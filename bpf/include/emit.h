/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * How a program tells of an event: it counts, claims, fills, submits. begin_record numbers the event and gives a slot, the program
 * fills RECORD(s, type) and appends texts, SUBMIT_RECORD sends both. Whatever fails in between is counted as lost.
 */
#ifndef VEDETTE_EMIT_H
#define VEDETTE_EMIT_H

#include "file.h"
#include "ring.h"
#include "task.h"

/* Numbers an event and claims a slot for its record; NULL, and the event is counted as lost, when none is free. */
ALWAYS_INLINE struct scratch *begin_record(enum event_class class)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counters *c = counters_of(class, cpu);
	struct scratch *s;
	__u64 sequence;

	if (!c)
		return NULL;
	sequence = count_made(c);
	s = scratch_claim(cpu);
	if (!s) {
		COUNT(c->lost_scratch);
		return NULL;
	}
	s->sequence = sequence;
	s->cpu = cpu;
	return s;
}

/* The header of the record in a slot, about the acting task. */
ALWAYS_INLINE void begin_header(struct scratch *s, struct record_header *h, __u16 kind)
{
	h->sequence = s->sequence;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->cpu = s->cpu;
	h->kind = kind;
	h->flags = 0;
	fill_current_actor(&h->actor);
}

/* Counts what is missing of a record that is about to go. */
ALWAYS_INLINE void count_parts(struct cpu_counters *c, struct scratch *s)
{
	if (s->flags & FLAG_PATH_UNRESOLVED)
		COUNT(c->cut_path);
	if (s->flags & FLAG_READ_FAULT)
		COUNT(c->read_fault);
	if (s->flags & FLAG_ARGUMENTS_TRUNCATED)
		COUNT(c->cut_arguments);
}

/* Sends the record of a slot with the texts before s->at, and frees the slot. */
#define SUBMIT_RECORD(ring, class, s, type)                                                     \
	do {                                                                                    \
		struct cpu_counters *c_ = counters_of(class, (s)->cpu);                         \
		struct type *r_ = RECORD(s, type);                                              \
		__u64 at_ = (s)->at;                                                            \
		r_->header.flags = (s)->flags;                                                  \
		/* Every text was bounded when it was appended; the verifier does not know. */  \
		if (c_ && at_ <= TEXT_LIMIT + TEXT_MAX) {                                       \
			count_parts(c_, s);                                                     \
			if (bpf_ringbuf_output(&ring, r_, sizeof(*r_) + at_, BPF_RB_NO_WAKEUP)) \
				COUNT(c_->lost_ring_full);                                      \
			wake_reader(&ring, (class) == CLASS_KERNEL);                            \
		}                                                                               \
		scratch_release(s);                                                             \
	} while (0)

/* Appends a string of the kernel (or of user memory) without its NUL; what is longer than 4095 bytes is cut and flagged. */
ALWAYS_INLINE __u16 append_text(struct scratch *s, const void *text, bool user)
{
	__u64 at = s->at;
	long n;

	OPAQUE(at);
	if (at >= TEXT_LIMIT)
		return 0;
	if (user)
		n = bpf_probe_read_user_str(&s->text[at], TEXT_MAX, text);
	else
		n = bpf_probe_read_kernel_str(&s->text[at], TEXT_MAX, text);
	if (n < 0) {
		s->flags |= FLAG_READ_FAULT;
		return 0;
	}
	if (n <= 1)
		return 0;
	if (n == TEXT_MAX)
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
	n = (n - 1) & (TEXT_MAX - 1);
	s->at = at + n;
	return n;
}

/* Appends size bytes of user memory or the kernel's, at most 4095. */
ALWAYS_INLINE __u16 append_memory(struct scratch *s, const void *bytes, __u64 size, bool user)
{
	__u64 at = s->at;
	long fault;

	OPAQUE(at);
	if (at >= TEXT_LIMIT || !size)
		return 0;
	if (size >= TEXT_MAX) {
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
		size = TEXT_MAX - 1;
	}
	OPAQUE(size);
	size &= TEXT_MAX - 1;
	if (user)
		fault = bpf_probe_read_user(&s->text[at], size, bytes);
	else
		fault = bpf_probe_read_kernel(&s->text[at], size, bytes);
	if (fault) {
		s->flags |= FLAG_READ_FAULT;
		return 0;
	}
	s->at = at + size;
	return size;
}

ALWAYS_INLINE __u16 append_bytes(struct scratch *s, const void *bytes, __u64 size)
{
	return append_memory(s, bytes, size, true);
}

ALWAYS_INLINE __u16 append_kernel_bytes(struct scratch *s, const void *bytes, __u64 size)
{
	return append_memory(s, bytes, size, false);
}

#endif
