/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_conf.c - a network's definition as dnsmasq's three texts; pure.  Source: dnsmasq(8) 2.90. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "dnsmasq.h"

/* The ranges bound what is given out.  This bounds what is read at start, leases of an earlier, larger range among it, and
 * dnsmasq does not start when there are more: so it is out of reach.  It takes no memory. */
#define LEASES_MAX 1000000U

/* Of an advertised prefix, its addresses and resolvers: renewed every ten minutes, and not for ever, since a network may be
 * given another. */
#define PREFIX_LIFETIME_S 86400U

/* What of a network dnsmasq serves. */
struct services {
	bool dhcp4, dhcp6; /* addresses are given out */
	bool ra; /* router advertisements; always with dhcp6 */
	bool dns; /* port 53 is served */
};

static struct services services_of(const struct kvn_network *net)
{
	bool has4 = net->ipv4.address_choice == KVN_CHOICE_GIVEN, has6 = net->ipv6.address_choice == KVN_CHOICE_GIVEN;
	struct services s = {0};

	if (net->model == KVN_BRIDGED)
		return s;
	s.dhcp4 = has4 && net->ipv4.dhcp_choice == KVN_CHOICE_GIVEN;
	s.dhcp6 = has6 && net->ipv6.dhcp == KVN_DHCP6_RANGE;
	s.ra = s.dhcp6 || (has6 && (net->ipv6.dhcp == KVN_DHCP6_SLAAC || net->ipv6.dhcp == KVN_DHCP6_STATELESS));
	s.dns = (has4 || has6) && net->dns.is_enabled && net->host_access != KVN_HOST_NONE;
	return s;
}

/* What the three texts are made of. */
struct source {
	const struct kvn_network *net;
	const struct kvn_dnsmasq_paths *paths;
	const struct kvn_ip *upstream;
	size_t n_upstream;
	struct services services;
};

bool kvn_dnsmasq_is_wanted(const struct kvn_network *net)
{
	struct services s = services_of(net);

	return s.dhcp4 || s.ra || s.dns;
}

/* ---- the allow-lists ---- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(const char *text, const char *punctuation)
{
	for (const char *c = text; *c; c++)
		if (!is_alnum(*c) && !strchr(punctuation, *c))
			return false;
	return *text != '\0';
}

/* RFC 1123 section 2.1: letters, digits and inner hyphens. */
static bool is_label(const char *text, size_t length)
{
	if (length == 0 || length > 63 || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(text[i]) && text[i] != '-')
			return false;
	return true;
}

static bool is_domain(const char *text)
{
	const char *label = text;

	if (strlen(text) > KVN_DOMAIN_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(label, ".");

		if (!is_label(label, length))
			return false;
		if (label[length] == '\0') /* "NAME.DOMAIN" must never read as an address */
			return strspn(label, "0123456789") < length;
		label += length + 1;
	}
}

static int check_path(const char *path, struct kvn_error *err)
{
	if (path[0] == '/' && is_made_of(path, "/._-+@=~"))
		return 0;
	return kvn_fail(err, EINVAL, "path '%.150s' cannot stand in dnsmasq's configuration: choose another folder",
			path);
}

static bool is_text(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return strlen(text) <= 255;
}

static int check_records(const struct kvn_network *net, struct kvn_error *err)
{
	for (size_t i = 0; i < net->dns.n_forwarders; i++)
		if (!is_domain(net->dns.forwarders[i].domain))
			return kvn_fail(err, EINVAL, "'%.150s' is not a DNS domain", net->dns.forwarders[i].domain);
	for (size_t i = 0; i < net->dns.n_hosts; i++)
		for (size_t j = 0; j < net->dns.hosts[i].n_names; j++)
			if (!is_domain(net->dns.hosts[i].names[j]))
				return kvn_fail(err, EINVAL, "'%.150s' is not a DNS name", net->dns.hosts[i].names[j]);
	for (size_t i = 0; i < net->dns.n_txt; i++)
		if (!is_domain(net->dns.txt[i].name) || !is_text(net->dns.txt[i].value))
			return kvn_fail(err, EINVAL, "TXT record '%.150s' cannot stand in dnsmasq's configuration",
					net->dns.txt[i].name);
	for (size_t i = 0; i < net->dns.n_srv; i++) {
		const struct kvn_dns_srv *srv = &net->dns.srv[i];

		if (!is_label(srv->service, strlen(srv->service)) || (srv->domain[0] && !is_domain(srv->domain)) ||
		    (srv->target[0] && !is_domain(srv->target)))
			return kvn_fail(err, EINVAL, "SRV record '%.60s' cannot stand in dnsmasq's configuration",
					srv->service);
	}
	return 0;
}

static int check_boot_file(const struct kvn_network *net, struct kvn_error *err)
{
	if (net->ipv4.boot_file[0] && !is_made_of(net->ipv4.boot_file, "/._-+@=~:?&%"))
		return kvn_fail(err, EINVAL, "boot file '%s' cannot stand in dnsmasq's configuration",
				net->ipv4.boot_file);
	return 0;
}

static int check_strings(const struct kvn_network *net, const struct kvn_dnsmasq_paths *paths, struct kvn_error *err)
{
	const char *all[] = {paths->conf, paths->hosts, paths->dhcp, paths->pid, paths->leases};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		r = check_path(all[i], err);
	if (r < 0)
		return r;
	if (!is_made_of(net->name, "._-"))
		return kvn_fail(err, EINVAL, "name '%s' cannot stand in dnsmasq's configuration", net->name);
	if (!is_made_of(net->bridge, "._-"))
		return kvn_fail(err, EINVAL, "bridge '%s' cannot stand in dnsmasq's configuration", net->bridge);
	if (!is_domain(net->dns.domain))
		return kvn_fail(err, EINVAL, "domain '%.150s' is not a DNS domain", net->dns.domain);
	for (size_t i = 0; i < net->n_hosts; i++)
		if (net->hosts[i].name[0] && !is_label(net->hosts[i].name, strlen(net->hosts[i].name)))
			return kvn_fail(err, EINVAL, "reservation '%s' is not a host's name", net->hosts[i].name);
	r = check_boot_file(net, err);
	return r < 0 ? r : check_records(net, err);
}

/* ---- conf ---- */

static void put_header(FILE *out, const struct kvn_network *net, const struct kvn_dnsmasq_paths *paths)
{
	fprintf(out, "# Network '%s': written by kvnet, overwritten at the next change.\n", net->name);
	fputs("# Standard input says which user to run as and where the reservations are.\n", out);
	fprintf(out, "conf-file=-\npid-file=%s\n", paths->pid);
	/* bind-dynamic: other servers keep their addresses, and what comes in by another link than the bridge is not
	 * answered. */
	fprintf(out, "bind-dynamic\ninterface=%s\nexcept-interface=lo\n", net->bridge);
	/* no-resolv: watching resolv.conf takes one of the 128 inotify instances that a user has. */
	fputs("no-hosts\nno-resolv\nno-poll\n", out);
}

static bool is_own(const struct kvn_network *net, const struct kvn_ip *ip)
{
	return (net->ipv4.address_choice == KVN_CHOICE_GIVEN && kvn_ip_equal(ip, &net->ipv4.address.ip)) ||
	       (net->ipv6.address_choice == KVN_CHOICE_GIVEN && kvn_ip_equal(ip, &net->ipv6.address.ip));
}

/* In quotes a comma is only a comma. */
static void put_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', out);
}

static void put_records(FILE *out, const struct kvn_network *net)
{
	for (size_t i = 0; i < net->dns.n_txt; i++) {
		fprintf(out, "txt-record=%s,", net->dns.txt[i].name);
		put_text(out, net->dns.txt[i].value);
		fputc('\n', out);
	}
	for (size_t i = 0; i < net->dns.n_srv; i++) {
		const struct kvn_dns_srv *srv = &net->dns.srv[i];

		fprintf(out, "srv-host=_%s._%s.%s", srv->service, srv->protocol == KVN_UDP ? "udp" : "tcp",
			srv->domain[0] ? srv->domain : net->dns.domain);
		if (srv->target[0])
			fprintf(out, ",%s,%u,%u,%u", srv->target, srv->port, srv->priority, srv->weight);
		fputc('\n', out);
	}
}

/* "#": the resolvers for everything else. */
static void put_forwarders(FILE *out, const struct kvn_network *net)
{
	char text[KVN_IP_TEXT];

	for (size_t i = 0; i < net->dns.n_forwarders; i++) {
		const struct kvn_forwarder *forwarder = &net->dns.forwarders[i];

		if (forwarder->resolver.family == AF_UNSPEC)
			fprintf(out, "server=/%s/#\n", forwarder->domain);
		else if (!is_own(net, &forwarder->resolver))
			fprintf(out, "server=/%s/%s\n", forwarder->domain, kvn_ip_format(&forwarder->resolver, text));
	}
}

static void put_dns(FILE *out, const struct kvn_network *net, const struct kvn_ip *upstream, size_t n_upstream)
{
	char text[KVN_IP_TEXT];

	fputs("domain-needed\nbogus-priv\n", out);
	if (net->dns.is_local)
		fprintf(out, "local=/%s/\n", net->dns.domain);
	fputs("expand-hosts\n", out);
	fputs("host-record=localhost,127.0.0.1,::1\n",
	      out); /* RFC 6761 section 6.3; also no guest may call itself so */
	put_records(out, net);
	if (net->model == KVN_ISOLATED)
		return;
	if (net->dns.n_upstream > 0) {
		upstream = net->dns.upstream;
		n_upstream = net->dns.n_upstream;
	}
	for (size_t i = 0; i < n_upstream; i++)
		if (!is_own(net, &upstream[i])) /* it would ask itself */
			fprintf(out, "server=%s\n", kvn_ip_format(&upstream[i], text));
	put_forwarders(out, net);
}

static const char *lease_time(const struct kvn_network *net, char text[static 16])
{
	if (net->ipv4.lease_s == 0)
		return "infinite";
	(void)snprintf(text, 16, "%u", net->ipv4.lease_s);
	return text;
}

/* Without a DNS server of our own guests are told of the network's resolvers, and of none when it names none. */
static void put_foreign_resolvers(FILE *out, const struct kvn_network *net, int family)
{
	bool is_first = true;

	for (size_t i = 0; i < net->dns.n_upstream; i++) {
		const struct kvn_ip *ip = &net->dns.upstream[i];
		char text[KVN_IP_TEXT];

		if (ip->family != family)
			continue;
		if (is_first)
			fputs(family == AF_INET6 ? "dhcp-option=option6:dns-server" : "dhcp-option=6", out);
		fprintf(out, family == AF_INET6 ? ",[%s]" : ",%s", kvn_ip_format(ip, text));
		is_first = false;
	}
	if (!is_first)
		fputc('\n', out);
}

static void put_dhcp4(FILE *out, const struct kvn_network *net, struct services s)
{
	char first[KVN_IP_TEXT], last[KVN_IP_TEXT], mask[KVN_IP_TEXT], own[KVN_IP_TEXT], lease[16];
	struct kvn_ip netmask = kvn_netmask(net->ipv4.address.prefixlen);

	kvn_ip_format(&net->ipv4.address.ip, own);
	fprintf(out, "dhcp-range=%s,%s,%s,%s\n", kvn_ip_format(&net->ipv4.dhcp.first, first),
		kvn_ip_format(&net->ipv4.dhcp.last, last), kvn_ip_format(&netmask, mask), lease_time(net, lease));
	/* no-ping: the check holds the first offer back for 3 s, and the pool is this server's alone. */
	fputs("dhcp-authoritative\nno-ping\ndhcp-no-override\n", out);
	fputs("dhcp-ignore-clid\n", out); /* clones of one image share a client-id, but not a MAC */
	/* Without a value an option that dnsmasq sends by itself is left out. */
	if (net->model == KVN_ISOLATED)
		fputs("dhcp-option=3\ndhcp-option=6\n", out);
	else
		fprintf(out, "dhcp-option=3,%s\n", own);
	if (net->model != KVN_ISOLATED && s.dns)
		fprintf(out, "dhcp-option=6,%s\n", own);
	else if (net->model != KVN_ISOLATED)
		put_foreign_resolvers(out, net, AF_INET);
	if (net->mtu > 0)
		fprintf(out, "dhcp-option=26,%u\n", net->mtu);
	if (net->ipv4.boot_file[0] && net->ipv4.boot_server.family == AF_INET)
		fprintf(out, "dhcp-boot=%s,,%s\n", net->ipv4.boot_file, kvn_ip_format(&net->ipv4.boot_server, own));
	else if (net->ipv4.boot_file[0])
		fprintf(out, "dhcp-boot=%s\n", net->ipv4.boot_file);
}

static void put_range6(FILE *out, const struct kvn_network *net)
{
	struct kvn_cidr prefix = kvn_cidr_network(&net->ipv6.address);
	char first[KVN_IP_TEXT], last[KVN_IP_TEXT], lease[16];

	if (net->ipv6.dhcp == KVN_DHCP6_RANGE)
		fprintf(out, "dhcp-range=%s,%s,%u,%s\n", kvn_ip_format(&net->ipv6.range.first, first),
			kvn_ip_format(&net->ipv6.range.last, last), net->ipv6.address.prefixlen,
			lease_time(net, lease));
	else
		fprintf(out, "dhcp-range=%s,%s,%u,%u\n", kvn_ip_format(&prefix.ip, first),
			net->ipv6.dhcp == KVN_DHCP6_STATELESS ? "ra-stateless" : "ra-only", prefix.prefixlen,
			PREFIX_LIFETIME_S);
}

/* Advertisements name no resolver.  DHCPv6 cannot be told so: dnsmasq 2.90 sends an option without a value as an empty one,
 * which is none by RFC 3646, and its own address when there is no option.  That answers for the guests' names. */
static void put_isolated_resolver(FILE *out, const struct kvn_network *net)
{
	char own[KVN_IP_TEXT];

	fputs("dhcp-option=tag:!dhcpv6,option6:dns-server\n", out);
	if (net->ipv6.dhcp != KVN_DHCP6_SLAAC)
		fprintf(out, "dhcp-option=tag:dhcpv6,option6:dns-server,[%s]\n",
			kvn_ip_format(&net->ipv6.address.ip, own));
}

static void put_ra(FILE *out, const struct kvn_network *net, struct services s)
{
	char own[KVN_IP_TEXT];

	fputs("enable-ra\n", out);
	put_range6(out, net);
	if (net->model == KVN_ISOLATED) /* the default interval; a router lifetime of 0: none */
		fprintf(out, "ra-param=%s,0,0\n", net->bridge);
	/* These reach guests in advertisements and in DHCPv6 alike. */
	if (net->model == KVN_ISOLATED && s.dns) {
		put_isolated_resolver(out, net);
	} else if (net->model == KVN_ISOLATED) {
		/* without a DNS server of its own dnsmasq names none */
	} else if (s.dns) {
		fprintf(out, "dhcp-option=option6:dns-server,[%s]\n", kvn_ip_format(&net->ipv6.address.ip, own));
		fprintf(out, "dhcp-option=option6:domain-search,%s\n", net->dns.domain);
	} else {
		put_foreign_resolvers(out, net, AF_INET6);
	}
}

static void put_conf(FILE *out, const struct source *from)
{
	const struct kvn_network *net = from->net;
	struct services s = from->services;

	put_header(out, net, from->paths);
	fprintf(out, "domain=%s\n", net->dns.domain);
	if (s.dns)
		put_dns(out, net, from->upstream, from->n_upstream);
	else
		fputs("port=0\n", out);
	if (s.dhcp4 || s.ra)
		fprintf(out, "dhcp-leasefile=%s\nquiet-dhcp\nquiet-dhcp6\nquiet-ra\n", from->paths->leases);
	if (s.dhcp4 || s.dhcp6)
		fprintf(out, "dhcp-lease-max=%u\n", LEASES_MAX);
	if (s.dhcp4 && s.dns) /* a guest of this name would be every browser's proxy: CERT VU#598349 */
		fputs("dhcp-name-match=set:wpad-ignore,wpad\ndhcp-ignore-names=tag:wpad-ignore\n", out);
	if (s.dhcp4)
		put_dhcp4(out, net, s);
	if (s.ra)
		put_ra(out, net, s);
}

/* ---- hosts and dhcp ---- */

static void put_name(FILE *out, const struct kvn_network *net, const struct kvn_reservation *host,
		     const struct kvn_ip *ip)
{
	char text[KVN_IP_TEXT];

	/* The full name first: it is what the address resolves back to. */
	if (host->name[0] && ip->family != AF_UNSPEC)
		fprintf(out, "%s %s.%s %s\n", kvn_ip_format(ip, text), host->name, net->dns.domain, host->name);
}

static void put_dns_host(FILE *out, const struct kvn_network *net, const struct kvn_dns_host *host)
{
	char text[KVN_IP_TEXT];

	fputs(kvn_ip_format(&host->ip, text), out);
	for (size_t i = 0; i < host->n_names; i++) {
		if (!strchr(host->names[i], '.'))
			fprintf(out, " %s.%s", host->names[i], net->dns.domain);
		fprintf(out, " %s", host->names[i]);
	}
	fputc('\n', out);
}

static void put_hosts(FILE *out, const struct source *from)
{
	for (size_t i = 0; from->services.dns && i < from->net->dns.n_hosts; i++)
		put_dns_host(out, from->net, &from->net->dns.hosts[i]);
	for (size_t i = 0; from->services.dns && i < from->net->n_hosts; i++) {
		put_name(out, from->net, &from->net->hosts[i], &from->net->hosts[i].ipv4);
		put_name(out, from->net, &from->net->hosts[i], &from->net->hosts[i].ipv6);
	}
}

static void put_reservation(FILE *out, const struct source *from, const struct kvn_reservation *host)
{
	char mac[KVN_MAC_TEXT], duid[KVN_DUID_TEXT], ip[KVN_IP_TEXT];
	bool has_mac = !kvn_mac_is_zero(host->mac), has_duid = from->services.dhcp6 && host->duid_size;

	if (has_mac)
		fputs(kvn_mac_format(host->mac, mac), out);
	if (has_duid)
		fprintf(out, "%sid:%s", has_mac ? "," : "", kvn_duid_format(host->duid, host->duid_size, duid));
	if (from->services.dhcp4 && host->ipv4.family == AF_INET)
		fprintf(out, ",%s", kvn_ip_format(&host->ipv4, ip));
	if (from->services.dhcp6 && host->ipv6.family == AF_INET6)
		fprintf(out, ",[%s]", kvn_ip_format(&host->ipv6, ip));
	/* With its domain: dnsmasq would take a host called "ignore", "infinite" or "2h" for a word of its own. */
	if (host->name[0])
		fprintf(out, ",%s.%s", host->name, from->net->dns.domain);
	fputc('\n', out);
}

static void put_dhcp(FILE *out, const struct source *from)
{
	if (!from->services.dhcp4 && !from->services.dhcp6)
		return;
	for (size_t i = 0; i < from->net->n_hosts; i++) {
		const struct kvn_reservation *host = &from->net->hosts[i];

		if (!kvn_mac_is_zero(host->mac) || (from->services.dhcp6 && host->duid_size))
			put_reservation(out, from, host);
	}
}

/* ---- the three of them ---- */

/* *ret is the caller's to free, also on failure. */
static int write_text(void (*put)(FILE *out, const struct source *from), const struct source *from, char **ret,
		      struct kvn_error *err)
{
	size_t size;
	FILE *out = open_memstream(ret, &size);
	bool is_whole;

	if (!out)
		return kvn_fail_errno(err, ENOMEM, "dnsmasq");
	put(out, from);
	is_whole = !ferror(out);
	if (fclose(out) != 0 || !is_whole)
		return kvn_fail_errno(err, ENOMEM, "dnsmasq");
	return 0;
}

void kvn_dnsmasq_clear(struct kvn_dnsmasq *dns)
{
	if (!dns)
		return;
	free(dns->conf);
	free(dns->hosts);
	free(dns->dhcp);
	*dns = (struct kvn_dnsmasq){0};
}

int kvn_dnsmasq_format(const struct kvn_network *net, const struct kvn_dnsmasq_paths *paths,
		       const struct kvn_ip *upstream, size_t n_upstream, struct kvn_dnsmasq *ret, struct kvn_error *err)
{
	struct source from = {net, paths, upstream, n_upstream, services_of(net)};
	struct kvn_dnsmasq dns = {0};
	int r = check_strings(net, paths, err);

	if (r == 0)
		r = write_text(put_conf, &from, &dns.conf, err);
	if (r == 0)
		r = write_text(put_hosts, &from, &dns.hosts, err);
	if (r == 0)
		r = write_text(put_dhcp, &from, &dns.dhcp, err);
	if (r < 0)
		kvn_dnsmasq_clear(&dns);
	else
		*ret = dns;
	return r;
}

/* ---- the host's resolvers ---- */

static bool is_usable(const struct kvn_ip *ip, const struct kvn_ip *others, size_t n)
{
	if (ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80)
		return false;
	for (size_t i = 0; i < n; i++)
		if (kvn_ip_equal(ip, &others[i]))
			return false;
	return true;
}

void kvn_dnsmasq_parse_resolvers(const char *text, struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n)
{
	size_t n = 0;

	for (const char *line = text; *line && n < KVN_UPSTREAM_MAX;
	     line += strcspn(line, "\n"), line += *line == '\n') {
		char key[16], value[KVN_IP_TEXT];
		struct kvn_ip ip;

		/* The value is cut where it would not fit, and then it is no address. */
		if (sscanf(line, "%15[a-z]%*[ \t]%45[^ \t\r\n]", key, value) == 2 && strcmp(key, "nameserver") == 0 &&
		    kvn_ip_parse(value, AF_UNSPEC, &ip) == 0 && is_usable(&ip, ret, n))
			ret[n++] = ip;
	}
	*ret_n = n;
}
