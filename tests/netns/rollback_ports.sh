#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rollback_ports.sh - each call of a command fails in turn: told in one line, and the host as it was.  Run as kill9_ports.sh: the
# command is killed at each call, and the next one mends it.  Here: hooks and ports.
#
#   router: net0 10.9.0.1/24, on demand, with tap t0 and links v-g and v-h
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR source=lib_inject.sh
. "$(dirname "$0")/lib_inject.sh"
command -v strace >/dev/null || skip "needs strace"

topology
KVNET=$KVNET_BUILD/kvnet
plain "$KVNET" create net0 --subnet 10.9.0.1/24 --start on-demand --no-start
make_ns g
make_ns h
cable g v-g
cable h v-h
detach() { plain "$KVNET" detach v-g; }
port_delete() { plain "$KVNET" port delete kept0; }
up() { in_ns router env KVNET_NETWORK=net0 "$KVNET_BUILD/qemu-ifup" t0; }
down() { in_ns router env KVNET_NETWORK=net0 "$KVNET_BUILD/qemu-ifdown" t0; }
export KVNET_NETWORK=net0
ip -n "kvt-$$-router" tuntap add dev t0 mode tap vnet_hdr

every_call "qemu-ifup of the first guest" down "$KVNET_BUILD/qemu-ifup" t0
up
ONWARD=1 every_call "qemu-ifdown of the last guest" up "$KVNET_BUILD/qemu-ifdown" t0
# Whoever ran the hook is gone, and t0 with nobody behind it is no port that keeps an on-demand network up.
down
plain "$KVNET" attach net0 v-h
every_call attach detach "$KVNET" attach net0 v-g
every_call "port add" port_delete "$KVNET" port add net0 kept0 --owner nobody
none_failed
