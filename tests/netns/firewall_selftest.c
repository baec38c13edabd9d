/* SPDX-License-Identifier: GPL-2.0-or-later */
/* firewall_selftest.c - the firewall's calls against a real kernel, each test in a network namespace of its own.
 *
 * No packets here: model_*.sh send those.  "firewall_selftest bench" measures instead, and checks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "firewall.h"
#include "ruleset.h"

#define BIT(set) (1U << KVN_SET_##set)
#define NAT_SETS (BIT(NETWORK) | BIT(NAT) | BIT(SAME))

struct fixture {
	struct kvn_nft *nft;
	struct kvn_error err;
};

#define assert_ok(expression) \
	do { \
		int result_ = (expression); \
		if (result_ != 0) \
			fail_msg("%s: %d: %s", #expression, result_, f->err.message); \
	} while (0)

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || unshare(CLONE_NEWNET) < 0 || kvn_nft_open(&f->nft, &f->err) < 0)
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kvn_nft_close(f->nft);
	free(f);
	return 0;
}

static int shell(const char *line)
{
	return system(line); /* NOLINT(cert-env33-c): the test's own words */
}

/* Run nft(8) as a stranger would; its exit status. */
static int nft(const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "nft '%s'", command);
	return shell(line);
}

/* Does what `nft list ruleset` prints hold @text? */
static bool nft_shows(const char *text)
{
	auto_free char *line = NULL;
	size_t size = 0;
	FILE *pipe = popen("nft list ruleset", "r"); /* NOLINT(cert-env33-c) */
	bool is_found = false;

	assert_non_null(pipe);
	while (getline(&line, &size, pipe) >= 0)
		is_found = is_found || strstr(line, text);
	assert_int_equal(pclose(pipe), 0);
	return is_found;
}

static struct kvn_firewall part(const char *bridge, const char *uplink, unsigned sets)
{
	struct kvn_firewall ret = {.sets = sets};

	(void)snprintf(ret.bridge, sizeof(ret.bridge), "%s", bridge);
	(void)snprintf(ret.uplink, sizeof(ret.uplink), "%s", uplink);
	return ret;
}

static void expect(struct fixture *f, const char *bridge, const char *uplink, unsigned sets, bool is_sound)
{
	struct kvn_firewall found;
	bool found_sound = !is_sound;

	assert_ok(kvn_firewall_get(f->nft, true, bridge, uplink, &found, &found_sound, &f->err));
	assert_int_equal(found.sets, sets);
	assert_string_equal(found.bridge, bridge);
	assert_string_equal(found.uplink, sets & BIT(UPLINK) ? uplink : "");
	assert_int_equal(found_sound, is_sound);
}

static void expect_dump(struct fixture *f, enum kvn_firewall_set set, const char *names)
{
	auto_free char(*found)[IFNAMSIZ] = NULL;
	char joined[1024] = "";
	size_t n = 0;

	assert_ok(kvn_firewall_dump(f->nft, set, &found, &n, &f->err));
	for (size_t i = 0; i < n; i++)
		(void)snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", i ? " " : "",
			       found[i]);
	assert_string_equal(joined, names);
}

static void add(struct fixture *f, const struct kvn_firewall *want)
{
	assert_ok(kvn_firewall_commit(f->nft, NULL, want, want, 1, false, &f->err));
}

static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall had = part("nat0", "", NAT_SETS);
	bool is_fenced = true;

	expect(f, "nat0", "", 0, false);
	expect_dump(f, KVN_SET_NETWORK, "");
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap0", &is_fenced, &f->err));
	assert_false(is_fenced);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", false, &f->err));
	assert_ok(kvn_firewall_commit(f->nft, &had, NULL, NULL, 0, true, &f->err));
	assert_false(nft_shows("kvnet"));
}

static void test_add_and_delete(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS), lab = part("lab", "", BIT(NETWORK) | BIT(ISOLATED));

	add(f, &nat);
	expect(f, "nat0", "", NAT_SETS, true);
	expect(f, "lab", "", 0, true);
	add(f, &lab);
	add(f, &lab); /* there already */
	expect_dump(f, KVN_SET_NETWORK, "lab nat0");
	expect_dump(f, KVN_SET_SAME, "nat0");
	expect_dump(f, KVN_SET_OPEN, "");
	assert_ok(kvn_firewall_commit(f->nft, &nat, NULL, NULL, 0, false, &f->err));
	assert_ok(kvn_firewall_commit(f->nft, &nat, NULL, NULL, 0, false, &f->err)); /* gone already */
	expect(f, "nat0", "", 0, true);
	expect_dump(f, KVN_SET_NETWORK, "lab");
	assert_ok(kvn_firewall_commit(f->nft, &lab, NULL, NULL, 0, true, &f->err));
	assert_false(nft_shows("kvnet"));
}

static void test_change(void **state)
{
	struct fixture *f = *state;
	const unsigned limited = NAT_SETS | BIT(LIMITED) | BIT(UPLINK);
	struct kvn_firewall had = part("nat0", "eth0", limited), want = part("nat0", "eth1", limited);
	struct kvn_firewall routed = part("nat0", "", BIT(NETWORK) | BIT(ROUTED) | BIT(SAME));

	add(f, &had);
	expect(f, "nat0", "eth0", limited, true);
	expect(f, "nat0", "eth1", limited & ~BIT(UPLINK), true);
	assert_ok(kvn_firewall_commit(f->nft, &had, &want, NULL, 0, false, &f->err));
	expect(f, "nat0", "eth0", limited & ~BIT(UPLINK), true);
	expect(f, "nat0", "eth1", limited, true);
	assert_ok(kvn_firewall_commit(f->nft, &want, &routed, NULL, 0, false, &f->err));
	expect(f, "nat0", "eth1", routed.sets, true);
	expect_dump(f, KVN_SET_UPLINK, "");
}

static void test_every_set(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall want = part("fifteen-letters", "another-fifteen", (1U << KVN_SET_COUNT) - 1);

	add(f, &want);
	expect(f, "fifteen-letters", "another-fifteen", want.sets, true);
	for (enum kvn_firewall_set set = 0; set < KVN_SET_COUNT; set++)
		expect_dump(f, set, "fifteen-letters");
	assert_true(nft_shows("elements = { \"fifteen-letters\" . \"another-fifteen\" }"));
	assert_ok(kvn_firewall_commit(f->nft, &want, NULL, NULL, 0, false, &f->err));
	expect(f, "fifteen-letters", "another-fifteen", 0, true);
}

/* What a stranger does to the tables is noticed, and mended with every network and every fence in them. */
static void break_and_mend(struct fixture *f, bool is_close, const char *command)
{
	struct kvn_firewall all[] = {part("nat0", "", NAT_SETS), part("lab", "eth0", BIT(NETWORK) | BIT(UPLINK))};
	bool is_fenced = false;

	if (shell(command) != 0)
		fail_msg("'%s' failed", command);
	expect_dump(f, KVN_SET_COUNT - 1, "");
	{
		struct kvn_firewall found;
		bool is_sound = true;

		assert_ok(kvn_firewall_get(f->nft, is_close, "nat0", "", &found, &is_sound, &f->err));
		if (is_sound)
			fail_msg("not noticed: '%s'", command);
	}
	assert_ok(kvn_firewall_commit(f->nft, NULL, NULL, all, ARRAY_SIZE(all), false, &f->err));
	expect(f, "nat0", "", NAT_SETS, true);
	expect(f, "lab", "eth0", all[1].sets, true);
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap0", &is_fenced, &f->err));
	if (!is_fenced)
		fail_msg("fence lost after '%s'", command);
}

static void test_tampering(void **state)
{
	static const char *const commands[] = {
		"flush chain inet kvnet between",
		"flush chain inet kvnet forward; delete chain inet kvnet to_network",
		"add rule inet kvnet forward accept",
		"delete table inet kvnet",
		"flush table inet kvnet",
		"add set inet kvnet mine { type ifname; }",
		"add chain inet kvnet mine",
		"flush table inet kvnet; delete set inet kvnet nat",
		"chain inet kvnet forward { policy drop; }",
		"add table inet kvnet { flags dormant; }",
		"flush chain inet kvnet input; delete chain inet kvnet input; "
		"add chain inet kvnet input { type filter hook input priority 1; }; "
		"add rule inet kvnet input iifname @guarded goto guest_to_host",
		"delete table inet kvnet; add table inet kvnet",
		"delete table inet kvnet; add table inet kvnet; add set inet kvnet nat { type ipv4_addr; }",
		"flush chain bridge kvnet output",
		"delete chain bridge kvnet output",
		"add chain bridge kvnet mine",
	};
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS);
	char line[512];

	add(f, &nat);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		/* nft does not delete a chain that holds rules. */
		if (strstr(commands[i], "delete chain bridge"))
			assert_int_equal(nft("flush chain bridge kvnet output"), 0);
		(void)snprintf(line, sizeof(line), "nft '%s'", commands[i]);
		break_and_mend(f, false, line);
	}
}

/* The same number of rules, but not ours.  HANDLE is that of the last one that @like finds. */
static void test_other_rules(void **state)
{
	static const struct {
		const char *chain, *like, *command;
	} cases[] = {
		{"inet kvnet to_network", "@nat reject", "replace rule inet kvnet to_network handle $HANDLE accept"},
		{"inet kvnet to_network", "@nat reject",
		 "delete rule inet kvnet to_network handle $HANDLE; add rule inet kvnet to_network oifname @nat reject "
		 "with icmpx admin-prohibited"},
		{"inet kvnet to_network", "@nat reject",
		 "delete rule inet kvnet to_network handle $HANDLE; insert rule inet kvnet to_network accept"},
		{"inet kvnet postrouting", "masquerade",
		 "replace rule inet kvnet postrouting handle $HANDLE iifname @nat oifname @network masquerade"},
		{"inet kvnet postrouting", "masquerade",
		 "replace rule inet kvnet postrouting handle $HANDLE iifname @nat oifname != @network masquerade "
		 "random"},
		{"inet kvnet from_network", "ct state invalid",
		 "replace rule inet kvnet from_network handle $HANDLE iifname @nat ct state new drop"},
		{"inet kvnet guest_to_host", "udp dport 67",
		 "replace rule inet kvnet guest_to_host handle $HANDLE iifname @services udp dport 68 accept"},
		{"inet kvnet guest_to_host", "reject",
		 "replace rule inet kvnet guest_to_host handle $HANDLE reject with icmpx port-unreachable"},
		{"inet kvnet forward", "goto to_network",
		 "replace rule inet kvnet forward handle $HANDLE oifname @network goto from_network; "
		 "replace rule inet kvnet forward handle $((HANDLE - 1)) iifname @network goto to_network"},
		{"inet kvnet between", "fib",
		 "replace rule inet kvnet between handle $HANDLE fib saddr . iif oif exists drop"},
		{"bridge kvnet output", "drop", "replace rule bridge kvnet output handle $HANDLE accept"},
		{"bridge kvnet input", "mark set",
		 "replace rule bridge kvnet input handle $HANDLE iifname @port meta mark set meta mark | 0x20000000"},
	};
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS);
	char command[1024];

	add(f, &nat);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void)snprintf(command, sizeof(command),
			       "HANDLE=$(nft -a list chain %s | grep '%s' | tail -n 1 | sed 's/.*handle //') && "
			       "nft \"%s\"",
			       cases[i].chain, cases[i].like, cases[i].command);
		break_and_mend(f, true, command);
	}
}

/* A listing that somebody has edited and loads again is not ours, as like as it is. */
static void test_edited(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS);

	add(f, &nat);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	break_and_mend(f, true,
		       "{ echo flush ruleset; nft list ruleset | sed 's/@nat reject.*/@nat accept/'; } | nft -f -");
}

/* What only a close look sees: others do as if nothing were, until somebody has looked. */
static void test_in_a_hurry(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall all[] = {part("nat0", "", NAT_SETS), part("lab", "", BIT(NETWORK) | BIT(ISOLATED))};
	struct kvn_firewall found;
	bool is_sound = false;

	add(f, &all[0]);
	assert_int_equal(shell("nft replace rule inet kvnet postrouting handle "
			       "$(nft -a list chain inet kvnet postrouting | sed -n 's/.*masq.*handle //p') accept"),
			 0);
	assert_ok(kvn_firewall_get(f->nft, false, "nat0", "", &found, &is_sound, &f->err));
	assert_true(is_sound);
	assert_ok(kvn_firewall_commit(f->nft, NULL, &all[1], NULL, 0, false, &f->err));
	expect(f, "lab", "", all[1].sets, false);
	assert_ok(kvn_firewall_get(f->nft, false, "nat0", "", &found, &is_sound, &f->err));
	assert_false(is_sound);
	assert_int_equal(kvn_firewall_commit(f->nft, NULL, &all[1], NULL, 0, false, &f->err), -ESTALE);
	assert_int_equal(kvn_firewall_commit(f->nft, &all[1], &all[1], NULL, 0, false, &f->err), -ESTALE);
	assert_ok(kvn_firewall_commit(f->nft, &all[1], &all[1], all, 2, false, &f->err));
	expect(f, "nat0", "", all[0].sets, true);
	expect(f, "lab", "", all[1].sets, true);
}

/* A stranger flushes the rules when the caller has already seen them whole: nobody is left out of the new ones. */
static void test_flushed_in_between(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall all[] = {part("nat0", "", NAT_SETS), part("lab", "", BIT(NETWORK) | BIT(ISOLATED))};

	add(f, &all[0]);
	expect(f, "lab", "", 0, true);
	assert_int_equal(nft("flush ruleset"), 0);
	assert_int_equal(kvn_firewall_commit(f->nft, NULL, &all[1], NULL, 0, false, &f->err), -ESTALE);
	assert_int_equal(kvn_firewall_commit(f->nft, &all[1], NULL, NULL, 0, false, &f->err), -ESTALE);
	assert_int_equal(kvn_firewall_commit(f->nft, &all[0], &all[0], NULL, 0, false, &f->err), -ESTALE);
	assert_false(nft_shows("kvnet"));
	assert_ok(kvn_firewall_commit(f->nft, NULL, &all[1], all, 2, false, &f->err));
	expect(f, "nat0", "", all[0].sets, true);
	expect(f, "lab", "", all[1].sets, true);
}

static void test_other_version(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS);

	kvn_nft_begin_transaction(f->nft, 0);
	kvn_nft_add_table(f->nft, kvn_ruleset_inet(), "kvnet rules 00000000");
	assert_ok(kvn_nft_commit(f->nft, &f->err));
	expect(f, "nat0", "", 0, false);
	add(f, &nat);
	expect(f, "nat0", "", NAT_SETS, true);
}

static void test_fence(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS);
	bool is_fenced = false;

	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	assert_ok(kvn_firewall_fence(f->nft, "tap1", true, &f->err));
	add(f, &nat);
	assert_true(nft_shows("elements = { \"tap0\","));
	assert_ok(kvn_firewall_fence(f->nft, "tap1", false, &f->err));
	assert_ok(kvn_firewall_fence(f->nft, "tap1", false, &f->err));
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap1", &is_fenced, &f->err));
	assert_false(is_fenced);
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap0", &is_fenced, &f->err));
	assert_true(is_fenced);
	/* A fence whose rules are gone holds nobody: it does not count as one, and is put up again with the others. */
	assert_ok(kvn_firewall_fence(f->nft, "tap1", true, &f->err));
	assert_int_equal(nft("flush chain bridge kvnet output"), 0);
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap0", &is_fenced, &f->err));
	assert_false(is_fenced);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	assert_ok(kvn_firewall_is_fenced(f->nft, "tap1", &is_fenced, &f->err));
	assert_true(is_fenced);
	assert_ok(kvn_firewall_commit(f->nft, &nat, NULL, NULL, 0, true, &f->err));
	assert_false(nft_shows("kvnet"));
}

/* In a rebuild the change's own network is as the change says, whatever the list says of it. */
static void test_rebuild_with_change(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall old[] = {part("nat0", "", NAT_SETS), part("lab", "", BIT(NETWORK) | BIT(ISOLATED))};
	struct kvn_firewall want = part("nat0", "", BIT(NETWORK) | BIT(ROUTED));

	assert_ok(kvn_firewall_commit(f->nft, &old[0], &want, old, 2, false, &f->err));
	expect(f, "nat0", "", want.sets, true);
	expect(f, "lab", "", old[1].sets, true);
	assert_int_equal(nft("flush ruleset"), 0);
	assert_ok(kvn_firewall_commit(f->nft, &want, NULL, old, 2, false, &f->err));
	expect(f, "nat0", "", 0, true);
	expect(f, "lab", "", old[1].sets, true);
}

static void test_many(void **state)
{
	enum { N = 2000 };
	struct fixture *f = *state;
	auto_free struct kvn_firewall *all = calloc(N, sizeof(*all));
	auto_free char(*names)[IFNAMSIZ] = NULL;
	size_t n = 0;

	assert_non_null(all);
	for (int i = 0; i < N; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "net%d", i);
		all[i] = part(name, "eth0", (1U << KVN_SET_COUNT) - 1);
	}
	assert_ok(kvn_firewall_commit(f->nft, NULL, NULL, all, N, false, &f->err));
	expect(f, "net0", "eth0", all[0].sets, true);
	expect(f, "net1999", "eth0", all[N - 1].sets, true);
	assert_ok(kvn_firewall_dump(f->nft, KVN_SET_UPLINK, &names, &n, &f->err));
	assert_int_equal(n, N);
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
}

/* A change that was thought out for a ruleset that is no longer so is refused whole. */
static void test_generation(void **state)
{
	struct fixture *f = *state;
	const struct kvn_nft_table *table = kvn_ruleset_inet();
	struct kvn_nft_key key = {.names = {"nat0"}};
	struct kvn_firewall nat = part("lab", "", NAT_SETS);

	add(f, &nat);
	kvn_nft_begin_transaction(f->nft, 1U << 30);
	kvn_nft_add_element(f->nft, table, &table->sets[KVN_SET_NAT], &key);
	assert_int_equal(kvn_nft_commit(f->nft, &f->err), -ERESTART);
	expect(f, "nat0", "", 0, true);
}

/* All of a transaction or none, and an error that says what and where. */
static void test_errors(void **state)
{
	static const struct kvn_nft_chain chains[] = {{"x", NULL, 0, 0}};
	static const struct kvn_nft_rule rules[] = {
		{"x", {{.op = KVN_NFT_ACCEPT}}},
		{"x", {{.op = KVN_NFT_LOOKUP, .name = "missing", .keys = {NFT_META_IIFNAME}}, {.op = KVN_NFT_DROP}}},
	};
	static const struct kvn_nft_table table = {
		.family = NFPROTO_INET, .name = "kvnet", .chains = chains, .n_chains = 1, .rules = rules, .n_rules = 2};
	struct fixture *f = *state;
	const struct kvn_nft_table *inet = kvn_ruleset_inet();
	struct kvn_nft_key key = {.names = {"nat0"}};
	struct kvn_firewall nat = part("lab", "", NAT_SETS);

	kvn_nft_begin_transaction(f->nft, 0);
	kvn_nft_add_table(f->nft, &table, "broken");
	assert_true(kvn_nft_commit(f->nft, &f->err) < 0);
	assert_non_null(strstr(f->err.message, "cannot add a rule to chain 'x'"));
	assert_false(nft_shows("kvnet"));
	add(f, &nat);
	kvn_nft_begin_transaction(f->nft, 0);
	kvn_nft_add_element(f->nft, inet, &inet->sets[KVN_SET_NAT], &key);
	kvn_nft_del_element(f->nft, inet, &inet->sets[KVN_SET_OPEN], &key);
	assert_int_equal(kvn_nft_commit(f->nft, &f->err), -ENOENT);
	assert_non_null(strstr(f->err.message, "cannot delete from set 'open'"));
	expect(f, "nat0", "", 0, true);
}

static void test_no_privilege(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "", NAT_SETS), found;
	bool is_sound;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct kvn_nft *nft = NULL;
		bool is_right = setuid(65534) == 0 && kvn_nft_open(&nft, &f->err) == 0 &&
				kvn_firewall_get(nft, false, "nat0", "", &found, &is_sound, &f->err) == -EPERM &&
				strstr(f->err.message, "run as root") &&
				kvn_firewall_commit(nft, NULL, &nat, NULL, 0, false, &f->err) == -EPERM &&
				kvn_firewall_dump(nft, KVN_SET_NAT, NULL, NULL, &f->err) == -EPERM;

		_exit(is_right ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Many processes at once, none with a lock: all rules once, and every network in. */
static void test_race(void **state)
{
	enum { PROCESSES = 8, ROUNDS = 20 };
	struct fixture *f = *state;
	pid_t pids[PROCESSES];

	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct kvn_nft *nft = NULL;
			struct kvn_error err = {0};
			struct kvn_firewall want;
			char name[IFNAMSIZ];
			int r = kvn_nft_open(&nft, &err);

			(void)snprintf(name, sizeof(name), "net%d", i);
			want = part(name, "", NAT_SETS);
			for (int j = 0; r == 0 && j < ROUNDS; j++) {
				r = kvn_firewall_commit(nft, j ? &want : NULL, &want, &want, 1, false, &err);
				if (r == 0)
					r = kvn_firewall_fence(nft, name, j % 2 == 0, &err);
			}
			if (r < 0)
				(void)fprintf(stderr, "%s\n", err.message);
			_exit(r == 0 ? 0 : 1);
		}
		assert_true(pids[i] > 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "net%d", i);
		expect(f, name, "", NAT_SETS, true);
	}
}

/* What nft lists, nft loads again, and it is still sound. */
static void test_reload(void **state)
{
	struct fixture *f = *state;
	struct kvn_firewall nat = part("nat0", "eth0", (1U << KVN_SET_COUNT) - 1);

	add(f, &nat);
	assert_ok(kvn_firewall_fence(f->nft, "tap0", true, &f->err));
	assert_int_equal(shell("{ echo flush ruleset; nft list ruleset; } | nft -f -"), 0);
	expect(f, "nat0", "eth0", nat.sets, true);
}

static double now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Medians of get (close, quick, and again), commit and undo at @n networks; @idle_ms between calls, for caches as cold as
 * a hook's. */
static int bench_at(int n, int idle_ms)
{
	enum { ROUNDS = 201 };
	struct kvn_error err = {0};
	struct kvn_nft *nft = NULL;
	struct kvn_firewall want = part("bench", "eth0", NAT_SETS | BIT(LIMITED) | BIT(UPLINK)), found;
	auto_free struct kvn_firewall *all = calloc((size_t)n + 1, sizeof(*all));
	double close[ROUNDS], first[ROUNDS], get[ROUNDS], put[ROUNDS], take[ROUNDS], fence[ROUNDS], build;
	bool is_sound;

	if (!all || unshare(CLONE_NEWNET) < 0 || kvn_nft_open(&nft, &err) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		char name[IFNAMSIZ];

		(void)snprintf(name, sizeof(name), "net%d", i);
		all[i] = part(name, "eth0", want.sets);
	}
	build = now_us();
	if (kvn_firewall_commit(nft, NULL, NULL, all, (size_t)n, false, &err) < 0)
		return 1;
	build = now_us() - build;
	for (int i = 0; i < ROUNDS; i++) {
		double t[6];

		(void)poll(NULL, 0, idle_ms);
		kvn_nft_note(nft)->generation = 0; /* as in a process that has just begun */
		close[i] = now_us();
		(void)kvn_firewall_get(nft, true, "bench", "eth0", &found, &is_sound, &err);
		close[i] = now_us() - close[i];
		kvn_nft_note(nft)->generation = 0;
		t[0] = now_us();
		(void)kvn_firewall_get(nft, false, "bench", "eth0", &found, &is_sound, &err);
		t[1] = now_us();
		(void)kvn_firewall_get(nft, false, "bench", "eth0", &found, &is_sound, &err);
		t[2] = now_us();
		(void)kvn_firewall_commit(nft, NULL, &want, NULL, 0, false, &err);
		t[3] = now_us();
		(void)kvn_firewall_commit(nft, &want, NULL, NULL, 0, false, &err);
		t[4] = now_us();
		(void)kvn_firewall_fence(nft, "tap0", i % 2 == 0, &err);
		t[5] = now_us();
		first[i] = t[1] - t[0];
		get[i] = t[2] - t[1];
		put[i] = t[3] - t[2];
		take[i] = t[4] - t[3];
		fence[i] = t[5] - t[4];
	}
	qsort(close, ROUNDS, sizeof(close[0]), compare_doubles);
	qsort(first, ROUNDS, sizeof(first[0]), compare_doubles);
	qsort(get, ROUNDS, sizeof(get[0]), compare_doubles);
	qsort(put, ROUNDS, sizeof(put[0]), compare_doubles);
	qsort(take, ROUNDS, sizeof(take[0]), compare_doubles);
	qsort(fence, ROUNDS, sizeof(fence[0]), compare_doubles);
	printf("%5d networks, %2d ms idle: build %8.0f us  close get %5.1f  first get %5.1f  get %5.1f  add %5.1f  "
	       "delete %5.1f  fence "
	       "%5.1f\n",
	       n, idle_ms, build, close[ROUNDS / 2], first[ROUNDS / 2], get[ROUNDS / 2], put[ROUNDS / 2],
	       take[ROUNDS / 2], fence[ROUNDS / 2]);
	kvn_nft_close(nft);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_add_and_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_every_set, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tampering, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_edited, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_a_hurry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flushed_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebuild_with_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_privilege, setup, teardown),
		cmocka_unit_test_setup_teardown(test_race, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
	};

	if (unshare(CLONE_NEWNET) < 0) {
		printf("cannot make a network namespace: %s\n", strerror(errno));
		return 77;
	}
	if (argc > 1 && strcmp(argv[1], "bench") == 0)
		return bench_at(1, 0) || bench_at(100, 0) || bench_at(1000, 0) || bench_at(1, 8) || bench_at(1000, 8);
	return cmocka_run_group_tests_name("firewall", tests, NULL, NULL);
}
