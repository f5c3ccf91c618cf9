/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* How the programs of the file sensor begin and send their record. */
#ifndef VEDETTE_TELL_H
#define VEDETTE_TELL_H

#include "../include/call.h"
#include "../include/emit.h"
#include "../include/file_record.h"

RING(ring_file);

/* Numbers the event and gives a slot whose record says nothing yet but who acts and how. */
static __attribute__((noinline)) struct scratch *begin_file(__u32 operation, __u32 call)
{
	struct scratch *s = begin_record(CLASS_FILE);
	struct file_record *r;

	if (!s)
		return NULL;
	r = RECORD(s, file_record);
	__builtin_memset(&r->file, 0, sizeof(*r) - offsetof(struct file_record, file));
	begin_header(s, &r->header, RECORD_FILE);
	r->operation = operation;
	r->call = call;
	r->source = PATH_KERNEL;
	r->second_source = PATH_KERNEL;
	return s;
}

ALWAYS_INLINE void submit_file(struct scratch *s)
{
	SUBMIT_RECORD(ring_file, CLASS_FILE, s, file_record);
}

ALWAYS_INLINE bool is_kind(__u32 mode, __u32 kind)
{
	return (mode & S_IFMT) == kind;
}

#endif
