/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.h - what DHCP has handed out, from dnsmasq's lease file.  Source: dnsmasq 2.90, lease.c; dnsmasq(8) --dhcp-leasefile.
 *
 *   EXPIRES MAC ADDRESS HOSTNAME CLIENTID      DHCPv4; HOSTNAME and CLIENTID "*": none
 *   duid SERVERDUID                            begins the DHCPv6 part
 *   EXPIRES IAID ADDRESS HOSTNAME DUID         DHCPv6; "T" before the IAID of a temporary address
 */
#ifndef KVN_LEASE_H
#define KVN_LEASE_H

#include "error.h"

struct kvn_lease {
	uint8_t mac[6]; /* all zero: unknown.  DHCPv6: from a DUID that holds one (DUID-LL, DUID-LLT), as most do not */
	struct kvn_ip ip;
	char hostname[64]; /* letters, digits, '-', '_' and '.'; "": none */
	int64_t expires; /* seconds since the epoch; 0: never */
};

/* Parse a lease file's text.  A line that makes no sense is passed over: dnsmasq may be writing it.  *ret is the caller's to
 * free; NULL when there is none.  -ENOMEM */
int kvn_lease_parse(const char *text, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

/* Read @path; a missing file is none.  Leases that have expired are left out. */
int kvn_lease_dump(const char *path, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

/* The lease file's @text without the leases that stand in the way of a reservation: its address, held by another MAC.  Of
 * @reservations (dnsmasq's dhcp-hostsfile) only the lines count that @before does not have.  *ret is the caller's to free;
 * NULL when no lease has to go.  -ENOMEM */
int kvn_lease_evict(const char *text, const char *reservations, const char *before, char **ret, struct kvn_error *err);

#endif
