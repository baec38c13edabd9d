#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# install.sh - "make install" puts everything where it is documented to be, usable from there; "make uninstall" removes it.
#
#   no network: a folder
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

TOP=$(cd "$HERE/../.." && pwd)
D=$T/root
PREFIX=/opt/kvnet
# Not into the build that other tests run from.
in_make() { MAKEFLAGS='' make -s -C "$TOP" DESTDIR="$D" PREFIX=$PREFIX "$@" >"$T/make.log" 2>&1 || fail "make $*: $(cat "$T/make.log")"; }
make -n -C "$TOP" install >/dev/null 2>&1 || fail "there is no 'make install'"

in_make install
for path in bin/kvnet sbin/netd libexec/kvnet/qemu-ifup libexec/kvnet/qemu-ifdown libexec/kvnet/kvnet-helper; do
	[ -x "$D$PREFIX/$path" ] || fail "not installed: $PREFIX/$path"
done
for path in lib/libkvnet.so lib/libkvnet.so.0 include/kvnet.h lib/pkgconfig/libkvnet.pc share/man/man8/kvnet.8 \
	share/man/man8/netd.8 share/man/man8/kvnet-helper.8 lib/systemd/system/kvnet-netd.service; do
	[ -e "$D$PREFIX/$path" ] || [ -e "$D$PREFIX/$path.gz" ] || fail "not installed: $PREFIX/$path"
done
find "$D" ! -type d -printf '%P %m\n' | sort
equal "files that others may write" "" "$(find "$D" ! -type l -perm /022)"
equal "files outside of the prefix" "" "$(find "$D" ! -type d ! -path "$D$PREFIX/*")"

note "runs from there"
matches "version" '[0-9]+\.[0-9]+' "$("$D$PREFIX/bin/kvnet" version)"
equal "list" "[]" "$("$D$PREFIX/bin/kvnet" list --json | tr -d ' \n')"

note "a program against the library, by pkg-config"
cat >"$T/user.c" <<'PROGRAM'
#include <kvnet.h>
#include <stdio.h>

int main(void)
{
	struct kvn_network net = {0};

	puts(kvn_model_format(KVN_NAT));
	kvn_network_clear(&net);
	return 0;
}
PROGRAM
export PKG_CONFIG_PATH=$D$PREFIX/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$D
# The sysroot is for ours only: the libraries that it needs are the system's.
flags=$(pkg-config --cflags --libs libkvnet)
# shellcheck disable=SC2086 # words
${CC:-cc} -o "$T/user" "$T/user.c" $flags || fail "does not link with: $flags"
equal "output" nat "$(LD_LIBRARY_PATH=$D$PREFIX/lib "$T/user")"
equal "version of the package" "$("$D$PREFIX/bin/kvnet" version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)" \
	"$(pkg-config --modversion libkvnet)"

note "only the library's own names are exported"
equal "foreign names" "" "$(nm -D --defined-only "$D$PREFIX/lib/libkvnet.so" | awk '{print $3}' | grep -vE '^(kvn_|KVN|_init|_fini)' || true)"

note "installed again, then removed"
in_make install
in_make uninstall
equal "files left" "" "$(find "$D" ! -type d)"
