/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lease.c - dnsmasq's lease file: what is read, what is passed over, what goes for a new reservation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cidr.h"
#include "cleanup.h"
#include "lease.h"

static char *describe(const struct kvn_lease *leases, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < n; i++) {
		char mac[KVN_MAC_TEXT], ip[KVN_IP_TEXT];

		fprintf(out, "%s %s '%s' %lld\n", kvn_mac_format(leases[i].mac, mac), kvn_ip_format(&leases[i].ip, ip),
			leases[i].hostname, (long long)leases[i].expires);
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void parses(const char *text, const char *expected)
{
	auto_free struct kvn_lease *leases = NULL;
	auto_free char *found = NULL;
	size_t n = 99;

	assert_int_equal(kvn_lease_parse(text, &leases, &n, NULL), 0);
	found = describe(leases, n);
	assert_string_equal(found, expected);
}

static void test_parse(void **state)
{
	(void)state;
	parses("", "");
	parses("1795240323 c6:2e:5d:03:85:81 10.9.0.129 alpha 01:c6:2e:5d:03:85:81\n"
	       "0 52:54:00:aa:bb:cc 10.9.0.10 * *\n"
	       "1795240400 06-00:11:22:33:44:55 10.9.0.11 token-ring *\n" /* another kind of link */
	       "duid 00:01:00:01:2c:9a:11:22:52:54:00:00:00:01\n"
	       "1795240500 7654321 fd09::100 beta 00:01:00:01:2c:9a:11:23:52:54:00:aa:bb:cd\n"
	       "1795240501 7654322 fd09::101 * 00:03:00:01:52:54:00:aa:bb:ce\n"
	       "1795240502 7654323 fd09::102 * 00:02:00:00:ab:11:77:31:52:8b:d4:5c:ae:8d\n"
	       "1795240503 T7654324 fd09::103 * 00:04:a2:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee\n",
	       "c6:2e:5d:03:85:81 10.9.0.129 'alpha' 1795240323\n"
	       "52:54:00:aa:bb:cc 10.9.0.10 '' 0\n"
	       "00:00:00:00:00:00 10.9.0.11 'token-ring' 1795240400\n"
	       "52:54:00:aa:bb:cd fd09::100 'beta' 1795240500\n"
	       "52:54:00:aa:bb:ce fd09::101 '' 1795240501\n"
	       "00:00:00:00:00:00 fd09::102 '' 1795240502\n"
	       "00:00:00:00:00:00 fd09::103 '' 1795240503\n");
}

static void test_senseless_lines(void **state)
{
	static const char good[] = "5 52:54:00:aa:bb:cc 10.9.0.10 web *\n";
	static const char *const bad[] = {"\n",
					  " \n",
					  "5\n",
					  "5 52:54:00:aa:bb:cc 10.9.0.9 web\n",
					  "five 52:54:00:aa:bb:cc 10.9.0.9 web *\n",
					  "5x 52:54:00:aa:bb:cc 10.9.0.9 web *\n",
					  "-5 52:54:00:aa:bb:cc 10.9.0.9 web *\n",
					  "5 52:54:00:aa:bb:cc 10.9.0 web *\n",
					  "5 52:54:00:aa:bb:cc 10.9.0.256 web *\n",
					  "5 52:54:00:aa:bb:cc fd09::g web *\n",
					  "duid 00:01\n",
					  "duid\n",
					  "\xff\xfe\x01 \x02 \x03 \x04 \x05\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "%s%s%s", good, bad[i], good);
		parses(text, "52:54:00:aa:bb:cc 10.9.0.10 'web' 5\n52:54:00:aa:bb:cc 10.9.0.10 'web' 5\n");
	}
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 web *", "52:54:00:aa:bb:cc 10.9.0.10 'web' 5\n"); /* cut at the end */
	parses("5 52:54:00:aa:bb:cc 10.9.0.1", "");
}

/* Guests name themselves. */
static void test_hostnames(void **state)
{
	char text[512], name[128];

	(void)state;
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 a;b *\n", "52:54:00:aa:bb:cc 10.9.0.10 '' 5\n");
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 \033[2J *\n", "52:54:00:aa:bb:cc 10.9.0.10 '' 5\n");
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 a_b-c.D9 *\n", "52:54:00:aa:bb:cc 10.9.0.10 'a_b-c.D9' 5\n");
	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	(void)snprintf(text, sizeof(text), "5 52:54:00:aa:bb:cc 10.9.0.10 %s *\n", name);
	parses(text, "52:54:00:aa:bb:cc 10.9.0.10 '' 5\n");
}

static void test_long_lines(void **state)
{
	auto_free char *text = malloc(100001);

	(void)state;
	assert_non_null(text);
	memset(text, '7', 100000);
	text[100000] = '\0';
	parses(text, "");
	for (size_t i = 0; i < 100000; i += 5)
		text[i] = ' ';
	parses(text, "");
	for (size_t i = 0; i < 100000; i += 3)
		text[i] = '\n';
	parses(text, "");
}

static void test_dump(void **state)
{
	char path[] = "/tmp/kvn-lease-XXXXXX";
	auto_close int fd = mkstemp(path);
	auto_free struct kvn_lease *leases = NULL;
	long long now = time(NULL);
	size_t n = 99;

	(void)state;
	assert_true(fd >= 0);
	assert_true(dprintf(fd,
			    "%lld 52:54:00:00:00:01 10.9.0.1 * *\n%lld 52:54:00:00:00:02 10.9.0.2 * *\n"
			    "0 52:54:00:00:00:03 10.9.0.3 * *\n",
			    now - 1, now + 3600) > 0);
	assert_int_equal(kvn_lease_dump(path, &leases, &n, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(n, 2);
	assert_int_equal(leases[0].mac[5], 2);
	assert_int_equal(leases[1].mac[5], 3);
	free(leases);
	leases = NULL;
	assert_int_equal(kvn_lease_dump(path, &leases, &n, NULL), 0); /* gone */
	assert_int_equal(n, 0);
	assert_null(leases);
}

/* ---- reservations that change ---- */

#define ONE "5 52:54:00:00:00:01 10.9.0.1 one *\n"
#define TWO "5 52:54:00:00:00:02 10.9.0.2 two ff:01\n"
#define DUID "duid 00:01:00:01:2c:9a:11:22:52:54:00:00:00:01\n"
#define SIX "5 7654321 fd09::6 six 00:03:00:01:52:54:00:00:00:06\n"
#define VAGUE "5 7654322 fd09::7 vague 00:04:a2:00:11:22\n"
#define ALL ONE TWO DUID SIX VAGUE

/* @text and @renames NULL: none. */
static void settles(const char *before, const char *after, const char *text, bool needs_restart, const char *renames)
{
	struct kvn_lease_change change;

	assert_int_equal(kvn_lease_settle(ALL, before, after, &change, NULL), 0);
	assert_int_equal(change.needs_restart, needs_restart);
	assert_string_equal(change.text ? change.text : "none", text ? text : "none");
	assert_string_equal(change.renames ? change.renames : "none", renames ? renames : "none");
	kvn_lease_change_clear(&change);
}

static void test_addresses_taken_over(void **state)
{
	(void)state;
	settles("", "", NULL, false, NULL);
	settles("", "52:54:00:00:00:01,10.9.0.1,one.test\n", NULL, false, NULL); /* its own */
	settles("", "52:54:00:00:00:09,10.9.0.9\n", NULL, false, NULL); /* free */
	settles("", "52:54:00:00:00:09,10.9.0.1\n", TWO DUID SIX VAGUE, true, NULL);
	settles("", "id:00:04:A2:00:11:22,[fd09::7]\n", NULL, false, NULL); /* its own, by its DUID */
	settles("", "id:00:04:a2:00:11:23,[fd09::7]\n", ONE TWO DUID SIX, true, NULL);
	settles("", "52:54:00:00:00:09,id:00:04:a2:00:11:22,[fd09::7]\n", NULL, false, NULL);
	settles("id:00:04:a2:00:11:22,[fd09::7],vague.test\n", "id:00:04:a2:00:11:22,[fd09::7]\n",
		ONE TWO DUID SIX "5 7654322 fd09::7 * 00:04:a2:00:11:22\n", true, NULL); /* its name goes */
	settles("", "52:54:00:00:00:02,10.9.0.1\n52:54:00:00:00:01,10.9.0.2", DUID SIX VAGUE, true, NULL); /* swapped */
	settles("52:54:00:00:00:09,10.9.0.1\n", "52:54:00:00:00:09,10.9.0.1\n", NULL, false, NULL); /* no news */
	settles("52:54:00:00:00:09,10.9.0.11\n", "52:54:00:00:00:09,10.9.0.1\n", TWO DUID SIX VAGUE, true, NULL);
	settles("", "52:54:00:00:00:06,[fd09::6],six.test\n", NULL, false, NULL);
	settles("", "52:54:00:00:00:09,10.9.0.2,[fd09::6],nine.test\n", ONE DUID VAGUE, true, NULL);
	settles("", "52:54:00:00:00:09,[fd09::7]\n", ONE TWO DUID SIX, true, NULL); /* nobody knows whose it is */
	settles("", "not a reservation\n,,,\n[,]\n52:54:00:00:00:09\n52:54:00:00:00:09,\n", NULL, false, NULL);
}

static void test_names_taken_back(void **state)
{
	static const char nameless[] = ONE "5 52:54:00:00:00:02 10.9.0.2 * ff:01\n" DUID SIX VAGUE;

	(void)state;
	/* gone; renamed; moved to another address; to another MAC */
	settles("52:54:00:00:00:02,10.9.0.2,two.a.test\n", "", nameless, false,
		"52:54:00:00:00:02,52-54-00-00-00-02.a.test\n");
	settles("52:54:00:00:00:02,TWO.test\n52:54:00:00:00:03,10.9.0.3,three.test", "52:54:00:00:00:02,zwei.test\n",
		nameless, false, "52:54:00:00:00:02,52-54-00-00-00-02.test\n52:54:00:00:00:03,10.9.0.3,three.test\n");
	settles("52:54:00:00:00:02,10.9.0.2,two.test\n", "52:54:00:00:00:02,10.9.0.22,two.test\n", nameless, false,
		"52:54:00:00:00:02,52-54-00-00-00-02.test\n");
	settles("52:54:00:00:00:02,10.9.0.2,two.test\n", "52:54:00:00:00:09,10.9.0.9,two.test\n", nameless, false,
		"52:54:00:00:00:02,52-54-00-00-00-02.test\n");
	/* still its own, and never a reservation's */
	settles("52:54:00:00:00:02,10.9.0.2,two.test\n", "52:54:00:00:00:02,two.test\n", NULL, false, NULL);
	settles("52:54:00:00:00:02,two.test\n", "52:54:00:00:00:02,10.9.0.2,two.test\n", NULL, false, NULL);
	settles("52:54:00:00:00:02,10.9.0.2,zwei.test\n", "", NULL, false, NULL);
	settles("52:54:00:00:00:02,10.9.0.2\n", "", NULL, false, NULL);
	/* IPv6: dnsmasq cannot be told */
	settles("52:54:00:00:00:06,[fd09::6],six.test\n", "",
		ONE TWO DUID "5 7654321 fd09::6 * 00:03:00:01:52:54:00:00:00:06\n" VAGUE, true, NULL);
}

static void test_placeholder(void **state)
{
	(void)state;
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 52-54-00-aa-bb-cc *\n", "52:54:00:aa:bb:cc 10.9.0.10 '' 5\n");
	parses("5 52:54:00:aa:bb:cc 10.9.0.10 52-54-00-aa-bb-cd *\n",
	       "52:54:00:aa:bb:cc 10.9.0.10 '52-54-00-aa-bb-cd' 5\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_senseless_lines),
		cmocka_unit_test(test_hostnames),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_addresses_taken_over),
		cmocka_unit_test(test_names_taken_back),
		cmocka_unit_test(test_placeholder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
