/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The kernel's types of eBPF and of perf; see kernel.h. */
#ifndef VEDETTE_INCLUDE_KERNEL_BPF_H
#define VEDETTE_INCLUDE_KERNEL_BPF_H

#include "kernel_base.h"

/* include/uapi/linux/bpf.h */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PROG_ARRAY = 3,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};

enum {
	BPF_F_MMAPABLE = 1U << 10,
};

enum {
	BPF_RB_NO_WAKEUP = 1U << 0,
	BPF_RB_FORCE_WAKEUP = 1U << 1,
};

enum {
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_RING_SIZE = 1,
};

/* Only asked about with bpf_core_enum_value_exists: which helpers the running kernel has. */
enum bpf_func_id {
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_for_each_map_elem = 164,
	BPF_FUNC_cgrp_storage_get = 210,
};

/* A macro of another value on older kernels. */
enum dentry_flags {
	DCACHE_MOUNTED = 0x8000,
};

/* Kernel fields of these types are read; what the values mean is said in Go. */
enum bpf_prog_type {
	BPF_PROG_TYPE_UNSPEC = 0,
};

enum bpf_attach_type {
	BPF_CGROUP_INET_INGRESS = 0,
};

enum bpf_link_type {
	BPF_LINK_TYPE_RAW_TRACEPOINT = 1,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_prog_aux {
	__u32 id;
	const char *attach_func_name;
	char name[16];
};

struct bpf_prog {
	__u16 kprobe_override : 1;
	enum bpf_prog_type type;
	enum bpf_attach_type expected_attach_type;
	__u32 len;
	__u8 tag[8];
	struct bpf_prog_aux *aux;
};

struct bpf_map {
	enum bpf_map_type map_type;
	__u32 id;
	char name[16];
};

struct bpf_link {
	__u32 id;
	enum bpf_link_type type;
	struct bpf_prog *prog;
};

struct tracepoint {
	const char *name;
};

struct bpf_raw_event_map {
	struct tracepoint *tp;
};

struct bpf_raw_tp_link {
	struct bpf_link link;
	struct bpf_raw_event_map *btp;
};

struct perf_event_attr {
	__u32 type;
	__u64 config;
};

struct perf_event {
	struct perf_event_attr attr;
	/* The type that was asked for, where attr has that of the unit which took it. */
	__u32 orig_type;
};

struct bpf_iter_meta;
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

#pragma clang attribute pop

/* The context of a program for sysctls (include/uapi/linux/bpf.h); its layout is the same on every kernel. */
struct bpf_sysctl {
	__u32 write;
	__u32 file_pos;
};

#endif
