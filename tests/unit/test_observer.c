/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_observer.c - what an observer makes of files that come, go, and are half written, at moments that a test chooses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "kvnet.h"
#include "port.h"

#define LONG_MS 20000 /* what must come does so long before */
#define FLOOD 40000 /* news, more than an inotify queue holds by default (16,384) */

struct fixture {
	char top[64];
	struct kvn *kvn;
	struct kvn_observer *observer;
};

/* ---- files ---- */

static void run(const struct fixture *f, const char *command)
{
	char line[1024];

	assert_true(snprintf(line, sizeof(line), "cd %s && { %s; }", f->top, command) < (int)sizeof(line));
	assert_int_equal(system(line), 0); /* NOLINT(bugprone-command-processor,cert-env33-c): the test's own words */
}

static void write_text(const struct fixture *f, const char *file, const char *mode, const char *text)
{
	char path[256];
	auto_file FILE *out = NULL;

	(void)snprintf(path, sizeof(path), "%s/%s", f->top, file);
	out = fopen(path, mode);
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
}

static void put(const struct fixture *f, const char *file, const char *text)
{
	write_text(f, file, "we", text);
}

/* As kvnet writes: beside it, then renamed. */
static void replace(const struct fixture *f, const char *dir, const char *name, const char *text)
{
	char temporary[128], command[320];

	(void)snprintf(temporary, sizeof(temporary), "%s/.%s.new", dir, name);
	put(f, temporary, text);
	(void)snprintf(command, sizeof(command), "mv %s %s/%s", temporary, dir, name);
	run(f, command);
}

static void make_folders(const struct fixture *f)
{
	run(f, "mkdir -p etc/networks run/networks lib/leases");
}

static void put_port_of(const struct fixture *f, const char *network, const char *ifname, pid_t pid)
{
	struct kvn_port port = {.uid = UINT32_MAX, .gid = UINT32_MAX, .pid = pid};

	(void)snprintf(port.network, sizeof(port.network), "%s", network);
	(void)snprintf(port.ifname, sizeof(port.ifname), "%s", ifname);
	assert_int_equal(kvn_port_record(f->kvn, &port, NULL), 0);
}

static void put_port(const struct fixture *f, const char *network, const char *ifname)
{
	put_port_of(f, network, ifname, 0);
}

/* ---- events ---- */

static void open_observer(struct fixture *f)
{
	struct kvn_error err = {0};

	if (kvn_observer_open(f->kvn, &f->observer, &err) < 0)
		fail_msg("%s", err.message);
}

static bool is_readable(const struct fixture *f, int ms)
{
	struct pollfd poll_fd = {.fd = kvn_observer_fd(f->observer), .events = POLLIN};

	return poll(&poll_fd, 1, ms) == 1;
}

static const char *text_of(const json_t *event, const char *part, const char *key)
{
	return json_string_value(json_object_get(part ? json_object_get(event, part) : event, key)) ?: "";
}

/* "EVENT NETWORK[ IFNAME][ ADDRESS MAC HOSTNAME]". */
static void describe(const json_t *event, char text[static 256])
{
	bool is_lease = json_object_get(event, "lease");

	assert_true(json_real_value(json_object_get(event, "time")) > 1e9);
	if (is_lease)
		(void)snprintf(text, 256, "%s %s %s %s %s", text_of(event, NULL, "event"),
			       text_of(event, NULL, "network"), text_of(event, "lease", "address"),
			       text_of(event, "lease", "mac") + 15, text_of(event, "lease", "hostname"));
	else
		(void)snprintf(text, 256, "%s %s%s%s", text_of(event, NULL, "event"), text_of(event, NULL, "network"),
			       json_object_get(event, "port") ? " " : "", text_of(event, "port", "ifname"));
}

/* What is there now, without waiting, is exactly @expected: one event a line. */
static void expect(struct fixture *f, const char *expected)
{
	char all[8192] = "";
	size_t used = 0;
	json_t *event;
	struct kvn_error err = {0};
	int r;

	while ((r = kvn_observer_next(f->observer, &event, &err)) == 0) {
		char text[256];

		describe(event, text);
		json_decref(event);
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s\n", text);
		assert_true(used < sizeof(all));
	}
	if (r != -EAGAIN)
		fail_msg("%s", err.message);
	assert_string_equal(all, expected);
}

/* The next event comes by itself: nothing is written any more. */
static void expect_later(struct fixture *f, const char *expected)
{
	json_t *event;
	char text[256];
	int r = -EAGAIN;

	while (r == -EAGAIN) {
		assert_true(is_readable(f, LONG_MS));
		r = kvn_observer_next(f->observer, &event, NULL);
	}
	assert_int_equal(r, 0);
	describe(event, text);
	json_decref(event);
	assert_string_equal(text, expected);
}

/* Asleep: nothing told, and nothing that would wake up who polls. */
static void expect_rest(struct fixture *f)
{
	expect(f, "");
	assert_false(is_readable(f, 0));
}

/* ---- fixture ---- */

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];

	assert_non_null(f);
	(void)snprintf(f->top, sizeof(f->top), "/tmp/kvt-observer-XXXXXX");
	assert_non_null(mkdtemp(f->top));
	(void)snprintf(path, sizeof(path), "%s/etc", f->top);
	assert_int_equal(setenv("KVNET_CONFIG_DIR", path, 1), 0);
	(void)snprintf(path, sizeof(path), "%s/run", f->top);
	assert_int_equal(setenv("KVNET_RUNTIME_DIR", path, 1), 0);
	(void)snprintf(path, sizeof(path), "%s/lib", f->top);
	assert_int_equal(setenv("KVNET_STATE_DIR", path, 1), 0);
	assert_int_equal(kvn_open(&f->kvn, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (getuid() == 0 && seteuid(0) < 0) /* after a failure in between */
		return -1;
	kvn_observer_close(f->observer);
	kvn_close(f->kvn);
	run(f, "cd / && rm -rf \"$OLDPWD\"");
	free(f);
	return 0;
}

/* A network that is up, with a lease, before the observer comes. */
static int set_up_network(void **state)
{
	struct fixture *f;

	(void)set_up(state);
	f = *state;
	make_folders(f);
	put(f, "etc/networks/nat0.yaml", "model: nat\n");
	run(f, "mkdir -p run/networks/nat0/ports");
	put(f, "run/networks/nat0/network.json", "{}");
	put(f, "lib/leases/nat0", "100 52:54:00:00:00:01 10.0.0.1 one *\n100 52:54:00:00:00:02 10.0.0.2 two *\n");
	open_observer(f);
	expect_rest(f);
	return 0;
}

/* ---- networks and ports ---- */

static void test_life(void **state)
{
	struct fixture *f = *state;

	make_folders(f);
	open_observer(f);
	expect_rest(f);
	replace(f, "etc/networks", "nat0.yaml", "model: nat\n");
	expect(f, "network-defined nat0\n");
	replace(f, "etc/networks", "nat0.yaml", "model: nat\nmtu: 1400\n");
	expect(f, "network-changed nat0\n");
	replace(f, "etc/networks", "nat0.yaml", "model: nat\nmtu: 1400\n"); /* nothing new in it */
	expect(f, "");
	run(f, "mkdir run/networks/nat0");
	replace(f, "run/networks/nat0", "network.json", "{}");
	expect(f, "network-started nat0\n");
	run(f, "mkdir run/networks/nat0/ports");
	put_port(f, "nat0", "tap0");
	expect(f, "port-added nat0 tap0\n");
	run(f, "rm -r run/networks/nat0/ports run/networks/nat0/network.json");
	expect(f, "port-removed nat0 tap0\nnetwork-stopped nat0\n");
	run(f, "rm -r run/networks/nat0 etc/networks/nat0.yaml");
	expect(f, "network-deleted nat0\n");
	expect_rest(f);
}

/* "set" writes the definition and then the record: one change, told when it is in force. */
static void test_change_while_up(void **state)
{
	struct fixture *f = *state;

	replace(f, "etc/networks", "nat0.yaml", "model: nat\nmtu: 1400\n");
	expect(f, "");
	replace(f, "run/networks/nat0", "network.json", "{\"mtu\": 1400}");
	expect(f, "network-changed nat0\n");
	expect_rest(f);
}

static void test_filled_before_the_watch(void **state)
{
	struct fixture *f = *state;

	make_folders(f);
	open_observer(f);
	run(f, "mkdir -p run/networks/nat0/ports");
	put(f, "etc/networks/nat0.yaml", "model: nat\n");
	put(f, "run/networks/nat0/network.json", "{}");
	put_port(f, "nat0", "tap0");
	put(f, "lib/leases/nat0", "100 52:54:00:00:00:01 10.0.0.1 one *\n");
	expect(f, "network-defined nat0\nnetwork-started nat0\nport-added nat0 tap0\n"
		  "lease-added nat0 10.0.0.1 01 one\n");
	put_port(f, "nat0", "tap1");
	expect(f, "port-added nat0 tap1\n");
	expect_rest(f);
}

/* A port whose end was not seen, since another process has one of that name by now; who had none may come to have one. */
static void test_port_of_another(void **state)
{
	struct fixture *f = *state;

	put_port_of(f, "nat0", "tap0", 0);
	expect(f, "port-added nat0 tap0\n");
	put_port_of(f, "nat0", "tap0", 4711);
	put_port_of(f, "nat0", "tap1", 4711);
	expect(f, "port-added nat0 tap1\n");
	put_port_of(f, "nat0", "tap1", 4712);
	expect(f, "port-removed nat0 tap1\nport-added nat0 tap1\n");
	run(f, "mv run/networks/nat0/ports ports; mkdir run/networks/nat0/ports");
	put_port_of(f, "nat0", "tap0", 4713);
	expect(f, "port-removed nat0 tap0\nport-removed nat0 tap1\nport-added nat0 tap0\n");
	expect_rest(f);
}

/* Removed and made anew, each folder of it another one now. */
static void test_folder_made_anew(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		run(f, "rm -r run/networks/nat0");
		expect(f, "network-stopped nat0\n");
		run(f, "mkdir -p run/networks/nat0/ports; echo {} >run/networks/nat0/network.json");
		expect(f, "network-started nat0\n");
		put_port(f, "nat0", "tap0");
		expect(f, "port-added nat0 tap0\n");
		run(f, "rm -r run/networks/nat0; mkdir -p run/networks/nat0/ports; echo {} "
		       ">run/networks/nat0/network.json");
		expect(f, "port-removed nat0 tap0\n");
		put_port(f, "nat0", "tap1");
		expect(f, "port-added nat0 tap1\n");
		run(f, "rm run/networks/nat0/ports/tap1");
		expect(f, "port-removed nat0 tap1\n");
	}
}

static void test_foreign_files(void **state)
{
	struct fixture *f = *state;

	put(f, "etc/networks/.nat1.yaml.new", "x");
	put(f, "etc/networks/nat1.yaml~", "x");
	put(f, "etc/networks/a-name-that-is-too-long.yaml", "x");
	put(f, "run/networks/nat0/.network.json.new", "x");
	put(f, "run/networks/nat0/journal", "x");
	put(f, "run/networks/nat0/ports/.tap0.new", "x");
	put(f, "run/networks/nat0/ports/tap0", "no record");
	put(f, "lib/leases/.nat0.new", "x");
	expect_rest(f);
}

/* ---- folders that are not there yet, or no more ---- */

static void test_nothing_yet(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/run", f->top);
	open_observer(f);
	assert_int_equal(stat(path, &st), -1); /* looking on makes nothing */
	expect_rest(f);
	run(f, "mkdir -p etc/networks && echo model: nat >etc/networks/nat0.yaml");
	expect(f, "network-defined nat0\n");
	run(f, "mkdir run");
	expect(f, "");
	run(f, "mkdir run/networks");
	expect(f, "");
	run(f, "mkdir run/networks/nat0 && echo {} >run/networks/nat0/network.json");
	expect(f, "network-started nat0\n");
	run(f, "mkdir -p lib/leases && echo 100 52:54:00:00:00:01 10.0.0.1 one '*' >lib/leases/nat0");
	expect(f, "lease-added nat0 10.0.0.1 01 one\n");
	expect_rest(f);
}

static void test_all_removed(void **state)
{
	struct fixture *f = *state;

	run(f, "rm -r etc run lib");
	expect(f, "network-stopped nat0\nlease-removed nat0 10.0.0.1 01 one\nlease-removed nat0 10.0.0.2 02 two\n"
		  "network-deleted nat0\n");
	expect_rest(f);
	make_folders(f);
	expect(f, "");
	put(f, "etc/networks/nat1.yaml", "model: nat\n");
	expect(f, "network-defined nat1\n");
}

static void test_without_permission(void **state)
{
	struct fixture *f = *state;
	struct kvn_error err = {0};

	if (geteuid() == 0) /* root may read everything: be nobody from here on */
		run(f, "mkdir -p etc/networks run/networks lib/leases; echo model: nat >etc/networks/nat0.yaml; chmod "
		       "755 .; "
		       "chmod 700 lib run; chown -R 65534 etc");
	else
		run(f, "mkdir -p etc/networks run/networks lib/leases; echo model: nat >etc/networks/nat0.yaml; "
		       "chmod 0 lib run");
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	open_observer(f);
	put(f, "etc/networks/nat1.yaml", "model: nat\n");
	expect(f, "network-defined nat1\n");
	expect_rest(f);
	kvn_observer_close(f->observer);
	f->observer = NULL;
	run(f, "chmod 0 etc");
	assert_int_equal(kvn_observer_open(f->kvn, &f->observer, &err), -EACCES);
	assert_non_null(strstr(err.message, "needs root"));
	run(f, "chmod 700 etc");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	else
		run(f, "chmod 700 run lib");
}

/* ---- leases ---- */

/* dnsmasq 2.90 lease.c: rewind, ftruncate to nothing, then the lines in pieces of a stdio buffer. */
static void test_rewritten_in_place(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/leases/nat0", "");
	expect(f, "");
	write_text(f, "lib/leases/nat0", "ae", "200 52:54:00:00:00:01 10.0.0.1 one *\n"); /* ends where a line does */
	expect(f, "");
	write_text(f, "lib/leases/nat0", "ae", "200 52:54:00:00:00:02 10.0"); /* and where none does */
	expect(f, "");
	write_text(f, "lib/leases/nat0", "ae", ".0.2 two *\n200 52:54:00:00:00:03 10.0.0.3 thr");
	expect(f, "");
	write_text(f, "lib/leases/nat0", "ae", "ee *\n");
	expect(f, "lease-added nat0 10.0.0.3 03 three\n");
	expect_rest(f);
}

static void test_lease_removed(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/leases/nat0", "100 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, ""); /* it may be half written */
	expect_later(f, "lease-removed nat0 10.0.0.1 01 one");
	expect_rest(f);
	put(f, "lib/leases/nat0", ""); /* the last one: as short as a file gets */
	expect(f, "");
	expect_later(f, "lease-removed nat0 10.0.0.2 02 two");
	expect_rest(f);
	put(f, "lib/leases/nat0", "100 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, "lease-added nat0 10.0.0.2 02 two\n");
	run(f, "rm lib/leases/nat0"); /* that is no rewriting */
	expect(f, "lease-removed nat0 10.0.0.2 02 two\n");
}

/* A lease that is missed for a while is no event, however often the file is looked at meanwhile. */
static void test_incomplete_removes_nothing(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/leases/nat0", "");
	expect(f, "");
	put(f, "lib/leases/nat0", "100 52:54:00:00:00:01 10.0.0.1 one"); /* its writer was killed here */
	expect(f, "");
	while (is_readable(f, 2500)) /* longer than what makes a removal believed */
		expect(f, "");
	put(f, "lib/leases/nat0", "");
	expect(f, "");
	put(f, "lib/leases/nat0", "100 52:54:00:00:00:01 10.0.0.1 one *\n100 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, "");
	expect_rest(f);
}

static void test_lease_changed(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/leases/nat0", "900 52:54:00:00:00:01 10.0.0.1 one *\n900 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, ""); /* renewed */
	put(f, "lib/leases/nat0", "900 52:54:00:00:00:01 10.0.0.1 uno *\n900 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, "lease-added nat0 10.0.0.1 01 uno\n");
	/* another guest's now: the first has it no more, and need not be waited for */
	put(f, "lib/leases/nat0", "900 52:54:00:00:00:09 10.0.0.1 nine *\n900 52:54:00:00:00:02 10.0.0.2 two *\n");
	expect(f, "lease-removed nat0 10.0.0.1 01 uno\nlease-added nat0 10.0.0.1 09 nine\n");
	put(f, "lib/leases/nat0", "900 52:54:00:00:00:09 10.0.0.1 nine *\n900 52:54:00:00:00:02 10.0.0.7 two *\n");
	expect(f, "lease-added nat0 10.0.0.7 02 two\n");
	expect_later(f, "lease-removed nat0 10.0.0.2 02 two");
	expect_rest(f);
}

/* A line that no guest's lease makes must not hide the others'. */
static void test_senseless_line(void **state)
{
	struct fixture *f = *state;

	put(f, "lib/leases/nat0", "what\n100 52:54:00:00:00:01 10.0.0.1 one *\nduid 00:01\n");
	expect_later(f, "lease-removed nat0 10.0.0.2 02 two");
	expect_rest(f);
}

/* ---- more news than the kernel keeps ---- */

static void test_overflow(void **state)
{
	struct fixture *f = *state;
	char path[2][128];

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "%s/etc/networks/x%d", f->top, i);
		put(f, i ? "etc/networks/x1" : "etc/networks/x0", "");
	}
	for (int i = 0; i < FLOOD; i++) { /* alternately: news that repeat are one */
		char *at = path[i % 2];
		auto_close int fd = open(at, O_WRONLY | O_TRUNC | O_CLOEXEC);

		assert_true(fd >= 0);
	}
	run(f, "rm -r run/networks/nat0 etc/networks/nat0.yaml; mkdir -p run/networks/nat1");
	put(f, "etc/networks/nat1.yaml", "model: nat\n");
	put(f, "run/networks/nat1/network.json", "{}");
	expect(f, "network-defined nat1\nnetwork-started nat1\nnetwork-stopped nat0\n"
		  "lease-removed nat0 10.0.0.1 01 one\nlease-removed nat0 10.0.0.2 02 two\nnetwork-deleted nat0\n");
	expect_rest(f);
	run(f, "mkdir run/networks/nat1/ports"); /* and it is awake afterwards */
	put_port(f, "nat1", "tap0");
	expect(f, "port-added nat1 tap0\n");
	expect_rest(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_change_while_up, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_filled_before_the_watch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_port_of_another, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_folder_made_anew, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_foreign_files, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_yet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_removed, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_without_permission, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rewritten_in_place, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_lease_removed, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_incomplete_removes_nothing, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_lease_changed, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_senseless_line, set_up_network, tear_down),
		cmocka_unit_test_setup_teardown(test_overflow, set_up_network, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
