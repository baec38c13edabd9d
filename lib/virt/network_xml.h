/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network_xml.h - libvirt's network XML in and out, without libvirt.  Source: formatnetwork.html of libvirt, network.rng.
 *
 * Nothing is dropped without a word.  What a definition cannot express is refused by name and line, or, when the caller
 * asks for that, left out with a warning; elements and attributes that nobody knows as well.  Read and then not kept are
 * only the live counters (connections=), comments, and a default of libvirt's that is written out.
 *
 * Where a document says nothing, libvirt's default counts: stp is on, an isolated network's guests reach the host, a domain
 * is forwarded, an IPv6 /64 is advertised, without <dhcp> there is none.  What kvnet does on every network stays so: names
 * without a dot and reverse lookups of private addresses are not forwarded, networks do not reach each other.  Whether libvirt
 * starts a network at boot is not in its XML: "start" is not set.
 */
#ifndef KVN_NETWORK_XML_H
#define KVN_NETWORK_XML_H

#include "error.h"

/* Of the element in <metadata> that holds what libvirt has no word for: <network> of <set key="KEY">JSON</set>. */
#define KVN_XML_NAMESPACE "urn:kvnet:network:1.0"

/* Turn @text of @len bytes into the tree of a definition that reads without error, but for its name: libvirt lets a network
 * be called what kvnet does not.  @file is for messages.  @is_lossy: what cannot be expressed is left out, each with a
 * sentence in the array *ret_warnings, "FILE:12: <vlan> is left out: ...".  Networks that only libvirt can run (macvtap, host
 * devices, Open vSwitch) are refused all the same.  No document type, no entity and nothing outside of @text is looked at.
 * -EINVAL "FILE:12: ..."   -ENOMEM */
int kvn_virt_import(const char *text, size_t len, const char *file, bool is_lossy, json_t **ret_tree,
		    json_t **ret_warnings, struct kvn_error *err);

/* Write @net, without an "auto" address, as XML that libvirt takes and kvn_virt_import() reads as the same network.
 * *ret_xml is the caller's to free.  libvirt before 10.8 refuses a network of model open without an address.
 * -EINVAL an address is "auto"   -EFBIG more than 1 MiB, as thousands of reservations may be   -ENOMEM */
int kvn_virt_export(const struct kvn_network *net, char **ret_xml, struct kvn_error *err);

#endif
