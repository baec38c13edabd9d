/* SPDX-License-Identifier: GPL-2.0-or-later */
/* yaml_format.c - a jansson tree -> YAML text: block style outside, flow style for what fits on a line.
 *
 * A string is left plain only when it is made of characters that mean nothing to YAML anywhere; everything else is
 * double-quoted, the one style in which any text can be written on one line.
 */
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"

#define INDENT 2

struct writer {
	FILE *out;
	bool is_typed; /* strings that YAML would take for numbers, booleans or dates are quoted */
	bool has_real; /* a value came that cannot be written */
};

/* ---- scalars ---- */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool is_null_word(const char *text)
{
	static const char *const words[] = {"null"};

	return is_one_of(text, words, ARRAY_SIZE(words));
}

/* Numbers of any base, base 60 among them (a MAC of decimal digits is one), and dates; an IPv4 address is none. */
static bool is_number_like(const char *text)
{
	size_t length = strlen(text), mantissa = strspn(text, "0123456789_."), digits = strspn(text, "0123456789");
	const char *dot = strchr(text, '.');

	if (digits == 0)
		return false;
	if (text[0] == '0' && strchr("xXoObB", text[1]) && text[1])
		return true;
	if (digits == 4 && text[4] == '-')
		return true;
	if (strspn(text, "0123456789_.:") == length)
		return !dot || !strchr(dot + 1, '.') || strchr(text, ':');
	return (text[mantissa] == 'e' || text[mantissa] == 'E') &&
	       mantissa + 1 + strspn(text + mantissa + 1, "+-0123456789") == length;
}

/* Would YAML 1.1 or 1.2 read @text, unquoted, as something other than a string? */
static bool is_other_type(const char *text)
{
	static const char *const words[] = {"y", "n", "yes", "no", "true", "false", "on", "off"};

	return is_one_of(text, words, ARRAY_SIZE(words)) || is_number_like(text);
}

static bool is_plain(const struct writer *w, const char *text, size_t length)
{
	if (!is_alnum(text[0]) && text[0] != '_' && text[0] != '/')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_alnum(text[i]) && (!text[i] || !strchr("_./:@+=%- ", text[i])))
			return false;
		if (text[i] == ':' && (i + 1 == length || text[i + 1] == ' '))
			return false;
	}
	return text[length - 1] != ' ' && !is_null_word(text) && !(w->is_typed && is_other_type(text));
}

/* Decode the character at @text, which jansson knows to be UTF-8. */
static size_t decode(const unsigned char *text, uint32_t *ret)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	*ret = length == 1 ? text[0] : text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++)
		*ret = *ret << 6 | (text[i] & 0x3f);
	return length;
}

/* YAML 1.1 section 5.1, without the line breaks, the space that breaks no line and the byte order mark. */
static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c <= 0x7e) || (c > 0xa0 && c <= 0xd7ff && c != 0x2028 && c != 0x2029) ||
	       (c >= 0xe000 && c <= 0xfffd && c != 0xfeff) || c >= 0x10000;
}

static void put_quoted(const struct writer *w, const char *text, size_t length)
{
	fputc('"', w->out);
	for (size_t i = 0, size; i < length; i += size) {
		uint32_t c;

		size = decode((const unsigned char *)text + i, &c);
		if (c == '"' || c == '\\')
			fprintf(w->out, "\\%c", (int)c);
		else if (c == '\n')
			fputs("\\n", w->out);
		else if (c == '\t')
			fputs("\\t", w->out);
		else if (is_printable(c))
			fwrite(text + i, 1, size, w->out);
		else
			fprintf(w->out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
	}
	fputc('"', w->out);
}

static void put_text(const struct writer *w, const char *text, size_t length)
{
	if (is_plain(w, text, length))
		fputs(text, w->out);
	else
		put_quoted(w, text, length);
}

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static void put_scalar(struct writer *w, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		put_text(w, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		fprintf(w->out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_TRUE:
		fputs("true", w->out);
		break;
	case JSON_FALSE:
		fputs("false", w->out);
		break;
	case JSON_NULL:
		fputs("null", w->out);
		break;
	case JSON_REAL:
		w->has_real = true;
		break;
	case JSON_OBJECT:
	case JSON_ARRAY:
		break;
	}
}

/* ---- collections ---- */

static bool holds_scalars_only(json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach(value, key, child) if (!is_scalar(child)) return false;
	json_array_foreach(value, i, child) if (!is_scalar(child)) return false;
	return true;
}

static void put_flow(struct writer *w, json_t *value)
{
	const char *key, *gap = "";
	json_t *child;
	size_t i;

	if (is_scalar(value)) {
		put_scalar(w, value);
		return;
	}
	fputc(json_is_object(value) ? '{' : '[', w->out);
	json_object_foreach(value, key, child)
	{
		fputs(gap, w->out);
		put_text(w, key, strlen(key));
		fputs(": ", w->out);
		put_scalar(w, child);
		gap = ", ";
	}
	json_array_foreach(value, i, child)
	{
		fputs(gap, w->out);
		put_scalar(w, child);
		gap = ", ";
	}
	fputc(json_is_object(value) ? '}' : ']', w->out);
}

/* Does @value fit behind its "KEY: ", or, as an @is_item, behind its "- "? */
static bool is_flow(json_t *value, bool is_item)
{
	if (json_is_object(value))
		return is_item ? holds_scalars_only(value) : json_object_size(value) == 0;
	return is_scalar(value) || holds_scalars_only(value);
}

static void put_block(struct writer *w, json_t *value, int indent);

static void put_value(struct writer *w, json_t *value, int indent, bool is_item)
{
	if (is_flow(value, is_item)) {
		fputc(' ', w->out);
		put_flow(w, value);
		fputc('\n', w->out);
	} else {
		fputc('\n', w->out);
		put_block(w, value, indent + INDENT);
	}
}

static void put_block(struct writer *w, json_t *value, int indent)
{
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach(value, key, child)
	{
		fprintf(w->out, "%*s", indent, "");
		put_text(w, key, strlen(key));
		fputc(':', w->out);
		put_value(w, child, indent, false);
	}
	json_array_foreach(value, i, child)
	{
		fprintf(w->out, "%*s-", indent, "");
		put_value(w, child, indent, true);
	}
}

/* ---- whole texts ---- */

static int write_yaml(const char *head, json_t *value, bool is_typed, char **ret, struct kvn_error *err)
{
	auto_free char *text = NULL;
	size_t size;
	struct writer w = {.out = open_memstream(&text, &size), .is_typed = is_typed};
	bool is_whole;

	if (!w.out)
		return kvn_fail_errno(err, ENOMEM, "YAML");
	if (head)
		fprintf(w.out, "%s%s", head, *head && head[strlen(head) - 1] != '\n' ? "\n" : "");
	if (is_flow(value, false)) {
		put_flow(&w, value);
		fputc('\n', w.out);
	} else {
		put_block(&w, value, 0);
	}
	is_whole = !ferror(w.out);
	if (fclose(w.out) != 0 || !is_whole)
		return kvn_fail_errno(err, ENOMEM, "YAML");
	if (w.has_real)
		return kvn_fail(err, EINVAL, "a number with a fraction cannot be written");
	*ret = steal_ptr(&text);
	return 0;
}

int kvn_document_format(const struct kvn_document *doc, char **ret, struct kvn_error *err)
{
	return write_yaml(doc->head_comment, doc->root, false, ret, err);
}

int kvn_yaml_format(const json_t *value, char **ret, struct kvn_error *err)
{
	/* jansson's iterators take no const; nothing is changed. */
	return write_yaml(NULL, (json_t *)(uintptr_t)value, true, ret, err);
}
