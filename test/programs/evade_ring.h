// System calls by way of io_uring, without liburing: one ring, one request at a time.

#ifndef EVADE_RING_H
#define EVADE_RING_H

#include <linux/io_uring.h>

#include "evade.h"

struct ring {
	bool slots, silent;
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

static void ring_put(unsigned int tail, struct io_uring_sqe request)
{
	unsigned int at = tail & *ring.sq_mask;

	ring.sqes[at] = request;
	ring.sq_array[at] = at;
}

// ring_do submits one request and gives its result, as a system call does it. A request whose success is not told is followed
// by another one that does nothing, and is told in its place.
static long ring_do(struct io_uring_sqe request)
{
	unsigned int tail = *ring.sq_tail, head, enter = IORING_ENTER_GETEVENTS, submit = 1;
	long result;

	ring_put(tail, request);
	if (request.flags & IOSQE_CQE_SKIP_SUCCESS) {
		ring.sqes[tail & *ring.sq_mask].flags |= IOSQE_IO_LINK;
		ring_put(tail + submit++, (struct io_uring_sqe){.opcode = IORING_OP_NOP});
	}
	__atomic_store_n(ring.sq_tail, tail + submit, __ATOMIC_SEQ_CST);
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

// Operations later than this machine's header may be (6.9 and 6.11).
#define RING_FTRUNCATE 55
#define RING_BIND 56

// Descriptors from here on stand for places in the ring's own table of files.
#define RING_SLOT 1000

// ring_make_slots makes the ring's own table, of one place.
MAYBE_UNUSED static void ring_make_slots(void)
{
	static int none = -1;

	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &none, 1) < 0)
		failed("register files with the ring");
	ring.slots = true;
}

// ring_call is a system call by its number, done by the ring; -1 and ENOSYS for those that no ring can do. A ring with slots opens
// files into its own table; a silent one is not told what succeeded, but where a descriptor is wanted.
MAYBE_UNUSED static long ring_call(long number, long a, long b, long c, long d, long e)
{
	struct io_uring_sqe r = {.fd = a, .addr = b};
	bool opens = number == SYS_openat || number == SYS_openat2;
	long result;

	if (ring.silent && !opens)
		r.flags |= IOSQE_CQE_SKIP_SUCCESS;
	if (ring.slots && opens)
		r.file_index = 1;
	if (ring.slots && a >= RING_SLOT) {
		r.fd = a - RING_SLOT;
		r.flags |= IOSQE_FIXED_FILE;
	}
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
		if (r.flags & IOSQE_FIXED_FILE) {
			r.flags &= ~IOSQE_FIXED_FILE;
			r.file_index = r.fd + 1;
			r.fd = 0;
		}
		break;
	case SYS_fsetxattr:
		r.opcode = IORING_OP_FSETXATTR;
		r.addr2 = c;
		r.len = d;
		break;
	case SYS_ftruncate:
		r.opcode = RING_FTRUNCATE;
		r.addr = 0;
		r.off = b;
		break;
	case SYS_fallocate:
		r.opcode = IORING_OP_FALLOCATE;
		r.len = b;
		r.off = c;
		r.addr = d;
		break;
	case SYS_bind:
		r.opcode = RING_BIND;
		r.addr2 = c;
		break;
	default:
		errno = ENOSYS;
		return -1;
	}
	result = ring_do(r);
	return ring.slots && opens && result == 0 ? RING_SLOT : result;
}

#endif
