/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Mounts, sockets with a name, and memory that is a file. */
#ifndef VEDETTE_MOUNT_H
#define VEDETTE_MOUNT_H

#include "interest.h"
#include "name.h"

static __attribute__((noinline)) void tell_mount(struct call_arguments *a, long ret)
{
	__u64 source = 0, type = 0, options = 0;
	struct file_record *r;
	struct scratch *s;
	struct file *file;

	if (!a)
		return;
	if (a->call == CALL_OPEN_TREE && !(a->a2 & OPEN_TREE_CLONE))
		/* An O_PATH descriptor by another name. */
		return;
	s = begin_file(ACT_MOUNT, a->call, NULL);
	if (!s)
		return;
	r = RECORD(s, file_record);
	switch (a->call) {
	case CALL_MOUNT:
		append_name(s, AT_FDCWD, (void *)a->a1, LOOKUP_FOLLOW, NULL);
		source = a->a0;
		type = a->a2;
		r->value[0] = a->a3;
		options = a->a4;
		break;
	case CALL_UMOUNT2:
		append_name(s, AT_FDCWD, (void *)a->a0, LOOKUP_FOLLOW, NULL);
		r->value[0] = a->a1;
		break;
	case CALL_PIVOT_ROOT:
		append_name(s, AT_FDCWD, (void *)a->a0, LOOKUP_FOLLOW, NULL);
		source = a->a1;
		break;
	case CALL_MOVE_MOUNT:
		append_name(s, a->a2, (void *)a->a3, LOOKUP_FOLLOW | LOOKUP_EMPTY, NULL);
		source = a->a1;
		r->value[0] = a->a4;
		break;
	case CALL_OPEN_TREE:
		append_name(s, a->a0, (void *)a->a1, LOOKUP_FOLLOW | LOOKUP_EMPTY, NULL);
		r->value[0] = a->a2;
		break;
	case CALL_MOUNT_SETATTR:
		append_name(s, a->a0, (void *)a->a1, LOOKUP_FOLLOW | LOOKUP_EMPTY, NULL);
		/* struct mount_attr begins with the attributes to set. */
		bpf_probe_read_user(&r->value[0], sizeof(r->value[0]), (void *)a->a3);
		break;
	default:
		file = file_of_descriptor(current_task(), ret);
		if (file)
			r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
		r->value[0] = a->a2;
		break;
	}
	if (source)
		r->text_length[TEXT_SECOND_PATH] = append_text(s, (void *)source, true);
	if (type)
		r->text_length[TEXT_FIRST] = append_text(s, (void *)type, true);
	if (options)
		r->text_length[TEXT_SECOND] = append_text(s, (void *)options, true);
	submit_file(s);
}

ALWAYS_INLINE void mount_exit(struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	if (ret < 0 || !wanted(ACT_MOUNT))
		return;
	read_call(&a, regs);
	tell_mount(&a, ret);
}

#define SOCKETCALL_BIND 2

/* A socket got an address: only those that are names on this host are told. */
ALWAYS_INLINE void tell_bind(struct file *file, __u32 call)
{
	struct unix_address *address;
	struct dentry *dentry;
	struct file_record *r;
	struct unix_sock *u;
	struct socket *sock;
	struct scratch *s;
	struct sock *sk;

	if (!wanted(ACT_BIND) || !is_kind(BPF_CORE_READ(file, f_inode, i_mode), S_IFSOCK))
		return;
	sock = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(sock, sk);
	if (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX)
		return;
	s = begin_file(ACT_BIND, call, NULL);
	if (!s)
		return;
	r = RECORD(s, file_record);
	u = (void *)sk;
	r->value[0] = (__u16)BPF_CORE_READ(sock, type);
	dentry = BPF_CORE_READ(u, path.dentry);
	if (dentry) {
		r->text_length[TEXT_PATH] =
			append_object(s, &r->file, BPF_CORE_READ(dentry, d_inode), BPF_CORE_READ(u, path.mnt), dentry);
	} else {
		/* An abstract name begins with a NUL, may hold any byte, and is as long as its address says. */
		address = BPF_CORE_READ(u, addr);
		if (address) {
			__u32 length = BPF_CORE_READ(address, len);
			__u64 at = s->at;

			length = length > 3 ? length - 3 : 0;
			if (length > 107)
				length = 107;
			OPAQUE(at);
			if (at < TEXT_LIMIT) {
				bpf_probe_read_kernel(&s->text[at], length & 127,
						      (void *)address + bpf_core_type_size(struct unix_address) + 3);
				r->text_length[TEXT_FIRST] = length;
				s->at = at + length;
			}
		}
		r->value[1] = 1;
	}
	submit_file(s);
}

ALWAYS_INLINE void bind_exit(struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct file *file;
	__u32 descriptor;

	if (ret < 0)
		return;
	read_call(&a, regs);
	descriptor = a.a0;
	if (a.call == CALL_SOCKETCALL) {
		if (a.a0 != SOCKETCALL_BIND)
			return;
		bpf_probe_read_user(&descriptor, sizeof(descriptor), (void *)a.a1);
	}
	file = file_of_descriptor(current_task(), descriptor);
	if (file)
		tell_bind(file, a.call);
}

ALWAYS_INLINE void memfd_exit(struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct file_record *r;
	struct scratch *s;
	struct file *file;

	if (ret < 0 || !wanted(ACT_MEMFD))
		return;
	read_call(&a, regs);
	s = begin_file(ACT_MEMFD, a.call, NULL);
	if (!s)
		return;
	r = RECORD(s, file_record);
	r->value[0] = a.a1;
	file = file_of_descriptor(current_task(), ret);
	if (file)
		r->text_length[TEXT_PATH] = append_file(s, &r->file, file);
	r->text_length[TEXT_FIRST] = append_text(s, (void *)a.a0, true);
	submit_file(s);
}

#endif
