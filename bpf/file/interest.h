/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * Which files' reading matters. Nobody can afford an event for every opening, so a file that is only read passes two sets of bits
 * (Bloom filters of one hash): of names, its own and its directory's, and of objects. User space fills them from globs, and
 * tells the true hits from the false ones by the path.
 */
#ifndef VEDETTE_INTEREST_H
#define VEDETTE_INTEREST_H

#include "../include/core.h"
#include "../include/record.h"

#define INTEREST_BITS 8192

struct interest {
	__u64 off; /* bit of each file_operation that is not to be told */
	__u64 failed_opens;
	__u64 names[INTEREST_BITS / 64];
	__u64 objects[INTEREST_BITS / 64];
	__u64 moved_until; /* only the kernel side's: till when moved_objects is to be looked at */
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

struct moved_key {
	__u64 inode;
	__u64 device;
};

/* Objects whose reading matters and that are about to get another name, until user space knows them: it hears of it later. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct moved_key);
	__type(value, __u8);
} moved_objects SEC(".maps");

#define MOVED_FOR 5000000000ULL

ALWAYS_INLINE void note_moved(struct file_identity *f)
{
	struct moved_key key = {.inode = f->inode, .device = f->device};
	struct interest *i = interest();
	__u8 one = 1;

	if (!i || bpf_map_update_elem(&moved_objects, &key, &one, BPF_ANY))
		return;
	i->moved_until = bpf_ktime_get_boot_ns() + MOVED_FOR;
}

ALWAYS_INLINE bool has_moved(struct interest *i, __u64 inode, __u32 device)
{
	struct moved_key key = {.inode = inode, .device = encode_device(device)};

	return i->moved_until && bpf_ktime_get_boot_ns() < i->moved_until && bpf_map_lookup_elem(&moved_objects, &key);
}

/* Whether the reading of an object matters by a name it has. */
ALWAYS_INLINE bool is_secret(struct dentry *dentry, struct inode *inode)
{
	struct super_block *filesystem = FIELD(inode, inode, i_sb);
	struct interest *i = interest();
	__u32 device;
	__u64 number;

	if (!i)
		return false;
	if (bit_is_set(i->names, name_bit(dentry)))
		return true;
	if (bit_is_set(i->names, name_bit(FIELD(dentry, dentry, d_parent))))
		return true;
	number = FIELD(inode, inode, i_ino);
	device = FIELD(super_block, filesystem, s_dev);
	return bit_is_set(i->objects, interest_bit(number, device)) || has_moved(i, number, device);
}

ALWAYS_INLINE bool reading_matters(struct file *file)
{
	return is_secret(FIELD(file, file, f_path.dentry), FIELD(file, file, f_inode));
}

#endif
