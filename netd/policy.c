/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - what users without privilege may do: which networks, by "allow" of the definition, and how many ports. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <search.h>
#include <string.h>

#include "cleanup.h"
#include "netd.h"

/* ---- name services ---- */

/* Bytes of one user or group to begin with, and at most: a group's members all stand in it. */
#define NAME_SERVICE_BUFFER 16384U
#define NAME_SERVICE_MAX (64U << 20)

/* One question of getpwnam_r(3)'s kind about @name; 0, ERANGE: @buffer is too small, or another errno. */
typedef int ask(const char *name, char *buffer, size_t size, uint32_t *ret_id, bool *ret_is_found);

static int ask_user(const char *name, char *buffer, size_t size, uint32_t *ret_id, bool *ret_is_found)
{
	struct passwd entry, *found = NULL;
	int code = getpwnam_r(name, &entry, buffer, size, &found);

	*ret_is_found = found != NULL;
	*ret_id = found ? found->pw_uid : UINT32_MAX;
	return code;
}

static int ask_group(const char *name, char *buffer, size_t size, uint32_t *ret_id, bool *ret_is_found)
{
	struct group entry, *found = NULL;
	int code = getgrnam_r(name, &entry, buffer, size, &found);

	*ret_is_found = found != NULL;
	*ret_id = found ? found->gr_gid : UINT32_MAX;
	return code;
}

static bool find_id(ask *ask_service, const char *name, uint32_t *ret_id)
{
	for (size_t size = NAME_SERVICE_BUFFER; size <= NAME_SERVICE_MAX; size *= 4) {
		auto_free char *buffer = malloc(size);
		bool is_found = false;
		int code = buffer ? ask_service(name, buffer, size, ret_id, &is_found) : ENOMEM;

		if (code != ERANGE)
			return code == 0 && is_found;
	}
	return false;
}

static bool is_user(const char *name, uid_t uid)
{
	uint32_t id;

	return find_id(ask_user, name, &id) && id == uid;
}

static bool is_member(const char *name, const struct peer *peer)
{
	uint32_t id;

	if (!find_id(ask_group, name, &id))
		return false;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == id)
			return true;
	return false;
}

bool policy_is_listed(const json_t *allow, const struct peer *peer)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(allow, i, entry)
	{
		const char *text = json_string_value(entry);

		if ((strncmp(text, "user:", 5) == 0 && is_user(text + 5, peer->uid)) ||
		    (strncmp(text, "group:", 6) == 0 && is_member(text + 6, peer)))
			return true;
	}
	return peer->uid == 0;
}

bool policy_allows(struct kvn *kvn, const char *name, const struct peer *peer)
{
	auto_json json_t *definition = NULL;

	if (peer->uid == 0)
		return true;
	if (kvn_definition(kvn, name, &definition, NULL) < 0)
		return false;
	return policy_is_listed(json_object_get(definition, "allow"), peer);
}

/* ---- ports a user ---- */

struct owned {
	char ifname[IFNAMSIZ];
	uid_t uid;
	pid_t pid; /* of its holder */
};

struct user {
	uid_t uid;
	unsigned n; /* ports made and about to be made */
};

struct policy {
	void *ports, *users; /* trees, tsearch(3) */
	json_t *allowed; /* {NETWORK: its "allow"}, as last read */
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *left = a, *right = b;

	return strcmp(left->ifname, right->ifname);
}

static int compare_users(const void *a, const void *b)
{
	const struct user *left = a, *right = b;

	return (left->uid > right->uid) - (left->uid < right->uid);
}

static struct user *get_user(struct policy *policy, uid_t uid)
{
	const struct user key = {.uid = uid};
	void *const *node = tfind(&key, &policy->users, compare_users);
	struct user *user;

	if (node)
		return *node;
	user = calloc(1, sizeof(*user));
	if (!user)
		return NULL;
	user->uid = uid;
	if (tsearch(user, &policy->users, compare_users))
		return user;
	free(user);
	return NULL;
}

bool policy_take(struct policy *policy, uid_t uid, unsigned max_ports)
{
	struct user *user = get_user(policy, uid);

	if (!user || (uid != 0 && user->n >= max_ports))
		return false;
	user->n++;
	return true;
}

void policy_give_back(struct policy *policy, uid_t uid)
{
	struct user *user = get_user(policy, uid);

	if (user && user->n > 0)
		user->n--;
}

static struct owned *find_owned(const struct policy *policy, const char *ifname)
{
	struct owned key = {0};
	void *const *node;

	(void)snprintf(key.ifname, sizeof(key.ifname), "%s", ifname);
	node = tfind(&key, &policy->ports, compare_owned);
	return node ? *node : NULL;
}

void policy_name(struct policy *policy, uid_t uid, const char *ifname, pid_t pid)
{
	struct owned *owned = find_owned(policy, ifname);

	if (owned) { /* told of twice; or the name was another's, whose port's end is not yet heard of */
		policy_give_back(policy, owned->uid);
		owned->uid = uid;
		owned->pid = pid;
		return;
	}
	owned = calloc(1, sizeof(*owned));
	if (!owned)
		return;
	(void)snprintf(owned->ifname, sizeof(owned->ifname), "%s", ifname);
	owned->uid = uid;
	owned->pid = pid;
	if (!tsearch(owned, &policy->ports, compare_owned)) {
		free(owned);
		policy_give_back(policy, uid);
	}
}

void policy_forget(struct policy *policy, const char *ifname, pid_t pid)
{
	struct owned *owned = find_owned(policy, ifname);

	if (!owned || owned->pid != pid)
		return;
	policy_give_back(policy, owned->uid);
	(void)tdelete(owned, &policy->ports, compare_owned);
	free(owned);
}

bool policy_owns(const struct policy *policy, uid_t uid, const char *ifname)
{
	const struct owned *owned = find_owned(policy, ifname);

	return owned && owned->uid == uid;
}

/* ---- networks that are gone ---- */

bool policy_learn(struct policy *policy, struct kvn *kvn, const char *name)
{
	auto_json json_t *definition = NULL;
	struct kvn_error err = {0};
	int r = kvn_definition(kvn, name, &definition, &err);

	if (r == 0)
		(void)json_object_set(policy->allowed, name, json_object_get(definition, "allow"));
	else if (r != -ENOENT) /* what is broken allows nobody */
		policy_unlearn(policy, name);
	return r != -ENOENT;
}

void policy_unlearn(struct policy *policy, const char *name)
{
	(void)json_object_del(policy->allowed, name); /* perhaps it was broken */
}

const json_t *policy_recall(const struct policy *policy, const char *name)
{
	return json_object_get(policy->allowed, name);
}

/* ---- life ---- */

int policy_open(struct netd *netd, struct policy **ret, struct kvn_error *err)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	(void)netd;
	if (policy)
		policy->allowed = json_object();
	if (!policy || !policy->allowed) {
		free(policy);
		return kvn_fail_errno(err, ENOMEM, "policy");
	}
	*ret = policy;
	return 0;
}

void policy_close(struct policy *policy)
{
	if (!policy)
		return;
	tdestroy(policy->ports, free);
	tdestroy(policy->users, free);
	json_decref(policy->allowed);
	free(policy);
}
