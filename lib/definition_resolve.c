/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition_resolve.c - defaults: what a definition means where it says nothing, as far as the definition itself tells. */
#include <stdio.h>
#include <string.h>

#include "cidr.h"
#include "definition_table.h"

#define DEFAULT_DOMAIN "internal" /* reserved for private use: ICANN resolution 2024.07.29.06 */

void kvn_definition_default_addresses(struct kvn_network *net)
{
	if (net->ipv4.address_choice == KVN_CHOICE_UNSET)
		net->ipv4.address_choice =
			net->model == KVN_BRIDGED || net->model == KVN_OPEN ? KVN_CHOICE_NONE : KVN_CHOICE_AUTO;
	if (net->ipv6.address_choice == KVN_CHOICE_UNSET)
		net->ipv6.address_choice = KVN_CHOICE_NONE;
}

static bool has_address(const struct kvn_network *net)
{
	return net->ipv4.address_choice != KVN_CHOICE_NONE || net->ipv6.address_choice != KVN_CHOICE_NONE;
}

enum kvn_host_access kvn_definition_host_access(const struct kvn_network *net)
{
	if (net->is_host_access_given)
		return net->host_access;
	if (net->model != KVN_ISOLATED)
		return KVN_HOST_ALL;
	return has_address(net) ? KVN_HOST_SERVICES : KVN_HOST_NONE;
}

void kvn_definition_default_domain(const char *name, char ret[static KVN_DOMAIN_MAX + 1])
{
	char label[KVN_NAME_MAX + 1] = "";
	size_t length = strnlen(name, KVN_NAME_MAX);

	for (size_t i = 0; i < length; i++) /* what else a network's name may hold */
		label[i] = strchr("._", name[i]) ? '-' : name[i];
	while (length > 0 && label[length - 1] == '-')
		length--;
	(void)snprintf(ret, KVN_DOMAIN_MAX + 1, "%.*s." DEFAULT_DOMAIN, (int)length, label);
}

/* Every address but the network's, the broadcast address and the bridge's own, which splits the rest: the larger part. */
static struct kvn_range largest_pool(const struct kvn_cidr *address)
{
	struct kvn_cidr network = kvn_cidr_network(address);
	struct kvn_ip last = kvn_cidr_last(address);
	struct kvn_range below = {kvn_ip_add(&network.ip, 1), kvn_ip_add(&address->ip, -1)};
	struct kvn_range above = {kvn_ip_add(&address->ip, 1), kvn_ip_add(&last, -1)};

	return kvn_range_size(&below) > kvn_range_size(&above) ? below : above;
}

static void resolve_dhcp4(struct kvn_network *net)
{
	if (net->ipv4.dhcp_choice == KVN_CHOICE_NONE || net->ipv4.dhcp_choice == KVN_CHOICE_GIVEN)
		return;
	if (net->model == KVN_BRIDGED || net->host_access == KVN_HOST_NONE) {
		net->ipv4.dhcp_choice = KVN_CHOICE_NONE;
		return;
	}
	net->ipv4.dhcp_choice = net->ipv4.address_choice;
	if (net->ipv4.address_choice != KVN_CHOICE_GIVEN)
		return;
	if (net->ipv4.address.prefixlen > 30)
		net->ipv4.dhcp_choice = KVN_CHOICE_NONE;
	else
		net->ipv4.dhcp = largest_pool(&net->ipv4.address);
}

static void resolve_dhcp6(struct kvn_network *net)
{
	if (net->ipv6.dhcp != KVN_DHCP6_UNSET)
		return;
	if (net->model == KVN_BRIDGED || net->host_access == KVN_HOST_NONE ||
	    net->ipv6.address_choice == KVN_CHOICE_NONE)
		net->ipv6.dhcp = KVN_DHCP6_NONE;
	else if (net->ipv6.address_choice == KVN_CHOICE_GIVEN)
		net->ipv6.dhcp = net->ipv6.address.prefixlen == 64 ? KVN_DHCP6_SLAAC : KVN_DHCP6_NONE;
}

void kvn_definition_resolve(struct kvn_network *net)
{
	kvn_definition_default_addresses(net);
	if (net->bridge[0] == '\0')
		memcpy(net->bridge, net->name, sizeof(net->bridge));
	net->host_access = kvn_definition_host_access(net);
	net->is_host_access_given = true;
	if (!net->is_dns_enabled_given)
		net->dns.is_enabled =
			net->model != KVN_BRIDGED && net->host_access != KVN_HOST_NONE && has_address(net);
	net->is_dns_enabled_given = true;
	if (net->dns.domain[0] == '\0' && net->model != KVN_BRIDGED)
		kvn_definition_default_domain(net->name, net->dns.domain);
	resolve_dhcp4(net);
	resolve_dhcp6(net);
}
