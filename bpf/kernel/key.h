/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* Keys and keyrings. */
#ifndef VEDETTE_KERNEL_KEY_H
#define VEDETTE_KERNEL_KEY_H

#include "tell.h"

/* Operations of keyctl(2) (include/uapi/linux/keyctl.h). */
enum {
	KEYCTL_GET_KEYRING_ID = 0,
	KEYCTL_JOIN_SESSION_KEYRING = 1,
	KEYCTL_LINK = 8,
	KEYCTL_UNLINK = 9,
	KEYCTL_SEARCH = 10,
	KEYCTL_INSTANTIATE = 12,
	KEYCTL_NEGATE = 13,
	KEYCTL_SET_REQKEY_KEYRING = 14,
	KEYCTL_GET_SECURITY = 17,
	KEYCTL_REJECT = 19,
	KEYCTL_INSTANTIATE_IOV = 20,
	KEYCTL_GET_PERSISTENT = 22,
	KEYCTL_DH_COMPUTE = 23,
	KEYCTL_PKEY_QUERY = 24,
	KEYCTL_RESTRICT_KEYRING = 29,
	KEYCTL_MOVE = 30,
	KEYCTL_CAPABILITIES = 31,
};

/* What only asks for the id of a keyring, a default, a label or what there is to use. */
#define UNREPORTED_KEYCTL                                                                                                  \
	(BIT(KEYCTL_GET_KEYRING_ID) | BIT(KEYCTL_SET_REQKEY_KEYRING) | BIT(KEYCTL_GET_SECURITY) | BIT(KEYCTL_PKEY_QUERY) | \
	 BIT(KEYCTL_CAPABILITIES))

ALWAYS_INLINE void key_event(struct call_arguments *a, int ret)
{
	__u32 keyctl = a->call == CALL_KEYCTL ? (__u32)a->a0 : 0;
	__u64 type = 0, description = 0;
	struct kernel_record *r;
	struct scratch *s;

	if (a->call == CALL_KEYCTL && keyctl < 64 && (UNREPORTED_KEYCTL & BIT(keyctl)))
		return;
	s = begin_kernel(a->call == CALL_ADD_KEY       ? KERNEL_ADD_KEY
			 : a->call == CALL_REQUEST_KEY ? KERNEL_REQUEST_KEY
						       : KERNEL_KEYCTL,
			 ret);
	if (!s)
		return;
	r = RECORD(s, kernel_record);
	r->number = keyctl;
	if (a->call == CALL_ADD_KEY) {
		type = a->a0;
		description = a->a1;
		r->keyring = a->a4;
		r->id = ret > 0 ? ret : 0;
	} else if (a->call == CALL_REQUEST_KEY) {
		type = a->a0;
		description = a->a1;
		r->keyring = a->a3;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_JOIN_SESSION_KEYRING) {
		description = a->a1;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_SEARCH) {
		r->keyring = a->a1;
		type = a->a2;
		description = a->a3;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_GET_PERSISTENT) {
		r->keyring = a->a2;
		r->id = ret > 0 ? ret : 0;
	} else if (keyctl == KEYCTL_RESTRICT_KEYRING) {
		r->keyring = a->a1;
		type = a->a2;
		description = a->a3;
	} else if (keyctl != KEYCTL_DH_COMPUTE) {
		r->id = a->a1;
		if (keyctl == KEYCTL_LINK || keyctl == KEYCTL_UNLINK)
			r->keyring = a->a2;
		else if (keyctl == KEYCTL_MOVE || keyctl == KEYCTL_NEGATE)
			r->keyring = a->a3;
		else if (keyctl == KEYCTL_INSTANTIATE || keyctl == KEYCTL_INSTANTIATE_IOV || keyctl == KEYCTL_REJECT)
			r->keyring = a->a4;
	}
	if (type)
		r->text_length[KERNEL_TEXT_NAME] = append_text(s, (void *)type, true);
	if (description)
		r->text_length[KERNEL_TEXT_VALUE] = append_text(s, (void *)description, true);
	SEND(s);
}

#endif
