/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Requests of io_uring, told as the system calls that they stand for. What a request names is kept when it is submitted and told
 * when it completes: both happen in a task that shares files and directories with the one that asked, but perhaps not in itself.
 */
#ifndef VEDETTE_FILE_REQUEST_H
#define VEDETTE_FILE_REQUEST_H

#include "../include/request.h"
#include "change.h"
#include "mount.h"
#include "open.h"
#include "written.h"

#define REQUEST_BIT(opcode) (1ULL << (opcode))

/* These name something, and are kept. */
#define OPENING_REQUESTS (REQUEST_BIT(IORING_OP_OPENAT) | REQUEST_BIT(IORING_OP_OPENAT2))
#define CHANGING_REQUESTS                                                                                     \
	(REQUEST_BIT(IORING_OP_RENAMEAT) | REQUEST_BIT(IORING_OP_UNLINKAT) | REQUEST_BIT(IORING_OP_MKDIRAT) | \
	 REQUEST_BIT(IORING_OP_SYMLINKAT) | REQUEST_BIT(IORING_OP_LINKAT) | REQUEST_BIT(IORING_OP_SETXATTR) | \
	 REQUEST_BIT(IORING_OP_FSETXATTR) | REQUEST_BIT(IORING_OP_FTRUNCATE))

/* These have a file in hand. */
#define WRITING_REQUESTS                                                                                     \
	(REQUEST_BIT(IORING_OP_WRITE) | REQUEST_BIT(IORING_OP_WRITEV) | REQUEST_BIT(IORING_OP_WRITE_FIXED) | \
	 REQUEST_BIT(IORING_OP_WRITEV_FIXED) | REQUEST_BIT(IORING_OP_FALLOCATE) | REQUEST_BIT(IORING_OP_SPLICE))

enum request_text {
	REQUEST_FIRST,  /* a name; of a symbolic link, its text */
	REQUEST_SECOND, /* another name, or an attribute's */
	REQUEST_VALUE,
	REQUEST_TEXTS,
};

/* A request under way. */
struct pending_request {
	__u64 self; /* where this lies, as a number */
	struct actor actor;
	/* Of the call that does the same; what points to a text is its offset in here. */
	struct call_arguments arguments;
	struct pending_call before;
	char text[REQUEST_TEXTS][TEXT_MAX];
};

#define TEXT_AT(which) (offsetof(struct pending_request, text) + (which)*TEXT_MAX)

#define PENDING_REQUESTS 256

/* By the request's address. Each request completes, if only as cancelled; what finds no room is counted as lost. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PENDING_REQUESTS);
	__type(key, __u64);
	__type(value, struct pending_request);
} pending_requests SEC(".maps");

/* The call that does what a request of these is for, but for the places of its texts. */
ALWAYS_INLINE void arguments_of_request(struct call_arguments *a, struct io_kiocb *request, __u32 opcode)
{
	switch (opcode) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		a->call = CALL_OPENAT;
		a->a0 = BPF_CORE_READ((struct io_open *)request, dfd);
		a->a1 = TEXT_AT(REQUEST_FIRST);
		a->a2 = BPF_CORE_READ((struct io_open *)request, how.flags);
		break;
	case IORING_OP_UNLINKAT:
		a->call = CALL_UNLINKAT;
		a->a0 = BPF_CORE_READ((struct io_unlink *)request, dfd);
		a->a1 = TEXT_AT(REQUEST_FIRST);
		a->a2 = BPF_CORE_READ((struct io_unlink *)request, flags);
		break;
	case IORING_OP_MKDIRAT:
		a->call = CALL_MKDIRAT;
		a->a0 = BPF_CORE_READ((struct io_mkdir *)request, dfd);
		a->a1 = TEXT_AT(REQUEST_FIRST);
		break;
	case IORING_OP_RENAMEAT:
		a->call = CALL_RENAMEAT2;
		a->a0 = BPF_CORE_READ((struct io_rename *)request, old_dfd);
		a->a1 = TEXT_AT(REQUEST_FIRST);
		a->a2 = BPF_CORE_READ((struct io_rename *)request, new_dfd);
		a->a3 = TEXT_AT(REQUEST_SECOND);
		a->a4 = BPF_CORE_READ((struct io_rename *)request, flags);
		break;
	case IORING_OP_SYMLINKAT:
		a->call = CALL_SYMLINKAT;
		a->a0 = TEXT_AT(REQUEST_FIRST);
		a->a1 = bpf_core_type_exists(struct io_symlink) ? BPF_CORE_READ((struct io_symlink *)request, new_dfd)
								: BPF_CORE_READ((struct io_link *)request, new_dfd);
		a->a2 = TEXT_AT(REQUEST_SECOND);
		break;
	case IORING_OP_LINKAT:
		a->call = CALL_LINKAT;
		if (bpf_core_type_exists(struct io_hardlink)) {
			a->a0 = BPF_CORE_READ((struct io_hardlink *)request, old_dfd);
			a->a2 = BPF_CORE_READ((struct io_hardlink *)request, new_dfd);
			a->a4 = BPF_CORE_READ((struct io_hardlink *)request, flags);
		} else {
			a->a0 = BPF_CORE_READ((struct io_link *)request, old_dfd);
			a->a2 = BPF_CORE_READ((struct io_link *)request, new_dfd);
			a->a4 = BPF_CORE_READ((struct io_link *)request, flags);
		}
		a->a1 = TEXT_AT(REQUEST_FIRST);
		a->a3 = TEXT_AT(REQUEST_SECOND);
		break;
	case IORING_OP_SETXATTR:
	case IORING_OP_FSETXATTR:
		a->call = opcode == IORING_OP_SETXATTR ? CALL_SETXATTR : CALL_FSETXATTR;
		a->a0 = opcode == IORING_OP_SETXATTR ? TEXT_AT(REQUEST_FIRST) : 0;
		a->a1 = TEXT_AT(REQUEST_SECOND);
		a->a2 = TEXT_AT(REQUEST_VALUE);
		if (bpf_core_type_exists(struct io_xattr))
			a->a3 = BPF_CORE_READ((struct io_xattr *)request, ctx.size);
		break;
	case IORING_OP_FTRUNCATE:
		a->call = CALL_FTRUNCATE;
		break;
	}
}

/* Where a pending request lies, as a number: what is stored as a pointer is loaded as one no more. */
ALWAYS_INLINE __u64 address_of(struct pending_request *q)
{
	*(volatile __u64 *)&q->self = (__u64)q;
	return *(volatile __u64 *)&q->self;
}

/* The call with its texts where they lie. */
ALWAYS_INLINE void call_of_request(struct call_arguments *a, struct pending_request *q)
{
	__u64 self = address_of(q);

	*a = q->arguments;
	switch (a->call) {
	case CALL_SETXATTR:
		a->a0 += self;
		/* fallthrough */
	case CALL_FSETXATTR:
		a->a1 += self;
		a->a2 += self;
		break;
	case CALL_SYMLINKAT:
		a->a0 += self;
		a->a2 += self;
		break;
	case CALL_RENAMEAT2:
	case CALL_LINKAT:
		a->a3 += self;
		/* fallthrough */
	case CALL_OPENAT:
	case CALL_UNLINKAT:
	case CALL_MKDIRAT:
		a->a1 += self;
		break;
	default:
		break;
	}
}

/* The names of a request's call, which lie in the kernel. */
ALWAYS_INLINE bool names_of_kept(struct names *n, struct call_arguments *a)
{
	if (!names_of_call(n, a))
		return false;
	n->flags[0] |= LOOKUP_KERNEL;
	n->flags[1] |= LOOKUP_KERNEL;
	return true;
}

ALWAYS_INLINE void copy_texts(struct pending_request *q, struct io_kiocb *request, __u32 opcode)
{
	struct request_names names;

	names_of_request(&names, request, opcode);
	if (names.first)
		bpf_probe_read_kernel_str(q->text[REQUEST_FIRST], TEXT_MAX, names.first);
	if (names.second)
		bpf_probe_read_kernel_str(q->text[REQUEST_SECOND], TEXT_MAX, names.second);
	if ((opcode == IORING_OP_SETXATTR || opcode == IORING_OP_FSETXATTR) && bpf_core_type_exists(struct io_xattr)) {
		struct xattr_name *name = BPF_CORE_READ((struct io_xattr *)request, ctx.kname);
		void *value = BPF_CORE_READ((struct io_xattr *)request, ctx.kvalue);
		__u64 size = BPF_CORE_READ((struct io_xattr *)request, ctx.size);

		bpf_probe_read_kernel_str(q->text[REQUEST_SECOND], TEXT_MAX, name->name);
		if (size >= TEXT_MAX)
			size = TEXT_MAX - 1;
		OPAQUE(size);
		size &= TEXT_MAX - 1;
		bpf_probe_read_kernel(q->text[REQUEST_VALUE], size, value);
	}
}

/* Keeps what a request names, in the slot's text area first, and what is there before. */
ALWAYS_INLINE void keep_request(struct scratch *s, struct io_kiocb *request, __u32 opcode, bool ahead)
{
	struct pending_request *q = (void *)s->text;
	struct pending_call *p = RECORD(s, pending_call);
	__u64 key = (__u64)request;
	struct call_arguments a;
	struct names n;

	__builtin_memset(q, 0, offsetof(struct pending_request, text));
	q->text[REQUEST_FIRST][0] = 0;
	q->text[REQUEST_SECOND][0] = 0;
	__builtin_memset(p, 0, sizeof(*p));
	fill_current_actor(&q->actor);
	copy_texts(q, request, opcode);
	arguments_of_request(&q->arguments, request, opcode);
	call_of_request(&a, q);
	if (IS_REQUEST(opcode, OPENING_REQUESTS)) {
		keep_name(s->slot, a.a0, a.a1, LOOKUP_FOLLOW | LOOKUP_KERNEL);
	} else {
		if (opcode == IORING_OP_FTRUNCATE && bpf_core_field_exists(request->cqe) &&
		    !(BPF_CORE_READ(request, flags) & REQUEST_FIXED_FILE))
			a.a0 = BPF_CORE_READ(request, cqe.fd);
		if (names_of_kept(&n, &a))
			keep_names(s, &n);
	}
	p->ahead = ahead;
	q->before = *p;
	bpf_map_update_elem(&pending_requests, &key, q, BPF_ANY);
}

ALWAYS_INLINE void count_unkept(void)
{
	struct cpu_counters *c = counters_of(CLASS_FILE, bpf_get_smp_processor_id());

	if (c) {
		count_made(c);
		COUNT(c->lost_map_full);
	}
}

/* What was done to a file that the request has in hand. */
ALWAYS_INLINE void tell_change_of_file(struct file *file, struct call_arguments *a, struct pending_request *q)
{
	struct scratch *s = begin_file(a->call == CALL_FTRUNCATE ? ACT_TRUNCATE : ACT_SETXATTR, a->call, &q->actor);
	struct file_record *r;

	if (!s)
		return;
	r = RECORD(s, file_record);
	r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
	if (a->call == CALL_FSETXATTR)
		append_attribute(s, a, true);
	else
		r->before = q->before.object[0];
	submit_file(s);
}

/* Tells of a change that a request asked for. */
ALWAYS_INLINE void tell_request(struct io_kiocb *request, struct pending_request *q)
{
	struct call_arguments a;
	struct names n;

	call_of_request(&a, q);
	if (!names_of_kept(&n, &a) || !wanted(n.operation) || withheld())
		return;
	if (a.call == CALL_FTRUNCATE || a.call == CALL_FSETXATTR) {
		struct file *file = BPF_CORE_READ(request, file);

		if (file)
			tell_change_of_file(file, &a, q);
		return;
	}
	tell_changed(&a, &n, &q->before, &q->actor);
}

/* A descriptor that a request is to close. A place in the ring's own table is none. */
ALWAYS_INLINE void close_requested(struct io_kiocb *request)
{
	struct file *file;

	if (BPF_CORE_READ((struct io_close *)request, file_slot))
		return;
	file = file_of_descriptor(current_task(), BPF_CORE_READ((struct io_close *)request, fd));
	/* The last write's request may hold the file a little longer than its result is out. Where it is a second descriptor that does,
	 * what is written through that is another write, and has another end. */
	if (file)
		closing(file, 1);
}

/* The result of a request that completes: its own, or before 5.19 that which the tracepoint hands over fourth. */
#define RESULT_OF_REQUEST(request, ctx) \
	(bpf_core_field_exists((request)->cqe) ? (long)BPF_CORE_READ((request), cqe.res) : (long)(int)(ctx)[3])

/* A file that went into the ring's own table has no descriptor: it is told of by its name. */
ALWAYS_INLINE void tell_slot_opened(struct call_arguments *a, struct pending_request *q)
{
	struct file_record *r;
	struct scratch *s;

	if (!wanted(ACT_OPEN) || withheld())
		return;
	s = begin_file(ACT_OPEN, a->call, &q->actor);
	if (!s)
		return;
	r = RECORD(s, file_record);
	r->value[0] = a->a2;
	r->value[1] = (a->a2 & O_CREAT) && q->before.name[0].result & (LOOKUP_ABSENT | LOOKUP_NEGATIVE);
	append_name(s, a->a0, (void *)a->a1, LOOKUP_FOLLOW | LOOKUP_KERNEL, NULL);
	submit_file(s);
}

ALWAYS_INLINE void request_opened(struct io_kiocb *request, struct pending_request *q, long result)
{
	struct call_arguments a;
	struct file *file;

	call_of_request(&a, q);
	if (result < 0) {
		tell_failed_open(&a, -result, LOOKUP_KERNEL, &q->actor);
	} else if (BPF_CORE_READ((struct io_open *)request, file_slot)) {
		tell_slot_opened(&a, q);
	} else {
		file = file_of_descriptor(current_task(), result);
		if (file)
			tell_open(file, &a, &q->actor);
		else
			tell_slot_opened(&a, q);
	}
}

/* Length bytes are written to the file of a request. */
ALWAYS_INLINE void request_writes(struct file *file, struct io_kiocb *request, __u32 opcode, __u64 position, __u64 length)
{
	struct call_arguments a = {};

	switch (opcode) {
	case IORING_OP_FALLOCATE:
		a.call = CALL_FALLOCATE;
		a.a2 = BPF_CORE_READ((struct io_sync *)request, off);
		length = BPF_CORE_READ((struct io_sync *)request, len);
		break;
	case IORING_OP_SPLICE:
		a.call = CALL_SPLICE;
		break;
	default:
		a.call = opcode == IORING_OP_WRITE || opcode == IORING_OP_WRITE_FIXED ? CALL_PWRITE64 : CALL_PWRITEV;
		a.a1 = BPF_CORE_READ((struct io_rw *)request, addr);
		a.a3 = position;
	}
	if (length)
		note_written(file, &a, length);
}

ALWAYS_INLINE void request_wrote(struct io_kiocb *request, __u32 opcode, long result)
{
	struct file *file = BPF_CORE_READ(request, file);

	/* What was written has moved the position on. */
	if (file && result >= 0)
		request_writes(file, request, opcode, BPF_CORE_READ((struct io_rw *)request, kiocb.ki_pos) - result, result);
}

/* A request that names something is done. */
ALWAYS_INLINE void request_completed(struct io_kiocb *request, bool opening, long result)
{
	__u64 key = (__u64)request;
	struct pending_request *q = bpf_map_lookup_elem(&pending_requests, &key);

	if (!q) {
		if (result >= 0 && !withheld())
			count_unkept();
		return;
	}
	if (opening)
		request_opened(request, q, result);
	else if (result >= 0)
		tell_request(request, q);
	bpf_map_delete_elem(&pending_requests, &key);
}

/* How much a request is to write. Nobody adds up its vectors: then it is what is shown of a write. */
ALWAYS_INLINE __u64 length_asked(struct io_kiocb *request, __u32 opcode)
{
	if (opcode == IORING_OP_WRITE || opcode == IORING_OP_WRITE_FIXED)
		return BPF_CORE_READ((struct io_rw *)request, len);
	return HEAD_BYTES;
}

/* Whether the tracepoint of completions says nothing of which request is done: before 5.18. Then no success is told of. */
const volatile bool completions_are_nameless = false;

/* Of a request whose success nobody is told of no completion is seen: it is told of when it is handed in, as if it succeeded. */
static __attribute__((noinline)) int silent_submitted(struct io_kiocb *request, __u32 opcode)
{
	__u64 key = (__u64)request;
	struct pending_request *q;
	struct call_arguments a;
	struct file *file;
	__s64 position;

	if (IS_REQUEST(opcode, WRITING_REQUESTS)) {
		/* To 5.18 the request has its file by now. Later a file of the ring's own table is known when the request is done only. */
		if (!bpf_core_field_exists(request->cqe))
			file = BPF_CORE_READ(request, file);
		else if (BPF_CORE_READ(request, flags) & REQUEST_FIXED_FILE)
			return 0;
		else
			file = file_of_descriptor(current_task(), BPF_CORE_READ(request, cqe.fd));
		if (!file)
			return 0;
		position = BPF_CORE_READ((struct io_rw *)request, kiocb.ki_pos);
		/* Below 0: where the file is. */
		if (position < 0)
			position = BPF_CORE_READ(file, f_pos);
		request_writes(file, request, opcode, position, length_asked(request, opcode));
		return 0;
	}
	q = bpf_map_lookup_elem(&pending_requests, &key);
	if (!q) {
		if (!withheld())
			count_unkept();
		return 0;
	}
	if (IS_REQUEST(opcode, OPENING_REQUESTS)) {
		call_of_request(&a, q);
		tell_slot_opened(&a, q);
	} else {
		tell_request(request, q);
	}
	bpf_map_delete_elem(&pending_requests, &key);
	return 0;
}

ALWAYS_INLINE void request_submitted(struct io_kiocb *request)
{
	__u32 opcode = BPF_CORE_READ(request, opcode);
	bool silent = completions_are_nameless || (BPF_CORE_READ(request, flags) & REQUEST_SKIP);
	struct scratch *s;

	if (opcode == IORING_OP_CLOSE) {
		close_requested(request);
		return;
	}
	if (IS_REQUEST(opcode, OPENING_REQUESTS | CHANGING_REQUESTS) && !is_over_budget(CLASS_FILE, file_budget)) {
		s = scratch_claim(bpf_get_smp_processor_id());
		if (s) {
			keep_request(s, request, opcode, silent);
			scratch_release(s);
		}
	}
	if (silent && IS_REQUEST(opcode, OPENING_REQUESTS | CHANGING_REQUESTS | WRITING_REQUESTS))
		silent_submitted(request, opcode);
}

#endif
