/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Calls that change what a name leads to: how it was is kept at their entry, how it is told at their exit. */
#ifndef VEDETTE_CHANGE_H
#define VEDETTE_CHANGE_H

#include "interest.h"
#include "name.h"

/* A call under way. */
struct pending_call {
	struct name_before name[2];
	/* What the names led to; of a call with one name the second is unused. */
	struct file_identity object[2];
	/* It is told of before it is done: nothing can be compared with afterwards. */
	__u64 ahead;
};

#define PENDING_CALLS 8192

/* By thread. Emptied at the call's exit, and at the thread's when it dies in between. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PENDING_CALLS);
	__type(key, __u64);
	__type(value, struct pending_call);
} pending_calls SEC(".maps");

/* Keeps what a name leads to before the call, in the pending_call of the slot. */
ROUND __u32 keep_name(__u32 slot, int directory, __u64 string, __u32 flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct file_identity *object;
	struct name_before *before;
	struct pending_call *p;
	struct dentry *dentry;
	struct name_walk *w;
	struct inode *inode;
	__u32 result;

	if (!s)
		return 0;
	p = RECORD(s, pending_call);
	w = &s->name_walk;
	before = flags & SECOND_NAME ? &p->name[1] : &p->name[0];
	object = flags & SECOND_NAME ? &p->object[1] : &p->object[0];
	if (!read_name(s, (void *)string, flags))
		return 0;
	result = lookup(slot, directory, flags);
	before->hash = w->hash;
	before->parent = result == LOOKUP_UNKNOWN ? NULL : w->parent;
	before->result = result;
	dentry = w->dentry;
	inode = result == LOOKUP_FOUND ? BPF_CORE_READ(dentry, d_inode) : NULL;
	if (inode) {
		struct mount *m = (void *)w->mnt - bpf_core_field_offset(struct mount, mnt);

		fill_inode(object, inode);
		object->mount_id = BPF_CORE_READ(m, mnt_id);
	}
	return 0;
}

/*
 * The name that was just kept is about to lose its object to another, or to share it. A secret is noted before that is done: another
 * thread may read it under the new name before the call returns. A call that fails has it looked up for nothing, for a while.
 */
ROUND __u32 note_secret(__u32 slot, __u32 which)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *dentry;
	struct pending_call *p;
	__u32 result;

	if (!s)
		return 0;
	p = RECORD(s, pending_call);
	dentry = s->name_walk.dentry;
	result = which ? p->name[1].result : p->name[0].result;
	if (result == LOOKUP_FOUND && is_secret(dentry, FIELD(dentry, dentry, d_inode)))
		note_moved(which ? &p->object[1] : &p->object[0]);
	return 0;
}

/* The name of a call, or the two of one that moves something or gives it another name. */
ALWAYS_INLINE void keep_names(struct scratch *s, struct names *n)
{
	bool moves = n->operation == ACT_RENAME || n->operation == ACT_LINK;

	keep_name(s->slot, n->directory[0], (__u64)n->string[0], n->flags[0]);
	if (!moves)
		return;
	note_secret(s->slot, 0);
	keep_name(s->slot, n->directory[1], (__u64)n->string[1], n->flags[1] | SECOND_NAME);
	if (n->operation == ACT_RENAME)
		note_secret(s->slot, 1);
}

/*
 * Keeps the kernel's word on a name of the call under way: it leads to dentry, and after is there when the call is done, unless it is
 * gone. Whether the call itself succeeds is not known yet.
 */
ALWAYS_INLINE void keep_truth(const struct path *directory, struct dentry *dentry, struct dentry *after, bool gone, __u64 which)
{
	__u64 thread = bpf_get_current_pid_tgid(), key = thread << 1 | which;
	struct pending_call *p = bpf_map_lookup_elem(&pending_calls, &thread);
	struct vfsmount *mnt = BPF_CORE_READ(directory, mnt);
	struct true_name *t;
	struct inode *inode;
	struct scratch *s;
	struct mount *m;

	/* A call that asks twice has asked of what it changes first. */
	if (!p || p->name[which].truth)
		return;
	s = scratch_claim(bpf_get_smp_processor_id());
	if (!s)
		return;
	t = (void *)s->text;
	t->after = after;
	t->mnt = mnt;
	t->gone = gone;
	t->length = append_path(s, mnt, dentry, offsetof(struct true_name, text));
	t->flags = s->flags;
	if (!bpf_map_update_elem(&true_names, &key, t, BPF_ANY)) {
		inode = BPF_CORE_READ(dentry, d_inode);
		__builtin_memset(&p->object[which], 0, sizeof(p->object[which]));
		p->name[which].result = inode ? LOOKUP_FOUND : LOOKUP_NEGATIVE;
		if (inode) {
			m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
			fill_inode(&p->object[which], inode);
			p->object[which].mount_id = BPF_CORE_READ(m, mnt_id);
		}
		p->name[which].truth = which + 1;
	}
	scratch_release(s);
}

/* A mode with setuid or setgid matters whatever else the process does. */
ALWAYS_INLINE bool gives_privilege(struct call_arguments *a)
{
	__u64 mode = a->a1;

	if (a->call == CALL_FCHMODAT || a->call == CALL_FCHMODAT2)
		mode = a->a2;
	else if (a->call != CALL_CHMOD && a->call != CALL_FCHMOD)
		return false;
	return mode & (S_ISUID | S_ISGID);
}

ALWAYS_INLINE void change_enter(struct pt_regs *regs)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct call_arguments a;
	struct pending_call *p;
	struct scratch *s;
	struct names n;

	read_call(&a, regs);
	if (!names_of_call(&n, &a) || !wanted(n.operation))
		return;
	if (is_over_budget(CLASS_FILE, file_budget) && !gives_privilege(&a))
		return;
	/* Without a slot the event comes without what was before. */
	s = scratch_claim(bpf_get_smp_processor_id());
	if (!s)
		return;
	p = RECORD(s, pending_call);
	__builtin_memset(p, 0, sizeof(*p));
	keep_names(s, &n);
	bpf_map_update_elem(&pending_calls, &thread, p, BPF_ANY);
	scratch_release(s);
}

/* kernel: the attribute's name and value lie in the memory of the kernel. */
ALWAYS_INLINE void append_attribute(struct scratch *s, struct call_arguments *a, bool kernel)
{
	struct file_record *r = RECORD(s, file_record);
	__u64 value = a->a2, size = a->a3, name = a->a1;

	if (a->call == CALL_SETXATTRAT || a->call == CALL_REMOVEXATTRAT)
		name = a->a3;
	r->text_length[TEXT_FIRST] = append_text(s, (void *)name, !kernel);
	if (r->operation == ACT_REMOVEXATTR)
		return;
	if (kernel) {
		r->text_length[TEXT_SECOND] = append_kernel_bytes(s, (void *)value, size);
		return;
	}
	if (a->call == CALL_SETXATTRAT) {
		/* struct xattr_args: value, size, flags */
		struct {
			__u64 value;
			__u32 size;
			__u32 flags;
		} args = {};

		bpf_probe_read_user(&args, sizeof(args), (void *)a->a4);
		value = args.value;
		size = args.size;
	}
	r->text_length[TEXT_SECOND] = append_bytes(s, (void *)value, size);
}

#define INLINE_LINK 59 /* ext4 keeps up to so many bytes in the inode, others more */

/* Keeps the text of a long link that was just made: what was appended to a record at from. */
ROUND __u32 keep_link(__u32 slot, __u32 from, __u32 length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct long_link_key key = {};
	struct long_link *kept;
	struct inode *inode;
	__u64 at = from;

	OPAQUE(at);
	if (!s || at >= TEXT_LIMIT || length <= INLINE_LINK)
		return 0;
	key.inode = RECORD(s, file_record)->file.inode;
	inode = s->object.inode;
	key.device = BPF_CORE_READ(inode, i_sb, s_dev);
	/* The name buffer is free by now, and large enough for the value. */
	kept = (void *)s->name;
	length &= TEXT_MAX - 1;
	kept->length = length;
	bpf_probe_read_kernel(kept->text, length, &s->text[at]);
	bpf_map_update_elem(&long_links, &key, kept, BPF_ANY);
	return 0;
}

/*
 * A name that is A at the entry and at the exit and B in between, when the kernel reads it, betrays itself by what A shows: it
 * is still there after it was removed, was there before it was made, or has nothing of the change.
 */
ALWAYS_INLINE void disbelieve(struct scratch *s, struct pending_call *p)
{
	/* Nothing was done yet, or the name is the kernel's own word. */
	if (p->ahead || p->name[0].truth)
		return;
	RECORD(s, file_record)->source = PATH_CHANGED;
	s->flags |= FLAG_CHANGED_DURING_CALL;
}

ALWAYS_INLINE bool same_object(struct file_identity *a, struct file_identity *b)
{
	return a->inode == b->inode && a->device == b->device;
}

/* Overlays may give two names of one object two inodes, and an object another one when it is copied up. */
ALWAYS_INLINE bool other_object(struct file_identity *a, struct file_identity *b)
{
	return !same_object(a, b) && a->filesystem != OVERLAYFS_MAGIC;
}

/* The object that was to go from a name is still there, or there was none. */
ALWAYS_INLINE bool has_not_gone(struct scratch *s, struct file_identity *now, struct pending_call *p, int which)
{
	if (p->name[which].result == LOOKUP_NEGATIVE)
		return true;
	return s->lookup_result == LOOKUP_FOUND && p->name[which].result == LOOKUP_FOUND &&
	       same_object(now, &p->object[which]) && now->links >= p->object[which].links;
}

/* An object that was to change is as it was. */
ALWAYS_INLINE bool has_not_changed(struct file_identity *now, struct file_identity *before)
{
	return same_object(now, before) && now->ctime_ns == before->ctime_ns && now->mode == before->mode &&
	       now->uid == before->uid && now->gid == before->gid && now->size == before->size &&
	       now->mtime_ns == before->mtime_ns;
}

/* The records of a rename: one, or with RENAME_EXCHANGE one for each of the two. */
ALWAYS_INLINE void tell_rename(struct call_arguments *a, struct names *n, struct pending_call *p, const struct actor *actor,
			       bool back)
{
	struct scratch *s = begin_file(ACT_RENAME, a->call, actor);
	bool exchange = a->call == CALL_RENAMEAT2 && (a->a4 & RENAME_EXCHANGE);
	struct file_record *r;
	int from = back ? 1 : 0;

	if (!s)
		return;
	r = RECORD(s, file_record);
	append_name(s, n->directory[from], n->string[from], n->flags[from] & LOOKUP_KERNEL, p ? &p->name[from] : NULL);
	/* Renaming one of two names of an object to the other changes nothing. */
	if (p && !exchange && !same_object(&p->object[0], &p->object[1]) && has_not_gone(s, &r->file, p, 0))
		disbelieve(s, p);
	append_name(s, n->directory[!from], n->string[!from], (n->flags[!from] & LOOKUP_KERNEL) | SECOND_NAME,
		    p ? &p->name[!from] : NULL);
	/* What lies at the second name now is what was moved. */
	r->file = p && p->ahead ? p->object[from] : r->before;
	if (p && p->name[from].result == LOOKUP_FOUND && other_object(&r->file, &p->object[from]))
		disbelieve(s, p);
	if (p && !exchange)
		r->before = p->object[1];
	else
		__builtin_memset(&r->before, 0, sizeof(r->before));
	submit_file(s);
}

ALWAYS_INLINE void tell_change(struct call_arguments *a, struct names *n, struct pending_call *p, const struct actor *actor)
{
	struct file_record *r;
	struct scratch *s;
	__u32 start;

	s = begin_file(n->operation, a->call, actor);
	if (!s)
		return;
	r = RECORD(s, file_record);
	append_name(s, n->directory[0], n->string[0], n->flags[0], p ? &p->name[0] : NULL);
	switch (n->operation) {
	case ACT_LINK:
		append_name(s, n->directory[1], n->string[1], n->flags[1] | SECOND_NAME, p ? &p->name[1] : NULL);
		if (p && (p->name[1].result == LOOKUP_FOUND || other_object(&r->file, &r->before)))
			disbelieve(s, p);
		__builtin_memset(&r->before, 0, sizeof(r->before));
		break;
	case ACT_SYMLINK:
		start = s->at;
		r->text_length[TEXT_FIRST] = append_text(s, (void *)a->a0, !(n->flags[0] & LOOKUP_KERNEL));
		if (s->lookup_result == LOOKUP_FOUND)
			keep_link(s->slot, start, r->text_length[TEXT_FIRST]);
		/* fallthrough */
	case ACT_MKDIR:
	case ACT_MKNOD:
		if (p && (p->name[0].result == LOOKUP_FOUND || s->lookup_result == LOOKUP_NEGATIVE))
			disbelieve(s, p);
		break;
	case ACT_SETXATTR:
	case ACT_REMOVEXATTR:
		append_attribute(s, a, n->flags[0] & LOOKUP_KERNEL);
		break;
	case ACT_DELETE:
	case ACT_RMDIR:
		if (p && has_not_gone(s, &r->file, p, 0))
			disbelieve(s, p);
		/* What is there by now, if anything, is another object. */
		if (p)
			r->file = p->object[0];
		else
			__builtin_memset(&r->file, 0, sizeof(r->file));
		break;
	case ACT_UTIMES:
		r->value[0] = access_time(s->object.inode);
		break;
	}
	if (p && (n->operation == ACT_CHMOD || n->operation == ACT_CHOWN || n->operation == ACT_TRUNCATE ||
		  n->operation == ACT_UTIMES)) {
		r->before = p->object[0];
		if (n->string[0] && has_not_changed(&r->file, &r->before))
			disbelieve(s, p);
	}
	submit_file(s);
}

/* Tells of a change that was made, with what is known of before. */
ALWAYS_INLINE void tell_changed(struct call_arguments *a, struct names *n, struct pending_call *p, const struct actor *actor)
{
	if (n->operation != ACT_RENAME) {
		tell_change(a, n, p, actor);
		return;
	}
	tell_rename(a, n, p, actor, false);
	if (a->call == CALL_RENAMEAT2 && (a->a4 & RENAME_EXCHANGE))
		tell_rename(a, n, p, actor, true);
}

ALWAYS_INLINE void forget_truth(struct pending_call *p)
{
	for (__u64 which = 0; which < 2; which++) {
		__u64 key = bpf_get_current_pid_tgid() << 1 | which;

		if (p->name[which].truth)
			bpf_map_delete_elem(&true_names, &key);
	}
}

ALWAYS_INLINE void change_exit(struct pt_regs *regs, long ret)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct pending_call *p = bpf_map_lookup_elem(&pending_calls, &thread);
	struct call_arguments a;
	struct names n;

	if (ret >= 0) {
		read_call(&a, regs);
		if (names_of_call(&n, &a) && wanted(n.operation) &&
		    !(gives_privilege(&a) ? withheld_though_it_matters(p ? p->object[0].inode : 0) : withheld()))
			tell_changed(&a, &n, p, NULL);
	}
	if (p) {
		forget_truth(p);
		bpf_map_delete_elem(&pending_calls, &thread);
	}
}

#endif
