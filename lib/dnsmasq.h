/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq.h - DHCP, DNS and router advertisements of one network: one unprivileged dnsmasq.  Source: dnsmasq(8) 2.90. */
#ifndef KVN_DNSMASQ_H
#define KVN_DNSMASQ_H

#include "error.h"

/* Where one network's dnsmasq keeps its files; all absolute.  Each directory exists. */
struct kvn_dnsmasq_paths {
	char conf[256]; /* RUNTIME/NAME/dnsmasq.conf: read once, at start; changing it needs a restart */
	char hosts[256]; /* RUNTIME/NAME/hosts: DNS names of reservations; read again at SIGHUP */
	char dhcp[256]; /* RUNTIME/NAME/dhcp-hosts: reservations; read again at SIGHUP */
	char pid[256]; /* RUNTIME/NAME/dnsmasq.pid: dnsmasq's own, and owned by its user: never trusted by itself */
	char leases[256]; /* STATE/leases/NAME */
};

/* What one dnsmasq is told: the three files' text.  Owned. */
struct kvn_dnsmasq {
	char *conf, *hosts, *dhcp;
};

void kvn_dnsmasq_clear(struct kvn_dnsmasq *dns);

/* Has @net (resolved) any use for a dnsmasq: an address on the bridge, and DHCP, RA or DNS to give? Never for bridged. */
bool kvn_dnsmasq_is_wanted(const struct kvn_network *net);

/* Write the three texts for @net (resolved); pure.  @upstream are the resolvers to forward to when @net names none; those
 * that are @net's own addresses are passed over.  Which user dnsmasq runs as, and by which way it reads the reservations,
 * is not in the texts: kvn_dnsmasq_start() finds that on the host.
 * Every string is held against an allow-list once more before it reaches a line: -EINVAL names it.  -ENOMEM */
int kvn_dnsmasq_format(const struct kvn_network *net, const struct kvn_dnsmasq_paths *paths,
		       const struct kvn_ip *upstream, size_t n_upstream, struct kvn_dnsmasq *ret,
		       struct kvn_error *err);

/* The "nameserver" lines of @text (resolv.conf(5)), at most KVN_UPSTREAM_MAX, none twice.  Link-local ones are passed over:
 * they mean nothing without their link. */
void kvn_dnsmasq_parse_resolvers(const char *text, struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n);

/* The resolvers of /etc/resolv.conf; a missing file is none. */
int kvn_dnsmasq_host_resolvers(struct kvn_ip ret[static KVN_UPSTREAM_MAX], size_t *ret_n, struct kvn_error *err);

/* Pid of the dnsmasq of these @paths that serves this network namespace, 0: none.  A recycled pid and a zombie are none. */
pid_t kvn_dnsmasq_get(const struct kvn_dnsmasq_paths *paths);

/* Write @dns to its files (each atomically) and see that a dnsmasq runs by them.  Nothing to do when one does.  When only
 * hosts and dhcp differ it reads them again and keeps its pid.  It is restarted (a gap of some 10 ms; leases stay)
 *   - when conf differs;
 *   - when its user cannot reach the files, for they lie in a private folder;
 *   - when a new reservation is for an address that another guest has leased: that lease goes.
 * From then on a reserved MAC is given its address at its next DISCOVER or REQUEST, whatever lease it holds, and a name that
 * is reserved no more is nobody's (that of an IPv6 lease only when its DUID tells the MAC).
 *
 * Returns when it has its sockets, at most 10 s later.  Nothing of the caller reaches it: no descriptor, no signal mask, no
 * environment.  On failure the files are as before, but for leases that had to go, and no dnsmasq runs, also not one that
 * made way for the new one: call again with what it had.  A caller killed in here leaves what the next start or stop of
 * these @paths finds and ends.  Two calls for the same @paths at a time are the caller's to prevent.
 * -ENOENT no dnsmasq binary (nothing was touched)   -EADDRINUSE port 53, 67 or 547 taken   -EIO it ended early; the message
 * holds dnsmasq's own words   -ETIMEDOUT */
int kvn_dnsmasq_start(const struct kvn_dnsmasq_paths *paths, const struct kvn_dnsmasq *dns, struct kvn_error *err);

/* End it and wait until it is gone (at most 2 s, then SIGKILL); remove conf, hosts, dhcp and pid.  Leases stay.  Gone
 * already is no error. */
int kvn_dnsmasq_stop(const struct kvn_dnsmasq_paths *paths, struct kvn_error *err);

/* What the files hold now; absent ones are "". */
int kvn_dnsmasq_read(const struct kvn_dnsmasq_paths *paths, struct kvn_dnsmasq *ret, struct kvn_error *err);

#endif
