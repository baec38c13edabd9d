/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cidr.c - addresses, prefixes and ranges of both families: bytes in network order, whatever the family. */
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* ---- parse ---- */

int kvn_ip_parse(const char *text, int family, struct kvn_ip *ret)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		struct kvn_ip ip = {.family = families[i]};

		if (family != AF_UNSPEC && family != families[i])
			continue;
		if (inet_pton(families[i], text, ip.bytes) == 1) {
			*ret = ip;
			return 0;
		}
	}
	return -EINVAL;
}

/* 1 to 3 decimal digits without a leading zero, at most @max.  -1: not so */
static int parse_prefixlen(const char *text, unsigned max)
{
	unsigned value = 0;
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 3 || text[length] != '\0' || (text[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (unsigned)(text[i] - '0');
	return value > max ? -1 : (int)value;
}

/* The part of @text before @end, as an address. */
static int parse_part(const char *text, const char *end, int family, struct kvn_ip *ret)
{
	char part[KVN_IP_TEXT];
	size_t length = (size_t)(end - text);

	if (length >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, length);
	part[length] = '\0';
	return kvn_ip_parse(part, family, ret);
}

int kvn_cidr_parse(const char *text, int family, struct kvn_cidr *ret)
{
	const char *slash = strchr(text, '/');
	struct kvn_cidr cidr;
	int prefixlen;

	if (!slash || parse_part(text, slash, family, &cidr.ip) < 0)
		return -EINVAL;
	prefixlen = parse_prefixlen(slash + 1, (unsigned)(8 * kvn_ip_size(cidr.ip.family)));
	if (prefixlen < 0)
		return -EINVAL;
	cidr.prefixlen = (uint8_t)prefixlen;
	*ret = cidr;
	return 0;
}

int kvn_range_parse(const char *text, int family, struct kvn_range *ret)
{
	const char *dash = strchr(text, '-');
	struct kvn_range range;

	if (!dash || parse_part(text, dash, family, &range.first) < 0 ||
	    kvn_ip_parse(dash + 1, range.first.family, &range.last) < 0 ||
	    kvn_ip_compare(&range.first, &range.last) > 0)
		return -EINVAL;
	*ret = range;
	return 0;
}

static int parse_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int kvn_mac_parse(const char *text, uint8_t ret[static 6])
{
	uint8_t mac[6];

	if (strnlen(text, KVN_MAC_TEXT) != KVN_MAC_TEXT - 1 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int high = parse_hex_digit(text[3 * i]), low = parse_hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != text[2]))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, mac, sizeof(mac));
	return 0;
}

/* ---- format ---- */

const char *kvn_ip_format(const struct kvn_ip *ip, char text[static KVN_IP_TEXT])
{
	text[0] = '\0';
	if (ip->family == AF_INET || ip->family == AF_INET6)
		(void)inet_ntop(ip->family, ip->bytes, text, KVN_IP_TEXT); /* the room is enough for either */
	return text;
}

const char *kvn_cidr_format(const struct kvn_cidr *cidr, char text[static KVN_CIDR_TEXT])
{
	char ip[KVN_IP_TEXT];

	(void)snprintf(text, KVN_CIDR_TEXT, "%s/%u", kvn_ip_format(&cidr->ip, ip), cidr->prefixlen);
	return text;
}

const char *kvn_range_format(const struct kvn_range *range, char text[static KVN_RANGE_TEXT])
{
	char first[KVN_IP_TEXT], last[KVN_IP_TEXT];

	(void)snprintf(text, KVN_RANGE_TEXT, "%s-%s", kvn_ip_format(&range->first, first),
		       kvn_ip_format(&range->last, last));
	return text;
}

const char *kvn_mac_format(const uint8_t mac[static 6], char text[static KVN_MAC_TEXT])
{
	(void)snprintf(text, KVN_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		       mac[5]);
	return text;
}

/* ---- compare ---- */

size_t kvn_ip_size(int family)
{
	return family == AF_INET6 ? 16 : 4;
}

int kvn_ip_compare(const struct kvn_ip *a, const struct kvn_ip *b)
{
	return memcmp(a->bytes, b->bytes, kvn_ip_size(a->family));
}

bool kvn_ip_equal(const struct kvn_ip *a, const struct kvn_ip *b)
{
	return a->family == b->family && (a->family == AF_UNSPEC || kvn_ip_compare(a, b) == 0);
}

bool kvn_cidr_equal(const struct kvn_cidr *a, const struct kvn_cidr *b)
{
	return a->prefixlen == b->prefixlen && kvn_ip_equal(&a->ip, &b->ip);
}

bool kvn_mac_is_zero(const uint8_t mac[static 6])
{
	return (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0;
}

/* ---- reckon ---- */

/* The host bits in byte @i of an address with @prefixlen. */
static uint8_t host_mask(uint8_t prefixlen, size_t i)
{
	if (8 * i >= prefixlen)
		return 0xff;
	if (8 * (i + 1) <= prefixlen)
		return 0;
	return (uint8_t)(0xff >> (prefixlen - 8 * i));
}

struct kvn_cidr kvn_cidr_network(const struct kvn_cidr *cidr)
{
	struct kvn_cidr network = *cidr;

	for (size_t i = 0; i < kvn_ip_size(cidr->ip.family); i++)
		network.ip.bytes[i] &= (uint8_t)~host_mask(cidr->prefixlen, i);
	return network;
}

struct kvn_ip kvn_cidr_last(const struct kvn_cidr *cidr)
{
	struct kvn_ip last = cidr->ip;

	for (size_t i = 0; i < kvn_ip_size(last.family); i++)
		last.bytes[i] |= host_mask(cidr->prefixlen, i);
	return last;
}

bool kvn_cidr_contains(const struct kvn_cidr *cidr, const struct kvn_ip *ip)
{
	if (cidr->ip.family != ip->family || ip->family == AF_UNSPEC)
		return false;
	for (size_t i = 0; i < kvn_ip_size(ip->family); i++)
		if ((cidr->ip.bytes[i] ^ ip->bytes[i]) & ~host_mask(cidr->prefixlen, i))
			return false;
	return true;
}

bool kvn_cidr_overlaps(const struct kvn_cidr *a, const struct kvn_cidr *b)
{
	return a->prefixlen <= b->prefixlen ? kvn_cidr_contains(a, &b->ip) : kvn_cidr_contains(b, &a->ip);
}

struct kvn_ip kvn_ip_add(const struct kvn_ip *ip, int64_t n)
{
	struct kvn_ip sum = *ip;

	for (size_t i = kvn_ip_size(ip->family); i-- > 0;) {
		int64_t byte = sum.bytes[i] + (n & 0xff);

		sum.bytes[i] = (uint8_t)byte;
		n = (n >> 8) + (byte >> 8); /* the shift keeps the sign: a borrow travels as -1 */
	}
	return sum;
}

uint32_t kvn_range_size(const struct kvn_range *range)
{
	int64_t distance = 0;

	for (size_t i = 0; i < kvn_ip_size(range->first.family); i++) {
		distance = distance * 256 + range->last.bytes[i] - range->first.bytes[i];
		if (distance < 0) /* the bytes below cannot make up for it */
			return 0;
		if (distance > (int64_t)2 << 32) /* nor bring it back under 2^32 */
			return UINT32_MAX;
	}
	return distance >= UINT32_MAX ? UINT32_MAX : (uint32_t)distance + 1;
}

struct kvn_ip kvn_netmask(uint8_t prefixlen)
{
	struct kvn_ip mask = {.family = AF_INET};

	for (size_t i = 0; i < 4; i++)
		mask.bytes[i] = (uint8_t)~host_mask(prefixlen, i);
	return mask;
}
