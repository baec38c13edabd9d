/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public_json.c - ports and leases as JSON for users; what is unknown is null. */
#include "public_json.h"

#include <pwd.h>
#include <time.h>

#include "cidr.h"
#include "cleanup.h"

#define PASSWD_BUFFER 4096U /* bytes of one user's strings; a longer entry is told by number */

static json_t *owner_to_json(uint32_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[PASSWD_BUFFER], number[16];

	if (uid == UINT32_MAX)
		return json_null();
	(void)snprintf(number, sizeof(number), "%u", uid);
	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) != 0)
		found = NULL;
	return json_string(found ? found->pw_name : number);
}

json_t *kvn_lease_to_json(const char *network, const struct kvn_lease *lease)
{
	char mac[KVN_MAC_TEXT], ip[KVN_IP_TEXT];

	return json_pack("{s:s, s:o, s:s, s:o, s:I}", "network", network, "mac",
			 kvn_mac_is_zero(lease->mac) ? json_null() : json_string(kvn_mac_format(lease->mac, mac)),
			 "address", kvn_ip_format(&lease->ip, ip), "hostname",
			 lease->hostname[0] ? json_string(lease->hostname) : json_null(), "expires",
			 (json_int_t)lease->expires);
}

json_t *kvn_port_to_json(const char *network, const struct kvn_port *port, const struct kvn_engine *engine,
			 const uint8_t *mac, json_t *ipv4, json_t *ipv6)
{
	uint32_t uid = port->uid == UINT32_MAX && engine ? engine->uid : port->uid;
	pid_t pid = engine ? engine->pid : port->pid;
	char text[KVN_MAC_TEXT];

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "network", network, "ifname", port->ifname,
			 "mac", mac ? json_string(kvn_mac_format(mac, text)) : json_null(), "ipv4", ipv4, "ipv6", ipv6,
			 "owner", owner_to_json(uid), "pid", pid ? json_integer(pid) : json_null(), "domain",
			 engine && engine->domain[0] ? json_string(engine->domain) : json_null(), "engine",
			 engine ? json_string(kvn_engine_format(engine->kind)) : json_null());
}

json_t *kvn_event_new(const char *kind, const char *network)
{
	struct timespec now;
	int64_t ms;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail */
	ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	return json_pack("{s:f, s:s, s:s}", "time", (double)ms / 1000.0, "event", kind, "network", network);
}
