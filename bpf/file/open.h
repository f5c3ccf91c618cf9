/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Opening files: what the kernel opened is asked of the descriptor that it gave back. */
#ifndef VEDETTE_OPEN_H
#define VEDETTE_OPEN_H

#include "interest.h"
#include "name.h"
#include "tell.h"
#include "written.h"

/* The flags that a call asks for. */
ALWAYS_INLINE __u64 asked_flags(struct call_arguments *a)
{
	__u64 flags = 0;

	switch (a->call) {
	case CALL_OPEN:
		return a->a1;
	case CALL_OPENAT:
	case CALL_OPEN_BY_HANDLE_AT:
		return a->a2;
	case CALL_OPENAT2:
		/* struct open_how begins with them. */
		bpf_probe_read_user(&flags, sizeof(flags), (void *)a->a2);
		return flags;
	case CALL_CREAT:
		return O_CREAT | O_WRONLY | O_TRUNC;
	default:
		return 0;
	}
}

ALWAYS_INLINE void fill_open(struct scratch *s, struct file *file, __u32 f_mode, struct call_arguments *a)
{
	struct file_record *r = RECORD(s, file_record);

	/* do_dentry_open (fs/open.c) takes those off the file that matter to the opening alone. */
	r->value[0] = BPF_CORE_READ(file, f_flags) | (asked_flags(a) & (O_CREAT | O_EXCL | O_TRUNC));
	r->value[1] = !!(f_mode & FMODE_CREATED);
	r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
}

ALWAYS_INLINE void tell_open(struct file *file, struct call_arguments *a, const struct actor *actor)
{
	__u32 f_mode = FIELD(file, file, f_mode);
	struct scratch *s;

	if (f_mode & FMODE_WRITE)
		/* What a file at the same address did before is another's story. */
		forget_written(file);
	/* It changes something, or may be followed by what does. */
	if ((f_mode & FMODE_CREATED) || holds_content(file, f_mode)) {
		if (!wanted(ACT_OPEN))
			return;
		if (reading_matters(file) ? withheld_though_it_matters(BPF_CORE_READ(file, f_inode, i_ino)) : withheld())
			return;
		s = begin_file(ACT_OPEN, a->call, actor);
		if (!s)
			return;
		fill_open(s, file, f_mode, a);
		submit_file(s);
	} else if (reading_matters(file) && !withheld_though_it_matters(BPF_CORE_READ(file, f_inode, i_ino))) {
		s = begin_candidate(ACT_OPEN, a->call);
		if (!s)
			return;
		fill_open(s, file, f_mode, a);
		submit_candidate(s);
	}
}

/*
 * An opening that failed: denied ones matter in any case, others when a rule asks. No file can be asked, only the string, which lies
 * in the kernel with LOOKUP_KERNEL in flags.
 */
ALWAYS_INLINE void tell_failed_open(struct call_arguments *a, long error, __u32 flags, const struct actor *actor)
{
	struct interest *i = interest();
	struct file_record *r;
	struct scratch *s;
	bool at = a->call == CALL_OPENAT || a->call == CALL_OPENAT2;

	if (!i || !wanted(ACT_OPEN) || a->call == CALL_OPEN_BY_HANDLE_AT)
		return;
	if (error != EACCES && error != EPERM && !i->failed_opens)
		return;
	if (withheld())
		return;
	s = begin_file(ACT_OPEN, a->call, actor);
	if (!s)
		return;
	r = RECORD(s, file_record);
	r->error = error;
	r->value[0] = asked_flags(a);
	append_name(s, at ? (int)a->a0 : AT_FDCWD, (void *)(at ? a->a1 : a->a0), LOOKUP_FOLLOW | flags, NULL);
	submit_file(s);
}

#endif
