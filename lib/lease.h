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
	char hostname[64]; /* letters, digits, '-', '_' and '.'; "": none, or the MAC with dashes */
	int64_t expires; /* seconds since the epoch; 0: never */
};

/* Parse a lease file's text.  A line that makes no sense is passed over: dnsmasq may be writing it.  *ret is the caller's to
 * free; NULL when there is none.  -ENOMEM */
int kvn_lease_parse(const char *text, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

/* Read @path; a missing file is none.  Leases that have expired are left out. */
int kvn_lease_dump(const char *path, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err);

/* What a change of the reservations asks of the leases.  dnsmasq reads its lease file at start only, and while it runs it
 * never takes back a name that it has given. */
struct kvn_lease_change {
	char *text; /* the lease file as dnsmasq must find it at its next start; NULL: as it is */
	bool needs_restart; /* a lease stands in the way of a new reservation, and only a start gets rid of it */
	char *renames; /* reservations by which a running dnsmasq, told to read them, takes back names; NULL: none to take */
};

void kvn_lease_change_clear(struct kvn_lease_change *change);

/* Compare the lease file's @text with the reservations @before and @after (both as dnsmasq's dhcp-hostsfile):
 *   an address that is now another MAC's than its holder's     the lease goes
 *   a hostname that was a reservation's and is none any more   goes from the lease; a running dnsmasq is made to replace it
 *                                                              by the MAC with dashes, which kvn_lease_parse() takes for none
 * @ret is the caller's to clear.  -ENOMEM */
int kvn_lease_settle(const char *text, const char *before, const char *after, struct kvn_lease_change *ret,
		     struct kvn_error *err);

#endif
