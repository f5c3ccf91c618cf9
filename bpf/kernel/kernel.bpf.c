//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// What reaches into the kernel itself: modules, eBPF, perf events, kexec, keys and io_uring.

#include "bpf.h"
#include "kexec.h"
#include "key.h"
#include "module.h"
#include "perf.h"
#include "io_uring.h"
#include "sysctl.h"

char LICENSE[] SEC("license") = "GPL";

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs this.
const struct kernel_record *const volatile layout_kernel = NULL;

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

SEC("tp_btf/sys_exit")
int ON_EXIT(kernel_module_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	read_call(&a, regs);
	module_event(&a, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(kernel_bpf_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	read_call(&a, regs);
	bpf_event(&a, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(kernel_perf_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	read_call(&a, regs);
	/* Every ioctl of every process passes here. */
	if (a.call != CALL_IOCTL || (__u32)a.a1 == PERF_EVENT_IOC_SET_BPF)
		perf_event(&a, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(kernel_kexec_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	read_call(&a, regs);
	kexec_event(&a, ret);
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(kernel_key_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	read_call(&a, regs);
	key_event(&a, ret);
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
int ON_EXIT(kernel_ring_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;
	struct kernel_record *r;
	struct scratch *s;
	__u32 flags = 0;

	if (ret >= 0)
		return 0;
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
	return 0;
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
