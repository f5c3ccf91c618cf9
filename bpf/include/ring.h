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

/* What the reader waits for; user space sets it before it sleeps. Mapped, because a system call would cost what it saves. */
enum reader_wants {
	READER_AWAKE,
	READER_WANTS_HURRY, /* it looks by itself soon: only what may not wait till then, or a ring that fills, wakes it */
	READER_WANTS_ANYTHING,
};

struct reader_state {
	__u64 wants;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reader_state);
} reader_states SEC(".maps");

ALWAYS_INLINE void ring_doorbell(struct reader_state *reader)
{
	__u64 ring = 1;

	reader->wants = READER_AWAKE;
	bpf_ringbuf_output(&doorbell, &ring, sizeof(ring), BPF_RB_FORCE_WAKEUP);
}

ALWAYS_INLINE bool ring_fills(void *ring)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(ring, BPF_RB_RING_SIZE) / 4;
}

/*
 * Wakes the reader when it waits for such a record, after that was submitted without a wake-up.
 *
 * The word is read after the submission (a full barrier in the kernel) and the reader looks at the rings after setting it, so
 * one of both sees the other.
 */
ALWAYS_INLINE void wake_reader(void *ring, bool hurry)
{
	__u32 key = 0;
	struct reader_state *reader = bpf_map_lookup_elem(&reader_states, &key);

	if (!reader || reader->wants == READER_AWAKE)
		return;
	if (hurry || reader->wants == READER_WANTS_ANYTHING || ring_fills(ring))
		ring_doorbell(reader);
}

/*
 * The same for records that wait for one that matters, or for the reader's own clock: a wake-up costs more than all else. Only
 * a ring that fills, as by a fork bomb, is worth it.
 */
ALWAYS_INLINE void wake_reader_when_filling(void *ring)
{
	__u32 key = 0;
	struct reader_state *reader = bpf_map_lookup_elem(&reader_states, &key);

	if (reader && reader->wants != READER_AWAKE && ring_fills(ring))
		ring_doorbell(reader);
}

#endif
