/* SPDX-License-Identifier: GPL-2.0-or-later */
/* query.c - what there is, as JSON: names, list, show, ports, leases.  Takes no lock and changes nothing. */
#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "engine.h"
#include "file.h"
#include "host_check.h"
#include "lease.h"
#include "network.h"
#include "plan.h"
#include "public_json.h"
#include "record.h"
#include "remote_verbs.h"
#include "snapshot.h"
#include "store.h"

static int no_memory(struct kvn_error *err)
{
	return kvn_fail_errno(err, ENOMEM, "query");
}

/* ---- names ---- */

static int add_names(json_t *set, char (*names)[KVN_NAME_MAX + 1], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (json_object_set_new(set, names[i], json_true()) < 0)
			return -ENOMEM;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int kvn_names(struct kvn *kvn, json_t **ret, struct kvn_error *err)
{
	auto_free char(*defined)[KVN_NAME_MAX + 1] = NULL, (*up)[KVN_NAME_MAX + 1] = NULL;
	auto_json json_t *set = json_object(), *array = json_array();
	auto_free const char **keys = NULL;
	size_t n_defined = 0, n_up = 0, n = 0;
	const char *key;
	json_t *value;
	int r = kvn_store_dump(kvn, &defined, &n_defined, err);

	if (r == 0)
		r = kvn_record_dump(kvn, true, &up, &n_up, err);
	if (r < 0)
		return r;
	if (!array || add_names(set, defined, n_defined) < 0 || add_names(set, up, n_up) < 0)
		return no_memory(err);
	keys = calloc(json_object_size(set) + 1, sizeof(*keys));
	if (!keys)
		return no_memory(err);
	json_object_foreach(set, key, value) keys[n++] = key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(array, json_string(keys[i])) < 0)
			return no_memory(err);
	*ret = steal_ptr(&array);
	return 0;
}

/* ---- leases ---- */

static int add_leases(const struct kvn *kvn, const char *name, json_t *array, struct kvn_error *err)
{
	auto_free struct kvn_lease *leases = NULL;
	struct kvn_dnsmasq_paths paths;
	size_t n = 0;
	int r;

	kvn_path_dnsmasq(kvn, name, &paths);
	r = kvn_lease_dump(paths.leases, &leases, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (json_array_append_new(array, kvn_lease_to_json(name, &leases[i])) < 0)
			r = no_memory(err);
	return r;
}

/* ---- ports ---- */

static const uint8_t *learnt_mac(const struct kvn_neigh *fdb, size_t n, const char *ifname)
{
	int ifindex = (int)if_nametoindex(ifname);

	for (size_t i = 0; i < n; i++)
		if (fdb[i].port == ifindex)
			return fdb[i].mac;
	return NULL;
}

/* Where addresses of guests are known from. */
struct known {
	const struct kvn_network *net; /* its reservations */
	struct kvn_lease *leases; /* owned, as the next two */
	struct kvn_neigh_addr *neighs; /* IPv6: a guest that chooses its address itself has no lease */
	struct kvn_neigh *fdb;
	size_t n_leases, n_neighs, n_fdb;
};

static void clear_known(struct known *known)
{
	free(known->leases);
	free(known->neighs);
	free(known->fdb);
}

/* The one of its addresses that was last heard of; NULL: none. */
static const struct kvn_ip *heard_of(const struct known *known, const uint8_t *mac)
{
	const struct kvn_neigh_addr *last = NULL;

	for (size_t i = 0; i < known->n_neighs; i++)
		if (memcmp(known->neighs[i].mac, mac, 6) == 0 && (!last || known->neighs[i].age_cs < last->age_cs))
			last = &known->neighs[i];
	return last ? &last->ip : NULL;
}

/* The address of @family that DHCP gave, or keeps for, a MAC, or that its guest was heard with; NULL is none. */
static json_t *address_of(const struct known *known, const uint8_t *mac, int family)
{
	const struct kvn_ip *heard;
	char text[KVN_IP_TEXT];

	if (!mac)
		return json_null();
	for (size_t i = 0; i < known->n_leases; i++)
		if (known->leases[i].ip.family == family && memcmp(known->leases[i].mac, mac, 6) == 0)
			return json_string(kvn_ip_format(&known->leases[i].ip, text));
	for (size_t i = 0; i < known->net->n_hosts; i++) {
		const struct kvn_reservation *host = &known->net->hosts[i];
		const struct kvn_ip *ip = family == AF_INET ? &host->ipv4 : &host->ipv6;

		if (ip->family == family && memcmp(host->mac, mac, 6) == 0)
			return json_string(kvn_ip_format(ip, text));
	}
	heard = family == AF_INET6 ? heard_of(known, mac) : NULL;
	return heard ? json_string(kvn_ip_format(heard, text)) : json_null();
}

/* The program behind a port: the one that asked for it while that lives, else whoever holds the tap, who is looked for once
 * for all ports. */
static int find_engine(const struct kvn_port *port, struct kvn_holders **holders, struct kvn_engine *ret,
		       bool *ret_is_known, struct kvn_error *err)
{
	int r = 0;

	*ret_is_known = port->pid && kvn_engine_get(port->pid, ret, NULL) == 0;
	if (*ret_is_known)
		return 0;
	if (!*holders)
		r = kvn_holders_open(holders, err);
	if (r == 0)
		*ret_is_known = kvn_engine_get(kvn_holders_find(*holders, port->ifname, port->lladdr), ret, NULL) == 0;
	return r;
}

/* The guest's MAC: as it was asked for, as its engine was told, as the bridge has learnt it; NULL: unknown. */
static const uint8_t *mac_of(const struct kvn_port *port, const struct kvn_engine *engine, const uint8_t *learnt,
			     uint8_t buffer[static 6])
{
	static const uint8_t libvirts[] = {0xfe, 0x54, 0x00}; /* of a tap whose guest's MAC libvirt has made up */

	if (!kvn_mac_is_zero(port->mac))
		return port->mac;
	if (engine && kvn_engine_find_mac(engine->pid, port->lladdr, buffer))
		return buffer;
	if (learnt || !engine || engine->kind != KVN_ENGINE_LIBVIRT || memcmp(port->lladdr, libvirts, 3) != 0)
		return learnt;
	memcpy(buffer, port->lladdr, 6); /* plugged in later, it is on no command line */
	buffer[0] = 0x52;
	return buffer;
}

static int learn(struct kvn *kvn, const struct kvn_network *net, struct known *ret, struct kvn_error *err)
{
	int bridge = (int)if_nametoindex(net->bridge), r;
	struct kvn_dnsmasq_paths paths;

	ret->net = net;
	kvn_path_dnsmasq(kvn, net->name, &paths);
	r = kvn_lease_dump(paths.leases, &ret->leases, &ret->n_leases, err);
	if (r == 0 && bridge)
		r = kvn_fdb_dump(&kvn->kernel, bridge, &ret->fdb, &ret->n_fdb, err);
	if (r == 0 && bridge)
		r = kvn_neigh_dump(&kvn->kernel, AF_INET6, bridge, &ret->neighs, &ret->n_neighs, err);
	return r;
}

static int add_ports(struct kvn *kvn, const struct kvn_network *net, json_t *array, struct kvn_error *err)
{
	struct kvn_holders *holders = NULL;
	struct kvn_state ports = {0};
	struct known known = {0};
	int r = learn(kvn, net, &known, err);

	if (r == 0)
		r = kvn_snapshot_ports(kvn, net, &ports, err);
	for (size_t i = 0; r == 0 && ports.items && i < ports.n; i++) {
		const struct kvn_port *port = &ports.items[i].port;
		struct kvn_engine engine;
		const uint8_t *mac;
		uint8_t buffer[6];
		bool is_known;

		r = find_engine(port, &holders, &engine, &is_known, err);
		if (r < 0)
			break;
		mac = mac_of(port, is_known ? &engine : NULL, learnt_mac(known.fdb, known.n_fdb, port->ifname), buffer);
		if (json_array_append_new(array, kvn_port_to_json(net->name, port, is_known ? &engine : NULL, mac,
								  address_of(&known, mac, AF_INET),
								  address_of(&known, mac, AF_INET6))) < 0)
			r = no_memory(err);
	}
	kvn_holders_close(holders);
	kvn_state_clear(&ports);
	clear_known(&known);
	return r;
}

/* ---- one network as it is, up or down ---- */

/* The definition that it is up with, else the one on disk.  *ret_problem: why the latter cannot be read. */
static int read_either(struct kvn *kvn, const char *name, struct kvn_network *ret, bool *ret_is_up,
		       struct kvn_error *err)
{
	*ret_is_up = kvn_record_read(kvn, name, ret, NULL) == 0;
	return *ret_is_up ? 0 : kvn_store_read(kvn, name, NULL, ret, err);
}

static int for_each(struct kvn *kvn, const char *name, json_t *array,
		    int (*add)(struct kvn *, const char *, json_t *, struct kvn_error *), struct kvn_error *err)
{
	auto_json json_t *names = NULL;
	const json_t *each;
	size_t i;
	int r;

	if (name) {
		r = kvn_name_check(name, err);
		if (r == 0 && !kvn_store_exists(kvn, name) && !kvn_record_exists(kvn, name))
			r = kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
		if (r == 0)
			r = add(kvn, name, array, err);
		return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
	}
	r = kvn_names(kvn, &names, err);
	json_array_foreach(names, i, each) if (r == 0) r = add(kvn, json_string_value(each), array, err);
	return r;
}

static int add_leases_of(struct kvn *kvn, const char *name, json_t *array, struct kvn_error *err)
{
	return add_leases(kvn, name, array, err);
}

static int add_ports_of(struct kvn *kvn, const char *name, json_t *array, struct kvn_error *err)
{
	struct kvn_network net = {0};
	bool is_up;
	int r = read_either(kvn, name, &net, &is_up, NULL);

	if (r == 0)
		r = add_ports(kvn, &net, array, err);
	else
		r = 0; /* a broken definition that is down has no ports */
	kvn_network_clear(&net);
	return r;
}

/* Who may not look for himself asks netd, which shows what he may see. */
static bool is_netds(struct kvn *kvn)
{
	return kvn_host_check_privilege(NULL) < 0 && kvn_remote_has(kvn);
}

int kvn_leases(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *array = json_array();
	int r;

	if (is_netds(kvn))
		return kvn_remote_list(kvn, "Leases", "leases", name, ret, err);
	r = for_each(kvn, name, array, add_leases_of, err);
	if (r == 0)
		*ret = steal_ptr(&array);
	return r;
}

int kvn_ports(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *array = json_array();
	int r;

	if (is_netds(kvn))
		return kvn_remote_list(kvn, "Ports", "ports", name, ret, err);
	r = for_each(kvn, name, array, add_ports_of, err);
	if (r == 0)
		*ret = steal_ptr(&array);
	return r;
}

/* ---- show ---- */

/* A link that somebody has put on the bridge, as libvirt does with its guests' taps, and that lacks nothing but our alias. */
static bool is_newcomer(const struct kvn_op *op)
{
	struct kvn_port had, want;

	if (strcmp(kvn_op_verb(op), "adopt") != 0)
		return false;
	had = op->had.port;
	want = op->want.port;
	return strcmp(had.master, want.master) == 0 && had.is_up == want.is_up && had.is_isolated == want.is_isolated &&
	       had.is_fenced == want.is_fenced && (want.mtu == 0 || had.mtu == want.mtu);
}

static int add_damage(struct kvn *kvn, const struct kvn_network *net, json_t *problems, struct kvn_error *err)
{
	struct kvn_plan plan = {0};
	int r = kvn_network_damage(kvn, net, &plan, err);

	for (size_t i = 0; r == 0 && i < plan.n; i++) {
		char object[128];

		if (is_newcomer(&plan.ops[i]))
			continue;
		if (json_array_append_new(problems, json_sprintf("%s is not as it should be: 'kvnet apply %s' mends it",
								 kvn_op_object(&plan.ops[i], object), net->name)) < 0)
			r = no_memory(err);
	}
	kvn_plan_clear(&plan);
	return r;
}

/* Without privilege the firewall cannot be asked: the bridge stands for the rest. */
static int add_problems(struct kvn *kvn, const struct kvn_network *net, json_t *problems, struct kvn_error *err)
{
	struct kvn_link_info bridge;

	if (kvn_host_check_privilege(NULL) == 0)
		return add_damage(kvn, net, problems, err);
	if (kvn_link_get(&kvn->kernel, net->bridge, &bridge, NULL) == 0 && bridge.flags & IFF_UP)
		return 0;
	return json_array_append_new(problems, json_sprintf("bridge '%s' is missing or down", net->bridge)) < 0
		       ? no_memory(err)
		       : 0;
}

/* What the definition leaves to the kernel, or to a bridged network's uplink; 0: not known. */
static unsigned mtu_of(struct kvn *kvn, const struct kvn_network *net)
{
	const char *ifname = net->model == KVN_BRIDGED && net->uplink[0] ? net->uplink : net->bridge;
	struct kvn_link_info info;

	if (kvn_link_get(&kvn->kernel, ifname, &info, NULL) == 0)
		return info.mtu;
	return net->model == KVN_BRIDGED ? 0 : KVN_MTU_DEFAULT;
}

static int show(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *problems = json_array(), *ports = json_array(), *leases = json_array(), *shown = NULL;
	struct kvn_network net = {0};
	struct kvn_error broken = {0};
	bool is_up = false;
	int r = read_either(kvn, name, &net, &is_up, err);

	if (r < 0)
		return r;
	if (!is_up) {
		auto_free char *problem = kvn_record_problem(kvn, name);

		if (problem)
			(void)json_array_append_new(problems, json_string(problem));
	} else {
		struct kvn_network defined = {0};

		r = add_problems(kvn, &net, problems, err);
		if (kvn_store_read(kvn, name, NULL, &defined, &broken) < 0)
			(void)json_array_append_new(problems, json_sprintf("definition: %s", broken.message));
		kvn_network_clear(&defined);
	}
	if (r == 0)
		r = add_ports(kvn, &net, ports, err);
	if (r == 0)
		r = add_leases(kvn, name, leases, err);
	if (net.mtu == 0)
		net.mtu = mtu_of(kvn, &net);
	shown = r == 0 ? kvn_definition_write(&net) : NULL;
	kvn_network_clear(&net);
	if (r < 0)
		return r;
	if (!shown ||
	    json_object_set_new(shown, "state",
				json_string(json_array_size(problems) > 0 ? "degraded"
					    : is_up                       ? "active"
									  : "inactive")) < 0 ||
	    json_object_set(shown, "ports", ports) < 0 || json_object_set(shown, "leases", leases) < 0 ||
	    json_object_set(shown, "problems", problems) < 0)
		return no_memory(err);
	*ret = steal_ptr(&shown);
	return 0;
}

int kvn_show(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err)
{
	int r;

	if (is_netds(kvn))
		return kvn_remote_ask(kvn, "Get", json_pack("{s:s}", "name", name), "network", ret, err);
	r = kvn_name_check(name, err);
	if (r == 0)
		r = show(kvn, name, ret, err);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_definition(struct kvn *kvn, const char *name, json_t **ret, struct kvn_error *err)
{
	struct kvn_network net = {0};
	bool is_up;
	int r = kvn_name_check(name, err);

	if (r == 0)
		r = read_either(kvn, name, &net, &is_up, err);
	if (r == 0) {
		*ret = kvn_definition_write(&net);
		r = *ret ? 0 : no_memory(err);
	}
	kvn_network_clear(&net);
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

int kvn_definition_text(struct kvn *kvn, const char *name, char **ret, struct kvn_error *err)
{
	kvn_path path;
	int r = kvn_name_check(name, err);

	if (r == 0) {
		r = kvn_file_read(kvn_path_definition(kvn, name, path), ret, err);
		if (r == -ENOENT)
			r = kvn_fail(err, ENOENT, "no such network ('kvnet list' shows them)");
	}
	return r < 0 ? kvn_wrap(err, "network '%s'", name) : 0;
}

/* ---- list: one look at the host for all networks ---- */

struct overview {
	struct kvn_link_info *links;
	struct kvn_addr *addrs;
	char (*firewalled)[IFNAMSIZ];
	size_t n_links, n_addrs, n_firewalled;
	bool has_firewall; /* could be asked */
};

static int look(struct kvn *kvn, struct overview *ret, struct kvn_error *err)
{
	int r = kvn_link_dump(&kvn->kernel, 0, &ret->links, &ret->n_links, err);
	struct kvn_nft *nft;

	if (r == 0)
		r = kvn_addr_dump(&kvn->kernel, 0, &ret->addrs, &ret->n_addrs, err);
	ret->has_firewall = kvn_host_check_privilege(NULL) == 0;
	if (r < 0 || !ret->has_firewall)
		return r;
	r = kvn_kernel_nft(&kvn->kernel, &nft, err);
	return r < 0 ? r : kvn_firewall_dump(nft, KVN_SET_NETWORK, &ret->firewalled, &ret->n_firewalled, err);
}

static const struct kvn_link_info *find_link(const struct overview *overview, const char *ifname)
{
	for (size_t i = 0; i < overview->n_links; i++)
		if (strcmp(overview->links[i].ifname, ifname) == 0)
			return &overview->links[i];
	return NULL;
}

static bool has_addr(const struct overview *overview, const char *ifname, enum kvn_choice choice,
		     const struct kvn_cidr *cidr)
{
	if (choice != KVN_CHOICE_GIVEN)
		return true;
	for (size_t i = 0; i < overview->n_addrs; i++)
		if (strcmp(overview->addrs[i].ifname, ifname) == 0 && kvn_cidr_equal(&overview->addrs[i].cidr, cidr))
			return true;
	return false;
}

static int compare_ifnames(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool has_firewall(const struct overview *overview, const struct kvn_network *net)
{
	if (!overview->has_firewall || net->model == KVN_BRIDGED)
		return true;
	return overview->n_firewalled &&
	       bsearch(net->bridge, overview->firewalled, overview->n_firewalled, IFNAMSIZ, compare_ifnames);
}

static bool is_sound(const struct kvn *kvn, const struct overview *overview, const struct kvn_network *net)
{
	const struct kvn_link_info *bridge = find_link(overview, net->bridge);
	struct kvn_dnsmasq_paths paths;

	kvn_path_dnsmasq(kvn, net->name, &paths);
	return bridge && bridge->flags & IFF_UP && has_firewall(overview, net) &&
	       has_addr(overview, net->bridge, net->ipv4.address_choice, &net->ipv4.address) &&
	       has_addr(overview, net->bridge, net->ipv6.address_choice, &net->ipv6.address) &&
	       (!kvn_dnsmasq_is_wanted(net) || kvn_dnsmasq_get(&paths) > 0);
}

static size_t count_ports(const struct overview *overview, const struct kvn_network *net)
{
	const struct kvn_link_info *bridge = find_link(overview, net->bridge);
	bool is_foreign = net->model == KVN_BRIDGED && !net->uplink[0];
	char alias[sizeof(KVN_LINK_ALIAS) + KVN_NAME_MAX];
	size_t n = 0;

	(void)snprintf(alias, sizeof(alias), KVN_LINK_ALIAS "%s", net->name);
	for (size_t i = 0; bridge && i < overview->n_links; i++) {
		const struct kvn_link_info *link = &overview->links[i];

		if (link->master == bridge->ifindex && (!is_foreign || strcmp(link->alias, alias) == 0) &&
		    !(net->model == KVN_BRIDGED && strcmp(link->ifname, net->uplink) == 0))
			n++;
	}
	return n;
}

static json_t *address_to_json(enum kvn_choice choice, const struct kvn_cidr *cidr)
{
	char text[KVN_CIDR_TEXT];

	return json_pack("{s:o}", "address",
			 choice == KVN_CHOICE_GIVEN ? json_string(kvn_cidr_format(cidr, text)) : json_null());
}

static const char *state_of(struct kvn *kvn, const struct overview *overview, const struct kvn_network *net, bool is_up)
{
	auto_free char *problem = is_up ? NULL : kvn_record_problem(kvn, net->name);

	if (is_up)
		return is_sound(kvn, overview, net) ? "active" : "degraded";
	return problem ? "degraded" : "inactive";
}

static json_t *row(struct kvn *kvn, const struct overview *overview, const char *name)
{
	struct kvn_network net = {0};
	bool is_up = false;
	json_t *json;

	if (read_either(kvn, name, &net, &is_up, NULL) < 0) /* broken: 'show' says how */
		return json_pack("{s:s, s:n, s:s, s:n, s:{s:n}, s:{s:n}, s:i, s:n}", "name", name, "model", "state",
				 "degraded", "bridge", "ipv4", "address", "ipv6", "address", "ports", 0, "start");
	json = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:s}", "name", name, "model", kvn_model_format(net.model),
			 "state", state_of(kvn, overview, &net, is_up), "bridge", net.bridge, "ipv4",
			 address_to_json(net.ipv4.address_choice, &net.ipv4.address), "ipv6",
			 address_to_json(net.ipv6.address_choice, &net.ipv6.address), "ports",
			 (json_int_t)(is_up ? count_ports(overview, &net) : 0), "start", kvn_start_format(net.start));
	kvn_network_clear(&net);
	return json;
}

int kvn_list(struct kvn *kvn, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *names = NULL, *array = json_array();
	struct overview overview = {0};
	const json_t *name;
	size_t i;
	int r;

	if (is_netds(kvn))
		return kvn_remote_ask(kvn, "List", json_object(), "networks", ret, err);
	r = kvn_names(kvn, &names, err);
	if (r == 0 && json_array_size(names) > 0)
		r = look(kvn, &overview, err);
	json_array_foreach(names, i, name) if (r == 0 && json_array_append_new(array, row(kvn, &overview,
											  json_string_value(name))) < 0)
		r = no_memory(err);
	free(overview.links);
	free(overview.addrs);
	free(overview.firewalled);
	if (r == 0)
		*ret = steal_ptr(&array);
	return r;
}
