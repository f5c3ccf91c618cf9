//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// Who a task is and what it may do: calls and execs that change credentials, changes that no call explains, namespaces, logins.

#include "../include/credentials.h"

char LICENSE[] SEC("license") = "GPL";

// sched_process_exit tells whether the last thread is leaving since 6.16; user space looks it up in BTF.
const volatile bool exit_says_group_dead = false;

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs this.
const struct identity_record *const volatile layout_identity = NULL;

#define NAMESPACE_FLAGS                                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWTIME)

// A call under way that asks for other namespaces.
struct request {
	struct namespaces before; // empty for clone, whose caller keeps its own
	__u64 flags;
	__u32 call;
	__u32 reserved;
};

// Keyed by thread. Every call passes its exit or makes a process, which removes its request.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct request);
} requests SEC(".maps");

ALWAYS_INLINE void read_current(struct present *p)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		task = bpf_get_current_task_btf();
		READ_PRESENT(p, task, DIRECT);
	} else {
		task = (struct task_struct *)bpf_get_current_task();
		READ_PRESENT(p, task, BPF_CORE_READ);
	}
}

ALWAYS_INLINE void read_namespaces(struct namespaces *n, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);

	__builtin_memset(n, 0, sizeof(*n));
	n->user = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	n->mount = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	n->pid = BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
	n->network = BPF_CORE_READ(proxy, net_ns, ns.inum);
	n->uts = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	n->ipc = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	n->cgroup = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
	if (bpf_core_field_exists(proxy->time_ns_for_children))
		n->time = BPF_CORE_READ(proxy, time_ns_for_children, ns.inum);
}

// The CLONE_NEW* that make one of the other.
ALWAYS_INLINE __u64 namespaces_changed(const struct namespaces *a, const struct namespaces *b)
{
	__u64 flags = 0;

	flags |= a->mount != b->mount ? CLONE_NEWNS : 0;
	flags |= a->pid != b->pid ? CLONE_NEWPID : 0;
	flags |= a->network != b->network ? CLONE_NEWNET : 0;
	flags |= a->user != b->user ? CLONE_NEWUSER : 0;
	flags |= a->uts != b->uts ? CLONE_NEWUTS : 0;
	flags |= a->ipc != b->ipc ? CLONE_NEWIPC : 0;
	flags |= a->cgroup != b->cgroup ? CLONE_NEWCGROUP : 0;
	flags |= a->time != b->time ? CLONE_NEWTIME : 0;
	return flags;
}

#define GROUPS_COMPARED 32

// A digest of the supplementary groups, which the kernel keeps sorted. Of many groups it is never the same twice.
ALWAYS_INLINE __u32 groups_digest(void)
{
	struct group_info *info = BPF_CORE_READ(current_task(), real_cred, group_info);
	__u32 gids[GROUPS_COMPARED] = {}, digest;
	__u64 count = BPF_CORE_READ(info, ngroups);

	OPAQUE(count);
	if (count > GROUPS_COMPARED)
		return (__u64)info >> 4;
	bpf_probe_read_kernel(gids, count * sizeof(gids[0]), (void *)info + bpf_core_field_offset(struct group_info, gid));
	digest = count;
	for (int i = 0; i < GROUPS_COMPARED; i++)
		digest = (digest ^ gids[i]) * 16777619;
	return digest;
}

// Which namespaces a call asks for; setns names none when it takes what the descriptor is.
ALWAYS_INLINE __u64 flags_asked(struct call_arguments *a)
{
	__u64 flags = 0;

	switch (a->call) {
	case CALL_CLONE:
		// The low byte is the signal.
		return a->a0 & NAMESPACE_FLAGS & ~CLONE_NEWTIME;
	case CALL_CLONE3:
		// Another thread may change it before the kernel reads it: identity_fork looks at what came of it.
		bpf_probe_read_user(&flags, sizeof(flags), (void *)a->a0);
		return flags & NAMESPACE_FLAGS;
	case CALL_UNSHARE:
		return a->a0 & NAMESPACE_FLAGS;
	case CALL_SETNS:
		return a->a1 & NAMESPACE_FLAGS;
	default:
		return 0;
	}
}

ALWAYS_INLINE bool changes_credentials(struct call_arguments *a)
{
	__u32 option = a->a0;

	if (a->call != CALL_PRCTL)
		return true;
	return option == PR_SET_KEEPCAPS || option == PR_CAPBSET_DROP || option == PR_SET_SECUREBITS ||
	       (option == PR_CAP_AMBIENT && a->a1 != PR_CAP_AMBIENT_IS_SET);
}

ALWAYS_INLINE void enter(struct call_arguments *a, __u32 watch)
{
	bool executes = a->call == CALL_EXECVE || a->call == CALL_EXECVEAT;
	__u64 task = bpf_get_current_pid_tgid();
	struct known_credentials *known;
	struct request request = {};
	struct present p;

	if (!changes_credentials(a))
		return;
	request.flags = flags_asked(a);
	request.call = a->call;
	if (a->call == CALL_CLONE || a->call == CALL_CLONE3) {
		if (request.flags)
			bpf_map_update_elem(&requests, &task, &request, BPF_ANY);
		return;
	}
	read_current(&p);
	known = known_of(p.tid, p.task);
	if (!known || !executes)
		// The exit asks for them.
		remember_set(&p);
	if (known)
		check_known(known, &p, watch);
	else
		known = learn_present(&p);
	if (a->call == CALL_UNSHARE && !request.flags)
		return;
	if (known && !executes)
		known->call = a->call;
	if (known && a->call == CALL_SETGROUPS)
		known->groups = groups_digest();
	if (a->call == CALL_SETNS || a->call == CALL_UNSHARE) {
		read_namespaces(&request.before, current_task());
		bpf_map_update_elem(&requests, &task, &request, BPF_ANY);
	}
}

SEC("tp_btf/sys_enter")
int ON_ENTER(identity_call_enter, struct pt_regs *regs)
{
	struct call_arguments a;
	__u32 watch;

	watch = watching();
	if (watch != WATCH_OFF) {
		read_call(&a, regs);
		enter(&a, watch);
	}
	return 0;
}

// 0, or the error of a call. The result of setfsuid and setfsgid is an old id, whether they did anything or not.
ALWAYS_INLINE int error_of(struct call_arguments *a, int ret)
{
	if (a->call == CALL_SETFSUID || a->call == CALL_SETFSGID)
		return 0;
	return ret < 0 && ret >= -4095 ? -ret : 0;
}

ALWAYS_INLINE void credentials_exit(struct call_arguments *a, int error)
{
	struct known_credentials *known;
	struct credentials before;
	struct present p;
	bool other;

	if (!changes_credentials(a))
		return;
	read_current(&p);
	known = known_of(p.tid, p.task);
	if (error) {
		if (known)
			known->call = CALL_NONE;
		tell_credentials(IDENTITY_CREDENTIALS, a->call, error, &p.now, &p.now);
		return;
	}
	if (!known || !take_slot(known, p.task)) {
		// Another thread has taken the slot since the entry, or the call began before the sensor did.
		remember_set(&p);
		learn_present(&p);
		lose_to_full_map(CLASS_IDENTITY);
		return;
	}
	other = known->digest != p.digest;
	if (a->call == CALL_SETGROUPS)
		other = other || known->groups != groups_digest();
	if (other) {
		recall_set(&before, known);
		tell_credentials(IDENTITY_CREDENTIALS, a->call, 0, &before, &p.now);
		remember_set(&p);
	}
	fill_slot(known, &p);
	give_slot(known, p.task);
}

SEC("tp_btf/sys_exit")
int ON_EXIT(identity_credentials_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	if (watching() != WATCH_OFF) {
		read_call(&a, regs);
		credentials_exit(&a, error_of(&a, ret));
	}
	return 0;
}

ALWAYS_INLINE void namespaces_exit(struct call_arguments *a, int error)
{
	__u64 task = bpf_get_current_pid_tgid(), changed;
	struct request *request;
	struct namespaces now;
	struct present p;

	// What came of a clone that went well was told by identity_fork, also in the child.
	if (!error && (a->call == CALL_CLONE || a->call == CALL_CLONE3))
		return;
	if (a->call == CALL_UNSHARE && !(a->a0 & NAMESPACE_FLAGS))
		return;
	if (a->call == CALL_UNSHARE || a->call == CALL_SETNS) {
		// Who enters a user namespace has other capabilities there.
		read_current(&p);
		remember_set(&p);
		learn_present(&p);
	}
	request = bpf_map_lookup_elem(&requests, &task);
	if (!request) {
		if (a->call == CALL_UNSHARE || a->call == CALL_SETNS)
			lose_to_full_map(CLASS_IDENTITY);
		return;
	}
	read_namespaces(&now, current_task());
	if (error) {
		tell_namespaces(a->call, error, request->flags, &now, &now);
	} else {
		changed = namespaces_changed(&request->before, &now);
		if (changed)
			tell_namespaces(a->call, 0, request->flags | changed, &request->before, &now);
	}
	bpf_map_delete_elem(&requests, &task);
}

SEC("tp_btf/sys_exit")
int ON_EXIT(identity_namespaces_exit, struct pt_regs *regs, long ret)
{
	struct call_arguments a;

	if (watching() != WATCH_OFF) {
		read_call(&a, regs);
		namespaces_exit(&a, error_of(&a, ret));
	}
	return 0;
}

ALWAYS_INLINE void new_namespaces(struct task_struct *parent, struct task_struct *child)
{
	__u64 task = bpf_get_current_pid_tgid(), changed, flags = 0;
	// The flags of clone stand in a register: only those of clone3 can have been exchanged behind our back.
	enum call call = CALL_CLONE3;
	struct namespaces before, after;
	struct request *request;

	read_namespaces(&before, parent);
	read_namespaces(&after, child);
	changed = namespaces_changed(&before, &after);
	if (!changed)
		return;
	request = bpf_map_lookup_elem(&requests, &task);
	if (request) {
		flags = request->flags;
		call = request->call;
	}
	tell_namespaces(call, 0, flags | changed, &before, &after);
	if (request)
		bpf_map_delete_elem(&requests, &task);
}

ALWAYS_INLINE void forked(struct task_struct *parent, struct task_struct *child, __u32 watch)
{
	struct known_credentials *known;
	struct present p;

	// The kernel's own threads, and what they start until it execs.
	if (!parent->mm)
		return;
	READ_PRESENT(&p, parent, DIRECT);
	known = known_of(p.tid, p.task);
	if (known) {
		check_known(known, &p, watch);
	} else {
		remember_set(&p);
		learn_present(&p);
	}
	if (parent->nsproxy != child->nsproxy || parent->real_cred->user_ns != child->real_cred->user_ns) {
		new_namespaces(parent, child);
		READ_PRESENT(&p, child, DIRECT);
		remember_set(&p);
	}
	// In the same user namespace the child's are a copy.
	p.tid = child->pid;
	p.task = (__u64)child;
	learn_present(&p);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(identity_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 watch;

	preemption_off();
	watch = watching();
	if (watch != WATCH_OFF)
		forked(parent, child, watch);
	preemption_on();
	return 0;
}

ALWAYS_INLINE void executed(struct task_struct *task, __u32 old_tid)
{
	// A thread that calls exec takes over the leader's id.
	struct known_credentials *known = known_of(old_tid, (__u64)task);
	struct credentials before;
	struct present p;

	READ_PRESENT(&p, task, DIRECT);
	if (!known || known->digest != p.digest)
		remember_set(&p);
	if (known && take_slot(known, p.task)) {
		if (known->digest != p.digest) {
			recall_set(&before, known);
			if (gained(&before, &p.now))
				tell_credentials(IDENTITY_CREDENTIALS, CALL_EXECVE, 0, &before, &p.now);
		}
		give_slot(known, SLOT_FREE);
	}
	learn_present(&p);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(identity_exec, struct task_struct *task, int old_pid)
{
	preemption_off();
	if (watching() != WATCH_OFF)
		executed(task, old_pid);
	preemption_on();
	return 0;
}

ALWAYS_INLINE void exited(struct task_struct *task, bool group_dead, __u32 watch)
{
	struct known_credentials *known = known_of(task->pid, (__u64)task);
	__u32 tgid = task->tgid, *count;
	struct login *login, copy;
	struct present p;
	bool here;

	if (known) {
		READ_PRESENT(&p, task, DIRECT);
		check_known(known, &p, watch);
		if (take_slot(known, p.task))
			give_slot(known, SLOT_FREE);
	}
	if (exit_says_group_dead ? !group_dead : task->signal->live.counter > 0)
		return;
	// The thread's own login does not decide: the last thread need not be the one that was given it.
	count = logins();
	if (!count || !*count)
		return;
	login = bpf_map_lookup_elem(&login_sessions, &tgid);
	if (!login)
		return;
	copy = *login;
	here = copy.start_time_ns == task->group_leader->start_boottime;
	// Two threads can both be the last before 6.16: one of them removes it.
	if (bpf_map_delete_elem(&login_sessions, &tgid))
		return;
	__sync_fetch_and_add(count, -1);
	// Else it was of a process whose end the kernel did not show us.
	if (here)
		tell_credentials(IDENTITY_LOGOUT, CALL_NONE, 0, &copy.given, &copy.given);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(identity_exit, struct task_struct *task)
{
	__u32 watch;

	preemption_off();
	watch = watching();
	if (watch != WATCH_OFF)
		// The second argument is one that older kernels do not hand over.
		exited(task, exit_says_group_dead ? (bool)ctx[1] : false, watch);
	preemption_on();
	return 0;
}
