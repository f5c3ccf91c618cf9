/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Modules that are loaded and removed. */
#ifndef VEDETTE_KERNEL_MODULE_H
#define VEDETTE_KERNEL_MODULE_H

#include "tell.h"

/*
 * The module that a task is loading or removing, by the kernel's own word: the call's arguments do not name it, or are in
 * memory that may have changed.
 */
struct module_name {
	char name[56];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct module_name);
} module_names SEC(".maps");

ALWAYS_INLINE void remember_module(struct module *module)
{
	struct module_name name = {};
	__u64 task = bpf_get_current_pid_tgid();

	bpf_probe_read_kernel(name.name, sizeof(name.name), module->name);
	bpf_map_update_elem(&module_names, &task, &name, BPF_ANY);
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

#endif
