/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition_check.c - what two keys say of each other; each check blames one key and says what the other has to do with it. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition_table.h"
#include "value.h"

struct check {
	const struct kvn_network *net;
	struct kvn_blame *blame;
	struct kvn_error *err;
};

/* Say which key the failure @r is about. */
static int at(const struct check *check, const char *path, int r)
{
	*check->blame = (struct kvn_blame){.path = path};
	return r;
}

static int at_host(const struct check *check, const struct kvn_reservation *host, int r)
{
	*check->blame =
		(struct kvn_blame){.path = "hosts", .item = (size_t)(host - check->net->hosts), .is_item = true};
	return r;
}

static bool is_on(enum kvn_choice choice)
{
	return choice == KVN_CHOICE_AUTO || choice == KVN_CHOICE_GIVEN;
}

/* ---- links ---- */

/* The bridge that kvnet makes; its name reaches dnsmasq's file. */
static int check_own_bridge(const struct check *check)
{
	const char *bridge = check->net->bridge[0] ? check->net->bridge : check->net->name;
	int r = kvn_ifname_check(bridge, check->err);

	if (r < 0 && check->net->bridge[0] == '\0')
		r = kvn_fail(check->err, EINVAL,
			     "the network's name, '%s', cannot be a link's: give the bridge another by 'bridge'",
			     bridge);
	else if (r == 0 && kvn_name_check(bridge, NULL) < 0)
		r = kvn_fail(check->err, EINVAL,
			     "'%s' is no name for a bridge of kvnet's: letters, digits, '.', '_' and '-', the first a "
			     "letter or a digit",
			     bridge);
	if (r < 0)
		return at(check, "bridge", r);
	if (strcmp(bridge, check->net->uplink) == 0)
		return at(check, "uplink",
			  kvn_fail(check->err, EINVAL,
				   "'%s' is the bridge's own name; give the bridge another by 'bridge'", bridge));
	return 0;
}

/* Without an uplink a bridged network is a bridge of somebody else's, of which kvnet changes nothing. */
static int check_existing_bridge(const struct check *check)
{
	static const char reason[] = "model bridged without an uplink leaves the existing bridge as it is";
	const struct kvn_network *net = check->net;

	if (net->bridge[0] == '\0')
		return at(check, "bridge",
			  kvn_fail(check->err, EINVAL,
				   "model bridged needs an 'uplink' to put on a bridge, or the name of an existing "
				   "'bridge'"));
	if (net->mtu)
		return at(check, "mtu", kvn_fail(check->err, EINVAL, "%s", reason));
	if (net->stp)
		return at(check, "stp", kvn_fail(check->err, EINVAL, "%s", reason));
	return 0;
}

static int check_links(const struct check *check)
{
	const struct kvn_network *net = check->net;

	if (net->uplink[0] && (net->model == KVN_ISOLATED || net->model == KVN_OPEN))
		return at(check, "uplink",
			  kvn_fail(check->err, EINVAL, "model %s has no uplink; bridged, routed and nat have",
				   kvn_model_format(net->model)));
	if (net->model == KVN_BRIDGED && !net->uplink[0])
		return check_existing_bridge(check);
	if (net->mtu && net->mtu < KVN_MTU_MIN6 && is_on(net->ipv6.address_choice))
		return at(check, "mtu",
			  kvn_fail(check->err, EINVAL, "%u is less than %u, the least that IPv6 works with", net->mtu,
				   KVN_MTU_MIN6));
	return check_own_bridge(check);
}

/* ---- what a bridged network cannot have ---- */

static const char *foreign_key(const struct kvn_network *net)
{
	char domain[KVN_DOMAIN_MAX + 1];

	kvn_definition_default_domain(net->name, domain);
	if (!kvn_mac_is_zero(net->mac))
		return "mac";
	if (is_on(net->ipv4.address_choice))
		return "ipv4.address";
	if (is_on(net->ipv4.dhcp_choice))
		return "ipv4.dhcp";
	if (net->ipv4.lease_s != KVN_LEASE_DEFAULT)
		return "ipv4.lease";
	if (net->ipv4.boot_file[0])
		return "ipv4.boot_file";
	if (is_on(net->ipv6.address_choice))
		return "ipv6.address";
	if (net->ipv6.dhcp != KVN_DHCP6_UNSET && net->ipv6.dhcp != KVN_DHCP6_NONE)
		return "ipv6.dhcp";
	if (net->is_dns_enabled_given && net->dns.is_enabled)
		return "dns.enabled";
	if (net->dns.domain[0] && strcmp(net->dns.domain, domain) != 0)
		return "dns.domain";
	if (!net->dns.is_local)
		return "dns.local_only";
	if (net->dns.n_upstream)
		return "dns.upstream";
	if (net->dns.n_forwarders)
		return "dns.forwarders";
	if (net->dns.n_hosts)
		return "dns.hosts";
	if (net->dns.n_txt)
		return "dns.txt";
	if (net->dns.n_srv)
		return "dns.srv";
	if (net->n_hosts)
		return "hosts";
	if (net->is_host_access_given && net->host_access != KVN_HOST_ALL)
		return "host_access";
	return NULL;
}

static int check_bridged(const struct check *check)
{
	const char *path = check->net->model == KVN_BRIDGED ? foreign_key(check->net) : NULL;

	if (!path)
		return 0;
	if (strcmp(path, "mac") == 0)
		return at(check, path, kvn_fail(check->err, EINVAL, "a bridged network's MAC address is the uplink's"));
	if (strcmp(path, "host_access") == 0)
		return at(check, path,
			  kvn_fail(check->err, EINVAL,
				   "a bridged network's guests reach the host as every other machine of the uplink's "
				   "segment does"));
	return at(check, path,
		  kvn_fail(check->err, EINVAL, "a bridged network's addresses are the uplink's segment's"));
}

/* ---- addresses and DHCP ---- */

static int check_addresses(const struct check *check)
{
	const struct kvn_network *net = check->net;

	if ((net->model == KVN_NAT || net->model == KVN_ROUTED) && !is_on(net->ipv4.address_choice) &&
	    !is_on(net->ipv6.address_choice))
		return at(check, "ipv4.address",
			  kvn_fail(check->err, EINVAL,
				   "model %s needs an address, as guests' gateway: set ipv4.address or ipv6.address",
				   kvn_model_format(net->model)));
	return 0;
}

/* Why an address in @subnet, a bridge's, is not a guest's; NULL: it is. */
static const char *not_a_guest(const struct kvn_cidr *subnet, const struct kvn_ip *ip)
{
	struct kvn_cidr network = kvn_cidr_network(subnet);
	struct kvn_ip last = kvn_cidr_last(subnet);
	bool is_pair = subnet->prefixlen + 1U >= 8 * kvn_ip_size(subnet->ip.family);

	if (!kvn_cidr_contains(subnet, ip))
		return "outside the subnet";
	if (kvn_ip_equal(ip, &subnet->ip))
		return "the bridge's own address";
	if (!is_pair && kvn_ip_equal(ip, &network.ip))
		return "the network's address";
	if (!is_pair && ip->family == AF_INET && kvn_ip_equal(ip, &last))
		return "the broadcast address";
	return NULL;
}

static int check_range(const struct check *check, const char *path, const struct kvn_cidr *subnet,
		       const struct kvn_range *range)
{
	char ip[KVN_IP_TEXT], cidr[KVN_CIDR_TEXT];
	const struct kvn_ip *ends[] = {&range->first, &range->last};

	if (kvn_ip_compare(&range->first, &range->last) > 0)
		return at(check, path, kvn_fail(check->err, EINVAL, "the range ends before it begins"));
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *reason = not_a_guest(subnet, ends[i]);

		if (reason)
			return at(check, path,
				  kvn_fail(check->err, EINVAL, "%s is %s (bridge %s)", kvn_ip_format(ends[i], ip),
					   reason, kvn_cidr_format(subnet, cidr)));
	}
	if (kvn_ip_compare(&range->first, &subnet->ip) < 0 && kvn_ip_compare(&subnet->ip, &range->last) < 0)
		return at(check, path,
			  kvn_fail(check->err, EINVAL, "the range holds the bridge's own address, %s",
				   kvn_ip_format(&subnet->ip, ip)));
	return 0;
}

/* What needs the host's answer, where guests do not reach the host. */
static int check_reach(const struct check *check, const char *path)
{
	if (kvn_definition_host_access(check->net) != KVN_HOST_NONE)
		return 0;
	return at(check, path,
		  kvn_fail(check->err, EINVAL, "guests could not reach it: host_access is none%s",
			   check->net->is_host_access_given ? "" : ", as isolated has it without an address"));
}

/* Will there be DHCP, given or by default? */
static bool has_dhcp4(const struct kvn_network *net)
{
	return is_on(net->ipv4.address_choice) && net->ipv4.dhcp_choice != KVN_CHOICE_NONE &&
	       kvn_definition_host_access(net) != KVN_HOST_NONE &&
	       !(net->ipv4.address_choice == KVN_CHOICE_GIVEN && net->ipv4.address.prefixlen > 30);
}

static int check_boot(const struct check *check)
{
	const struct kvn_network *net = check->net;

	if (net->ipv4.boot_server.family != AF_UNSPEC && !net->ipv4.boot_file[0])
		return at(check, "ipv4.boot_server", kvn_fail(check->err, EINVAL, "there is no boot_file that it has"));
	if (net->ipv4.boot_file[0] && !has_dhcp4(net))
		return at(check, "ipv4.boot_file",
			  kvn_fail(check->err, EINVAL, "guests would not be told: there is no DHCP"));
	return 0;
}

static int check_dhcp4(const struct check *check)
{
	const struct kvn_network *net = check->net;
	int r;

	if (net->ipv4.dhcp_choice != KVN_CHOICE_GIVEN)
		return 0;
	if (!is_on(net->ipv4.address_choice))
		return at(check, "ipv4.dhcp",
			  kvn_fail(check->err, EINVAL, "a range is given, but ipv4.address is none"));
	r = check_reach(check, "ipv4.dhcp");
	if (r < 0 || net->ipv4.address_choice == KVN_CHOICE_AUTO)
		return r; /* the subnet is not known yet */
	if (net->ipv4.address.prefixlen > 30)
		return at(check, "ipv4.dhcp",
			  kvn_fail(check->err, EINVAL, "a /%u has no room for DHCP", net->ipv4.address.prefixlen));
	return check_range(check, "ipv4.dhcp", &net->ipv4.address, &net->ipv4.dhcp);
}

static int check_dhcp6(const struct check *check)
{
	const struct kvn_network *net = check->net;
	unsigned prefixlen = net->ipv6.address.prefixlen;
	int r;

	if (net->ipv6.dhcp == KVN_DHCP6_UNSET || net->ipv6.dhcp == KVN_DHCP6_NONE)
		return 0;
	if (!is_on(net->ipv6.address_choice))
		return at(check, "ipv6.dhcp", kvn_fail(check->err, EINVAL, "given, but ipv6.address is none"));
	r = check_reach(check, "ipv6.dhcp");
	if (r < 0 || net->ipv6.address_choice == KVN_CHOICE_AUTO)
		return r;
	if (net->ipv6.dhcp != KVN_DHCP6_RANGE && prefixlen != 64)
		return at(check, "ipv6.dhcp",
			  kvn_fail(check->err, EINVAL, "%s needs a /64, ipv6.address is a /%u",
				   net->ipv6.dhcp == KVN_DHCP6_SLAAC ? "slaac" : "stateless", prefixlen));
	if (net->ipv6.dhcp != KVN_DHCP6_RANGE)
		return 0;
	if (prefixlen < 64) /* dnsmasq's rule */
		return at(check, "ipv6.dhcp",
			  kvn_fail(check->err, EINVAL,
				   "a range needs a subnet of /64 or smaller, ipv6.address is a /%u", prefixlen));
	return check_range(check, "ipv6.dhcp", &net->ipv6.address, &net->ipv6.range);
}

static int check_dns(const struct check *check)
{
	const struct kvn_network *net = check->net;

	if (!net->is_dns_enabled_given || !net->dns.is_enabled)
		return 0;
	if (!is_on(net->ipv4.address_choice) && !is_on(net->ipv6.address_choice))
		return at(check, "dns.enabled",
			  kvn_fail(check->err, EINVAL, "there is no address to ask: set ipv4.address or ipv6.address"));
	return check_reach(check, "dns.enabled");
}

static int at_item(const struct check *check, const char *path, size_t item, int r)
{
	*check->blame = (struct kvn_blame){.path = path, .item = item, .is_item = true};
	return r;
}

static int check_forwarders(const struct check *check)
{
	const struct kvn_network *net = check->net;

	if (net->dns.n_forwarders && net->model == KVN_ISOLATED)
		return at(check, "dns.forwarders",
			  kvn_fail(check->err, EINVAL, "guests of an isolated network ask nobody outside"));
	for (size_t i = 0; i < net->dns.n_forwarders; i++)
		if (!net->dns.forwarders[i].domain[0])
			return at_item(check, "dns.forwarders", i, kvn_fail(check->err, EINVAL, "a domain is wanted"));
	return 0;
}

static int check_records(const struct check *check)
{
	const struct kvn_network *net = check->net;

	for (size_t i = 0; i < net->dns.n_hosts; i++)
		if (net->dns.hosts[i].ip.family == AF_UNSPEC || net->dns.hosts[i].n_names == 0)
			return at_item(check, "dns.hosts", i,
				       kvn_fail(check->err, EINVAL, "an ip and its names are wanted"));
	for (size_t i = 0; i < net->dns.n_txt; i++)
		if (!net->dns.txt[i].name[0] || !net->dns.txt[i].value)
			return at_item(check, "dns.txt", i,
				       kvn_fail(check->err, EINVAL, "a name and a value are wanted"));
	for (size_t i = 0; i < net->dns.n_srv; i++) {
		const struct kvn_dns_srv *srv = &net->dns.srv[i];

		if (!srv->service[0])
			return at_item(check, "dns.srv", i, kvn_fail(check->err, EINVAL, "a service is wanted"));
		if ((srv->target[0] != '\0') != (srv->port != 0))
			return at_item(check, "dns.srv", i,
				       kvn_fail(check->err, EINVAL, "'%s': a target goes with a port", srv->service));
		if (!srv->target[0] && (srv->priority || srv->weight))
			return at_item(
				check, "dns.srv", i,
				kvn_fail(check->err, EINVAL, "'%s': priority and weight are a target's", srv->service));
	}
	return 0;
}

/* ---- reservations ---- */

static const char *host_label(const struct kvn_reservation *host, char text[static KVN_MAC_TEXT])
{
	char duid[KVN_DUID_TEXT];

	if (host->name[0])
		return host->name;
	if (!kvn_mac_is_zero(host->mac) || !host->duid_size)
		return kvn_mac_format(host->mac, text);
	(void)snprintf(text, KVN_MAC_TEXT, "%s",
		       kvn_duid_format(host->duid, host->duid_size, duid)); /* its beginning */
	return text;
}

static int check_host_address(const struct check *check, const struct kvn_reservation *host, const struct kvn_ip *ip,
			      enum kvn_choice choice, const struct kvn_cidr *subnet)
{
	char label[KVN_MAC_TEXT], text[KVN_IP_TEXT], cidr[KVN_CIDR_TEXT];
	const char *reason;

	if (ip->family == AF_UNSPEC || choice == KVN_CHOICE_AUTO)
		return 0;
	if (choice != KVN_CHOICE_GIVEN)
		return at_host(check, host,
			       kvn_fail(check->err, EINVAL, "reservation '%s': %s, but the bridge has no %s address",
					host_label(host, label), kvn_ip_format(ip, text),
					ip->family == AF_INET6 ? "IPv6" : "IPv4"));
	reason = not_a_guest(subnet, ip);
	if (!reason)
		return 0;
	return at_host(check, host,
		       kvn_fail(check->err, EINVAL, "reservation '%s': %s is %s (bridge %s)", host_label(host, label),
				kvn_ip_format(ip, text), reason, kvn_cidr_format(subnet, cidr)));
}

static int check_host(const struct check *check, const struct kvn_reservation *host)
{
	const struct kvn_network *net = check->net;
	bool has_address = host->ipv4.family != AF_UNSPEC || host->ipv6.family != AF_UNSPEC;
	char label[KVN_MAC_TEXT];
	int r;

	if (host->duid_size && host->ipv6.family == AF_UNSPEC)
		return at_host(check, host,
			       kvn_fail(check->err, EINVAL, "reservation '%s': a duid goes with an ipv6 address",
					host_label(host, label)));
	if (host->duid_size && host->ipv4.family != AF_UNSPEC && kvn_mac_is_zero(host->mac))
		return at_host(check, host,
			       kvn_fail(check->err, EINVAL, "reservation '%s': an ipv4 address goes with a mac",
					host_label(host, label)));
	if (kvn_mac_is_zero(host->mac) && !host->duid_size && !(host->name[0] && has_address))
		return at_host(
			check, host,
			host->name[0]
				? kvn_fail(check->err, EINVAL, "reservation '%s' needs a mac or an address", host->name)
				: kvn_fail(check->err, EINVAL, "a reservation needs a mac, or a name and an address"));
	r = check_host_address(check, host, &host->ipv4, net->ipv4.address_choice, &net->ipv4.address);
	return r < 0 ? r : check_host_address(check, host, &host->ipv6, net->ipv6.address_choice, &net->ipv6.address);
}

/* Something of which no two reservations may have the same. */
struct identity {
	bool (*is_set)(const struct kvn_reservation *host);
	int (*compare)(const struct kvn_reservation *a, const struct kvn_reservation *b);
	const char *what;
};

static bool has_name(const struct kvn_reservation *host)
{
	return host->name[0];
}

static int compare_names(const struct kvn_reservation *a, const struct kvn_reservation *b)
{
	return strcasecmp(a->name, b->name); /* as DNS compares them: RFC 4343 */
}

static bool has_mac(const struct kvn_reservation *host)
{
	return !kvn_mac_is_zero(host->mac);
}

static int compare_macs(const struct kvn_reservation *a, const struct kvn_reservation *b)
{
	return memcmp(a->mac, b->mac, sizeof(a->mac));
}

static bool has_duid(const struct kvn_reservation *host)
{
	return host->duid_size;
}

static int compare_duids(const struct kvn_reservation *a, const struct kvn_reservation *b)
{
	return a->duid_size == b->duid_size ? memcmp(a->duid, b->duid, a->duid_size)
					    : (a->duid_size > b->duid_size) - (a->duid_size < b->duid_size);
}

static bool has_ipv4(const struct kvn_reservation *host)
{
	return host->ipv4.family != AF_UNSPEC;
}

static int compare_ipv4(const struct kvn_reservation *a, const struct kvn_reservation *b)
{
	return kvn_ip_compare(&a->ipv4, &b->ipv4);
}

static bool has_ipv6(const struct kvn_reservation *host)
{
	return host->ipv6.family != AF_UNSPEC;
}

static int compare_ipv6(const struct kvn_reservation *a, const struct kvn_reservation *b)
{
	return kvn_ip_compare(&a->ipv6, &b->ipv6);
}

static int compare_by_identity(const void *a, const void *b, void *identity)
{
	const struct kvn_reservation *const *left = a, *const *right = b;
	int order = ((const struct identity *)identity)->compare(*left, *right);

	return order ? order : (*left > *right) - (*left < *right); /* the later one of two is the one to blame */
}

/* Sorted, because a file may hold tens of thousands. */
static int check_identity(const struct check *check, struct identity identity)
{
	const struct kvn_network *net = check->net;
	auto_free const struct kvn_reservation **sorted = calloc(net->n_hosts, sizeof(*sorted));
	char label[KVN_MAC_TEXT], other[KVN_MAC_TEXT];
	size_t n = 0;

	if (!sorted)
		return kvn_fail_errno(check->err, ENOMEM, "hosts");
	for (size_t i = 0; i < net->n_hosts; i++)
		if (identity.is_set(&net->hosts[i]))
			sorted[n++] = &net->hosts[i];
	qsort_r(sorted, n, sizeof(*sorted), compare_by_identity, &identity);
	for (size_t i = 1; i < n; i++)
		if (identity.compare(sorted[i - 1], sorted[i]) == 0)
			return at_host(check, sorted[i],
				       kvn_fail(check->err, EINVAL, "reservation '%s' has the %s of '%s'",
						host_label(sorted[i], label), identity.what,
						host_label(sorted[i - 1], other)));
	return 0;
}

static int check_hosts(const struct check *check)
{
	static const struct identity identities[] = {{has_name, compare_names, "name"},
						     {has_mac, compare_macs, "MAC address"},
						     {has_duid, compare_duids, "DUID"},
						     {has_ipv4, compare_ipv4, "IPv4 address"},
						     {has_ipv6, compare_ipv6, "IPv6 address"}};
	int r = 0;

	for (size_t i = 0; i < check->net->n_hosts && r == 0; i++)
		r = check_host(check, &check->net->hosts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(identities) && r == 0 && check->net->n_hosts > 1; i++)
		r = check_identity(check, identities[i]);
	return r;
}

/* ---- all of it ---- */

/* libvirt's guests do not start a network; kvnet's hooks do. */
static int check_registered(const struct check *check)
{
	if (!check->net->is_registered || check->net->start != KVN_START_ON_DEMAND)
		return 0;
	return at(check, "register",
		  kvn_fail(check->err, EINVAL,
			   "libvirt's guests cannot start an on-demand network: give it 'start: boot' or 'manual'"));
}

int kvn_definition_examine(const struct kvn_network *net, struct kvn_blame *ret, struct kvn_error *err)
{
	static int (*const checks[])(const struct check *) = {
		check_bridged, check_links,      check_dhcp4,   check_dhcp6, check_boot,       check_addresses,
		check_dns,     check_forwarders, check_records, check_hosts, check_registered,
	};
	struct kvn_network whole = *net; /* hosts stay @net's */
	const struct check check = {&whole, ret, err};
	int r = 0;

	kvn_definition_default_addresses(&whole);
	for (size_t i = 0; i < ARRAY_SIZE(checks) && r == 0; i++)
		r = checks[i](&check);
	return r;
}

int kvn_definition_check(const struct kvn_network *net, struct kvn_error *err)
{
	struct kvn_blame blame = {0};
	int r = kvn_definition_examine(net, &blame, err);

	if (r == -EINVAL)
		(void)kvn_wrap(err, "key '%s'", blame.path);
	return r;
}
