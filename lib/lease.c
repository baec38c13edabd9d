/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.c - dnsmasq's lease file, read and weeded. */
#include "lease.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cidr.h"
#include "cleanup.h"
#include "file.h"

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* Guests choose their names: what is not one is none. */
static void take_hostname(const char *text, char ret[static 64])
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	size_t length = strlen(text);

	ret[0] = '\0';
	if (length < 64 && strspn(text, allowed) == length)
		memcpy(ret, text, length + 1);
}

/* RFC 8415 section 11: 00:01 HTYPE TIME LLADDR, 00:03 HTYPE LLADDR; hardware type 1 is Ethernet. */
static void take_duid(const char *text, uint8_t ret[static 6])
{
	size_t length = strlen(text);

	if (length == 41 && strncmp(text, "00:01:00:01:", 12) == 0)
		(void)kvn_mac_parse(text + 24, ret); /* of another form: unknown */
	else if (length == 29 && strncmp(text, "00:03:00:01:", 12) == 0)
		(void)kvn_mac_parse(text + 12, ret);
}

static bool parse_line(const char *line, struct kvn_lease *ret)
{
	struct kvn_lease lease = {0};
	char expires[24], id[256], address[KVN_IP_TEXT], hostname[256], client[768], *end;
	size_t length = strcspn(line, "\n");
	char copy[1536];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, line, length);
	copy[length] = '\0';
	if (sscanf(copy, "%23s %255s %45s %255s %767s", expires, id, address, hostname, client) != 5)
		return false;
	lease.expires = strtoll(expires, &end, 10);
	if (*end != '\0' || lease.expires < 0 || kvn_ip_parse(address, AF_UNSPEC, &lease.ip) < 0)
		return false;
	if (lease.ip.family == AF_INET)
		(void)kvn_mac_parse(id, lease.mac); /* not Ethernet: unknown */
	else
		take_duid(client, lease.mac);
	take_hostname(strcmp(hostname, "*") == 0 ? "" : hostname, lease.hostname);
	*ret = lease;
	return true;
}

/* Room for what the lines of @text can hold. */
static struct kvn_lease *allocate(const char *text)
{
	size_t n = 1;

	for (; *text; text = next_line(text))
		n++;
	return calloc(n, sizeof(struct kvn_lease));
}

int kvn_lease_parse(const char *text, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err)
{
	auto_free struct kvn_lease *leases = allocate(text);
	size_t n = 0;

	if (!leases)
		return kvn_fail_errno(err, ENOMEM, "leases");
	for (; *text; text = next_line(text))
		if (parse_line(text, &leases[n]))
			n++;
	*ret = n > 0 ? steal_ptr(&leases) : NULL;
	*ret_n = n;
	return 0;
}

int kvn_lease_dump(const char *path, struct kvn_lease **ret, size_t *ret_n, struct kvn_error *err)
{
	auto_free struct kvn_lease *leases = NULL;
	auto_free char *text = NULL;
	int64_t now = time(NULL);
	size_t n, kept = 0;
	int r = kvn_file_read(path, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	r = kvn_lease_parse(r < 0 ? "" : text, &leases, &n, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (leases[i].expires == 0 || leases[i].expires > now)
			leases[kept++] = leases[i];
	*ret = kept > 0 ? steal_ptr(&leases) : NULL;
	*ret_n = kept;
	return 0;
}

/* ---- eviction ---- */

static bool has_line(const char *text, const char *line)
{
	size_t length = strcspn(line, "\n");

	for (; *text; text = next_line(text))
		if (strcspn(text, "\n") == length && memcmp(text, line, length) == 0)
			return true;
	return false;
}

/* Append the addresses of "MAC,ADDRESS,[ADDRESS6],NAME" to @list, which has room for two. */
static size_t parse_reservation(const char *line, struct kvn_lease *list)
{
	const char *end = line + strcspn(line, "\n");
	struct kvn_lease lease = {0};
	char field[KVN_IP_TEXT + 2];
	size_t n = 0;

	for (const char *at = line; at < end; at += strcspn(at, ",\n"), at += at < end) {
		size_t length = strcspn(at, ",\n");
		bool is_bracketed = length > 2 && at[0] == '[' && at[length - 1] == ']';

		if (length >= sizeof(field))
			continue;
		memcpy(field, at, length);
		field[length - is_bracketed] = '\0';
		if (at == line && kvn_mac_parse(field, lease.mac) < 0)
			return 0;
		if (at != line && n < 2 && kvn_ip_parse(field + is_bracketed, AF_UNSPEC, &lease.ip) == 0)
			list[n++] = lease;
	}
	return n;
}

static bool is_in_the_way(const struct kvn_lease *lease, const struct kvn_lease *reserved, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (kvn_ip_equal(&lease->ip, &reserved[i].ip))
			return memcmp(lease->mac, reserved[i].mac, sizeof(lease->mac)) != 0;
	return false;
}

int kvn_lease_evict(const char *text, const char *reservations, const char *before, char **ret, struct kvn_error *err)
{
	auto_free char *kept = malloc(strlen(text) + 1);
	auto_free struct kvn_lease *reserved = NULL;
	size_t n = 0, lines = 1, used = 0;

	for (const char *line = reservations; *line; line = next_line(line))
		lines++;
	reserved = calloc(2 * lines, sizeof(*reserved));
	if (!kept || !reserved)
		return kvn_fail_errno(err, ENOMEM, "leases");
	for (const char *line = reservations; *line; line = next_line(line))
		if (!has_line(before, line))
			n += parse_reservation(line, reserved + n);
	for (const char *line = text; *line; line = next_line(line)) {
		size_t length = (size_t)(next_line(line) - line);
		struct kvn_lease lease;

		if (n > 0 && parse_line(line, &lease) && is_in_the_way(&lease, reserved, n))
			continue;
		memcpy(kept + used, line, length);
		used += length;
	}
	kept[used] = '\0';
	*ret = text[used] == '\0' ? NULL : steal_ptr(&kept); /* as long as it was: nothing had to go */
	return 0;
}
