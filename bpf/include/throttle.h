/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * A budget per process and class, for acts that a busy process does by the thousand: what exceeds it within a second is numbered,
 * counted as withheld, and told of in one record when it begins and one when the second is over.
 */
#ifndef VEDETTE_THROTTLE_H
#define VEDETTE_THROTTLE_H

#include "emit.h"

/* Shared with Go (bpf/record). */
struct throttled_record {
	struct record_header header;
	__u64 withheld;
	__u64 interval_ns; /* since the beginning of the second in which they were withheld */
	__u32 class;
	/* 0: the first was withheld just now. 1: withheld tells how many there were. */
	__u32 ended;
};

const struct throttled_record *const volatile layout_throttled = NULL;

struct budget_key {
	__u32 tgid;
	__u32 class;
	__u64 object; /* 0, or what has a share of its own */
};

struct budget {
	__u64 since;
	__u64 used;
	__u64 withheld;
};

/* Not kept apart by start time: throttle_exit removes what ends. What LRU pushes out starts a new second early. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct budget_key);
	__type(value, struct budget);
} budgets SEC(".maps");

#define BUDGET_SECOND 1000000000ULL

ALWAYS_INLINE void tell_throttled(void *ring, enum event_class class, __u64 withheld, __u64 interval, __u32 ended)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counters *c = counters_of(class, cpu);
	struct throttled_record *r;
	__u64 sequence;

	if (!c)
		return;
	sequence = count_made(c);
	r = bpf_ringbuf_reserve(ring, sizeof(*r), 0);
	if (!r) {
		COUNT(c->lost_ring_full);
		return;
	}
	r->header.sequence = sequence;
	r->header.time_ns = bpf_ktime_get_boot_ns();
	r->header.cpu = cpu;
	r->header.kind = RECORD_THROTTLED;
	r->header.flags = 0;
	fill_current_actor(&r->header.actor);
	r->withheld = withheld;
	r->interval_ns = interval;
	r->class = class;
	r->ended = ended;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	wake_reader(ring, false);
}

/* Whether the second of a budget that began at since is this caller's to close: threads of the process race for it. */
ALWAYS_INLINE bool close_second(struct budget *b, __u64 since, __u64 now)
{
	if (have_atomics())
		return __sync_val_compare_and_swap(&b->since, since, now) == since;
	b->since = now;
	return true;
}

/* Adds one and returns what was there; without atomics two CPUs may be given the same number, and one act more passes. */
ALWAYS_INLINE __u64 take_one(__u64 *n)
{
	if (have_atomics())
		return __sync_fetch_and_add(n, 1);
	return (*n)++;
}

ALWAYS_INLINE __u64 take_all(__u64 *n)
{
	__u64 was;

	if (have_atomics())
		return __sync_lock_test_and_set(n, 0);
	was = *n;
	*n = 0;
	return was;
}

/*
 * Whether the acting process has had its share of a class, or of acts on one object of it, in this second. If so the act has been
 * numbered and counted as withheld, and the caller leaves it. Called before begin_record, with the ring of the class. What is
 * withheld of an object when its process ends is in the counters, and in no record.
 */
ALWAYS_INLINE bool over_budget_of(void *ring, enum event_class class, __u64 object, __u64 limit_per_second)
{
	struct budget_key key = {.tgid = bpf_get_current_pid_tgid() >> 32, .class = class, .object = object};
	struct budget *b = bpf_map_lookup_elem(&budgets, &key);
	__u64 now = bpf_ktime_get_boot_ns(), since, withheld;
	struct cpu_counters *c;

	if (!b) {
		struct budget fresh = {.since = now, .used = 1};

		bpf_map_update_elem(&budgets, &key, &fresh, BPF_NOEXIST);
		return false;
	}
	since = b->since;
	if (now - since >= BUDGET_SECOND && now > since && close_second(b, since, now)) {
		b->used = 0;
		withheld = take_all(&b->withheld);
		if (withheld)
			tell_throttled(ring, class, withheld, now - since, 1);
	}
	if (take_one(&b->used) < limit_per_second)
		return false;
	c = counters_of(class, bpf_get_smp_processor_id());
	if (c) {
		count_made(c);
		COUNT(c->lost_throttled);
	}
	if (take_one(&b->withheld) == 0)
		tell_throttled(ring, class, 1, now - b->since, 0);
	return true;
}

ALWAYS_INLINE bool over_budget(void *ring, enum event_class class, __u64 limit_per_second)
{
	return over_budget_of(ring, class, 0, limit_per_second);
}

/* Whether an act of the process would be withheld by now, for what is only worth doing for an act that is told. */
ALWAYS_INLINE bool is_over_budget(enum event_class class, __u64 limit_per_second)
{
	struct budget_key key = {.tgid = bpf_get_current_pid_tgid() >> 32, .class = class};
	struct budget *b = bpf_map_lookup_elem(&budgets, &key);

	return b && b->used >= limit_per_second && bpf_ktime_get_boot_ns() - b->since < BUDGET_SECOND;
}

/* For a program on tp_btf/sched_process_exit: closes the budget of a process whose last thread leaves. */
ALWAYS_INLINE void throttle_exit(void *ring, enum event_class class, struct task_struct *task)
{
	struct budget_key key = {.tgid = task->tgid, .class = class};
	__u64 withheld, since;
	struct budget *b;

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return;
	b = bpf_map_lookup_elem(&budgets, &key);
	if (!b)
		return;
	since = b->since;
	withheld = take_all(&b->withheld);
	bpf_map_delete_elem(&budgets, &key);
	if (withheld)
		tell_throttled(ring, class, withheld, bpf_ktime_get_boot_ns() - since, 1);
}

#endif
