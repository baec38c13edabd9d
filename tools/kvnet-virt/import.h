/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import.h - import and export --xml. */
#ifndef KVNET_IMPORT_H
#define KVNET_IMPORT_H

#include "../kvnet/cli.h"
#include "virt/virt.h"

/* 0, or a negative errno. */
int run_import(struct command *command, kvn_virt_limit *limit, struct kvn_error *err);
int run_export(struct command *command, struct kvn_error *err);

/* take_over.c: stop libvirt's network @old, and bring up the network of definition @yaml on its bridge, with its leases and the
 * taps of its running guests; libvirt knows it by the same name and UUID from then on.  A failure puts libvirt's back. */
int take_over(struct command *command, struct kvn_virt *virt, const char *old, const char *yaml, struct kvn_error *err);

#endif
