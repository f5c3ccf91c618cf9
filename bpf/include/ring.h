/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The ring buffer of a sensor, and how its reader is woken. */
#ifndef VEDETTE_RING_H
#define VEDETTE_RING_H

#include "core.h"

const volatile __u64 ring_bytes = 4096;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096); /* set before loading */
} events SEC(".maps");

// User space sets the word before it sleeps; mapped, because a system call would cost what it saves.
struct reader_state {
	__u64 sleeps;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reader_state);
} reader_states SEC(".maps");

/*
 * Wakes the reader when it says that it sleeps, after a record was submitted without a wake-up. Fork and exit wait for the
 * exec that mostly comes with them, or for the reader's own clock; only a ring that fills without one, as by a fork bomb,
 * is worth a wake-up that costs more than all else.
 *
 * The flag is read after the submission (a full barrier in the kernel) and the reader looks at the ring after setting it, so
 * one of both sees the other.
 */
ALWAYS_INLINE void wake_reader(bool urgent)
{
	__u32 key = 0;
	struct reader_state *reader = bpf_map_lookup_elem(&reader_states, &key);
	void *none;

	if (!reader || !reader->sleeps)
		return;
	if (!urgent && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) <= ring_bytes / 4)
		return;
	reader->sleeps = 0;
	none = bpf_ringbuf_reserve(&events, 8, 0);
	if (none)
		bpf_ringbuf_discard(none, BPF_RB_FORCE_WAKEUP);
}

#endif
