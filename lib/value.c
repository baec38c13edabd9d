/* SPDX-License-Identifier: GPL-2.0-or-later */
/* value.c - names, words, numbers and times as values of a definition.  Addresses are in value_address.c. */
#include "value.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "definition.h"

#define COUNT_MAX 100000

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A name that is not checked yet may be no text at all: then it stays out of messages, which go into JSON. */
static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static json_t *text_or_null(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

/* ---- names ---- */

int kvn_name_check(const char *name, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	if (name[0] == '\0')
		return kvn_fail(err, EINVAL, "a network's name is empty");
	if (strlen(name) > KVN_NAME_MAX)
		return kvn_fail(err, EINVAL, "'%s' is no network's name: more than %d bytes",
				is_ascii(name) ? kvn_text_excerpt(name, excerpt) : "...", KVN_NAME_MAX);
	for (const char *c = name; *c; c++)
		if (!is_alnum(*c) && (c == name || !strchr("._-", *c)))
			return kvn_fail(err, EINVAL,
					"'%s' is no network's name: letters, digits, '.', '_' and '-', "
					"the first a letter or a digit",
					is_ascii(name) ? name : "...");
	return 0;
}

int kvn_ifname_check(const char *ifname, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	if (ifname[0] == '\0')
		return kvn_fail(err, EINVAL, "a link's name is empty");
	if (strlen(ifname) > KVN_NAME_MAX)
		return kvn_fail(err, EINVAL, "'%s' is no link's name: more than %d bytes",
				is_ascii(ifname) ? kvn_text_excerpt(ifname, excerpt) : "...", KVN_NAME_MAX);
	for (const char *c = ifname; *c; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr("/:%", *c))
			return kvn_fail(err, EINVAL,
					"'%s' is no link's name: no space, '/', ':', '%%' or character beyond ASCII",
					is_ascii(ifname) ? ifname : "...");
	/* "all" and "default" are folders of their own beside the links' in /proc/sys/net. */
	if (strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0 || strcmp(ifname, "all") == 0 ||
	    strcmp(ifname, "default") == 0)
		return kvn_fail(err, EINVAL, "'%s' is no link's name: the kernel does not take it", ifname);
	return 0;
}

static int take_name(const char *text, char member[static KVN_NAME_MAX + 1], int r)
{
	if (r == 0)
		memcpy(member, text, strlen(text) + 1);
	return r;
}

int kvn_name_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return take_name(text, member, kvn_name_check(text, err));
}

json_t *kvn_name_value_format(const void *member, const void *beside)
{
	(void)beside;
	return text_or_null(member);
}

int kvn_ifname_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	(void)beside;
	return take_name(text, member, kvn_ifname_check(text, err));
}

json_t *kvn_ifname_value_format(const void *member, const void *beside)
{
	(void)beside;
	return text_or_null(member);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef",
		   *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* 32 digits; hyphens, as RFC 9562 section 4 writes them, at their places or not at all. */
static bool parse_uuid(const char *text, uint8_t ret[static 16])
{
	bool has_hyphens = strlen(text) == 36;

	for (size_t i = 0; i < 16; i++) {
		int high, low;

		if (has_hyphens && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text == '\0';
}

int kvn_uuid_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	static const uint8_t nil[16];
	char excerpt[KVN_EXCERPT];
	uint8_t uuid[16];

	(void)beside;
	if (!parse_uuid(text, uuid) || memcmp(uuid, nil, sizeof(nil)) == 0)
		return kvn_fail(err, EINVAL, "'%s' is no UUID such as 3e3fce45-4f53-4fa7-bb32-11f34168b82b",
				kvn_text_excerpt(text, excerpt));
	memcpy(member, uuid, sizeof(uuid));
	return 0;
}

json_t *kvn_uuid_value_format(const void *member, const void *beside)
{
	static const uint8_t nil[16];
	const uint8_t *uuid = member;
	char text[37] = "", *end = text;

	(void)beside;
	if (memcmp(uuid, nil, sizeof(nil)) == 0)
		return json_null();
	for (size_t i = 0; i < 16; i++)
		end += snprintf(end, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	return json_string(text);
}

/* Pairs of digits, the first of which may be missing, between colons.  0: not so, or too many */
static unsigned parse_bytes(const char *text, uint8_t *ret, unsigned max)
{
	unsigned n = 0;

	for (; n < max; n++) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (high < 0)
			return 0;
		ret[n] = (uint8_t)(low < 0 ? high : high << 4 | low);
		text += low < 0 ? 1 : 2;
		if (*text == '\0')
			return n + 1;
		if (*text++ != ':')
			return 0;
	}
	return 0;
}

int kvn_duid_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	uint8_t duid[KVN_DUID_MAX] = {0};
	unsigned size = parse_bytes(text, duid, KVN_DUID_MAX);
	char excerpt[KVN_EXCERPT];

	if (size < 3) /* a type of two bytes and something of that type */
		return kvn_fail(err, EINVAL, "'%s' is no DUID such as 00:03:00:01:52:54:00:12:34:56",
				kvn_text_excerpt(text, excerpt));
	memcpy(member, duid, sizeof(duid));
	*(unsigned *)beside = size;
	return 0;
}

const char *kvn_duid_format(const uint8_t *duid, unsigned size, char text[static KVN_DUID_TEXT])
{
	text[0] = '\0';
	for (unsigned i = 0; i < size && i < KVN_DUID_MAX; i++)
		(void)snprintf(text + (i ? 3 * i - 1 : 0), 4, "%s%02x", i ? ":" : "", duid[i]);
	return text;
}

json_t *kvn_duid_value_format(const void *member, const void *beside)
{
	unsigned size = *(const unsigned *)beside;
	char text[KVN_DUID_TEXT];

	return size ? json_string(kvn_duid_format(member, size, text)) : json_null();
}

/* RFC 1123 section 2.1: letters, digits and inner hyphens. */
static bool is_label(const char *text, size_t length)
{
	if (length == 0 || length > 63 || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(text[i]) && text[i] != '-')
			return false;
	return true;
}

int kvn_label_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (!is_label(text, strlen(text)))
		return kvn_fail(err, EINVAL, "'%s' is no host's name: 1 to 63 letters, digits and inner hyphens",
				kvn_text_excerpt(text, excerpt));
	memcpy(member, text, strlen(text) + 1);
	return 0;
}

json_t *kvn_label_value_format(const void *member, const void *beside)
{
	(void)beside;
	return text_or_null(member);
}

static bool is_domain(const char *text)
{
	const char *label = text;

	if (strlen(text) > KVN_DOMAIN_MAX)
		return false;
	for (;;) {
		size_t length = strcspn(label, ".");

		if (!is_label(label, length))
			return false;
		if (label[length] == '\0') /* a name in it must never read as an address */
			return strspn(label, "0123456789") < length;
		label += length + 1;
	}
}

int kvn_domain_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (!is_domain(text))
		return kvn_fail(err, EINVAL,
				"'%s' is no DNS domain: labels of letters, digits and inner hyphens between dots, "
				"at most %d bytes, the last not a number",
				kvn_text_excerpt(text, excerpt), KVN_DOMAIN_MAX);
	memcpy(member, text, strlen(text) + 1);
	return 0;
}

json_t *kvn_domain_value_format(const void *member, const void *beside)
{
	(void)beside;
	return text_or_null(member);
}

static int take_copy(const char *text, void *member, struct kvn_error *err)
{
	char *copy = strdup(text);

	if (!copy)
		return kvn_fail_errno(err, ENOMEM, "definition");
	*(char **)member = copy;
	return 0;
}

int kvn_dns_name_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char domain[KVN_DOMAIN_MAX + 1];
	int r = kvn_domain_value_parse(text, domain, beside, err);

	return r < 0 ? r : take_copy(text, member, err);
}

json_t *kvn_dns_name_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_string(*(char *const *)member);
}

int kvn_dns_text_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	(void)beside;
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return kvn_fail(err, EINVAL, "'%s' is no text of printable ASCII characters",
					kvn_text_excerpt(text, excerpt));
	if (strlen(text) > KVN_TEXT_MAX)
		return kvn_fail(err, EINVAL, "'%s' is longer than %u bytes", kvn_text_excerpt(text, excerpt),
				KVN_TEXT_MAX);
	return take_copy(text, member, err);
}

json_t *kvn_dns_text_value_format(const void *member, const void *beside)
{
	const char *text = *(char *const *)member;

	(void)beside;
	return text ? json_string(text) : json_null();
}

int kvn_boot_file_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	char excerpt[KVN_EXCERPT];

	(void)beside;
	for (const char *c = text; *c; c++)
		if (!is_alnum(*c) && !strchr("/._-+@=~:?&%", *c))
			return kvn_fail(err, EINVAL, "'%s' is no path or URL of letters, digits and /._-+@=~:?&%%",
					kvn_text_excerpt(text, excerpt));
	if (strlen(text) > KVN_BOOT_FILE_MAX)
		return kvn_fail(err, EINVAL, "'%s' is longer than %d bytes", kvn_text_excerpt(text, excerpt),
				KVN_BOOT_FILE_MAX);
	memcpy(member, text, strlen(text) + 1);
	return 0;
}

json_t *kvn_boot_file_value_format(const void *member, const void *beside)
{
	(void)beside;
	return text_or_null(member);
}

/* Users and groups as useradd makes them, and "NAME@REALM" of directory services. */
static bool is_account(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 64 || (!is_alnum(text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(text[i]) && !strchr("._-@", text[i]) && !(text[i] == '$' && i + 1 == length))
			return false;
	return true;
}

int kvn_grant_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	const char *colon = strchr(text, ':');
	bool is_known = strncmp(text, "user:", 5) == 0 || strncmp(text, "group:", 6) == 0;
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (!colon || !is_known || !is_account(colon + 1))
		return kvn_fail(err, EINVAL, "'%s' is neither user:NAME nor group:NAME",
				kvn_text_excerpt(text, excerpt));
	return take_copy(text, member, err);
}

json_t *kvn_grant_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_string(*(char *const *)member);
}

/* ---- numbers ---- */

/* Decimal digits alone.  -1: not so, or more than @max */
static int64_t parse_number(const char *text, size_t length, int64_t max)
{
	int64_t value = 0;

	if (length == 0)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
		if (value > max)
			return -1;
	}
	return value;
}

int kvn_count_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int64_t count = parse_number(text, strlen(text), COUNT_MAX);

	(void)beside;
	if (count < 0)
		return kvn_fail(err, EINVAL, "'%s' is not a number from 0 to %d", text, COUNT_MAX);
	*(unsigned *)member = (unsigned)count;
	return 0;
}

json_t *kvn_count_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_integer(*(const unsigned *)member);
}

int kvn_number16_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int64_t number = parse_number(text, strlen(text), UINT16_MAX);
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (number < 0)
		return kvn_fail(err, EINVAL, "'%s' is no number from 0 to %d", kvn_text_excerpt(text, excerpt),
				UINT16_MAX);
	*(unsigned *)member = (unsigned)number;
	return 0;
}

json_t *kvn_number16_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_integer(*(const unsigned *)member);
}

int kvn_mtu_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int64_t mtu = parse_number(text, strlen(text), KVN_MTU_MAX);
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (mtu < KVN_MTU_MIN)
		return kvn_fail(err, EINVAL, "'%s' is no number from %u to %u", kvn_text_excerpt(text, excerpt),
				KVN_MTU_MIN, KVN_MTU_MAX);
	*(unsigned *)member = (unsigned)mtu;
	return 0;
}

json_t *kvn_mtu_value_format(const void *member, const void *beside)
{
	unsigned mtu = *(const unsigned *)member;

	(void)beside;
	return mtu ? json_integer(mtu) : json_null();
}

static const struct {
	char letter;
	unsigned seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

/* Seconds in one of the unit that @text ends with, and the length without it. */
static unsigned split_unit(const char *text, size_t *ret_length)
{
	size_t length = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (length > 0 && text[length - 1] == units[i].letter) {
			*ret_length = length - 1;
			return units[i].seconds;
		}
	*ret_length = length;
	return 1;
}

int kvn_lease_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	size_t length;
	unsigned unit = split_unit(text, &length);
	/* dnsmasq's "infinite" is UINT32_MAX. */
	int64_t count = parse_number(text, length, (UINT32_MAX - 1) / unit);
	char excerpt[KVN_EXCERPT];

	(void)beside;
	if (strcmp(text, "infinite") == 0) {
		*(unsigned *)member = 0;
		return 0;
	}
	if (count < 0)
		return kvn_fail(err, EINVAL, "'%s' is no time such as 90m, 12h, 2d, 3600 (seconds) or infinite",
				kvn_text_excerpt(text, excerpt));
	if (count * unit < KVN_LEASE_MIN)
		return kvn_fail(err, EINVAL, "'%s' is shorter than %u seconds, dnsmasq's shortest lease",
				kvn_text_excerpt(text, excerpt), KVN_LEASE_MIN);
	*(unsigned *)member = (unsigned)(count * unit);
	return 0;
}

json_t *kvn_lease_value_format(const void *member, const void *beside)
{
	unsigned seconds = *(const unsigned *)member, i = 0;

	(void)beside;
	if (seconds == 0)
		return json_string("infinite");
	while (seconds % units[i].seconds)
		i++; /* the last unit divides all */
	return json_sprintf("%u%c", seconds / units[i].seconds, units[i].letter);
}

/* ---- words ---- */

int kvn_bool_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
	char excerpt[KVN_EXCERPT];

	(void)beside;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*(bool *)member = i % 2;
			return 0;
		}
	return kvn_fail(err, EINVAL, "'%s' is neither true nor false", kvn_text_excerpt(text, excerpt));
}

json_t *kvn_bool_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_boolean(*(const bool *)member);
}

int kvn_given_bool_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int r = kvn_bool_value_parse(text, member, NULL, err);

	if (r == 0)
		*(bool *)beside = true;
	return r;
}

json_t *kvn_given_bool_value_format(const void *member, const void *beside)
{
	return *(const bool *)beside ? json_boolean(*(const bool *)member) : json_null();
}

static const char *const models[] = {[KVN_ISOLATED] = "isolated",
				     [KVN_ROUTED] = "routed",
				     [KVN_NAT] = "nat",
				     [KVN_BRIDGED] = "bridged",
				     [KVN_OPEN] = "open"};
static const char *const starts[] = {
	[KVN_START_BOOT] = "boot", [KVN_START_ON_DEMAND] = "on-demand", [KVN_START_MANUAL] = "manual"};
static const char *const accesses[] = {
	[KVN_HOST_ALL] = "all", [KVN_HOST_SERVICES] = "services", [KVN_HOST_NONE] = "none"};

static const char *const protocols[] = {[KVN_TCP] = "tcp", [KVN_UDP] = "udp"};

/* The place of @text among @words. */
static int parse_word(const char *text, const char *const *words, size_t n, struct kvn_error *err)
{
	char list[128] = "", excerpt[KVN_EXCERPT];
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return (int)i;
	for (size_t i = 0; i < n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
	return kvn_fail(err, EINVAL, "'%s' is none of %s", kvn_text_excerpt(text, excerpt), list);
}

static const char *word(const char *const *words, size_t n, size_t i)
{
	return i < n ? words[i] : "unknown";
}

const char *kvn_model_format(enum kvn_model model)
{
	return word(models, ARRAY_SIZE(models), model);
}

const char *kvn_start_format(enum kvn_start start)
{
	return word(starts, ARRAY_SIZE(starts), start);
}

const char *kvn_host_access_format(enum kvn_host_access access)
{
	return word(accesses, ARRAY_SIZE(accesses), access);
}

int kvn_model_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int r = parse_word(text, models, ARRAY_SIZE(models), err);

	(void)beside;
	if (r < 0)
		return r;
	*(enum kvn_model *)member = (enum kvn_model)r;
	return 0;
}

json_t *kvn_model_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_string(kvn_model_format(*(const enum kvn_model *)member));
}

int kvn_start_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int r = parse_word(text, starts, ARRAY_SIZE(starts), err);

	(void)beside;
	if (r < 0)
		return r;
	*(enum kvn_start *)member = (enum kvn_start)r;
	return 0;
}

json_t *kvn_start_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_string(kvn_start_format(*(const enum kvn_start *)member));
}

int kvn_protocol_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int r = parse_word(text, protocols, ARRAY_SIZE(protocols), err);

	(void)beside;
	if (r < 0)
		return r;
	*(enum kvn_protocol *)member = (enum kvn_protocol)r;
	return 0;
}

json_t *kvn_protocol_value_format(const void *member, const void *beside)
{
	(void)beside;
	return json_string(word(protocols, ARRAY_SIZE(protocols), *(const enum kvn_protocol *)member));
}

int kvn_host_access_value_parse(const char *text, void *member, void *beside, struct kvn_error *err)
{
	int r = parse_word(text, accesses, ARRAY_SIZE(accesses), err);

	if (r < 0)
		return r;
	*(enum kvn_host_access *)member = (enum kvn_host_access)r;
	*(bool *)beside = true;
	return 0;
}

json_t *kvn_host_access_value_format(const void *member, const void *beside)
{
	if (!*(const bool *)beside)
		return json_null();
	return json_string(kvn_host_access_format(*(const enum kvn_host_access *)member));
}
