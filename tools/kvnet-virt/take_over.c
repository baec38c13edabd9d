/* SPDX-License-Identifier: GPL-2.0-or-later */
/* take_over.c - a network of libvirt's that is up, with guests on it, becomes ours under them.
 *
 * While libvirt's bridge goes and ours comes, the guests' taps stay: they belong to QEMU.  What a guest has known stays, too: its
 * lease, the gateway's address and MAC, libvirt's network by name and UUID.  The gap begins when libvirt's network is stopped
 * (it takes its rules away one by one) and ends when the taps are on our bridge. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "context.h"
#include "document.h"
#include "error.h"
#include "file.h"
#include "import.h"
#include "store.h"

#define LEASES "/var/lib/libvirt/dnsmasq/%s.status" /* JSON that libvirt's lease helper keeps, by bridge */

/* ---- leases ---- */

/* A word of dnsmasq's lease file must not end the word or the line. */
static bool is_word(const char *text)
{
	return text && text[0] && strcspn(text, " \t\r\n") == strlen(text) && strlen(text) < 256;
}

/* "EXPIRES MAC ADDRESS HOSTNAME CLIENTID" a DHCPv4 lease; an IPv6 one is asked for again by its guest. */
static void write_lease(FILE *out, const json_t *lease)
{
	const char *ip = json_string_value(json_object_get(lease, "ip-address")),
		   *mac = json_string_value(json_object_get(lease, "mac-address")),
		   *hostname = json_string_value(json_object_get(lease, "hostname")),
		   *client = json_string_value(json_object_get(lease, "client-id"));
	json_int_t expires = json_integer_value(json_object_get(lease, "expiry-time"));
	struct kvn_ip address;
	uint8_t bytes[6];

	if (!ip || !mac || kvn_ip_parse(ip, AF_INET, &address) < 0 || kvn_mac_parse(mac, bytes) < 0)
		return;
	(void)fprintf(out, "%" PRId64 " %s %s %s %s\n", (int64_t)expires, mac, ip, is_word(hostname) ? hostname : "*",
		      is_word(client) ? client : "*");
}

static int carry_leases(struct kvn *kvn, const char *bridge, const char *name, struct kvn_error *err)
{
	auto_free char *text = NULL, *lines = NULL;
	auto_json json_t *leases = NULL;
	struct kvn_dnsmasq_paths paths;
	const json_t *lease;
	char path[128], *slash;
	kvn_path dir;
	size_t size = 0, i;
	FILE *out;
	int r;

	(void)snprintf(path, sizeof(path), LEASES, bridge);
	if (kvn_file_read(path, &text, NULL) < 0)
		return 0; /* no guest has had one */
	leases = json_loads(text, 0, NULL);
	out = open_memstream(&lines, &size);
	if (!out)
		return kvn_fail_errno(err, ENOMEM, "leases");
	json_array_foreach(leases, i, lease)
	{
		write_lease(out, lease);
	}
	if (fclose(out) != 0)
		return kvn_fail_errno(err, ENOMEM, "leases");
	if (size == 0)
		return 0;
	kvn_path_dnsmasq(kvn, name, &paths);
	(void)snprintf(dir, sizeof(dir), "%s", paths.leases);
	slash = strrchr(dir, '/');
	*slash = '\0';
	r = kvn_file_mkdirs(dir, err);
	return r < 0 ? r : kvn_file_write(paths.leases, lines, 0644, false, err);
}

/* ---- taps ---- */

struct taps {
	struct kvn_link_info *links; /* owned */
	size_t n;
};

static int find_taps(struct kvn *kvn, const char *bridge, struct taps *ret, struct kvn_error *err)
{
	struct kvn_link_info info;
	int r = kvn_link_get(&kvn->kernel, bridge, &info, err);

	if (r < 0)
		return r == -ENODEV ? 0 : r;
	return kvn_link_dump(&kvn->kernel, info.ifindex, &ret->links, &ret->n, err);
}

/* One that has gone meanwhile belonged to a guest that has. */
static int plug_taps(struct kvn *kvn, const char *name, const struct taps *taps, struct kvn_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < taps->n; i++) {
		r = kvn_attach(kvn, name, taps->links[i].ifname, err);
		if (r == -ENODEV)
			r = 0;
	}
	return r;
}

/* As libvirt had them: on its bridge again. */
static void replug_taps(struct kvn *kvn, const char *bridge, const struct taps *taps)
{
	for (size_t i = 0; i < taps->n; i++) {
		struct kvn_port port = {.mtu = taps->links[i].mtu,
					.is_up = true,
					.is_isolated = taps->links[i].is_isolated,
					.is_alias_foreign = true};

		(void)snprintf(port.ifname, sizeof(port.ifname), "%s", taps->links[i].ifname);
		(void)snprintf(port.master, sizeof(port.master), "%s", bridge);
		(void)kvn_link_set_port(&kvn->kernel, &port, NULL); /* the failure before this one is told */
	}
}

/* ---- the whole ---- */

/* What can be known to fail does so before anything is stopped. */
static int check(struct kvn *kvn, const char *yaml, const char *old, struct kvn_network *ret, struct kvn_error *err)
{
	struct kvn_document doc = {0};
	int r = kvn_document_parse(yaml, old, &doc, err);

	if (r == 0)
		r = kvn_definition_read(&doc, NULL, ret, err);
	kvn_document_clear(&doc);
	if (r < 0)
		return r;
	kvn_definition_resolve(ret);
	if (kvn_store_exists(kvn, ret->name))
		return kvn_fail(err, EEXIST, "network '%s' exists: --as gives another name", ret->name);
	if (strcmp(ret->name, old) != 0)
		return kvn_fail(err, EINVAL, "'%s' cannot be taken over as '%s': libvirt's domains know it by its name",
				old, ret->name);
	return 0;
}

int take_over(struct command *command, struct kvn_virt *virt, const char *old, const char *yaml, struct kvn_error *err)
{
	const char *const off = "register=false", *const on = "register=true";
	const struct kvn_input create = {.yaml = yaml, .file = old, .assignments = &off, .n_assignments = 1},
			       change = {.assignments = &on, .n_assignments = 1};
	struct kvn_virt_network was = {0};
	struct kvn_network net = {0};
	struct taps taps = {0};
	bool is_gone = false, is_made = false;
	int r = check(command->kvn, yaml, old, &net, err);

	if (r == 0)
		r = kvn_virt_network_get(virt, old, &was, err);
	if (r == 0 && was.is_ours)
		r = kvn_fail(err, EEXIST, "network '%s' of libvirt's is kvnet's already", old);
	if (r == 0 && was.is_active)
		r = find_taps(command->kvn, net.bridge, &taps, err);
	if (r == 0)
		r = carry_leases(command->kvn, net.bridge, net.name, err);
	if (r == 0) {
		is_gone = true;
		r = kvn_virt_network_del(virt, old, err);
	}
	if (r == 0) {
		r = kvn_create(command->kvn, net.name, &create, command->flags & ~(unsigned)KVN_DRY_RUN, NULL, err);
		is_made = r == 0;
	}
	if (r == 0 && !(command->flags & KVN_NO_START))
		r = plug_taps(command->kvn, net.name, &taps, err);
	if (r == 0)
		r = kvn_change(command->kvn, net.name, &change, 0, NULL, err);
	if (r < 0 && is_made)
		(void)kvn_delete(command->kvn, net.name, KVN_FORCE, NULL); /* what failed first is told */
	if (r < 0 && is_gone) {
		(void)kvn_virt_network_add(virt, &was, NULL);
		replug_taps(command->kvn, net.bridge, &taps);
	}
	kvn_virt_network_clear(&was);
	kvn_network_clear(&net);
	free(taps.links);
	return r;
}
