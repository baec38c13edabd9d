/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value_address.c - MACs, addresses, subnets and ranges as values of a definition. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "document.h"
#include "value.h"

static const char *family_name(int family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static unsigned family_bits(int family)
{
	return (unsigned)(8 * kvn_ip_size(family));
}

/* ---- MAC ---- */

int kvn_mac_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];
	uint8_t mac[6];

	(void)beside;
	if (kvn_mac_parse(text, mac) < 0)
		return kvn_fail(err, EINVAL, "'%s' is no MAC address such as 52:54:00:12:34:56",
				kvn_text_excerpt(text, excerpt));
	if (kvn_mac_is_zero(mac) || mac[0] & 1)
		return kvn_fail(err, EINVAL, "'%s' is no MAC address of one link: it is %s", text,
				mac[0] & 1 ? "multicast (the first byte is odd)" : "all zero");
	memcpy(member, mac, sizeof(mac));
	return 0;
}

json_t *kvn_mac_value_format(const void *member, const void *beside)
{
	char text[KVN_MAC_TEXT];

	(void)beside;
	return kvn_mac_is_zero(member) ? json_null() : json_string(kvn_mac_format(member, text));
}

/* ---- one address ---- */

/* Why @ip can be no host's address on a network, NULL: it can.  RFC 6890, RFC 4291 */
static const char *reserved(const struct kvn_ip *ip)
{
	static const struct {
		struct kvn_cidr cidr;
		const char *what;
	} blocks[] = {
		{{{AF_INET, {0}}, 8}, "reserved (0.0.0.0/8)"},
		{{{AF_INET, {127}}, 8}, "loopback"},
		{{{AF_INET, {169, 254}}, 16}, "link-local"},
		{{{AF_INET, {224}}, 4}, "multicast"},
		{{{AF_INET, {255, 255, 255, 255}}, 32}, "broadcast"},
		{{{AF_INET6, {0}}, 128}, "unspecified"},
		{{{AF_INET6, {[15] = 1}}, 128}, "loopback"},
		{{{AF_INET6, {[10] = 0xff, [11] = 0xff}}, 96}, "an IPv4 address in disguise"},
		{{{AF_INET6, {0xfe, 0x80}}, 10}, "link-local"},
		{{{AF_INET6, {0xff}}, 8}, "multicast"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (kvn_cidr_contains(&blocks[i].cidr, ip))
			return blocks[i].what;
	return NULL;
}

static int parse_ip(const char *text, int family, struct kvn_ip *ret, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];
	const char *reason;
	struct kvn_ip ip;

	if (kvn_ip_parse(text, family, &ip) < 0)
		return kvn_fail(err, EINVAL, "'%s' is no %s address", kvn_text_excerpt(text, excerpt),
				family == AF_UNSPEC ? "IP" : family_name(family));
	reason = reserved(&ip);
	if (reason && !(family == AF_UNSPEC && strcmp(reason, "loopback") == 0)) /* a resolver may be the host's own */
		return kvn_fail(err, EINVAL, "'%s' is %s", kvn_text_excerpt(text, excerpt), reason);
	*ret = ip;
	return 0;
}

static json_t *format_ip(const struct kvn_ip *ip)
{
	char text[KVN_IP_TEXT];

	return ip->family == AF_UNSPEC ? json_null() : json_string(kvn_ip_format(ip, text));
}

int kvn_ip4_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return parse_ip(text, AF_INET, member, err);
}

json_t *kvn_ip4_value_format(const void *member, const void *beside)
{
	(void)beside;
	return format_ip(member);
}

int kvn_ip6_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return parse_ip(text, AF_INET6, member, err);
}

json_t *kvn_ip6_value_format(const void *member, const void *beside)
{
	(void)beside;
	return format_ip(member);
}

int kvn_ip_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return parse_ip(text, strchr(text, ':') ? AF_INET6 : AF_INET, member, err);
}

json_t *kvn_ip_value_format(const void *member, const void *beside)
{
	(void)beside;
	return format_ip(member);
}

int kvn_resolver_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return parse_ip(text, AF_UNSPEC, member, err);
}

json_t *kvn_resolver_value_format(const void *member, const void *beside)
{
	(void)beside;
	return format_ip(member);
}

/* ---- a subnet, and the bridge's own address in it ---- */

static int fail_cidr(const char *text, int family, struct kvn_error *err)
{
	const char *example = family == AF_INET6 ? "fd00:1:2:3::1/64" : "10.0.5.1/24";
	char excerpt[KVN_EXCERPT];
	struct kvn_cidr cidr;
	struct kvn_ip ip;

	kvn_text_excerpt(text, excerpt);
	if (kvn_ip_parse(text, family, &ip) == 0)
		return kvn_fail(err, EINVAL, "'%s' has no prefix length, as %s has", excerpt, example);
	if (kvn_cidr_parse(text, AF_UNSPEC, &cidr) == 0)
		return kvn_fail(err, EINVAL, "'%s' is no %s address", excerpt, family_name(family));
	return kvn_fail(err, EINVAL, "'%s' is no %s address with prefix length such as %s", excerpt,
			family_name(family), example);
}

static int parse_subnet(const char *text, int family, unsigned min, unsigned max, struct kvn_cidr *ret,
			struct kvn_error *err)
{
	struct kvn_cidr cidr;
	const char *reason;

	if (kvn_cidr_parse(text, family, &cidr) < 0)
		return fail_cidr(text, family, err);
	reason = reserved(&cidr.ip);
	if (reason)
		return kvn_fail(err, EINVAL, "'%s' is %s", text, reason);
	if (cidr.prefixlen < min || cidr.prefixlen > max)
		return kvn_fail(err, EINVAL, "'%s': the prefix length must be from %u to %u", text, min, max);
	*ret = cidr;
	return 0;
}

/* The bridge's own address.  A subnet, its host bits zero, stands for its first address; where two addresses are all there
 * is (RFC 3021, RFC 6164) each of them is a host's. */
static int parse_address(const char *text, int family, struct kvn_cidr *ret, struct kvn_error *err)
{
	unsigned bits = family_bits(family);
	struct kvn_cidr cidr = {0}, network;
	struct kvn_ip last;
	int r = parse_subnet(text, family, family == AF_INET6 ? 16 : 8, bits - 1, &cidr, err);

	if (r < 0)
		return r;
	network = kvn_cidr_network(&cidr);
	last = kvn_cidr_last(&cidr);
	if (cidr.prefixlen < bits - 1 && kvn_ip_equal(&cidr.ip, &network.ip))
		cidr.ip = kvn_ip_add(&cidr.ip, 1);
	if (family == AF_INET && cidr.prefixlen < bits - 1 && kvn_ip_equal(&cidr.ip, &last))
		return kvn_fail(err, EINVAL, "'%s' is its subnet's broadcast address", text);
	*ret = cidr;
	return 0;
}

static int parse_choice(const char *text, int family, struct kvn_cidr *member, enum kvn_choice *choice,
			struct kvn_error *err)
{
	int r = 0;

	if (strcmp(text, "auto") == 0) {
		*choice = KVN_CHOICE_AUTO;
	} else if (strcmp(text, "none") == 0) {
		*choice = KVN_CHOICE_NONE;
	} else {
		r = parse_address(text, family, member, err);
		if (r == 0)
			*choice = KVN_CHOICE_GIVEN;
	}
	return r;
}

static json_t *format_address(const struct kvn_cidr *cidr, enum kvn_choice choice)
{
	char text[KVN_CIDR_TEXT];

	switch (choice) {
	case KVN_CHOICE_UNSET:
		return json_null();
	case KVN_CHOICE_AUTO:
		return json_string("auto");
	case KVN_CHOICE_NONE:
		return json_string("none");
	case KVN_CHOICE_GIVEN:
		return json_string(kvn_cidr_format(cidr, text));
	}
	return json_null();
}

int kvn_address4_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	return parse_choice(text, AF_INET, member, beside, err);
}

json_t *kvn_address4_value_format(const void *member, const void *beside)
{
	return format_address(member, *(const enum kvn_choice *)beside);
}

int kvn_address6_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	return parse_choice(text, AF_INET6, member, beside, err);
}

json_t *kvn_address6_value_format(const void *member, const void *beside)
{
	return format_address(member, *(const enum kvn_choice *)beside);
}

/* ---- where "auto" looks ---- */

int kvn_pool4_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	struct kvn_cidr pool;
	int r = parse_subnet(text, AF_INET, 8, 30, &pool, err);

	(void)beside;
	if (r == 0)
		*(struct kvn_cidr *)member = kvn_cidr_network(&pool);
	return r;
}

json_t *kvn_pool4_value_format(const void *member, const void *beside)
{
	(void)beside;
	return format_address(member, KVN_CHOICE_GIVEN);
}

int kvn_pool6_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	struct kvn_cidr pool = {.ip = {.family = AF_UNSPEC}};
	int r = strcmp(text, "auto") == 0 ? 0 : parse_subnet(text, AF_INET6, 16, 64, &pool, err);

	(void)beside;
	if (r == 0)
		*(struct kvn_cidr *)member = kvn_cidr_network(&pool);
	return r;
}

json_t *kvn_pool6_value_format(const void *member, const void *beside)
{
	const struct kvn_cidr *pool = member;

	(void)beside;
	return format_address(pool, pool->ip.family == AF_UNSPEC ? KVN_CHOICE_AUTO : KVN_CHOICE_GIVEN);
}

/* ---- ranges ---- */

static int parse_range(const char *text, int family, struct kvn_range *ret, struct kvn_error *err)
{
	const char *dash = strchr(text, '-'),
		   *example = family == AF_INET6 ? "fd00::100-fd00::1ff" : "10.0.5.100-10.0.5.199";
	char first[KVN_IP_TEXT] = "", excerpt[KVN_EXCERPT];
	struct kvn_ip a, b;

	if (kvn_range_parse(text, family, ret) == 0)
		return 0;
	if (dash && (size_t)(dash - text) < sizeof(first))
		memcpy(first, text, (size_t)(dash - text));
	if (dash && kvn_ip_parse(first, family, &a) == 0 && kvn_ip_parse(dash + 1, family, &b) == 0)
		return kvn_fail(err, EINVAL, "'%s' ends before it begins", kvn_text_excerpt(text, excerpt));
	return kvn_fail(err, EINVAL, "'%s' is no range of %s addresses such as %s", kvn_text_excerpt(text, excerpt),
			family_name(family), example);
}

static json_t *format_range(const struct kvn_range *range)
{
	char text[KVN_RANGE_TEXT];

	return json_string(kvn_range_format(range, text));
}

int kvn_dhcp4_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	enum kvn_choice *choice = beside;
	int r = 0;

	if (strcmp(text, "auto") == 0) {
		*choice = KVN_CHOICE_AUTO;
	} else if (strcmp(text, "none") == 0) {
		*choice = KVN_CHOICE_NONE;
	} else {
		r = parse_range(text, AF_INET, member, err);
		if (r == 0)
			*choice = KVN_CHOICE_GIVEN;
	}
	return r;
}

json_t *kvn_dhcp4_value_format(const void *member, const void *beside)
{
	enum kvn_choice choice = *(const enum kvn_choice *)beside;

	return choice == KVN_CHOICE_GIVEN ? format_range(member) : format_address(NULL, choice);
}

int kvn_dhcp6_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	static const struct {
		const char *word;
		enum kvn_dhcp6 dhcp;
	} words[] = {{"none", KVN_DHCP6_NONE}, {"slaac", KVN_DHCP6_SLAAC}, {"stateless", KVN_DHCP6_STATELESS}};
	char excerpt[KVN_EXCERPT];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(text, words[i].word) == 0) {
			*(enum kvn_dhcp6 *)beside = words[i].dhcp;
			return 0;
		}
	if (!strchr(text, '-'))
		return kvn_fail(err, EINVAL, "'%s' is none of none, slaac, stateless, FIRST-LAST",
				kvn_text_excerpt(text, excerpt));
	r = parse_range(text, AF_INET6, member, err);
	if (r == 0)
		*(enum kvn_dhcp6 *)beside = KVN_DHCP6_RANGE;
	return r;
}

json_t *kvn_dhcp6_value_format(const void *member, const void *beside)
{
	switch (*(const enum kvn_dhcp6 *)beside) {
	case KVN_DHCP6_UNSET:
		return json_null();
	case KVN_DHCP6_NONE:
		return json_string("none");
	case KVN_DHCP6_SLAAC:
		return json_string("slaac");
	case KVN_DHCP6_STATELESS:
		return json_string("stateless");
	case KVN_DHCP6_RANGE:
		return format_range(member);
	}
	return json_null();
}
