/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_events.h - which of the kernel's news about addresses and routes reach a dnsmasq. */
#ifndef KVN_DNSMASQ_EVENTS_H
#define KVN_DNSMASQ_EVENTS_H

#include "dnsmasq_process.h"

/* From now on @process hears of addresses of link @ifname only, and of default routes.  Where that cannot be had (no
 * CAP_SYS_PTRACE, a kernel before 5.6) it hears of all, as any dnsmasq: it serves as well, and takes more time. */
void kvn_dnsmasq_events_limit(const struct kvn_process *process, const char *ifname);

#endif
