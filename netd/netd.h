/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.h - what the parts of the daemon share.
 *
 *   main.c     options, signals, the sockets that a service manager passes
 *   confine.c  no more privilege than netd and its children use
 *   server.c   connections: varlink messages in and out, who the peer is
 *   api.c      io.kvnet.Network: a method a row, run by a worker
 *   policy.c   what "allow" of a network grants to whom; ports a user
 *   keeper.c   networks that are up and what must be looked at again: repairs, backoff, dnsmasq's end
 *   watch.c    the kernel's news: links, addresses, forwarding, nftables
 *   feed.c     what happens to networks, ports and leases, whoever does it
 *   worker.c   threads for all that may wait (the kernel's RTNL lock, RCU, dnsmasq, name services)
 *
 * The main thread never waits: it reads news, queues jobs, and sends answers. */
#ifndef NETD_H
#define NETD_H

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "context.h"

#ifndef KVN_VERSION /* it comes from the Makefile; this is for analysers */
#define KVN_VERSION "0"
#endif

struct netd {
	sd_event *event;
	struct workers *workers;
	struct keeper *keeper;
	struct watch *watch;
	struct server *server;
	struct policy *policy;
	struct feed *feed;
};

/* One line for the journal, or on a terminal's standard error; @level is one of sd-daemon.h's. */
void say(const char *level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- confine.c ---- */

/* Give up what neither netd nor a child of it needs, before the first thread starts: each has these on its own.  Nothing
 * fails because it was given up before. */
int confine(struct kvn_error *err);

/* ---- worker.c ---- */

/* Something that may wait.  run() in a thread with a context of its own, then done() in the main thread, which frees it. */
struct job {
	struct job *next;
	void (*run)(struct kvn *kvn, struct job *job);
	void (*done)(struct netd *netd, struct job *job);
};

int workers_open(struct netd *netd, unsigned n, struct workers **ret, struct kvn_error *err);
void workers_add(struct workers *workers, struct job *job);
/* Is @tid one of the threads, so that what it did to the firewall is our own doing? */
bool workers_have(const struct workers *workers, pid_t tid);
/* Jobs that run are waited for, queued ones are dropped. */
void workers_close(struct workers *workers);

/* ---- keeper.c ---- */

int keeper_open(struct netd *netd, struct keeper **ret, struct kvn_error *err);
/* Look at network @name again; @has_lost_port: it may have been an on-demand network's last. */
void keeper_touch(struct keeper *keeper, const char *name, bool has_lost_port);
void keeper_touch_all(struct keeper *keeper);
void keeper_close(struct keeper *keeper);

/* ---- watch.c ---- */

int watch_open(struct netd *netd, struct watch **ret, struct kvn_error *err);
void watch_close(struct watch *watch);

/* ---- feed.c ---- */

int feed_open(struct netd *netd, struct feed **ret, struct kvn_error *err);
void feed_close(struct feed *feed);

/* ---- server.c ---- */

struct peer {
	uid_t uid;
	pid_t pid;
	gid_t *groups; /* owned, the primary one too */
	size_t n_groups;
};

/* @fd listens; -1: make one at the path that clients look for it at. */
int server_open(struct netd *netd, int fd, struct server **ret, struct kvn_error *err);
/* Answer call @id of a connection that may be gone: exactly one of @parameters and @error, which are taken over, as are
 * the descriptors.  @continues: more is to come. */
void server_reply(struct server *server, uint64_t id, json_t *parameters, bool continues, const int *fds, size_t n_fds);
void server_fail(struct server *server, uint64_t id, const char *error, json_t *parameters);
/* Send @event to everybody who follows events and may see its network. */
void server_publish(struct server *server, json_t *event);
/* The connection @id follows events from now on; @peer is copied. */
void server_follow(struct server *server, uint64_t id);
void server_close(struct server *server);

/* ---- api.c ---- */

/* Begin @call of @peer on connection @id; the answer comes by server_reply() or server_fail(). */
void api_call(struct netd *netd, uint64_t id, const struct peer *peer, json_t *call);

/* ---- policy.c ---- */

int policy_open(struct netd *netd, struct policy **ret, struct kvn_error *err);
/* May @peer use network @name, by its definition? Root may always.  Asks name services: for workers. */
bool policy_allows(struct kvn *kvn, const char *name, const struct peer *peer);
/* The same by an "allow" that was read before. */
bool policy_is_listed(const json_t *allow, const struct peer *peer);
/* Remember "allow" of network @name for those who are told that it has gone; false: it has.  Main thread only, as the next two. */
bool policy_learn(struct policy *policy, struct kvn *kvn, const char *name);
void policy_unlearn(struct policy *policy, const char *name);
/* What was learnt last, NULL: nothing; stays the policy's. */
const json_t *policy_recall(const struct policy *policy, const char *name);
/* Count a port of @uid before it is made; false: it has kvnet.yaml's max_ports already. */
bool policy_take(struct policy *policy, uid_t uid, unsigned max_ports);
/* It was not made after all, or it was, as @ifname. */
void policy_give_back(struct policy *policy, uid_t uid);
void policy_name(struct policy *policy, uid_t uid, const char *ifname, pid_t pid /* its holder */);
/* The port that process @pid held is gone, whoever made it.  The name may be another's by now. */
void policy_forget(struct policy *policy, const char *ifname, pid_t pid);
/* Is @ifname a port that @uid opened? */
bool policy_owns(const struct policy *policy, uid_t uid, const char *ifname);
void policy_close(struct policy *policy);

#endif
