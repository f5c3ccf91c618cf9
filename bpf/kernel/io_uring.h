/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* io_uring: rings that are made, and requests that do what a watched system call does. */
#ifndef VEDETTE_KERNEL_IO_URING_H
#define VEDETTE_KERNEL_IO_URING_H

#include "../include/request.h"
#include "tell.h"

/* Who made a ring, by the address of its context. A ring's thread, or whoever was given its descriptor, submits for it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct process_key);
} ring_creators SEC(".maps");

#define REPORTED_REQUESTS                                                                                      \
	(BIT(IORING_OP_CONNECT) | BIT(IORING_OP_OPENAT) | BIT(IORING_OP_OPENAT2) | BIT(IORING_OP_RENAMEAT) |   \
	 BIT(IORING_OP_UNLINKAT) | BIT(IORING_OP_MKDIRAT) | BIT(IORING_OP_SYMLINKAT) | BIT(IORING_OP_LINKAT) | \
	 BIT(IORING_OP_FSETXATTR) | BIT(IORING_OP_SETXATTR) | BIT(IORING_OP_URING_CMD) | BIT(IORING_OP_BIND) | \
	 BIT(IORING_OP_LISTEN))

struct address {
	__u16 family;
	__u16 port;
	__u8 rest[24];
};

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

ALWAYS_INLINE bool is_address(struct address *a)
{
	return a->family == AF_UNIX || a->family == AF_INET || a->family == AF_INET6;
}

ALWAYS_INLINE bool same_address(struct address *a, struct address *b)
{
	return *(__u64 *)a == *(__u64 *)b;
}

/*
 * Finds the address of a request, and whether it lies in user memory. To 6.9 the kernel copies it when it connects. Since then
 * it has a copy by now, in a message header, or alone, and says nowhere which: the one that the caller's memory agrees with.
 */
ALWAYS_INLINE const void *find_address(struct scratch *s, struct io_kiocb *request, __u32 opcode, struct address *found,
				       bool *user)
{
	const void *given = NULL, *data;
	struct address wish = {};

	if (opcode == IORING_OP_CONNECT) {
		given = BPF_CORE_READ((struct io_connect *)request, addr);
		bpf_probe_read_user(&wish, sizeof(wish), given);
	}
	*user = true;
	*found = wish;
	if (bpf_core_type_exists(struct io_async_connect))
		return given;
	*user = false;
	data = BPF_CORE_READ(request, async_data);
	if (!data)
		return NULL;
	bpf_probe_read_kernel(found, sizeof(*found), data + bpf_core_field_offset(struct io_async_msghdr, addr));
	if (is_address(found) && (!given || same_address(found, &wish)))
		return data + bpf_core_field_offset(struct io_async_msghdr, addr);
	bpf_probe_read_kernel(found, sizeof(*found), data);
	if (given && !same_address(found, &wish))
		s->flags |= FLAG_CHANGED_DURING_CALL;
	return is_address(found) ? data : NULL;
}

ALWAYS_INLINE void append_address(struct scratch *s, struct io_kiocb *request, __u32 opcode)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct address address = {};
	const void *from;
	bool user;

	from = find_address(s, request, opcode, &address, &user);
	if (!from)
		return;
	if (address.family == AF_INET) {
		r->address_length = 4;
		__builtin_memcpy(r->address, address.rest, 4);
	} else if (address.family == AF_INET6) {
		r->address_length = 16;
		__builtin_memcpy(r->address, address.rest + 4, 16);
	} else if (address.family == AF_UNIX) {
		/* An abstract name begins with NUL and is left out. */
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, from + sizeof(address.family), user);
		return;
	} else {
		return;
	}
	r->port = __builtin_bswap16(address.port);
}

ALWAYS_INLINE void append_names(struct scratch *s, struct io_kiocb *request, __u32 opcode)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct request_names names;

	names_of_request(&names, request, opcode);
	if (names.first)
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, names.first, false);
	if (names.second)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, names.second, false);
}

/* request is NULL where the kernel does not hand it over. */
ALWAYS_INLINE void ring_event(struct io_kiocb *request, void *ring, __u32 opcode)
{
	struct process_key *creator;
	struct kernel_record *r;
	__u64 key = (__u64)ring;
	struct scratch *s;

	/* Commands of disks and file systems are many; those of sockets set options. */
	if (opcode == IORING_OP_URING_CMD && (BPF_CORE_READ(request, file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	s = begin_kernel(KERNEL_RING_REQUEST, 0);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->number = opcode;
	creator = bpf_map_lookup_elem(&ring_creators, &key);
	if (creator)
		r->creator = *creator;
	if (request) {
		if (opcode == IORING_OP_CONNECT || opcode == IORING_OP_BIND)
			append_address(s, request, opcode);
		else
			append_names(s, request, opcode);
	}
	SEND(s);
}

#endif
