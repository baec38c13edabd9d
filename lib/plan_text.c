/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan_text.c - a step as the command that a person would type for it. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "plan.h"

const char *kvn_op_verb(const struct kvn_op *op)
{
	if (op->object == KVN_OBJECT_PORT && op->has_had && op->has_want && op->had.port.is_newcomer)
		return "adopt";
	return !op->has_had ? "add" : op->has_want ? "set" : "delete";
}

const char *kvn_op_object(const struct kvn_op *op, char text[static 128])
{
	const struct kvn_item *item = op->has_want ? &op->want : &op->had;
	char address[KVN_CIDR_TEXT];

	switch (op->object) {
	case KVN_OBJECT_FILE:
		(void)snprintf(text, 128, "definition %.110s", item->file.path);
		break;
	case KVN_OBJECT_FIREWALL:
		(void)snprintf(text, 128, "firewall %s", item->firewall.part.bridge);
		break;
	case KVN_OBJECT_LINK:
		(void)snprintf(text, 128, "link %s", item->link.ifname);
		break;
	case KVN_OBJECT_ADDR:
		(void)snprintf(text, 128, "address %s on %s", kvn_cidr_format(&item->addr.cidr, address),
			       item->addr.ifname);
		break;
	case KVN_OBJECT_PORT:
		(void)snprintf(text, 128, "port %s", item->port.ifname);
		break;
	case KVN_OBJECT_ROUTE:
		(void)snprintf(text, 128, "route %s", kvn_cidr_format(&item->route.dst, address));
		break;
	case KVN_OBJECT_CLAIM:
		(void)snprintf(text, 128, "sysctl %s", item->claim.key);
		break;
	case KVN_OBJECT_DNSMASQ:
		(void)snprintf(text, 128, "dnsmasq %.100s", item->dnsmasq.paths.conf);
		break;
	case KVN_OBJECT_COUNT:
		text[0] = '\0';
		break;
	}
	return text;
}

static void write_line(FILE *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void write_line(FILE *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(out, fmt, ap); /* to memory; the caller asks ferror() once */
	va_end(ap);
	(void)fputc('\n', out);
}

static void write_file(FILE *out, const struct kvn_op *op)
{
	if (op->has_want)
		write_line(out, "install -m 644 /dev/stdin %s", op->want.file.path);
	else
		write_line(out, "rm %s", op->had.file.path);
}

static void write_elements(FILE *out, const char *verb, const struct kvn_firewall *part, unsigned sets)
{
	for (int set = 0; set < KVN_SET_COUNT; set++) {
		if (!(sets & 1U << set))
			continue;
		if (set == KVN_SET_SAME || set == KVN_SET_APART || set == KVN_SET_UPLINK)
			write_line(out, "nft %s element inet kvnet %s '{ \"%s\" . \"%s\" }'", verb,
				   kvn_firewall_set_format((enum kvn_firewall_set)set), part->bridge,
				   set == KVN_SET_UPLINK ? part->uplink : part->bridge);
		else
			write_line(out, "nft %s element inet kvnet %s '{ \"%s\" }'", verb,
				   kvn_firewall_set_format((enum kvn_firewall_set)set), part->bridge);
	}
}

static void write_firewall(FILE *out, const struct kvn_op *op)
{
	const struct kvn_firewall *had = &op->had.firewall.part, *want = &op->want.firewall.part;
	unsigned had_sets = op->has_had ? had->sets : 0, want_sets = op->has_want ? want->sets : 0;
	bool is_uplink_changed = had_sets & want_sets & 1U << KVN_SET_UPLINK && strcmp(had->uplink, want->uplink) != 0;
	unsigned changed = is_uplink_changed ? 1U << KVN_SET_UPLINK : 0;

	if (op->has_had && op->has_want && !op->had.firewall.is_sound)
		write_line(out, "nft add table inet kvnet # rebuilt: a rule, chain or set of it is gone");
	write_elements(out, "delete", had, (had_sets & ~want_sets) | changed);
	write_elements(out, "add", want, (want_sets & ~had_sets) | changed);
}

static const char *ipv6_text(enum kvn_link_ipv6 ipv6)
{
	return ipv6 == KVN_IPV6_OFF ? "disable_ipv6=1" : "disable_ipv6=0";
}

static void write_link(FILE *out, const struct kvn_op *op)
{
	const struct kvn_link *had = &op->had.link, *want = &op->want.link;
	char mac[KVN_MAC_TEXT], address[KVN_MAC_TEXT + 16] = "";

	if (!op->has_want) {
		write_line(out, "ip link delete %s", had->ifname);
		return;
	}
	if (!op->has_had) {
		if (!kvn_mac_is_zero(want->mac))
			(void)snprintf(address, sizeof(address), " address %s", kvn_mac_format(want->mac, mac));
		write_line(out, "ip link add %s%s type bridge stp_state %d forward_delay %d", want->ifname, address,
			   want->stp, want->stp ? 200 : 0);
		if (want->mtu) /* a bridge that is made with it lets it follow its ports' */
			write_line(out, "ip link set %s mtu %u", want->ifname, want->mtu);
	} else {
		if (want->mtu && want->mtu != had->mtu)
			write_line(out, "ip link set %s mtu %u", want->ifname, want->mtu);
		if (!kvn_mac_is_zero(want->mac) && memcmp(want->mac, had->mac, 6) != 0)
			write_line(out, "ip link set %s address %s", want->ifname, kvn_mac_format(want->mac, mac));
		if (want->stp != had->stp)
			write_line(out, "ip link set %s type bridge stp_state %d", want->ifname, want->stp);
	}
	if (want->ipv6 != KVN_IPV6_HOST && (!op->has_had || want->ipv6 != had->ipv6))
		write_line(out, "sysctl -w net.ipv6.conf.%s.%s", want->ifname, ipv6_text(want->ipv6));
	if (!op->has_had || want->is_up != had->is_up || want->is_arp_off != had->is_arp_off ||
	    strcmp(want->network, had->network) != 0)
		write_line(out, "ip link set %s alias kvnet:%s arp %s %s", want->ifname, want->network,
			   want->is_arp_off ? "off" : "on", want->is_up ? "up" : "down");
}

static void write_addr(FILE *out, const struct kvn_op *op)
{
	const struct kvn_addr *addr = op->has_want ? &op->want.addr : &op->had.addr;
	char text[KVN_CIDR_TEXT];

	write_line(out, "ip address %s %s dev %s", op->has_want ? "add" : "delete", kvn_cidr_format(&addr->cidr, text),
		   addr->ifname);
}

static void write_port(FILE *out, const struct kvn_op *op)
{
	const struct kvn_port *had = &op->had.port, *want = &op->want.port;

	if (!op->has_want && had->is_persistent) {
		write_line(out, "ip link delete %s", had->ifname);
	} else if (!op->has_want || (op->has_had && !want->master[0])) {
		write_line(out, "ip link set %s nomaster", had->ifname);
	} else {
		if (want->is_persistent && !op->has_had)
			write_line(out, "ip tuntap add %s mode tap vnet_hdr%s", want->ifname,
				   want->queues > 1 ? " multi_queue" : "");
		if (!op->has_had || strcmp(had->master, want->master) != 0)
			write_line(out, "ip link set %s master %s up", want->ifname, want->master);
		else if (!had->is_up)
			write_line(out, "ip link set %s up", want->ifname);
		if (want->mtu && want->mtu != (op->has_had ? had->mtu : KVN_MTU_DEFAULT))
			write_line(out, "ip link set %s mtu %u", want->ifname, want->mtu);
		if (want->is_isolated != (op->has_had && had->is_isolated))
			write_line(out, "bridge link set dev %s isolated %s", want->ifname,
				   want->is_isolated ? "on" : "off");
		if (op->has_had && !want->is_alias_foreign && strcmp(want->network, had->network) != 0)
			write_line(out, "ip link set %s alias kvnet:%s", want->ifname, want->network);
	}
	if ((op->has_want && want->is_fenced) != (op->has_had && had->is_fenced))
		write_line(out, "nft %s element bridge kvnet port '{ \"%s\" }'",
			   op->has_want && want->is_fenced ? "add" : "delete",
			   op->has_want ? want->ifname : had->ifname);
}

static void write_route(FILE *out, const struct kvn_op *op)
{
	const struct kvn_route *route = op->has_want ? &op->want.route : &op->had.route;
	char dst[KVN_CIDR_TEXT], gateway[KVN_IP_TEXT], via[KVN_IP_TEXT + 8] = "", metric[24] = "", table[24] = "";

	if (route->gateway.family)
		(void)snprintf(via, sizeof(via), " via %s", kvn_ip_format(&route->gateway, gateway));
	if (route->metric)
		(void)snprintf(metric, sizeof(metric), " metric %u", route->metric);
	if (route->table != RT_TABLE_MAIN)
		(void)snprintf(table, sizeof(table), " table %u", route->table);
	write_line(out, "ip route %s %s%s dev %s%s%s", op->has_want ? "replace" : "delete",
		   kvn_cidr_format(&route->dst, dst), via, route->ifname, metric, table);
}

static void write_claim(FILE *out, const struct kvn_op *op)
{
	if (op->has_want)
		write_line(out, "sysctl -w %s=1", op->want.claim.key);
	else
		write_line(out, "sysctl -w %s=0 # when no network needs it, and it was 0 before", op->had.claim.key);
}

static bool is_same(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static void write_dnsmasq(FILE *out, const struct kvn_op *op)
{
	const struct kvn_dnsmasq_item *had = &op->had.dnsmasq, *want = &op->want.dnsmasq;
	bool is_running = op->has_had && had->is_running;

	if (!op->has_want)
		write_line(out, "kill $(cat %s)", had->paths.pid);
	else if (is_running && !had->is_deaf && is_same(had->texts.conf, want->texts.conf))
		write_line(out, "kill -HUP $(cat %s) # dnsmasq reads its reservations again", want->paths.pid);
	else if (is_running)
		write_line(out, "kill $(cat %s); dnsmasq --conf-file=%s", want->paths.pid, want->paths.conf);
	else
		write_line(out, "dnsmasq --conf-file=%s", want->paths.conf);
}

int kvn_op_format(const struct kvn_op *op, char **ret, struct kvn_error *err)
{
	static void (*const writers[KVN_OBJECT_COUNT])(FILE *, const struct kvn_op *) = {
		[KVN_OBJECT_FILE] = write_file,   [KVN_OBJECT_FIREWALL] = write_firewall,
		[KVN_OBJECT_LINK] = write_link,   [KVN_OBJECT_ADDR] = write_addr,
		[KVN_OBJECT_PORT] = write_port,   [KVN_OBJECT_ROUTE] = write_route,
		[KVN_OBJECT_CLAIM] = write_claim, [KVN_OBJECT_DNSMASQ] = write_dnsmasq,
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return kvn_fail_errno(err, ENOMEM, "plan");
	writers[op->object](out, op);
	if (fclose(out) != 0) {
		free(text);
		return kvn_fail_errno(err, ENOMEM, "plan");
	}
	if (size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	*ret = text;
	return 0;
}
