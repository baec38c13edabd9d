/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel.c - the sockets behind kernel.h, opened at first use. */
#include "kernel.h"

int kvn_kernel_route(struct kvn_kernel *kernel, struct kvn_netlink **ret, struct kvn_error *err)
{
	int r = kernel->route ? 0 : kvn_netlink_open(&kernel->route, err);

	*ret = kernel->route;
	return r;
}

int kvn_kernel_nft(struct kvn_kernel *kernel, struct kvn_nft **ret, struct kvn_error *err)
{
	int r = kernel->nft ? 0 : kvn_nft_open(&kernel->nft, err);

	*ret = kernel->nft;
	return r;
}

void kvn_kernel_close(struct kvn_kernel *kernel)
{
	kvn_netlink_close(kernel->route);
	kvn_nft_close(kernel->nft);
	*kernel = (struct kvn_kernel){0};
}
