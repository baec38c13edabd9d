/* SPDX-License-Identifier: GPL-2.0-or-later */
/* definition.h - a network's definition: one table of fields between the tree and struct kvn_network. */
#ifndef KVN_DEFINITION_H
#define KVN_DEFINITION_H

#include "document.h"

/* One key of the definition, for reading, writing, help and the manual page alike. */
struct kvn_field_doc {
	const char *path; /* "ipv4.address" */
	const char *values; /* "auto | none | ADDRESS/PREFIXLEN" */
	const char *meaning; /* one sentence, with the default */
};

/* The keys in the order in which they are written; ends with a NULL path. */
const struct kvn_field_doc *kvn_definition_fields(void);

/* Is @name a network's name: 1..15 bytes of A-Z a-z 0-9 . _ -, the first a letter or a digit? Says what is wrong.  -EINVAL */
int kvn_name_check(const char *name, struct kvn_error *err);
/* Is @ifname a link's name that can be had: 1..15 bytes of ASCII, no '/', ':', '%', space or control, and not "." ".." "all"
 * "default", which the kernel keeps?  -EINVAL */
int kvn_ifname_check(const char *ifname, struct kvn_error *err);

#define KVN_DUID_TEXT (3 * KVN_DUID_MAX)
/* Write @size bytes as "00:03:..." into @text and return @text. */
const char *kvn_duid_format(const uint8_t *duid, unsigned size, char text[static KVN_DUID_TEXT]);

/* Read @doc whole or refuse it whole.  @name, if not NULL, is what the file's name promises: another "name:" is an error,
 * a missing one is filled in.  Checks every key, type and value, and what two keys say of each other (a DHCP range inside
 * the subnet and without the gateway, reservations inside it and not doubled, uplink with bridged, ...); does not look at
 * the host.  An address that is not mentioned is AUTO or NONE, as the model has it; all else stays as it was given until
 * kvn_definition_resolve().  -EINVAL "FILE:LINE: key 'ipv4.dhcp': ..."   -ENOMEM */
int kvn_definition_read(const struct kvn_document *doc, const char *name, struct kvn_network *ret,
			struct kvn_error *err);

/* The checks between keys alone, for a network that was put together in code or has just had its autos resolved. */
int kvn_definition_check(const struct kvn_network *net, struct kvn_error *err);

/* Fill in every default and every "auto" that can be known without looking at the host: addresses that are not given (AUTO or
 * NONE by the model), bridge, domain (none for bridged), host_access and dns.enabled (which count as given from then on), DHCP
 * ranges (the whole subnet but network, broadcast and the bridge's own address; for an address in the middle the larger
 * side), ipv6.dhcp (slaac for a /64, none else).  Leaves an AUTO address AUTO, and DHCP with it: subnet.h settles that first.
 * Leaves mac alone (identity.h).  Calling it again changes nothing. */
void kvn_definition_resolve(struct kvn_network *net);

/* The network as a tree in the file's shape, all keys, resolved ones as they are, null what was not given.  Reading it gives
 * the same struct again.  NULL: no memory. */
json_t *kvn_definition_write(const struct kvn_network *net);

/* Change the tree of @doc: "ipv4.dhcp=none" sets (VALUE in YAML flow style; "ipv4={...}" a whole section), "KEY=" removes the
 * key if it is there, "hosts+=VALUE" appends to a sequence (of a sequence, its items), "hosts-=VALUE" removes the items that
 * VALUE names: equal scalars, or mappings in which every key of VALUE is the same ("hosts-=web" is short for
 * "hosts-={name: web}").  A new key goes to its place in the order above.  An unknown key is refused, with the near ones.
 * Values are checked by the next kvn_definition_read().  -EINVAL -ENOENT (nothing to remove by "-=") -ENOMEM */
int kvn_definition_edit(struct kvn_document *doc, const char *assignment, struct kvn_error *err);

#endif
