/* SPDX-License-Identifier: GPL-2.0-or-later */
/* registration.h - networks that libvirt is to know, by kvnet-virt: no libvirt is loaded here. */
#ifndef KVN_REGISTRATION_H
#define KVN_REGISTRATION_H

#include "context.h"

/* Is the network @name, by its definition on disk, one that libvirt is to know? */
bool kvn_registration_is_wanted(const struct kvn *kvn, const char *name);
/* May libvirt know a network of ours by the name @name although its definition does not ask for that, or is gone? So it is when
 * a command was interrupted. */
bool kvn_registration_is_left(const struct kvn *kvn, const char *name);
/* Make libvirt know the network @name as its definition has it, active if the network is up; or forget it.  Takes no lock and
 * wants none held: kvnet-virt reads the definition itself.  -ENOENT kvnet-virt is not installed; else as kvnet-virt says it */
int kvn_registration_add(const char *name, struct kvn_error *err);
int kvn_registration_del(const char *name, struct kvn_error *err);

/* Where kvnet-virt is, or is to be: beside the running program, as after a build, or where it is installed. */
void kvn_registration_find_program(char path[static 4096]);

#endif
