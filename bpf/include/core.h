/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What every program starts with: helpers, the counters that number and account for events, and small kernel reads. */
#ifndef VEDETTE_CORE_H
#define VEDETTE_CORE_H

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Makes the compiler forget where a value came from, so that the one which was bounded is the one that is used. */
#define OPAQUE(value) asm volatile("" : "+r"(value))

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* enum Class of proto/event.proto: every class is numbered and counted by itself. */
enum event_class {
	CLASS_PROCESS = 1,
	CLASS_KERNEL = 2,
	CLASS_IDENTITY = 3,
	CLASS_MEMORY = 4,
	CLASS_FILE = 10,
	CLASS_COUNT = 11,
};

/*
 * One element per class and CPU, shared by all sensors, mapped read-only by user space and frozen. An array, not a per-CPU
 * array: only that can be mapped, and a mapping needs no capability to read. 128 bytes keep CPUs off each other's cache lines.
 */
struct cpu_counters {
	__u64 made;
	__u64 lost_ring_full;
	__u64 lost_scratch;
	__u64 cut_arguments;
	__u64 cut_environment;
	__u64 cut_path;
	__u64 read_fault;
	__u64 lost_map_full;
	__u64 lost_throttled;
	__u64 reserved[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set to CLASS_COUNT times the number of CPUs before loading */
	__type(key, __u32);
	__type(value, struct cpu_counters);
} counters SEC(".maps");

const volatile __u32 cpus = 1;

ALWAYS_INLINE struct cpu_counters *counters_of(enum event_class class, __u32 cpu)
{
	__u32 key = class * cpus + cpu;

	return bpf_map_lookup_elem(&counters, &key);
}

/*
 * A tracepoint may be preempted since 7.0, and while a program runs on a CPU the kernel does not run it there again: a
 * preempted exit would cost the next one's event. So on such kernels the programs switch preemption off themselves. User
 * space decides, because kernels from 6.10 have the functions and yet refuse them around calls of global functions.
 */
extern void bpf_preempt_disable(void) __weak __ksym;
extern void bpf_preempt_enable(void) __weak __ksym;

const volatile bool tracepoints_are_preemptible = false;

ALWAYS_INLINE void preemption_off(void)
{
	if (tracepoints_are_preemptible)
		bpf_preempt_disable();
}

ALWAYS_INLINE void preemption_on(void)
{
	if (tracepoints_are_preemptible)
		bpf_preempt_enable();
}

/*
 * A field of a kernel object: a plain load where the verifier takes a program's word for the object's type (bpf_rdonly_cast, 6.2, as
 * that helper), else a call of a helper. The one takes a nanosecond, the other fifteen. For what every file and every name passes.
 */
#define FIELD(type, pointer, field) (can_cast() ? CAST(type, pointer)->field : BPF_CORE_READ(pointer, field))
#define CAST(type, pointer) ((struct type *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct type)))

extern void *bpf_rdonly_cast(const void *object, __u32 type) __weak __ksym;

ALWAYS_INLINE bool can_cast(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_cgrp_storage_get);
}

/*
 * Atomic instructions that return a value came with 5.12; the helper of 5.13 stands for them. Older kernels run tracing
 * programs with preemption off, so there a plain read and write cannot be interleaved on one CPU.
 */
ALWAYS_INLINE bool have_atomics(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_for_each_map_elem);
}

/* Takes the next sequence number of this CPU, from 1. */
ALWAYS_INLINE __u64 count_made(struct cpu_counters *c)
{
	if (have_atomics())
		return __sync_fetch_and_add(&c->made, 1) + 1;
	c->made++;
	return c->made;
}

/* A counter may be touched by a preempting program of the same CPU, so even a plain count is atomic. */
#define COUNT(field) ((void)__sync_fetch_and_add(&(field), 1))

/* st_dev of stat(2) from the kernel's own device number (new_encode_dev in include/linux/kdev_t.h). */
ALWAYS_INLINE __u64 encode_device(__u32 dev)
{
	__u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | (major << 8) | ((minor & ~0xffU) << 12);
}

/* Process id of a struct pid in the initial namespace. */
ALWAYS_INLINE __u32 pid_number(struct pid *pid)
{
	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* Process id inside the innermost namespace that it is known in, and that namespace. */
ALWAYS_INLINE void own_namespace(struct pid *pid, __u32 *nr, __u32 *inum)
{
	struct upid upid = {};
	__u32 level;

	if (!pid)
		return;
	level = BPF_CORE_READ(pid, level);
	bpf_probe_read_kernel(
		&upid, bpf_core_type_size(struct upid) < sizeof(upid) ? bpf_core_type_size(struct upid) : sizeof(upid),
		(void *)pid + bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid));
	*nr = upid.nr;
	if (upid.ns)
		*inum = BPF_CORE_READ(upid.ns, ns.inum);
}

#endif
