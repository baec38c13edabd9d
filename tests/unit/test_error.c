/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_error.c - failures keep their code and stay one line, with an error to fill in and without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"

static void test_fail(void **state)
{
	struct kvn_error err = {0};

	(void)state;
	assert_int_equal(kvn_fail(&err, EEXIST, "bridge '%s'", "a\nb"), -EEXIST);
	assert_int_equal(err.code, EEXIST);
	assert_string_equal(err.message, "bridge 'a?b'");
	assert_int_equal(kvn_fail_errno(&err, ENOENT, "x"), -ENOENT);
	assert_string_equal(err.message, "x: No such file or directory");
	assert_int_equal(kvn_fail(&err, EBUSY, "%s again", err.message), -EBUSY);
	assert_string_equal(err.message, "x: No such file or directory again");
}

static void test_wrap(void **state)
{
	struct kvn_error err = {0};

	(void)state;
	(void)kvn_fail(&err, ENODEV, "gone");
	assert_int_equal(kvn_wrap(&err, "link '%s'", "t0"), -ENODEV);
	assert_string_equal(err.message, "link 't0': gone");
}

/* Whoever does not want the words still gets the code. */
static void test_null(void **state)
{
	(void)state;
	assert_int_equal(kvn_fail(NULL, ENODEV, "gone"), -ENODEV);
	assert_int_equal(kvn_wrap(NULL, "link"), -ENODEV);
	assert_int_equal(kvn_wrap(NULL, "network"), -ENODEV);
	assert_int_equal(kvn_fail_errno(NULL, EAGAIN, "later"), -EAGAIN);
	assert_int_equal(kvn_wrap(NULL, "network"), -EAGAIN);
}

static void test_long(void **state)
{
	struct kvn_error err = {0};
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)kvn_fail(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	(void)kvn_wrap(&err, "%s", text);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fail), cmocka_unit_test(test_wrap),
					   cmocka_unit_test(test_null), cmocka_unit_test(test_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
