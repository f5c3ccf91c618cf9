/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Names that calls take: looked up in the kernel's cache, and told as they were given where that does not answer. */
#ifndef VEDETTE_NAME_H
#define VEDETTE_NAME_H

#include "../include/lookup.h"
#include "tell.h"
#include "truth.h"

/* Appends length bytes of the name buffer. */
ALWAYS_INLINE void append_component(struct scratch *s, __u32 from, __u32 length)
{
	__u64 at = s->at;

	OPAQUE(at);
	if (at >= TEXT_LIMIT || from >= NAME_END)
		return;
	length &= 255;
	bpf_probe_read_kernel(&s->text[at], length, name_at(s, from));
	s->at = at + length;
}

/*
 * Appends the path of what the walk in s->name_walk has come to. Returns the path_source: where the walk failed there is no text,
 * and the caller's string has to be told.
 */
ALWAYS_INLINE __u16 append_walked(struct scratch *s, struct file_identity *f, __u32 result)
{
	struct name_walk *w = &s->name_walk;
	struct dentry *dentry = w->dentry;
	__u32 length;
	__u64 at;

	if (result == LOOKUP_FOUND) {
		append_object(s, f, BPF_CORE_READ(dentry, d_inode), w->mnt, dentry);
		return PATH_KERNEL;
	}
	if (result == LOOKUP_ABSENT || result == LOOKUP_NEGATIVE) {
		length = append_path(s, w->parent_mnt, w->parent, s->at);
		at = s->at + length;
		OPAQUE(at);
		/* "/" ends with the slash that stands between the two already. */
		if (length > 1 && at < TEXT_LIMIT) {
			s->text[at] = '/';
			at++;
		}
		s->at = at;
		append_component(s, w->last, w->last_length);
		return PATH_KERNEL;
	}
	return PATH_LEXICAL;
}

/* Beside enum lookup_flag: the record's second name is meant. */
#define SECOND_NAME 0x100

/* Reads the caller's string; a call that takes a descriptor alone gives none, which stands for an empty one. */
ALWAYS_INLINE bool read_name(struct scratch *s, const void *string, __u32 flags)
{
	if (string)
		return lookup_read(s, string, flags & LOOKUP_KERNEL);
	*(__u64 *)&s->name[NAME_START] = 0;
	s->name_walk.length = 0;
	s->name_walk.hash = 1;
	return true;
}

/*
 * Looks a name up now and appends its path as the record's first or second name. Where the call began with another string or in
 * another directory (s->before) somebody changed one of them meanwhile.
 */
ROUND __u32 name_text(__u32 slot, int directory, __u64 string, __u32 flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u32 result, start, text = flags & SECOND_NAME ? TEXT_SECOND_PATH : TEXT_PATH;
	struct file_record *r;
	struct true_name *t;
	struct name_walk *w;
	__u16 source;
	__u64 at;

	if (!s)
		return 0;
	r = RECORD(s, file_record);
	w = &s->name_walk;
	start = s->at;
	t = find_truth(&s->before);
	if (t) {
		r->text_length[text] = append_truth(s, t, flags & SECOND_NAME ? &r->before : &r->file);
		source = PATH_KERNEL;
		goto out;
	}
	if (!read_name(s, (void *)string, flags)) {
		s->flags |= FLAG_READ_FAULT;
		source = PATH_LEXICAL;
		goto out;
	}
	result = lookup(slot, directory, flags);
	s->lookup_result = result;
	source = append_walked(s, flags & SECOND_NAME ? &r->before : &r->file, result);
	/* The walk has put the texts of links over the caller's string. */
	if (source == PATH_LEXICAL && !read_name(s, (void *)string, flags))
		s->flags |= FLAG_READ_FAULT;
	if (source == PATH_LEXICAL && s->name[NAME_START] != '/' && lookup_begin(s, directory))
		s->at += append_path(s, w->mnt, w->dentry, s->at);
	r->text_length[text] = s->at - start;
	at = s->at;
	OPAQUE(at);
	if (source == PATH_LEXICAL && at < TEXT_LIMIT) {
		__u32 length = w->length & (TEXT_MAX - 1);

		bpf_probe_read_kernel(&s->text[at], length, &s->name[NAME_START]);
		s->at = at + length;
		r->text_length[text + 1] = length;
	}
	if (s->before.hash && (s->before.hash != w->hash || (s->before.parent && w->parent && s->before.parent != w->parent))) {
		source = PATH_CHANGED;
		s->flags |= FLAG_CHANGED_DURING_CALL;
	}
out:
	if (flags & SECOND_NAME)
		r->second_source = source;
	else
		r->source = source;
	return 0;
}

ALWAYS_INLINE void append_name(struct scratch *s, int directory, const void *string, __u32 flags, struct name_before *before)
{
	if (before)
		s->before = *before;
	else
		__builtin_memset(&s->before, 0, sizeof(s->before));
	name_text(s->slot, directory, (__u64)string, flags);
}

/* A name or two, as a call takes them. */
struct names {
	const void *string[2];
	int directory[2];
	__u32 flags[2];  /* enum lookup_flag */
	__u32 operation; /* enum file_operation */
};

ALWAYS_INLINE void first_name(struct names *n, __u32 operation, __u64 directory, __u64 string, __u32 flags)
{
	n->operation = operation;
	n->directory[0] = directory;
	n->string[0] = (void *)string;
	n->flags[0] = flags;
}

ALWAYS_INLINE void second_name(struct names *n, __u64 directory, __u64 string)
{
	n->directory[1] = directory;
	n->string[1] = (void *)string;
	n->flags[1] = 0;
}

ALWAYS_INLINE __u32 follow_unless(__u64 flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

/* What a call takes as names. A descriptor alone is an empty name that starts at it. */
ALWAYS_INLINE bool names_of_call(struct names *n, struct call_arguments *a)
{
	__builtin_memset(n, 0, sizeof(*n));
	switch (a->call) {
	case CALL_UNLINK:
		first_name(n, ACT_DELETE, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_UNLINKAT:
		first_name(n, a->a2 & AT_REMOVEDIR ? ACT_RMDIR : ACT_DELETE, a->a0, a->a1, 0);
		return true;
	case CALL_RMDIR:
		first_name(n, ACT_RMDIR, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_RENAME:
		first_name(n, ACT_RENAME, AT_FDCWD, a->a0, 0);
		second_name(n, AT_FDCWD, a->a1);
		return true;
	case CALL_RENAMEAT:
	case CALL_RENAMEAT2:
		first_name(n, ACT_RENAME, a->a0, a->a1, 0);
		second_name(n, a->a2, a->a3);
		return true;
	case CALL_MKDIR:
		first_name(n, ACT_MKDIR, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_MKDIRAT:
		first_name(n, ACT_MKDIR, a->a0, a->a1, 0);
		return true;
	case CALL_MKNOD:
		first_name(n, ACT_MKNOD, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_MKNODAT:
		first_name(n, ACT_MKNOD, a->a0, a->a1, 0);
		return true;
	case CALL_LINK:
		first_name(n, ACT_LINK, AT_FDCWD, a->a0, 0);
		second_name(n, AT_FDCWD, a->a1);
		return true;
	case CALL_LINKAT:
		first_name(n, ACT_LINK, a->a0, a->a1,
			   (a->a4 & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (a->a4 & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
		second_name(n, a->a2, a->a3);
		return true;
	case CALL_SYMLINK:
		first_name(n, ACT_SYMLINK, AT_FDCWD, a->a1, 0);
		return true;
	case CALL_SYMLINKAT:
		first_name(n, ACT_SYMLINK, a->a1, a->a2, 0);
		return true;
	case CALL_CHMOD:
		first_name(n, ACT_CHMOD, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_FCHMODAT:
		first_name(n, ACT_CHMOD, a->a0, a->a1, LOOKUP_FOLLOW);
		return true;
	case CALL_FCHMODAT2:
		first_name(n, ACT_CHMOD, a->a0, a->a1, follow_unless(a->a3));
		return true;
	case CALL_FCHMOD:
		first_name(n, ACT_CHMOD, a->a0, 0, LOOKUP_EMPTY);
		return true;
	case CALL_CHOWN:
		first_name(n, ACT_CHOWN, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_LCHOWN:
		first_name(n, ACT_CHOWN, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_FCHOWNAT:
		first_name(n, ACT_CHOWN, a->a0, a->a1, follow_unless(a->a4));
		return true;
	case CALL_FCHOWN:
		first_name(n, ACT_CHOWN, a->a0, 0, LOOKUP_EMPTY);
		return true;
	case CALL_TRUNCATE:
		first_name(n, ACT_TRUNCATE, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_FTRUNCATE:
		first_name(n, ACT_TRUNCATE, a->a0, 0, LOOKUP_EMPTY);
		return true;
	case CALL_UTIME:
	case CALL_UTIMES:
		first_name(n, ACT_UTIMES, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_FUTIMESAT:
		first_name(n, ACT_UTIMES, a->a0, a->a1, LOOKUP_FOLLOW | LOOKUP_EMPTY);
		return true;
	case CALL_UTIMENSAT:
		first_name(n, ACT_UTIMES, a->a0, a->a1, follow_unless(a->a3) | (a->a1 ? 0 : LOOKUP_EMPTY));
		return true;
	case CALL_SETXATTR:
		first_name(n, ACT_SETXATTR, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_LSETXATTR:
		first_name(n, ACT_SETXATTR, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_FSETXATTR:
		first_name(n, ACT_SETXATTR, a->a0, 0, LOOKUP_EMPTY);
		return true;
	case CALL_SETXATTRAT:
		first_name(n, ACT_SETXATTR, a->a0, a->a1, follow_unless(a->a2));
		return true;
	case CALL_REMOVEXATTR:
		first_name(n, ACT_REMOVEXATTR, AT_FDCWD, a->a0, LOOKUP_FOLLOW);
		return true;
	case CALL_LREMOVEXATTR:
		first_name(n, ACT_REMOVEXATTR, AT_FDCWD, a->a0, 0);
		return true;
	case CALL_FREMOVEXATTR:
		first_name(n, ACT_REMOVEXATTR, a->a0, 0, LOOKUP_EMPTY);
		return true;
	case CALL_REMOVEXATTRAT:
		first_name(n, ACT_REMOVEXATTR, a->a0, a->a1, follow_unless(a->a2));
		return true;
	default:
		return false;
	}
}

#endif
