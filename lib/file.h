/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.h - whole files, read and replaced whole. */
#ifndef KVN_FILE_H
#define KVN_FILE_H

#include "error.h"

/* Read @path whole into a NUL-terminated text of at most 4 MiB; *ret is the caller's to free.  -ENOENT -EFBIG -EIO ... */
int kvn_file_read(const char *path, char **ret, struct kvn_error *err);

/* Replace @path by @text: temporary file beside it, fsync if @is_durable, rename.  @mode as for open(2), umask not applied.
 * On failure nothing is left and the old file stands. */
int kvn_file_write(const char *path, const char *text, mode_t mode, bool is_durable, struct kvn_error *err);

/* Remove @path; gone already is no error. */
int kvn_file_remove(const char *path, struct kvn_error *err);

/* Make @path and what is missing above it, 0755. */
int kvn_file_mkdirs(const char *path, struct kvn_error *err);

#endif
