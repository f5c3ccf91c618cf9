/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Writing: the first write through each open description is told, and its end once it was written to. */
#ifndef VEDETTE_WRITTEN_H
#define VEDETTE_WRITTEN_H

#include "interest.h"
#include "procfs.h"
#include "tell.h"

#define HEAD_BYTES 64

struct written {
	struct inode *inode;
	__u64 bytes;
};

/* By the address of the description. The oldest go when there are more: then a write is told once more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct file *);
	__type(value, struct written);
} written_files SEC(".maps");

ALWAYS_INLINE void forget_written(struct file *file)
{
	bpf_map_delete_elem(&written_files, &file);
}

/* Whether what is written to a description stays: not so of pipes, sockets and most devices. */
ALWAYS_INLINE bool holds_content(struct file *file, __u32 f_mode)
{
	struct inode *inode;
	__u32 mode;

	if (!(f_mode & FMODE_WRITE))
		return false;
	inode = FIELD(file, file, f_inode);
	mode = FIELD(inode, inode, i_mode);
	return is_kind(mode, S_IFREG) || is_kind(mode, S_IFBLK);
}

#define HEAD_VECTORS 8

/* Appends up to length bytes of one struct iovec; returns how many. A function of its own, for the verifier. */
ROUND __u32 append_vector(__u32 slot, __u64 vector, __u32 length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u32 narrow[2] = {};
	__u64 wide[2] = {};

	if (!s)
		return 0;
	if (is_compat()) {
		bpf_probe_read_user(narrow, sizeof(narrow), (void *)vector);
		wide[0] = narrow[0];
		wide[1] = narrow[1];
	} else {
		bpf_probe_read_user(wide, sizeof(wide), (void *)vector);
	}
	return append_bytes(s, (void *)wide[0], wide[1] < length ? wide[1] : length);
}

/* Appends up to length bytes from an array of struct iovec; returns how many. */
ROUND __u32 append_vectors(__u32 slot, __u64 vectors, __u32 length)
{
	__u32 appended = 0, size = is_compat() ? 2 * sizeof(__u32) : 2 * sizeof(__u64);

	for (int i = 0; i < HEAD_VECTORS && appended < length; i++)
		appended += append_vector(slot, vectors + i * size, length - appended);
	return appended;
}

/* Appends the beginning of what a call wrote, when it came from memory; returns its length. */
ALWAYS_INLINE __u16 append_head(struct scratch *s, __u32 call, __u64 memory, __u64 length)
{
	if (length > HEAD_BYTES)
		length = HEAD_BYTES;
	switch (call) {
	case CALL_WRITE:
	case CALL_PWRITE64:
		return append_bytes(s, (void *)memory, length);
	case CALL_WRITEV:
	case CALL_PWRITEV:
	case CALL_PWRITEV2:
		return append_vectors(s->slot, memory, length);
	default:
		return 0;
	}
}

/* Where in a file a call began to write: where it says, or before where it has come to. */
ALWAYS_INLINE __u64 offset_of(struct file *file, __u32 call, __u64 offset, __u64 length)
{
	__u64 position = BPF_CORE_READ(file, f_pos);

	switch (call) {
	case CALL_PWRITE64:
	case CALL_PWRITEV:
	case CALL_PWRITEV2:
	case CALL_FALLOCATE:
		return offset;
	default:
		return position >= length ? position - length : 0;
	}
}

/*
 * Bytes were written to a file, from memory (or its vectors) where the call takes such, and to an offset where it takes one. A
 * function of its own, for the verifier and its stack: calls of many kinds end here.
 */
ROUND __u32 write_record(__u64 description, __u32 call, __u64 memory, __u64 offset, __u64 length)
{
	struct file *file = (void *)description;
	struct file_record *r;
	struct scratch *s;

	if (withheld())
		return 0;
	s = begin_file(ACT_WRITE, call, NULL);
	if (!s)
		return 0;
	r = RECORD(s, file_record);
	r->value[0] = offset_of(file, call, offset, length);
	r->value[1] = length;
	r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
	r->text_length[TEXT_FIRST] = append_head(s, call, memory, length);
	submit_file(s);
	return 0;
}

/* Bytes were written to a file. */
ALWAYS_INLINE void note_written(struct file *file, struct call_arguments *a, __u64 length)
{
	__u64 offset = a->call == CALL_FALLOCATE ? a->a2 : a->a3;
	struct written first = {}, *before;

	if (!holds_content(file, FIELD(file, file, f_mode)))
		return;
	if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) == PROC_SUPER_MAGIC)
		tell_procfs(file, offset_of(file, a->call, offset, length),
			    a->call == CALL_WRITE || a->call == CALL_PWRITE64 ? a->a1 : 0, length);
	before = bpf_map_lookup_elem(&written_files, &file);
	if (before) {
		__sync_fetch_and_add(&before->bytes, length);
		return;
	}
	first.inode = BPF_CORE_READ(file, f_inode);
	first.bytes = length;
	bpf_map_update_elem(&written_files, &file, &first, BPF_ANY);
	if (wanted(ACT_WRITE))
		write_record((__u64)file, a->call, a->a1, offset, length);
}

ALWAYS_INLINE void written_to(int descriptor, struct call_arguments *a, __u64 length)
{
	struct file *file = file_of_descriptor(current_task(), descriptor);

	if (file)
		note_written(file, a, length);
}

#define AIO_REQUESTS 16

/* struct iocb of include/uapi/linux/aio_abi.h */
struct aio_request {
	__u64 data;
	__u32 key;
	__u32 flags;
	__u16 opcode;
	__s16 priority;
	__u32 descriptor;
	__u64 buffer;
	__u64 length;
	__s64 offset;
};

#define IOCB_CMD_PWRITE 1
#define IOCB_CMD_PWRITEV 8

/* One request; what it wrote is not known yet, what it is to write is. A function of its own, for the verifier. */
ROUND __u32 aio_written(__u64 address)
{
	struct aio_request request = {};
	struct call_arguments a = {};

	bpf_probe_read_user(&request, sizeof(request), (void *)address);
	if (request.opcode != IOCB_CMD_PWRITE && request.opcode != IOCB_CMD_PWRITEV)
		return 0;
	a.call = request.opcode == IOCB_CMD_PWRITE ? CALL_PWRITE64 : CALL_PWRITEV;
	a.compat = is_compat();
	a.a1 = request.buffer;
	a.a3 = request.offset;
	written_to(request.descriptor, &a, request.opcode == IOCB_CMD_PWRITE ? request.length : HEAD_BYTES);
	return 0;
}

/* Requests that were handed in to be done later. */
ALWAYS_INLINE void aio_exit(struct call_arguments *a, __u64 handed_in)
{
	for (__u32 i = 0; i < AIO_REQUESTS && i < handed_in; i++) {
		__u32 narrow = 0;
		__u64 wide = 0;

		if (a->compat) {
			bpf_probe_read_user(&narrow, sizeof(narrow), (void *)(a->a2 + i * sizeof(narrow)));
			wide = narrow;
		} else {
			bpf_probe_read_user(&wide, sizeof(wide), (void *)(a->a2 + i * sizeof(wide)));
		}
		aio_written(wide);
	}
}

ALWAYS_INLINE void write_exit(struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	__u64 length = ret;
	int descriptor;

	if (ret < 0)
		return;
	read_call(&a, regs);
	descriptor = a.a0;
	if (a.call == CALL_COPY_FILE_RANGE || a.call == CALL_SPLICE)
		descriptor = a.a2;
	if (a.call == CALL_FALLOCATE)
		length = a.a3;
	if (a.call == CALL_IO_SUBMIT)
		aio_exit(&a, ret);
	else if (length)
		written_to(descriptor, &a, length);
}

/* References of an open description. */
ALWAYS_INLINE __s64 references(struct file *file)
{
	struct file___v612 *v612 = (void *)file;

	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter) + 1;
	return BPF_CORE_READ(v612, f_count.counter);
}

/* A function of its own, for the verifier: it is called from loops. */
ROUND __u32 close_record(__u64 description, __u64 bytes)
{
	struct file *file = (void *)description;
	struct file_record *r;
	struct scratch *s;

	if (withheld())
		return 0;
	s = begin_file(ACT_CLOSE, CALL_NONE, NULL);
	if (!s)
		return 0;
	r = RECORD(s, file_record);
	r->value[0] = bytes;
	r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
	submit_file(s);
	return 0;
}

/*
 * A descriptor goes; with the last reference of a description that was written to, its end is told. others is how many
 * references may be left that are about to go by themselves.
 */
ALWAYS_INLINE void closing(struct file *file, int others)
{
	struct written *w;

	if (!(FIELD(file, file, f_mode) & FMODE_WRITE))
		return;
	w = bpf_map_lookup_elem(&written_files, &file);
	if (!w || references(file) > 1 + others)
		return;
	if (wanted(ACT_CLOSE) && w->inode == BPF_CORE_READ(file, f_inode))
		close_record((__u64)file, w->bytes);
	bpf_map_delete_elem(&written_files, &file);
}

/* Goes through 64 descriptors of a table from first on, those of them in mask that are open. */
ROUND __u32 close_word(__u64 table, __u32 first, __u64 mask)
{
	struct fdtable *fdt = (void *)table;
	unsigned long *open = BPF_CORE_READ(fdt, open_fds);
	struct file **files = BPF_CORE_READ(fdt, fd);
	__u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits), open + first / 64);
	bits &= mask;
	if (!bits)
		return 0;
	for (__u32 i = 0; i < 64; i++) {
		struct file *file = NULL;

		if (!(bits & (1ULL << i)))
			continue;
		bpf_probe_read_kernel(&file, sizeof(file), files + first + i);
		if (file)
			closing(file, 0);
	}
	return 0;
}

#define CLOSE_WORDS 64 /* 4,096 descriptors are looked through */

/* Descriptors from first to last go. */
ALWAYS_INLINE void close_descriptors(struct fdtable *fdt, __u32 first, __u32 last)
{
	__u32 most = BPF_CORE_READ(fdt, max_fds);

	for (__u32 i = 0; i < CLOSE_WORDS; i++) {
		__u32 at = (first & ~63U) + i * 64;
		__u64 mask = ~0ULL;

		if (at >= most || at > last)
			return;
		if (at < first)
			mask &= ~0ULL << (first & 63);
		if (last - at < 63)
			mask &= ~0ULL >> (63 - (last - at));
		close_word((__u64)fdt, at, mask);
	}
}

ALWAYS_INLINE void close_enter(struct pt_regs *regs)
{
	struct task_struct *task = current_task();
	struct call_arguments a;
	struct file *file;

	read_call(&a, regs);
	if (a.call == CALL_CLOSE_RANGE) {
		if (!(a.a2 & CLOSE_RANGE_CLOEXEC))
			close_descriptors(BPF_CORE_READ(task, files, fdt), a.a0, a.a1);
		return;
	}
	/* dup2 and dup3 close what their second argument names. */
	if (a.call != CALL_CLOSE && a.a0 == a.a1)
		return;
	file = file_of_descriptor(task, a.call == CALL_CLOSE ? a.a0 : a.a1);
	if (file)
		closing(file, 0);
}

/* The last thread that uses a table of descriptors ends: exit_files (kernel/exit.c) closes what is in it. */
ALWAYS_INLINE void close_at_exit(struct task_struct *task)
{
	struct files_struct *files = BPF_CORE_READ(task, files);

	if (files && BPF_CORE_READ(files, count.counter) == 1)
		close_descriptors(BPF_CORE_READ(files, fdt), 0, ~0U);
}

#define EXEC_STEPS 16
#define EXEC_ROUNDS 64

/* Looks through a piece of a task's queued work for files that exec has closed; they hang there with no reference left. */
ROUND __u64 close_exec_round(__u64 first)
{
	struct callback_head *work = (void *)first;

	for (int i = 0; i < EXEC_STEPS && work; i++) {
		struct file *file = file_of_work(work);
		struct written *w = bpf_map_lookup_elem(&written_files, &file);

		if (w && w->inode == BPF_CORE_READ(file, f_inode)) {
			if (wanted(ACT_CLOSE))
				close_record((__u64)file, w->bytes);
			bpf_map_delete_elem(&written_files, &file);
		}
		work = BPF_CORE_READ(work, next);
	}
	return (__u64)work;
}

ALWAYS_INLINE void close_at_exec(struct task_struct *task)
{
	__u64 work = (__u64)BPF_CORE_READ(task, task_works);

	for (int i = 0; i < EXEC_ROUNDS && work; i++)
		work = close_exec_round(work);
}

#endif
