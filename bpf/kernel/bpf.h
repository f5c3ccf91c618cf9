/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* eBPF objects: what is loaded, made, reached, fastened and loosened by bpf(2). */
#ifndef VEDETTE_KERNEL_BPF_H
#define VEDETTE_KERNEL_BPF_H

#include "tell.h"

/*
 * Commands of bpf(2) (enum bpf_cmd in include/uapi/linux/bpf.h) that make, reach, fasten or loosen an object. Those that read
 * or write what is in a map, that list objects or describe them are too many and change nothing.
 */
enum {
	BPF_MAP_CREATE = 0,
	BPF_PROG_LOAD = 5,
	BPF_OBJ_PIN = 6,
	BPF_OBJ_GET = 7,
	BPF_PROG_ATTACH = 8,
	BPF_PROG_DETACH = 9,
	BPF_PROG_GET_FD_BY_ID = 13,
	BPF_MAP_GET_FD_BY_ID = 14,
	BPF_RAW_TRACEPOINT_OPEN = 17,
	BPF_MAP_FREEZE = 22,
	BPF_LINK_CREATE = 28,
	BPF_LINK_UPDATE = 29,
	BPF_LINK_GET_FD_BY_ID = 30,
	BPF_LINK_DETACH = 34,
	BPF_PROG_BIND_MAP = 35,
	BPF_TOKEN_CREATE = 36,
};

#define BIT(n) (1ULL << (n))
#define REPORTED_COMMANDS                                                                                               \
	(BIT(BPF_MAP_CREATE) | BIT(BPF_PROG_LOAD) | BIT(BPF_OBJ_PIN) | BIT(BPF_OBJ_GET) | BIT(BPF_PROG_ATTACH) |        \
	 BIT(BPF_PROG_DETACH) | BIT(BPF_PROG_GET_FD_BY_ID) | BIT(BPF_MAP_GET_FD_BY_ID) | BIT(BPF_RAW_TRACEPOINT_OPEN) | \
	 BIT(BPF_MAP_FREEZE) | BIT(BPF_LINK_CREATE) | BIT(BPF_LINK_UPDATE) | BIT(BPF_LINK_GET_FD_BY_ID) |               \
	 BIT(BPF_LINK_DETACH) | BIT(BPF_PROG_BIND_MAP) | BIT(BPF_TOKEN_CREATE))
#define MAKES_DESCRIPTOR                                                                            \
	(BIT(BPF_MAP_CREATE) | BIT(BPF_PROG_LOAD) | BIT(BPF_OBJ_GET) | BIT(BPF_PROG_GET_FD_BY_ID) | \
	 BIT(BPF_MAP_GET_FD_BY_ID) | BIT(BPF_RAW_TRACEPOINT_OPEN) | BIT(BPF_LINK_CREATE) | BIT(BPF_LINK_GET_FD_BY_ID))

/* The argument of bpf(2), each command's view of it. */
union bpf_argument {
	struct {
		__u32 type, key_size, value_size, max_entries, map_flags, inner_map, numa_node;
		char name[16];
	} map;
	struct {
		__u32 type, instruction_count;
		__u64 instructions, license;
		__u32 log_level, log_size;
		__u64 log_buffer;
		__u32 kernel_version, flags;
		char name[16];
		__u32 interface, attach_type;
	} program;
	struct {
		__u64 path;
		__u32 descriptor;
	} pin;
	/* Of a cgroup or the like; the first two change places from one command to the other. */
	struct {
		__u32 target, program, type;
	} attach;
	struct {
		__u32 program, target, type;
	} link;
	struct {
		__u64 name;
		__u32 program;
	} raw;
	struct {
		__u32 link, program;
	} update;
	__u32 words[2];
	__u8 bytes[128];
};

struct instruction {
	__u8 code;
	__u8 registers;
	__s16 offset;
	__s32 immediate;
};

#define SCAN_STEPS 64
#define SCAN_ROUNDS 128 /* times SCAN_STEPS: a program without capabilities has 4,096 instructions at most, most have less */
#define CALL_HELPER 0x85

/* Notes the helpers that a piece of a program calls. */
ROUND int kernel_scan(__u32 slot, __u64 instructions, __u32 count)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct instruction *all;
	struct kernel_record *r;

	if (!s)
		return 0;
	r = RECORD(s, kernel_record);
	all = (void *)s->path;
	if (bpf_probe_read_user(all,
				SCAN_STEPS * sizeof(*all) < count * sizeof(*all) ? SCAN_STEPS * sizeof(*all)
										 : (count & (SCAN_STEPS - 1)) * sizeof(*all),
				(void *)instructions)) {
		s->flags |= FLAG_READ_FAULT;
		return 0;
	}
	for (__u32 i = 0; i < SCAN_STEPS; i++) {
		__u32 helper = all[i].immediate;

		if (i >= count)
			break;
		/* The source register says whether it calls a helper, a function of the program or one of the kernel. */
		if (all[i].code == CALL_HELPER && !(all[i].registers & 0xf0) && helper < 256)
			r->helpers[helper / 64 & 3] |= BIT(helper & 63);
	}
	return 0;
}

/*
 * The kernel rewrites a program as it verifies it: a helper's number becomes its address. So the numbers come from the caller's
 * memory, after the load. Who changes it meanwhile hides them, but not the tag, which the kernel made of what it loaded.
 */
ALWAYS_INLINE void scan_program(struct scratch *s, __u64 instructions, __u32 count)
{
	if (count > SCAN_STEPS * SCAN_ROUNDS) {
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
		count = SCAN_STEPS * SCAN_ROUNDS;
	}
	for (__u32 i = 0; i < SCAN_ROUNDS; i++) {
		__u32 at = i * SCAN_STEPS;

		if (at >= count)
			break;
		kernel_scan(s->slot, instructions + at * sizeof(struct instruction), count - at);
	}
}

#define HELPER_OVERRIDE_RETURN 58

ALWAYS_INLINE void fill_program(struct scratch *s, struct bpf_prog *program)
{
	struct kernel_record *r = RECORD(s, kernel_record);

	if (!program)
		return;
	r->program_type = BPF_CORE_READ(program, type);
	r->attach_type = BPF_CORE_READ(program, expected_attach_type);
	r->instructions = BPF_CORE_READ(program, len);
	bpf_core_read(r->tag, sizeof(r->tag), &program->tag);
	r->id = BPF_CORE_READ(program, aux, id);
	/* The verifier's own mark. */
	if (BPF_CORE_READ_BITFIELD_PROBED(program, kprobe_override))
		r->helpers[0] |= BIT(HELPER_OVERRIDE_RETURN);
}

ALWAYS_INLINE void append_program_texts(struct scratch *s, struct bpf_prog *program, const char *target)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct bpf_prog_aux *aux = BPF_CORE_READ(program, aux);

	if (aux) {
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, aux->name, false);
		if (!target)
			target = BPF_CORE_READ(aux, attach_func_name);
	}
	if (target)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, target, false);
}

/* A name of 15 bytes that was copied from user memory. */
ALWAYS_INLINE __u16 append_name(struct scratch *s, const char *name)
{
	return append_text(s, name, false);
}

/*
 * The kinds of objects by the names of their files: "bpf-prog", "bpf-map", "bpf_link" where a link was made and "bpf-link"
 * where it was found again, in memory order.
 */
#define FILE_OF_PROGRAM 0x676f72702d667062ULL
#define FILE_OF_MAP 0x0070616d2d667062ULL
#define FILE_OF_LINK 0x6b6e696c5f667062ULL
#define FILE_OF_FOUND_LINK 0x6b6e696c2d667062ULL

ALWAYS_INLINE __u64 kind_of_file(struct file *file)
{
	__u64 name = 0;

	/* No other file has such a name: this file system takes none from user space. */
	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return 0;
	bpf_probe_read_kernel(&name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return name;
}

/* What the kernel says of the object behind a descriptor; false when it is none. */
ALWAYS_INLINE bool append_bpf_object(struct scratch *s, int descriptor)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct file *file = file_of_descriptor(current_task(), descriptor);
	__u64 kind = kind_of_file(file);
	struct bpf_prog *program = NULL;
	const char *target = NULL;
	void *object;

	if (!kind)
		return false;
	object = BPF_CORE_READ(file, private_data);
	if (kind == FILE_OF_MAP) {
		struct bpf_map *map = object;

		r->map_type = BPF_CORE_READ(map, map_type);
		r->id = BPF_CORE_READ(map, id);
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, map->name, false);
		return true;
	}
	if (kind == FILE_OF_PROGRAM) {
		program = object;
	} else if (kind == FILE_OF_LINK || kind == FILE_OF_FOUND_LINK) {
		struct bpf_link *link = object;

		program = BPF_CORE_READ(link, prog);
		if (BPF_CORE_READ(link, type) == BPF_LINK_TYPE_RAW_TRACEPOINT)
			target = BPF_CORE_READ((struct bpf_raw_tp_link *)link, btp, tp, name);
	} else {
		return false;
	}
	fill_program(s, program);
	append_program_texts(s, program, target);
	return true;
}

/* The directory, mostly a cgroup, that a program was fastened to. */
ALWAYS_INLINE void append_target(struct scratch *s, int descriptor)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct file *file = file_of_descriptor(current_task(), descriptor);

	if (r->text_length[KERNEL_TEXT_VALUE] || !file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFDIR)
		return;
	r->text_length[KERNEL_TEXT_VALUE] = append_directory(s, &file->f_path);
}

ALWAYS_INLINE void bpf_event(struct call_arguments *a, int ret)
{
	__u32 command = a->a0;
	union bpf_argument *argument;
	__u64 size = (__u32)a->a2;
	struct kernel_record *r;
	struct scratch *s;
	int descriptor;
	bool found;

	if (command >= 64 || !(REPORTED_COMMANDS & BIT(command)))
		return;
	s = begin_kernel(KERNEL_BPF, ret);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->number = command;
	/* The name area is free here. */
	argument = (void *)s->name;
	__builtin_memset(argument, 0, sizeof(*argument));
	OPAQUE(size);
	if (size > sizeof(*argument))
		size = sizeof(*argument);
	if (bpf_probe_read_user(argument, size, (void *)a->a1))
		s->flags |= FLAG_READ_FAULT;

	descriptor = argument->words[0];
	if (ret >= 0 && (MAKES_DESCRIPTOR & BIT(command)))
		descriptor = ret;
	else if (command == BPF_OBJ_PIN)
		descriptor = argument->pin.descriptor;
	else if (command == BPF_RAW_TRACEPOINT_OPEN)
		descriptor = argument->raw.program;
	else if (command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH)
		descriptor = argument->attach.program;
	else if (BIT(command) & (MAKES_DESCRIPTOR & ~BIT(BPF_LINK_CREATE)))
		descriptor = -1;
	found = append_bpf_object(s, descriptor);

	if (command == BPF_PROG_LOAD) {
		if (!found) {
			r->program_type = argument->program.type;
			r->attach_type = argument->program.attach_type;
			r->instructions = argument->program.instruction_count;
			r->text_length[KERNEL_TEXT_NAME] = append_name(s, argument->program.name);
		} else if (r->program_type != argument->program.type) {
			s->flags |= FLAG_CHANGED_DURING_CALL;
		}
		scan_program(s, argument->program.instructions, argument->program.instruction_count);
	} else if (command == BPF_MAP_CREATE) {
		if (!found) {
			r->map_type = argument->map.type;
			r->text_length[KERNEL_TEXT_NAME] = append_name(s, argument->map.name);
		} else if (r->map_type != argument->map.type) {
			s->flags |= FLAG_CHANGED_DURING_CALL;
		}
	} else if (command == BPF_OBJ_PIN || command == BPF_OBJ_GET) {
		/* Where it is, not where the program goes. */
		s->at -= r->text_length[KERNEL_TEXT_VALUE];
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)argument->pin.path, true);
	} else if (command == BPF_PROG_ATTACH || command == BPF_PROG_DETACH) {
		r->attach_type = argument->attach.type;
		append_target(s, argument->attach.target);
	} else if (command == BPF_LINK_CREATE) {
		r->attach_type = argument->link.type;
		append_target(s, argument->link.target);
	} else if (command == BPF_RAW_TRACEPOINT_OPEN && ret < 0) {
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)argument->raw.name, true);
	} else if (!found &&
		   (command == BPF_PROG_GET_FD_BY_ID || command == BPF_MAP_GET_FD_BY_ID || command == BPF_LINK_GET_FD_BY_ID)) {
		r->id = argument->words[0];
	}
	SEND(s);
}

#endif
