/* SPDX-License-Identifier: GPL-2.0-or-later */
/* output.c - results on standard output: JSON as it is; tables and headings for people at a terminal, tab-separated lines
 * for scripts. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"

#define MAX_COLUMNS 8

void print_json(const json_t *value)
{
	(void)json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY); /* main asks stdout once */
	(void)putchar('\n');
}

static const json_t *find(const json_t *value, const char *path)
{
	const char *dot;

	while ((dot = strchr(path, '.'))) {
		char part[64];

		(void)snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
		value = json_object_get(value, part);
		path = dot + 1;
	}
	return json_object_get(value, path);
}

/* "-" for what is unknown; times for people. */
static void format_cell(const json_t *value, const char *key, char text[static 128])
{
	time_t when = (time_t)json_integer_value(value);
	struct tm local;

	if (json_is_string(value))
		(void)snprintf(text, 128, "%s", json_string_value(value));
	else if (json_is_integer(value) && strcmp(key, "expires") == 0 && when == 0)
		(void)snprintf(text, 128, "never");
	else if (json_is_integer(value) && strcmp(key, "expires") == 0 && localtime_r(&when, &local))
		(void)strftime(text, 128, "%Y-%m-%d %H:%M:%S", &local);
	else if (json_is_integer(value))
		(void)snprintf(text, 128, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		(void)snprintf(text, 128, "%s", json_is_true(value) ? "true" : "false");
	else
		(void)snprintf(text, 128, "-");
}

void print_table(const json_t *array, const char *const *headers, const char *const *keys, size_t n)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	size_t widths[MAX_COLUMNS] = {0}, i;
	const json_t *row;
	char cell[128];

	for (size_t column = 0; column < n; column++)
		widths[column] = strlen(headers[column]);
	json_array_foreach(array, i, row) for (size_t column = 0; column < n; column++)
	{
		format_cell(find(row, keys[column]), keys[column], cell);
		if (strlen(cell) > widths[column])
			widths[column] = strlen(cell);
	}
	for (size_t column = 0; column < n && is_terminal; column++)
		(void)printf("%-*s%s", column + 1 < n ? (int)widths[column] : 0, headers[column],
			     column + 1 < n ? "  " : "\n");
	json_array_foreach(array, i, row) for (size_t column = 0; column < n; column++)
	{
		format_cell(find(row, keys[column]), keys[column], cell);
		if (is_terminal)
			(void)printf("%-*s%s", column + 1 < n ? (int)widths[column] : 0, cell,
				     column + 1 < n ? "  " : "\n");
		else
			(void)printf("%s%s", cell, column + 1 < n ? "\t" : "\n");
	}
}

void print_plan(const json_t *plan)
{
	const json_t *op;
	size_t i;

	json_array_foreach(plan, i, op)(void) puts(json_string_value(json_object_get(op, "command")));
}

static void print_value(const char *path, const json_t *value)
{
	char cell[128];
	const char *key;
	json_t *member;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, key, member)
		{
			char below[128];

			(void)snprintf(below, sizeof(below), "%s.%s", path, key);
			print_value(below, member);
		}
		return;
	}
	if (json_is_array(value)) {
		auto_free char *text = json_dumps(value, JSON_COMPACT);

		if (json_array_size(value) > 0)
			(void)printf("  %-16s %s\n", path, text ? text : "");
		return;
	}
	if (json_is_null(value))
		return;
	format_cell(value, path, cell);
	(void)printf("  %-16s %s\n", path, cell);
}

void print_network(const json_t *network)
{
	static const char *const port_headers[] = {"IFNAME", "MAC", "IPV4", "IPV6", "OWNER", "PID", "DOMAIN"};
	static const char *const port_keys[] = {"ifname", "mac", "ipv4", "ipv6", "owner", "pid", "domain"};
	const json_t *ports = json_object_get(network, "ports"), *problem;
	const char *key;
	json_t *value;
	size_t i;

	(void)printf("%s: %s\n", json_string_value(json_object_get(network, "name")),
		     json_string_value(json_object_get(network, "state")));
	json_array_foreach(json_object_get(network, "problems"), i, problem)(void)
		printf("  ! %s\n", json_string_value(problem));
	json_object_foreach((json_t *)network, key, value) if (strcmp(key, "name") != 0 && strcmp(key, "state") != 0 &&
							       strcmp(key, "ports") != 0 &&
							       strcmp(key, "leases") != 0 &&
							       strcmp(key, "problems") != 0) print_value(key, value);
	if (json_array_size(ports) > 0) {
		(void)puts("ports:");
		print_table(ports, port_headers, port_keys, ARRAY_SIZE(port_keys));
	}
}
