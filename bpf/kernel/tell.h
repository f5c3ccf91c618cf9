/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* How the programs of the kernel sensor send their record. */
#ifndef VEDETTE_KERNEL_TELL_H
#define VEDETTE_KERNEL_TELL_H

#include "../include/call.h"
#include "../include/kernel_record.h"

#define SEND(s) SUBMIT_RECORD(ring_kernel, CLASS_KERNEL, s, kernel_record)

#endif
