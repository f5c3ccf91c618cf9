/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The one record of the kernel sensor, and how a write to a sysctl is told: the file sensor has the calls that write, so it
 * calls emit_sysctl.
 */
#ifndef VEDETTE_KERNEL_RECORD_H
#define VEDETTE_KERNEL_RECORD_H

#include "emit.h"

enum kernel_operation {
	KERNEL_MODULE_LOAD = 1,
	KERNEL_MODULE_UNLOAD = 2,
	KERNEL_BPF = 3,
	KERNEL_PERF = 4,
	KERNEL_KEXEC = 5,
	KERNEL_SYSCTL = 6,
	KERNEL_KEYCTL = 7,
	KERNEL_ADD_KEY = 8,
	KERNEL_REQUEST_KEY = 9,
	KERNEL_RING_CREATE = 10,
	KERNEL_RING_REQUEST = 11,
};

enum kernel_text {
	/* Path of file: a module, a kernel to boot, the file of a sysctl. */
	KERNEL_TEXT_FILE,
	/* Path of second: an initrd. */
	KERNEL_TEXT_SECOND,
	/* Of a module, program, map, sysctl; the type of a key; the path of a ring's request. */
	KERNEL_TEXT_NAME,
	/* Parameters, target, command line, new value, description; the second path of a ring's request. */
	KERNEL_TEXT_VALUE,
	/* The value that a sysctl had. */
	KERNEL_TEXT_OLD,
	KERNEL_TEXT_COUNT,
};

struct kernel_record {
	struct record_header header;
	struct file_identity file;
	struct file_identity second;
	struct process_key creator; /* of a ring */
	__u64 helpers[4];           /* a bit for each helper that a program calls */
	__u64 flags;                /* of a module, kexec, ring */
	__u64 size;                 /* of a module in bytes */
	__u64 config;               /* of a perf event */
	__u32 operation;
	__u32 number; /* bpf command, perf type, keyctl operation, opcode of a ring's request */
	__s32 error;  /* positive errno */
	__u32 id;     /* of a program or map; serial of a key */
	__u32 program_type;
	__u32 map_type;
	__u32 attach_type;
	__u32 instructions;
	__u32 entries;
	__s32 keyring;
	__u8 tag[8];
	__u8 address[16];
	__u16 port; /* in the host's order */
	__u8 address_length;
	__u8 from_memory;
	__u8 with_program;
	__u8 reserved;
	__u16 text_length[KERNEL_TEXT_COUNT];
};

RING(ring_kernel);

/* Numbers an event of the acting task and clears its record; NULL when it is lost. */
ALWAYS_INLINE struct scratch *begin_kernel(enum kernel_operation operation, int ret)
{
	struct scratch *s = begin_record(CLASS_KERNEL);
	struct kernel_record *r;

	if (!s)
		return NULL;
	r = RECORD(s, kernel_record);
	__builtin_memset(r, 0, sizeof(*r));
	begin_header(s, &r->header, RECORD_KERNEL);
	r->operation = operation;
	r->error = ret < 0 ? -ret : 0;
	return s;
}

/* A sysctl is seldom deeper below /proc/sys: net/ipv4/conf/NAME/forwarding. */
#define SYSCTL_STEPS 10

/* The dentry of proc's "sys" when a file lies below it. */
ALWAYS_INLINE struct dentry *sysctl_root(struct dentry *dentry)
{
	__u32 name = 0;

	if (BPF_CORE_READ(dentry, d_inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return NULL;
	for (int i = 0; i < SYSCTL_STEPS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (parent == BPF_CORE_READ(parent, d_parent)) {
			if (parent == dentry)
				return NULL;
			bpf_probe_read_kernel(&name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
			return name == ('s' | 'y' << 8 | 's' << 16) ? dentry : NULL;
		}
		dentry = parent;
	}
	return NULL;
}

/* Appends the names from below root down to a dentry. */
ALWAYS_INLINE __u16 append_below(struct scratch *s, struct dentry *root, struct dentry *dentry)
{
	__u32 offset = TEXT_MAX - 1, length;
	__u64 at = s->at;
	struct qstr name;

	OPAQUE(at);
	for (int i = 0; i < SYSCTL_STEPS && dentry != root; i++) {
		bpf_core_read(&name, sizeof(name), &dentry->d_name);
		length = name.len & 0xff;
		/* As in path_step: the mask bounds the offset for the verifier, the room behind TEXT_MAX the name. */
		offset -= length;
		bpf_probe_read_kernel(&s->path[offset & (TEXT_MAX - 1)], length, name.name);
		offset -= 1;
		s->path[offset & (TEXT_MAX - 1)] = '/';
		dentry = BPF_CORE_READ(dentry, d_parent);
	}
	offset += 1;
	length = (TEXT_MAX - 1 - offset) & (TEXT_MAX - 1);
	if (at >= TEXT_LIMIT)
		return 0;
	bpf_probe_read_kernel(&s->text[at], length, &s->path[offset & (TEXT_MAX - 1)]);
	s->at = at + length;
	return length;
}

/* A sysctl's value is a line; what is longer is cut and flagged. */
#define SYSCTL_VALUE 256

/*
 * Tells of a write to a file that may be a sysctl, at the end of the call: what was written is in user memory, ret is what the
 * call returned. Does nothing for other files. Costs little when the file is not of procfs.
 */
static __attribute__((noinline, unused)) int emit_sysctl(struct file *file, const void *value, __u64 length, int ret)
{
	struct dentry *dentry, *root;
	struct kernel_record *r;
	struct scratch *s;

	if (!file)
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	root = sysctl_root(dentry);
	if (!root || root == dentry)
		return 0;
	s = begin_kernel(KERNEL_SYSCTL, ret);
	if (!s)
		return 0;
	r = RECORD(s, kernel_record);
	r->text_length[KERNEL_TEXT_FILE] = append_file(s, &r->file, file);
	r->text_length[KERNEL_TEXT_NAME] = append_below(s, root, dentry);
	if (length > SYSCTL_VALUE) {
		length = SYSCTL_VALUE;
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
	}
	r->text_length[KERNEL_TEXT_VALUE] = append_bytes(s, value, length);
	SUBMIT_RECORD(ring_kernel, CLASS_KERNEL, s, kernel_record);
	return 0;
}

#endif
