/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.h - what is stable for a host: bridges' MACs and its ULA prefix, derived from the machine's id. */
#ifndef KVN_IDENTITY_H
#define KVN_IDENTITY_H

#include "context.h"

/* 64 bits that depend on this machine and on @name alone.  The machine is /etc/machine-id (machine-id(5)); where there is
 * none, a random id is made once, in the state directory. */
int kvn_identity_hash(const struct kvn *kvn, const char *name, uint64_t *ret, struct kvn_error *err);
/* The MAC of @bridge of network @name: 52:54:00 (locally administered, what QEMU and libvirt use), 24 bits of hash. */
int kvn_identity_mac(const struct kvn *kvn, const char *name, uint8_t ret[static 6], struct kvn_error *err);
/* The host's own ULA /48.  Source: RFC 4193 section 3.2. */
int kvn_identity_ula(const struct kvn *kvn, struct kvn_cidr *ret, struct kvn_error *err);

#endif
