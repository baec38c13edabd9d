/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_dnsmasq.c - what dnsmasq is told, against data/dnsmasq/NAME.{conf,hosts,dhcp}; what never reaches its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cidr.h"
#include "cleanup.h"
#include "dnsmasq.h"
#include "file.h"

static const struct kvn_dnsmasq_paths paths = {
	.conf = "/run/kvnet/networks/net0/dnsmasq.conf",
	.hosts = "/run/kvnet/networks/net0/hosts",
	.dhcp = "/run/kvnet/networks/net0/dhcp-hosts",
	.pid = "/run/kvnet/networks/net0/dnsmasq.pid",
	.leases = "/var/lib/kvnet/leases/net0",
};

static struct kvn_ip ip(const char *text)
{
	struct kvn_ip ret;

	assert_int_equal(kvn_ip_parse(text, AF_UNSPEC, &ret), 0);
	return ret;
}

static struct kvn_reservation host(const char *name, const char *mac, const char *ipv4, const char *ipv6)
{
	struct kvn_reservation ret = {.ipv4 = {.family = AF_UNSPEC}};

	(void)snprintf(ret.name, sizeof(ret.name), "%s", name);
	if (*mac)
		assert_int_equal(kvn_mac_parse(mac, ret.mac), 0);
	if (*ipv4)
		ret.ipv4 = ip(ipv4);
	if (*ipv6)
		ret.ipv6 = ip(ipv6);
	return ret;
}

static struct kvn_network network(enum kvn_model model)
{
	struct kvn_network net = {.name = "net0",
				  .bridge = "net0",
				  .model = model,
				  .dns = {.is_enabled = true, .domain = "net0.internal", .is_local = true},
				  .ipv4 = {.address_choice = KVN_CHOICE_NONE, .dhcp_choice = KVN_CHOICE_NONE},
				  .ipv6 = {.address_choice = KVN_CHOICE_NONE, .dhcp = KVN_DHCP6_NONE}};

	return net;
}

static void give4(struct kvn_network *net, const char *address, const char *range)
{
	net->ipv4.address_choice = KVN_CHOICE_GIVEN;
	net->ipv4.lease_s = KVN_LEASE_DEFAULT;
	assert_int_equal(kvn_cidr_parse(address, AF_INET, &net->ipv4.address), 0);
	if (!range)
		return;
	net->ipv4.dhcp_choice = KVN_CHOICE_GIVEN;
	assert_int_equal(kvn_range_parse(range, AF_INET, &net->ipv4.dhcp), 0);
}

static void give6(struct kvn_network *net, const char *address, enum kvn_dhcp6 dhcp, const char *range)
{
	net->ipv6.address_choice = KVN_CHOICE_GIVEN;
	net->ipv6.dhcp = dhcp;
	assert_int_equal(kvn_cidr_parse(address, AF_INET6, &net->ipv6.address), 0);
	if (range)
		assert_int_equal(kvn_range_parse(range, AF_INET6, &net->ipv6.range), 0);
}

static char *golden(const char *name, const char *extension)
{
	char path[512];
	char *text = NULL;
	struct kvn_error err = {0};

	(void)snprintf(path, sizeof(path), "%.*s/data/dnsmasq/%s.%s", (int)(strrchr(__FILE__, '/') - __FILE__),
		       __FILE__, name, extension);
	if (kvn_file_read(path, &text, &err) < 0)
		fail_msg("%s", err.message);
	return text;
}

static void check(const char *name, const struct kvn_network *net, const struct kvn_ip *upstream, size_t n_upstream)
{
	auto_free char *conf = golden(name, "conf"), *hosts = golden(name, "hosts"), *dhcp = golden(name, "dhcp");
	struct kvn_dnsmasq dns = {0};
	struct kvn_error err = {0};

	assert_true(kvn_dnsmasq_is_wanted(net));
	if (kvn_dnsmasq_format(net, &paths, upstream, n_upstream, &dns, &err) < 0)
		fail_msg("%s: %s", name, err.message);
	assert_string_equal(dns.conf, conf);
	assert_string_equal(dns.hosts, hosts);
	assert_string_equal(dns.dhcp, dhcp);
	kvn_dnsmasq_clear(&dns);
}

/* Both families, the host's resolvers (its own address is passed over), all shapes of reservation. */
static void test_nat(void **state)
{
	struct kvn_network net = network(KVN_NAT);
	struct kvn_reservation hosts[] = {
		host("web", "52:54:00:aa:bb:cc", "10.9.0.10", "fd09::10"),
		host("ignore", "52:54:00:aa:bb:cd", "", ""),
		host("", "52:54:00:aa:bb:ce", "10.9.0.12", ""),
		host("printer", "", "10.9.0.13", ""),
	};
	struct kvn_ip upstream[] = {ip("127.0.0.53"), ip("10.9.0.1"), ip("2001:db8::53"), ip("fd09::1")};

	(void)state;
	give4(&net, "10.9.0.1/24", "10.9.0.2-10.9.0.254");
	give6(&net, "fd09::1/64", KVN_DHCP6_SLAAC, NULL);
	net.mtu = 1400;
	net.ipv4.boot_server = ip("192.0.2.69");
	(void)snprintf(net.ipv4.boot_file, sizeof(net.ipv4.boot_file), "pxe/start.0");
	net.hosts = hosts;
	net.n_hosts = ARRAY_SIZE(hosts);
	check("nat", &net, upstream, ARRAY_SIZE(upstream));
}

/* No router, no resolver, nobody to forward to: whatever it is told of upstreams. */
static void test_isolated(void **state)
{
	struct kvn_network net = network(KVN_ISOLATED);
	struct kvn_ip upstream[] = {ip("192.0.2.53")};

	(void)state;
	give4(&net, "10.9.0.1/24", "10.9.0.2-10.9.0.254");
	give6(&net, "fd09::1/64", KVN_DHCP6_STATELESS, NULL);
	net.dns.upstream[0] = ip("192.0.2.54");
	net.dns.n_upstream = 1;
	check("isolated", &net, upstream, ARRAY_SIZE(upstream));
}

/* DHCPv6 with a range, leases for ever, resolvers of its own, which know of the domain too. */
static void test_routed(void **state)
{
	struct kvn_network net = network(KVN_ROUTED);
	struct kvn_forwarder forwarders[] = {{"corp.example", ip("192.0.2.54")},
					     {"corp.example", ip("2001:db8::54")},
					     {"home.example", {.family = AF_UNSPEC}},
					     {"own.example", ip("192.0.2.1")}};
	struct kvn_reservation hosts[] = {host("web", "52:54:00:aa:bb:cc", "192.0.2.10", "2001:db8::10"),
					  host("db", "52:54:00:aa:bb:cd", "", "2001:db8::11"),
					  host("mail", "", "", "2001:db8::12")};
	const uint8_t duid[] = {0, 4, 0xa2, 0x17};
	struct kvn_ip upstream[] = {ip("127.0.0.53")};

	(void)state;
	give4(&net, "192.0.2.1/25", "192.0.2.20-192.0.2.29");
	give6(&net, "2001:db8::1/64", KVN_DHCP6_RANGE, "2001:db8::100-2001:db8::1ff");
	net.ipv4.lease_s = 0;
	net.dns.upstream[0] = ip("198.51.100.53");
	net.dns.n_upstream = 1;
	memcpy(hosts[1].duid, duid, sizeof(duid));
	memcpy(hosts[2].duid, duid, sizeof(duid));
	hosts[1].duid_size = 4;
	hosts[2].duid_size = 3;
	net.dns.is_local = false;
	net.dns.forwarders = forwarders;
	net.dns.n_forwarders = ARRAY_SIZE(forwarders);
	net.hosts = hosts;
	net.n_hosts = ARRAY_SIZE(hosts);
	check("routed", &net, upstream, ARRAY_SIZE(upstream));
}

/* Names of other machines, texts and services, of an isolated network too. */
static void test_records(void **state)
{
	char printer[] = "printer", lpd[] = "lpd.lab.example", spaced[] = "a b";
	char text[] = "by hand, \"with\" care \\o/", lines[] = "a\nserver=192.0.2.1";
	char *names[] = {printer, lpd};
	struct kvn_dns_host hosts[] = {{ip("10.9.0.9"), names, 2}, {ip("fd09::9"), names, 1}};
	struct kvn_dns_txt txt[] = {{"note.lab.example", text}};
	struct kvn_dns_srv srv[] = {{"ldap", KVN_TCP, "lab.example", "dir.lab.example", 389, 1, 10},
				    {.service = "ntp", .protocol = KVN_UDP}};
	struct kvn_network net = network(KVN_ISOLATED);
	struct kvn_dnsmasq dns;
	struct kvn_error err = {0};

	(void)state;
	give4(&net, "10.9.0.1/24", NULL);
	net.dns.hosts = hosts;
	net.dns.n_hosts = ARRAY_SIZE(hosts);
	net.dns.txt = txt;
	net.dns.n_txt = ARRAY_SIZE(txt);
	net.dns.srv = srv;
	net.dns.n_srv = ARRAY_SIZE(srv);
	check("records", &net, NULL, 0);
	txt[0].value = lines;
	assert_int_equal(kvn_dnsmasq_format(&net, &paths, NULL, 0, &dns, &err), -EINVAL);
	txt[0].value = text;
	names[1] = spaced;
	assert_int_equal(kvn_dnsmasq_format(&net, &paths, NULL, 0, &dns, &err), -EINVAL);
	names[1] = lpd;
	(void)snprintf(srv[0].target, sizeof(srv[0].target), "a,b");
	assert_int_equal(kvn_dnsmasq_format(&net, &paths, NULL, 0, &dns, &err), -EINVAL);
	assert_string_equal(err.message, "SRV record 'ldap' cannot stand in dnsmasq's configuration");
}

/* DNS by others: guests are told of those, and nothing listens on port 53. */
static void test_no_dns(void **state)
{
	struct kvn_network net = network(KVN_NAT);
	struct kvn_reservation hosts[] = {host("web", "52:54:00:aa:bb:cc", "10.9.0.10", "")};

	(void)state;
	give4(&net, "10.9.0.1/24", "10.9.0.2-10.9.0.254");
	give6(&net, "fd09::1/64", KVN_DHCP6_STATELESS, NULL);
	net.dns.is_enabled = false;
	net.dns.upstream[0] = ip("192.0.2.53");
	net.dns.upstream[1] = ip("2001:db8::53");
	net.dns.upstream[2] = ip("192.0.2.54");
	net.dns.n_upstream = 3;
	net.hosts = hosts;
	net.n_hosts = ARRAY_SIZE(hosts);
	check("no_dns", &net, NULL, 0);
	net.dns.is_enabled = true;
	net.host_access = KVN_HOST_NONE;
	check("no_dns", &net, NULL, 0);
}

static void test_dns_only(void **state)
{
	struct kvn_network net = network(KVN_OPEN);
	struct kvn_reservation hosts[] = {host("web", "52:54:00:aa:bb:cc", "10.9.0.10", "fd09::10")};

	(void)state;
	give4(&net, "10.9.0.1/24", NULL);
	net.hosts = hosts;
	net.n_hosts = ARRAY_SIZE(hosts);
	check("dns_only", &net, NULL, 0);
}

static void test_is_wanted(void **state)
{
	struct kvn_network net = network(KVN_NAT);

	(void)state;
	assert_false(kvn_dnsmasq_is_wanted(&net)); /* no address */
	give4(&net, "10.9.0.1/24", NULL);
	assert_true(kvn_dnsmasq_is_wanted(&net));
	net.host_access = KVN_HOST_NONE;
	assert_false(kvn_dnsmasq_is_wanted(&net));
	net.host_access = KVN_HOST_ALL;
	net.dns.is_enabled = false;
	assert_false(kvn_dnsmasq_is_wanted(&net));
	give6(&net, "fd09::1/64", KVN_DHCP6_NONE, NULL);
	assert_false(kvn_dnsmasq_is_wanted(&net));
	net.ipv6.dhcp = KVN_DHCP6_SLAAC;
	assert_true(kvn_dnsmasq_is_wanted(&net));
	net.ipv6.address_choice = KVN_CHOICE_NONE;
	assert_false(kvn_dnsmasq_is_wanted(&net));
	give4(&net, "10.9.0.1/24", "10.9.0.2-10.9.0.9");
	assert_true(kvn_dnsmasq_is_wanted(&net));
	net.model = KVN_BRIDGED;
	assert_false(kvn_dnsmasq_is_wanted(&net));
}

/* ---- hostile strings ---- */

static void refused(const struct kvn_network *net, const struct kvn_dnsmasq_paths *at, const char *word)
{
	struct kvn_dnsmasq dns = {0};
	struct kvn_error err = {0};

	if (kvn_dnsmasq_format(net, at, NULL, 0, &dns, &err) != -EINVAL)
		fail_msg("taken: %s", word);
	assert_non_null(strstr(err.message, word));
	assert_null(dns.conf);
}

static void test_domains(void **state)
{
	static const char *const bad[] = {
		"",    ".",   "a.",  ".a",   "a..b", "-a",    "a-",       "a\nuser=root", "a\r",        "a b",
		"a,b", "a/b", "a#b", "a\"b", "a\\b", "1.2.3", "\xc3\xa4", "a.-b.c",       "under_score"};
	struct kvn_network net = network(KVN_NAT);

	(void)state;
	give4(&net, "10.9.0.1/24", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(net.dns.domain, sizeof(net.dns.domain), "%s", bad[i]);
		refused(&net, &paths, "domain");
	}
	memset(net.dns.domain, 'a', 64); /* a label of 64 */
	net.dns.domain[64] = '\0';
	refused(&net, &paths, "domain");
}

static void test_names(void **state)
{
	static const char *const bad[] = {"a.b", "a b", "a,set:x", "a\n", "-a", "a-", "a_b", "[::1]", "*", "a:b"};
	struct kvn_network net = network(KVN_NAT);
	struct kvn_reservation one = host("web", "52:54:00:aa:bb:cc", "10.9.0.10", "");

	(void)state;
	give4(&net, "10.9.0.1/24", "10.9.0.2-10.9.0.254");
	net.hosts = &one;
	net.n_hosts = 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)snprintf(one.name, sizeof(one.name), "%s", bad[i]);
		refused(&net, &paths, "reservation");
	}
}

static void test_links_and_paths(void **state)
{
	static const char *const bad[] = {"", "a,b", "a*", "a\nb", "a b", "a#b"};
	struct kvn_network net = network(KVN_NAT);

	(void)state;
	give4(&net, "10.9.0.1/24", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kvn_dnsmasq_paths at = paths;
		struct kvn_network other = net;

		(void)snprintf(other.bridge, sizeof(other.bridge), "%s", bad[i]);
		refused(&other, &paths, "bridge");
		other = net;
		(void)snprintf(other.name, sizeof(other.name), "%s", bad[i]);
		refused(&other, &paths, "name");
		(void)snprintf(at.leases, sizeof(at.leases), "/var/%s\n", bad[i]);
		refused(&net, &at, "path");
		at = paths;
		(void)snprintf(at.pid, sizeof(at.pid), "%s", bad[i]);
		refused(&net, &at, "path");
	}
}

/* ---- resolv.conf ---- */

static void test_resolvers(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n"
				   "search example.test\n"
				   "nameserver 127.0.0.53\n"
				   "nameserver\n"
				   "nameserver 192.0.2.1 # the first\r\n"
				   "nameserver\t2001:db8::1\n"
				   "nameserver fe80::1%eth0\n"
				   "nameserver fe80::2\n"
				   "nameserver 127.0.0.53\n"
				   "nameservers 192.0.2.8\n"
				   "nameserver example.test\n"
				   "options edns0\n"
				   "nameserver 192.0.2.2";
	static const char *const expected[] = {"127.0.0.53", "192.0.2.1", "2001:db8::1", "192.0.2.2"};
	struct kvn_ip ret[KVN_UPSTREAM_MAX];
	size_t n = 99;

	(void)state;
	kvn_dnsmasq_parse_resolvers(text, ret, &n);
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		char written[KVN_IP_TEXT];

		assert_string_equal(kvn_ip_format(&ret[i], written), expected[i]);
	}
	kvn_dnsmasq_parse_resolvers("", ret, &n);
	assert_int_equal(n, 0);
}

static void test_many_resolvers(void **state)
{
	struct kvn_ip ret[KVN_UPSTREAM_MAX];
	char text[20 * 32] = "";
	size_t n = 99;

	(void)state;
	for (int i = 1; i <= 20; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "nameserver 192.0.2.%d\n", i);
	kvn_dnsmasq_parse_resolvers(text, ret, &n);
	assert_int_equal(n, KVN_UPSTREAM_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nat),       cmocka_unit_test(test_isolated),
		cmocka_unit_test(test_routed),    cmocka_unit_test(test_records),
		cmocka_unit_test(test_no_dns),    cmocka_unit_test(test_dns_only),
		cmocka_unit_test(test_is_wanted), cmocka_unit_test(test_domains),
		cmocka_unit_test(test_names),     cmocka_unit_test(test_links_and_paths),
		cmocka_unit_test(test_resolvers), cmocka_unit_test(test_many_resolvers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
