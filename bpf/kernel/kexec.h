/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Kernels that are to take the place of this one. */
#ifndef VEDETTE_KERNEL_KEXEC_H
#define VEDETTE_KERNEL_KEXEC_H

#include "tell.h"

#define KEXEC_FILE_NO_INITRAMFS 0x4

ALWAYS_INLINE void kexec_event(struct call_arguments *a, int ret)
{
	struct scratch *s = begin_kernel(KERNEL_KEXEC, ret);
	struct kernel_record *r;
	__u64 length;

	if (!s)
		return;
	r = RECORD(s, kernel_record);
	if (a->call == CALL_KEXEC_FILE_LOAD) {
		r->flags = a->a4;
		r->text_length[KERNEL_TEXT_FILE] = append_file(s, &r->file, file_of_descriptor(current_task(), a->a0));
		if (!(a->a4 & KEXEC_FILE_NO_INITRAMFS))
			r->text_length[KERNEL_TEXT_SECOND] =
				append_file(s, &r->second, file_of_descriptor(current_task(), a->a1));
		/* The length counts the NUL. */
		length = a->a2;
		if (length)
			r->text_length[KERNEL_TEXT_VALUE] = append_bytes(s, (void *)a->a3, length - 1);
	} else {
		r->flags = a->a3;
	}
	SEND(s);
}

#endif
