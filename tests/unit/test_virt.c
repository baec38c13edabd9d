/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_virt.c - networks and domains against libvirt's test driver, which needs no daemon: what it knows lives as long as this
 * process.  It has no NICs that can be plugged in, no leases, and no second definition of what is active; tests/libvirt has
 * those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "virt/connection.h"

static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static struct kvn_error err;
static unsigned n_limits;

static void limit(unsigned seconds)
{
	(void)seconds;
	n_limits++;
}

static struct kvn_virt *must_open(void)
{
	struct kvn_virt *virt = NULL;

	assert_int_equal(setenv("KVNET_LIBVIRT_URI", "test:///default", 1), 0);
	if (kvn_virt_open(limit, &virt, &err) < 0)
		fail_msg("%s", err.message);
	return virt;
}

/* Each test has libvirt's own state to itself: the driver forgets it with the last connection. */
static int set_up(void **state)
{
	*state = must_open();
	err = (struct kvn_error){0};
	return 0;
}

static int tear_down(void **state)
{
	kvn_virt_close(*state);
	return 0;
}

static json_t *definition(const char *bridge, bool is_isolated)
{
	return json_pack("{s:s, s:b}", "bridge", bridge, "isolate_ports", is_isolated);
}

static void must_register(struct kvn_virt *virt, const char *name, const char *bridge, bool is_up)
{
	auto_json json_t *network = definition(bridge, false);

	if (kvn_virt_register(virt, name, network, is_up, &err) < 0)
		fail_msg("%s", err.message);
}

static struct kvn_virt_network must_get(struct kvn_virt *virt, const char *name)
{
	struct kvn_virt_network network = {0};

	if (kvn_virt_network_get(virt, name, &network, &err) < 0)
		fail_msg("%s", err.message);
	return network;
}

static char *uuid_of(struct kvn_virt *virt, const char *name)
{
	auto_network virNetworkPtr network = virNetworkLookupByName(virt->connection, name);
	char *uuid = calloc(1, VIR_UUID_STRING_BUFLEN);

	assert_non_null(network);
	assert_int_equal(virNetworkGetUUIDString(network, uuid), 0);
	return uuid;
}

static void must_define(struct kvn_virt *virt, const char *xml)
{
	auto_network virNetworkPtr network = virNetworkDefineXML(virt->connection, xml);

	if (!network)
		fail_msg("%s", virGetLastErrorMessage());
}

/* ---- networks ---- */

static void test_register(void **state)
{
	struct kvn_virt_network network;
	bool is_registered = false;

	must_register(*state, "nat0", "br7", true);
	network = must_get(*state, "nat0");
	assert_true(network.is_active && network.is_autostarted && network.is_persistent && network.is_ours);
	assert_non_null(strstr(network.xml, "<forward mode='bridge'/>"));
	assert_non_null(strstr(network.xml, "<bridge name='br7'/>"));
	kvn_virt_network_clear(&network);
	assert_int_equal(kvn_virt_is_registered(*state, "nat0", &is_registered, &err), 0);
	assert_true(is_registered);
	assert_int_equal(kvn_virt_is_registered(*state, "nothere", &is_registered, &err), 0);
	assert_false(is_registered);

	assert_int_equal(kvn_virt_unregister(*state, "nat0", &err), 0);
	assert_int_equal(kvn_virt_unregister(*state, "nat0", &err), 0); /* nothing to do */
	assert_int_equal(kvn_virt_network_get(*state, "nat0", &network, &err), -ENOENT);
}

/* Registered again, it becomes what its definition says, and stays the same network to libvirt. */
static void test_register_again(void **state)
{
	struct kvn_virt_network network;
	auto_json json_t *isolated = definition("br8", true);
	auto_free char *before = NULL, *after = NULL;

	must_register(*state, "nat0", "br7", false);
	network = must_get(*state, "nat0");
	assert_false(network.is_active);
	kvn_virt_network_clear(&network);
	before = uuid_of(*state, "nat0");
	assert_int_equal(kvn_virt_register(*state, "nat0", isolated, false, &err), 0);
	assert_int_equal(kvn_virt_register(*state, "nat0", isolated, true, &err), 0);
	network = must_get(*state, "nat0");
	assert_true(network.is_active);
	assert_non_null(strstr(network.xml, "<bridge name='br8'/>"));
	assert_non_null(strstr(network.xml, "<port isolated='yes'/>"));
	kvn_virt_network_clear(&network);
	after = uuid_of(*state, "nat0");
	assert_string_equal(before, after);
	assert_int_equal(kvn_virt_register(*state, "nat0", isolated, false, &err), 0);
	must_register(*state, "nat0", "br8", false);
	network = must_get(*state, "nat0");
	assert_false(network.is_active);
	assert_null(strstr(network.xml, "<port"));
	kvn_virt_network_clear(&network);
}

static void test_foreign(void **state)
{
	static const char xml[] = "<network><name>nat0</name><bridge name='virbr9'/></network>";
	auto_json json_t *network = definition("br7", false);
	struct kvn_virt_network known, copy;
	char *at;

	must_define(*state, xml);
	assert_int_equal(kvn_virt_register(*state, "nat0", network, true, &err), -EEXIST);
	assert_non_null(strstr(err.message, "not kvnet's"));
	assert_int_equal(kvn_virt_unregister(*state, "nat0", &err), 0);
	known = must_get(*state, "nat0");
	assert_false(known.is_ours || known.is_active);
	assert_non_null(strstr(known.xml, "virbr9"));

	/* Taken away and put back as it was. */
	assert_int_equal(kvn_virt_network_del(*state, "nat0", &err), 0);
	assert_int_equal(kvn_virt_network_get(*state, "nat0", &copy, &err), -ENOENT);
	assert_int_equal(kvn_virt_network_add(*state, &known, &err), 0);
	copy = must_get(*state, "nat0");
	assert_string_equal(copy.xml, known.xml);
	kvn_virt_network_clear(&copy);
	kvn_virt_network_clear(&known);

	/* A copy of ours under another name is its user's. */
	must_register(*state, "ours", "br7", false);
	known = must_get(*state, "ours");
	at = strstr(known.xml, "<name>ours");
	assert_non_null(at);
	memcpy(at, "<name>mine", strlen("<name>mine"));
	at = strstr(known.xml, "<uuid>");
	at[strlen("<uuid>")] = at[strlen("<uuid>")] == '0' ? '1' : '0';
	must_define(*state, known.xml);
	kvn_virt_network_clear(&known);
	assert_int_equal(kvn_virt_register(*state, "mine", network, true, &err), -EEXIST);
}

static void test_transient_network(void **state)
{
	auto_network virNetworkPtr made = virNetworkCreateXML(
		((struct kvn_virt *)*state)->connection, "<network><name>now</name><bridge name='virbr9'/></network>");
	struct kvn_virt_network known = must_get(*state, "now"), copy;

	assert_non_null(made);
	assert_true(known.is_active);
	assert_false(known.is_persistent || known.is_autostarted);
	assert_int_equal(kvn_virt_network_del(*state, "now", &err), 0);
	assert_int_equal(kvn_virt_network_add(*state, &known, &err), 0);
	copy = must_get(*state, "now");
	assert_true(copy.is_active);
	assert_false(copy.is_persistent);
	kvn_virt_network_clear(&copy);
	kvn_virt_network_clear(&known);
}

static void test_bad_network(void **state)
{
	auto_json json_t *none = json_object(), *quoted = definition("a'b\"<&", false),
			 *wrong = json_pack("{s:s, s:s}", "bridge", "br7", "uuid", "nonsense");
	struct kvn_virt_network network;

	assert_int_equal(kvn_virt_register(*state, "nat0", none, true, &err), -EINVAL);
	assert_true(kvn_virt_register(*state, "nat0", wrong, true, &err) < 0);
	assert_int_equal(kvn_virt_network_get(*state, "nat0", &network, &err), -ENOENT);
	assert_int_equal(kvn_virt_register(*state, "nat0", quoted, true, &err), 0);
	network = must_get(*state, "nat0");
	assert_true(network.is_ours);
	kvn_virt_network_clear(&network);
}

/* ---- domains ---- */

static char *state_of(struct kvn_virt *virt, const char *name)
{
	auto_json json_t *info = NULL;

	if (kvn_virt_domain_info(virt, name, &info, &err) < 0)
		fail_msg("%s", err.message);
	return strdup(json_string_value(json_object_get(info, "state")));
}

static void expect_act(struct kvn_virt *virt, enum kvn_virt_action action, bool is_done, const char *state)
{
	auto_free char *is = NULL;

	assert_int_equal(kvn_virt_domain_act(virt, "test", action, &err) == 0, is_done);
	is = state_of(virt, "test");
	assert_string_equal(is, state);
}

static void test_life(void **state)
{
	expect_act(*state, KVN_VIRT_SUSPEND, true, "paused");
	expect_act(*state, KVN_VIRT_RESUME, true, "running");
	expect_act(*state, KVN_VIRT_START, false, "running");
	assert_memory_equal(err.message, "libvirt: ", strlen("libvirt: "));
	expect_act(*state, KVN_VIRT_AUTOSTART, true, "running");
	expect_act(*state, KVN_VIRT_NO_AUTOSTART, true, "running");
	expect_act(*state, KVN_VIRT_DESTROY, true, "shut off");
	expect_act(*state, KVN_VIRT_DESTROY, false, "shut off");
	expect_act(*state, KVN_VIRT_START, true, "running");
	expect_act(*state, KVN_VIRT_REBOOT, true, "running");
	expect_act(*state, KVN_VIRT_SHUTDOWN, true, "shut off");
	assert_int_equal(kvn_virt_domain_act(*state, "test", KVN_VIRT_UNDEFINE, &err), 0);
	assert_int_equal(kvn_virt_domain_act(*state, "test", KVN_VIRT_START, &err), -ENOENT);
	assert_true(n_limits > 0);
}

static void test_define_and_list(void **state)
{
	static const char xml[] = "<domain type='test'><name>two words &amp; 'more'</name><memory>1024</memory>"
				  "<os><type>hvm</type></os><devices>"
				  "<graphics type='vnc' port='5907' listen='127.0.0.1'/></devices></domain>";
	auto_json json_t *all = NULL, *running = NULL, *info = NULL, *display = NULL;
	auto_free char *name = NULL, *text = NULL;

	/* The wrapper validates by libvirt's schema, which has no such name as the one below. */
	assert_int_equal(kvn_virt_domain_define(*state, "<domain><name>x</name></domain>", &name, &err), -EINVAL);
	assert_null(strchr(err.message, '\n'));
	assert_int_equal(kvn_virt_domain_define(*state, "no XML", &name, &err), -EINVAL);
	assert_null(name);
	virDomainFree(virDomainDefineXML(((struct kvn_virt *)*state)->connection, xml));

	assert_int_equal(kvn_virt_domain_list(*state, false, &running, &err), 0);
	assert_int_equal(json_array_size(running), 1);
	assert_int_equal(kvn_virt_domain_list(*state, true, &all, &err), 0);
	assert_int_equal(json_array_size(all), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "name")), "two words & 'more'");
	assert_true(json_is_null(json_object_get(json_array_get(all, 1), "id")));
	assert_string_equal(json_string_value(json_object_get(json_array_get(all, 1), "state")), "shut off");

	assert_int_equal(kvn_virt_domain_info(*state, "1", &info, &err), 0); /* by its number */
	assert_string_equal(json_string_value(json_object_get(info, "name")), "test");
	assert_int_equal(kvn_virt_domain_info(*state, "2147483648", &info, &err), -ENOENT);
	assert_int_equal(kvn_virt_domain_info(*state, "", &info, &err), -ENOENT);
	assert_int_equal(kvn_virt_domain_xml(*state, "two words & 'more'", true, &text, &err), 0);
	assert_non_null(strstr(text, "two words &amp; "));
	assert_int_equal(kvn_virt_domain_vnc(*state, "two words & 'more'", &display, &err), 0);
	assert_string_equal(json_string_value(json_object_get(display, "display")), "127.0.0.1:7");
}

static void test_nics(void **state)
{
	static const char xml[] =
		"<domain type='test'><name>web</name><memory>1024</memory><os><type>hvm</type></os><devices>"
		"<interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/></interface>"
		"<interface type='bridge'><mac address='02:11:22:33:44:55'/><source bridge='br7'/>"
		"<model type='e1000'/></interface></devices></domain>";
	const struct kvn_virt_nic nic = {.bridge = "br7", .model = "virtio", .where = KVN_VIRT_LIVE};
	auto_json json_t *nics = NULL, *told = NULL;
	const json_t *first, *second;

	virDomainFree(virDomainDefineXML(((struct kvn_virt *)*state)->connection, xml));
	assert_int_equal(kvn_virt_nic_dump(*state, "web", &nics, &err), 0);
	assert_int_equal(json_array_size(nics), 2);
	first = json_array_get(nics, 0);
	second = json_array_get(nics, 1);
	assert_string_equal(json_string_value(json_object_get(first, "source")), "default");
	assert_string_equal(json_string_value(json_object_get(second, "source")), "br7");
	assert_string_equal(json_string_value(json_object_get(second, "model")), "e1000");
	assert_true(kvn_virt_nic_ask(*state, "web", &told, &err) < 0); /* nor has it an agent */
	assert_int_equal(kvn_virt_nic_attach(*state, "web", &nic, &err), -EINVAL);
	assert_non_null(strstr(err.message, "does not run"));
	assert_int_equal(kvn_virt_nic_detach(*state, "web", mac, KVN_VIRT_LIVE, &err), -EINVAL);
	assert_int_equal(kvn_virt_nic_detach(*state, "nothere", mac, 0, &err), -ENOENT);
	assert_int_equal(kvn_virt_nic_detach(*state, "test", mac, 0, &err), -ENOENT);
}

static void test_no_libvirt(void **state)
{
	struct kvn_virt *virt = NULL;

	(void)state;
	assert_int_equal(setenv("KVNET_LIBVIRT_URI", "nothere:///x", 1), 0);
	assert_int_equal(kvn_virt_open(limit, &virt, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.message, "(nothere:///x)"));
	assert_null(virt);
	kvn_virt_close(NULL);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_register),          TEST(test_register_again), TEST(test_foreign),
		TEST(test_transient_network), TEST(test_bad_network),    TEST(test_life),
		TEST(test_define_and_list),   TEST(test_nics),           cmocka_unit_test(test_no_libvirt)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
