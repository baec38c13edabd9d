/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs_virt.c - the verbs that need libvirt, as kvnet-virt does them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../kvnet/cli.h"
#include "cidr.h"
#include "cleanup.h"
#include "context.h"
#include "definition.h"
#include "error.h"
#include "file.h"
#include "import.h"
#include "port_verbs.h"
#include "virt/virt.h"

/* ---- a libvirtd that does not answer ---- */

#define NO_ANSWER "libvirt: no answer in time: does libvirtd hang?"

static void give_up(int signal)
{
	static const char text[] = "kvnet: " NO_ANSWER "\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1); /* nobody to tell it to */
	_exit(1);
}

static void give_up_in_json(int signal)
{
	static const char text[] =
		"{\n  \"error\": {\n    \"code\": \"ETIMEDOUT\",\n    \"message\": \"" NO_ANSWER "\"\n  }\n}\n";

	(void)signal;
	if (write(STDOUT_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1); /* likewise */
	_exit(1);
}

static void limit(unsigned seconds)
{
	(void)alarm(seconds);
}

/* ---- networks ---- */

/* One of these at a time: each tells libvirt how the network is by then, and the last one's word stays.  Whoever waits too long
 * for it is ended by the limit of the call before. */
static int enter_registrations(struct kvn *kvn, int *ret, struct kvn_error *err)
{
	kvn_path dir;
	int r = kvn_file_mkdirs(kvn_path_registration(kvn, "", dir), err);

	if (r < 0)
		return r;
	*ret = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 || flock(*ret, LOCK_EX) < 0 ? kvn_fail_errno(err, errno, "%s", dir) : 0;
}

static int do_register(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_json json_t *network = NULL;
	const char *name = command->words[0], *state;
	auto_close int lock = -1;
	bool is_known = true;
	kvn_path path;
	int r = enter_registrations(command->kvn, &lock, err);

	if (r == 0)
		r = kvn_show(command->kvn, name, &network, err);
	if (r == 0)
		r = kvn_file_write(kvn_path_registration(command->kvn, name, path), "", 0644, false, err);
	if (r < 0)
		return r;
	state = json_string_value(json_object_get(network, "state"));
	r = kvn_virt_register(virt, name, network, state && strcmp(state, "inactive") != 0, err);
	if (r < 0 && kvn_virt_is_registered(virt, name, &is_known, NULL) == 0 && !is_known)
		(void)kvn_file_remove(path, NULL); /* one that stays costs the next command a look */
	return r;
}

static int do_unregister(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	const char *name = command->words[0];
	auto_close int lock = -1;
	kvn_path path;
	int r = kvn_name_check(name, err);

	if (r == 0)
		r = enter_registrations(command->kvn, &lock, err);
	if (r == 0)
		r = kvn_virt_unregister(virt, name, err);
	return r < 0 ? r : kvn_file_remove(kvn_path_registration(command->kvn, name, path), err);
}

/* ---- domains ---- */

static int print_done(const struct command *command)
{
	auto_json json_t *value = command->is_json ? json_pack("{s:s}", "domain", command->words[0]) : NULL;

	if (value)
		print_json(value);
	return 0;
}

static int act(struct command *command, struct kvn_virt *virt, enum kvn_virt_action action, struct kvn_error *err)
{
	int r = kvn_virt_domain_act(virt, command->words[0], action, err);

	return r < 0 ? r : print_done(command);
}

#define ACTION(name, action) \
	static int do_##name(struct command *command, struct kvn_virt *virt, struct kvn_error *err) \
	{ \
		return act(command, virt, action, err); \
	}
ACTION(start, KVN_VIRT_START)
ACTION(shutdown, KVN_VIRT_SHUTDOWN)
ACTION(reboot, KVN_VIRT_REBOOT)
ACTION(destroy, KVN_VIRT_DESTROY)
ACTION(suspend, KVN_VIRT_SUSPEND)
ACTION(resume, KVN_VIRT_RESUME)
ACTION(undefine, KVN_VIRT_UNDEFINE)
ACTION(autostart, command->is_disable ? KVN_VIRT_NO_AUTOSTART : KVN_VIRT_AUTOSTART)

static int do_list(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	static const char *const headers[] = {"ID", "NAME", "STATE"}, *const keys[] = {"id", "name", "state"};
	auto_json json_t *domains = NULL;
	int r = kvn_virt_domain_list(virt, command->is_all, &domains, err);

	if (r < 0)
		return r;
	if (command->is_json)
		print_json(domains);
	else
		print_table(domains, headers, keys, ARRAY_SIZE(keys));
	return 0;
}

static int do_define(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_free char *xml = NULL, *name = NULL;
	int r = read_input(command->words[0], &xml, err);

	if (r == 0)
		r = kvn_virt_domain_define(virt, xml, &name, err);
	if (r < 0)
		return r;
	command->words[0] = name;
	if (!command->is_json)
		(void)puts(name);
	return print_done(command);
}

/* One value a line for people, the object for --json. */
static int print_object(const struct command *command, const json_t *object)
{
	const char *key;
	json_t *value;

	if (command->is_json) {
		print_json(object);
		return 0;
	}
	json_object_foreach((json_t *)object, key, value)
	{
		auto_free char *text =
			json_is_null(value) ? strdup("-") : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		if (json_is_string(value))
			(void)printf("%s: %s\n", key, json_string_value(value));
		else
			(void)printf("%s: %s\n", key, text ? text : "");
	}
	return 0;
}

static int do_info(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_json json_t *info = NULL;
	int r = kvn_virt_domain_info(virt, command->words[0], &info, err);

	return r < 0 ? r : print_object(command, info);
}

static int do_vncdisplay(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_json json_t *display = NULL;
	int r = kvn_virt_domain_vnc(virt, command->words[0], &display, err);

	if (r < 0)
		return r;
	if (command->is_json)
		return print_object(command, display);
	if (!json_is_string(json_object_get(display, "display")))
		return kvn_fail(err, ENOENT, "domain '%s' has no VNC server, or does not run", command->words[0]);
	(void)puts(json_string_value(json_object_get(display, "display")));
	return 0;
}

static int do_dumpxml(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_free char *xml = NULL;
	auto_json json_t *value = NULL;
	int r = kvn_virt_domain_xml(virt, command->words[0], false, &xml, err);

	if (r < 0)
		return r;
	if (command->is_json) {
		value = json_pack("{s:s}", "xml", xml);
		print_json(value);
	} else {
		(void)fputs(xml, stdout);
	}
	return 0;
}

/* What libvirt refuses is given back to the editor, as 'kvnet edit' does it. */
static int edit(struct kvn_virt *virt, const char *path, const char *before, struct kvn_error *err)
{
	for (;;) {
		auto_free char *after = NULL, *name = NULL;
		char answer[8] = "";
		int r;

		limit(0); /* an editor takes as long as it takes */
		r = run_editor(path, err);
		if (r == 0)
			r = kvn_file_read(path, &after, err);
		if (r < 0 || !after || strcmp(before, after) == 0)
			return r;
		r = kvn_virt_domain_define(virt, after, &name, err);
		if (r == 0 || !isatty(STDIN_FILENO))
			return r;
		limit(0);
		(void)fprintf(stderr, "kvnet: %s\nEdit again? [Y/n] ", err->message);
		if (!fgets(answer, sizeof(answer), stdin) || answer[0] == 'n' || answer[0] == 'N')
			return r;
	}
}

static int do_edit(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	char path[] = "/tmp/kvnet-edit-XXXXXX.xml";
	auto_free char *before = NULL;
	auto_close int fd = -1;
	int r = kvn_virt_domain_xml(virt, command->words[0], true, &before, err);

	if (r < 0)
		return r;
	fd = mkstemps(path, (int)strlen(".xml"));
	if (fd < 0)
		return kvn_fail_errno(err, errno, "%s", path);
	/* Into this file and no other: the text may have secrets, and the folder is everybody's. */
	r = dprintf(fd, "%s", before) < 0 ? kvn_fail_errno(err, errno, "%s", path) : edit(virt, path, before, err);
	(void)unlink(path); /* a copy; the domain's definition is what counts */
	return r < 0 ? r : print_done(command);
}

/* ---- NICs ---- */

static const json_t *find_by(const json_t *array, const char *key, const json_t *value)
{
	const json_t *each;
	size_t i;

	json_array_foreach(array, i, each)
	{
		const char *a = json_string_value(json_object_get(each, key)), *b = json_string_value(value);

		if (a && b && strcasecmp(a, b) == 0)
			return each;
	}
	return NULL;
}

static void add_text(json_t *array, const json_t *text)
{
	const json_t *each;
	size_t i;

	json_array_foreach(array, i, each) if (json_equal(each, text)) return;
	if (json_is_string(text))
		(void)json_array_append(array, (json_t *)text); /* no memory: one address is not told */
}

/* What the guest's agent says, with the prefix lengths taken off; then what DHCP gave, and what the port is known by. */
static json_t *addresses_of(const json_t *nic, const json_t *told, const json_t *ports, const json_t *leases)
{
	const json_t *mac = json_object_get(nic, "mac"), *port = find_by(ports, "mac", mac), *each;
	json_t *array = json_array();
	size_t i;

	json_array_foreach(json_object_get(find_by(told, "mac", mac), "addresses"), i, each)
	{
		const char *text = json_string_value(each);
		auto_json json_t *bare = text ? json_sprintf("%.*s", (int)strcspn(text, "/"), text) : NULL;

		add_text(array, bare);
	}
	json_array_foreach(leases, i, each) if (json_equal(json_object_get(each, "mac"), mac))
		add_text(array, json_object_get(each, "address"));
	add_text(array, json_object_get(port, "ipv4"));
	add_text(array, json_object_get(port, "ipv6"));
	return array;
}

/* The network of ours whose bridge, or which itself, is the NIC's source. */
static json_t *network_of(const json_t *nic, const json_t *networks)
{
	const json_t *source = json_object_get(nic, "source"), *type = json_object_get(nic, "type"), *found;
	bool is_network = json_is_string(type) && strcmp(json_string_value(type), "network") == 0;

	found = find_by(networks, is_network ? "name" : "bridge", source);
	return found ? json_incref(json_object_get(found, "name")) : json_null();
}

static int do_interfaces(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	static const char *const headers[] = {"IFNAME", "MAC", "MODEL", "NETWORK", "SOURCE", "ADDRESSES"},
				 *const keys[] = {"ifname", "mac", "model", "network", "source", "text"};
	auto_json json_t *nics = NULL, *told = NULL, *ports = NULL, *leases = NULL, *networks = NULL;
	json_t *nic;
	size_t i;
	int r = kvn_virt_nic_dump(virt, command->words[0], &nics, err);

	if (r < 0)
		return r;
	(void)kvn_virt_nic_ask(virt, command->words[0], &told, NULL); /* most guests have no agent */
	(void)kvn_list(command->kvn, &networks, NULL); /* who may not see ours sees libvirt's part */
	(void)kvn_ports(command->kvn, NULL, &ports, NULL);
	(void)kvn_leases(command->kvn, NULL, &leases, NULL);
	json_array_foreach(nics, i, nic)
	{
		(void)json_object_set_new(nic, "network", network_of(nic, networks));
		(void)json_object_set_new(nic, "addresses", addresses_of(nic, told, ports, leases));
	}
	if (command->is_json) {
		print_json(nics);
		return 0;
	}
	json_array_foreach(nics, i, nic)
	{
		const json_t *addresses = json_object_get(nic, "addresses"), *each;
		char text[120] = "-";
		size_t k, used = 0;

		json_array_foreach(addresses, k, each) if (used < sizeof(text)) used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", used ? " " : "", json_string_value(each));
		(void)json_object_set_new(nic, "text", json_string(text));
	}
	print_table(nics, headers, keys, ARRAY_SIZE(keys));
	return 0;
}

static unsigned where_of(const struct command *command)
{
	return (command->is_live ? (unsigned)KVN_VIRT_LIVE : 0) | (command->is_config ? (unsigned)KVN_VIRT_CONFIG : 0);
}

/* libvirt takes a MAC that the domain has already, and the guest has two NICs that answer to it. */
static int check_mac(struct kvn_virt *virt, const char *domain, const uint8_t mac[static 6], struct kvn_error *err)
{
	auto_json json_t *nics = NULL;
	char text[KVN_MAC_TEXT];
	const json_t *nic;
	uint8_t its[6];
	size_t i;
	int r = kvn_virt_nic_dump(virt, domain, &nics, err);

	json_array_foreach(nics, i, nic)
	{
		const char *other = json_string_value(json_object_get(nic, "mac"));

		if (other && kvn_mac_parse(other, its) == 0 && memcmp(its, mac, 6) == 0)
			r = kvn_fail(err, EEXIST, "domain '%s' has a NIC with MAC %s already", domain,
				     kvn_mac_format(mac, text));
	}
	return r;
}

static int do_attach(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	auto_json json_t *network = NULL, *value = NULL;
	struct kvn_virt_nic nic = {.model = command->nic_model ? command->nic_model : "virtio",
				   .where = where_of(command)};
	const char *name = command->words[1];
	bool is_registered = false;
	char mac[KVN_MAC_TEXT];
	int r = kvn_definition(command->kvn, name, &network, err);

	if (r == 0)
		r = kvn_virt_is_registered(virt, name, &is_registered, err);
	if (r < 0)
		return r;
	nic.bridge = json_string_value(json_object_get(network, "bridge"));
	nic.network = is_registered ? name : NULL;
	memcpy(nic.mac, command->port.mac, 6);
	r = kvn_mac_is_zero(nic.mac) ? kvn_port_choose_mac(command->kvn, name, nic.mac, err)
				     : check_mac(virt, command->words[0], nic.mac, err);
	if (r == 0)
		r = kvn_virt_nic_attach(virt, command->words[0], &nic, err);
	if (r < 0)
		return r;
	(void)kvn_mac_format(nic.mac, mac);
	if (command->is_json) {
		value = json_pack("{s:s, s:s, s:s}", "domain", command->words[0], "network", name, "mac", mac);
		print_json(value);
	} else {
		(void)puts(mac);
	}
	return 0;
}

static int do_detach(struct command *command, struct kvn_virt *virt, struct kvn_error *err)
{
	uint8_t mac[6];
	int r = kvn_mac_parse(command->words[1], mac);

	if (r < 0)
		return kvn_fail(err, EINVAL, "'%s' is no MAC address ('kvnet vm interfaces %s' shows them)",
				command->words[1], command->words[0]);
	r = kvn_virt_nic_detach(virt, command->words[0], mac, where_of(command), err);
	return r < 0 ? r : print_done(command);
}

/* ---- the table ---- */

int run_virt(struct command *command, struct kvn_error *err)
{
	static const struct {
		const char *verb;
		int (*run)(struct command *command, struct kvn_virt *virt, struct kvn_error *err);
	} table[] = {{"register", do_register},
		     {"unregister", do_unregister},
		     {"vm list", do_list},
		     {"vm define", do_define},
		     {"vm start", do_start},
		     {"vm shutdown", do_shutdown},
		     {"vm reboot", do_reboot},
		     {"vm destroy", do_destroy},
		     {"vm suspend", do_suspend},
		     {"vm resume", do_resume},
		     {"vm undefine", do_undefine},
		     {"vm autostart", do_autostart},
		     {"vm dumpxml", do_dumpxml},
		     {"vm edit", do_edit},
		     {"vm vncdisplay", do_vncdisplay},
		     {"vm info", do_info},
		     {"vm interfaces", do_interfaces},
		     {"vm attach", do_attach},
		     {"vm detach", do_detach}};
	struct kvn_virt *virt = NULL;
	int r;

	(void)signal(SIGALRM, command->is_json ? give_up_in_json : give_up);
	if (strcmp(command->verb->name, "export") == 0)
		return run_export(command, err) < 0 ? 1 : 0;
	if (strcmp(command->verb->name, "import") == 0)
		return run_import(command, limit, err) < 0 ? 1 : 0;
	r = kvn_virt_open(limit, &virt, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(table); i++)
		if (strcmp(command->verb->name, table[i].verb) == 0)
			r = table[i].run(command, virt, err);
	kvn_virt_close(virt);
	return r < 0 ? 1 : 0;
}
