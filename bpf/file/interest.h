/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Which files' reading matters. Nobody can afford an event for every opening, so a file that is only read passes two sets of bits
 * (Bloom filters of one hash): of names, its own and its directory's, and of objects. User space fills them from globs, and
 * tells the true hits from the false ones by the path.
 */
#ifndef VEDETTE_INTEREST_H
#define VEDETTE_INTEREST_H

#include "../include/core.h"

#define INTEREST_BITS 8192

struct interest {
	__u64 off; /* bit of each file_operation that is not to be told */
	__u64 failed_opens;
	__u64 names[INTEREST_BITS / 64];
	__u64 objects[INTEREST_BITS / 64];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct interest);
} interests SEC(".maps");

ALWAYS_INLINE struct interest *interest(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&interests, &key);
}

ALWAYS_INLINE bool wanted(__u32 operation)
{
	struct interest *i = interest();

	return i && !(i->off & (1ULL << operation));
}

/* The bit of a name or an object; bpf/file/interest.go computes the same. */
ALWAYS_INLINE __u32 interest_bit(__u64 a, __u64 b)
{
	a = (a ^ (b * 0x9E3779B97F4A7C15ULL)) * 0xD6E8FEB86659FD93ULL;
	a ^= a >> 32;
	a *= 0xD6E8FEB86659FD93ULL;
	return a >> 51;
}

ALWAYS_INLINE bool bit_is_set(__u64 *bits, __u32 bit)
{
	return bits[(bit / 64) & (INTEREST_BITS / 64 - 1)] & (1ULL << (bit % 64));
}

/* The first 16 bytes and the length of a name. */
ALWAYS_INLINE __u32 name_bit(struct dentry *dentry)
{
	__u64 words[2] = {};
	const unsigned char *name = FIELD(dentry, dentry, d_name.name);
	__u32 length = FIELD(dentry, dentry, d_name.len);

	if (length >= 16)
		bpf_probe_read_kernel(words, 16, name);
	else
		bpf_probe_read_kernel(words, length & 15, name);
	return interest_bit(words[0] ^ length, words[1]);
}

ALWAYS_INLINE bool reading_matters(struct file *file)
{
	struct dentry *dentry = FIELD(file, file, f_path.dentry);
	struct inode *inode = FIELD(file, file, f_inode);
	struct super_block *filesystem = FIELD(inode, inode, i_sb);
	struct interest *i = interest();

	if (!i)
		return false;
	if (bit_is_set(i->names, name_bit(dentry)))
		return true;
	if (bit_is_set(i->names, name_bit(FIELD(dentry, dentry, d_parent))))
		return true;
	return bit_is_set(i->objects, interest_bit(FIELD(inode, inode, i_ino), FIELD(super_block, filesystem, s_dev)));
}

#endif
