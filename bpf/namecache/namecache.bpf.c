//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// Shows entries of the kernel's cache of names (fs/dcache.c), as the open files of all processes have them.

#include "../include/core.h"

char LICENSE[] SEC("license") = "GPL";

// An entry of the cache of names, and where its chain begins: what user space finds the table by.
struct cache_sample {
	__u64 chain; /* address of the pointer to the entry */
	__u32 hash;
	__u32 reserved;
};

ALWAYS_INLINE void sample(struct seq_file *seq, struct dentry *dentry)
{
	struct cache_sample one = {};
	struct qstr name;

	if (!dentry)
		return;
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	one.chain = (__u64)BPF_CORE_READ(dentry, d_hash.pprev);
	one.hash = name.hash;
	if (one.chain)
		bpf_seq_write(seq, &one, sizeof(one));
}

#define SAMPLE_DEPTH 6

SEC("iter/task_file")
int namecache_sample(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct dentry *dentry;

	if (!file)
		return 0;
	dentry = BPF_CORE_READ(file, f_path.dentry);
	for (int i = 0; i < SAMPLE_DEPTH && dentry; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		sample(ctx->meta->seq, dentry);
		if (parent == dentry)
			break;
		dentry = parent;
	}
	return 0;
}
