/* SPDX-License-Identifier: GPL-2.0-or-later */
/* store.c - CONFIG/networks/NAME.yaml. */
#include "store.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "file.h"
#include "identity.h"
#include "subnet.h"

#define SUFFIX ".yaml"

int kvn_store_resolve(const struct kvn *kvn, const struct kvn_document *doc, const char *network,
		      struct kvn_network *ret, struct kvn_error *err)
{
	int r = kvn_definition_read(doc, network, ret, err);

	if (r < 0)
		return r;
	r = kvn_subnet_recall(kvn, ret, err);
	if (r == 0)
		kvn_definition_resolve(ret);
	if (r == 0 && ret->model != KVN_BRIDGED && kvn_mac_is_zero(ret->mac))
		r = kvn_identity_mac(kvn, ret->name, ret->mac, err);
	if (r < 0)
		kvn_network_clear(ret);
	return r;
}

int kvn_store_read(const struct kvn *kvn, const char *network, char **ret_text, struct kvn_network *ret,
		   struct kvn_error *err)
{
	auto_free char *text = NULL;
	struct kvn_document doc;
	kvn_path path;
	int r = kvn_file_read(kvn_path_definition(kvn, network, path), &text, err);

	if (r == -ENOENT)
		return kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	if (r < 0)
		return r;
	r = kvn_document_parse(text, path, &doc, err);
	if (r < 0)
		return r;
	r = kvn_store_resolve(kvn, &doc, network, ret, err);
	kvn_document_clear(&doc);
	if (r == 0 && ret_text)
		*ret_text = steal_ptr(&text);
	return r;
}

bool kvn_store_exists(const struct kvn *kvn, const char *network)
{
	kvn_path path;

	return access(kvn_path_definition(kvn, network, path), F_OK) == 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

int kvn_store_dump(const struct kvn *kvn, char (**ret)[KVN_NAME_MAX + 1], size_t *ret_n, struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	size_t n = 0, size = 0;
	kvn_path path;

	*ret = NULL;
	*ret_n = 0;
	dir = opendir(kvn_path_definitions(kvn, path));
	if (!dir)
		return errno == ENOENT ? 0 : kvn_fail_errno(err, errno, "%s", path);
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);
		char name[KVN_NAME_MAX + 1] = "";

		if (length <= strlen(SUFFIX) || length - strlen(SUFFIX) > KVN_NAME_MAX ||
		    strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		memcpy(name, entry->d_name, length - strlen(SUFFIX));
		if (kvn_name_check(name, NULL) < 0)
			continue; /* an editor's backup, or not ours */
		if (!KVN_ARRAY_ROOM(names, n, size))
			return kvn_fail_errno(err, ENOMEM, "networks");
		memcpy(names[n++], name, sizeof(name));
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_names);
	*ret = steal_ptr(&names);
	*ret_n = n;
	return 0;
}
