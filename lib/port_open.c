/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port_open.c - ports that are descriptors: a tap that goes when the last process that holds it does. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "network.h"
#include "port_verbs.h"
#include "record.h"
#include "remote_verbs.h"
#include "store.h"

#define NAME_TRIES 8U

static void clear(struct kvn_open_port *port)
{
	*port = (struct kvn_open_port){0};
	for (size_t i = 0; i < KVN_QUEUES_MAX; i++)
		port->taps[i] = port->vhosts[i] = -1;
}

void kvn_open_port_clear(struct kvn_open_port *port)
{
	for (size_t i = 0; i < KVN_QUEUES_MAX; i++) {
		kvn_cleanup_close(&port->taps[i]);
		kvn_cleanup_close(&port->vhosts[i]);
	}
	clear(port);
}

int kvn_port_find_network(struct kvn *kvn, const char *name, char ret[static KVN_NAME_MAX + 1], struct kvn_error *err)
{
	auto_free char(*names)[KVN_NAME_MAX + 1] = NULL;
	bool is_found = kvn_store_exists(kvn, name) || kvn_record_exists(kvn, name);
	size_t n = 0;
	int r = is_found ? 0 : kvn_store_dump(kvn, &names, &n, err);

	memcpy(ret, name, strlen(name) + 1);
	for (size_t i = 0; r == 0 && i < n && !is_found; i++) {
		struct kvn_network net = {0};

		if (kvn_store_read(kvn, names[i], NULL, &net, NULL) == 0 && strcmp(net.bridge, name) == 0) {
			is_found = true;
			memcpy(ret, names[i], sizeof(names[i]));
		}
		kvn_network_clear(&net);
	}
	return r;
}

static bool is_mac_of_network(const struct kvn_network *net, const uint8_t mac[static 6])
{
	bool is_taken = memcmp(net->mac, mac, 6) == 0;

	for (size_t i = 0; i < net->n_hosts && !is_taken; i++)
		is_taken = memcmp(net->hosts[i].mac, mac, 6) == 0;
	return is_taken;
}

/* A definition knows its reservations, and the bridge who is behind it: guests that have spoken, and the taps of those that
 * have not, which bear their guest's MAC but for the first byte. */
static int is_mac_taken(struct kvn *kvn, const char *network, const uint8_t mac[static 6], bool *ret,
			struct kvn_error *err)
{
	struct kvn_network net = {0};
	uint8_t tap[6];
	bool is_up = false;
	int r = kvn_record_find(kvn, network, &net, &is_up, err);

	if (r == 0 && !is_up)
		r = kvn_store_read(kvn, network, NULL, &net, err);
	*ret = r == 0 && is_mac_of_network(&net, mac);
	kvn_port_lladdr(mac, tap);
	if (r == 0 && !*ret)
		r = kvn_fdb_has(&kvn->kernel, net.bridge, mac, ret, err);
	if (r == 0 && !*ret)
		r = kvn_fdb_has(&kvn->kernel, net.bridge, tap, ret, err);
	kvn_network_clear(&net);
	return r;
}

int kvn_port_choose_mac(struct kvn *kvn, const char *network, uint8_t mac[static 6], struct kvn_error *err)
{
	static const uint8_t prefix[] = {0x52, 0x54, 0x00};
	bool is_taken = true;
	int r = 0;

	memcpy(mac, prefix, sizeof(prefix));
	while (r == 0 && is_taken) {
		if (getrandom(mac + 3, 3, 0) != 3)
			return kvn_fail_errno(err, errno, "MAC");
		r = is_mac_taken(kvn, network, mac, &is_taken, err);
	}
	return r;
}

/* A name that was free a moment ago may be taken by now: another network's lock does not keep anybody off it. */
static int open_tap(struct kvn *kvn, const struct kvn_open_options *options, struct kvn_open_port *port,
		    struct kvn_error *err)
{
	int r = -EEXIST, chosen = 0;

	memcpy(port->ifname, options->ifname, IFNAMSIZ);
	for (unsigned tries = 0; r == -EEXIST && tries < (options->ifname[0] ? 1 : NAME_TRIES); tries++) {
		if (!options->ifname[0])
			chosen = kvn_port_choose_name(kvn, port->network, port->ifname, err);
		if (chosen < 0)
			return chosen;
		r = kvn_tap_open(&kvn->kernel, port->ifname, port->queues, !options->has_no_vnet_hdr, port->taps, err);
	}
	return r;
}

static void open_vhosts(struct kvn_open_port *port)
{
	for (unsigned i = 0; i < port->queues; i++) {
		port->vhosts[i] = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);
		if (port->vhosts[i] < 0)
			break;
		port->n_vhosts++;
	}
	while (port->n_vhosts > 0 && port->n_vhosts < port->queues) /* one a queue, or none */
		kvn_cleanup_close(&port->vhosts[--port->n_vhosts]);
}

static int fill(struct kvn *kvn, const struct kvn_open_options *options, struct kvn_open_port *port,
		struct kvn_error *err)
{
	struct kvn_port_holder holder = {.pid = options->pid ? options->pid : getpid(),
					 .uid = options->uid != UINT32_MAX ? options->uid : geteuid(),
					 .is_opened = true};
	struct kvn_link_info info;
	int r = 0;

	memcpy(port->mac, options->mac, 6);
	port->queues = options->queues;
	if (kvn_mac_is_zero(port->mac) && !options->has_own_mac)
		r = kvn_port_choose_mac(kvn, port->network, port->mac, err);
	if (r == 0)
		r = open_tap(kvn, options, port, err);
	if (r < 0)
		return r;
	memcpy(holder.mac, port->mac, 6);
	r = kvn_port_attach(kvn, port->network, port->ifname, &holder, err);
	if (r == 0)
		r = kvn_link_get(&kvn->kernel, port->ifname, &info, err);
	if (r == 0)
		port->mtu = info.mtu;
	if (r == 0 && options->is_vhost)
		open_vhosts(port);
	return r;
}

static int check(const struct kvn_open_options *options, const char *name, struct kvn_error *err)
{
	int r = kvn_name_check(name, err);

	if (r == 0 && (options->queues < 1 || options->queues > KVN_QUEUES_MAX))
		r = kvn_fail(err, EINVAL, "%u queues: 1 to %u", options->queues, KVN_QUEUES_MAX);
	if (r == 0 && options->ifname[0])
		r = kvn_ifname_check(options->ifname, err);
	return r;
}

int kvn_port_open(struct kvn *kvn, const char *name, const struct kvn_open_options *options, struct kvn_open_port *ret,
		  struct kvn_error *err)
{
	char network[KVN_NAME_MAX + 1] = "";
	int r = check(options, name, err), lock;

	clear(ret);
	if (r < 0)
		return r;
	if (kvn_remote_has(kvn))
		return kvn_remote_port_open(kvn, name, options, ret, err);
	r = kvn_port_find_network(kvn, name, network, err);
	lock = r < 0 ? r : kvn_network_enter(kvn, network, err);
	memcpy(ret->network, network, sizeof(network));
	r = lock < 0 ? lock : fill(kvn, options, ret, err);
	if (r < 0 && lock >= 0) {
		kvn_open_port_clear(ret);
		(void)kvn_network_idle(kvn, network, NULL); /* started for this port alone */
	}
	kvn_network_leave(kvn, network, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_port_close(struct kvn *kvn, const char *ifname, struct kvn_error *err)
{
	char name[KVN_NAME_MAX + 1] = "";
	int r, lock;

	if (kvn_remote_has(kvn))
		return kvn_remote_ifname(kvn, "ClosePort", ifname, err);
	r = kvn_port_network(kvn, ifname, name, err);
	if (r < 0)
		return r;
	lock = kvn_network_enter(kvn, name, err);
	r = lock < 0 ? lock : kvn_port_drop(kvn, name, ifname, err);
	kvn_network_leave(kvn, name, &lock);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}
