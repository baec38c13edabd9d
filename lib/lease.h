/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.h - what DHCP has handed out, from dnsmasq's lease file.  Source: dnsmasq 2.90, lease.c; dnsmasq(8) --dhcp-leasefile. */
#ifndef KVN_LEASE_H
#define KVN_LEASE_H

#include "error.h"

struct kvn_lease {
	uint8_t mac[6]; /* all zero: unknown (DHCPv6 gives none) */
	struct kvn_ip ip;
	char hostname[64]; /* "": none */
	int64_t expires; /* seconds since the epoch; 0: never */
};

/* Parse a lease file's text.  A line that makes no sense is passed over: dnsmasq may be writing it.  *ret is the caller's to
 * free.  -ENOMEM */
int kvn_lease_parse(const char *text, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

/* Read @path; a missing file is none.  Leases that have expired are left out. */
int kvn_lease_dump(const char *path, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

#endif
