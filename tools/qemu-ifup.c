/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-ifup.c - QEMU's script=: put the tap that it made on a network. */
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
			"usage: qemu-ifup IFNAME\n"
			"QEMU runs it: -nic tap,script=/path/to/qemu-ifup,downscript=/path/to/qemu-ifdown\n"
			"The network is KVNET_NETWORK, or NAME of a link qemu-ifup-NAME, or of a tap NAME-x, or the\n"
			"default_network of kvnet.yaml, or the only one there is.");
		return 0;
	}
	if (argc != 2) {
		(void)fputs("qemu-ifup: usage: qemu-ifup IFNAME\n", stderr);
		return 2;
	}
	r = kvn_open(&kvn, &err);
	if (r == 0)
		r = kvn_hook_up(kvn, argv[0], argv[1], &err);
	if (r < 0)
		(void)fprintf(stderr, "qemu-ifup: %s: %s\n", argv[1], err.message);
	kvn_close(kvn);
	return r < 0 ? 1 : 0;
}
