/* SPDX-License-Identifier: GPL-2.0-or-later */
/* public_json.h - ports and leases in the shapes that the manual gives. */
#ifndef KVN_PUBLIC_JSON_H
#define KVN_PUBLIC_JSON_H

#include "engine.h"
#include "lease.h"
#include "state.h"

/* NULL: no memory. */
json_t *kvn_lease_to_json(const char *network, const struct kvn_lease *lease);
/* @mac, @engine NULL: unknown; @ipv4 and @ipv6 are taken over. */
json_t *kvn_port_to_json(const char *network, const struct kvn_port *port, const struct kvn_engine *engine,
			 const uint8_t *mac, json_t *ipv4, json_t *ipv6);

/* {"time": now, "event": @kind, "network": @network}: what each event begins with. */
json_t *kvn_event_new(const char *kind, const char *network);

#endif
