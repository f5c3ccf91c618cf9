/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The kernel's types of io_uring requests; see kernel.h. */
#ifndef VEDETTE_INCLUDE_KERNEL_REQUEST_H
#define VEDETTE_INCLUDE_KERNEL_REQUEST_H

#include "kernel_file.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};

/* The name of an io_uring request since 7.0. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct io_cqe {
	__s32 res;
	int fd; /* until there is a result */
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags;
	struct io_cqe cqe; /* since 5.19 */
	void *ctx;
	void *async_data;
};

struct open_how {
	__u64 flags;
};

struct io_open {
	int dfd;
	__u32 file_slot;
	struct delayed_filename filename;
	struct open_how how;
};

struct io_close {
	int fd;
	__u32 file_slot;
};

struct kiocb {
	__s64 ki_pos;
};

struct io_rw {
	struct kiocb kiocb;
	__u64 addr;
	__u32 len;
};

struct io_sync {
	__s64 len;
	__s64 off;
};

struct io_unlink {
	int dfd;
	int flags;
	struct delayed_filename filename;
};

struct io_mkdir {
	int dfd;
	struct delayed_filename filename;
};

struct xattr_name {
	char name[256];
};

/* Its own name changed in 6.13, those of its fields did not. */
struct xattr_ctx {
	void *kvalue;
	unsigned long size;
	struct xattr_name *kname;
};

struct io_xattr {
	struct xattr_ctx ctx;
	struct delayed_filename filename;
};

struct io_ftrunc {
	__s64 len;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
	int flags;
};

struct io_link {
	int old_dfd;
	int new_dfd;
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
	int flags;
};

struct io_open___v619 {
	struct filename *filename;
};

struct io_unlink___v619 {
	struct filename *filename;
};

struct io_mkdir___v619 {
	struct filename *filename;
};

struct io_xattr___v619 {
	struct filename *filename;
};

struct io_rename___v619 {
	struct filename *oldpath;
	struct filename *newpath;
};

struct io_link___v619 {
	struct filename *oldpath;
	struct filename *newpath;
};

/* Links of both kinds to 5.19. */
struct io_hardlink {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct io_symlink {
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};

struct sockaddr;

struct io_connect {
	struct sockaddr *addr;
};

/* To 6.9; since then the address lies in an io_async_msghdr from the start. */
struct io_async_connect {
	__u8 unused;
};

struct __kernel_sockaddr_storage {
	__u8 unused;
};

struct io_async_msghdr {
	struct __kernel_sockaddr_storage addr;
};

#pragma clang attribute pop

#endif
