/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - kvnet, the command line: its verbs, and the one place that tells a failure. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli.h"

const struct option common_options[] = {
	{"--json", NULL, "print one JSON value and nothing else", OPT_JSON, NULL},
	{"--help", NULL, "say what the verb does", OPT_HELP, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};

static const struct option create_options[] = {
	{"--model", "M", "isolated, routed, nat (the default), bridged or open", OPT_KEY, "model"},
	{"--subnet", "CIDR|auto|none", "IPv4: the bridge's own address, or its subnet", OPT_KEY, "ipv4.address"},
	{"--subnet6", "CIDR|auto|none", "the same for IPv6; auto is a ULA", OPT_KEY, "ipv6.address"},
	{"--dhcp", "FIRST-LAST|auto|none", "the pool of addresses for guests", OPT_KEY, "ipv4.dhcp"},
	{"--uplink", "IFNAME", "bridged: the NIC to enslave; routed, nat: forward through it only", OPT_KEY, "uplink"},
	{"--bridge", "IFNAME", "the bridge's name, if not the network's", OPT_KEY, "bridge"},
	{"--mtu", "N", "bytes", OPT_KEY, "mtu"},
	{"--domain", "D", "guests' DNS domain, if not NAME.internal", OPT_KEY, "dns.domain"},
	{"--start", "boot|on-demand|manual", "when it comes up by itself", OPT_KEY, "start"},
	{"--set", "KEY=VALUE", "any key of the definition ('kvnet help definition'); again for more", OPT_SET, NULL},
	{"--file", "F|-", "begin with this definition", OPT_FILE, NULL},
	{"--no-start", NULL, "write the definition only", OPT_NO_START, NULL},
	{"--dry-run", NULL, "print what would be done, and do nothing", OPT_DRY_RUN, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option force_options[] = {
	{"--force", NULL, "although ports are attached", OPT_FORCE, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option start_options[] = {
	{"--all", NULL, "every network", OPT_ALL, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option stop_options[] = {
	{"--all", NULL, "every network", OPT_ALL, NULL},
	{"--force", NULL, "although ports are attached; they wait for the next start", OPT_FORCE, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option show_options[] = {
	{"--yaml", NULL, "print the definition as it is on disk", OPT_YAML, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option plan_options[] = {
	{"--all", NULL, "every network", OPT_ALL, NULL},
	{"--file", "F|-", "as if this were the definition", OPT_FILE, NULL},
	{"--check", NULL, "exit 1 when there is something to do", OPT_CHECK, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option apply_options[] = {
	{"--all", NULL, "every network, those to start at boot and those that are up", OPT_ALL, NULL},
	{"--file", "F|-", "take this as the definition from now on", OPT_FILE, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option port_add_options[] = {
	{"--owner", "USER", "may open the tap", OPT_OWNER, NULL},
	{"--group", "GROUP", "may open the tap", OPT_GROUP, NULL},
	{"--queues", "N", "1 to 256; more than 1 makes it multi-queue", OPT_QUEUES, NULL},
	{"--mac", "MAC", "the guest's, for listings", OPT_MAC, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};

static const struct option import_options[] = {
	{"--libvirt", "NET", "a network of libvirt's, instead of a file", OPT_LIBVIRT, NULL},
	{"--as", "NAME", "by another name", OPT_AS, NULL},
	{"--lossy", NULL, "leave out, with a warning, what a definition has no words for", OPT_LOSSY, NULL},
	{"--take-over", NULL, "stop libvirt's network, and let ours have its bridge, guests and leases", OPT_TAKE_OVER,
	 NULL},
	{"--no-start", NULL, "write the definition only", OPT_NO_START, NULL},
	{"--dry-run", NULL, "print the definition, and do nothing", OPT_DRY_RUN, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option export_options[] = {
	{"--xml", NULL, "as libvirt's network XML", OPT_XML, NULL},
	{"--yaml", NULL, "as a definition (without --xml)", OPT_YAML, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option vm_list_options[] = {
	{"--all", NULL, "also those that do not run", OPT_ALL, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option vm_autostart_options[] = {
	{"--disable", NULL, "no longer", OPT_DISABLE, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option vm_attach_options[] = {
	{"--mac", "MAC", "without, one is made up", OPT_MAC, NULL},
	{"--model", "MODEL", "virtio without", OPT_NIC_MODEL, NULL},
	{"--live", NULL, "to the domain that runs", OPT_LIVE, NULL},
	{"--config", NULL, "to its definition; with neither option, wherever it is", OPT_CONFIG, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};
static const struct option vm_detach_options[] = {
	{"--live", NULL, "from the domain that runs", OPT_LIVE, NULL},
	{"--config", NULL, "from its definition; with neither option, wherever it is", OPT_CONFIG, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};

static const struct option run_options[] = {
	{"--mac", "MAC", "the guest's; without, one is made up", OPT_MAC, NULL},
	{"--queues", "N", "1 to 16", OPT_QUEUES, NULL},
	{NULL, NULL, NULL, OPT_END, NULL},
};

const struct verb verbs[] = {
	{"create", "NAME", 1, 1, "define a network and bring it up", create_options, run_create},
	{"delete", "NAME...", 1, -1, "take networks down and remove their definitions", force_options, run_delete},
	{"start", "NAME... | --all", 0, -1, "bring networks up", start_options, run_start},
	{"stop", "NAME... | --all", 0, -1, "take networks down", stop_options, run_stop},
	{"list", "", 0, 0, "list networks", NULL, run_list},
	{"show", "NAME", 1, 1, "show a network's definition and live state", show_options, run_show},
	{"set", "NAME KEY=VALUE...", 2, -1,
	 "change a definition and the live network (KEY= removes, KEY+= and KEY-= add to and take from a list)", NULL,
	 run_set},
	{"edit", "NAME", 1, 1, "the same in an editor", NULL, run_edit},
	{"plan", "[NAME... | --all]", 0, -1, "print what 'apply' would do", plan_options, run_plan},
	{"apply", "[NAME... | --all]", 0, -1, "make the host what the definitions say", apply_options, run_apply},
	{"attach", "NAME IFNAME", 2, 2, "put a link on a network", NULL, run_attach},
	{"detach", "IFNAME", 1, 1, "take a link off its network", NULL, run_detach},
	{"port add", "NAME [IFNAME]", 1, 2, "make a persistent tap on a network", port_add_options, run_port_add},
	{"port delete", "IFNAME", 1, 1, "remove a tap that 'port add' made", NULL, run_port_delete},
	{"ports", "[NAME]", 0, 1, "list guests' ports", NULL, run_ports},
	{"run", "[NAME] [options] -- COMMAND [ARG...]", 0, 1,
	 "run a guest with a tap of its own\n"
	 "In COMMAND's arguments {fd}, {ifname} and {mac} are replaced, {fd} of several queues by 3:4:5.\n"
	 "A QEMU command line without any of them gets a virtio-net device.\n"
	 "Without NAME the network is KVNET_NETWORK, or default_network of kvnet.yaml, or the only one there is.\n"
	 "COMMAND takes kvnet's place, as the same user: begin it with setpriv or runuser to be another.\n"
	 "Where no netd runs, an on-demand network stays up after such a guest until 'kvnet apply' or the next\n"
	 "guest's end.",
	 run_options, run_run},
	{"leases", "[NAME]", 0, 1, "list the addresses that DHCP has handed out", NULL, run_leases},
	{"events", "[NAME...]", 0, -1,
	 "follow what happens to networks, ports and leases\n"
	 "A network that does not exist yet is waited for; a word on standard error says so.",
	 NULL, run_events},
	{"import", "FILE.xml | --libvirt NET", 0, 1, "make a network from libvirt's network XML", import_options,
	 run_virt},
	{"export", "NAME", 1, 1, "print a network's definition, or libvirt's XML for it", export_options, run_virt},
	{"register", "NAME", 1, 1, "make libvirt know a network, persistent and autostarted", NULL, run_virt},
	{"unregister", "NAME", 1, 1, "make libvirt forget it", NULL, run_virt},
	{"vm list", "", 0, 0, "list libvirt's domains", vm_list_options, run_virt},
	{"vm define", "FILE", 1, 1, "define a domain from XML", NULL, run_virt},
	{"vm start", "DOMAIN", 1, 1, "start a domain", NULL, run_virt},
	{"vm shutdown", "DOMAIN", 1, 1, "ask a domain's guest to end", NULL, run_virt},
	{"vm reboot", "DOMAIN", 1, 1, "ask a domain's guest to start again", NULL, run_virt},
	{"vm destroy", "DOMAIN", 1, 1, "end a domain at once, as if its plug was pulled", NULL, run_virt},
	{"vm suspend", "DOMAIN", 1, 1, "pause a domain", NULL, run_virt},
	{"vm resume", "DOMAIN", 1, 1, "let a paused domain run again", NULL, run_virt},
	{"vm undefine", "DOMAIN", 1, 1, "remove a domain's definition; its disks stay", NULL, run_virt},
	{"vm autostart", "DOMAIN", 1, 1, "start a domain with the host", vm_autostart_options, run_virt},
	{"vm dumpxml", "DOMAIN", 1, 1, "print a domain's XML", NULL, run_virt},
	{"vm edit", "DOMAIN", 1, 1, "change a domain's XML in an editor", NULL, run_virt},
	{"vm vncdisplay", "DOMAIN", 1, 1, "print where a domain's VNC server is", NULL, run_virt},
	{"vm info", "DOMAIN", 1, 1, "print what a domain is and does", NULL, run_virt},
	{"vm interfaces", "DOMAIN", 1, 1, "list a domain's NICs and their addresses", NULL, run_virt},
	{"vm attach", "DOMAIN NETWORK", 2, 2, "plug a NIC into a domain", vm_attach_options, run_virt},
	{"vm detach", "DOMAIN MAC", 2, 2, "take a NIC out of a domain", vm_detach_options, run_virt},
	{"help", "[VERB | definition]", 0, 2, "say how to use kvnet, a verb, or those of 'port' or 'vm'", NULL,
	 run_help},
	{"version", "", 0, 0, "print the version", NULL, run_version},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

/* A message may have a word in it that is no UTF-8, or be cut within a character: JSON would not take it at all. */
static void make_utf8(char *text)
{
	while (*text) {
		const unsigned char *p = (const unsigned char *)text;
		size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
		json_t *value = strnlen(text, n) == n ? json_stringn(text, n) : NULL;

		if (!value) {
			*text++ = '?';
			continue;
		}
		json_decref(value);
		text += n;
	}
}

static void tell(bool is_json, const struct kvn_error *err)
{
	char message[sizeof(err->message)];
	json_t *value;

	if (!is_json) {
		(void)fprintf(stderr, "kvnet: %s\n", err->message);
		return;
	}
	(void)snprintf(message, sizeof(message), "%s", err->message);
	make_utf8(message);
	value = json_pack("{s:{s:s, s:s}}", "error", "code",
			  strerrorname_np(err->code) ? strerrorname_np(err->code) : "EIO", "message", message);
	print_json(value);
	json_decref(value);
}

int main(int argc, char **argv)
{
	struct command command = {0};
	struct kvn_error err = {0};
	sigset_t none;
	int status;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* a caller may have blocked what would end us */
	status = parse_command(argc, argv, &command, &err);
	if (status == 0 && command.verb) {
		status = kvn_open(&command.kvn, &err) < 0 ? 1 : command.verb->run(&command, &err);
		kvn_close(command.kvn);
	}
	if (status != 0 && err.code != 0)
		tell(command.is_json, &err);
	if (fflush(stdout) != 0 && status == 0) {
		(void)fprintf(stderr, "kvnet: cannot write: %s\n", strerror(errno));
		status = 1;
	}
	command_clear(&command);
	return status;
}
