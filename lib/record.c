/* SPDX-License-Identifier: GPL-2.0-or-later */
/* record.c - RUNTIME/networks/NAME/network.json: the resolved definition of a network that is up. */
#include "record.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "definition.h"
#include "file.h"

int kvn_record_format(const struct kvn_network *net, char **ret, struct kvn_error *err)
{
	auto_json json_t *json = kvn_definition_write(net);

	*ret = json ? json_dumps(json, JSON_COMPACT) : NULL;
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "record");
}

int kvn_record_read(const struct kvn *kvn, const char *network, struct kvn_network *ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	auto_json json_t *json = NULL;
	struct kvn_document doc;
	kvn_path path;
	int r = kvn_file_read(kvn_path_record(kvn, network, path), &text, err);

	if (r < 0)
		return r == -ENOTDIR ? kvn_fail_errno(err, ENOENT, "%s", path) : r;
	json = json_loads(text, 0, NULL);
	if (!json)
		return kvn_fail(err, EINVAL, "%s: damaged", path);
	r = kvn_document_from_json(json, path, &doc, err);
	if (r < 0)
		return r;
	r = kvn_definition_read(&doc, network, ret, err);
	kvn_document_clear(&doc);
	if (r == 0)
		kvn_definition_resolve(ret);
	return r;
}

int kvn_record_find(const struct kvn *kvn, const char *network, struct kvn_network *ret, bool *ret_is_up,
		    struct kvn_error *err)
{
	int r = kvn_record_read(kvn, network, ret, err);

	*ret_is_up = r == 0;
	return r == -ENOENT || r == -EINVAL ? 0 : r;
}

bool kvn_record_exists(const struct kvn *kvn, const char *network)
{
	kvn_path path;

	return access(kvn_path_record(kvn, network, path), F_OK) == 0;
}

static DIR *open_networks(const struct kvn *kvn)
{
	kvn_path path;

	(void)snprintf(path, sizeof(path), "%s/networks", kvn->runtime_dir);
	return opendir(path);
}

static bool is_journaled(const struct kvn *kvn, const char *network)
{
	kvn_path path;

	return access(kvn_path_journal(kvn, network, path), F_OK) == 0;
}

/* The next network that is up, or @is_begun, NULL after the last. */
static const char *next(const struct kvn *kvn, DIR *dir, bool is_begun)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && strlen(entry->d_name) <= KVN_NAME_MAX &&
		    (kvn_record_exists(kvn, entry->d_name) || (is_begun && is_journaled(kvn, entry->d_name))))
			return entry->d_name;
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int kvn_record_dump(const struct kvn *kvn, bool is_begun, char (**ret)[KVN_NAME_MAX + 1], size_t *ret_n,
		    struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	auto_dir DIR *dir = open_networks(kvn);
	const char *name;
	size_t n = 0, size = 0;

	*ret = NULL;
	*ret_n = 0;
	if (!dir)
		return errno == ENOENT ? 0 : kvn_fail_errno(err, errno, "%s/networks", kvn->runtime_dir);
	while ((name = next(kvn, dir, is_begun))) {
		if (!KVN_ARRAY_ROOM(names, n, size))
			return kvn_fail_errno(err, ENOMEM, "networks");
		memcpy(names[n++], name, strlen(name) + 1);
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	*ret = steal_ptr(&names);
	*ret_n = n;
	return 0;
}

int kvn_record_others(const struct kvn *kvn, const char *network, bool *ret_is_last, struct kvn_error *err)
{
	auto_dir DIR *dir = open_networks(kvn);
	const char *name;

	if (!dir && errno != ENOENT)
		return kvn_fail_errno(err, errno, "%s/networks", kvn->runtime_dir);
	*ret_is_last = true;
	while (dir && (name = next(kvn, dir, false)))
		if (strcmp(name, network) != 0) {
			*ret_is_last = false;
			break;
		}
	return 0;
}

static const char *problem_path(const struct kvn *kvn, const char *network, kvn_path path)
{
	(void)snprintf(path, KVN_PATH_MAX, "%s/problems/%s", kvn->runtime_dir, network);
	return path;
}

void kvn_record_set_problem(const struct kvn *kvn, const char *network, const char *message)
{
	kvn_path path, dir;

	(void)problem_path(kvn, network, path);
	if (!message || !message[0]) {
		(void)unlink(path); /* there is seldom one */
		return;
	}
	(void)snprintf(dir, sizeof(dir), "%s/problems", kvn->runtime_dir);
	if (kvn_file_mkdirs(dir, NULL) == 0)
		(void)kvn_file_write(path, message, 0644, false, NULL); /* it was said in the journal, too */
}

char *kvn_record_problem(const struct kvn *kvn, const char *network)
{
	char *text = NULL;
	kvn_path path;

	return kvn_file_read(problem_path(kvn, network, path), &text, NULL) == 0 ? text : NULL;
}
