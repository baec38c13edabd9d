/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_run.c - run: a port, and in the same process the command that it is for.
 *
 * The command takes this process's place, so that the port's pid is the guest's and signals reach it.  The tap goes when
 * the last process that holds it does; its record is collected by netd, or by the next command on the network. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "cli.h"
#include "error.h"

#define LIST_MAX 128 /* bytes of "10:11:12..." */

static const char *const placeholders[] = {"{fd}", "{ifname}", "{mac}"};

/* What stands for the placeholders. */
struct values {
	char fds[LIST_MAX], vhosts[LIST_MAX];
	const char *ifname;
	char mac[KVN_MAC_TEXT];
};

static void write_list(const int *fds, unsigned n, char ret[static LIST_MAX])
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < n && used < LIST_MAX; i++)
		used += (size_t)snprintf(ret + used, LIST_MAX - used, "%s%d", i ? ":" : "", fds[i]);
}

static bool has_placeholder(char *const *words)
{
	for (; *words; words++)
		for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
			if (strstr(*words, placeholders[i]))
				return true;
	return false;
}

static bool is_qemu(const char *program)
{
	const char *base = strrchr(program, '/') ? strrchr(program, '/') + 1 : program;

	return strncmp(base, "qemu-system-", strlen("qemu-system-")) == 0 || strcmp(base, "qemu-kvm") == 0 ||
	       strcmp(base, "kvm") == 0;
}

/* @word with every placeholder replaced; NULL: no memory. */
static char *replace(const char *word, const struct values *values)
{
	const char *texts[] = {values->fds, values->ifname, values->mac};
	auto_free char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	while (out && *word) {
		size_t i = 0;

		while (i < ARRAY_SIZE(placeholders) && strncmp(word, placeholders[i], strlen(placeholders[i])) != 0)
			i++;
		if (i < ARRAY_SIZE(placeholders)) {
			fputs(texts[i], out);
			word += strlen(placeholders[i]);
		} else {
			fputc(*word++, out);
		}
	}
	return out && fclose(out) == 0 ? steal_ptr(&text) : NULL;
}

/* "-netdev tap,..." and "-device virtio-net-pci,..." for QEMU; 0, or -ENOMEM. */
static int append_device(const struct kvn_open_port *port, const struct values *values, char **words, int n)
{
	bool is_multi = port->queues > 1;
	char vhost[LIST_MAX + 32] = "", queues[48] = "";
	int r;

	if (port->n_vhosts)
		(void)snprintf(vhost, sizeof(vhost), ",vhost=on,%s=%s", is_multi ? "vhostfds" : "vhostfd",
			       values->vhosts);
	if (is_multi) /* a vector for each direction of each queue, and two besides */
		(void)snprintf(queues, sizeof(queues), ",mq=on,vectors=%u", 2 * port->queues + 2);
	words[n] = strdup("-netdev");
	r = asprintf(&words[n + 1], "tap,id=kvnet0,%s=%s%s", is_multi ? "fds" : "fd", values->fds, vhost);
	words[n + 2] = strdup("-device");
	if (r >= 0)
		r = asprintf(&words[n + 3], "virtio-net-pci,netdev=kvnet0,mac=%s%s", values->mac, queues);
	return r < 0 || !words[n] || !words[n + 2] ? -ENOMEM : 0;
}

static int keep_open(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (fcntl(fds[i], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

static int become(const struct kvn_open_port *port, char *const *rest, struct kvn_error *err)
{
	struct values values = {.ifname = port->ifname};
	bool has_device = has_placeholder(rest);
	auto_free char **words = NULL;
	int n = 0, r = 0;

	while (rest[n])
		n++;
	words = calloc((size_t)n + 5, sizeof(*words)); /* four of append_device(), and the NULL */
	write_list(port->taps, port->queues, values.fds);
	write_list(port->vhosts, port->n_vhosts, values.vhosts);
	(void)kvn_mac_format(port->mac, values.mac);
	for (int i = 0; words && i < n; i++) {
		words[i] = replace(rest[i], &values);
		r = words[i] ? r : -ENOMEM;
	}
	if (words && r == 0 && !has_device)
		r = append_device(port, &values, words, n);
	if (!words || !words[0] || r < 0)
		return kvn_fail_errno(err, ENOMEM, "run");
	r = keep_open(port->taps, port->queues);
	if (r == 0)
		r = keep_open(port->vhosts, port->n_vhosts);
	if (r == 0)
		(void)execvp(words[0], words);
	r = kvn_fail_errno(err, r < 0 ? -r : errno, "run: %s", words[0]);
	for (int i = 0; words[i]; i++)
		free(words[i]);
	return r;
}

static int check(const struct command *command, struct kvn_error *err)
{
	if (command->port.queues > KVN_QUEUES_MAX)
		return kvn_fail(err, EINVAL, "--queues: %u queues: 1 to %u", command->port.queues, KVN_QUEUES_MAX);
	if (!has_placeholder(command->rest) && !is_qemu(command->rest[0]))
		return kvn_fail(
			err, EINVAL,
			"run: '%.100s' is no QEMU: write {fd}, {ifname} or {mac} where its arguments want the tap",
			command->rest[0]);
	return 0;
}

int run_run(struct command *command, struct kvn_error *err)
{
	struct kvn_open_options options = {
		.queues = command->port.queues, .is_vhost = true, .pid = getpid(), .uid = UINT32_MAX};
	char name[KVN_NAME_MAX + 1] = "";
	struct kvn_open_port port = {0};
	struct kvn_error ignored;
	int r = check(command, err);

	if (r == 0 && command->n_words == 0)
		r = kvn_network_find(command->kvn, "", "", name, err);
	memcpy(options.mac, command->port.mac, 6);
	if (r == 0)
		r = kvn_port_open(command->kvn, command->n_words ? command->words[0] : name, &options, &port, err);
	if (r < 0)
		return 1;
	if (become(&port, command->rest, err) < 0)
		(void)kvn_port_close(command->kvn, port.ifname, &ignored); /* the first error is the one to tell */
	kvn_open_port_clear(&port);
	return 1;
}
