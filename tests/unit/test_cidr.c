/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_cidr.c - addresses, prefixes, ranges and MACs: what is read, what is refused, and the sums done with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"

static struct kvn_ip ip(const char *text)
{
	struct kvn_ip ret = {.family = AF_UNSPEC};

	if (kvn_ip_parse(text, AF_UNSPEC, &ret) < 0)
		fail_msg("'%s' is refused", text);
	return ret;
}

static struct kvn_cidr cidr(const char *text)
{
	struct kvn_cidr ret = {.prefixlen = 0};

	if (kvn_cidr_parse(text, AF_UNSPEC, &ret) < 0)
		fail_msg("'%s' is refused", text);
	return ret;
}

static void assert_ip(const struct kvn_ip *got, const char *wanted)
{
	char text[KVN_IP_TEXT];

	assert_string_equal(kvn_ip_format(got, text), wanted);
}

static void test_ip_parse(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *wanted; /* NULL: refused */
	} cases[] = {
		{"10.0.0.1", AF_INET, "10.0.0.1"},
		{"10.0.0.1", AF_UNSPEC, "10.0.0.1"},
		{"10.0.0.1", AF_INET6, NULL},
		{"255.255.255.255", AF_INET, "255.255.255.255"},
		{"fd00::1", AF_INET6, "fd00::1"},
		{"FD00:0:0::0001", AF_UNSPEC, "fd00::1"},
		{"fd00::1", AF_INET, NULL},
		{"::ffff:1.2.3.4", AF_INET6, "::ffff:1.2.3.4"},
		{"", AF_UNSPEC, NULL},
		{"10.0.0", AF_UNSPEC, NULL},
		{"10.0.0.256", AF_UNSPEC, NULL},
		{"10.0.0.01", AF_UNSPEC, NULL},
		{"010.0.0.1", AF_UNSPEC, NULL},
		{" 10.0.0.1", AF_UNSPEC, NULL},
		{"10.0.0.1 ", AF_UNSPEC, NULL},
		{"10.0.0.1/24", AF_UNSPEC, NULL},
		{"0x0a000001", AF_UNSPEC, NULL},
		{"fd00::1%eth0", AF_UNSPEC, NULL},
		{"1::2::3", AF_UNSPEC, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_ip got = {.family = 77};
		int r = kvn_ip_parse(cases[i].text, cases[i].family, &got);

		if (r != (cases[i].wanted ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].text, r);
		if (cases[i].wanted)
			assert_ip(&got, cases[i].wanted);
		else
			assert_int_equal(got.family, 77);
	}
}

static void test_cidr_parse(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *wanted, *network, *last; /* NULL: refused */
	} cases[] = {
		{"10.0.5.77/24", AF_INET, "10.0.5.77/24", "10.0.5.0/24", "10.0.5.255"},
		{"10.0.5.77/26", AF_UNSPEC, "10.0.5.77/26", "10.0.5.64/26", "10.0.5.127"},
		{"10.255.5.77/9", AF_INET, "10.255.5.77/9", "10.128.0.0/9", "10.255.255.255"},
		{"10.0.0.1/0", AF_INET, "10.0.0.1/0", "0.0.0.0/0", "255.255.255.255"},
		{"10.0.0.1/32", AF_INET, "10.0.0.1/32", "10.0.0.1/32", "10.0.0.1"},
		{"10.0.0.1/31", AF_INET, "10.0.0.1/31", "10.0.0.0/31", "10.0.0.1"},
		{"fd00:1:2:3::5/64", AF_INET6, "fd00:1:2:3::5/64", "fd00:1:2:3::/64", "fd00:1:2:3:ffff:ffff:ffff:ffff"},
		{"fd00::1/128", AF_INET6, "fd00::1/128", "fd00::1/128", "fd00::1"},
		{"fdff::1/9", AF_INET6, "fdff::1/9", "fd80::/9", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"10.0.0.1", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/33", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/-1", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/+8", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/024", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/24x", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/ 24", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/255.255.255.0", AF_INET, NULL, NULL, NULL},
		{"10.0.0.1/4294967320", AF_INET, NULL, NULL, NULL},
		{"/24", AF_INET, NULL, NULL, NULL},
		{"fd00::1/129", AF_INET6, NULL, NULL, NULL},
		{"fd00::1/64", AF_INET, NULL, NULL, NULL},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/1", AF_INET6, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_cidr got, network;
		struct kvn_ip last;
		char text[KVN_CIDR_TEXT];
		int r = kvn_cidr_parse(cases[i].text, cases[i].family, &got);

		if (r != (cases[i].wanted ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].text, r);
		if (r < 0)
			continue;
		assert_string_equal(kvn_cidr_format(&got, text), cases[i].wanted);
		network = kvn_cidr_network(&got);
		assert_string_equal(kvn_cidr_format(&network, text), cases[i].network);
		last = kvn_cidr_last(&got);
		assert_ip(&last, cases[i].last);
	}
}

static void test_range(void **state)
{
	static const struct {
		const char *text;
		int family;
		uint32_t size; /* 0: refused */
	} cases[] = {
		{"10.0.0.2-10.0.0.254", AF_INET, 253},
		{"10.0.0.2-10.0.0.2", AF_UNSPEC, 1},
		{"10.0.0.255-10.0.1.0", AF_INET, 2},
		{"0.0.0.0-255.255.255.254", AF_INET, UINT32_MAX},
		{"0.0.0.0-255.255.255.255", AF_INET, UINT32_MAX},
		{"fd00::ffff-fd00::1:0", AF_INET6, 2},
		{"fd00::-fd00::ffff:ffff", AF_INET6, UINT32_MAX},
		{"fd00::-fd00::ffff:fffd", AF_INET6, UINT32_MAX - 1},
		{"fd00::ffff:ffff:0:0-fd00:0:0:1::", AF_INET6, UINT32_MAX},
		{"fd00::-fdff::", AF_INET6, UINT32_MAX},
		{"10.0.0.9-10.0.0.2", AF_INET, 0},
		{"10.0.0.2", AF_INET, 0},
		{"10.0.0.2-", AF_INET, 0},
		{"-10.0.0.2", AF_INET, 0},
		{"10.0.0.2 - 10.0.0.9", AF_INET, 0},
		{"10.0.0.2-fd00::1", AF_UNSPEC, 0},
		{"10.0.0.2-10.0.0.9", AF_INET6, 0},
		{"10.0.0.2-10.0.0.9-10.0.0.10", AF_INET, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_range got;
		char text[KVN_RANGE_TEXT];
		int r = kvn_range_parse(cases[i].text, cases[i].family, &got);

		if (r != (cases[i].size ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].text, r);
		if (r < 0)
			continue;
		assert_string_equal(kvn_range_format(&got, text), cases[i].text);
		if (kvn_range_size(&got) != cases[i].size)
			fail_msg("'%s' has %u", cases[i].text, kvn_range_size(&got));
	}
}

static void test_range_size_reversed(void **state)
{
	struct kvn_range range = {ip("10.0.1.0"), ip("10.0.0.255")};

	(void)state;
	assert_int_equal(kvn_range_size(&range), 0);
	range = (struct kvn_range){ip("10.0.1.0"), ip("10.0.0.0")};
	assert_int_equal(kvn_range_size(&range), 0);
	range = (struct kvn_range){ip("fd01::"), ip("fd00::")};
	assert_int_equal(kvn_range_size(&range), 0);
}

static void test_mac(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"52:54:00:12:34:56", "52:54:00:12:34:56"},
		{"52-54-00-aB-Cd-eF", "52:54:00:ab:cd:ef"},
		{"FF:FF:FF:FF:FF:FF", "ff:ff:ff:ff:ff:ff"},
		{"", NULL},
		{"52:54:00:12:34", NULL},
		{"52:54:00:12:34:5", NULL},
		{"52:54:00:12:34:56:78", NULL},
		{"52:54:00-12:34:56", NULL},
		{"52:54:00:12:34:5g", NULL},
		{"525400123456", NULL},
		{"5254.0012.3456.1", NULL},
		{"52:54:00:12:34:56 ", NULL},
		{"+2:54:00:12:34:56", NULL},
		{"52:54:00:12:34:", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t mac[6] = {7, 7, 7, 7, 7, 7};
		char text[KVN_MAC_TEXT];
		int r = kvn_mac_parse(cases[i].text, mac);

		if (r != (cases[i].wanted ? 0 : -EINVAL))
			fail_msg("'%s': %d", cases[i].text, r);
		assert_string_equal(kvn_mac_format(mac, text), cases[i].wanted ? cases[i].wanted : "07:07:07:07:07:07");
	}
	assert_true(kvn_mac_is_zero((uint8_t[6]){0}));
	assert_false(kvn_mac_is_zero((uint8_t[6]){0, 0, 0, 0, 0, 1}));
}

static void test_add(void **state)
{
	static const struct {
		const char *text;
		int64_t n;
		const char *wanted;
	} cases[] = {
		{"10.0.0.1", 1, "10.0.0.2"},
		{"10.0.0.255", 1, "10.0.1.0"},
		{"10.255.255.255", 1, "11.0.0.0"},
		{"10.0.0.0", -1, "9.255.255.255"},
		{"10.0.1.0", -256, "10.0.0.0"},
		{"255.255.255.255", 1, "0.0.0.0"},
		{"0.0.0.0", -1, "255.255.255.255"},
		{"10.0.0.0", 65536 + 257, "10.1.1.1"},
		{"fd00::ffff:ffff:ffff:ffff", 1, "fd00:0:0:1::"},
		{"fd00:0:0:1::", -1, "fd00::ffff:ffff:ffff:ffff"},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1, "::"},
		{"::", INT64_MAX, "::7fff:ffff:ffff:ffff"},
		{"0:0:0:1::", INT64_MIN, "::8000:0:0:0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_ip from = ip(cases[i].text), got = kvn_ip_add(&from, cases[i].n);

		assert_ip(&got, cases[i].wanted);
	}
}

static void test_contains_and_overlaps(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_inside, is_overlap; /* of the address of b in a; of the two */
	} cases[] = {
		{"10.0.0.1/24", "10.0.0.77/32", true, true},
		{"10.0.0.1/24", "10.0.1.0/32", false, false},
		{"10.0.0.129/25", "10.0.0.1/24", false, true},
		{"10.0.0.1/25", "10.0.0.129/25", false, false},
		{"10.0.0.0/8", "10.255.0.0/16", true, true},
		{"0.0.0.0/0", "192.0.2.1/24", true, true},
		{"10.0.0.0/31", "10.0.0.1/31", true, true},
		{"fd00::1/64", "fd00:0:0:0:1::/80", true, true},
		{"fd00::1/64", "fd00:0:0:1::/64", false, false},
		{"0.0.0.0/0", "::/0", false, false},
		{"::/0", "10.0.0.1/8", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_cidr a = cidr(cases[i].a), b = cidr(cases[i].b);

		if (kvn_cidr_contains(&a, &b.ip) != cases[i].is_inside)
			fail_msg("%s contains %s", cases[i].a, cases[i].b);
		if (kvn_cidr_overlaps(&a, &b) != cases[i].is_overlap ||
		    kvn_cidr_overlaps(&b, &a) != cases[i].is_overlap)
			fail_msg("%s overlaps %s", cases[i].a, cases[i].b);
	}
}

static void test_equal_and_compare(void **state)
{
	struct kvn_ip none = {.family = AF_UNSPEC, .bytes = {1}}, other_none = {.family = AF_UNSPEC};
	struct kvn_ip a = ip("10.0.0.1"), b = ip("10.0.1.0"), zero4 = ip("0.0.0.0"), zero6 = ip("::");
	struct kvn_cidr wide = cidr("10.0.0.1/8"), narrow = cidr("10.0.0.1/24");

	(void)state;
	assert_true(kvn_ip_equal(&none, &other_none));
	assert_false(kvn_ip_equal(&none, &zero4));
	assert_false(kvn_ip_equal(&zero4, &zero6));
	assert_true(kvn_ip_equal(&a, &a));
	assert_false(kvn_ip_equal(&a, &b));
	assert_true(kvn_ip_compare(&a, &b) < 0);
	assert_true(kvn_ip_compare(&b, &a) > 0);
	assert_int_equal(kvn_ip_compare(&a, &a), 0);
	assert_false(kvn_cidr_equal(&wide, &narrow));
	assert_true(kvn_cidr_equal(&wide, &wide));
	assert_int_equal(kvn_ip_size(AF_INET), 4);
	assert_int_equal(kvn_ip_size(AF_INET6), 16);
	assert_ip(&none, "");
}

static void test_netmask(void **state)
{
	static const char *const wanted[] = {
		[0] = "0.0.0.0",        [1] = "128.0.0.0",        [8] = "255.0.0.0",        [9] = "255.128.0.0",
		[24] = "255.255.255.0", [30] = "255.255.255.252", [31] = "255.255.255.254", [32] = "255.255.255.255"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct kvn_ip mask = kvn_netmask((uint8_t)i);

		if (wanted[i])
			assert_ip(&mask, wanted[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_parse),
		cmocka_unit_test(test_cidr_parse),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_range_size_reversed),
		cmocka_unit_test(test_mac),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_contains_and_overlaps),
		cmocka_unit_test(test_equal_and_compare),
		cmocka_unit_test(test_netmask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
