/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hook.c - which network QEMU's script= means, and the port that it asks for.
 *
 * QEMU gives a script nothing but the tap's name, its own environment and the tap's descriptor.  The tap exists, down and
 * without a master; the parent is QEMU.  The network is, in this order: KVNET_NETWORK; the name that the hook was run
 * under, qemu-ifup-NAME or qemu-ifup.NAME; the tap's name, NAME-anything; default_network of kvnet.yaml; the only network
 * that there is. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "definition.h"
#include "hook.h"
#include "network.h"
#include "port_verbs.h"
#include "record.h"
#include "remote_verbs.h"
#include "store.h"

#define LIST_MAX 160 /* bytes of networks in a message */

/* The NAME in "/etc/qemu-ifup-NAME" or "qemu-ifdown.NAME"; NULL without. */
static const char *name_in_program(const char *program)
{
	const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;
	static const char *const hooks[] = {"qemu-ifup", "qemu-ifdown"};

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		size_t length = strlen(hooks[i]);

		if (strncmp(base, hooks[i], length) == 0 && (base[length] == '-' || base[length] == '.') &&
		    base[length + 1])
			return base + length + 1;
	}
	return NULL;
}

static bool is_known(const struct kvn *kvn, const char *name)
{
	return kvn_store_exists(kvn, name) || kvn_record_exists(kvn, name);
}

/* The longest network that a tap "NAME-anything" begins with: names may have dashes themselves. */
static bool find_in_tap(const struct kvn *kvn, const char *ifname, char ret[static KVN_NAME_MAX + 1])
{
	for (size_t length = strlen(ifname); length > 0; length--) {
		if (ifname[length] != '-' || length > KVN_NAME_MAX)
			continue;
		memcpy(ret, ifname, length);
		ret[length] = '\0';
		if (kvn_name_check(ret, NULL) == 0 && is_known(kvn, ret))
			return true;
	}
	return false;
}

static void write_list(char (*names)[KVN_NAME_MAX + 1], size_t n, char ret[static LIST_MAX])
{
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < n && used < LIST_MAX; i++)
		used += (size_t)snprintf(ret + used, LIST_MAX - used, "%s%s", i ? ", " : "", names[i]);
}

static int choices(const struct kvn *kvn, char (*names)[KVN_NAME_MAX + 1], size_t n, struct kvn_error *err)
{
	char list[LIST_MAX];
	kvn_path path;

	if (n == 0)
		return kvn_fail(err, ENOENT, "there is no network yet: 'kvnet create nat0' makes one (%s is empty)",
				kvn_path_definitions(kvn, path));
	write_list(names, n, list);
	return kvn_fail(err, EINVAL, "which network? Set KVNET_NETWORK to one of: %s", list);
}

static int find_default(const struct kvn *kvn, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	struct kvn_settings settings;
	size_t n = 0;
	int r = kvn_context_settings(kvn, &settings, err);

	if (r < 0)
		return r;
	if (settings.default_network[0]) {
		memcpy(ret, settings.default_network, sizeof(settings.default_network));
		return 0;
	}
	r = kvn_store_dump(kvn, &names, &n, err);
	if (r < 0)
		return r;
	if (n != 1)
		return choices(kvn, names, n, err);
	memcpy(ret, names[0], sizeof(names[0]));
	return 0;
}

/* @named: by KVNET_NETWORK, or NULL. */
static int find_network(const struct kvn *kvn, const char *named, const char *program, const char *ifname,
			char ret[static KVN_NAME_MAX + 1], struct kvn_error *err)
{
	const char *name = named && named[0] ? named : name_in_program(program);
	int r;

	if (!name) {
		if (find_in_tap(kvn, ifname, ret))
			return 0;
		return find_default(kvn, ret, err);
	}
	r = kvn_name_check(name, err);
	if (r == 0)
		memcpy(ret, name, strlen(name) + 1);
	return r;
}

/* A name that is none comes from the environment, a link or a setting: whoever wrote it there wants to see what there is. */
static int check_known(const struct kvn *kvn, const char *name, struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	char list[LIST_MAX];
	size_t n = 0;

	if (is_known(kvn, name))
		return 0;
	if (kvn_store_dump(kvn, &names, &n, NULL) < 0 || n == 0)
		return kvn_fail(err, ENOENT, "network '%s': no such network ('kvnet create %s' makes it)", name, name);
	write_list(names, n, list);
	return kvn_fail(err, ENOENT, "network '%s': no such network; there are: %s", name, list);
}

/* Who runs the parent: the guest's owner. */
static uint32_t owner_of(pid_t pid)
{
	char path[32];
	struct stat info;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &info) == 0 ? info.st_uid : UINT32_MAX;
}

int kvn_network_find(struct kvn *kvn, const char *program, const char *ifname, char ret[static KVN_NAME_MAX + 1],
		     struct kvn_error *err)
{
	return find_network(kvn, getenv("KVNET_NETWORK"), program, ifname, ret, err);
}

int kvn_hook_attach(struct kvn *kvn, const struct kvn_hook *hook, struct kvn_error *err)
{
	const struct kvn_port_holder holder = {.pid = hook->pid, .uid = owner_of(hook->pid)};
	char name[KVN_NAME_MAX + 1] = "";
	int lock, r = kvn_ifname_check(hook->ifname, err);

	if (r == 0)
		r = find_network(kvn, hook->network, hook->program, hook->ifname, name, err);
	if (r == 0)
		r = check_known(kvn, name, err);
	if (r < 0)
		return r;
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_port_attach(kvn, name, hook->ifname, &holder, err);
	if (r < 0 && lock >= 0)
		(void)kvn_network_idle(kvn, name, NULL); /* a network that was started for this guest alone */
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_hook_detach(struct kvn *kvn, const struct kvn_hook *hook, struct kvn_error *err)
{
	char name[KVN_NAME_MAX + 1] = "";
	int lock, r = kvn_ifname_check(hook->ifname, err);

	if (r < 0)
		return r;
	/* The port itself knows best; without one, an on-demand network may still have to be taken down. */
	if (kvn_port_network(kvn, hook->ifname, name, NULL) < 0 &&
	    find_network(kvn, hook->network, hook->program, hook->ifname, name, NULL) < 0)
		return 0;
	if (!is_known(kvn, name))
		return 0;
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_port_release(kvn, name, hook->ifname, err);
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

static struct kvn_hook hook_of(const char *program, const char *ifname)
{
	return (struct kvn_hook){
		.program = program, .ifname = ifname, .network = getenv("KVNET_NETWORK"), .pid = getppid()};
}

int kvn_hook_up(struct kvn *kvn, const char *program, const char *ifname, struct kvn_error *err)
{
	const struct kvn_hook hook = hook_of(program, ifname);

	return kvn_remote_has(kvn) ? kvn_remote_hook(kvn, "HookUp", &hook, err) : kvn_hook_attach(kvn, &hook, err);
}

int kvn_hook_down(struct kvn *kvn, const char *program, const char *ifname, struct kvn_error *err)
{
	const struct kvn_hook hook = hook_of(program, ifname);

	return kvn_remote_has(kvn) ? kvn_remote_hook(kvn, "HookDown", &hook, err) : kvn_hook_detach(kvn, &hook, err);
}
