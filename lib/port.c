/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port.c - a record a port, in the runtime directory.  The kernel says which ports there are; a record without a link is
 * what a killed guest leaves, and is forgotten. */
#include "port.h"

#include <errno.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "file.h"

static const char *path_of(const struct kvn *kvn, const char *network, const char *ifname, kvn_path path)
{
	kvn_path dir;

	(void)snprintf(path, KVN_PATH_MAX, "%.220s/%s", kvn_path_ports(kvn, network, dir), ifname);
	return path;
}

int kvn_port_record(const struct kvn *kvn, const struct kvn_port *port, struct kvn_error *err)
{
	struct kvn_item item = {.object = KVN_OBJECT_PORT, .port = *port};
	auto_json json_t *json = kvn_item_to_json(&item);
	auto_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	kvn_path path;
	int r;

	if (!text)
		return kvn_fail_errno(err, ENOMEM, "port '%s'", port->ifname);
	(void)path_of(kvn, port->network, port->ifname, path);
	r = kvn_file_write(path, text, 0644, false, err);
	if (r == -ENOENT) { /* the first port of the network */
		r = kvn_file_mkdirs(kvn_path_ports(kvn, port->network, path), err);
		if (r == 0)
			r = kvn_file_write(path_of(kvn, port->network, port->ifname, path), text, 0644, false, err);
	}
	return r;
}

int kvn_port_recall(const struct kvn *kvn, const char *network, const char *ifname, struct kvn_port *ret,
		    struct kvn_error *err)
{
	auto_free char *text = NULL;
	auto_json json_t *json = NULL;
	struct kvn_item item;
	kvn_path path;
	int r = kvn_file_read(path_of(kvn, network, ifname, path), &text, err);

	if (r < 0)
		return r;
	json = json_loads(text, 0, NULL);
	if (!json || kvn_item_from_json(json, &item, err) < 0 || item.object != KVN_OBJECT_PORT)
		return kvn_fail(err, ENOENT, "%s: damaged", path);
	*ret = item.port;
	return 0;
}

int kvn_port_forget(const struct kvn *kvn, const char *network, const char *ifname, struct kvn_error *err)
{
	kvn_path path;
	int r = kvn_file_remove(path_of(kvn, network, ifname, path), err);

	(void)rmdir(kvn_path_ports(kvn, network, path)); /* stays while another is in it */
	return r;
}

int kvn_port_recorded(const struct kvn *kvn, const char *network, char (**ret)[IFNAMSIZ], size_t *ret_n,
		      struct kvn_error *err)
{
	auto_free char(*names)[IFNAMSIZ] = NULL;
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	kvn_path path;
	size_t n = 0, size = 0;

	*ret = NULL;
	*ret_n = 0;
	dir = opendir(kvn_path_ports(kvn, network, path));
	if (!dir)
		return errno == ENOENT ? 0 : kvn_fail_errno(err, errno, "%s", path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= IFNAMSIZ)
			continue; /* no name of a link: a temporary file that a killed writer left */
		if (!KVN_ARRAY_ROOM(names, n, size))
			return kvn_fail_errno(err, ENOMEM, "ports");
		memcpy(names[n++], entry->d_name, strlen(entry->d_name) + 1);
	}
	*ret = steal_ptr(&names);
	*ret_n = n;
	return 0;
}
