/* SPDX-License-Identifier: GPL-2.0-or-later */
/* api.c - io.kvnet.Network: one row a method, from which calls are checked and the interface is described.
 *
 * A call is checked in the main thread (method, parameters, who may), run by a worker, and answered in the main thread. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "hook.h"
#include "netd.h"
#include "port_verbs.h"

#define CHOICES_MAX 160 /* bytes of networks in a message */
#define INVALID_PARAMETER "org.varlink.service.InvalidParameter"

enum access {
	ACCESS_ANY, /* what may be seen is up to the method */
	ACCESS_NETWORK, /* root, or whom the network in parameter "name" or "network" allows */
	ACCESS_PORT, /* root, or who opened port "ifname" */
	ACCESS_ROOT
};

struct call {
	struct job job;
	const struct method *method;
	uint64_t id;
	struct peer peer; /* a copy */
	json_t *parameters, *reply; /* owned */
	int result;
	struct kvn_error error; /* when that is negative */
	int fds[2 * KVN_QUEUES_MAX];
	size_t n_fds;
	bool is_counted; /* a port of the peer's was taken from policy.c */
	bool is_full; /* he has max_ports already */
	unsigned max_ports;
	char ifname[IFNAMSIZ]; /* the port that was made */
	pid_t pid; /* and who holds it */
};

struct method {
	const char *name, *in, *out; /* as in the interface's description */
	enum access access;
	int (*run)(struct kvn *kvn, struct call *call, struct kvn_error *err); /* NULL: done in the main thread */
};

/* ---- parameters ---- */

static const char *text_of(const struct call *call, const char *key)
{
	return json_string_value(json_object_get(call->parameters, key));
}

static bool is_set(const struct call *call, const char *key)
{
	return json_is_true(json_object_get(call->parameters, key));
}

static unsigned flags_of(const struct call *call)
{
	return (is_set(call, "force") ? KVN_FORCE : 0U) | (is_set(call, "no_start") ? KVN_NO_START : 0U) |
	       (is_set(call, "dry_run") ? KVN_DRY_RUN : 0U);
}

static bool is_of_type(const json_t *value, const char *type, size_t length)
{
	const json_t *entry;
	size_t i;

	if (length == strlen("string") && strncmp(type, "string", length) == 0)
		return json_is_string(value);
	if (length == strlen("bool") && strncmp(type, "bool", length) == 0)
		return json_is_boolean(value);
	if (length == strlen("int") && strncmp(type, "int", length) == 0)
		return json_is_integer(value);
	if (!json_is_array(value)) /* []string is the only other one */
		return false;
	json_array_foreach(value, i, entry) if (!json_is_string(entry)) return false;
	return true;
}

/* The "TYPE" of parameter @key in "name: TYPE, other: ?TYPE"; NULL: there is none. */
static const char *find_type(const char *in, const char *key, size_t length)
{
	for (const char *at = in; *at; at += strspn(at, ", ")) {
		size_t name = strcspn(at, ":");

		if (name == length && strncmp(at, key, length) == 0)
			return at + name + 2;
		at += strcspn(at, ",");
	}
	return NULL;
}

/* The first parameter that is unknown, of the wrong type or missing; "": none. */
static void find_fault(const struct method *method, json_t *parameters, char ret[static 64])
{
	const char *key;
	json_t *value;

	ret[0] = '\0';
	json_object_foreach(parameters, key, value)
	{
		const char *type = find_type(method->in, key, strlen(key));
		bool is_optional = type && *type == '?';

		if (type && ((is_optional && json_is_null(value)) ||
			     is_of_type(value, type + is_optional, strcspn(type + is_optional, ","))))
			continue;
		(void)snprintf(ret, 64, "%s", key);
		return;
	}
	for (const char *at = method->in; *at; at += strspn(at, ", ")) {
		int length = (int)strcspn(at, ":");

		(void)snprintf(ret, 64, "%.*s", length, at);
		if (at[length + 2] != '?' && !json_object_get(parameters, ret))
			return;
		ret[0] = '\0';
		at += strcspn(at, ",");
	}
}

/* ---- methods ---- */

static int run_where(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	char netns[48];

	kvn_remote_netns(netns);
	call->reply = json_pack("{s:s, s:s, s:s, s:s}", "netns", netns, "config_dir", kvn->config_dir, "runtime_dir",
				kvn->runtime_dir, "state_dir", kvn->state_dir);
	return call->reply ? 0 : kvn_fail_errno(err, ENOMEM, "netd");
}

/* Those entries of @array whose network (@key) the peer may use. */
static json_t *visible(struct kvn *kvn, const struct call *call, json_t *array, const char *key)
{
	json_t *shown, *entry;
	size_t i;

	if (call->peer.uid == 0)
		return json_incref(array);
	shown = json_array();
	json_array_foreach(array, i, entry)
	{
		const char *name = json_string_value(json_object_get(entry, key));

		if (name && policy_allows(kvn, name, &call->peer))
			(void)json_array_append(shown, entry); /* no memory: not shown */
	}
	return shown;
}

static int run_list(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	auto_json json_t *all = NULL;
	int r = kvn_list(kvn, &all, err);

	if (r == 0)
		call->reply = json_pack("{s:o}", "networks", visible(kvn, call, all, "name"));
	return r;
}

static int run_get(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	json_t *network = NULL;
	int r = kvn_show(kvn, text_of(call, "name"), &network, err);

	if (r == 0)
		call->reply = json_pack("{s:o}", "network", network);
	return r;
}

static int run_ports(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	auto_json json_t *all = NULL;
	int r = kvn_ports(kvn, text_of(call, "network"), &all, err);

	if (r == 0)
		call->reply = json_pack("{s:o}", "ports", visible(kvn, call, all, "network"));
	return r;
}

static int run_leases(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	auto_json json_t *all = NULL;
	int r = kvn_leases(kvn, text_of(call, "network"), &all, err);

	if (r == 0)
		call->reply = json_pack("{s:o}", "leases", visible(kvn, call, all, "network"));
	return r;
}

static int reply_plan(struct call *call, json_t *plan, int r)
{
	if (r < 0)
		json_decref(plan);
	else
		call->reply = json_pack("{s:o}", "plan", plan ? plan : json_array());
	return r;
}

static int change(struct kvn *kvn, struct call *call, struct kvn_error *err,
		  int (*verb)(struct kvn *, const char *, const struct kvn_input *, unsigned, json_t **,
			      struct kvn_error *))
{
	const json_t *assignments = json_object_get(call->parameters, "assignments"), *entry;
	size_t n = json_array_size(assignments), i;
	auto_free const char **texts = calloc(n + 1, sizeof(*texts));
	struct kvn_input input = {.yaml = text_of(call, "yaml"),
				  .file = text_of(call, "file") ? text_of(call, "file") : "definition",
				  .assignments = texts,
				  .n_assignments = n};
	json_t *plan = NULL;

	int r;

	if (!texts)
		return kvn_fail_errno(err, ENOMEM, "netd");
	json_array_foreach(assignments, i, entry) texts[i] = json_string_value(entry);
	r = verb(kvn, text_of(call, "name"), &input, flags_of(call), &plan, err);
	return reply_plan(call, plan, r);
}

static int run_create(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return change(kvn, call, err, kvn_create);
}

static int run_set(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return change(kvn, call, err, kvn_change);
}

static int run_delete(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_delete(kvn, text_of(call, "name"), flags_of(call), err);
}

static int run_start(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_start(kvn, text_of(call, "name"), err);
}

static int run_stop(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_stop(kvn, text_of(call, "name"), flags_of(call), err);
}

static int converge(struct kvn *kvn, struct call *call, unsigned flags, struct kvn_error *err)
{
	json_t *plan = NULL;
	int r = kvn_converge(kvn, text_of(call, "name"), is_set(call, "all"), flags, &plan, err);

	return reply_plan(call, plan, r);
}

static int run_plan(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return converge(kvn, call, KVN_DRY_RUN, err);
}

static int run_apply(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return converge(kvn, call, 0, err);
}

static int run_attach(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_attach(kvn, text_of(call, "network"), text_of(call, "ifname"), err);
}

static int run_detach(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_detach(kvn, text_of(call, "ifname"), err);
}

static uint32_t id_of(const struct call *call, const char *key)
{
	const json_t *value = json_object_get(call->parameters, key);

	return json_is_integer(value) && json_integer_value(value) >= 0 ? (uint32_t)json_integer_value(value)
									: UINT32_MAX;
}

static int read_mac(const struct call *call, uint8_t mac[static 6], struct kvn_error *err)
{
	const char *text = text_of(call, "mac");

	if (text && kvn_mac_parse(text, mac) < 0)
		return kvn_fail(err, EINVAL, "mac: '%.40s' is not a MAC address", text);
	return 0;
}

static int read_ifname(const struct call *call, char ifname[static IFNAMSIZ], struct kvn_error *err)
{
	const char *text = text_of(call, "ifname");

	if (text && strlen(text) >= IFNAMSIZ)
		return kvn_fail(err, ENAMETOOLONG, "port '%.40s': longer than %d bytes", text, IFNAMSIZ - 1);
	if (text)
		memcpy(ifname, text, strlen(text) + 1);
	return 0;
}

static unsigned queues_of(const struct call *call)
{
	const json_t *value = json_object_get(call->parameters, "queues");
	json_int_t queues = value && !json_is_null(value) ? json_integer_value(value) : 1;

	return queues >= 0 && queues < 1000 ? (unsigned)queues : 1000U; /* too many either way */
}

static int run_add_port(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	struct kvn_port_options options = {
		.uid = id_of(call, "uid"), .gid = id_of(call, "gid"), .queues = queues_of(call)};
	char ifname[IFNAMSIZ] = "";
	int r = read_ifname(call, ifname, err);

	if (r == 0)
		r = read_mac(call, options.mac, err);
	if (r == 0)
		r = kvn_port_add(kvn, text_of(call, "network"), ifname, &options, err);
	if (r == 0)
		call->reply = json_pack("{s:s}", "ifname", ifname);
	return r;
}

static int run_delete_port(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_port_delete(kvn, text_of(call, "ifname"), err);
}

/* A user may open a port for another process of his: QEMU's helper does for QEMU. */
static pid_t holder_of(const struct call *call)
{
	json_int_t pid = json_integer_value(json_object_get(call->parameters, "pid"));
	struct stat st;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (pid > 0 && pid <= INT32_MAX && stat(path, &st) == 0 && (call->peer.uid == 0 || st.st_uid == call->peer.uid))
		return (pid_t)pid;
	return call->peer.pid > 0 ? call->peer.pid : getpid(); /* 0: in a pid namespace that is not below ours */
}

/* Without privilege nobody takes a name that another link of the host may be about to have. */
static int check_ifname(const struct call *call, const char *network, const char *ifname, struct kvn_error *err)
{
	size_t length = strlen(network);

	if (call->peer.uid == 0 || !ifname[0] || (strncmp(ifname, network, length) == 0 && ifname[length] == '-'))
		return 0;
	return kvn_fail(err, EPERM, "port '%s': without root it must be called '%s-...'", ifname, network);
}

static int run_open_port(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	struct kvn_open_options options = {.queues = queues_of(call),
					   .is_vhost = is_set(call, "vhost"),
					   .has_no_vnet_hdr =
						   json_is_false(json_object_get(call->parameters, "vnet_hdr")),
					   .has_own_mac = is_set(call, "own_mac"),
					   .pid = holder_of(call),
					   .uid = call->peer.uid};
	struct kvn_open_port port = {0};
	char mac[KVN_MAC_TEXT];
	int r = read_ifname(call, options.ifname, err);

	if (r == 0)
		r = check_ifname(call, text_of(call, "network"), options.ifname, err);
	if (r == 0)
		r = read_mac(call, options.mac, err);
	if (r == 0)
		r = kvn_port_open(kvn, text_of(call, "network"), &options, &port, err);
	if (r < 0)
		return r;
	memcpy(call->fds, port.taps, port.queues * sizeof(int));
	memcpy(call->fds + port.queues, port.vhosts, port.n_vhosts * sizeof(int));
	call->n_fds = port.queues + port.n_vhosts;
	memcpy(call->ifname, port.ifname, IFNAMSIZ);
	call->pid = options.pid;
	call->reply = json_pack("{s:{s:s, s:s, s:s?, s:i, s:i, s:i}}", "port", "network", port.network, "ifname",
				port.ifname, "mac", kvn_mac_is_zero(port.mac) ? NULL : kvn_mac_format(port.mac, mac),
				"mtu", (int)port.mtu, "queues", (int)port.queues, "vhosts", (int)port.n_vhosts);
	return 0;
}

static int run_close_port(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return kvn_port_close(kvn, text_of(call, "ifname"), err);
}

static int run_hook(struct kvn *kvn, struct call *call, struct kvn_error *err,
		    int (*verb)(struct kvn *, const struct kvn_hook *, struct kvn_error *))
{
	const struct kvn_hook hook = {.program = text_of(call, "program"),
				      .ifname = text_of(call, "ifname"),
				      .network = text_of(call, "network"),
				      .pid = (pid_t)json_integer_value(json_object_get(call->parameters, "pid"))};

	return verb(kvn, &hook, err);
}

static int run_hook_up(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return run_hook(kvn, call, err, kvn_hook_attach);
}

static int run_hook_down(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	return run_hook(kvn, call, err, kvn_hook_detach);
}

#define CHANGE "name: string, yaml: ?string, file: ?string, assignments: ?[]string, no_start: ?bool, dry_run: ?bool"

static const struct method methods[] = {
	{"Where", "", "netns: string, config_dir: string, runtime_dir: string, state_dir: string", ACCESS_ANY,
	 run_where},
	{"List", "", "networks: []object", ACCESS_ANY, run_list},
	{"Get", "name: string", "network: object", ACCESS_NETWORK, run_get},
	{"Ports", "network: ?string", "ports: []object", ACCESS_ANY, run_ports},
	{"Leases", "network: ?string", "leases: []object", ACCESS_ANY, run_leases},
	{"Create", CHANGE, "plan: []object", ACCESS_ROOT, run_create},
	{"Set", CHANGE, "plan: []object", ACCESS_ROOT, run_set},
	{"Delete", "name: string, force: ?bool", "", ACCESS_ROOT, run_delete},
	{"Start", "name: string, force: ?bool", "", ACCESS_ROOT, run_start},
	{"Stop", "name: string, force: ?bool", "", ACCESS_ROOT, run_stop},
	{"Plan", "name: string, all: ?bool", "plan: []object", ACCESS_ROOT, run_plan},
	{"Apply", "name: string, all: ?bool", "plan: []object", ACCESS_ROOT, run_apply},
	{"Attach", "network: string, ifname: string", "", ACCESS_ROOT, run_attach},
	{"Detach", "ifname: string", "", ACCESS_ROOT, run_detach},
	{"AddPort", "network: string, ifname: ?string, uid: ?int, gid: ?int, queues: ?int, mac: ?string",
	 "ifname: string", ACCESS_ROOT, run_add_port},
	{"DeletePort", "ifname: string", "", ACCESS_ROOT, run_delete_port},
	{"OpenPort",
	 "network: string, ifname: ?string, mac: ?string, own_mac: ?bool, queues: ?int, vnet_hdr: ?bool, vhost: ?bool, "
	 "pid: ?int",
	 "port: object", ACCESS_NETWORK, run_open_port},
	{"ClosePort", "ifname: string", "", ACCESS_PORT, run_close_port},
	{"HookUp", "program: string, ifname: string, network: ?string, pid: int", "", ACCESS_ROOT, run_hook_up},
	{"HookDown", "program: string, ifname: string, network: ?string, pid: int", "", ACCESS_ROOT, run_hook_down},
	{"Monitor", "", "event: object", ACCESS_ANY, NULL},
};

/* ---- a call's way ---- */

static void call_free(struct call *call)
{
	for (size_t i = 0; i < call->n_fds; i++)
		(void)close(call->fds[i]); /* a tap that nobody was given goes with them */
	json_decref(call->parameters);
	json_decref(call->reply);
	free(call->peer.groups);
	free(call);
}

/* "nat0, lan0": what the peer may use, as far as there is room for it. */
static void write_choices(struct kvn *kvn, const struct call *call, char ret[static CHOICES_MAX])
{
	auto_json json_t *names = NULL;
	const json_t *each;
	size_t used = 0, i;

	ret[0] = '\0';
	if (kvn_names(kvn, &names, NULL) < 0)
		return;
	json_array_foreach(names, i, each)
	{
		const char *name = json_string_value(each);
		bool is_room = used + strlen(", ...") + KVN_NAME_MAX < CHOICES_MAX - strlen(", ...");

		if (!policy_allows(kvn, name, &call->peer))
			continue;
		used += (size_t)snprintf(ret + used, CHOICES_MAX - used, "%s%s", used ? ", " : "",
					 is_room ? name : "...");
		if (!is_room)
			return;
	}
}

/* Who mistyped a name wants to see what there is for him; whom nobody has let in wants to know who could. */
static int fail_with_choices(struct kvn *kvn, const struct call *call, const char *given, struct kvn_error *err)
{
	char choices[CHOICES_MAX];

	write_choices(kvn, call, choices);
	if (choices[0])
		return kvn_fail(err, EPERM, "network '%s': you may not use it, or there is none; you may use: %s",
				given, choices);
	return kvn_fail(err, EPERM,
			"network '%s': you may not use it, or there is none: root lets you in by 'kvnet set %s "
			"allow+=user:NAME'",
			given, given);
}

static int check_network(struct kvn *kvn, struct call *call, struct kvn_error *err)
{
	const char *key = json_object_get(call->parameters, "name") ? "name" : "network";
	const char *given = text_of(call, key);
	char name[KVN_NAME_MAX + 1];
	int r;

	if (call->peer.uid == 0)
		return 0;
	r = kvn_name_check(given, err);
	if (r == 0)
		r = kvn_port_find_network(kvn, given, name, err);
	if (r == 0 && !policy_allows(kvn, name, &call->peer)) /* the same whether it exists or not */
		r = fail_with_choices(kvn, call, given, err);
	if (r == 0)
		r = json_object_set_new(call->parameters, key, json_string(name));
	return r;
}

static void run(struct kvn *kvn, struct job *job)
{
	struct call *call = (struct call *)job;

	call->result = call->method->access == ACCESS_NETWORK ? check_network(kvn, call, &call->error) : 0;
	if (call->result == 0 && call->is_full)
		call->result = kvn_fail(&call->error, EDQUOT,
					"you have %u ports open already, as many as max_ports of kvnet.yaml lets you",
					call->max_ports);
	if (call->result == 0)
		call->result = call->method->run(kvn, call, &call->error);
}

static void fail(struct netd *netd, uint64_t id, int code, const char *message)
{
	const char *name = strerrorname_np(code);

	server_fail(netd->server, id, KVN_REMOTE_INTERFACE ".Failed",
		    json_pack("{s:s, s:s}", "code", name ? name : "EIO", "message", message));
}

static void done(struct netd *netd, struct job *job)
{
	struct call *call = (struct call *)job;

	if (call->is_counted && call->ifname[0])
		policy_name(netd->policy, call->peer.uid, call->ifname, call->pid);
	else if (call->is_counted)
		policy_give_back(netd->policy, call->peer.uid);
	if (call->result < 0) {
		fail(netd, call->id, call->error.code, call->error.message);
	} else {
		server_reply(netd->server, call->id, call->reply ? call->reply : json_object(), false, call->fds,
			     call->n_fds);
		call->reply = NULL;
		call->n_fds = 0;
	}
	call_free(call);
}

/* What can be said without waiting. */
static int admit(struct netd *netd, struct call *call, struct kvn_error *err)
{
	struct kvn_settings settings;
	struct kvn *kvn;
	int r = 0;

	if (call->peer.uid == 0)
		return 0;
	if (call->method->access == ACCESS_ROOT && (text_of(call, "name") || text_of(call, "network")))
		return kvn_fail(err, EPERM, "network '%.40s': %s: only root may do this",
				text_of(call, "name") ? text_of(call, "name") : text_of(call, "network"),
				call->method->name);
	if (call->method->access == ACCESS_ROOT)
		return kvn_fail(err, EPERM, "%s: only root may do this", call->method->name);
	if (call->method->access == ACCESS_PORT && !policy_owns(netd->policy, call->peer.uid, text_of(call, "ifname")))
		return kvn_fail(err, EPERM, "port '%.40s': it is not yours", text_of(call, "ifname"));
	if (call->method->run != run_open_port)
		return 0;
	r = kvn_open(&kvn, err);
	if (r < 0)
		return r;
	r = kvn_context_settings(kvn, &settings, err);
	kvn_close(kvn);
	if (r == 0) {
		call->is_counted = policy_take(netd->policy, call->peer.uid, settings.max_ports);
		call->is_full = !call->is_counted; /* told once he is known to be let in at all */
		call->max_ports = settings.max_ports;
	}
	return r;
}

static void begin(struct netd *netd, const struct method *method, uint64_t id, const struct peer *peer,
		  json_t *parameters)
{
	struct call *call = calloc(1, sizeof(*call));
	struct kvn_error err = {0};

	if (call) {
		*call = (struct call){.job = {.run = run, .done = done},
				      .method = method,
				      .id = id,
				      .peer = *peer,
				      .parameters = json_deep_copy(parameters)};
		call->peer.groups = malloc((peer->n_groups + 1) * sizeof(*peer->groups));
	}
	if (!call || !call->parameters || !call->peer.groups) {
		if (call)
			call_free(call);
		fail(netd, id, ENOMEM, strerror(ENOMEM));
		return;
	}
	memcpy(call->peer.groups, peer->groups, peer->n_groups * sizeof(*peer->groups));
	if (admit(netd, call, &err) < 0) {
		call_free(call);
		fail(netd, id, err.code, err.message);
		return;
	}
	workers_add(netd->workers, &call->job);
}

/* ---- org.varlink.service ---- */

static json_t *description(void)
{
	auto_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	if (!out)
		return NULL;
	fputs("# Networks for virtual machines.  Networks, ports, leases and events have the shapes of kvnet(8)'s "
	      "JSON.\n"
	      "interface " KVN_REMOTE_INTERFACE "\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		fprintf(out, "method %s(%s) -> (%s)\n", methods[i].name, methods[i].in, methods[i].out);
	fputs("\n# code: an errno's name\nerror Failed (code: string, message: string)\n", out);
	if (fclose(out) != 0)
		return NULL;
	json = json_pack("{s:s}", "description", text);
	return json;
}

static bool serve_standard(struct netd *netd, uint64_t id, const char *method, const json_t *parameters)
{
	const char *interface = json_string_value(json_object_get(parameters, "interface"));

	if (strcmp(method, "org.varlink.service.GetInfo") == 0)
		server_reply(netd->server, id,
			     json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", "kvnet", "product", "netd",
				       "version", KVN_VERSION, "url", "", "interfaces", "org.varlink.service",
				       KVN_REMOTE_INTERFACE),
			     false, NULL, 0);
	else if (strcmp(method, "org.varlink.service.GetInterfaceDescription") != 0)
		return false;
	else if (!interface)
		server_fail(netd->server, id, INVALID_PARAMETER, json_pack("{s:s}", "parameter", "interface"));
	else if (strcmp(interface, KVN_REMOTE_INTERFACE) == 0)
		server_reply(netd->server, id, description(), false, NULL, 0);
	else
		server_fail(netd->server, id, "org.varlink.service.InterfaceNotFound",
			    json_pack("{s:s}", "interface", interface));
	return true;
}

static const struct method *find_method(const char *name)
{
	size_t prefix = strlen(KVN_REMOTE_INTERFACE ".");

	if (strncmp(name, KVN_REMOTE_INTERFACE ".", prefix) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i].name, name + prefix) == 0)
			return &methods[i];
	return NULL;
}

void api_call(struct netd *netd, uint64_t id, const struct peer *peer, json_t *call)
{
	auto_json json_t *owned = call, *none = json_object();
	const char *name = json_string_value(json_object_get(call, "method"));
	json_t *parameters = json_object_get(call, "parameters");
	const struct method *method = name ? find_method(name) : NULL;
	char fault[64];

	if (!parameters || json_is_null(parameters))
		parameters = none;
	if (!name || !json_is_object(parameters)) {
		server_fail(netd->server, id, INVALID_PARAMETER,
			    json_pack("{s:s}", "parameter", name ? "parameters" : "method"));
		return;
	}
	if (serve_standard(netd, id, name, parameters))
		return;
	if (!method) {
		server_fail(netd->server, id, "org.varlink.service.MethodNotFound", json_pack("{s:s}", "method", name));
		return;
	}
	find_fault(method, parameters, fault);
	if (fault[0])
		server_fail(netd->server, id, INVALID_PARAMETER, json_pack("{s:s}", "parameter", fault));
	else if (!method->run)
		server_follow(netd->server, id);
	else
		begin(netd, method, id, peer, parameters);
}
