/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * The records that travel through the ring buffers, shared with Go (bpf/record, bpf/process): fixed layout, little endian,
 * no implicit padding. A record is its fixed part followed by the texts whose lengths the fixed part names, in order.
 */
#ifndef VEDETTE_RECORD_H
#define VEDETTE_RECORD_H

#include "kernel.h"

enum record_kind {
	RECORD_EXEC = 1,
	RECORD_FORK = 2,
	RECORD_EXIT = 3,
	RECORD_CHUNK = 4,
	RECORD_SEED = 5,
	RECORD_FILE = 6,
	RECORD_MEMORY = 7,
	RECORD_IDENTITY = 8,
	RECORD_KERNEL = 9,
	RECORD_THROTTLED = 10,
};

/* enum EventFlag of proto/event.proto */
enum record_flag {
	FLAG_ARGUMENTS_TRUNCATED = 1,
	FLAG_ENVIRONMENT_TRUNCATED = 2,
	FLAG_PATH_UNRESOLVED = 4,
	FLAG_READ_FAULT = 8,
	FLAG_CHANGED_DURING_CALL = 16,
};

/* enum FileFlag of proto/event.proto */
enum file_flag {
	FILE_DELETED = 1,
	FILE_MEMFD = 2,
	FILE_WRITABLE_BY_OTHERS = 4,
	FILE_TMPFS = 8,
	FILE_OVERLAY_UPPER = 16,
	FILE_NOEXEC_MOUNT = 32,
	FILE_DISCONNECTED = 64,
	FILE_SETUID = 128,
	FILE_SETGID = 256,
};

struct process_key {
	__u64 start_time_ns;
	__u32 tgid;
	__u32 reserved;
};

struct actor {
	struct process_key process;
	struct process_key parent;
	__u64 cgroup_id;
	__u32 tid;
	__u32 uid;
	__u32 euid;
	__u32 gid;
	__u32 egid;
	__u32 mount_namespace;
	__u32 pid_namespace;
	__u32 namespace_pid;
	__u8 comm[16];
};

struct record_header {
	__u64 sequence;
	__u64 time_ns;
	__u32 cpu;
	__u16 kind;
	__u16 flags;
	struct actor actor;
};

struct file_identity {
	__u64 device;
	__u64 inode;
	__s64 ctime_ns;
	__s64 mtime_ns;
	__u64 size;
	__u32 mode;
	__u32 uid;
	__u32 gid;
	__u32 links;
	__u32 flags;
	__u32 filesystem;
	__u32 mount_id;
	__u32 reserved;
};

enum exec_text {
	TEXT_EXECUTABLE,
	TEXT_SCRIPT,
	TEXT_WORKING_DIRECTORY,
	TEXT_ROOT_DIRECTORY,
	TEXT_STDIN,
	TEXT_FILENAME,
	TEXT_INTERPRETER,
	TEXT_ARGUMENTS,
	TEXT_ENVIRONMENT,
	TEXT_COUNT,
};

struct exec_record {
	struct record_header header;
	struct file_identity executable;
	struct file_identity script;
	struct file_identity stdin_file;
	struct process_key creator;
	__u64 cap_effective;
	__u64 cap_permitted;
	__u64 cap_inheritable;
	__u64 cap_bounding;
	__u64 cap_ambient;
	/* Bytes that the process has; the text of that field is empty when they came as chunks. */
	__u64 arguments_size;
	__u64 environment_size;
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u32 login_uid;
	__u32 audit_session;
	__u32 securebits;
	__u32 session;
	__u32 process_group;
	__u32 argument_count;
	__u32 calling_thread;
	__u32 ns_mount, ns_pid, ns_network, ns_user, ns_uts, ns_ipc, ns_cgroup, ns_time;
	__u16 text_length[TEXT_COUNT];
	__u8 secure_exec;
	__u8 reserved;
	__u8 tty[16];
	__u8 previous_comm[16];
};

struct fork_record {
	struct record_header header;
	struct process_key child;
	struct process_key parent;
	__u64 child_cgroup_id;
	__u32 child_namespace_pid;
	__u32 child_pid_namespace;
};

struct exit_record {
	struct record_header header;
	__u64 user_time_ns;
	__u64 system_time_ns;
	__u64 max_resident_pages;
	__u32 status; /* as wait(2) encodes it */
	__u32 reserved;
};

#define CHUNK_BYTES 8192
#define CHUNK_COUNT 32 /* times CHUNK_BYTES: 256 KiB of arguments, and as much environment */

/* A piece of the arguments or environment of the exec that carries the same cpu and sequence and follows its chunks. */
struct chunk_record {
	__u64 sequence;
	__u64 time_ns;
	__u32 cpu;
	__u16 kind;
	__u16 flags;
	__u16 field; /* TEXT_ARGUMENTS or TEXT_ENVIRONMENT */
	__u16 index;
	__u32 length;
	__u8 data[CHUNK_BYTES];
};

#endif
