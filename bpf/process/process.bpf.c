//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
// The life of processes: exec, fork and exit from BTF tracepoints, and the processes that were there before us from the
// task iterator. Nothing is filtered: these events are never withheld.

#include "../include/file.h"
#include "../include/ring.h"
#include "../include/task.h"

char LICENSE[] SEC("license") = "GPL";

// sched_process_exit tells whether the last thread is leaving since 6.16; user space looks it up in BTF.
const volatile bool exit_says_group_dead = false;

RING(ring_process);

// Only what a map, a function or a variable mentions is described in the object; Go's test of the layout needs these.
const enum event_class *const volatile layout_class = NULL;
const struct exec_record *const volatile layout_exec = NULL;
const struct fork_record *const volatile layout_fork = NULL;
const struct exit_record *const volatile layout_exit = NULL;
const struct chunk_record *const volatile layout_chunk = NULL;

// Where exit does not say that the group is dead two threads can both see live == 0: the first to enter its key reports.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct process_key);
	__type(value, __u8);
} exited SEC(".maps");

ALWAYS_INLINE __u64 capability(const kernel_cap_t *set)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), set);
	return value;
}

// What exec and seed have in common.
ALWAYS_INLINE void fill_process(struct scratch *s, struct task_struct *task)
{
	struct exec_record *r = RECORD(s, exec_record);
	struct signal_struct *signal = task->signal;
	const struct cred *cred = task->cred;
	struct nsproxy *ns = task->nsproxy;
	struct mm_struct *mm = task->mm;
	struct tty_struct *tty;

	__builtin_memset(&r->executable, 0, sizeof(r->executable));
	__builtin_memset(&r->script, 0, sizeof(r->script));
	__builtin_memset(&r->stdin_file, 0, sizeof(r->stdin_file));
	__builtin_memset(r->text_length, 0, sizeof(r->text_length));
	__builtin_memset(r->tty, 0, sizeof(r->tty));
	__builtin_memset(r->previous_comm, 0, sizeof(r->previous_comm));
	r->reserved = 0;
	r->secure_exec = 0;
	r->calling_thread = 0;
	r->argument_count = 0;
	r->arguments_size = 0;
	r->environment_size = 0;
	fill_key(&r->creator, task->real_parent);

	r->uid = cred->uid.val;
	r->gid = cred->gid.val;
	r->euid = cred->euid.val;
	r->egid = cred->egid.val;
	r->suid = cred->suid.val;
	r->sgid = cred->sgid.val;
	r->fsuid = cred->fsuid.val;
	r->fsgid = cred->fsgid.val;
	r->securebits = cred->securebits;
	r->cap_effective = capability(&cred->cap_effective);
	r->cap_permitted = capability(&cred->cap_permitted);
	r->cap_inheritable = capability(&cred->cap_inheritable);
	r->cap_bounding = capability(&cred->cap_bset);
	r->cap_ambient = capability(&cred->cap_ambient);
	r->login_uid = ~0U;
	r->audit_session = ~0U;
	if (bpf_core_field_exists(task->loginuid)) {
		r->login_uid = task->loginuid.val;
		r->audit_session = task->sessionid;
	}
	r->session = pid_number(BPF_CORE_READ(signal, pids[PIDTYPE_SID]));
	r->process_group = pid_number(BPF_CORE_READ(signal, pids[PIDTYPE_PGID]));
	tty = BPF_CORE_READ(signal, tty);
	if (tty)
		bpf_probe_read_kernel(r->tty, sizeof(r->tty) - 1, tty->name);

	r->ns_mount = r->ns_network = r->ns_uts = r->ns_ipc = r->ns_cgroup = r->ns_time = 0;
	if (ns) {
		r->ns_mount = BPF_CORE_READ(ns, mnt_ns, ns.inum);
		r->ns_network = BPF_CORE_READ(ns, net_ns, ns.inum);
		r->ns_uts = BPF_CORE_READ(ns, uts_ns, ns.inum);
		r->ns_ipc = BPF_CORE_READ(ns, ipc_ns, ns.inum);
		r->ns_cgroup = BPF_CORE_READ(ns, cgroup_ns, ns.inum);
		if (bpf_core_field_exists(ns->time_ns))
			r->ns_time = BPF_CORE_READ(ns, time_ns, ns.inum);
	}
	r->ns_pid = r->header.actor.pid_namespace;
	r->ns_user = BPF_CORE_READ(cred, user_ns, ns.inum);

	if (mm) {
		struct file *exe = BPF_CORE_READ(mm, exe_file);

		r->text_length[TEXT_EXECUTABLE] = append_file(s, &r->executable, exe);
	}
}

// Working directory, and the root directory when it is not the root of the mount namespace.
ALWAYS_INLINE void fill_directories(struct scratch *s, struct task_struct *task)
{
	struct exec_record *r = RECORD(s, exec_record);
	struct fs_struct *fs = task->fs;
	__u32 length;

	if (!fs)
		return;
	r->text_length[TEXT_WORKING_DIRECTORY] = append_directory(s, &fs->pwd);
	length = append_directory(s, &fs->root);
	/* "/" is the ordinary case and needs no words. */
	if (length > 1)
		r->text_length[TEXT_ROOT_DIRECTORY] = length;
	else
		s->at -= length;
}

// What the program reads from when it reads from nowhere else: a shell that is fed its script through a pipe, say.
ALWAYS_INLINE void fill_stdin(struct scratch *s, struct task_struct *task)
{
	struct exec_record *r = RECORD(s, exec_record);

	r->text_length[TEXT_STDIN] = append_file(s, &r->stdin_file, file_of_descriptor(task, 0));
}

#define SCRIPT_STEPS 16
#define SCRIPT_ROUNDS 256 /* close-on-exec files stand in the same queue */

/* Looks through a piece of a task's queued work; returns the first work of the next piece, 0 at the end. */
ROUND __u64 script_round(__u32 slot, __u64 first)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	struct callback_head *work = (void *)first;

	if (!s)
		return 0;
	for (int i = 0; i < SCRIPT_STEPS && work; i++) {
		struct file *file = file_of_work(work);
		struct inode *inode = BPF_CORE_READ(file, f_inode), *named = NULL;
		struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);

		if (inode && dentry)
			named = BPF_CORE_READ(dentry, d_inode);
		/* The queue holds other work too: only an open file agrees with its dentry, and only exec sets FMODE_EXEC_FLAG. */
		if (inode && named == inode && (BPF_CORE_READ(file, f_flags) & FMODE_EXEC_FLAG))
			s->script = file;
		work = BPF_CORE_READ(work, next);
	}
	return (__u64)work;
}

/*
 * The script that the kernel opened. exec_binprm (fs/exec.c) drops it for its interpreter before sched_process_exec, but
 * fput only queues the final release on the task (fs/file_table.c), newest first, so the oldest file opened for exec in
 * that queue is the script itself: no name has to be looked up again.
 */
ALWAYS_INLINE struct file *script_file(struct scratch *s, struct task_struct *task)
{
	__u64 work = (__u64)BPF_CORE_READ(task, task_works);

	s->script = NULL;
	for (int i = 0; i < SCRIPT_ROUNDS && work; i++)
		work = script_round(s->slot, work);
	if (work)
		/* What was found is not the oldest. */
		s->flags |= FLAG_PATH_UNRESOLVED;
	return s->script;
}

ALWAYS_INLINE __u32 append_string(struct scratch *s, const char *text)
{
	__u64 at = s->at;
	long n;

	OPAQUE(at);
	if (at >= TEXT_LIMIT)
		return 0;
	n = bpf_probe_read_kernel_str(&s->text[at], TEXT_MAX, text);
	if (n <= 1)
		return 0;
	/* The terminating NUL does not travel. */
	n = (n - 1) & (TEXT_MAX - 1);
	s->at = at + n;
	return n;
}

/* Sends one chunk of an area ahead of the slot's record; returns whether it could. */
ROUND bool send_chunk(__u32 slot, __u64 start, __u64 end, __u32 field, __u32 index)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch_slots, &slot);
	__u64 address = start + (__u64)index * CHUNK_BYTES;
	__u64 length = end - address;
	struct chunk_record *c;

	if (length > CHUNK_BYTES)
		length = CHUNK_BYTES;
	if (!s)
		return false;
	c = bpf_ringbuf_reserve(&ring_process, sizeof(*c), 0);
	if (!c)
		return false;
	c->sequence = RECORD(s, exec_record)->header.sequence;
	c->time_ns = 0;
	c->cpu = RECORD(s, exec_record)->header.cpu;
	c->kind = RECORD_CHUNK;
	c->flags = 0;
	c->field = field;
	c->index = index;
	c->length = length;
	if (bpf_probe_read_user(c->data, length, (void *)address)) {
		bpf_ringbuf_discard(c, BPF_RB_NO_WAKEUP);
		return false;
	}
	/* The exec record that follows wakes the reader. */
	bpf_ringbuf_submit(c, BPF_RB_NO_WAKEUP);
	return true;
}

/* Sends an area as chunks; returns whether all of it went. */
ROUND bool send_chunks(__u32 slot, __u64 start, __u64 end, __u32 field)
{
	for (__u32 i = 0; i < CHUNK_COUNT; i++) {
		if (start + (__u64)i * CHUNK_BYTES >= end)
			return true;
		if (!send_chunk(slot, start, end, field, i))
			return false;
	}
	return end - start <= CHUNK_COUNT * CHUNK_BYTES;
}

/*
 * Arguments or environment, from the area that the kernel itself laid out: inline when short, else as chunks ahead of the
 * record. Returns the inline length and sets *cut when not all of it travels.
 */
ALWAYS_INLINE __u32 append_area(struct scratch *s, __u64 start, __u64 end, __u16 field, struct cpu_counters *c, bool *cut)
{
	__u64 size = end - start, at = s->at;

	*cut = false;
	if (end <= start)
		return 0;
	if (size >= TEXT_MAX) {
		*cut = !send_chunks(s->slot, start, end, field);
		return 0;
	}
	OPAQUE(at);
	if (at >= TEXT_LIMIT)
		return 0;
	size &= TEXT_MAX - 1;
	if (bpf_probe_read_user(&s->text[at], size, (void *)start)) {
		COUNT(c->read_fault);
		s->flags |= FLAG_READ_FAULT;
		*cut = true;
		return 0;
	}
	s->at = at + size;
	return size;
}

ALWAYS_INLINE int exec_event(struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counters *c = counters_of(CLASS_PROCESS, cpu);
	struct mm_struct *mm = task->mm;
	struct exec_record *r;
	struct scratch *s;
	__u64 sequence, start, end, total;
	const char *filename, *interp;
	bool cut;

	if (!c)
		return 0;
	sequence = count_made(c);
	s = scratch_claim(cpu);
	if (!s) {
		COUNT(c->lost_scratch);
		return 0;
	}
	r = RECORD(s, exec_record);
	fill_header(&r->header, RECORD_EXEC, cpu, sequence, task);
	fill_process(s, task);
	r->argument_count = bprm->argc;
	r->secure_exec = BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec);
	/* A thread that calls exec takes over the leader's id; old_pid is its own. */
	if (old_pid != task->tgid)
		r->calling_thread = old_pid;

	filename = bprm->filename;
	interp = bprm->interp;
	/* binfmt_script and binfmt_misc replace interp; otherwise both are the same string. */
	if (interp != filename) {
		struct file *script = script_file(s, task);

		if (script)
			r->text_length[TEXT_SCRIPT] = append_file(s, &r->script, script);
	}
	fill_directories(s, task);
	fill_stdin(s, task);
	r->text_length[TEXT_FILENAME] = append_string(s, filename);
	if (interp != filename)
		r->text_length[TEXT_INTERPRETER] = append_string(s, interp);

	start = BPF_CORE_READ(mm, arg_start);
	end = BPF_CORE_READ(mm, arg_end);
	r->arguments_size = end > start ? end - start : 0;
	r->text_length[TEXT_ARGUMENTS] = append_area(s, start, end, TEXT_ARGUMENTS, c, &cut);
	if (cut) {
		COUNT(c->cut_arguments);
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
	}
	start = BPF_CORE_READ(mm, env_start);
	end = BPF_CORE_READ(mm, env_end);
	r->environment_size = end > start ? end - start : 0;
	r->text_length[TEXT_ENVIRONMENT] = append_area(s, start, end, TEXT_ENVIRONMENT, c, &cut);
	if (cut) {
		COUNT(c->cut_environment);
		s->flags |= FLAG_ENVIRONMENT_TRUNCATED;
	}
	if (s->flags & FLAG_PATH_UNRESOLVED)
		COUNT(c->cut_path);
	r->header.flags = s->flags;

	total = sizeof(*r) + s->at;
	OPAQUE(total);
	if (total > sizeof(*r) + TEXT_LIMIT + TEXT_MAX) {
		/* Nine texts of 4095 bytes always fit; the verifier does not know. */
		scratch_release(s);
		return 0;
	}
	if (bpf_ringbuf_output(&ring_process, r, total, BPF_RB_NO_WAKEUP))
		COUNT(c->lost_ring_full);
	wake_reader(&ring_process, true);
	scratch_release(s);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	preemption_off();
	exec_event(task, old_pid, bprm);
	preemption_on();
	return 0;
}

ALWAYS_INLINE int fork_event(struct task_struct *parent, struct task_struct *child)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_counters *c;
	struct fork_record *r;
	__u64 sequence;

	/* A new thread is not a new process. */
	if (child->pid != child->tgid)
		return 0;
	c = counters_of(CLASS_PROCESS, cpu);
	if (!c)
		return 0;
	sequence = count_made(c);
	r = bpf_ringbuf_reserve(&ring_process, sizeof(*r), 0);
	if (!r) {
		COUNT(c->lost_ring_full);
		return 0;
	}
	fill_header(&r->header, RECORD_FORK, cpu, sequence, parent);
	fill_key(&r->child, child);
	fill_key(&r->parent, child->real_parent);
	r->child_cgroup_id = cgroup_id(child);
	r->child_namespace_pid = 0;
	r->child_pid_namespace = 0;
	own_namespace(child->thread_pid, &r->child_namespace_pid, &r->child_pid_namespace);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	/* It waits for the exec that mostly comes with it. */
	wake_reader_when_filling(&ring_process);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *parent, struct task_struct *child)
{
	preemption_off();
	fork_event(parent, child);
	preemption_on();
	return 0;
}

ALWAYS_INLINE int exit_event(struct task_struct *task, bool group_dead)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct signal_struct *signal = task->signal;
	struct task_struct *leader = task->group_leader;
	struct process_key key;
	struct cpu_counters *c;
	struct exit_record *r;
	__u64 sequence;
	__u8 one = 1;

	if (exit_says_group_dead) {
		if (!group_dead)
			return 0;
	} else {
		if (signal->live.counter > 0)
			return 0;
		fill_key(&key, task);
		if (bpf_map_update_elem(&exited, &key, &one, BPF_NOEXIST))
			return 0;
	}
	c = counters_of(CLASS_PROCESS, cpu);
	if (!c)
		return 0;
	sequence = count_made(c);
	r = bpf_ringbuf_reserve(&ring_process, sizeof(*r), 0);
	if (!r) {
		COUNT(c->lost_ring_full);
		return 0;
	}
	fill_header(&r->header, RECORD_EXIT, cpu, sequence, task);
	/* exit_group and fatal signals leave the status with the group; else the leader's counts. */
	r->status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader->exit_code;
	/* The group's sums hold the threads that have left; this one, the last, is not among them yet. */
	r->user_time_ns = signal->utime + task->utime;
	r->system_time_ns = signal->stime + task->stime;
	r->max_resident_pages = signal->maxrss;
	r->reserved = 0;
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	/* It waits for the exec that mostly comes with it. */
	wake_reader_when_filling(&ring_process);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	preemption_off();
	exit_event(task, exit_says_group_dead ? (bool)ctx[1] : false);
	preemption_on();
	return 0;
}

SEC("iter/task")
int process_seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 cpu = bpf_get_smp_processor_id();
	struct exec_record *r;
	struct scratch *s;
	__u64 total;

	if (!task || task->pid != task->tgid)
		return 0;
	s = scratch_claim(cpu);
	if (!s)
		/* Asks the iterator for the same task again. */
		return 1;
	fill_header(&RECORD(s, exec_record)->header, RECORD_SEED, cpu, 0, task);
	fill_process(s, task);
	fill_directories(s, task);
	r = RECORD(s, exec_record);
	r->header.flags = s->flags;
	total = sizeof(*r) + s->at;
	OPAQUE(total);
	if (total <= sizeof(*r) + TEXT_LIMIT + TEXT_MAX)
		bpf_seq_write(ctx->meta->seq, r, total);
	scratch_release(s);
	return 0;
}
