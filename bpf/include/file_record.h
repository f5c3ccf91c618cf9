/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What the file sensor tells, shared with Go (bpf/file/record.go). */
#ifndef VEDETTE_FILE_RECORD_H
#define VEDETTE_FILE_RECORD_H

#include "record.h"

enum file_operation {
	ACT_OPEN = 1,
	ACT_WRITE = 2,
	ACT_CLOSE = 3,
	ACT_DELETE = 4,
	ACT_RENAME = 5,
	ACT_LINK = 6,
	ACT_SYMLINK = 7,
	ACT_CHMOD = 8,
	ACT_CHOWN = 9,
	ACT_TRUNCATE = 10,
	ACT_UTIMES = 11,
	ACT_SETXATTR = 12,
	ACT_REMOVEXATTR = 13,
	ACT_MKDIR = 14,
	ACT_RMDIR = 15,
	ACT_MEMFD = 16,
	ACT_MOUNT = 17,
	ACT_BIND = 18,
	ACT_MKNOD = 19,
};

/* enum PathSource of proto/event.proto */
enum path_source {
	PATH_KERNEL = 1,
	PATH_LEXICAL = 2,
	PATH_CHANGED = 3,
};

enum file_text {
	TEXT_PATH,        /* the path, or with source lexical the directory */
	TEXT_NAME,        /* with source lexical the caller's string */
	TEXT_SECOND_PATH, /* the same of the second name of rename, link and mount */
	TEXT_SECOND_NAME,
	TEXT_FIRST, /* by operation: the attribute's name, a link's text, a file system's type, the beginning of what was written */
	TEXT_SECOND, /* the attribute's value, mount options */
	FILE_TEXT_COUNT,
};

struct file_record {
	struct record_header header;
	/* The object, as it is afterwards. */
	struct file_identity file;
	/* The object as it was before, or for rename the one that was replaced. */
	struct file_identity before;
	/* By operation: open: flags, whether it was created. write: offset, length. close: bytes written. mount: flags.
	 * utimes: access time. memfd, bind: flags, type. */
	__u64 value[2];
	__u32 operation;
	__s32 error;
	__u32 call;   /* enum call */
	__u16 source; /* of both paths: enum path_source */
	__u16 second_source;
	__u16 text_length[FILE_TEXT_COUNT];
	__u32 reserved;
};

#endif
