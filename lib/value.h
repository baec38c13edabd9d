/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value.h - what a single value may be: text <-> member, in the form that field.h calls for.
 *
 * parse: @member is filled from @text, and @beside where there is one; a failure says what is wrong with the text, -EINVAL.
 * format: the member as JSON, null where nothing was given; NULL: no memory.
 * Every string that is let in is made of an allow-list: it reaches dnsmasq's files, and the kernel, later.
 */
#ifndef KVN_VALUE_H
#define KVN_VALUE_H

#include "error.h"

#define KVN_LEASE_MIN 120U /* seconds; dnsmasq raises shorter ones: dnsmasq(8), --dhcp-range */
#define KVN_MTU_MIN 68U /* bytes, RFC 791 section 3.2 */
#define KVN_MTU_MIN6 1280U /* bytes, RFC 8200 section 5 */
#define KVN_TEXT_MAX 255U /* bytes of one string of a TXT record, RFC 1035 section 3.3 */
#define KVN_MTU_MAX 65535U

#define KVN_VALUE(name) \
	int kvn_##name##_value_parse(const char *text, void *member, void *beside, struct kvn_error *err); \
	json_t *kvn_##name##_value_format(const void *member, const void *beside)

KVN_VALUE(name); /* char [KVN_NAME_MAX + 1]: a network's */
KVN_VALUE(uuid); /* uint8_t [16]; all zero: none */
KVN_VALUE(ifname); /* char [KVN_NAME_MAX + 1] */
KVN_VALUE(mac); /* uint8_t [6], unicast; all zero: none */
KVN_VALUE(duid); /* uint8_t [KVN_DUID_MAX], beside it the unsigned size; 0: none */
KVN_VALUE(mtu); /* unsigned; 0: none */
KVN_VALUE(count); /* unsigned, at most 100000 */
KVN_VALUE(bool); /* bool */
KVN_VALUE(given_bool); /* bool, beside it the bool "it was given" */
KVN_VALUE(lease); /* unsigned, seconds; 0: infinite */
KVN_VALUE(model); /* enum kvn_model */
KVN_VALUE(start); /* enum kvn_start */
KVN_VALUE(host_access); /* enum kvn_host_access, beside it the bool "it was given" */
KVN_VALUE(address4); /* struct kvn_cidr, beside it enum kvn_choice */
KVN_VALUE(address6);
KVN_VALUE(dhcp4); /* struct kvn_range, beside it enum kvn_choice */
KVN_VALUE(dhcp6); /* struct kvn_range, beside it enum kvn_dhcp6 */
KVN_VALUE(pool4); /* struct kvn_cidr: a subnet to take /24s from */
KVN_VALUE(pool6); /* struct kvn_cidr: a subnet to take /64s from; AF_UNSPEC: auto */
KVN_VALUE(domain); /* char [KVN_DOMAIN_MAX + 1] */
KVN_VALUE(label); /* char [64]: one DNS label */
KVN_VALUE(dns_name); /* char *: a label or a domain; owned */
KVN_VALUE(dns_text); /* char *: of a TXT record; owned */
KVN_VALUE(boot_file); /* char [KVN_BOOT_FILE_MAX + 1]: a path or URL */
KVN_VALUE(protocol); /* enum kvn_protocol */
KVN_VALUE(number16); /* unsigned, 0..65535 */
KVN_VALUE(ip); /* struct kvn_ip of either family */
KVN_VALUE(ip4); /* struct kvn_ip; AF_UNSPEC: none */
KVN_VALUE(ip6);
KVN_VALUE(resolver); /* struct kvn_ip that can be asked */
KVN_VALUE(grant); /* char *: "user:NAME" or "group:NAME"; owned */

#undef KVN_VALUE

#endif
