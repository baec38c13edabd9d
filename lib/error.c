/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error.c - fill and wrap struct kvn_error; nothing is allocated while failing. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages are one line whatever a user or the kernel put into them. */
static void flatten(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

int kvn_fail(struct kvn_error *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->message)]; /* @err's own message may be one of the arguments */
	va_list ap;

	if (code <= 0)
		code = EIO;
	errno = code; /* where there is no @err, a wrapper further out finds it here */
	if (!err)
		return -code;
	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* a cut message is still a message */
	va_end(ap);
	memcpy(err->message, text, sizeof(text));
	flatten(err->message);
	return -code;
}

int kvn_fail_errno(struct kvn_error *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->message)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return kvn_fail(err, code, "%s: %s", text, strerror(code));
}

int kvn_wrap(struct kvn_error *err, const char *fmt, ...)
{
	char inner[sizeof(err->message)], outer[sizeof(err->message)];
	va_list ap;

	if (!err)
		return errno > 0 ? -errno : -EIO;
	memcpy(inner, err->message, sizeof(inner));
	va_start(ap, fmt);
	(void)vsnprintf(outer, sizeof(outer), fmt, ap);
	va_end(ap);
	return kvn_fail(err, err->code, "%s: %s", outer, inner);
}
