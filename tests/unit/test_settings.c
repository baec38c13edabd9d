/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_settings.c - kvnet.yaml: defaults, every key, every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "settings.h"

static void assert_defaults(const struct kvn_settings *settings)
{
	char text[KVN_CIDR_TEXT];

	assert_string_equal(kvn_cidr_format(&settings->pool, text), "10.213.0.0/16");
	assert_int_equal(settings->pool6.ip.family, AF_UNSPEC);
	assert_string_equal(settings->default_network, "");
	assert_int_equal(settings->n_upstream, 0);
}

static void test_defaults(void **state)
{
	static const char *const texts[] = {NULL, "", "# nothing\n",
					    "pool:\npool6: ~\ndefault_network: ''\nupstream: []\n", "pool6: auto\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct kvn_settings settings;

		memset(&settings, 0x5a, sizeof(settings));
		assert_int_equal(kvn_settings_parse(texts[i], "kvnet.yaml", &settings, NULL), 0);
		assert_defaults(&settings);
	}
}

static void test_all(void **state)
{
	static const char text[] = "pool: 172.20.9.1/23\npool6: fd77:1:2::/48\ndefault_network: nat0\n"
				   "upstream: [127.0.0.53, 2620:fe::fe]\n";
	struct kvn_settings settings;
	char buffer[KVN_CIDR_TEXT], ip[KVN_IP_TEXT];

	(void)state;
	assert_int_equal(kvn_settings_parse(text, "kvnet.yaml", &settings, NULL), 0);
	assert_string_equal(kvn_cidr_format(&settings.pool, buffer), "172.20.8.0/23");
	assert_string_equal(kvn_cidr_format(&settings.pool6, buffer), "fd77:1:2::/48");
	assert_string_equal(settings.default_network, "nat0");
	assert_int_equal(settings.n_upstream, 2);
	assert_string_equal(kvn_ip_format(&settings.upstream[0], ip), "127.0.0.53");
	assert_string_equal(kvn_ip_format(&settings.upstream[1], ip), "2620:fe::fe");
}

static void test_refuse(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"pool: ten\n",
		 "kvnet.yaml:1: key 'pool': 'ten' is no IPv4 address with prefix length such as 10.0.5.1/24"},
		{"pool: 10.213.0.0/99\n", "kvnet.yaml:1: key 'pool': '10.213.0.0/99' is no IPv4 address with prefix "
					  "length such as 10.0.5.1/24"},
		{"pool: 10.213.0.0/31\n",
		 "kvnet.yaml:1: key 'pool': '10.213.0.0/31': the prefix length must be from 8 to 30"},
		{"pool: 0.0.0.0/0\n", "kvnet.yaml:1: key 'pool': '0.0.0.0/0' is reserved (0.0.0.0/8)"},
		{"pool: fd00::/48\n", "kvnet.yaml:1: key 'pool': 'fd00::/48' is no IPv4 address"},
		{"\npool6: fd00::/65\n",
		 "kvnet.yaml:2: key 'pool6': 'fd00::/65': the prefix length must be from 16 to 64"},
		{"pool6: none\n", "kvnet.yaml:1: key 'pool6': 'none' is no IPv6 address with prefix length such as "
				  "fd00:1:2:3::1/64"},
		{"default_network: a/b\n", "kvnet.yaml:1: key 'default_network': 'a/b' is no network's name: letters, "
					   "digits, '.', '_' and '-', the first a letter or a digit"},
		{"upstream: [x]\n", "kvnet.yaml:1: key 'upstream': 'x' is no IP address"},
		{"upstream: 9.9.9.9\n", "kvnet.yaml:1: key 'upstream': a list ([...]) is wanted, found '9.9.9.9'"},
		{"upstream: [1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9]\n",
		 "kvnet.yaml:1: key 'upstream': more than 8 resolvers"},
		{"pool: 10.0.0.0/8\ncolour: red\n", "kvnet.yaml:2: unknown key 'colour'"},
		{"defualt_network: x\n",
		 "kvnet.yaml:1: unknown key 'defualt_network' (did you mean 'default_network'?)"},
		{"- list\n", "kvnet.yaml:1: a mapping (KEY: VALUE lines) is wanted, found a list"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_settings settings = {.n_upstream = 77};
		struct kvn_error err = {0};

		if (kvn_settings_parse(cases[i].text, "kvnet.yaml", &settings, &err) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(settings.n_upstream, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
