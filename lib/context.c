/* SPDX-License-Identifier: GPL-2.0-or-later */
/* context.c - the three directories and the paths below them. */
#include "context.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "cleanup.h"
#include "file.h"

static int take_dir(const char *variable, const char *fallback, char ret[static KVN_DIR_MAX], struct kvn_error *err)
{
	const char *dir = getenv(variable);

	if (!dir || !dir[0])
		dir = fallback;
	if (dir[0] != '/')
		return kvn_fail(err, EINVAL, "%s='%s': not an absolute path", variable, dir);
	if (strlen(dir) >= KVN_DIR_MAX)
		return kvn_fail(err, ENAMETOOLONG, "%s: longer than %d bytes", variable, KVN_DIR_MAX - 1);
	memcpy(ret, dir, strlen(dir) + 1);
	return 0;
}

int kvn_open(struct kvn **ret, struct kvn_error *err)
{
	auto_free struct kvn *kvn = calloc(1, sizeof(*kvn));
	size_t seed = 0;
	int r;

	if (!kvn)
		return kvn_fail_errno(err, ENOMEM, "kvnet");
	/* jansson would open /dev/urandom for it, in every hook that runs for a millisecond; 0 leaves that to it. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = 0;
	json_object_seed(seed);
	r = take_dir("KVNET_CONFIG_DIR", "/etc/kvnet", kvn->config_dir, err);
	if (r == 0)
		r = take_dir("KVNET_RUNTIME_DIR", "/run/kvnet", kvn->runtime_dir, err);
	if (r == 0)
		r = take_dir("KVNET_STATE_DIR", "/var/lib/kvnet", kvn->state_dir, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&kvn);
	return 0;
}

void kvn_close(struct kvn *kvn)
{
	if (!kvn)
		return;
	kvn_kernel_close(&kvn->kernel);
	kvn_remote_close(&kvn->remote);
	free(kvn);
}

/* Directories are at most KVN_DIR_MAX and names KVN_NAME_MAX: everything below fits KVN_PATH_MAX. */
#define FILL(path, ...) ((void)snprintf((path), KVN_PATH_MAX, __VA_ARGS__), (path))

const char *kvn_path_definitions(const struct kvn *kvn, kvn_path path)
{
	return FILL(path, "%s/networks", kvn->config_dir);
}

const char *kvn_path_definition(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/networks/%s.yaml", kvn->config_dir, network);
}

const char *kvn_path_settings(const struct kvn *kvn, kvn_path path)
{
	return FILL(path, "%s/kvnet.yaml", kvn->config_dir);
}

const char *kvn_path_runtime(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/networks/%s", kvn->runtime_dir, network);
}

const char *kvn_path_record(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/networks/%s/network.json", kvn->runtime_dir, network);
}

const char *kvn_path_journal(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/networks/%s/journal", kvn->runtime_dir, network);
}

const char *kvn_path_ports(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/networks/%s/ports", kvn->runtime_dir, network);
}

const char *kvn_path_claim(const struct kvn *kvn, const char *key, kvn_path path)
{
	return FILL(path, "%s/claims/%s", kvn->runtime_dir, key);
}

const char *kvn_path_identity(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/identities/%s.json", kvn->state_dir, network);
}

const char *kvn_path_registration(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/libvirt/registered/%s", kvn->state_dir, network);
}

const char *kvn_path_take_over(const struct kvn *kvn, const char *network, kvn_path path)
{
	return FILL(path, "%s/libvirt/%s.json", kvn->state_dir, network);
}

void kvn_path_dnsmasq(const struct kvn *kvn, const char *network, struct kvn_dnsmasq_paths *ret)
{
	kvn_path dir;

	*ret = (struct kvn_dnsmasq_paths){0};
	(void)kvn_path_runtime(kvn, network, dir);
	(void)snprintf(ret->conf, sizeof(ret->conf), "%.200s/dnsmasq.conf", dir);
	(void)snprintf(ret->hosts, sizeof(ret->hosts), "%.200s/hosts", dir);
	(void)snprintf(ret->dhcp, sizeof(ret->dhcp), "%.200s/dhcp-hosts", dir);
	(void)snprintf(ret->pid, sizeof(ret->pid), "%.200s/dnsmasq.pid", dir);
	(void)snprintf(ret->leases, sizeof(ret->leases), "%s/leases/%s", kvn->state_dir, network);
}

int kvn_context_settings(const struct kvn *kvn, struct kvn_settings *ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	kvn_path path;
	int r = kvn_file_read(kvn_path_settings(kvn, path), &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	return kvn_settings_parse(text, path, ret, err);
}
