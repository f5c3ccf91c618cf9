// System calls by way of io_uring, without liburing: one ring, one request at a time.

#ifndef EVADE_RING_H
#define EVADE_RING_H

#include <linux/io_uring.h>

#include "evade.h"

struct ring {
	int fd;
	unsigned int flags;
	unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static struct ring ring;

static void *ring_map(size_t size, unsigned long long offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, offset);

	if (p == MAP_FAILED)
		failed("map the ring");
	return p;
}

static void ring_open(unsigned int flags)
{
	struct io_uring_params p = {.flags = flags, .sq_thread_idle = 2000};

	ring.fd = syscall(SYS_io_uring_setup, 8, &p);
	if (ring.fd < 0) {
		if (errno == EPERM || errno == ENOSYS || errno == EINVAL)
			lacking("io_uring");
		failed("io_uring_setup");
	}
	ring.flags = flags;
	char *sq = ring_map(p.sq_off.array + p.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	char *cq = ring_map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);

	ring.sqes = ring_map(p.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.sq_flags = (void *)(sq + p.sq_off.flags);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

// ring_do submits one request and gives its result, as a system call does it.
static long ring_do(struct io_uring_sqe request)
{
	unsigned int tail = *ring.sq_tail, at = tail & *ring.sq_mask, head;
	unsigned int enter = IORING_ENTER_GETEVENTS, submit = 1;
	long result;

	ring.sqes[at] = request;
	ring.sq_array[at] = at;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	if (ring.flags & IORING_SETUP_SQPOLL) {
		submit = 0;
		if (__atomic_load_n(ring.sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
			enter |= IORING_ENTER_SQ_WAKEUP;
	}
	head = *ring.cq_head;
	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head) {
		if (syscall(SYS_io_uring_enter, ring.fd, submit, 1, enter, NULL, 0) < 0 && errno != EINTR)
			failed("io_uring_enter");
		submit = 0;
	}
	result = ring.cqes[head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	// An operation that this kernel does not know, or, before 5.11, an ordinary descriptor in a ring that is polled.
	if (errno == EINVAL || (errno == EBADF && (ring.flags & IORING_SETUP_SQPOLL)))
		lacking("this operation of io_uring");
	return -1;
}

// ring_call is a system call by its number, done by the ring; -1 and ENOSYS for those that no ring can do.
MAYBE_UNUSED static long ring_call(long number, long a, long b, long c, long d, long e)
{
	struct io_uring_sqe r = {.fd = a, .addr = b};

	switch (number) {
	case SYS_openat:
		r.opcode = IORING_OP_OPENAT;
		r.open_flags = c;
		r.len = d;
		break;
	case SYS_openat2:
		r.opcode = IORING_OP_OPENAT2;
		r.addr2 = c;
		r.len = d;
		break;
	case SYS_unlinkat:
		r.opcode = IORING_OP_UNLINKAT;
		r.unlink_flags = c;
		break;
	case SYS_renameat2:
		r.opcode = IORING_OP_RENAMEAT;
		r.len = c;
		r.addr2 = d;
		r.rename_flags = e;
		break;
	case SYS_linkat:
		r.opcode = IORING_OP_LINKAT;
		r.len = c;
		r.addr2 = d;
		r.hardlink_flags = e;
		break;
	case SYS_mkdirat:
		r.opcode = IORING_OP_MKDIRAT;
		r.len = c;
		break;
	case SYS_symlinkat:
		r.opcode = IORING_OP_SYMLINKAT;
		r.fd = b;
		r.addr = a;
		r.addr2 = c;
		break;
	case SYS_setxattr:
		r.opcode = IORING_OP_SETXATTR;
		r.fd = 0;
		r.addr3 = a;
		r.addr = b;
		r.addr2 = c;
		r.len = d;
		break;
	case SYS_write:
		r.opcode = IORING_OP_WRITE;
		r.len = c;
		r.off = -1;
		break;
	case SYS_connect:
		r.opcode = IORING_OP_CONNECT;
		r.off = c;
		break;
	case SYS_close:
		r.opcode = IORING_OP_CLOSE;
		r.addr = 0;
		break;
	default:
		errno = ENOSYS;
		return -1;
	}
	return ring_do(r);
}

#endif
