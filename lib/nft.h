/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.h - one nfnetlink socket and transactions over it, on libnftnl and libmnl.  Source: linux/netfilter/nf_tables.h. */
#ifndef KVN_NFT_H
#define KVN_NFT_H

#include "error.h"

struct kvn_nft; /* opened once per process: closing one right after a delete waits for RCU, 8-15 ms */

/* -EPROTONOSUPPORT no nf_tables in this kernel   -EPERM   -ENOMEM */
int kvn_nft_open(struct kvn_nft **ret, struct kvn_error *err);
void kvn_nft_close(struct kvn_nft *nft);

#endif
