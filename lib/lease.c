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

/* The MAC as a host's name: what a guest is called when its reserved name is taken back. */
static const char *format_placeholder(const uint8_t mac[static 6], char text[static KVN_MAC_TEXT])
{
	kvn_mac_format(mac, text);
	for (char *c = text; *c; c++)
		if (*c == ':')
			*c = '-';
	return text;
}

/* The words of a line. */
struct words {
	char expires[24], id[256], address[KVN_IP_TEXT], hostname[256], client[768];
};

static bool split(const char *line, struct words *ret)
{
	size_t length = strcspn(line, "\n");
	char copy[sizeof(*ret)];

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, line, length);
	copy[length] = '\0';
	return sscanf(copy, "%23s %255s %45s %255s %767s", ret->expires, ret->id, ret->address, ret->hostname,
		      ret->client) == 5;
}

static bool parse_line(const char *line, struct kvn_lease *ret)
{
	struct kvn_lease lease = {0};
	char placeholder[KVN_MAC_TEXT], *end;
	struct words words;

	if (!split(line, &words))
		return false;
	lease.expires = strtoll(words.expires, &end, 10);
	if (*end != '\0' || lease.expires < 0 || kvn_ip_parse(words.address, AF_UNSPEC, &lease.ip) < 0)
		return false;
	if (lease.ip.family == AF_INET)
		(void)kvn_mac_parse(words.id, lease.mac); /* not Ethernet: unknown */
	else
		take_duid(words.client, lease.mac);
	if (strcmp(words.hostname, "*") != 0 && strcmp(words.hostname, format_placeholder(lease.mac, placeholder)) != 0)
		take_hostname(words.hostname, lease.hostname);
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
	size_t n = 0, kept = 0;
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

/* ---- reservations ---- */

/* "MAC,id:DUID,ADDRESS,[ADDRESS6],NAME.DOMAIN", all but the MAC or the DUID optional. */
struct reservation {
	const char *line; /* not terminated */
	int length;
	uint8_t mac[6]; /* all zero: none */
	const char *duid; /* not terminated; NULL: none */
	size_t duid_length;
	struct kvn_ip ipv4, ipv6;
	char name[64]; /* without the domain */
	const char *domain; /* with its dot, up to the line's end; NULL: no name */
	bool is_news; /* the other list does not have the line */
	bool is_taken_back; /* a lease bears its name, which is its no more */
};

struct reservations {
	struct reservation *items; /* owned */
	size_t n;
};

static void parse_field(const char *field, size_t length, struct reservation *ret)
{
	bool is_bracketed = length > 2 && field[0] == '[' && field[length - 1] == ']';
	char text[KVN_IP_TEXT + 2];
	struct kvn_ip ip;

	if (length > 3 && strncmp(field, "id:", 3) == 0) {
		ret->duid = field + 3;
		ret->duid_length = length - 3;
		return;
	}
	if (length < sizeof(text)) {
		memcpy(text, field, length);
		text[length - is_bracketed] = '\0';
		if (kvn_ip_parse(text + is_bracketed, AF_UNSPEC, &ip) == 0) {
			*(ip.family == AF_INET ? &ret->ipv4 : &ret->ipv6) = ip;
			return;
		}
	}
	ret->domain = field + strcspn(field, ".,\n");
	(void)snprintf(ret->name, sizeof(ret->name), "%.*s", (int)(ret->domain - field), field);
}

static bool parse_reservation(const char *line, struct reservation *ret)
{
	const char *end = line + strcspn(line, "\n"), *at = line;
	size_t length = strcspn(line, ",\n");
	char mac[KVN_MAC_TEXT];

	*ret = (struct reservation){.line = line, .length = (int)(end - line)};
	if (length == sizeof(mac) - 1) {
		memcpy(mac, line, sizeof(mac) - 1);
		mac[sizeof(mac) - 1] = '\0';
	}
	if (length == sizeof(mac) - 1 && kvn_mac_parse(mac, ret->mac) == 0)
		at += length;
	else if (strncmp(line, "id:", 3) != 0)
		return false;
	while (at < end) {
		at += *at == ',';
		length = strcspn(at, ",\n");
		parse_field(at, length, ret);
		at += length;
	}
	return true;
}

static int parse_reservations(const char *text, struct reservations *ret)
{
	size_t lines = 1;

	for (const char *line = text; *line; line = next_line(line))
		lines++;
	ret->items = calloc(lines, sizeof(*ret->items));
	if (!ret->items)
		return -ENOMEM;
	for (const char *line = text; *line; line = next_line(line))
		ret->n += parse_reservation(line, &ret->items[ret->n]);
	return 0;
}

static bool has_line(const struct reservations *list, const struct reservation *item)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].length == item->length &&
		    memcmp(list->items[i].line, item->line, (size_t)item->length) == 0)
			return true;
	return false;
}

/* ---- what a change of reservations does to leases ---- */

static const struct kvn_ip *address_of(const struct reservation *item, int family)
{
	return family == AF_INET ? &item->ipv4 : &item->ipv6;
}

/* Is the holder of @lease, whose DHCP client calls itself @client, whom the reservation is for? */
static bool is_for(const struct reservation *item, const struct kvn_lease *lease, const char *client)
{
	if (item->duid && lease->ip.family == AF_INET6 && strlen(client) == item->duid_length &&
	    strncasecmp(client, item->duid, item->duid_length) == 0)
		return true;
	return !(item->duid && kvn_mac_is_zero(item->mac)) && memcmp(lease->mac, item->mac, sizeof(lease->mac)) == 0;
}

static bool is_in_the_way(const struct kvn_lease *lease, const char *client, const struct reservations *after)
{
	for (size_t i = 0; i < after->n; i++)
		if (after->items[i].is_news && kvn_ip_equal(address_of(&after->items[i], lease->ip.family), &lease->ip))
			return !is_for(&after->items[i], lease, client);
	return false;
}

/* The reservation by which @lease has its name: it may be for another address than the one that the guest still has. */
static struct reservation *namer_of(const struct kvn_lease *lease, const char *client, const struct reservations *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (is_for(&list->items[i], lease, client) && list->items[i].name[0] &&
		    strcasecmp(list->items[i].name, lease->hostname) == 0)
			return &list->items[i];
	return NULL;
}

/* dnsmasq gives a lease its reserved name when the reservation is for its address, or for none. */
static bool keeps_name(const struct kvn_lease *lease, const char *client, const struct reservations *after)
{
	const struct reservation *namer = namer_of(lease, client, after);
	const struct kvn_ip *ip = namer ? address_of(namer, lease->ip.family) : NULL;

	return ip && (ip->family == AF_UNSPEC || kvn_ip_equal(ip, &lease->ip));
}

static void settle_line(const char *line, struct reservations *before, const struct reservations *after, FILE *out,
			struct kvn_lease_change *ret)
{
	struct reservation *namer;
	struct kvn_lease lease;
	struct words words;

	if (!split(line, &words) || !parse_line(line, &lease)) {
		fprintf(out, "%.*s", (int)(next_line(line) - line), line);
		return;
	}
	if (is_in_the_way(&lease, words.client, after)) {
		ret->needs_restart = true;
		return;
	}
	namer = namer_of(&lease, words.client, before);
	if (!namer || keeps_name(&lease, words.client, after)) {
		fprintf(out, "%.*s", (int)(next_line(line) - line), line);
		return;
	}
	if (lease.ip.family == AF_INET)
		namer->is_taken_back = true;
	else
		ret->needs_restart = true; /* dnsmasq renames IPv4 leases only */
	fprintf(out, "%s %s %s * %s\n", words.expires, words.id, words.address, words.client);
}

static int settle_text(const char *text, struct reservations *before, const struct reservations *after,
		       struct kvn_lease_change *ret)
{
	size_t size = 0;
	FILE *out = open_memstream(&ret->text, &size);
	bool is_whole;

	if (!out)
		return -ENOMEM;
	for (const char *line = text; *line; line = next_line(line))
		settle_line(line, before, after, out, ret);
	is_whole = !ferror(out);
	if (fclose(out) != 0 || !is_whole)
		return -ENOMEM;
	if (strcmp(ret->text, text) == 0) {
		free(ret->text);
		ret->text = NULL;
	}
	return 0;
}

static int format_renames(const struct reservations *before, char **ret)
{
	char mac[KVN_MAC_TEXT], name[KVN_MAC_TEXT];
	bool is_needed = false, is_whole;
	size_t size;
	FILE *out;

	for (size_t i = 0; i < before->n; i++)
		is_needed = is_needed || before->items[i].is_taken_back;
	if (!is_needed)
		return 0;
	out = open_memstream(ret, &size);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < before->n; i++) {
		const struct reservation *item = &before->items[i];

		if (item->is_taken_back)
			fprintf(out, "%s,%s%.*s\n", kvn_mac_format(item->mac, mac), format_placeholder(item->mac, name),
				(int)strcspn(item->domain, ",\n"), item->domain);
		else
			fprintf(out, "%.*s\n", item->length, item->line);
	}
	is_whole = !ferror(out);
	return fclose(out) == 0 && is_whole ? 0 : -ENOMEM;
}

void kvn_lease_change_clear(struct kvn_lease_change *change)
{
	free(change->text);
	free(change->renames);
	*change = (struct kvn_lease_change){0};
}

int kvn_lease_settle(const char *text, const char *before, const char *after, struct kvn_lease_change *ret,
		     struct kvn_error *err)
{
	struct reservations had = {0}, want = {0};
	struct kvn_lease_change change = {0};
	int r = parse_reservations(before, &had);

	if (r == 0)
		r = parse_reservations(after, &want);
	for (size_t i = 0; r == 0 && i < want.n; i++)
		want.items[i].is_news = !has_line(&had, &want.items[i]);
	if (r == 0)
		r = settle_text(text, &had, &want, &change);
	if (r == 0)
		r = format_renames(&had, &change.renames);
	free(had.items);
	free(want.items);
	if (r < 0) {
		kvn_lease_change_clear(&change);
		return kvn_fail_errno(err, -r, "leases");
	}
	*ret = change;
	return 0;
}
