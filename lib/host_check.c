/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_check.c - privilege, and the links that a network is about to make or take. */
#include "host_check.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int kvn_host_check_privilege(struct kvn_error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		return kvn_fail_errno(err, errno, "capget");
	if (data[0].effective & 1U << CAP_NET_ADMIN)
		return 0;
	return kvn_fail(err, EPERM, "%s: needs root (CAP_NET_ADMIN)", strerror(EPERM));
}

static bool is_alias_of(const struct kvn_link_info *info, const char *network)
{
	return strncmp(info->alias, KVN_LINK_ALIAS, strlen(KVN_LINK_ALIAS)) == 0 &&
	       strcmp(info->alias + strlen(KVN_LINK_ALIAS), network) == 0;
}

static int check_bridge(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err)
{
	bool is_foreign = net->model == KVN_BRIDGED && !net->uplink[0];
	struct kvn_link_info info;
	int r = kvn_link_get(&kvn->kernel, net->bridge, &info, err);

	if (r == -ENODEV && is_foreign)
		return kvn_fail(err, ENODEV, "bridge '%s': %s (bridged without an uplink uses a bridge that exists)",
				net->bridge, strerror(ENODEV));
	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	if (is_foreign && strcmp(info.kind, "bridge") != 0)
		return kvn_fail(err, EINVAL, "'%s' is no bridge but a %s", net->bridge,
				info.kind[0] ? info.kind : "NIC");
	if (is_foreign && strncmp(info.alias, KVN_LINK_ALIAS, strlen(KVN_LINK_ALIAS)) == 0)
		return kvn_fail(err, EBUSY, "bridge '%s' is that of network '%s'", net->bridge,
				info.alias + strlen(KVN_LINK_ALIAS));
	if (!is_foreign && (strcmp(info.kind, "bridge") != 0 || !is_alias_of(&info, net->name)))
		return kvn_fail(err, EEXIST, "bridge '%s': %s (an interface of that name is not kvnet's)", net->bridge,
				strerror(EEXIST));
	return 0;
}

static bool is_wireless(const char *ifname)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/phy80211", ifname);
	return access(path, F_OK) == 0;
}

static int check_bridged_uplink(struct kvn *kvn, const struct kvn_network *net, const struct kvn_link_info *info,
				struct kvn_error *err)
{
	struct kvn_link_info bridge;

	if (info->type != ARPHRD_ETHER)
		return kvn_fail(err, EINVAL, "uplink '%s' is no Ethernet link and cannot be bridged: use model routed",
				net->uplink);
	if (is_wireless(net->uplink))
		return kvn_fail(err, EINVAL,
				"uplink '%s' is a wireless station and cannot be bridged: use model routed",
				net->uplink);
	if (strcmp(info->kind, "bridge") == 0)
		return kvn_fail(err, EINVAL, "uplink '%s' is a bridge itself: give it as 'bridge', without an uplink",
				net->uplink);
	if (info->master == 0)
		return 0;
	if (kvn_link_get(&kvn->kernel, net->bridge, &bridge, NULL) == 0 && bridge.ifindex == info->master)
		return 0;
	return kvn_fail(err, EBUSY, "uplink '%s' has another master already", net->uplink);
}

int kvn_host_check_links(struct kvn *kvn, const struct kvn_network *net, struct kvn_error *err)
{
	struct kvn_link_info info;
	int r = check_bridge(kvn, net, err);

	if (r < 0 || !net->uplink[0])
		return r;
	r = kvn_link_get(&kvn->kernel, net->uplink, &info, err);
	if (r == -ENODEV)
		return kvn_fail(err, ENODEV, "uplink '%s': %s", net->uplink, strerror(ENODEV));
	if (r < 0)
		return r;
	return net->model == KVN_BRIDGED ? check_bridged_uplink(kvn, net, &info, err) : 0;
}
