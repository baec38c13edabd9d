/* SPDX-License-Identifier: GPL-2.0-or-later */
/* journal.c - a line of JSON a step, in the runtime directory.
 *
 *   {"had": ITEM | null, "want": ITEM | null}
 *
 * Written before the step runs, without fsync: it has to outlive the process, not the machine; what it would undo does not
 * outlive that either. */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "file.h"

int kvn_journal_open(const struct kvn *kvn, const char *network, int *ret_fd, struct kvn_error *err)
{
	kvn_path dir, path;
	int r = kvn_file_mkdirs(kvn_path_runtime(kvn, network, dir), err), fd;

	if (r < 0)
		return r;
	fd = open(kvn_path_journal(kvn, network, path),
		  O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return kvn_fail_errno(err, errno, "cannot write %s", path);
	*ret_fd = fd;
	return 0;
}

int kvn_journal_add(int fd, const struct kvn_op *op, struct kvn_error *err)
{
	auto_json json_t *line = json_pack("{s:o, s:o}", "had", op->has_had ? kvn_item_to_json(&op->had) : json_null(),
					   "want", op->has_want ? kvn_item_to_json(&op->want) : json_null());
	auto_free char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;
	ssize_t n;

	if (!text)
		return kvn_fail_errno(err, ENOMEM, "journal");
	text[size] = '\n'; /* in place of the terminator: one write, so that a line is whole or the last */
	n = write(fd, text, size + 1);
	if (n != (ssize_t)size + 1)
		return kvn_fail_errno(err, n < 0 ? errno : ENOSPC, "cannot write the journal");
	return 0;
}

int kvn_journal_close(const struct kvn *kvn, const char *network, struct kvn_error *err)
{
	kvn_path path;

	if (unlink(kvn_path_journal(kvn, network, path)) < 0 && errno != ENOENT)
		return kvn_fail_errno(err, errno, "cannot remove %s", path);
	if (access(kvn_path_record(kvn, network, path), F_OK) == 0)
		return 0; /* up: the directory stays */
	(void)rmdir(kvn_path_ports(kvn, network, path)); /* stays while a port is recorded */
	(void)rmdir(kvn_path_runtime(kvn, network, path)); /* or anything else is in it */
	return 0;
}

static int read_side(const json_t *line, const char *name, bool *ret_has, struct kvn_item *ret, struct kvn_error *err)
{
	const json_t *side = json_object_get(line, name);

	*ret_has = side && !json_is_null(side);
	return *ret_has ? kvn_item_from_json(side, ret, err) : 0;
}

static int read_line(const char *text, size_t size, struct kvn_op *ret, struct kvn_error *err)
{
	auto_json json_t *line = json_loadb(text, size, 0, NULL);
	int r;

	if (!line)
		return kvn_fail(err, EINVAL, "journal: a line that is not JSON");
	r = read_side(line, "had", &ret->has_had, &ret->had, err);
	if (r == 0)
		r = read_side(line, "want", &ret->has_want, &ret->want, err);
	ret->object = ret->has_want ? ret->want.object : ret->had.object;
	return r;
}

int kvn_journal_read(const struct kvn *kvn, const char *network, struct kvn_plan *ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	struct kvn_plan plan = {0};
	kvn_path path;
	size_t n_lines = 0;
	int r = kvn_file_read(kvn_path_journal(kvn, network, path), &text, err);

	*ret = (struct kvn_plan){0};
	if (r < 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	for (const char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
		n_lines++;
	plan.ops = calloc(n_lines + 1, sizeof(*plan.ops));
	if (!plan.ops)
		return kvn_fail_errno(err, ENOMEM, "journal");
	for (const char *line = text; r >= 0 && plan.n < n_lines; line = strchr(line, '\n') + 1) {
		size_t size = (size_t)(strchr(line, '\n') - line);

		r = read_line(line, size, &plan.ops[plan.n], err);
		plan.n++;
	}
	if (r < 0) {
		kvn_plan_clear(&plan);
		return kvn_wrap(err, "%s", path);
	}
	*ret = plan;
	return 0;
}
