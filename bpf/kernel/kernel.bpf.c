//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// What reaches into the kernel itself: modules, eBPF, perf events, kexec, keys and io_uring.

#include "../include/call.h"
#include "../include/kernel_record.h"
#include "../include/request.h"

char LICENSE[] SEC("license") = "GPL";

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs this.
const struct kernel_record *const volatile layout_kernel = NULL;

#define SEND(s) SUBMIT_RECORD(ring_kernel, CLASS_KERNEL, s, kernel_record)

// The module that a task is loading or removing, by the kernel's own word: the call's arguments do not name it, or are in
// memory that may have changed.
struct module_name {
	char name[56];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct module_name);
} module_names SEC(".maps");

// Who made a ring, by the address of its context. A ring's thread, or whoever was given its descriptor, submits for it.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct process_key);
} ring_creators SEC(".maps");

ALWAYS_INLINE void remember_module(struct module *module)
{
	struct module_name name = {};
	__u64 task = bpf_get_current_pid_tgid();

	bpf_probe_read_kernel(name.name, sizeof(name.name), module->name);
	bpf_map_update_elem(&module_names, &task, &name, BPF_ANY);
}

SEC("tp_btf/module_load")
int BPF_PROG(kernel_module_load, struct module *module)
{
	remember_module(module);
	return 0;
}

SEC("tp_btf/module_free")
int BPF_PROG(kernel_module_free, struct module *module)
{
	remember_module(module);
	return 0;
}

ALWAYS_INLINE void module_event(struct call_arguments *a, int ret)
{
	struct scratch *s = begin_kernel(a->call == CALL_DELETE_MODULE ? KERNEL_MODULE_UNLOAD : KERNEL_MODULE_LOAD, ret);
	__u64 task = bpf_get_current_pid_tgid();
	struct module_name *known;
	struct kernel_record *r;

	if (!s) {
		bpf_map_delete_elem(&module_names, &task);
		return;
	}
	r = RECORD(s, kernel_record);
	if (a->call == CALL_FINIT_MODULE) {
		r->text_length[KERNEL_TEXT_FILE] = append_file(s, &r->file, file_of_descriptor(current_task(), a->a0));
		r->size = r->file.size;
		r->flags = a->a2;
	} else if (a->call == CALL_INIT_MODULE) {
		r->from_memory = 1;
		r->size = a->a1;
	}
	known = bpf_map_lookup_elem(&module_names, &task);
	if (known) {
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, known->name, false);
		bpf_map_delete_elem(&module_names, &task);
	} else if (a->call == CALL_DELETE_MODULE) {
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, (void *)a->a0, true);
	}
	if (a->call == CALL_FINIT_MODULE)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)a->a1, true);
	else if (a->call == CALL_INIT_MODULE)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)a->a2, true);
	SEND(s);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_module_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	preemption_off();
	read_call(&a, regs);
	module_event(&a, ret);
	preemption_on();
	return 0;
}

// Commands of bpf(2) (enum bpf_cmd in include/uapi/linux/bpf.h) that make, reach, fasten or loosen an object. Those that read
// or write what is in a map, that list objects or describe them are too many and change nothing.
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

// The argument of bpf(2), each command's view of it.
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

// Notes the helpers that a piece of a program calls.
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

SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_bpf_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	preemption_off();
	read_call(&a, regs);
	bpf_event(&a, ret);
	preemption_on();
	return 0;
}

/* "[perf_ev" */
#define FILE_OF_PERF_EVENT 0x76655f667265705bULL
#define PERF_EVENT_IOC_SET_BPF 0x40042408

ALWAYS_INLINE void perf_event(struct call_arguments *a, int ret)
{
	struct file *file = file_of_descriptor(current_task(), a->call == CALL_IOCTL ? (int)a->a0 : ret);
	bool is_event = kind_of_file(file) == FILE_OF_PERF_EVENT;
	struct perf_event *event;
	struct kernel_record *r;
	struct scratch *s;

	/* Other devices may use the same number. */
	if (a->call == CALL_IOCTL && !is_event)
		return;
	s = begin_kernel(KERNEL_PERF, ret);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->with_program = a->call == CALL_IOCTL;
	if (is_event) {
		event = BPF_CORE_READ(file, private_data);
		r->number = bpf_core_field_exists(event->orig_type) ? BPF_CORE_READ(event, orig_type)
								    : BPF_CORE_READ(event, attr.type);
		r->config = BPF_CORE_READ(event, attr.config);
	} else {
		/* struct perf_event_attr begins with type and size; config follows. */
		if (bpf_probe_read_user(&r->number, sizeof(r->number), (void *)a->a0) ||
		    bpf_probe_read_user(&r->config, sizeof(r->config), (void *)a->a0 + 8))
			s->flags |= FLAG_READ_FAULT;
	}
	SEND(s);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_perf_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	preemption_off();
	read_call(&a, regs);
	/* Every ioctl of every process passes here. */
	if (a.call != CALL_IOCTL || (__u32)a.a1 == PERF_EVENT_IOC_SET_BPF)
		perf_event(&a, ret);
	preemption_on();
	return 0;
}

#define KEXEC_FILE_NO_INITRAMFS 0x4

ALWAYS_INLINE void kexec_event(struct call_arguments *a, int ret)
{
	struct scratch *s = begin_kernel(KERNEL_KEXEC, ret);
	struct kernel_record *r;
	__u64 length;

	if (!s)
		return;
	r = RECORD(s, kernel_record);
	if (a->call == CALL_KEXEC_FILE_LOAD) {
		r->flags = a->a4;
		r->text_length[KERNEL_TEXT_FILE] = append_file(s, &r->file, file_of_descriptor(current_task(), a->a0));
		if (!(a->a4 & KEXEC_FILE_NO_INITRAMFS))
			r->text_length[KERNEL_TEXT_SECOND] =
				append_file(s, &r->second, file_of_descriptor(current_task(), a->a1));
		/* The length counts the NUL. */
		length = a->a2;
		if (length)
			r->text_length[KERNEL_TEXT_VALUE] = append_bytes(s, (void *)a->a3, length - 1);
	} else {
		r->flags = a->a3;
	}
	SEND(s);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_kexec_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	preemption_off();
	read_call(&a, regs);
	kexec_event(&a, ret);
	preemption_on();
	return 0;
}

// Operations of keyctl(2) (include/uapi/linux/keyctl.h).
enum {
	KEYCTL_GET_KEYRING_ID = 0,
	KEYCTL_JOIN_SESSION_KEYRING = 1,
	KEYCTL_LINK = 8,
	KEYCTL_UNLINK = 9,
	KEYCTL_SEARCH = 10,
	KEYCTL_INSTANTIATE = 12,
	KEYCTL_NEGATE = 13,
	KEYCTL_SET_REQKEY_KEYRING = 14,
	KEYCTL_GET_SECURITY = 17,
	KEYCTL_REJECT = 19,
	KEYCTL_INSTANTIATE_IOV = 20,
	KEYCTL_GET_PERSISTENT = 22,
	KEYCTL_DH_COMPUTE = 23,
	KEYCTL_PKEY_QUERY = 24,
	KEYCTL_RESTRICT_KEYRING = 29,
	KEYCTL_MOVE = 30,
	KEYCTL_CAPABILITIES = 31,
};

// What only asks for the id of a keyring, a default, a label or what there is to use.
#define UNREPORTED_KEYCTL                                                                                                  \
	(BIT(KEYCTL_GET_KEYRING_ID) | BIT(KEYCTL_SET_REQKEY_KEYRING) | BIT(KEYCTL_GET_SECURITY) | BIT(KEYCTL_PKEY_QUERY) | \
	 BIT(KEYCTL_CAPABILITIES))

ALWAYS_INLINE void key_event(struct call_arguments *a, int ret)
{
	__u32 keyctl = a->call == CALL_KEYCTL ? (__u32)a->a0 : 0;
	__u64 type = 0, description = 0;
	struct kernel_record *r;
	struct scratch *s;

	if (a->call == CALL_KEYCTL && keyctl < 64 && (UNREPORTED_KEYCTL & BIT(keyctl)))
		return;
	s = begin_kernel(a->call == CALL_ADD_KEY       ? KERNEL_ADD_KEY
			 : a->call == CALL_REQUEST_KEY ? KERNEL_REQUEST_KEY
						       : KERNEL_KEYCTL,
			 ret);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->number = keyctl;
	if (a->call == CALL_ADD_KEY) {
		type = a->a0;
		description = a->a1;
		r->keyring = a->a4;
		r->id = ret > 0 ? ret : 0;
	} else if (a->call == CALL_REQUEST_KEY) {
		type = a->a0;
		description = a->a1;
		r->keyring = a->a3;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_JOIN_SESSION_KEYRING) {
		description = a->a1;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_SEARCH) {
		r->keyring = a->a1;
		type = a->a2;
		description = a->a3;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_GET_PERSISTENT) {
		r->keyring = a->a2;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_RESTRICT_KEYRING) {
		r->keyring = a->a1;
		type = a->a2;
		description = a->a3;
	} else if (keyctl != KEYCTL_DH_COMPUTE) {
		r->id = a->a1;
		if (keyctl == KEYCTL_LINK || keyctl == KEYCTL_UNLINK)
			r->keyring = a->a2;
		else if (keyctl == KEYCTL_MOVE || keyctl == KEYCTL_NEGATE)
			r->keyring = a->a3;
		else if (keyctl == KEYCTL_INSTANTIATE || keyctl == KEYCTL_INSTANTIATE_IOV || keyctl == KEYCTL_REJECT)
			r->keyring = a->a4;
	}
	if (type)
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, (void *)type, true);
	if (description)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)description, true);
	SEND(s);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_key_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	preemption_off();
	read_call(&a, regs);
	key_event(&a, ret);
	preemption_on();
	return 0;
}

SEC("tp_btf/io_uring_create")
int BPF_PROG(kernel_ring_create, int descriptor, void *ring, __u32 entries, __u32 completions, __u32 flags)
{
	struct kernel_record *r;
	struct scratch *s;
	__u64 key = (__u64)ring;

	preemption_off();
	s = begin_kernel(KERNEL_RING_CREATE, 0);
	if (s) {
		r = RECORD(s, kernel_record);
		r->creator = r->header.actor.process;
		r->entries = entries;
		r->flags = flags;
		bpf_map_update_elem(&ring_creators, &key, &r->creator, BPF_ANY);
		SEND(s);
	}
	preemption_on();
	return 0;
}

// A ring that could not be made has no context; what was wished for lies in user memory.
SEC("tp_btf/sys_exit")
int BPF_PROG(kernel_ring_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct kernel_record *r;
	struct scratch *s;
	__u32 flags = 0;

	if (ret >= 0)
		return 0;
	preemption_off();
	read_call(&a, regs);
	s = begin_kernel(KERNEL_RING_CREATE, ret);
	if (s) {
		r = RECORD(s, kernel_record);
		r->creator = r->header.actor.process;
		r->entries = a.a0;
		/* struct io_uring_params: sq_entries, cq_entries, flags. */
		if (bpf_probe_read_user(&flags, sizeof(flags), (void *)a.a1 + 8))
			s->flags |= FLAG_READ_FAULT;
		r->flags = flags;
		SEND(s);
	}
	preemption_on();
	return 0;
}

#define REPORTED_REQUESTS                                                                                      \
	(BIT(IORING_OP_CONNECT) | BIT(IORING_OP_OPENAT) | BIT(IORING_OP_OPENAT2) | BIT(IORING_OP_RENAMEAT) |   \
	 BIT(IORING_OP_UNLINKAT) | BIT(IORING_OP_MKDIRAT) | BIT(IORING_OP_SYMLINKAT) | BIT(IORING_OP_LINKAT) | \
	 BIT(IORING_OP_FSETXATTR) | BIT(IORING_OP_SETXATTR) | BIT(IORING_OP_URING_CMD) | BIT(IORING_OP_BIND) | \
	 BIT(IORING_OP_LISTEN))

struct address {
	__u16 family;
	__u16 port;
	__u8 rest[24];
};

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

ALWAYS_INLINE bool is_address(struct address *a)
{
	return a->family == AF_UNIX || a->family == AF_INET || a->family == AF_INET6;
}

ALWAYS_INLINE bool same_address(struct address *a, struct address *b)
{
	return *(__u64 *)a == *(__u64 *)b;
}

/*
 * Finds the address of a request, and whether it lies in user memory. To 6.9 the kernel copies it when it connects. Since then
 * it has a copy by now, in a message header, or alone, and says nowhere which: the one that the caller's memory agrees with.
 */
ALWAYS_INLINE const void *find_address(struct scratch *s, struct io_kiocb *request, __u32 opcode, struct address *found,
				       bool *user)
{
	const void *given = NULL, *data;
	struct address wish = {};

	if (opcode == IORING_OP_CONNECT) {
		given = BPF_CORE_READ((struct io_connect *)request, addr);
		bpf_probe_read_user(&wish, sizeof(wish), given);
	}
	*user = true;
	*found = wish;
	if (bpf_core_type_exists(struct io_async_connect))
		return given;
	*user = false;
	data = BPF_CORE_READ(request, async_data);
	if (!data)
		return NULL;
	bpf_probe_read_kernel(found, sizeof(*found), data + bpf_core_field_offset(struct io_async_msghdr, addr));
	if (is_address(found) && (!given || same_address(found, &wish)))
		return data + bpf_core_field_offset(struct io_async_msghdr, addr);
	bpf_probe_read_kernel(found, sizeof(*found), data);
	if (given && !same_address(found, &wish))
		s->flags |= FLAG_CHANGED_DURING_CALL;
	return is_address(found) ? data : NULL;
}

ALWAYS_INLINE void append_address(struct scratch *s, struct io_kiocb *request, __u32 opcode)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct address address = {};
	const void *from;
	bool user;

	from = find_address(s, request, opcode, &address, &user);
	if (!from)
		return;
	if (address.family == AF_INET) {
		r->address_length = 4;
		__builtin_memcpy(r->address, address.rest, 4);
	} else if (address.family == AF_INET6) {
		r->address_length = 16;
		__builtin_memcpy(r->address, address.rest + 4, 16);
	} else if (address.family == AF_UNIX) {
		/* An abstract name begins with NUL and is left out. */
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, from + sizeof(address.family), user);
		return;
	} else {
		return;
	}
	r->port = __builtin_bswap16(address.port);
}

ALWAYS_INLINE void append_names(struct scratch *s, struct io_kiocb *request, __u32 opcode)
{
	struct kernel_record *r = RECORD(s, kernel_record);
	struct request_names names;

	names_of_request(&names, request, opcode);
	if (names.first)
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, names.first, false);
	if (names.second)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, names.second, false);
}

/* request is NULL where the kernel does not hand it over. */
ALWAYS_INLINE void ring_event(struct io_kiocb *request, void *ring, __u32 opcode)
{
	struct process_key *creator;
	struct kernel_record *r;
	__u64 key = (__u64)ring;
	struct scratch *s;

	/* Commands of disks and file systems are many; those of sockets set options. */
	if (opcode == IORING_OP_URING_CMD && (BPF_CORE_READ(request, file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return;
	s = begin_kernel(KERNEL_RING_REQUEST, 0);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->number = opcode;
	creator = bpf_map_lookup_elem(&ring_creators, &key);
	if (creator)
		r->creator = *creator;
	if (request) {
		if (opcode == IORING_OP_CONNECT || opcode == IORING_OP_BIND)
			append_address(s, request, opcode);
		else
			append_names(s, request, opcode);
	}
	SEND(s);
}

/* The kernel has copied the names by now, and a thread of the ring submits as the ring's own process. */
SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(kernel_ring_submit, struct io_kiocb *request)
{
	__u32 opcode = request->opcode;

	if (!IS_REQUEST(opcode, REPORTED_REQUESTS))
		return 0;
	preemption_off();
	ring_event(request, BPF_CORE_READ(request, ctx), opcode);
	preemption_on();
	return 0;
}

/* The same to 6.2. */
SEC("tp_btf/io_uring_submit_sqe")
int kernel_ring_submit_sqe(__u64 *ctx)
{
	struct io_kiocb *request = submitted_request(ctx);
	__u32 opcode = request ? BPF_CORE_READ(request, opcode) : (__u8)ctx[1];

	if (!IS_REQUEST(opcode, REPORTED_REQUESTS))
		return 0;
	preemption_off();
	ring_event(request, request ? BPF_CORE_READ(request, ctx) : (void *)ctx[0], opcode);
	preemption_on();
	return 0;
}

#define SYSCTL_NAME 256

/* The helpers want a destination that is all there: the name area, from which the value is taken. */
#define SYSCTL_ROOM(s) ((char *)(s)->name)

/* Appends what a helper put there; a longer value comes as -E2BIG, cut and with a NUL at its end. */
ALWAYS_INLINE __u16 append_sysctl(struct scratch *s, long length)
{
	__u64 at = s->at;

	if (length == -E2BIG) {
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
		length = SYSCTL_VALUE - 1;
	}
	OPAQUE(length);
	OPAQUE(at);
	if (length <= 0 || length >= SYSCTL_VALUE || at >= TEXT_LIMIT)
		return 0;
	bpf_probe_read_kernel(&s->text[at], length, s->name);
	s->at = at + length;
	return length;
}

/*
 * Writes to sysctls by whatever route, at the root of the control groups: the kernel has checked that the caller may, and has
 * the value in its own memory, but not yet looked at it. Whatever is told, the write goes on.
 */
ALWAYS_INLINE void sysctl_event(struct bpf_sysctl *ctx)
{
	struct scratch *s = begin_kernel(KERNEL_SYSCTL, 0);
	struct kernel_record *r;
	long length;

	if (!s)
		return;
	r = RECORD(s, kernel_record);
	length = bpf_sysctl_get_name(ctx, (char *)s->text, SYSCTL_NAME, 0);
	if (length < 0 || length >= SYSCTL_NAME)
		length = 0;
	r->text_length[KERNEL_TEXT_NAME] = length;
	s->at = length;
	r->text_length[KERNEL_TEXT_VALUE] = append_sysctl(s, bpf_sysctl_get_new_value(ctx, SYSCTL_ROOM(s), SYSCTL_VALUE));
	r->text_length[KERNEL_TEXT_OLD] = append_sysctl(s, bpf_sysctl_get_current_value(ctx, SYSCTL_ROOM(s), SYSCTL_VALUE));
	SEND(s);
}

SEC("cgroup/sysctl")
int kernel_sysctl(struct bpf_sysctl *ctx)
{
	if (!ctx->write)
		return 1;
	preemption_off();
	sysctl_event(ctx);
	preemption_on();
	return 1;
}
