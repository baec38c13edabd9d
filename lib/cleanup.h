/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cleanup.h - scope-bound release of descriptors, memory and JSON.  Source: gcc manual, attribute "cleanup". */
#ifndef KVN_CLEANUP_H
#define KVN_CLEANUP_H

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void kvn_cleanup_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing was left to write: a failure says nothing to anybody */
}

static inline void kvn_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void kvn_cleanup_json(json_t **json)
{
	json_decref(*json);
}

static inline void kvn_cleanup_file(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* writers check fflush() themselves */
}

static inline void kvn_cleanup_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir); /* read only */
}

#define auto_close __attribute__((cleanup(kvn_cleanup_close)))
#define auto_free __attribute__((cleanup(kvn_cleanup_free)))
#define auto_json __attribute__((cleanup(kvn_cleanup_json)))
#define auto_file __attribute__((cleanup(kvn_cleanup_file)))
#define auto_dir __attribute__((cleanup(kvn_cleanup_dir)))

/* Hand @fd over: its holder no longer closes it. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Hand the pointer at @p over: its holder no longer frees it. */
#define steal_ptr(p) \
	({ \
		__typeof__(*(p)) steal_taken = *(p); \
		*(p) = NULL; \
		steal_taken; \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
