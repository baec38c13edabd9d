/* SPDX-License-Identifier: GPL-2.0-or-later */
/* claim.c - who needs a host-wide sysctl, and what it was before.
 *
 * A claim is a file RUNTIME/claims/KEY: {"was": 0, "saved": {"KEY": VALUE, ...}, "users": ["nat0", ...]}.  Switching
 * forwarding on or off makes the kernel overwrite settings of every link besides; "saved" holds those that it would not
 * find back by itself.  The file is written before the kernel is touched and removed after it was given back, so that
 * whoever comes after a killed process can do the rest. */
#include "claim.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "file.h"

static int load(const struct kvn *kvn, const char *key, json_t **ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	kvn_path path;
	int r = kvn_file_read(kvn_path_claim(kvn, key, path), &text, err);

	if (r < 0)
		return r;
	*ret = json_loads(text, 0, NULL);
	return *ret ? 0 : kvn_fail(err, EINVAL, "%s: damaged; remove it", path);
}

static int store(const struct kvn *kvn, const char *key, const json_t *claim, struct kvn_error *err)
{
	auto_free char *text = json_dumps(claim, JSON_COMPACT);
	kvn_path path;
	int r;

	if (!text)
		return kvn_fail_errno(err, ENOMEM, "claim");
	(void)snprintf(path, sizeof(path), "%s/claims", kvn->runtime_dir);
	r = kvn_file_mkdirs(path, err);
	return r < 0 ? r : kvn_file_write(kvn_path_claim(kvn, key, path), text, 0644, false, err);
}

static bool is_user(const json_t *claim, const char *network)
{
	const json_t *user;
	size_t i;

	json_array_foreach(json_object_get(claim, "users"), i,
			   user) if (strcmp(json_string_value(user), network) == 0) return true;
	return false;
}

int kvn_claim_get(const struct kvn *kvn, const char *key, const char *network, bool *ret_is_held, bool *ret_is_on,
		  struct kvn_error *err)
{
	auto_json json_t *claim = NULL;
	int r = load(kvn, key, &claim, err), value = 0;

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_is_held = claim && is_user(claim, network);
	r = kvn_sysctl_get(key, &value, err);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret_is_on = value != 0;
	return 0;
}

static int save(json_t *saved, const char *key, int value)
{
	return json_object_set_new(saved, key, json_integer(value));
}

/* Note for every link what the switch will overwrite. */
static int save_links(const char *family, json_t *saved, struct kvn_error *err)
{
	char dir_path[64], key[128];
	auto_dir DIR *dir = NULL;
	const struct dirent *entry;
	int r;

	(void)snprintf(dir_path, sizeof(dir_path), "/proc/sys/net/%s/conf", family);
	dir = opendir(dir_path);
	if (!dir)
		return kvn_fail_errno(err, errno, "%s", dir_path);
	while ((entry = readdir(dir))) {
		char link[IFNAMSIZ];
		int forwarding = 0, accept_ra = 0;

		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(link) ||
		    strcmp(entry->d_name, "all") == 0)
			continue;
		memcpy(link, entry->d_name, strlen(entry->d_name) + 1);
		r = kvn_sysctl_get_link(family, link, "forwarding", &forwarding, err);
		if (r == -ENOENT)
			continue; /* the link went meanwhile */
		if (r < 0)
			return r;
		for (char *p = link; *p; p++)
			*p = *p == '.' ? '/' : *p;
		(void)snprintf(key, sizeof(key), "net.%s.conf.%s.forwarding", family, link);
		if (forwarding && save(saved, key, forwarding) < 0)
			return kvn_fail_errno(err, ENOMEM, "claim");
		(void)snprintf(key, sizeof(key), "net.%s.conf.%s.accept_ra", family, link);
		if (strcmp(family, "ipv6") == 0 && strcmp(link, "default") != 0)
			r = kvn_sysctl_get(key, &accept_ra, err);
		if (r < 0 && r != -ENOENT)
			return r;
		if (accept_ra == 1 && save(saved, key, 1) < 0)
			return kvn_fail_errno(err, ENOMEM, "claim");
	}
	return 0;
}

static int save_host(const char *key, json_t *saved, struct kvn_error *err)
{
	static const char redirects[] = "net.ipv4.conf.all.accept_redirects";
	int value;

	if (strcmp(key, KVN_CLAIM_FORWARD6) == 0)
		return save_links("ipv6", saved, err);
	if (kvn_sysctl_get(redirects, &value, err) < 0 || save(saved, redirects, value) < 0)
		return kvn_fail_errno(err, EIO, "sysctl %s", redirects);
	return save_links("ipv4", saved, err);
}

/* A link that takes router advertisements goes on doing so when the host forwards. */
static int keep_accepting_ra(const json_t *saved, struct kvn_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)saved, key, value)
	{
		int r = strstr(key, ".accept_ra") ? kvn_sysctl_set(key, 2, err) : 0;

		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static int begin(const char *key, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *saved = json_object();
	int value, r = kvn_sysctl_get(key, &value, err);

	if (r == 0 && !value)
		r = save_host(key, saved, err);
	if (r < 0)
		return r;
	*ret = json_pack("{s:i, s:O, s:[]}", "was", value, "saved", saved, "users");
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "claim");
}

int kvn_claim_add(const struct kvn *kvn, const char *key, const char *network, struct kvn_error *err)
{
	auto_close int lock = kvn_lock_host(kvn, err);
	auto_json json_t *claim = NULL;
	int r = lock < 0 ? lock : load(kvn, key, &claim, err), value = 0;

	if (r == -ENOENT)
		r = begin(key, &claim, err);
	if (r < 0)
		return kvn_wrap(err, "forwarding");
	if (!is_user(claim, network)) {
		(void)json_array_append_new(json_object_get(claim, "users"), json_string(network));
		r = store(kvn, key, claim, err);
	}
	if (r == 0)
		r = kvn_sysctl_get(key, &value, err);
	if (r < 0 || value)
		return r;
	r = keep_accepting_ra(json_object_get(claim, "saved"), err);
	return r < 0 ? r : kvn_sysctl_set(key, 1, err);
}

static int give_back(const char *key, const json_t *claim, struct kvn_error *err)
{
	const char *saved_key;
	json_t *value;
	int r = 0;

	if (json_integer_value(json_object_get(claim, "was")) != 0)
		return 0;
	r = kvn_sysctl_set(key, 0, err);
	json_object_foreach(json_object_get(claim, "saved"), saved_key, value)
	{
		if (r == 0)
			r = kvn_sysctl_set(saved_key, (int)json_integer_value(value), err);
		if (r == -ENOENT) /* the link went meanwhile */
			r = 0;
	}
	return r;
}

int kvn_claim_del(const struct kvn *kvn, const char *key, const char *network, struct kvn_error *err)
{
	auto_close int lock = kvn_lock_host(kvn, err);
	auto_json json_t *claim = NULL;
	int r = lock < 0 ? lock : load(kvn, key, &claim, err);
	const json_t *user;
	json_t *users;
	kvn_path path;
	size_t i;

	if (r < 0 && r != -ENOENT)
		return r;
	users = json_object_get(claim, "users");
	json_array_foreach(users, i, user) if (strcmp(json_string_value(user), network) == 0)(void)
		json_array_remove(users, i--);
	if (json_array_size(users) > 0)
		return store(kvn, key, claim, err);
	r = claim ? give_back(key, claim, err) : 0;
	if (r == 0) /* without a claim too: a killed writer may have left half of one */
		r = kvn_file_remove(kvn_path_claim(kvn, key, path), err);
	(void)snprintf(path, sizeof(path), "%s/claims", kvn->runtime_dir);
	(void)rmdir(path); /* stays while another claim is in it */
	return r;
}
