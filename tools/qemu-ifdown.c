/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-ifdown.c - QEMU's downscript=: take its tap off the network. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "kvnet.h"

int main(int argc, char **argv)
{
	struct kvn_error err = {0};
	struct kvn *kvn = NULL;
	sigset_t none;
	int r;

	/* QEMU hands its blocked signals down, sometimes all of them: the hook must stay killable. */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		(void)puts(
			"usage: qemu-ifdown IFNAME\n"
			"QEMU runs it: -nic tap,script=/path/to/qemu-ifup,downscript=/path/to/qemu-ifdown\n"
			"The network is KVNET_NETWORK, or NAME of a link qemu-ifdown-NAME, or of a tap NAME-x, or the\n"
			"default_network of kvnet.yaml, or the only one there is.");
		return 0;
	}
	if (argc != 2) {
		(void)fputs("qemu-ifdown: usage: qemu-ifdown IFNAME\n", stderr);
		return 2;
	}
	r = kvn_open(&kvn, &err);
	if (r == 0)
		r = kvn_hook_down(kvn, argv[0], argv[1], &err);
	if (r < 0)
		(void)fprintf(stderr, "qemu-ifdown: %s: %s\n", argv[1], err.message);
	kvn_close(kvn);
	return r < 0 ? 1 : 0;
}
