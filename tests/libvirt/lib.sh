# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lib.sh - the laboratory of tests/guest with a libvirtd in it, and domains whose guests answer like QEMU's there.
#
# libvirtd's folders (/run, /etc/libvirt, /var/lib/libvirt and so on) are private to the test's mount namespace.
# shellcheck source-path=SCRIPTDIR source=../guest/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../guest/lib.sh"
need libvirtd libvirt-daemon
need virsh libvirt-clients
[ -x "$B/kvnet-virt" ] || refuse "no $B/kvnet-virt: install libvirt-dev and libxml2-dev, and run make"

# Everything in virsh's own words, from the daemon that is asked for.
export LC_ALL=C.UTF-8
V="virsh -q -c qemu:///system"

libvirt_prepare() {
	local name

	mount -t tmpfs run /run
	mkdir -p /run/dbus /run/libvirt /run/lock "$WORK/lv"
	for name in /etc/libvirt /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
		mkdir -p "$name" "$WORK/lv$name"
		[ "$name" != /var/lib/libvirt ] || cp -a "$name/." "$WORK/lv$name"
		mount --bind "$WORK/lv$name" "$name"
	done
	printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' 'remember_owner = 0' 'namespaces = []' \
		'cgroup_controllers = []' >/etc/libvirt/qemu.conf
	# Who cannot open it is asked for what QEMU can do at each start, for seconds; this one opens and does nothing.
	mknod "$WORK/kvm" c 10 232
	chmod 666 "$WORK/kvm"
	[ ! -e /dev/kvm ] || mount --bind "$WORK/kvm" /dev/kvm
	dbus-daemon --system --fork --nopidfile
	virtlogd -d
}

libvirtd_start() {
	libvirtd -d -p "$WORK/libvirtd.pid"
	wait_until "libvirtd" libvirt_answers
}

libvirt_answers() { $V list >/dev/null 2>&1; }

libvirtd_stop() { # [SIGNAL]
	local pid

	pid=$(cat "$WORK/libvirtd.pid")
	kill "-${1:-TERM}" "$pid"
	wait_until "libvirtd's end" is_gone "$pid"
	rm -f "$WORK/libvirtd.pid"
}

# domain_xml NAME NIC-XML...: a domain with that guest; its console is a pair of pipes.
domain_xml() {
	local name=$1

	shift
	cat <<-END
		<domain type='qemu'>
		<name>$name</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$G/vmlinuz</kernel><initrd>$G/initramfs.gz</initrd>
		<cmdline>console=ttyS0 quiet panic=-1 no_timer_check name=$name hold=1</cmdline></os>
		<features><acpi/></features><cpu mode='maximum'/><on_reboot>destroy</on_reboot>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator>
		$(printf '%s\n' "$@")
		<serial type='pipe'><source path='$WORK/$name.pipe'/><target port='0'/></serial>
		<memballoon model='none'/></devices></domain>
	END
}

# nic NETWORK MAC
nic() {
	echo "<interface type='network'><mac address='$2'/><source network='$1'/><model type='virtio'/><rom enabled='no'/></interface>"
}

# domain_define NAME NIC-XML...
domain_define() {
	local name=$1 fd

	domain_xml "$@" >"$WORK/$name.xml"
	quiet kvnet vm define "$WORK/$name.xml"
	mkfifo "$WORK/$name.pipe.in" "$WORK/$name.pipe.out"
	exec {fd}<>"$WORK/$name.pipe.in"
	GUEST_FD[$name]=$fd
	: >"$WORK/$name.console"
	cat <>"$WORK/$name.pipe.out" >"$WORK/$name.console" &
}

domain_start() {
	: >"$WORK/$1.console"
	quiet kvnet vm start "$1"
	GUEST_PID[$1]=$(cat "/run/libvirt/qemu/$1.pid")
}

is_running() { [ "$(kvnet vm info "$1" --json | jq -r .state)" = running ]; }

is_network() { # NAME "active|inactive" : persistent and autostarted
	[ "$($V net-info "$1" 2>/dev/null | sed -nE 's/^(Active|Persistent|Autostart): *//p' | tr '\n' ' ')" = "$([ "$2" = active ] && echo yes || echo no) yes yes " ]
}

libvirt_prepare
