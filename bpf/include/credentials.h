/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The credentials of every thread as they were last seen. The kernel changes them only in calls and at exec, each of which renews
 * what is known; so a difference that is met anywhere else was made by somebody who writes into the kernel's memory.
 *
 * real_cred is what a task is; cred is what it acts as, which the kernel itself overrides for a moment (overlayfs, core dumps,
 * io_uring personalities). Calls that replace the object and leave its ids and capabilities alone (keyctl, Landlock, LSM labels)
 * make no difference. Kernel threads are left out until they exec: helpers that the kernel starts set their own credentials.
 */
#ifndef VEDETTE_CREDENTIALS_H
#define VEDETTE_CREDENTIALS_H

#include "identity_record.h"

struct known_credentials {
	__u64 owner; /* the address of the task_struct, SLOT_FREE or SLOT_BUSY */
	__u64 digest;
	__u32 login_uid;
	__u32 audit_session;
	__u32 groups; /* of the supplementary groups at the entry of setgroups */
	__u16 exec_id;
	/* Between the entry of a call that may change them and its exit; for ever, if the kernel did not run us at the exit. */
	__u16 call;
};

#define SLOT_FREE 0
#define SLOT_BUSY 1

#define KNOWN_THREADS 65536

/*
 * By thread id modulo its size: what fork and exit cost are the cache lines that they touch, and here it is one. fork enters, exit
 * removes; threads that were there before are entered when they first act. Where two threads share a slot the newer one has it, and
 * the older is entered again when it acts.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KNOWN_THREADS);
	__type(key, __u32);
	__type(value, struct known_credentials);
} known_credentials SEC(".maps");

/* The credentials that a digest stands for. A host has few different ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct credentials);
} credential_sets SEC(".maps");

struct login {
	struct credentials given;
	__u64 start_time_ns;
};

/* The process in which a login was recorded, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct login);
} login_sessions SEC(".maps");

enum watch {
	WATCH_OFF = 0,
	/* Calls are seen, but not all that may change credentials: no conclusion can be drawn from what is not seen. */
	WATCH_CALLS = 1,
	WATCH_ALL = 2,
};

enum state {
	/* enum watch. User space switches on when every program is attached, and off before the first is detached. */
	STATE_WATCH,
	/* How many login_sessions there are: mostly none, and then no exit has to look. */
	STATE_LOGINS,
	STATE_COUNT,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* it is switched off when no capability is left */
	__uint(max_entries, STATE_COUNT);
	__type(key, __u32);
	__type(value, __u32);
} identity_states SEC(".maps");

ALWAYS_INLINE __u32 watching(void)
{
	__u32 key = STATE_WATCH, *state = bpf_map_lookup_elem(&identity_states, &key);

	return state ? *state : WATCH_OFF;
}

ALWAYS_INLINE __u32 *logins(void)
{
	__u32 key = STATE_LOGINS;

	return bpf_map_lookup_elem(&identity_states, &key);
}

typedef __u64 __attribute__((may_alias)) credential_word;

/* A secret of this boot of the sensor, so that nobody can look for other credentials with the same digest. */
const volatile __u64 digest_seed = 1;

/* Of ids, capabilities and user namespace; the login is left out. */
ALWAYS_INLINE __u64 digest_of(const struct credentials *c)
{
	const credential_word *words = (const void *)c;
	__u64 digest = digest_seed;

	for (__u32 i = 0; i < offsetof(struct credentials, login_uid) / sizeof(*words); i++) {
		digest = (digest ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		digest ^= digest >> 29;
	}
	return digest;
}

/* What a task is now. */
struct present {
	struct credentials now;
	__u64 task;
	__u64 digest;
	__u32 tid;
	__u16 exec_id; /* counts its execs; up before the new credentials are */
};

/* Before 6.3 two 32-bit words, which the verifier lets nobody read as one. */
#define READ_CAPABILITIES(to, cred, field, READ)                                   \
	do {                                                                       \
		if (bpf_core_field_exists((cred)->field.val))                      \
			(to) = READ(cred, field.val);                              \
		else if (bpf_probe_read_kernel(&(to), sizeof(to), &(cred)->field)) \
			(to) = 0;                                                  \
	} while (0)

/* READ is DIRECT where the verifier knows the task, and BPF_CORE_READ where it is a plain address to it. */
#define READ_PRESENT(p, t, READ)                                                        \
	do {                                                                            \
		const struct cred *cred_ = READ(t, real_cred);                          \
		struct credentials *now_ = &(p)->now;                                   \
		now_->uid = READ(cred_, uid.val);                                       \
		now_->gid = READ(cred_, gid.val);                                       \
		now_->suid = READ(cred_, suid.val);                                     \
		now_->sgid = READ(cred_, sgid.val);                                     \
		now_->euid = READ(cred_, euid.val);                                     \
		now_->egid = READ(cred_, egid.val);                                     \
		now_->fsuid = READ(cred_, fsuid.val);                                   \
		now_->fsgid = READ(cred_, fsgid.val);                                   \
		now_->securebits = READ(cred_, securebits);                             \
		now_->user_namespace = READ(cred_, user_ns, ns.inum);                   \
		READ_CAPABILITIES(now_->cap_inheritable, cred_, cap_inheritable, READ); \
		READ_CAPABILITIES(now_->cap_permitted, cred_, cap_permitted, READ);     \
		READ_CAPABILITIES(now_->cap_effective, cred_, cap_effective, READ);     \
		READ_CAPABILITIES(now_->cap_bounding, cred_, cap_bset, READ);           \
		READ_CAPABILITIES(now_->cap_ambient, cred_, cap_ambient, READ);         \
		now_->login_uid = now_->audit_session = ~0U;                            \
		if (bpf_core_field_exists((t)->loginuid)) {                             \
			now_->login_uid = READ(t, loginuid.val);                        \
			now_->audit_session = READ(t, sessionid);                       \
		}                                                                       \
		(p)->task = (__u64)(t);                                                 \
		(p)->tid = READ(t, pid);                                                \
		(p)->exec_id = READ(t, self_exec_id);                                   \
		(p)->digest = digest_of(now_);                                          \
	} while (0)

ALWAYS_INLINE void remember_set(const struct present *p)
{
	__u64 digest = p->digest;

	if (!bpf_map_lookup_elem(&credential_sets, &digest))
		bpf_map_update_elem(&credential_sets, &digest, &p->now, BPF_ANY);
}

/* The credentials that a slot tells of; all ones where they were forgotten over thousands of newer ones. */
ALWAYS_INLINE void recall_set(struct credentials *c, const struct known_credentials *known)
{
	__u64 digest = known->digest;
	struct credentials *set = bpf_map_lookup_elem(&credential_sets, &digest);

	if (set)
		*c = *set;
	else
		__builtin_memset(c, 0xff, sizeof(*c));
	c->login_uid = known->login_uid;
	c->audit_session = known->audit_session;
}

#define BARRIER() asm volatile("" ::: "memory")

ALWAYS_INLINE struct known_credentials *slot_of(__u32 tid)
{
	__u32 key = tid % KNOWN_THREADS;

	return bpf_map_lookup_elem(&known_credentials, &key);
}

/* What is known of a thread; NULL when it is nothing. Another thread may take the slot at any moment: see take_slot. */
ALWAYS_INLINE struct known_credentials *known_of(__u32 tid, __u64 task)
{
	struct known_credentials *known = slot_of(tid);

	if (known && known->owner != task)
		known = NULL;
	/* The verifier follows the pointer, not a flag that the compiler makes of it. */
	OPAQUE(known);
	return known;
}

/* Keeps everybody else off a slot, unless it has another owner by now. */
ALWAYS_INLINE bool take_slot(struct known_credentials *known, __u64 owner)
{
	if (have_atomics())
		return __sync_val_compare_and_swap(&known->owner, owner, SLOT_BUSY) == owner;
	if (known->owner != owner)
		return false;
	known->owner = SLOT_BUSY;
	BARRIER();
	return true;
}

/* x86 keeps the order of stores. */
ALWAYS_INLINE void give_slot(struct known_credentials *known, __u64 owner)
{
	BARRIER();
	known->owner = owner;
}

ALWAYS_INLINE void fill_slot(struct known_credentials *known, const struct present *p)
{
	known->digest = p->digest;
	known->login_uid = p->now.login_uid;
	known->audit_session = p->now.audit_session;
	known->exec_id = p->exec_id;
	known->call = CALL_NONE;
}

/* Gives the thread its slot. The caller has remembered the set, or knows that it is. */
ALWAYS_INLINE struct known_credentials *learn_present(const struct present *p)
{
	struct known_credentials *known = slot_of(p->tid);
	__u64 owner;

	if (!known)
		return NULL;
	owner = known->owner;
	if (owner == SLOT_BUSY || !take_slot(known, owner))
		return NULL;
	fill_slot(known, p);
	give_slot(known, p->task);
	return known;
}

/* The audit system has given the acting task another login, or taken it away. */
ALWAYS_INLINE void tell_login(const struct credentials *before, const struct credentials *now)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u32 *count = logins();
	struct login login;

	if (now->login_uid != ~0U) {
		tell_credentials(IDENTITY_LOGIN, CALL_NONE, 0, before, now);
		login.given = *now;
		login.start_time_ns = BPF_CORE_READ(current_task(), group_leader, start_boottime);
		if (!bpf_map_update_elem(&login_sessions, &tgid, &login, BPF_NOEXIST)) {
			if (count)
				COUNT(*count);
		} else if (bpf_map_update_elem(&login_sessions, &tgid, &login, BPF_EXIST)) {
			/* Its end will not be told. */
			lose_to_full_map(CLASS_IDENTITY);
		}
	} else if (!bpf_map_delete_elem(&login_sessions, &tgid)) {
		tell_credentials(IDENTITY_LOGOUT, CALL_NONE, 0, before, now);
		if (count)
			__sync_fetch_and_add(count, -1);
	}
}

/* Whether an exec gave other ids, or a capability that was not there. Losing some is what every ordinary exec may do. */
ALWAYS_INLINE bool gained(const struct credentials *before, const struct credentials *now)
{
	return before->uid != now->uid || before->gid != now->gid || before->euid != now->euid || before->egid != now->egid ||
	       (now->cap_permitted & ~before->cap_permitted) || (now->cap_effective & ~before->cap_effective) ||
	       (now->cap_inheritable & ~before->cap_inheritable) || (now->cap_bounding & ~before->cap_bounding) ||
	       (now->cap_ambient & ~before->cap_ambient);
}

/*
 * Compares the acting task with what is known of it, tells the difference and renews what is known. To be called where no call that
 * may change credentials is under way.
 *
 * The kernel does not run a program on a CPU where it runs already, so that the exit of a call, or an exec, can pass unseen where
 * tracepoints may be preempted. Such a call is found here, and is no less an explanation.
 */
ALWAYS_INLINE void check_known(struct known_credentials *known, const struct present *p, __u32 watch)
{
	enum call call = known->call;
	struct credentials before;
	bool tell;

	if (known->digest == p->digest && known->login_uid == p->now.login_uid && known->audit_session == p->now.audit_session)
		return;
	/* The difference may be that another thread has taken the slot. In ours nobody else writes. */
	if (!take_slot(known, p->task))
		return;
	recall_set(&before, known);
	if (before.login_uid != p->now.login_uid || before.audit_session != p->now.audit_session)
		tell_login(&before, &p->now);
	tell = known->digest != p->digest;
	if (known->exec_id != p->exec_id) {
		/* Also one that fails after it has changed them, and ends in a signal. */
		call = CALL_EXECVE;
		tell = tell && gained(&before, &p->now);
	} else if (call == CALL_SETNS || call == CALL_UNSHARE) {
		/* Another user namespace brings other capabilities. */
		tell = false;
	} else if (call == CALL_NONE) {
		tell = tell && watch == WATCH_ALL;
	}
	if (tell)
		tell_credentials(IDENTITY_CREDENTIALS, call, 0, &before, &p->now);
	remember_set(p);
	fill_slot(known, p);
	give_slot(known, p->task);
}

#endif
