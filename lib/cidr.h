/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cidr.h - addresses, prefixes and ranges of both families as values.  Source: RFC 4291, RFC 4632. */
#ifndef KVN_CIDR_H
#define KVN_CIDR_H

#include "kvnet.h"

#define KVN_IP_TEXT 46 /* INET6_ADDRSTRLEN */
#define KVN_CIDR_TEXT 50 /* address, slash, three digits */
#define KVN_RANGE_TEXT (2 * KVN_IP_TEXT)
#define KVN_MAC_TEXT 18

/* Parse an address of @family (AF_UNSPEC: either).  -EINVAL */
int kvn_ip_parse(const char *text, int family, struct kvn_ip *ret);
/* Parse "ADDRESS/PREFIXLEN"; the prefix length is required.  -EINVAL */
int kvn_cidr_parse(const char *text, int family, struct kvn_cidr *ret);
/* Parse "FIRST-LAST", first not after last, one family.  -EINVAL */
int kvn_range_parse(const char *text, int family, struct kvn_range *ret);
/* Parse six hex pairs separated by colons (or dashes), case-blind.  -EINVAL */
int kvn_mac_parse(const char *text, uint8_t ret[static 6]);

/* Write the text form into @text and return @text. */
const char *kvn_ip_format(const struct kvn_ip *ip, char text[static KVN_IP_TEXT]);
const char *kvn_cidr_format(const struct kvn_cidr *cidr, char text[static KVN_CIDR_TEXT]);
const char *kvn_range_format(const struct kvn_range *range, char text[static KVN_RANGE_TEXT]);
const char *kvn_mac_format(const uint8_t mac[static 6], char text[static KVN_MAC_TEXT]);

bool kvn_ip_equal(const struct kvn_ip *a, const struct kvn_ip *b);
bool kvn_cidr_equal(const struct kvn_cidr *a, const struct kvn_cidr *b);
bool kvn_mac_is_zero(const uint8_t mac[static 6]);
/* <0, 0, >0 like memcmp(); both of one family. */
int kvn_ip_compare(const struct kvn_ip *a, const struct kvn_ip *b);

/* Address length of @family in bytes: 4 or 16. */
size_t kvn_ip_size(int family);
/* The network address of @cidr: host bits cleared. */
struct kvn_cidr kvn_cidr_network(const struct kvn_cidr *cidr);
/* The last address of @cidr: host bits set (IPv4: the broadcast address). */
struct kvn_ip kvn_cidr_last(const struct kvn_cidr *cidr);
/* Is @ip inside @cidr? False when families differ. */
bool kvn_cidr_contains(const struct kvn_cidr *cidr, const struct kvn_ip *ip);
/* Do the two share an address? Either way round; false when families differ. */
bool kvn_cidr_overlaps(const struct kvn_cidr *a, const struct kvn_cidr *b);
/* @ip plus @n (may be negative), carrying over bytes; wraps at the family's end. */
struct kvn_ip kvn_ip_add(const struct kvn_ip *ip, int64_t n);
/* Number of addresses in @range, UINT32_MAX when more. */
uint32_t kvn_range_size(const struct kvn_range *range);
/* The netmask of @prefixlen as an IPv4 address. */
struct kvn_ip kvn_netmask(uint8_t prefixlen);

#endif
