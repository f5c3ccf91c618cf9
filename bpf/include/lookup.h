/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What a name leads to. Calls such as unlink and chmod take a name and give nothing back that could be asked for its path, and a
 * name that is only joined to a directory can lie: /tmp/x/passwd is /etc/passwd when x is a symbolic link. So the walk of
 * fs/namei.c is done once more here, over the kernel's own cache of names (fs/dcache.c): every name that a call has just gone
 * along is in it. The cache is only read, without a lock; an entry counts only when its parent and the whole of its hash and
 * length agree, so a walk that goes wrong ends as unknown, not as another file. What the cache cannot answer is unknown: link
 * texts that are on disk only, file systems with names of their own making.
 */
#ifndef VEDETTE_LOOKUP_H
#define VEDETTE_LOOKUP_H

#include "call.h"
#include "file.h"
#include "pid.h"

/* Where the cache's table lies; user space finds out from entries that are in it (bpf/namecache). 0 leaves every name unknown. */
const volatile __u64 dentry_table = 0;
const volatile __u32 dentry_shift = 0;

enum lookup_flag {
	LOOKUP_FOLLOW = 1, /* a symbolic link at the end is followed */
	LOOKUP_EMPTY = 2,  /* an empty name means the directory itself, or its descriptor's file */
	LOOKUP_KERNEL = 4, /* the name lies in the memory of the kernel */
};

enum lookup_result {
	LOOKUP_FOUND = 1,
	/* The directory is known, and the last component is not in it, or not in the cache. */
	LOOKUP_ABSENT = 2,
	LOOKUP_UNKNOWN = 4,
	/* As absent, and the cache says that there was nothing when somebody last looked. */
	LOOKUP_NEGATIVE = 8,
	/* Of one component: the walk is at its entry by now, on which something may be mounted. */
	LOOKUP_ENTERED = 16,
};

#define NAME_START TEXT_MAX /* room for the texts of links before it */
#define NAME_END (2 * TEXT_MAX)
#define MOST_LINKS 40 /* MAXSYMLINKS */

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL
#define GOLDEN_RATIO_64 0x61C8864680B583EBULL

/*
 * A place in the name. Its mask changes nothing of an offset below NAME_END, and bounds for the verifier the value that is used:
 * the pointer keeps the bound wherever the compiler puts it, which a number does not before 5.12.
 */
ALWAYS_INLINE __u8 *name_at(struct scratch *s, __u64 at)
{
	__u8 *place = s->name;

	OPAQUE(at);
	at &= NAME_END - 1;
	place += at;
	OPAQUE(place);
	return place;
}

ALWAYS_INLINE __u64 rotate_left(__u64 x, int n)
{
	return (x << n) | (x >> (64 - n));
}

/*
 * Length (high half) and hash (low half) of the component at w->at within a directory: hash_name of fs/namei.c for machines
 * that read words at any address. The address of the directory salts it.
 */
ROUND __u64 lookup_hash(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 x = 0, y, a, b, zero, mask, length = 0;
	__u8 *word;

	if (!s || s->name_walk.at >= NAME_END)
		return 0;
	word = name_at(s, s->name_walk.at);
	y = (__u64)s->name_walk.dentry;
	for (int i = 0; i < 33; i++) {
		a = *(__u64 *)word;
		b = a ^ (ONES * '/');
		zero = (((a - ONES) & ~a) | ((b - ONES) & ~b)) & HIGHS;
		if (zero) {
			/* The bytes before the first that ends the component. */
			mask = ((zero - 1) & ~zero) >> 7;
			x ^= a & mask;
			length += (mask * 0x0001020304050608ULL) >> 56;
			y ^= x * GOLDEN_RATIO_64;
			y *= GOLDEN_RATIO_64;
			return length << 32 | y >> 32;
		}
		x ^= a;
		y ^= x;
		x = rotate_left(x, 12);
		x += y;
		y = rotate_left(y, 45);
		y *= 9;
		word += 8;
		length += 8;
	}
	return 0;
}

#define CHAIN_STEPS 48

/* Leaves the entry of a component within w->dentry in w->child, NULL when the cache has none. */
ROUND __u32 lookup_child(__u32 slot, __u64 hash_length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct hlist_bl_node *node = NULL;
	struct dentry *directory;

	if (!s)
		return 0;
	s->name_walk.child = NULL;
	if (!dentry_table)
		return 0;
	directory = s->name_walk.dentry;
	bpf_probe_read_kernel(&node, sizeof(node), (void *)(dentry_table + 8 * ((__u32)hash_length >> dentry_shift)));
	/* The lowest bit of the head is its lock. */
	node = (void *)((__u64)node & ~1ULL);
	for (int i = 0; i < CHAIN_STEPS && node; i++) {
		struct dentry *dentry = (void *)node - bpf_core_field_offset(struct dentry, d_hash);

		if (FIELD(dentry, dentry, d_parent) == directory &&
		    ((__u64)FIELD(dentry, dentry, d_name.len) << 32 | FIELD(dentry, dentry, d_name.hash)) == hash_length) {
			s->name_walk.child = dentry;
			return 0;
		}
		node = FIELD(hlist_bl_node, node, next);
	}
	return 0;
}

#define STACKED_MOUNTS 16
#define MOUNT_STEPS 32
#define MOUNT_ROUNDS 32 /* times MOUNT_STEPS: mounts on one mount that are looked through */

/* Looks through a piece of the mounts on w->mnt for the one at w->dentry; returns it, or the place to go on at with bit 0 set. */
ROUND __u64 lookup_mount_round(__u32 slot, __u64 from)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct list_head *head, *one = (void *)from;
	struct mount *parent;

	if (!s)
		return 0;
	parent = (void *)s->name_walk.mnt - bpf_core_field_offset(struct mount, mnt);
	head = (void *)parent + bpf_core_field_offset(struct mount, mnt_mounts);
	if (!one)
		one = BPF_CORE_READ(head, next);
	for (int i = 0; i < MOUNT_STEPS; i++) {
		struct mount *m = (void *)one - bpf_core_field_offset(struct mount, mnt_child);

		if (!one || one == head)
			return 0;
		if (BPF_CORE_READ(m, mnt_mountpoint) == s->name_walk.dentry)
			return (__u64)m;
		one = BPF_CORE_READ(one, next);
	}
	return (__u64)one | 1;
}

ALWAYS_INLINE bool is_mountpoint(struct dentry *dentry)
{
	__u32 flag = DCACHE_MOUNTED_BEFORE_ENUM;

	if (bpf_core_enum_value_exists(enum dentry_flags, DCACHE_MOUNTED))
		flag = bpf_core_enum_value(enum dentry_flags, DCACHE_MOUNTED);
	return FIELD(dentry, dentry, d_flags) & flag;
}

/* The mount on w->dentry as seen from w->mnt: its address, 0 for none, 1 when there are too many to look through. */
ROUND __u64 lookup_mount(__u32 slot)
{
	__u64 found = 1;

	for (int i = 0; i < MOUNT_ROUNDS && (found & 1); i++)
		found = lookup_mount_round(slot, found & ~1ULL);
	return found & 1 ? 1 : found;
}

/* Goes from w->dentry down to what is mounted on it. The flag says only that something is, in some mount namespace. */
ROUND __u32 lookup_mounted(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct name_walk *w;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	for (int depth = 0; depth < STACKED_MOUNTS; depth++) {
		struct vfsmount *mnt;
		struct mount *m;
		__u64 found;

		if (!is_mountpoint(w->dentry))
			return 0;
		found = lookup_mount(slot);
		if (!found)
			return 0;
		if (found == 1)
			break;
		m = (void *)found;
		mnt = (void *)m + bpf_core_field_offset(struct mount, mnt);
		w->mnt = mnt;
		w->dentry = FIELD(vfsmount, mnt, mnt_root);
	}
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

/* ".." */
ROUND __u32 lookup_up(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct name_walk *w;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	for (int i = 0; i < 8; i++) {
		struct dentry *dentry = w->dentry;
		struct vfsmount *mnt = w->mnt;
		struct mount *m, *up;

		if (dentry == w->root && mnt == w->root_mnt)
			return 0;
		if (dentry != BPF_CORE_READ(mnt, mnt_root)) {
			w->dentry = BPF_CORE_READ(dentry, d_parent);
			return 0;
		}
		m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		up = BPF_CORE_READ(m, mnt_parent);
		if (up == m || !up)
			return 0;
		w->dentry = BPF_CORE_READ(m, mnt_mountpoint);
		w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
	}
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

ALWAYS_INLINE void lookup_jump(struct name_walk *w, struct path *path)
{
	w->dentry = BPF_CORE_READ(path, dentry);
	w->mnt = BPF_CORE_READ(path, mnt);
	if (!w->dentry || !w->mnt)
		w->result = LOOKUP_UNKNOWN;
}

/* Puts a number in front of what is left of the name. */
ALWAYS_INLINE void lookup_put_number(struct scratch *s, __u32 number)
{
	struct name_walk *w = &s->name_walk;

	for (int i = 0; i < 10; i++) {
		w->at--;
		if (w->at >= NAME_END)
			break;
		*name_at(s, w->at) = '0' + number % 10;
		number /= 10;
		if (!number)
			return;
	}
	w->result = LOOKUP_UNKNOWN;
}

/*
 * The links of procfs lead to objects, not to names: self is the process, and below it fd/N, cwd, root and exe are what they
 * are called. entry is the link itself, w->dentry its directory. Returns w->result.
 */
ROUND __u32 lookup_proc_link(__u32 slot, __u64 entry)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *link = (void *)entry;
	struct inode *inode = BPF_CORE_READ(link, d_inode);
	struct proc_inode *about = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct task_struct *current = current_task(), *task;
	struct name_walk *w;
	__u32 length, level;
	struct qstr name;
	struct pid *pid;
	char text[8] = {};

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	bpf_core_read(&name, sizeof(name), &link->d_name);
	length = name.len;
	if (length > 7)
		goto unknown;
	bpf_probe_read_kernel(text, length & 7, name.name);
	pid = BPF_CORE_READ(about, pid);
	if (!pid) {
		struct proc_fs_info *info = BPF_CORE_READ(inode, i_sb, s_fs_info);

		/* /proc/self, in the numbers of the namespace that procfs was mounted for. */
		if (length != 4 || *(__u32 *)text != 0x666c6573)
			goto unknown;
		level = BPF_CORE_READ(info, pid_ns, level);
		pid = BPF_CORE_READ(current, signal, pids[PIDTYPE_TGID]);
		if (!pid || level > BPF_CORE_READ(pid, level))
			goto unknown;
		bpf_probe_read_kernel(&level, sizeof(level),
				      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
					      level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr));
		lookup_put_number(s, level);
		return w->result;
	}
	task = task_of_pid(pid);
	if (!task)
		goto unknown;
	if (length == 3 && text[0] == 'c' && text[1] == 'w') {
		lookup_jump(w, &BPF_CORE_READ(task, fs)->pwd);
	} else if (length == 4 && text[0] == 'r' && text[1] == 'o') {
		lookup_jump(w, &BPF_CORE_READ(task, fs)->root);
	} else if (length == 3 && text[0] == 'e' && text[1] == 'x') {
		struct file *exe = BPF_CORE_READ(task, mm, exe_file);

		lookup_jump(w, &exe->f_path);
	} else if (text[0] >= '0' && text[0] <= '9') {
		struct file *file;
		int number = 0;

		for (__u32 i = 0; i < 7 && i < length; i++)
			number = number * 10 + (text[i] - '0');
		file = file_of_descriptor(task, number);
		if (!file)
			goto unknown;
		lookup_jump(w, &file->f_path);
	} else {
		goto unknown;
	}
	return w->result;
unknown:
	w->result = LOOKUP_UNKNOWN;
	return w->result;
}

/*
 * Entries of procfs are made when they are asked for: a call that begins may find none yet. What self and thread-self lead to is
 * known without. Follows fd/N, root, cwd and exe below them at the root of a procfs; returns whether it did. The component of
 * the name before w->at is the one in question.
 */
ROUND __u32 lookup_self(__u32 slot, __u32 length)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct task_struct *task = current_task();
	__u32 number = 0, used, word;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct name_walk *w;
	__u8 *name, *next;
	struct file *file;

	/* "self" and "thread-self" */
	if (!s || (length != 4 && length != 11))
		return 0;
	w = &s->name_walk;
	dentry = w->dentry;
	mnt = w->mnt;
	if (w->at >= NAME_END || w->at < length || dentry != BPF_CORE_READ(mnt, mnt_root) ||
	    BPF_CORE_READ(mnt, mnt_sb, s_magic) != PROC_SUPER_MAGIC)
		return 0;
	name = name_at(s, w->at - length);
	next = name_at(s, w->at);
	if (*next != '/')
		return 0;
	if (length == 4) {
		if (*(__u32 *)name != 0x666c6573)
			return 0;
		task = BPF_CORE_READ(task, group_leader);
	} else if (*(__u64 *)name != 0x732d646165726874 || *(__u32 *)(name + 7) != 0x666c6573) {
		return 0;
	}
	word = *(__u32 *)(next + 1);
	if ((word & 0xffffff) == 0x2f6466) { /* "fd/" */
		used = 4;
		for (int i = 0; i < 7; i++) {
			__u8 digit = next[4 + i];

			if (digit < '0' || digit > '9')
				break;
			number = number * 10 + (digit - '0');
			used++;
		}
		file = file_of_descriptor(task, number);
		if (file)
			lookup_jump(w, &file->f_path);
		else
			w->result = LOOKUP_UNKNOWN;
	} else if (word == 0x746f6f72) { /* "root" */
		used = 5;
		lookup_jump(w, &BPF_CORE_READ(task, fs)->root);
	} else if ((word & 0xffffff) == 0x647763) { /* "cwd" */
		used = 4;
		lookup_jump(w, &BPF_CORE_READ(task, fs)->pwd);
	} else if ((word & 0xffffff) == 0x657865) { /* "exe" */
		used = 4;
		file = BPF_CORE_READ(task, mm, exe_file);
		lookup_jump(w, &file->f_path);
	} else {
		return 0;
	}
	w->at += used;
	next = name_at(s, w->at);
	if (*next != '/' && *next != 0)
		/* A longer word that begins alike. */
		w->result = LOOKUP_UNKNOWN;
	return 1;
}

/*
 * The text of a link that is too long for its inode lies on disk and in a page that cannot be reached from here. Those that
 * were made while we watched are kept, by device and inode.
 */
struct long_link_key {
	__u64 inode;
	__u64 device;
};

struct long_link {
	__u64 length;
	__u8 text[TEXT_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, struct long_link_key);
	__type(value, struct long_link);
} long_links SEC(".maps");

/* Follows a symbolic link: its text takes the place of its name. Returns w->result. */
ROUND __u32 lookup_link(__u32 slot, __u64 entry)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *link = (void *)entry;
	struct inode *inode = BPF_CORE_READ(link, d_inode);
	char *text = BPF_CORE_READ(inode, i_link);
	__u64 size = BPF_CORE_READ(inode, i_size), at;
	struct name_walk *w;
	__u8 *place;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	if (!text) {
		struct long_link_key key = {.inode = BPF_CORE_READ(inode, i_ino), .device = BPF_CORE_READ(inode, i_sb, s_dev)};
		struct long_link *kept = bpf_map_lookup_elem(&long_links, &key);

		if (kept && kept->length == size)
			text = (char *)kept->text;
	}
	at = (__u64)w->at - size;
	if (!text || size == 0 || size >= TEXT_MAX || at >= NAME_END) {
		w->result = LOOKUP_UNKNOWN;
		return w->result;
	}
	w->at = at;
	place = name_at(s, at);
	OPAQUE(size);
	size &= TEXT_MAX - 1;
	if (bpf_probe_read_kernel(place, size, text)) {
		w->result = LOOKUP_UNKNOWN;
		return w->result;
	}
	if (*place == '/') {
		w->dentry = w->root;
		w->mnt = w->root_mnt;
	}
	return 0;
}

#define TRAILING_SLASHES 16

/* Goes along one component of the name; returns the result, 0 while there is more. */
ROUND __u32 lookup_round(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct dentry *child;
	struct inode *inode;
	struct name_walk *w;
	__u64 hash_length;
	__u32 length, at;
	__u8 *name, *end;
	bool last, slash;

	if (!s)
		return LOOKUP_UNKNOWN;
	w = &s->name_walk;
	at = w->at;
	if (at >= NAME_END)
		return LOOKUP_UNKNOWN;
	name = name_at(s, at);
	if (*name == 0)
		return LOOKUP_FOUND;
	if (*name == '/') {
		at++;
		w->at = at;
		if (at >= NAME_END)
			return LOOKUP_UNKNOWN;
		name = name_at(s, at);
		/* Another slash, or the end. */
		if (*name == '/' || *name == 0)
			return 0;
	}
	hash_length = lookup_hash(slot);
	length = hash_length >> 32;
	if (length == 0 || length > 255 || at + length >= NAME_END)
		return LOOKUP_UNKNOWN;
	w->at = at + length;
	/* Slashes at the end change nothing but that a link is followed. */
	end = name_at(s, at + length);
	slash = *end == '/';
	for (int i = 0; i < TRAILING_SLASHES && *end == '/'; i++)
		end++;
	last = *end == 0;
	if (length == 1 && name[0] == '.')
		return 0;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		w->last_length = 0;
		return lookup_up(slot);
	}
	if (last) {
		w->parent = w->dentry;
		w->parent_mnt = w->mnt;
		w->last = at;
		w->last_length = length;
	}
	if (lookup_self(slot, length))
		return w->result;
	lookup_child(slot, hash_length);
	child = w->child;
	inode = child ? FIELD(dentry, child, d_inode) : NULL;
	if (!inode)
		return !last ? LOOKUP_UNKNOWN : child ? LOOKUP_NEGATIVE : LOOKUP_ABSENT;
	if ((FIELD(inode, inode, i_mode) & S_IFMT) == S_IFLNK && (!last || (w->flags & LOOKUP_FOLLOW) || slash)) {
		if (++w->links > MOST_LINKS)
			return LOOKUP_UNKNOWN;
		if (BPF_CORE_READ(inode, i_sb, s_magic) == PROC_SUPER_MAGIC && !BPF_CORE_READ(inode, i_link))
			return lookup_proc_link(slot, (__u64)child);
		return lookup_link(slot, (__u64)child);
	}
	w->dentry = child;
	return last ? LOOKUP_ENTERED | LOOKUP_FOUND : LOOKUP_ENTERED;
}

#define NAME_STEPS 32

/* Goes along some components of the name; returns the result, 0 while there is more. */
ROUND __u32 lookup_rounds(__u32 slot)
{
	__u32 result = 0, mounted;

	for (int i = 0; i < NAME_STEPS && !result; i++) {
		result = lookup_round(slot);
		if (!(result & LOOKUP_ENTERED))
			continue;
		/* Not a call of lookup_round: old kernels have little stack. */
		mounted = lookup_mounted(slot);
		result = mounted ? mounted : result & ~LOOKUP_ENTERED;
	}
	return result;
}

#define MIX_STEPS 16

/* Goes on with mixing at a word of the name. */
ROUND __u64 lookup_mix_round(__u32 slot, __u32 from, __u64 mix)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 *words;

	if (!s)
		return 0;
	words = (__u64 *)name_at(s, NAME_START + from * 8);
	for (__u32 i = 0; i < MIX_STEPS && (from + i) * 8 < s->name_walk.length; i++)
		mix = (rotate_left(mix, 23) ^ words[i]) * GOLDEN_RATIO_64;
	return mix;
}

/* Mixes the name's bytes, so that two reads of it can be compared. What follows it within its last word is 0: see lookup_read. */
ROUND __u64 lookup_mix(__u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 mix = GOLDEN_RATIO_64;
	__u32 length;

	if (!s)
		return 0;
	length = s->name_walk.length;
	for (__u32 from = 0; from < TEXT_MAX / 8 && from * 8 < length; from += MIX_STEPS)
		mix = lookup_mix_round(slot, from, mix);
	return mix;
}

/* Reads the caller's string, or the kernel's copy of it. Returns false when it cannot be read. */
ALWAYS_INLINE bool lookup_read(struct scratch *s, const void *string, bool kernel)
{
	struct name_walk *w = &s->name_walk;
	__u64 end;
	long n;

	if (kernel)
		n = bpf_probe_read_kernel_str(&s->name[NAME_START], TEXT_MAX, string);
	else
		n = bpf_probe_read_user_str(&s->name[NAME_START], TEXT_MAX, string);

	end = n;
	OPAQUE(end);
	if (end > TEXT_MAX) {
		s->name[NAME_START] = 0;
		w->length = 0;
		w->hash = 0;
		return false;
	}
	/* Words are read whole. */
	*(__u64 *)&s->name[NAME_START + end] = 0;
	w->length = end ? end - 1 : 0;
	w->hash = lookup_mix(s->slot);
	return true;
}

/* Where the walk begins: the root, the working directory, or what a descriptor stands for. */
ALWAYS_INLINE bool lookup_begin(struct scratch *s, int descriptor)
{
	struct task_struct *task = current_task();
	struct name_walk *w = &s->name_walk;
	struct fs_struct *fs = FIELD(task_struct, task, fs);

	w->result = 0;
	w->links = 0;
	w->parent = NULL;
	w->parent_mnt = NULL;
	w->last_length = 0;
	w->at = NAME_START;
	w->root = FIELD(fs_struct, fs, root.dentry);
	w->root_mnt = FIELD(fs_struct, fs, root.mnt);
	if (s->name[NAME_START] == '/') {
		w->dentry = w->root;
		w->mnt = w->root_mnt;
	} else if (descriptor == AT_FDCWD) {
		w->dentry = FIELD(fs_struct, fs, pwd.dentry);
		w->mnt = FIELD(fs_struct, fs, pwd.mnt);
	} else {
		struct file *file = file_of_descriptor(task, descriptor);

		w->dentry = file ? FIELD(file, file, f_path.dentry) : NULL;
		w->mnt = file ? FIELD(file, file, f_path.mnt) : NULL;
	}
	return w->dentry && w->mnt;
}

#define NAME_ROUNDS 69 /* times NAME_STEPS: PATH_MAX / 2 components, and links */

/* Walks along the name that was read, from a directory; returns lookup_result, and the outcome is in s->name_walk. */
ROUND __u32 lookup(__u32 slot, int descriptor, __u32 flags)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u32 result = 0;

	if (!s)
		return LOOKUP_UNKNOWN;
	s->name_walk.flags = flags;
	if (!lookup_begin(s, descriptor))
		return LOOKUP_UNKNOWN;
	if (s->name[NAME_START] == 0)
		return flags & LOOKUP_EMPTY ? LOOKUP_FOUND : LOOKUP_UNKNOWN;
	for (int i = 0; i < NAME_ROUNDS && !result; i++)
		result = lookup_rounds(slot);
	return result ? result : LOOKUP_UNKNOWN;
}

#endif
