/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_selftest.c - lib/dnsmasq.c with the real dnsmasq and DHCP and DNS clients.
 *
 *   this process: br0 10.9.0.1/24 fd09::1/64 ----+---- eth0 \
 *                                                +---- eth1  } the guests, in a namespace of their own
 *
 * Network, mounts and pids are this test's own: its first process is pid 1 there and reaps no orphan, so that zombies stay
 * and nothing outlives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "cidr.h"
#include "cleanup.h"
#include "dnsmasq.h"
#include "file.h"
#include "lease.h"

#define MANY 20
#define WAIT_S 20

/* The shape of a test: a folder for the files, and the network as it is asked for. */
struct fixture {
	char dir[64], leases_dir[80];
	struct kvn_dnsmasq_paths paths;
	struct kvn_network net;
	struct kvn_reservation hosts[4];
	struct kvn_error err;
};

static pid_t guests; /* holds their namespace */

#define assert_ok(expression) \
	do { \
		int result_ = (expression); \
		if (result_ != 0) \
			fail_msg("%s: %d: %s", #expression, result_, f->err.message); \
	} while (0)

/* ---- commands ---- */

static int __attribute__((format(printf, 1, 2))) run(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return system(line); /* NOLINT(cert-env33-c): the test's own words */
}

/* The first line that @fmt prints, "" when it prints none. */
static void __attribute__((format(printf, 2, 3))) ask(char ret[static 256], const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	FILE *out;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	out = popen(line, "r"); /* NOLINT(cert-env33-c) */
	assert_non_null(out);
	if (!fgets(ret, 256, out))
		ret[0] = '\0';
	(void)pclose(out); /* nslookup fails where there is no such name */
	ret[strcspn(ret, "\n")] = '\0';
}

static bool until(bool (*is_so)(const void *arg), const void *arg)
{
	const struct timespec pause = {.tv_nsec = 20000000};

	for (int i = 0; i < WAIT_S * 50; i++) {
		if (is_so(arg))
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

/* ---- guests ---- */

struct offer {
	char ip[64], router[64], dns[64], mtu[64], domain[64];
};

/* Ask for a lease on @ifname; false: none. */
static bool udhcpc(struct fixture *f, const char *ifname, const char *hostname, struct offer *ret)
{
	static const struct {
		const char *key;
		size_t offset;
	} keys[] = {{"ip", offsetof(struct offer, ip)},
		    {"router", offsetof(struct offer, router)},
		    {"dns", offsetof(struct offer, dns)},
		    {"mtu", offsetof(struct offer, mtu)},
		    {"domain", offsetof(struct offer, domain)}};
	int status =
		run("rm -f %s/offer; nsenter --net=/proc/%d/ns/net env OFFER=%s/offer busybox udhcpc -i %s -n -q -f "
		    "-t 10 -T 1 -O mtu -x hostname:%s -s %s/script >%s/udhcpc.log 2>&1",
		    f->dir, (int)guests, f->dir, ifname, hostname, f->dir, f->dir);

	if (status != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char value[256];

		ask(value, "sed -n 's/^%s=//p' %s/offer", keys[i].key, f->dir);
		(void)snprintf((char *)ret + keys[i].offset, 64, "%.63s", value);
	}
	return true;
}

static void leases_address(struct fixture *f, const char *ifname, const char *expected)
{
	struct offer offer;

	assert_true(udhcpc(f, ifname, ifname, &offer));
	assert_string_equal(offer.ip, expected);
}

static void resolves_to(const char *name, const char *expected)
{
	char found[256];

	ask(found,
	    "nsenter --net=/proc/%d/ns/net busybox nslookup -type=a %s 10.9.0.1 2>&1 | "
	    "sed -n '/^Name:/,$s/^Address: //p'",
	    (int)guests, name);
	assert_string_equal(found, expected);
}

static void mac_of(const char *ifname, uint8_t ret[static 6])
{
	char text[256];

	ask(text, "nsenter --net=/proc/%d/ns/net ip -j link show %s | jq -r '.[0].address'", (int)guests, ifname);
	assert_int_equal(kvn_mac_parse(text, ret), 0);
}

static void reserve(struct fixture *f, const char *name, const char *ifname, const char *address)
{
	struct kvn_reservation *host = &f->hosts[f->net.n_hosts++];

	*host = (struct kvn_reservation){0};
	(void)snprintf(host->name, sizeof(host->name), "%s", name);
	mac_of(ifname, host->mac);
	assert_int_equal(kvn_ip_parse(address, AF_INET, &host->ipv4), 0);
	f->net.hosts = f->hosts;
}

/* ---- dnsmasq ---- */

static int start(struct fixture *f)
{
	struct kvn_dnsmasq dns = {0};
	int r = kvn_dnsmasq_format(&f->net, &f->paths, NULL, 0, &dns, &f->err);

	if (r == 0)
		r = kvn_dnsmasq_start(&f->paths, &dns, &f->err);
	kvn_dnsmasq_clear(&dns);
	return r;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Pids of what runs under the name dnsmasq, zombies not counted. */
static size_t running(pid_t *ret, size_t room)
{
	auto_dir DIR *dir = opendir("/proc");
	size_t n = 0;

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		auto_free char *line = NULL;
		char path[300];

		(void)snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || kvn_file_read(path, &line, NULL) < 0)
			continue;
		if (strcmp(line, "dnsmasq") != 0)
			continue;
		if (n < room)
			ret[n] = (pid_t)strtol(entry->d_name, NULL, 10);
		n++;
	}
	return n;
}

static void nothing_runs(const struct fixture *f)
{
	assert_int_equal(kvn_dnsmasq_get(&f->paths), 0);
	assert_int_equal(running(NULL, 0), 0);
}

static void nothing_is_left(const struct fixture *f)
{
	nothing_runs(f);
	assert_false(exists(f->paths.conf) || exists(f->paths.hosts) || exists(f->paths.dhcp) || exists(f->paths.pid));
}

static pid_t runs(const struct fixture *f)
{
	pid_t pid = kvn_dnsmasq_get(&f->paths), found = 0;

	assert_true(pid > 0);
	assert_int_equal(running(&found, 1), 1);
	assert_int_equal(found, pid);
	return pid;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kvn_network *net;

	if (!f)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/kvn-dnsmasq-XXXXXX");
	if (!mkdtemp(f->dir) || chmod(f->dir, 0755) < 0)
		return -1;
	(void)snprintf(f->leases_dir, sizeof(f->leases_dir), "%s/private", f->dir);
	if (mkdir(f->leases_dir, 0700) < 0)
		return -1;
	(void)snprintf(f->paths.conf, sizeof(f->paths.conf), "%s/dnsmasq.conf", f->dir);
	(void)snprintf(f->paths.hosts, sizeof(f->paths.hosts), "%s/hosts", f->dir);
	(void)snprintf(f->paths.dhcp, sizeof(f->paths.dhcp), "%s/dhcp-hosts", f->dir);
	(void)snprintf(f->paths.pid, sizeof(f->paths.pid), "%s/dnsmasq.pid", f->dir);
	(void)snprintf(f->paths.leases, sizeof(f->paths.leases), "%s/net0", f->leases_dir);
	net = &f->net;
	*net = (struct kvn_network){.name = "net0", .bridge = "br0", .model = KVN_NAT, .mtu = 1400};
	net->dns.is_enabled = true;
	net->dns.is_local = true;
	(void)snprintf(net->dns.domain, sizeof(net->dns.domain), "net0.internal");
	net->ipv4.address_choice = net->ipv4.dhcp_choice = KVN_CHOICE_GIVEN;
	net->ipv4.lease_s = KVN_LEASE_DEFAULT;
	net->ipv6.address_choice = KVN_CHOICE_GIVEN;
	net->ipv6.dhcp = KVN_DHCP6_SLAAC;
	*state = f;
	return kvn_cidr_parse("10.9.0.1/24", AF_INET, &net->ipv4.address) < 0 ||
			       kvn_range_parse("10.9.0.100-10.9.0.110", AF_INET, &net->ipv4.dhcp) < 0 ||
			       kvn_cidr_parse("fd09::1/64", AF_INET6, &net->ipv6.address) < 0 ||
			       run("printf '#!/bin/sh\\n[ \"$1\" != bound ] || env >\"$OFFER\"\\n' >%s/script && chmod "
				   "+x "
				   "%s/script",
				   f->dir, f->dir) != 0
		       ? -1
		       : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int r = kvn_dnsmasq_stop(&f->paths, NULL);

	(void)run("rm -rf %s", f->dir);
	free(f);
	return r;
}

/* ---- the tests ---- */

static void test_serves(void **state)
{
	struct fixture *f = *state;
	auto_free struct kvn_lease *leases = NULL;
	struct offer offer;
	uint8_t mac[6];
	pid_t pid;
	size_t n;

	assert_ok(start(f));
	pid = runs(f);
	assert_true(udhcpc(f, "eth0", "alpha", &offer));
	assert_memory_equal(offer.ip, "10.9.0.1", 8);
	assert_string_equal(offer.router, "10.9.0.1");
	assert_string_equal(offer.dns, "10.9.0.1");
	assert_string_equal(offer.mtu, "1400");
	assert_string_equal(offer.domain, "net0.internal");
	assert_ok(kvn_lease_dump(f->paths.leases, &leases, &n, &f->err));
	mac_of("eth0", mac);
	assert_int_equal(n, 1);
	assert_memory_equal(leases[0].mac, mac, 6);
	assert_string_equal(leases[0].hostname, "alpha");
	resolves_to("alpha.net0.internal", offer.ip);
	resolves_to("alpha", offer.ip);
	resolves_to("localhost", "127.0.0.1");
	assert_ok(start(f)); /* nothing to do */
	assert_int_equal(runs(f), pid);
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	nothing_is_left(f);
	assert_true(exists(f->paths.leases));
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	assert_ok(start(f));
	leases_address(f, "eth0", offer.ip);
}

/* Line "KEY:\tVALUE" of /proc/PID/status. */
static void status_of(pid_t pid, const char *key, char ret[static 256])
{
	ask(ret, "sed -n 's/^%s:[[:space:]]*//p' /proc/%d/status", key, (int)pid);
}

static void test_privileges(void **state)
{
	struct fixture *f = *state;
	char text[256];
	int open_fd[2];
	sigset_t set;
	pid_t pid;

	assert_int_equal(pipe(open_fd), 0); /* inheritable, as QEMU's tap is for a hook */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	assert_ok(start(f));
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	pid = runs(f);
	status_of(pid, "SigBlk", text);
	assert_string_equal(text, "0000000000000000");
	status_of(pid, "Uid", text);
	assert_true(strtoul(text, NULL, 10) > 0);
	status_of(pid, "Gid", text);
	assert_true(strtoul(text, NULL, 10) > 0);
	status_of(pid, "CapEff", text); /* NET_BIND_SERVICE, NET_ADMIN, NET_RAW */
	assert_int_equal(strtoull(text, NULL, 16) & ~UINT64_C(0x3400), 0);
	ask(text, "ls -l /proc/%d/fd | grep -c inotify", (int)pid);
	assert_string_equal(text, "0");
	ask(text, "readlink /proc/self/fd/%d", open_fd[0]);
	assert_memory_equal(text, "pipe:", 5);
	assert_int_not_equal(run("ls -l /proc/%d/fd | grep -qF '%s'", (int)pid, text), 0);
	ask(text, "tr '\\0' '\\n' </proc/%d/environ | grep -c KVN_CANARY", (int)pid);
	assert_string_equal(text, "0");
	(void)close(open_fd[0]);
	(void)close(open_fd[1]);
}

static void test_reservations_live(void **state)
{
	struct fixture *f = *state;
	struct offer offer;
	pid_t pid;

	assert_ok(start(f));
	pid = runs(f);
	assert_true(udhcpc(f, "eth0", "alpha", &offer)); /* it holds a lease of the pool */
	reserve(f, "web", "eth0", "10.9.0.50");
	assert_ok(start(f));
	leases_address(f, "eth0", "10.9.0.50");
	resolves_to("web", "10.9.0.50");
	resolves_to("web.net0.internal", "10.9.0.50");
	f->net.n_hosts = 0;
	reserve(f, "ignore", "eth0", "10.9.0.51"); /* a word of dnsmasq's own */
	assert_ok(start(f));
	resolves_to("web", ""); /* at once, although the guest's lease had the name */
	resolves_to("ignore", "10.9.0.51");
	leases_address(f, "eth0", "10.9.0.51");
	f->net.n_hosts = 0;
	assert_ok(start(f));
	resolves_to("ignore", "");
	assert_true(udhcpc(f, "eth0", "alpha", &offer));
	resolves_to("alpha", offer.ip); /* it has its own name again */
	assert_memory_equal(offer.ip, "10.9.0.1", 8); /* of the pool again */
	assert_int_equal(strlen(offer.ip), 10);
	assert_int_equal(runs(f), pid);
}

/* A reservation of an address that another guest holds. */
static void test_reservation_takes_over(void **state)
{
	struct fixture *f = *state;
	struct offer offer;
	pid_t pid;

	reserve(f, "one", "eth0", "10.9.0.50");
	assert_ok(start(f));
	pid = runs(f);
	leases_address(f, "eth0", "10.9.0.50");
	f->net.n_hosts = 0;
	reserve(f, "two", "eth1", "10.9.0.50");
	assert_ok(start(f));
	assert_int_not_equal(runs(f), pid); /* a lease is forgotten at start only */
	leases_address(f, "eth1", "10.9.0.50");
	assert_true(udhcpc(f, "eth0", "eth0", &offer));
	assert_string_not_equal(offer.ip, "10.9.0.50");
	/* The same while it is down. */
	resolves_to("two", "10.9.0.50");
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	f->net.n_hosts = 0;
	reserve(f, "one", "eth0", "10.9.0.50");
	assert_ok(start(f));
	resolves_to("two", "");
	leases_address(f, "eth0", "10.9.0.50");
}

/* A name that is reserved no more does not come back with the lease that had it. */
static void test_name_gone_while_down(void **state)
{
	struct fixture *f = *state;

	reserve(f, "web", "eth0", "10.9.0.105");
	assert_ok(start(f));
	leases_address(f, "eth0", "10.9.0.105");
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	assert_ok(start(f));
	resolves_to("web", "10.9.0.105");
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	f->net.n_hosts = 0;
	assert_ok(start(f));
	resolves_to("web", "");
	leases_address(f, "eth0", "10.9.0.105"); /* as any guest that had it */
}

/* A folder that dnsmasq's user cannot enter, and one that becomes open while it runs. */
static void test_private_folder(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	assert_int_equal(chmod(f->dir, 0700), 0);
	reserve(f, "web", "eth0", "10.9.0.50");
	assert_ok(start(f));
	pid = runs(f);
	leases_address(f, "eth0", "10.9.0.50");
	resolves_to("web", "10.9.0.50");
	resolves_to("web.net0.internal", "10.9.0.50");
	assert_ok(start(f));
	assert_int_equal(runs(f), pid);
	f->net.n_hosts = 0;
	reserve(f, "www", "eth0", "10.9.0.51");
	assert_ok(start(f));
	leases_address(f, "eth0", "10.9.0.51");
	resolves_to("www", "10.9.0.51");
	resolves_to("web", "");
	assert_int_equal(chmod(f->dir, 0755), 0);
	reserve(f, "open", "eth1", "10.9.0.52");
	assert_ok(start(f));
	pid = runs(f);
	leases_address(f, "eth1", "10.9.0.52");
	f->net.n_hosts = 0;
	reserve(f, "live", "eth0", "10.9.0.53");
	assert_ok(start(f));
	resolves_to("www", "");
	leases_address(f, "eth0", "10.9.0.53");
	resolves_to("live", "10.9.0.53");
	assert_int_equal(runs(f), pid);
}

static bool has_address6(const void *arg)
{
	char text[256];

	(void)arg;
	ask(text, "nsenter --net=/proc/%d/ns/net ip -6 -o addr show dev eth0 scope global", (int)guests);
	return strstr(text, "fd09::");
}

static void solicit(void)
{
	assert_int_equal(
		run("nsenter --net=/proc/%d/ns/net sh -c 'ip link set eth0 down && ip link set eth0 up'", (int)guests),
		0);
	assert_true(until(has_address6, NULL));
}

static void default_route6(char ret[static 256])
{
	ask(ret, "nsenter --net=/proc/%d/ns/net ip -6 route show default", (int)guests);
}

static void test_router_advertisement(void **state)
{
	struct fixture *f = *state;
	char text[256];

	assert_ok(start(f));
	solicit();
	default_route6(text);
	assert_memory_equal(text, "default via fe80:", 17);
}

static void test_isolated(void **state)
{
	struct fixture *f = *state;
	struct offer offer;
	char text[256];

	f->net.model = KVN_ISOLATED;
	assert_ok(start(f));
	assert_true(udhcpc(f, "eth0", "alpha", &offer));
	assert_string_equal(offer.router, "");
	assert_string_equal(offer.dns, "");
	solicit();
	default_route6(text);
	assert_string_equal(text, "");
}

static int take_port(int type, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_ports_taken(void **state)
{
	static const struct {
		int type;
		uint16_t port;
		const char *words;
	} cases[] = {{SOCK_STREAM, 53, "dnsmasq: failed to create listening socket for"},
		     {SOCK_DGRAM, 53, "dnsmasq: failed to create listening socket for"},
		     {SOCK_DGRAM, 67, "dnsmasq: failed to bind DHCP server socket"}};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_close int fd = take_port(cases[i].type, cases[i].port);

		assert_int_equal(start(f), -EADDRINUSE);
		assert_memory_equal(f->err.message, cases[i].words, strlen(cases[i].words));
		assert_non_null(strstr(f->err.message, "Address already in use"));
		nothing_is_left(f);
		assert_false(exists(f->paths.leases));
	}
	assert_ok(start(f));
}

static void test_missing_program(void **state)
{
	struct fixture *f = *state;
	auto_free char *path = strdup(getenv("PATH"));
	int r;

	assert_int_equal(mount("none", "/usr/sbin", "tmpfs", 0, NULL), 0);
	assert_int_equal(setenv("PATH", f->dir, 1), 0);
	r = start(f);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(umount("/usr/sbin"), 0);
	assert_int_equal(r, -ENOENT);
	assert_string_equal(f->err.message, "dnsmasq not found; install package dnsmasq-base");
	nothing_is_left(f);
}

/* A configuration that it does not take: the files are as before, whether there were any or not. */
static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct kvn_dnsmasq bad = {0}, left = {0};

	for (int i = 0; i < 2; i++) {
		assert_ok(kvn_dnsmasq_format(&f->net, &f->paths, NULL, 0, &bad, &f->err));
		bad.conf = realloc(bad.conf, strlen(bad.conf) + 16);
		assert_non_null(bad.conf);
		(void)strcat(bad.conf, "nonsense\n");
		assert_int_equal(kvn_dnsmasq_start(&f->paths, &bad, &f->err), -EIO);
		assert_memory_equal(f->err.message, "dnsmasq: bad option at line ", 28);
		if (i == 0)
			nothing_is_left(f);
		nothing_runs(f);
		kvn_dnsmasq_clear(&bad);
		if (i == 0)
			assert_ok(start(f));
	}
	assert_ok(kvn_dnsmasq_read(&f->paths, &left, &f->err));
	assert_null(strstr(left.conf, "nonsense"));
	assert_non_null(strstr(left.conf, "interface=br0\n"));
	kvn_dnsmasq_clear(&left);
	assert_ok(start(f));
}

/* Programs in dnsmasq's place that fail in other ways. */
static void test_other_failures(void **state)
{
	static const struct {
		const char *script, *message;
	} cases[] = {{"[ ! -e /proc/self/fd/200 ] || echo inherited >&2; exit 5",
		      "dnsmasq: ended with status 5 and without a word"},
		     {"kill -SEGV $$", "dnsmasq: killed by signal 11 (Segmentation fault)"},
		     {"echo 'ld.so: what' >&2; echo 'dnsmasq: no way' >&2; echo ok >&2; exit 1", "dnsmasq: no way"},
		     {"yes 2>&1 | head -c 200000 >&2; exit 1", "dnsmasq: y"},
		     {"exit 0", "dnsmasq: ended as soon as it was started"}};
	struct fixture *f = *state;
	auto_free char *path = strdup(getenv("PATH"));
	auto_close int inheritable = dup2(0, 200); /* dnsmasq would close it by itself */

	assert_int_equal(inheritable, 200);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char program[128], script[256];
		int r;

		(void)snprintf(program, sizeof(program), "%s/dnsmasq", f->dir);
		(void)snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", cases[i].script);
		assert_ok(kvn_file_write(program, script, 0755, false, &f->err));
		assert_int_equal(setenv("PATH", f->dir, 1), 0);
		r = start(f);
		assert_int_equal(setenv("PATH", path, 1), 0);
		assert_int_equal(r, -EIO);
		assert_string_equal(f->err.message, cases[i].message);
		nothing_is_left(f);
	}
}

static bool is_down(const void *arg)
{
	const struct fixture *f = arg;

	return kvn_dnsmasq_get(&f->paths) == 0 && running(NULL, 0) == 0;
}

/* What a crash, a killed caller and a hostile dnsmasq leave: a stale pid file, none, another's pid in it. */
static void test_leftovers(void **state)
{
	struct fixture *f = *state;
	char text[32];
	pid_t pid;

	assert_ok(start(f));
	assert_int_equal(kill(runs(f), SIGKILL), 0);
	assert_true(until(is_down, f)); /* and a zombie, as nobody reaps it */
	assert_ok(start(f));
	pid = runs(f);
	assert_int_equal(unlink(f->paths.pid), 0);
	assert_int_equal(kvn_dnsmasq_get(&f->paths), 0);
	assert_ok(start(f));
	assert_int_not_equal(runs(f), pid);
	assert_int_equal(unlink(f->paths.pid), 0);
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	nothing_is_left(f);
	assert_ok(start(f));
	(void)snprintf(text, sizeof(text), "%d\n", (int)guests);
	assert_ok(kvn_file_write(f->paths.pid, text, 0644, false, &f->err));
	assert_int_equal(kvn_dnsmasq_get(&f->paths), 0);
	assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	assert_int_equal(kill(guests, 0), 0);
	assert_int_equal(waitpid(guests, NULL, WNOHANG), 0);
	nothing_is_left(f);
	assert_int_equal(symlink("/etc/passwd", f->paths.pid), 0);
	assert_int_equal(kvn_dnsmasq_get(&f->paths), 0);
	assert_ok(start(f));
	(void)runs(f);
	assert_true(exists("/etc/passwd"));
}

/* In the guests' namespace it does not count as running, and makes way for one that serves there. */
static int start_over_there(struct fixture *f)
{
	char path[64];
	auto_close int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)guests);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		return 1;
	if (kvn_dnsmasq_get(&f->paths) != 0)
		return 2;
	if (start(f) < 0)
		return 3;
	return kvn_dnsmasq_get(&f->paths) > 0 ? 0 : 4;
}

static void test_other_namespace(void **state)
{
	struct fixture *f = *state;
	pid_t child, before;
	int status;

	assert_ok(start(f));
	before = runs(f);
	child = fork();
	if (child == 0)
		_exit(start_over_there(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(kvn_dnsmasq_get(&f->paths), 0);
	assert_ok(start(f));
	assert_int_not_equal(runs(f), before);
}

static int start_one_of_many(struct fixture *f, int i)
{
	(void)snprintf(f->net.bridge, sizeof(f->net.bridge), "many%d", i);
	(void)snprintf(f->paths.conf, sizeof(f->paths.conf), "%s/conf%d", f->dir, i);
	(void)snprintf(f->paths.hosts, sizeof(f->paths.hosts), "%s/hosts%d", f->dir, i);
	(void)snprintf(f->paths.dhcp, sizeof(f->paths.dhcp), "%s/dhcp%d", f->dir, i);
	(void)snprintf(f->paths.pid, sizeof(f->paths.pid), "%s/pid%d", f->dir, i);
	(void)snprintf(f->paths.leases, sizeof(f->paths.leases), "%s/leases%d", f->leases_dir, i);
	f->net.ipv4.address.ip.bytes[1] = f->net.ipv4.dhcp.first.bytes[1] = f->net.ipv4.dhcp.last.bytes[1] =
		(uint8_t)(100 + i);
	f->net.ipv6.address_choice = KVN_CHOICE_NONE;
	return start(f);
}

static void test_many_at_once(void **state)
{
	struct fixture *f = *state;
	pid_t children[MANY];
	int status;

	for (int i = 0; i < MANY; i++)
		assert_int_equal(run("ip link add many%d type bridge && ip link set many%d up && "
				     "ip addr add 10.%d.0.1/24 dev many%d",
				     i, i, 100 + i, i),
				 0);
	for (int i = 0; i < MANY; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			int r = start_one_of_many(f, i);

			if (r < 0)
				print_error("%d: %s\n", i, f->err.message);
			_exit(r < 0);
		}
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(running(NULL, 0), MANY);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(f->paths.conf, sizeof(f->paths.conf), "%s/conf%d", f->dir, i);
		(void)snprintf(f->paths.pid, sizeof(f->paths.pid), "%s/pid%d", f->dir, i);
		assert_true(kvn_dnsmasq_get(&f->paths) > 0);
		assert_ok(kvn_dnsmasq_stop(&f->paths, &f->err));
	}
	assert_int_equal(running(NULL, 0), 0);
}

/* ---- the namespaces ---- */

/* The guests' namespace, held by a child. */
static pid_t hold_namespace(void)
{
	int ready[2];
	pid_t pid;
	char c;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1)
		pid = -1;
	(void)close(ready[0]);
	return pid;
}

static int lay_out(void **state)
{
	(void)state;
	guests = hold_namespace();
	if (guests < 0)
		return -1;
	return run("set -e\n"
		   "for key in accept_dad router_solicitation_delay; do\n"
		   "  sysctl -qw net.ipv6.conf.default.$key=0\n"
		   "  nsenter --net=/proc/%d/ns/net sysctl -qw net.ipv6.conf.default.$key=0\n"
		   "done\n"
		   "ip link set lo up\n"
		   "ip link add br0 type bridge && ip link set br0 up\n"
		   "ip addr add 10.9.0.1/24 dev br0 && ip addr add fd09::1/64 dev br0 nodad\n"
		   "for i in 0 1; do\n"
		   "  ip link add v$i type veth peer name eth$i netns %d\n"
		   "  ip link set v$i master br0 up\n"
		   "  nsenter --net=/proc/%d/ns/net ip link set eth$i up\n"
		   "done\n"
		   "nsenter --net=/proc/%d/ns/net ip addr add 10.9.0.250/24 dev eth0\n"
		   "nsenter --net=/proc/%d/ns/net sysctl -qw net.ipv6.conf.eth1.accept_ra=0\n",
		   (int)guests, (int)guests, (int)guests, (int)guests, (int)guests);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_serves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_privileges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reservations_live, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reservation_takes_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_gone_while_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_private_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_router_advertisement, setup, teardown),
		cmocka_unit_test_setup_teardown(test_isolated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ports_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_namespace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_at_once, setup, teardown),
	};

	(void)setenv("KVN_CANARY", "1", 1);
	return cmocka_run_group_tests(tests, lay_out, NULL);
}

int main(void)
{
	int status;
	pid_t child;

	if (run("command -v dnsmasq busybox jq nsenter >/dev/null") !=
	    0) { /* the next child is the namespace's pid 1 */
		printf("needs dnsmasq, busybox, jq and nsenter\n");
		return 77;
	}
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) < 0) {
		printf("needs root: network, mount and pid namespaces of its own\n");
		return 77;
	}
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		    mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(1);
		return run_all() == 0 ? 0 : 1;
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status)
				: 1); /* nothing can be forked any more, not by a sanitizer either */
}
