/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connection.c - the connection to libvirtd, and its errors as ours. */
#include "connection.h"

#include <errno.h>
#include <libxml/xpathInternals.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static int errno_of(int code)
{
	switch (code) {
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_NO_NETWORK:
	case VIR_ERR_DEVICE_MISSING:
		return ENOENT;
	case VIR_ERR_NO_CONNECT:
	case VIR_ERR_INVALID_CONN:
		return ECONNREFUSED;
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_OPERATION_DENIED:
		return EACCES;
	case VIR_ERR_DOM_EXIST:
	case VIR_ERR_NETWORK_EXIST:
		return EEXIST;
	case VIR_ERR_INVALID_ARG:
	case VIR_ERR_OPERATION_INVALID:
	case VIR_ERR_XML_ERROR:
	case VIR_ERR_XML_DETAIL:
	case VIR_ERR_XML_INVALID_SCHEMA:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
		return EINVAL;
	case VIR_ERR_NO_MEMORY:
		return ENOMEM;
	default: /* libvirt has a hundred more, and the words say it */
		return EIO;
	}
}

int kvn_virt_fail(struct kvn_error *err)
{
	const virError *error = virGetLastError();
	const char *words = error && error->message ? error->message : "unknown failure";
	char line[sizeof(err->message)];
	size_t used = 0;

	/* Some bring a whole log along, or say in the second line what is wrong: one line of ours has them all, or begins them. */
	for (; *words && used + 3 < sizeof(line); words++) {
		if (*words != '\n') {
			line[used++] = *words;
		} else if (words[1] && words[1] != '\n') {
			line[used++] = ';';
			line[used++] = ' ';
		}
	}
	line[used] = '\0';
	return kvn_fail(err, errno_of(error ? error->code : VIR_ERR_INTERNAL_ERROR), "libvirt: %s", line);
}

/* libvirt would print each error by itself. */
static void keep_silent(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

int kvn_virt_open(kvn_virt_limit *limit, struct kvn_virt **ret, struct kvn_error *err)
{
	const char *uri = getenv("KVNET_LIBVIRT_URI");
	struct kvn_virt *virt = calloc(1, sizeof(*virt));
	struct kvn_error refusal = {0};
	int r;

	if (!virt)
		return kvn_fail_errno(err, ENOMEM, "libvirt");
	if (!uri || !uri[0])
		uri = "qemu:///system";
	virt->limit = limit;
	virSetErrorFunc(NULL, keep_silent);
	limit(KVN_VIRT_ANSWER_S);
	virt->connection = virConnectOpen(uri);
	if (!virt->connection) {
		r = kvn_virt_fail(&refusal);
		free(virt);
		return kvn_fail(err, r == -EACCES ? EACCES : ECONNREFUSED, "%s (%s)", refusal.message, uri);
	}
	*ret = virt;
	return 0;
}

void kvn_virt_close(struct kvn_virt *virt)
{
	if (!virt)
		return;
	virt->limit(KVN_VIRT_ANSWER_S);
	(void)virConnectClose(virt->connection); /* what counts has been answered */
	free(virt);
}

xmlDoc *kvn_virt_parse(const char *xml)
{
	return xmlReadMemory(xml, (int)strlen(xml), NULL, NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

char *kvn_virt_xpath(xmlDoc *doc, const char *expression)
{
	xmlXPathContext *context = xmlXPathNewContext(doc);
	xmlXPathObject *found = NULL;
	xmlChar *text = NULL;
	char *copy = NULL;

	if (context && xmlXPathRegisterNs(context, BAD_CAST "kvnet", BAD_CAST KVN_VIRT_NAMESPACE) == 0)
		found = xmlXPathEvalExpression(BAD_CAST expression, context);
	if (found && found->nodesetval && found->nodesetval->nodeNr > 0)
		text = xmlNodeGetContent(found->nodesetval->nodeTab[0]);
	if (text)
		copy = strdup((const char *)text);
	xmlFree(text);
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return copy;
}
