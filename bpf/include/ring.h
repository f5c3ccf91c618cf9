/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The ring buffers, one per class, and how their reader is woken. All are shared by the sensors. */
#ifndef VEDETTE_RING_H
#define VEDETTE_RING_H

#include "core.h"

/* Declares the ring of a class; its size is that of the shared map, set before loading. */
#define RING(name)                                  \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 4096);          \
	} name SEC(".maps")

/* The one reader of all rings sleeps on it; a record in it says no more than that there is something to read. */
RING(doorbell);

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
 * Wakes the reader when it says that it sleeps, after a record was submitted without a wake-up.
 *
 * The flag is read after the submission (a full barrier in the kernel) and the reader looks at the rings after setting it, so
 * one of both sees the other.
 */
ALWAYS_INLINE void wake_reader(void)
{
	__u32 key = 0;
	struct reader_state *reader = bpf_map_lookup_elem(&reader_states, &key);
	__u64 ring = 1;

	if (!reader || !reader->sleeps)
		return;
	reader->sleeps = 0;
	bpf_ringbuf_output(&doorbell, &ring, sizeof(ring), BPF_RB_FORCE_WAKEUP);
}

/*
 * The same for records that wait for one that matters, or for the reader's own clock: a wake-up costs more than all else. Only
 * a ring that fills, as by a fork bomb, is worth it.
 */
ALWAYS_INLINE void wake_reader_when_filling(void *ring, __u64 size)
{
	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > size / 4)
		wake_reader();
}

#endif
