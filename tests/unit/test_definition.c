/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_definition.c - definitions against data/definition: good/NAME.yaml resolves to good/NAME.json; bad/NAME.yaml is refused
 * in the words of its first line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "definition.h"
#include "file.h"

#define MANY 20000 /* reservations; a file of 1 MiB holds about as many */

/* ---- the data ---- */

static void data_path(char ret[static 512], const char *folder, const char *name)
{
	const char *data = getenv("KVN_TEST_DATA");

	if (data)
		(void)snprintf(ret, 512, "%s/definition/%s/%s", data, folder, name);
	else
		(void)snprintf(ret, 512, "%.*s/data/definition/%s/%s", (int)(strrchr(__FILE__, '/') - __FILE__),
			       __FILE__, folder, name);
}

static char *data_read(const char *folder, const char *name)
{
	struct kvn_error err = {0};
	char path[512], *text = NULL;

	data_path(path, folder, name);
	if (kvn_file_read(path, &text, &err) < 0)
		fail_msg("%s", err.message);
	return text;
}

/* Call @visit for each FOLDER/NAME.yaml; returns how many there were. */
static size_t each_file(const char *folder, void (*visit)(const char *name))
{
	const struct dirent *entry;
	auto_dir DIR *dir = NULL;
	char path[512];
	size_t n = 0;

	data_path(path, folder, "");
	dir = opendir(path);
	if (!dir)
		fail_msg("%s: %s", path, strerror(errno));
	while (dir && (entry = readdir(dir)))
		if (strlen(entry->d_name) > 5 && strcmp(strchr(entry->d_name, '.'), ".yaml") == 0) {
			visit(entry->d_name);
			n++;
		}
	return n;
}

/* ---- reading and comparing ---- */

static int try_read(const char *text, const char *file, const char *name, struct kvn_network *ret,
		    struct kvn_error *err)
{
	struct kvn_document doc;
	int r = kvn_document_parse(text, file, &doc, err);

	if (r < 0)
		return r;
	r = kvn_definition_read(&doc, name, ret, err);
	kvn_document_clear(&doc);
	return r;
}

static struct kvn_network must_read(const char *text)
{
	struct kvn_network net;
	struct kvn_error err = {0};

	if (try_read(text, "net.yaml", NULL, &net, &err) < 0)
		fail_msg("%s\n%s", err.message, text);
	return net;
}

static void assert_same_hosts(const struct kvn_network *a, const struct kvn_network *b)
{
	assert_int_equal(a->n_hosts, b->n_hosts);
	for (size_t i = 0; i < a->n_hosts; i++) {
		assert_string_equal(a->hosts[i].name, b->hosts[i].name);
		assert_memory_equal(a->hosts[i].mac, b->hosts[i].mac, 6);
		assert_int_equal(a->hosts[i].duid_size, b->hosts[i].duid_size);
		assert_memory_equal(a->hosts[i].duid, b->hosts[i].duid, KVN_DUID_MAX);
		assert_true(kvn_ip_equal(&a->hosts[i].ipv4, &b->hosts[i].ipv4));
		assert_true(kvn_ip_equal(&a->hosts[i].ipv6, &b->hosts[i].ipv6));
	}
	assert_int_equal(a->n_allow, b->n_allow);
	for (size_t i = 0; i < a->n_allow; i++)
		assert_string_equal(a->allow[i], b->allow[i]);
}

static void assert_same_addresses(const struct kvn_network *a, const struct kvn_network *b)
{
	assert_int_equal(a->ipv4.address_choice, b->ipv4.address_choice);
	assert_true(kvn_cidr_equal(&a->ipv4.address, &b->ipv4.address));
	assert_int_equal(a->ipv4.dhcp_choice, b->ipv4.dhcp_choice);
	assert_true(kvn_ip_equal(&a->ipv4.dhcp.first, &b->ipv4.dhcp.first));
	assert_true(kvn_ip_equal(&a->ipv4.dhcp.last, &b->ipv4.dhcp.last));
	assert_int_equal(a->ipv4.lease_s, b->ipv4.lease_s);
	assert_string_equal(a->ipv4.boot_file, b->ipv4.boot_file);
	assert_true(kvn_ip_equal(&a->ipv4.boot_server, &b->ipv4.boot_server));
	assert_int_equal(a->ipv6.address_choice, b->ipv6.address_choice);
	assert_true(kvn_cidr_equal(&a->ipv6.address, &b->ipv6.address));
	assert_int_equal(a->ipv6.dhcp, b->ipv6.dhcp);
	assert_true(kvn_ip_equal(&a->ipv6.range.first, &b->ipv6.range.first));
	assert_true(kvn_ip_equal(&a->ipv6.range.last, &b->ipv6.range.last));
}

static void assert_same_records(const struct kvn_network *a, const struct kvn_network *b)
{
	assert_int_equal(a->dns.n_forwarders, b->dns.n_forwarders);
	for (size_t i = 0; i < a->dns.n_forwarders; i++)
		assert_memory_equal(&a->dns.forwarders[i], &b->dns.forwarders[i], sizeof(a->dns.forwarders[i]));
	assert_int_equal(a->dns.n_hosts, b->dns.n_hosts);
	for (size_t i = 0; i < a->dns.n_hosts; i++) {
		assert_true(kvn_ip_equal(&a->dns.hosts[i].ip, &b->dns.hosts[i].ip));
		assert_int_equal(a->dns.hosts[i].n_names, b->dns.hosts[i].n_names);
		for (size_t j = 0; j < a->dns.hosts[i].n_names; j++)
			assert_string_equal(a->dns.hosts[i].names[j], b->dns.hosts[i].names[j]);
	}
	assert_int_equal(a->dns.n_txt, b->dns.n_txt);
	for (size_t i = 0; i < a->dns.n_txt; i++) {
		assert_string_equal(a->dns.txt[i].name, b->dns.txt[i].name);
		assert_string_equal(a->dns.txt[i].value, b->dns.txt[i].value);
	}
	assert_int_equal(a->dns.n_srv, b->dns.n_srv);
	for (size_t i = 0; i < a->dns.n_srv; i++)
		assert_memory_equal(&a->dns.srv[i], &b->dns.srv[i], sizeof(a->dns.srv[i]));
}

/* Every member, the "was given" ones too. */
static void assert_same(const struct kvn_network *a, const struct kvn_network *b)
{
	assert_string_equal(a->name, b->name);
	assert_memory_equal(a->uuid, b->uuid, sizeof(a->uuid));
	assert_int_equal(a->model, b->model);
	assert_string_equal(a->bridge, b->bridge);
	assert_memory_equal(a->mac, b->mac, 6);
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->stp, b->stp);
	assert_int_equal(a->start, b->start);
	assert_string_equal(a->uplink, b->uplink);
	assert_same_addresses(a, b);
	assert_int_equal(a->dns.is_enabled, b->dns.is_enabled);
	assert_string_equal(a->dns.domain, b->dns.domain);
	assert_int_equal(a->dns.is_local, b->dns.is_local);
	assert_int_equal(a->dns.n_upstream, b->dns.n_upstream);
	for (size_t i = 0; i < a->dns.n_upstream; i++)
		assert_true(kvn_ip_equal(&a->dns.upstream[i], &b->dns.upstream[i]));
	assert_same_records(a, b);
	assert_same_hosts(a, b);
	assert_int_equal(a->host_access, b->host_access);
	assert_int_equal(a->is_host_access_given, b->is_host_access_given);
	assert_int_equal(a->is_dns_enabled_given, b->is_dns_enabled_given);
	assert_int_equal(a->isolate_ports, b->isolate_ports);
}

/* What is written reads back as the same struct: as JSON, as JSON text, as YAML. */
static void assert_reads_back(const struct kvn_network *net)
{
	auto_json json_t *tree = kvn_definition_write(net);
	auto_free char *json = json_dumps(tree, JSON_COMPACT), *yaml = NULL;
	auto_json json_t *parsed = json_loads(json, 0, NULL);
	json_t *trees[] = {tree, parsed};
	struct kvn_network again;
	struct kvn_error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		struct kvn_document doc;

		assert_int_equal(kvn_document_from_json(trees[i], "record", &doc, NULL), 0);
		if (kvn_definition_read(&doc, net->name, &again, &err) < 0)
			fail_msg("%s\n%s", err.message, json);
		assert_same(net, &again);
		kvn_network_clear(&again);
		kvn_document_clear(&doc);
	}
	assert_int_equal(kvn_yaml_format(tree, &yaml, NULL), 0);
	again = must_read(yaml);
	assert_same(net, &again);
	kvn_network_clear(&again);
}

/* ---- good and bad files ---- */

static void check_good(const char *file)
{
	char golden[512];
	auto_free char *text = data_read("good", file), *wanted = NULL, *got = NULL;
	auto_json json_t *tree = NULL;
	struct kvn_network net, once;
	struct kvn_error err = {0};

	(void)snprintf(golden, sizeof(golden), "%.*s.json", (int)strlen(file) - 5, file);
	wanted = data_read("good", golden);
	if (try_read(text, file, NULL, &net, &err) < 0)
		fail_msg("%s", err.message);
	assert_reads_back(&net);
	kvn_definition_resolve(&net);
	assert_reads_back(&net);
	if (kvn_definition_check(&net, &err) < 0)
		fail_msg("%s, resolved: %s", file, err.message);
	tree = kvn_definition_write(&net);
	got = json_dumps(tree, JSON_INDENT(2));
	wanted[strlen(wanted) - 1] = '\0'; /* the newline at its end */
	assert_string_equal(got, wanted);
	once = net;
	kvn_definition_resolve(&net);
	assert_same(&once, &net);
	kvn_network_clear(&net);
}

static void test_good(void **state)
{
	(void)state;
	assert_true(each_file("good", check_good) >= 10);
}

static void check_bad(const char *file)
{
	auto_free char *text = data_read("bad", file), *wanted = strndup(text + 2, strcspn(text, "\n") - 2);
	struct kvn_network net = {.n_hosts = 77};
	struct kvn_error err = {0};

	if (try_read(text, file, NULL, &net, &err) != -EINVAL)
		fail_msg("accepted: %s", file);
	assert_string_equal(err.message, wanted);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(net.n_hosts, 77);
	assert_int_equal(try_read(text, file, NULL, &net, NULL), -EINVAL);
}

static void test_bad(void **state)
{
	(void)state;
	assert_true(each_file("bad", check_bad) >= 100);
}

static void test_name_of_the_file(void **state)
{
	struct kvn_network net;
	struct kvn_error err = {0};

	(void)state;
	assert_int_equal(try_read("model: open\n", "net0.yaml", "net0", &net, &err), 0);
	assert_string_equal(net.name, "net0");
	kvn_network_clear(&net);
	assert_int_equal(try_read("model: nat\nname: other\n", "net0.yaml", "net0", &net, &err), -EINVAL);
	assert_string_equal(err.message, "net0.yaml:2: key 'name': 'other' is not this network's name, 'net0'");
	assert_int_equal(try_read("", "x.yaml", "a b", &net, &err), -EINVAL);
}

/* ---- JSON as others write it ---- */

static void test_json_types(void **state)
{
	static const struct {
		const char *json, *message; /* NULL: accepted */
	} cases[] = {
		{"{'mtu': 1500, 'stp': true, 'ipv4': {'lease': 600}, 'hosts': null, 'ipv6': null}", NULL},
		{"{'mtu': '1500', 'stp': 'on', 'isolate_ports': 'no'}", NULL},
		{"{'mtu': 1500.5}", "api: key 'mtu': 68..65535 is wanted, found a number with a fraction"},
		{"{'mtu': true}", "api: key 'mtu': 'true' is no number from 68 to 65535"},
		{"{'mtu': -1}", "api: key 'mtu': '-1' is no number from 68 to 65535"},
		{"{'mtu': 4294968796}", "api: key 'mtu': '4294968796' is no number from 68 to 65535"},
		{"{'stp': 1}", "api: key 'stp': '1' is neither true nor false"},
		{"{'ipv4': []}", "api: key 'ipv4': a mapping (KEY: VALUE lines) is wanted, found a list"},
		{"{'ipv4': {'address': {}}}",
		 "api: key 'ipv4.address': auto | none | ADDRESS/PREFIXLEN is wanted, found a mapping"},
		{"{'allow': [null]}", "api: key 'allow': an empty item"},
		{"{'allow': [['user:a']]}", "api: key 'allow': [user:NAME | group:NAME, ...] is wanted, found a list"},
		{"{'hosts': [{'mac': 5}]}", "api: key 'hosts.mac': '5' is no MAC address such as 52:54:00:12:34:56"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *json = strdup(cases[i].json);
		auto_json json_t *tree = NULL;
		struct kvn_document doc;
		struct kvn_network net;
		struct kvn_error err = {0};
		int r;

		for (char *c = json; *c; c++)
			*c = *c == '\'' ? '"' : *c;
		tree = json_loads(json, 0, NULL);
		assert_int_equal(kvn_document_from_json(tree, "api", &doc, NULL), 0);
		r = kvn_definition_read(&doc, "net0", &net, &err);
		assert_string_equal(err.message, cases[i].message ? cases[i].message : "");
		assert_int_equal(r, cases[i].message ? -EINVAL : 0);
		if (r == 0)
			kvn_network_clear(&net);
		kvn_document_clear(&doc);
	}
}

static void test_json_values(void **state)
{
	auto_json json_t *tree = json_pack("{s:i, s:b, s:{s:i}}", "mtu", 9000, "stp", 1, "ipv4", "lease", 600);
	struct kvn_document doc;
	struct kvn_network net;

	(void)state;
	assert_int_equal(kvn_document_from_json(tree, "api", &doc, NULL), 0);
	assert_int_equal(kvn_definition_read(&doc, "net0", &net, NULL), 0);
	assert_int_equal(net.mtu, 9000);
	assert_true(net.stp);
	assert_int_equal(net.ipv4.lease_s, 600);
	kvn_network_clear(&net);
	kvn_document_clear(&doc);
}

/* ---- the way of a network from its file to the host ---- */

static void test_defaults_after_read(void **state)
{
	static const struct {
		const char *model;
		enum kvn_choice ipv4;
	} cases[] = {{"isolated", KVN_CHOICE_AUTO},
		     {"routed", KVN_CHOICE_AUTO},
		     {"nat", KVN_CHOICE_AUTO},
		     {"open", KVN_CHOICE_NONE},
		     {"bridged, uplink: eth0", KVN_CHOICE_NONE}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		struct kvn_network net;

		(void)snprintf(text, sizeof(text), "{name: net0, model: %s}", cases[i].model);
		net = must_read(text);
		assert_int_equal(net.ipv4.address_choice, cases[i].ipv4);
		assert_int_equal(net.ipv6.address_choice, KVN_CHOICE_NONE);
		assert_int_equal(net.ipv4.dhcp_choice, KVN_CHOICE_UNSET);
		assert_int_equal(net.ipv6.dhcp, KVN_DHCP6_UNSET);
		assert_false(net.is_host_access_given);
		assert_false(net.is_dns_enabled_given);
		assert_int_equal(net.ipv4.lease_s, KVN_LEASE_DEFAULT);
		kvn_network_clear(&net);
	}
}

static void test_resolve_in_two_steps(void **state)
{
	struct kvn_network net = must_read("name: net0\nipv6: {address: auto}\n");
	char text[KVN_RANGE_TEXT];

	(void)state;
	kvn_definition_resolve(&net);
	assert_int_equal(net.ipv4.address_choice, KVN_CHOICE_AUTO);
	assert_int_equal(net.ipv4.dhcp_choice, KVN_CHOICE_AUTO);
	assert_int_equal(net.ipv6.dhcp, KVN_DHCP6_UNSET);
	assert_true(net.dns.is_enabled);
	net.ipv4.address_choice = net.ipv6.address_choice = KVN_CHOICE_GIVEN;
	assert_int_equal(kvn_cidr_parse("10.213.4.1/24", AF_INET, &net.ipv4.address), 0);
	assert_int_equal(kvn_cidr_parse("fd00::1/64", AF_INET6, &net.ipv6.address), 0);
	kvn_definition_resolve(&net);
	assert_int_equal(net.ipv4.dhcp_choice, KVN_CHOICE_GIVEN);
	assert_string_equal(kvn_range_format(&net.ipv4.dhcp, text), "10.213.4.2-10.213.4.254");
	assert_int_equal(net.ipv6.dhcp, KVN_DHCP6_SLAAC);
	assert_int_equal(kvn_definition_check(&net, NULL), 0);
	kvn_network_clear(&net);
}

static void test_check_after_settling(void **state)
{
	struct kvn_network net = must_read("name: net0\nhosts: [{name: web, ipv4: 10.9.0.5}]\n");
	struct kvn_error err = {0};

	(void)state;
	kvn_definition_resolve(&net);
	assert_int_equal(kvn_definition_check(&net, &err), 0);
	net.ipv4.address_choice = KVN_CHOICE_GIVEN;
	assert_int_equal(kvn_cidr_parse("10.213.4.1/24", AF_INET, &net.ipv4.address), 0);
	kvn_definition_resolve(&net);
	assert_int_equal(kvn_definition_check(&net, &err), -EINVAL);
	assert_string_equal(err.message,
			    "key 'hosts': reservation 'web': 10.9.0.5 is outside the subnet (bridge 10.213.4.1/24)");
	assert_int_equal(kvn_definition_check(&net, NULL), -EINVAL);
	kvn_network_clear(&net);
}

/* One of the last two has the first's name. */
static void test_many_hosts(void **state)
{
	const size_t size = MANY * 64UL;
	auto_free char *text = malloc(size);
	struct kvn_network net;
	struct kvn_error err = {0};
	size_t used;

	(void)state;
	assert_non_null(text);
	used = (size_t)snprintf(text, size, "name: net0\nhosts:\n");
	for (unsigned i = 0; i < MANY; i++)
		used += (size_t)snprintf(text + used, size - used, "- {name: h%u, mac: 52:54:00:%02x:%02x:%02x}\n",
					 i == MANY - 2 ? 0 : i, i >> 16, i >> 8 & 0xff, i & 0xff);
	assert_int_equal(try_read(text, "net0.yaml", "net0", &net, &err), -EINVAL);
	assert_string_equal(err.message, "net0.yaml:20001: key 'hosts': reservation 'h0' has the name of 'h0'");
}

static void test_clear(void **state)
{
	struct kvn_network net = must_read("name: net0\nallow: [user:a]\nhosts: [{mac: 52:54:00:00:00:01}]\n");

	(void)state;
	kvn_network_clear(&net);
	assert_null(net.hosts);
	assert_null(net.allow);
	assert_int_equal(net.name[0], '\0');
	kvn_network_clear(&net);
	kvn_network_clear(NULL);
}

/* ---- names ---- */

static void test_name_check(void **state)
{
	static const struct {
		const char *name;
		bool is_name, is_ifname;
	} cases[] = {
		{"nat0", true, true},       {"0", true, true},
		{"a.b_c-d", true, true},    {"abcdefghijklmno", true, true},
		{"A", true, true},          {"abcdefghijklmnop", false, false},
		{"", false, false},         {".", false, false},
		{"..", false, false},       {".hidden", false, true},
		{"-x", false, true},        {"_x", false, true},
		{"a/b", false, false},      {"a:b", false, false},
		{"a%d", false, false},      {"a b", false, false},
		{"a\nb", false, false},     {"a\x7f", false, false},
		{"a,b", false, true},       {"a#b", false, true},
		{"a$b", false, true},       {"\xc3\xa4", false, false},
		{"\xff\xfe", false, false}, {"default", true, false},
		{"all", true, false},       {"../x", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_error err = {0};

		if (kvn_name_check(cases[i].name, &err) != (cases[i].is_name ? 0 : -EINVAL))
			fail_msg("name '%s': %s", cases[i].name, err.message);
		err = (struct kvn_error){0};
		if (kvn_ifname_check(cases[i].name, &err) != (cases[i].is_ifname ? 0 : -EINVAL))
			fail_msg("ifname '%s': %s", cases[i].name, err.message);
	}
}

/* A name from a command line may be no text; the message, which goes into JSON, is. */
static void test_name_message_is_text(void **state)
{
	static const char *const names[] = {"\xff\xfe", "a\xff", "\xffzzzzzzzzzzzzzzzzz", "a\nb"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct kvn_error err = {0};
		json_t *text;

		assert_int_equal(kvn_name_check(names[i], &err), -EINVAL);
		text = json_string(err.message);
		assert_non_null(text);
		json_decref(text);
		assert_int_equal(kvn_ifname_check(names[i], &err), -EINVAL);
		text = json_string(err.message);
		assert_non_null(text);
		json_decref(text);
	}
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(kvn_model_format(KVN_ISOLATED), "isolated");
	assert_string_equal(kvn_model_format(KVN_OPEN), "open");
	assert_string_equal(kvn_start_format(KVN_START_ON_DEMAND), "on-demand");
	assert_string_equal(kvn_host_access_format(KVN_HOST_SERVICES), "services");
	assert_string_equal(kvn_model_format((enum kvn_model)99), "unknown");
}

static void test_lease(void **state)
{
	static const struct {
		const char *text;
		unsigned seconds;
		const char *written;
	} cases[] = {
		{"120", 120, "2m"},
		{"125", 125, "125s"},
		{"125s", 125, "125s"},
		{"90m", 5400, "90m"},
		{"60m", 3600, "1h"},
		{"48h", 172800, "2d"},
		{"2d", 172800, "2d"},
		{"infinite", 0, "infinite"},
		{"4294967294", 4294967294U, "4294967294s"},
		{"49710d", 4294944000U, "49710d"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];
		struct kvn_network net;
		auto_json json_t *tree = NULL;

		(void)snprintf(text, sizeof(text), "{name: net0, ipv4: {lease: %s}}", cases[i].text);
		net = must_read(text);
		assert_int_equal(net.ipv4.lease_s, cases[i].seconds);
		tree = kvn_definition_write(&net);
		assert_string_equal(json_string_value(json_object_get(json_object_get(tree, "ipv4"), "lease")),
				    cases[i].written);
		kvn_network_clear(&net);
	}
}

/* ---- the list of keys ---- */

/* The paths of @tree's leaves, in order, joined by spaces. */
static void list_paths(json_t *tree, char *ret, size_t size)
{
	const char *key, *inner;
	json_t *node, *leaf;

	ret[0] = '\0';
	json_object_foreach(tree, key, node)
	{
		if (!json_is_object(node))
			(void)snprintf(ret + strlen(ret), size - strlen(ret), "%s ", key);
		json_object_foreach(node, inner, leaf)(void)
			snprintf(ret + strlen(ret), size - strlen(ret), "%s.%s ", key, inner);
	}
}

static void test_fields(void **state)
{
	struct kvn_network net = must_read("name: net0\n");
	auto_json json_t *tree = kvn_definition_write(&net);
	char written[1024], documented[1024] = "";

	(void)state;
	for (const struct kvn_field_doc *doc = kvn_definition_fields(); doc->path; doc++) {
		size_t length = strlen(documented);

		(void)snprintf(documented + length, sizeof(documented) - length, "%s ", doc->path);
		assert_true(strlen(doc->values) >= 3);
		assert_true(strlen(doc->meaning) > 10);
	}
	list_paths(tree, written, sizeof(written));
	assert_string_equal(documented, written);
	assert_string_equal(
		documented,
		"name uuid model bridge mac mtu stp start uplink ipv4.address ipv4.dhcp ipv4.lease "
		"ipv4.boot_file ipv4.boot_server "
		"ipv6.address ipv6.dhcp dns.enabled dns.domain dns.local_only dns.upstream dns.forwarders dns.hosts "
		"dns.txt dns.srv hosts host_access "
		"isolate_ports register allow ");
	kvn_network_clear(&net);
}

/* ---- edits ---- */

static void test_edit(void **state)
{
	static const struct {
		const char *before, *assignment, *after;
	} cases[] = {
		{"name: n\n", "mtu=1400", "name: n\nmtu: 1400\n"},
		{"mtu: 1500\nname: n\n", "mtu=1400", "mtu: 1400\nname: n\n"},
		{"mtu: 1500\n", "name=n", "name: n\nmtu: 1500\n"},
		{"ipv4: {dhcp: none}\nallow: []\n", "mtu=1400", "mtu: 1400\nipv4:\n  dhcp: none\nallow: []\n"},
		{"allow: []\nname: n\n", "uplink=eth0", "allow: []\nname: n\nuplink: eth0\n"},
		{"name: n\n", "ipv4.dhcp=none", "name: n\nipv4:\n  dhcp: none\n"},
		{"ipv4:\n  dhcp: auto\n", "ipv4.address=10.0.0.1/24", "ipv4:\n  address: 10.0.0.1/24\n  dhcp: auto\n"},
		{"ipv4:\nname: n\n", "ipv4.dhcp=none", "ipv4:\n  dhcp: none\nname: n\n"},
		{"name: n\n", "ipv4={address: none, dhcp: none}", "name: n\nipv4:\n  address: none\n  dhcp: none\n"},
		{"name: n\nmtu: 1500\n", "mtu=", "name: n\n"},
		{"name: n\nmtu: 1500\n", "mtu=~", "name: n\n"},
		{"name: n\n", "mtu=", "name: n\n"},
		{"name: n\nipv4: {dhcp: none}\n", "ipv4.dhcp=", "name: n\n"},
		{"name: n\nipv4: {dhcp: none, lease: 1h}\n", "ipv4.dhcp=", "name: n\nipv4:\n  lease: 1h\n"},
		{"name: n\nipv4: {dhcp: none}\n", "ipv4=", "name: n\n"},
		{"# kept\nname: n\n", "dns.domain=a=b", "# kept\nname: n\ndns:\n  domain: a=b\n"},
		{"name: n\n", "allow+=user:a", "name: n\nallow: [user:a]\n"},
		{"name: n\nallow: [user:a]\n", "allow+=group:b", "name: n\nallow: [user:a, group:b]\n"},
		{"name: n\nallow: [user:a]\n", "allow+=[group:b, user:c]",
		 "name: n\nallow: [user:a, group:b, user:c]\n"},
		{"name: n\nallow:\n", "allow+=user:a", "name: n\nallow: [user:a]\n"},
		{"name: n\n", "dns.upstream+=fd00::1", "name: n\ndns:\n  upstream: [fd00::1]\n"},
		{"name: n\n", "hosts+={name: web, mac: 52:54:00:00:00:01}",
		 "name: n\nhosts:\n  - {name: web, mac: 52:54:00:00:00:01}\n"},
		{"hosts:\n- {name: web, ipv4: 10.0.0.2}\n- {name: db}\n", "hosts-=web", "hosts:\n  - {name: db}\n"},
		{"hosts:\n- {name: web, ipv4: 10.0.0.2}\n- {name: db}\n", "hosts-={ipv4: 10.0.0.2}",
		 "hosts:\n  - {name: db}\n"},
		{"hosts:\n- {mac: 52:54:00:00:00:0a}\n- {name: db}\n", "hosts-={mac: 52:54:00:00:00:0A}",
		 "hosts:\n  - {name: db}\n"},
		{"allow: [user:a, group:b, user:a]\n", "allow-=user:a", "allow: [group:b]\n"},
		{"hosts: [{name: web}]\n", "hosts-=web", "hosts: []\n"},
		{"hosts: [{name: web}]\n", "hosts=[]", "hosts: []\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *after = NULL;
		struct kvn_document doc;
		struct kvn_error err = {0};

		assert_int_equal(kvn_document_parse(cases[i].before, "n.yaml", &doc, NULL), 0);
		if (kvn_definition_edit(&doc, cases[i].assignment, &err) < 0)
			fail_msg("%s: %s", cases[i].assignment, err.message);
		assert_int_equal(kvn_document_format(&doc, &after, NULL), 0);
		assert_string_equal(after, cases[i].after);
		kvn_document_clear(&doc);
	}
}

static void test_edit_refused(void **state)
{
	static const char before[] = "name: n\ndns: 5\nmtu: 1500\nallow: [user:a]\nhosts: [{name: web}, bad]\n";
	static const struct {
		const char *assignment;
		int code;
		const char *message;
	} cases[] = {
		{"mtu", EINVAL, "an assignment is KEY=VALUE, KEY+=VALUE, KEY-=VALUE or KEY="},
		{"=1400", EINVAL, "no key before '='"},
		{"+=1400", EINVAL, "no key before '='"},
		{"mut=1400", EINVAL, "unknown key 'mut' (did you mean 'mtu'?)"},
		{"colour=red", EINVAL, "unknown key 'colour'"},
		{"ipv4.adress=none", EINVAL, "unknown key 'ipv4.adress' (did you mean 'ipv4.address'?)"},
		{"dhcp=none", EINVAL, "unknown key 'dhcp' (did you mean 'ipv4.dhcp' or 'ipv6.dhcp'?)"},
		{"hosts.name=web", EINVAL, "unknown key 'hosts.name'"},
		{"ipv4.=none", EINVAL, "unknown key 'ipv4.' (did you mean 'ipv4'?)"},
		{".=none", EINVAL, "unknown key '.'"},
		{"mtu =1400", EINVAL, "a key is made of letters, '_' and '.'"},
		{"\xff=1400", EINVAL, "a key is made of letters, '_' and '.'"},
		{"allow=[root", EINVAL,
		 "key 'allow': '[root' is no YAML value: did not find expected ',' or ']', while parsing a flow "
		 "sequence"},
		{"dns.domain=x", EINVAL, "n.yaml:2: key 'dns': a mapping (KEY: VALUE lines) is wanted"},
		{"mtu+=1400", EINVAL, "key 'mtu' is no list: set it by 'mtu=VALUE'"},
		{"ipv4-=x", EINVAL, "key 'ipv4' is no list: set it by 'ipv4=VALUE'"},
		{"allow+=", EINVAL, "key 'allow': nothing to append"},
		{"allow-=", EINVAL, "key 'allow': say what to remove"},
		{"hosts-={}", EINVAL, "key 'hosts': say what to remove"},
		{"hosts-={nam: web}", EINVAL, "unknown key 'hosts.nam' (did you mean 'hosts.name'?)"},
		{"allow-={name: a}", EINVAL,
		 "key 'allow': remove one item at a time, as [user:NAME | group:NAME, ...]"},
		{"allow-=user:A", ENOENT, "key 'allow': no such item"},
		{"hosts-=db", ENOENT, "key 'hosts': no such item"},
		{"dns.upstream-=1.1.1.1", ENOENT, "key 'dns.upstream': no such item"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_document doc, untouched;
		struct kvn_error err = {0};

		assert_int_equal(kvn_document_parse(before, "n.yaml", &doc, NULL), 0);
		assert_int_equal(kvn_document_parse(before, "n.yaml", &untouched, NULL), 0);
		if (kvn_definition_edit(&doc, cases[i].assignment, &err) != -cases[i].code)
			fail_msg("%s: %d %s", cases[i].assignment, err.code, err.message);
		assert_string_equal(err.message, cases[i].message);
		assert_true(json_equal(doc.root, untouched.root));
		kvn_document_clear(&doc);
		kvn_document_clear(&untouched);
	}
}

static void test_edit_long_key(void **state)
{
	char assignment[300];
	struct kvn_document doc;
	struct kvn_error err = {0};

	(void)state;
	memset(assignment, 'k', sizeof(assignment));
	memcpy(assignment + sizeof(assignment) - 3, "=1", 3);
	assert_int_equal(kvn_document_parse("", "n.yaml", &doc, NULL), 0);
	assert_int_equal(kvn_definition_edit(&doc, assignment, &err), -EINVAL);
	assert_string_equal(err.message, "too long a key before '='");
	kvn_document_clear(&doc);
}

/* Every key that is documented can be set, and what is set is what is read. */
static void test_edit_then_read(void **state)
{
	static const char *const assignments[] = {
		"model=nat",
		"bridge=br7",
		"mac=52:54:00:00:00:07",
		"mtu=1400",
		"stp=on",
		"start=manual",
		"uplink=eth0",
		"ipv4.address=10.0.0.0/24",
		"ipv4.dhcp=10.0.0.9-10.0.0.19",
		"ipv4.lease=2h",
		"ipv6.address=fd00::/64",
		"ipv6.dhcp=stateless",
		"dns.enabled=true",
		"dns.domain=lab",
		"dns.upstream=[9.9.9.9]",
		"hosts=[{name: web, ipv4: 10.0.0.5}]",
		"host_access=services",
		"isolate_ports=yes",
		"allow=[group:kvm]",
	};
	struct kvn_document doc;
	struct kvn_network net;
	struct kvn_error err = {0};
	auto_free char *text = NULL;

	(void)state;
	assert_int_equal(kvn_document_parse("name: net0\n", "n.yaml", &doc, NULL), 0);
	for (size_t i = ARRAY_SIZE(assignments); i-- > 0;)
		if (kvn_definition_edit(&doc, assignments[i], &err) < 0)
			fail_msg("%s", err.message);
	assert_int_equal(kvn_document_format(&doc, &text, NULL), 0);
	assert_string_equal(text, "name: net0\nmodel: nat\nbridge: br7\nmac: 52:54:00:00:00:07\nmtu: 1400\nstp: on\n"
				  "start: manual\nuplink: eth0\nipv4:\n  address: 10.0.0.0/24\n"
				  "  dhcp: 10.0.0.9-10.0.0.19\n  lease: 2h\nipv6:\n  address: fd00::/64\n"
				  "  dhcp: stateless\ndns:\n  enabled: true\n  domain: lab\n  upstream: [9.9.9.9]\n"
				  "hosts:\n  - {name: web, ipv4: 10.0.0.5}\nhost_access: services\nisolate_ports: yes\n"
				  "allow: [group:kvm]\n");
	if (kvn_definition_read(&doc, "net0", &net, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(net.ipv4.address.ip.bytes[3], 1);
	assert_int_equal(net.ipv6.dhcp, KVN_DHCP6_STATELESS);
	assert_int_equal(net.n_hosts, 1);
	kvn_network_clear(&net);
	kvn_document_clear(&doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_name_of_the_file),
		cmocka_unit_test(test_json_types),
		cmocka_unit_test(test_json_values),
		cmocka_unit_test(test_defaults_after_read),
		cmocka_unit_test(test_resolve_in_two_steps),
		cmocka_unit_test(test_check_after_settling),
		cmocka_unit_test(test_many_hosts),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_name_check),
		cmocka_unit_test(test_name_message_is_text),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_lease),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_edit),
		cmocka_unit_test(test_edit_refused),
		cmocka_unit_test(test_edit_long_key),
		cmocka_unit_test(test_edit_then_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
