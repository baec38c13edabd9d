/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error.h - how the library says that something failed: a negative errno and one sentence, in one line of code. */
#ifndef KVN_ERROR_H
#define KVN_ERROR_H

#include "kvnet.h"

/* Fill @err (NULL is fine) with @code (positive errno) and the message; returns -@code. */
int kvn_fail(struct kvn_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put context before the message that is in @err: "CONTEXT: MESSAGE".  Returns -err->code. */
int kvn_wrap(struct kvn_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* kvn_fail() with ": strerror(@code)" appended. */
int kvn_fail_errno(struct kvn_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
