/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verbs_port.c - attach, detach, port add, port delete, ports, leases. */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "cli.h"
#include "error.h"

static int done(struct command *command, const char *ifname, int r)
{
	if (r < 0)
		return 1;
	if (command->is_json) {
		auto_json json_t *value = json_pack("{s:s}", "ifname", ifname);

		print_json(value);
	}
	return 0;
}

int run_attach(struct command *command, struct kvn_error *err)
{
	return done(command, command->words[1], kvn_attach(command->kvn, command->words[0], command->words[1], err));
}

int run_detach(struct command *command, struct kvn_error *err)
{
	return done(command, command->words[0], kvn_detach(command->kvn, command->words[0], err));
}

int run_port_add(struct command *command, struct kvn_error *err)
{
	char ifname[IFNAMSIZ] = "";

	if (command->n_words == 2 && strlen(command->words[1]) >= sizeof(ifname)) {
		(void)kvn_fail(err, ENAMETOOLONG, "port '%s': longer than %d bytes", command->words[1], IFNAMSIZ - 1);
		return 1;
	}
	if (command->n_words == 2)
		memcpy(ifname, command->words[1], strlen(command->words[1]) + 1);
	if (kvn_port_add(command->kvn, command->words[0], ifname, &command->port, err) < 0)
		return 1;
	if (!command->is_json)
		(void)puts(ifname);
	return done(command, ifname, 0);
}

int run_port_delete(struct command *command, struct kvn_error *err)
{
	return done(command, command->words[0], kvn_port_delete(command->kvn, command->words[0], err));
}

int run_ports(struct command *command, struct kvn_error *err)
{
	static const char *const headers[] = {"NETWORK", "IFNAME", "MAC", "IPV4", "IPV6", "OWNER", "PID", "DOMAIN"};
	static const char *const keys[] = {"network", "ifname", "mac", "ipv4", "ipv6", "owner", "pid", "domain"};
	auto_json json_t *ports = NULL;

	if (kvn_ports(command->kvn, command->n_words ? command->words[0] : NULL, &ports, err) < 0)
		return 1;
	if (command->is_json)
		print_json(ports);
	else
		print_table(ports, headers, keys, ARRAY_SIZE(keys));
	return 0;
}

int run_leases(struct command *command, struct kvn_error *err)
{
	static const char *const headers[] = {"MAC", "ADDRESS", "HOSTNAME", "EXPIRES"};
	static const char *const keys[] = {"mac", "address", "hostname", "expires"};
	auto_json json_t *leases = NULL;

	if (kvn_leases(command->kvn, command->n_words ? command->words[0] : NULL, &leases, err) < 0)
		return 1;
	if (command->is_json)
		print_json(leases);
	else
		print_table(leases, headers, keys, ARRAY_SIZE(keys));
	return 0;
}
