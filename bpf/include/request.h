/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Requests of io_uring, by what the kernel itself holds of them: by the time a request is submitted the kernel has copied the names
 * in it, and its result lies in the request before anybody can see it. The queues, which user memory maps, are not looked at.
 */
#ifndef VEDETTE_REQUEST_H
#define VEDETTE_REQUEST_H

#include "core.h"

/* Operations (enum io_uring_op in include/uapi/linux/io_uring.h) that do what a system call that we watch does. */
enum ring_operation {
	IORING_OP_WRITEV = 2,
	IORING_OP_WRITE_FIXED = 5,
	IORING_OP_CONNECT = 16,
	IORING_OP_FALLOCATE = 17,
	IORING_OP_OPENAT = 18,
	IORING_OP_CLOSE = 19,
	IORING_OP_WRITE = 23,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_SPLICE = 30,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,
	IORING_OP_SYMLINKAT = 38,
	IORING_OP_LINKAT = 39,
	IORING_OP_FSETXATTR = 41,
	IORING_OP_SETXATTR = 42,
	IORING_OP_URING_CMD = 46,
	IORING_OP_FTRUNCATE = 55,
	IORING_OP_BIND = 56,
	IORING_OP_LISTEN = 57,
	IORING_OP_WRITEV_FIXED = 61,
};

/* Whether an operation is among those of a set of bits. */
#define IS_REQUEST(opcode, set) ((opcode) < 64 && ((set) & (1ULL << (opcode))))

/* Bits of a request's flags, which are those of the submitted entry (IOSQE_*). */
#define REQUEST_FIXED_FILE 1 /* its descriptor is a place in the ring's own table */
#define REQUEST_SKIP 64      /* success is not told to anybody */

/* The kernel's copy of a name in a request. A wrapped pointer since 7.0; older kernels know fewer requests. */
#define REQUEST_NAME(request, type, field)                                                    \
	(bpf_core_field_exists(((struct type *)(request))->field.__incomplete_filename)       \
		 ? BPF_CORE_READ((struct type *)(request), field.__incomplete_filename, name) \
	 : bpf_core_field_exists(((struct type##___v619 *)(request))->field)                  \
		 ? BPF_CORE_READ((struct type##___v619 *)(request), field, name)              \
		 : NULL)

/* The names in a request; of a symbolic link the first is its text. */
struct request_names {
	const char *first;
	const char *second;
};

ALWAYS_INLINE void names_of_request(struct request_names *n, struct io_kiocb *request, __u32 opcode)
{
	n->first = NULL;
	n->second = NULL;
	switch (opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		n->first = REQUEST_NAME(request, io_open, filename);
		return;
	case IORING_OP_UNLINKAT:
		n->first = REQUEST_NAME(request, io_unlink, filename);
		return;
	case IORING_OP_MKDIRAT:
		n->first = REQUEST_NAME(request, io_mkdir, filename);
		return;
	case IORING_OP_SETXATTR:
		n->first = REQUEST_NAME(request, io_xattr, filename);
		return;
	case IORING_OP_RENAMEAT:
		n->first = REQUEST_NAME(request, io_rename, oldpath);
		n->second = REQUEST_NAME(request, io_rename, newpath);
		return;
	case IORING_OP_SYMLINKAT:
		if (bpf_core_type_exists(struct io_symlink)) {
			n->first = BPF_CORE_READ((struct io_symlink *)request, oldpath, name);
			n->second = BPF_CORE_READ((struct io_symlink *)request, newpath, name);
			return;
		}
		break;
	case IORING_OP_LINKAT:
		if (bpf_core_type_exists(struct io_hardlink)) {
			n->first = BPF_CORE_READ((struct io_hardlink *)request, oldpath, name);
			n->second = BPF_CORE_READ((struct io_hardlink *)request, newpath, name);
			return;
		}
		break;
	default:
		return;
	}
	n->first = REQUEST_NAME(request, io_link, oldpath);
	n->second = REQUEST_NAME(request, io_link, newpath);
}

/* What the tracepoint of submissions to 6.2 hands over, which changed twice; user space looks it up in BTF. 0: it is not there. */
const volatile __u32 submit_parameters = 0;

/*
 * The request of a submission, for programs on io_uring_submit_sqe. It began with the context and the opcode, had the request
 * between them from 5.13 on, and since 6.0 the request alone.
 */
ALWAYS_INLINE struct io_kiocb *submitted_request(__u64 *ctx)
{
	struct io_kiocb *request;

	if (submit_parameters == 5)
		return NULL;
	/* The compiler would choose one of two addresses; to the verifier of 5.10 a context at another address is none. */
	if (submit_parameters == 7)
		asm volatile("%0 = *(u64 *)(%1 + 8)" : "=r"(request) : "r"(ctx));
	else
		asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(request) : "r"(ctx));
	return request;
}

#endif
