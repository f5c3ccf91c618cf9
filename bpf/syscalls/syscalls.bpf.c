//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// Every system call of every process passes here twice. The number decides in a few instructions whether anybody watches the
// call; if so the sensor's own program goes on. Raw tracepoints, because those of single calls do not fire for 32-bit ones.

#include "../include/call.h"

char LICENSE[] SEC("license") = "GPL";

// Only what a map, a function or a variable mentions is described in the object; Go's test of the order needs this.
const enum call *const volatile layout_call = NULL;

// Frozen once filled: who empties such a table blinds the sensor.
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALL_MAX);
	__type(key, __u32);
	__type(value, __u32);
} enter_programs SEC(".maps"), exit_programs SEC(".maps");

// Calls that have a program at their entry, or at their exit; a call without one goes on at once.
const volatile __u8 watched_enter[CALL_NUMBERS] = {};
const volatile __u8 watched_exit[CALL_NUMBERS] = {};

SEC("tp_btf/sys_enter")
int ON_ENTER(syscalls_enter, struct pt_regs *regs)
{
	__u64 n = (__u32)regs->orig_ax & ~X32_BIT;

	OPAQUE(n);
	if (n >= CALL_NUMBERS || !watched_enter[n])
		return 0;
	bpf_tail_call(ctx, &enter_programs, call_of(n, is_compat()));
	return 0;
}

SEC("tp_btf/sys_exit")
int ON_EXIT(syscalls_exit, struct pt_regs *regs, long ret)
{
	__u64 n = (__u32)regs->orig_ax & ~X32_BIT;

	OPAQUE(n);
	if (n >= CALL_NUMBERS || !watched_exit[n])
		return 0;
	bpf_tail_call(ctx, &exit_programs, call_of(n, is_compat()));
	return 0;
}
