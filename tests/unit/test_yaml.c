/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_yaml.c - what YAML is read as, what is refused and where, and that what is written reads back the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "{}"},
		{"---\n", "{}"},
		{"~\n", "{}"},
		{"# only a comment", "{}"},
		{"{}", "{}"},
		{"a: 1\nb: yes\nc: 1e3\n", "{\"a\":\"1\",\"b\":\"yes\",\"c\":\"1e3\"}"},
		{"z: 1\na: 2\n", "{\"z\":\"1\",\"a\":\"2\"}"},
		{"a:\nb: ~\nc: null\nd: ''\n", "{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\"}"},
		{"a: '~'\nb: \"null\"\n", "{\"a\":\"~\",\"b\":\"null\"}"},
		{"mac: 52:54:00:12:34:56\nip: fd00::1/64\n", "{\"mac\":\"52:54:00:12:34:56\",\"ip\":\"fd00::1/64\"}"},
		{"a: [x, 'y z', [1]]\nb: {c: d, e: }\n",
		 "{\"a\":[\"x\",\"y z\",[\"1\"]],\"b\":{\"c\":\"d\",\"e\":\"\"}}"},
		{"a:\n- b: c\n  d: e\n-\n", "{\"a\":[{\"b\":\"c\",\"d\":\"e\"},\"\"]}"},
		{"a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}"},
		{"\xef\xbb\xbf# bom\na: b\n", "{\"a\":\"b\"}"},
		{"a: \"\\u00e4\"\nb: \xc3\xa4\n", "{\"a\":\"\xc3\xa4\",\"b\":\"\xc3\xa4\"}"},
		{"%YAML 1.1\n---\na: b\n...\n", "{\"a\":\"b\"}"},
		{"a: b\r\nc: d\r\n", "{\"a\":\"b\",\"c\":\"d\"}"},
		{"a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {}}}}}}}}}}}}}}}\n",
		 "{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":{\"j\":{\"k\":{\"l\":{\"m\":{\"n\":{"
		 "\"o\":{}}}}}"
		 "}}}}}}}}}}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_document doc;
		struct kvn_error err = {0};
		char *json;

		if (kvn_document_parse(cases[i].text, "x.yaml", &doc, &err) < 0)
			fail_msg("%s\n%s", cases[i].text, err.message);
		json = json_dumps(doc.root, JSON_COMPACT);
		assert_string_equal(json, cases[i].json);
		free(json);
		kvn_document_clear(&doc);
	}
}

static void test_refuse(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a: 1\nb: 2\na: 3\n", "x.yaml:3: key 'a' stands here for the second time"},
		{"b: {a: 1, a: 2}\n", "x.yaml:1: key 'a' stands here for the second time"},
		{"a: &x b\n", "x.yaml:1: anchors (&name) are not taken here"},
		{"a: b\n&x c: d\n", "x.yaml:2: anchors (&name) are not taken here"},
		{"a: &x [b]\n", "x.yaml:1: anchors (&name) are not taken here"},
		{"a: b\nc: *x\n", "x.yaml:2: aliases (*name) are not taken here"},
		{"*x : b\n", "x.yaml:1: aliases (*name) are not taken here"},
		{"a: !!int 3\n", "x.yaml:1: tags (!name) are not taken here"},
		{"a: ! 3\n", "x.yaml:1: tags (!name) are not taken here"},
		{"!x {a: 3}\n", "x.yaml:1: tags (!name) are not taken here"},
		{"a: b\n---\nc: d\n", "x.yaml:2: a second document begins here; one is taken"},
		{"- a\n", "x.yaml:1: a mapping (KEY: VALUE lines) is wanted, found a list"},
		{"\nword\n", "x.yaml:2: a mapping (KEY: VALUE lines) is wanted, found a single value"},
		{"a: b\n? [c]\n: d\n", "x.yaml:2: a key must be a word, not a list or a mapping"},
		{"a: \"x\\0y\"\n", "x.yaml:1: a NUL character stands in the text"},
		{"\"x\\0y\": a\n", "x.yaml:1: a NUL character stands in the text"},
		{"a:\n  b: [c\n", "x.yaml:3: did not find expected ',' or ']', while parsing a flow sequence"},
		{"a: b\n\tc: d\n",
		 "x.yaml:2: found a tab character that violates indentation, while scanning a plain scalar"},
		{"a: b: c\n", "x.yaml:1: mapping values are not allowed in this context"},
		{"a: b\nc: \x01\n", "x.yaml:2: control characters are not allowed"},
		{"a: b\nc: d\n\ne: \xff\xfe\n", "x.yaml:4: invalid leading UTF-8 octet"},
		{"a: \xc3", "x.yaml:1: incomplete UTF-8 octet sequence"},
		{"a:\n [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n", "x.yaml:2: nested more than 16 deep"},
		{"? "
		 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
		 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n",
		 "x.yaml:1: key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...' is longer than 128 "
		 "bytes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kvn_document doc = {.n_lines = 77};
		struct kvn_error err = {0};

		if (kvn_document_parse(cases[i].text, "x.yaml", &doc, &err) != -EINVAL)
			fail_msg("accepted: %s", cases[i].text);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(err.code, EINVAL);
		assert_int_equal(doc.n_lines, 77);
		assert_int_equal(kvn_document_parse(cases[i].text, "x.yaml", &doc, NULL), -EINVAL);
	}
}

static void test_refuse_huge(void **state)
{
	const size_t size = (1U << 20) + 2;
	auto_free char *text = malloc(size);
	struct kvn_document doc;
	struct kvn_error err = {0};

	(void)state;
	assert_non_null(text);
	memset(text, '#', size - 1);
	text[size - 1] = '\0';
	assert_int_equal(kvn_document_parse(text, "x.yaml", &doc, &err), -EINVAL);
	assert_string_equal(err.message, "x.yaml:1: more than 1048576 bytes of text");
	text[size - 2] = '\0';
	assert_int_equal(kvn_document_parse(text, "x.yaml", &doc, &err), 0);
	kvn_document_clear(&doc);
}

static void test_lines(void **state)
{
	struct kvn_document doc;
	json_t *hosts;

	(void)state;
	assert_int_equal(kvn_document_parse("# c\na: 1\n\nhosts:\n  - {b: 2}\n  - c: 3\n    d: 4\ne:\n  5\n", "x.yaml",
					    &doc, NULL),
			 0);
	hosts = json_object_get(doc.root, "hosts");
	assert_int_equal(kvn_document_line(&doc, json_object_get(doc.root, "a")), 2);
	assert_int_equal(kvn_document_line(&doc, hosts), 4);
	assert_int_equal(kvn_document_line(&doc, json_array_get(hosts, 0)), 5);
	assert_int_equal(kvn_document_line(&doc, json_object_get(json_array_get(hosts, 1), "d")), 7);
	assert_int_equal(kvn_document_line(&doc, json_object_get(doc.root, "e")), 8);
	assert_int_equal(kvn_document_line(&doc, NULL), 0);
	/* Not even when it lands where an old one was. */
	for (int i = 0; i < 100; i++) {
		assert_int_equal(json_object_set_new(doc.root, "a", json_string("new")), 0);
		assert_int_equal(kvn_document_line(&doc, json_object_get(doc.root, "a")), 0);
	}
	kvn_document_clear(&doc);
	kvn_document_clear(&doc);
	kvn_document_clear(NULL);
}

static void test_head_comment(void **state)
{
	static const struct {
		const char *text, *comment, *written;
	} cases[] = {
		{"a: b\n", NULL, "a: b\n"},
		{"\n\na: b\n", NULL, "a: b\n"},
		{"# one\na: b\n", "# one\n", "# one\na: b\n"},
		{"# one\n\n  # two\n\na: b # not this\n# nor this\n", "# one\n\n  # two\n\n",
		 "# one\n\n  # two\n\na: b\n"},
		{"# alone", "# alone", "# alone\n{}\n"},
		{"\xef\xbb\xbf# bom\na: b\n", "# bom\n", "# bom\na: b\n"},
		{"# cr\ra: b\r", "# cr\r", "# cr\r\na: b\n"},
		{"# nel\xc2\x85"
		 "a: b\n",
		 "# nel\xc2\x85", "# nel\xc2\x85\na: b\n"},
		{"# ls\xe2\x80\xa8"
		 "a: b\n",
		 "# ls\xe2\x80\xa8", "# ls\xe2\x80\xa8\na: b\n"},
		{"# before\n---\n# after\na: b\n", "# before\n", "# before\na: b\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *text = NULL;
		struct kvn_document doc;
		struct kvn_error err = {0};

		if (kvn_document_parse(cases[i].text, "x.yaml", &doc, &err) < 0)
			fail_msg("%s", err.message);
		if (cases[i].comment)
			assert_string_equal(doc.head_comment, cases[i].comment);
		else
			assert_null(doc.head_comment);
		assert_int_equal(kvn_document_format(&doc, &text, NULL), 0);
		assert_string_equal(text, cases[i].written);
		kvn_document_clear(&doc);
	}
}

static const char *const tricky[] = {
	"",
	"~",
	"null",
	"NULL",
	"Null",
	"yes",
	"No",
	"on",
	"y",
	"true",
	"False",
	"1",
	"0",
	"-1",
	"+1",
	"1e3",
	"1.5",
	".5",
	".inf",
	".nan",
	"0x10",
	"0o17",
	"017",
	"0b11",
	"1_000",
	"12:30",
	"52:54:00:12:34:56",
	"2001-01-01",
	"2001-01-01T00:00:00Z",
	"a: b",
	"a:",
	":a",
	"a :b",
	"a:b",
	":",
	"::",
	"fd00::",
	"fd00::1/64",
	"- a",
	"-",
	"--",
	"---",
	"...",
	"-a",
	"? a",
	"?",
	"a?",
	" lead",
	"trail ",
	"  ",
	" ",
	"in  side",
	"a #b",
	"#a",
	"a#b",
	"[a",
	"a]",
	"{a",
	"a}",
	"a, b",
	",",
	"&a",
	"*a",
	"!a",
	"|",
	">",
	"%a",
	"@a",
	"`a",
	"'",
	"\"",
	"a'b",
	"a\"b",
	"it's",
	"\\",
	"a\\nb",
	"a\nb",
	"a\n",
	"\n",
	"a\tb",
	"\ta",
	"a\rb",
	"\x01",
	"\x7f",
	"\xc3\xa4",
	"\xc2\x85",
	"\xc2\xa0",
	"\xe2\x80\xa8",
	"\xe2\x80\xa9",
	"\xef\xbb\xbf",
	"\xef\xbf\xbe",
	"\xed\x9f\xbf",
	"\xf0\x9f\x90\xa7",
	"\xf4\x8f\xbf\xbf",
	"=",
	"<<",
	"10.0.0.1",
	"10.0.0.1/24",
	"10.0.0.2-10.0.0.9",
	"on-demand",
	"user:anna",
	"/x",
	"a/b",
	"_",
	"1h",
	"a%b",
	"a@b",
	"a=b",
};

/* As a value, as a key, in flow and in block style, alone and together. */
static json_t *tricky_tree(const char *text)
{
	json_t *tree = json_object(), *list = json_array(), *items = json_array(), *deep = json_array();

	assert_int_equal(json_object_set_new(tree, "value", json_string(text)), 0);
	assert_int_equal(json_object_set_new(tree, text, json_string("key")), 0);
	assert_int_equal(json_array_append_new(list, json_string(text)), 0);
	assert_int_equal(json_array_append_new(list, json_string(text)), 0);
	assert_int_equal(json_object_set_new(tree, "list", list), 0);
	assert_int_equal(json_array_append_new(items, json_pack("{s:s, s:s}", text, text, "other", text)), 0);
	assert_int_equal(json_object_set_new(tree, "items", items), 0);
	assert_int_equal(json_array_append_new(deep, json_pack("{s:{s:s}}", text, text, text)), 0);
	assert_int_equal(json_array_append_new(deep, json_pack("[[s], s]", text, text)), 0);
	assert_int_equal(json_object_set_new(tree, "deep", deep), 0);
	assert_int_equal(json_object_set_new(tree, "section", json_pack("{s:s, s:{}, s:[]}", text, text, "e", "f")), 0);
	return tree;
}

static void assert_reads_back(const char *text, const json_t *tree)
{
	struct kvn_document again;
	struct kvn_error err = {0};

	if (kvn_document_parse(text, "again.yaml", &again, &err) < 0)
		fail_msg("%s\n%s", err.message, text);
	if (!json_equal(again.root, tree))
		fail_msg("reads back as another tree:\n%s", text);
	kvn_document_clear(&again);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tricky); i++) {
		auto_json json_t *tree = tricky_tree(tricky[i]);
		auto_free char *text = NULL, *typed = NULL;
		struct kvn_document doc;

		assert_int_equal(kvn_document_from_json(tree, "x", &doc, NULL), 0);
		assert_int_equal(kvn_document_format(&doc, &text, NULL), 0);
		assert_reads_back(text, tree);
		assert_int_equal(kvn_yaml_format(tree, &typed, NULL), 0);
		assert_reads_back(typed, tree);
		kvn_document_clear(&doc);
	}
}

static void test_format(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{"{}", "{}\n"},
		{"[]", "[]\n"},
		{"[1, \"a\"]", "[1, a]\n"},
		{"\"yes\"", "\"yes\"\n"},
		{"{\"mtu\": 1500, \"stp\": false, \"mac\": null, \"up\": true}",
		 "mtu: 1500\nstp: false\nmac: null\nup: true\n"},
		{"{\"a\": \"1500\", \"b\": \"no\", \"c\": \"12:30\", \"d\": \"1e3\", \"e\": \"0x1\", \"f\": "
		 "\"2001-01-01\"}",
		 "a: \"1500\"\nb: \"no\"\nc: \"12:30\"\nd: \"1e3\"\ne: \"0x1\"\nf: \"2001-01-01\"\n"},
		{"{\"a\": \"52:54:00:12:34:56\", \"b\": \"52:54:00:12:34:5a\"}",
		 "a: \"52:54:00:12:34:56\"\nb: 52:54:00:12:34:5a\n"},
		{"{\"ipv4\": {\"address\": \"10.0.0.1/24\", \"dhcp\": \"10.0.0.2-10.0.0.9\", \"lease\": \"1h\"}}",
		 "ipv4:\n  address: 10.0.0.1/24\n  dhcp: 10.0.0.2-10.0.0.9\n  lease: 1h\n"},
		{"{\"up\": [\"10.0.0.1\", \"fd00::1\"], \"none\": []}", "up: [10.0.0.1, fd00::1]\nnone: []\n"},
		{"{\"hosts\": [{\"name\": \"web\", \"ipv4\": \"10.0.0.5\"}, {\"name\": \"db\"}]}",
		 "hosts:\n  - {name: web, ipv4: 10.0.0.5}\n  - {name: db}\n"},
		{"{\"a\": [{\"b\": [1], \"c\": {\"d\": 2}}, [[3]]]}",
		 "a:\n  -\n    b: [1]\n    c:\n      d: 2\n  -\n    - [3]\n"},
		{"{\"a\": \"x\\u0000y\\u0007\"}", "a: \"x\\x00y\\x07\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_json json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		auto_free char *text = NULL;

		assert_non_null(value);
		assert_int_equal(kvn_yaml_format(value, &text, NULL), 0);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_format_keeps_words_plain(void **state)
{
	/* In a file the types are the reader's business: a user's "mtu: 1500" stays as it is. */
	static const char text[] = "name: net0\nmtu: 1500\nstp: yes\nmac: 52:54:00:12:34:56\n";
	auto_free char *written = NULL;
	struct kvn_document doc;

	(void)state;
	assert_int_equal(kvn_document_parse(text, "x.yaml", &doc, NULL), 0);
	assert_int_equal(kvn_document_format(&doc, &written, NULL), 0);
	assert_string_equal(written, text);
	kvn_document_clear(&doc);
}

static void test_format_refuses_reals(void **state)
{
	auto_json json_t *value = json_pack("{s:f}", "a", 1.5);
	struct kvn_error err = {0};
	char *text = NULL;

	(void)state;
	assert_int_equal(kvn_yaml_format(value, &text, &err), -EINVAL);
	assert_string_equal(err.message, "a number with a fraction cannot be written");
	assert_null(text);
}

static void test_parse_value(void **state)
{
	static const struct {
		const char *text, *json; /* NULL: refused */
	} cases[] = {
		{"", "\"\""},
		{"~", "\"\""},
		{"10.0.0.1/24", "\"10.0.0.1/24\""},
		{"[a, b]", "[\"a\",\"b\"]"},
		{"{name: web, ipv6: fd00::1}", "{\"name\":\"web\",\"ipv6\":\"fd00::1\"}"},
		{"'~'", "\"~\""},
		{"[a", NULL},
		{"a: b: c", NULL},
		{"*x", NULL},
		{"\xff", NULL},
		{"a\n---\nb", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_json json_t *value = NULL;
		auto_free char *json = NULL;
		struct kvn_error err = {0};
		int r = kvn_yaml_parse_value(cases[i].text, &value, &err);

		if (r != (cases[i].json ? 0 : -EINVAL))
			fail_msg("'%s': %d %s", cases[i].text, r, err.message);
		if (r < 0) {
			assert_non_null(strstr(err.message, "is no YAML value: "));
			continue;
		}
		json = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(json, cases[i].json);
	}
}

static void test_from_json(void **state)
{
	auto_json json_t *array = json_array(), *object = json_object();
	struct kvn_document doc;
	struct kvn_error err = {0};

	(void)state;
	assert_int_equal(kvn_document_from_json(array, "record", &doc, &err), -EINVAL);
	assert_string_equal(err.message, "record: an object is wanted");
	assert_int_equal(kvn_document_from_json(object, "record", &doc, &err), 0);
	assert_ptr_equal(doc.root, object);
	assert_int_equal(kvn_document_line(&doc, doc.root), 0);
	assert_int_equal(kvn_document_blame(&doc, doc.root, kvn_fail(&err, EINVAL, "wrong"), &err), -EINVAL);
	assert_string_equal(err.message, "record: wrong");
	kvn_document_clear(&doc);
}

static void test_excerpt(void **state)
{
	char text[200] = "", excerpt[KVN_EXCERPT];

	(void)state;
	assert_string_equal(kvn_text_excerpt("short", excerpt), "short");
	memset(text, 'x', KVN_EXCERPT - 1);
	assert_string_equal(kvn_text_excerpt(text, excerpt), text);
	/* A character is not cut in two: 59 letters, then two bytes across the border. */
	memset(text, 0, sizeof(text));
	memset(text, 'x', 59);
	(void)snprintf(text + 59, sizeof(text) - 59, "\xc3\xa4 and more");
	kvn_text_excerpt(text, excerpt);
	assert_int_equal(strlen(excerpt), 59 + 3);
	assert_string_equal(excerpt + 59, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_refuse_huge),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_head_comment),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_keeps_words_plain),
		cmocka_unit_test(test_format_refuses_reals),
		cmocka_unit_test(test_parse_value),
		cmocka_unit_test(test_from_json),
		cmocka_unit_test(test_excerpt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
