/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the kernel builds its types of; see kernel.h. */
#ifndef VEDETTE_INCLUDE_KERNEL_BASE_H
#define VEDETTE_INCLUDE_KERNEL_BASE_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

/* Before 6.3 two 32-bit words, which lie in memory as one little-endian word; so the field is read as a whole, never val. */
typedef struct {
	__u64 val;
} kernel_cap_t;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

/* An array that grows: a tree of nodes, whose addresses are marked in their low bits (include/linux/xarray.h). */
struct xarray {
	void *xa_head;
};

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct idr {
	struct xarray idr_rt;
	unsigned int idr_base;
};

struct hlist_bl_node {
	struct hlist_bl_node *next;
	struct hlist_bl_node **pprev;
};

struct list_head {
	struct list_head *next;
};

struct callback_head {
	struct callback_head *next;
};

#pragma clang attribute pop

#endif
