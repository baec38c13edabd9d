/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - what users without privilege may do: which networks, by "allow" of the definition, and how many ports. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <search.h>
#include <string.h>

#include "cleanup.h"
#include "netd.h"

#define NAME_SERVICE_BUFFER 16384U /* bytes: a group with many members is long */

static bool is_user(const char *name, uid_t uid)
{
	struct passwd entry, *found = NULL;
	auto_free char *buffer = malloc(NAME_SERVICE_BUFFER);

	return buffer && getpwnam_r(name, &entry, buffer, NAME_SERVICE_BUFFER, &found) == 0 && found &&
	       found->pw_uid == uid;
}

static bool is_member(const char *name, const struct peer *peer)
{
	struct group entry, *found = NULL;
	auto_free char *buffer = malloc(NAME_SERVICE_BUFFER);

	if (!buffer || getgrnam_r(name, &entry, buffer, NAME_SERVICE_BUFFER, &found) != 0 || !found)
		return false;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == found->gr_gid)
			return true;
	return false;
}

bool policy_allows(struct kvn *kvn, const char *name, const struct peer *peer)
{
	auto_json json_t *definition = NULL;
	const json_t *entry;
	size_t i;

	if (peer->uid == 0)
		return true;
	if (kvn_definition(kvn, name, &definition, NULL) < 0)
		return false;
	json_array_foreach(json_object_get(definition, "allow"), i, entry)
	{
		const char *text = json_string_value(entry);

		if ((strncmp(text, "user:", 5) == 0 && is_user(text + 5, peer->uid)) ||
		    (strncmp(text, "group:", 6) == 0 && is_member(text + 6, peer)))
			return true;
	}
	return false;
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

int policy_open(struct netd *netd, struct policy **ret, struct kvn_error *err)
{
	(void)netd;
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "policy");
}

void policy_close(struct policy *policy)
{
	if (!policy)
		return;
	tdestroy(policy->ports, free);
	tdestroy(policy->users, free);
	free(policy);
}
