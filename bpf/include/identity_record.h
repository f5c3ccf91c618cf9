/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What a task may do and which namespaces it is in, and the record of a change of either. */
#ifndef VEDETTE_IDENTITY_RECORD_H
#define VEDETTE_IDENTITY_RECORD_H

#include "call.h"
#include "emit.h"

/* What task->real_cred says, and the login that the audit system keeps beside it. */
struct credentials {
	__u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid, securebits;
	__u32 user_namespace;
	__u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	__u32 login_uid;
	__u32 audit_session;
};

/*
 * The namespaces of a task by their inode numbers. Those of process ids and of time are the ones that its children are born into:
 * unshare and setns change only these, and for a new process they are its own.
 */
struct namespaces {
	__u32 mount, pid, network, user, uts, ipc, cgroup, time;
};

enum identity_operation {
	IDENTITY_CREDENTIALS = 1,
	IDENTITY_NAMESPACES = 2,
	IDENTITY_LOGIN = 3,
	IDENTITY_LOGOUT = 4,
};

struct identity_record {
	struct record_header header;
	struct credentials before;
	struct credentials after;
	struct namespaces namespaces_before;
	struct namespaces namespaces_after;
	/* CLONE_NEW*: what was asked for, and what has changed. */
	__u64 flags;
	__u32 operation;
	__u32 call; /* enum call; CALL_NONE when no call explains the change */
	__s32 error;
	__u32 reserved;
};

RING(ring_identity);

/* An event about credentials, of the acting task; also a login (after) or the end of one (before). */
ALWAYS_INLINE void tell_credentials(enum identity_operation operation, enum call call, int error,
				    const struct credentials *before, const struct credentials *after)
{
	struct scratch *s = begin_record(CLASS_IDENTITY);
	struct identity_record *r;

	if (!s)
		return;
	r = RECORD(s, identity_record);
	begin_header(s, &r->header, RECORD_IDENTITY);
	r->before = *before;
	r->after = *after;
	__builtin_memset(&r->namespaces_before, 0, sizeof(r->namespaces_before));
	__builtin_memset(&r->namespaces_after, 0, sizeof(r->namespaces_after));
	r->flags = 0;
	r->operation = operation;
	r->call = call;
	r->error = error;
	r->reserved = 0;
	SUBMIT_RECORD(ring_identity, CLASS_IDENTITY, s, identity_record);
}

ALWAYS_INLINE void tell_namespaces(enum call call, int error, __u64 flags, const struct namespaces *before,
				   const struct namespaces *after)
{
	struct scratch *s = begin_record(CLASS_IDENTITY);
	struct identity_record *r;

	if (!s)
		return;
	r = RECORD(s, identity_record);
	begin_header(s, &r->header, RECORD_IDENTITY);
	__builtin_memset(&r->before, 0, sizeof(r->before));
	__builtin_memset(&r->after, 0, sizeof(r->after));
	r->namespaces_before = *before;
	r->namespaces_after = *after;
	r->flags = flags;
	r->operation = IDENTITY_NAMESPACES;
	r->call = call;
	r->error = error;
	r->reserved = 0;
	SUBMIT_RECORD(ring_identity, CLASS_IDENTITY, s, identity_record);
}

/* Accounts for an event that cannot be told because a map had no room for what it needs. */
ALWAYS_INLINE void lose_to_full_map(enum event_class class)
{
	struct cpu_counters *c = counters_of(class, bpf_get_smp_processor_id());

	if (!c)
		return;
	count_made(c);
	COUNT(c->lost_map_full);
}

#endif
