/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connection.h - what the files of libkvnet-virt share: the connection, errors, and libvirt's objects in scopes. */
#ifndef KVN_VIRT_CONNECTION_H
#define KVN_VIRT_CONNECTION_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "cleanup.h"
#include "virt.h"

#define KVN_VIRT_ANSWER_S 10U /* an answer that needs no work */
#define KVN_VIRT_WORK_S 60U /* starting a guest, ending it by force, plugging a NIC */
#define KVN_VIRT_NAMESPACE "urn:kvnet:registration:1.0" /* of the element by which a network is known as ours */

struct kvn_virt {
	virConnectPtr connection;
	kvn_virt_limit *limit;
};

/* Turn libvirt's last error into a failure: "libvirt: " and its words. */
int kvn_virt_fail(struct kvn_error *err);

/* Parse what libvirt wrote: no network, no entities.  NULL: no XML */
xmlDoc *kvn_virt_parse(const char *xml);
/* The text of the first node that the XPath @expression finds; NULL: none.  The caller's to free. */
char *kvn_virt_xpath(xmlDoc *doc, const char *expression);

static inline void kvn_virt_cleanup_network(virNetworkPtr *network)
{
	if (*network)
		(void)virNetworkFree(*network);
}

static inline void kvn_virt_cleanup_domain(virDomainPtr *domain)
{
	if (*domain)
		(void)virDomainFree(*domain);
}

static inline void kvn_virt_cleanup_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

#define auto_network __attribute__((cleanup(kvn_virt_cleanup_network)))
#define auto_domain __attribute__((cleanup(kvn_virt_cleanup_domain)))
#define auto_doc __attribute__((cleanup(kvn_virt_cleanup_doc)))

/* domain.c: -ENOENT there is no such domain */
int kvn_virt_domain_find(struct kvn_virt *virt, const char *name, virDomainPtr *ret, struct kvn_error *err);

#endif
