/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Settings of the kernel that are written. */
#ifndef VEDETTE_KERNEL_SYSCTL_H
#define VEDETTE_KERNEL_SYSCTL_H

#include "tell.h"

#define SYSCTL_NAME 256

/* The helpers want a destination that is all there: the name area, from which the value is taken. */
#define SYSCTL_ROOM(s) ((char *)(s)->name)

/* Appends what a helper put there; a longer value comes as -E2BIG, cut and with a NUL at its end. */
ALWAYS_INLINE __u16 append_sysctl(struct scratch *s, long length)
{
	__u64 at = s->at;

	if (length == -E2BIG) {
		s->flags |= FLAG_ARGUMENTS_TRUNCATED;
		length = SYSCTL_VALUE - 1;
	}
	OPAQUE(length);
	OPAQUE(at);
	if (length <= 0 || length >= SYSCTL_VALUE || at >= TEXT_LIMIT)
		return 0;
	bpf_probe_read_kernel(&s->text[at], length, s->name);
	s->at = at + length;
	return length;
}

/*
 * Writes to sysctls by whatever route, at the root of the control groups: the kernel has checked that the caller may, and has
 * the value in its own memory, but not yet looked at it. Whatever is told, the write goes on.
 */
ALWAYS_INLINE void sysctl_event(struct bpf_sysctl *ctx)
{
	struct scratch *s = begin_kernel(KERNEL_SYSCTL, 0);
	struct kernel_record *r;
	long length;

	if (!s)
		return;
	r = RECORD(s, kernel_record);
	length = bpf_sysctl_get_name(ctx, (char *)s->text, SYSCTL_NAME, 0);
	if (length < 0 || length >= SYSCTL_NAME)
		length = 0;
	r->text_length[KERNEL_TEXT_NAME] = length;
	s->at = length;
	r->text_length[KERNEL_TEXT_VALUE] = append_sysctl(s, bpf_sysctl_get_new_value(ctx, SYSCTL_ROOM(s), SYSCTL_VALUE));
	r->text_length[KERNEL_TEXT_OLD] = append_sysctl(s, bpf_sysctl_get_current_value(ctx, SYSCTL_ROOM(s), SYSCTL_VALUE));
	SEND(s);
}

#endif
