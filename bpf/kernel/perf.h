/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Perf events, and eBPF programs that are put on them. */
#ifndef VEDETTE_KERNEL_PERF_H
#define VEDETTE_KERNEL_PERF_H

#include "bpf.h"

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

#endif
