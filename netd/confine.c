/* SPDX-License-Identifier: GPL-2.0-or-later */
/* confine.c - netd and its children keep no more privilege than they use, whoever started netd.
 *
 * Its unit has a service manager do most of this; netd does it itself, too, so that it holds where there is none.  Each step
 * only takes away: after a service manager that has done it already there is nothing left to do, and nothing fails.
 *
 *   capabilities    those in kept[]; the bounding set as well, so that dnsmasq, which is run as root, begins with no more
 *   no_new_privs    no program that is run gets any back, by set-user-ID or otherwise
 *   seccomp         what is in refused[] fails with EPERM, as does every call of another ABI of the processor, whose numbers
 *                   mean other calls
 *
 * A list of what is refused, not of what is allowed: dnsmasq, libvirt's client and the C library below all three are other
 * people's, and call tomorrow what they do not today.  Sources: capabilities(7), seccomp(2), linux/audit.h. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "cleanup.h"
#include "netd.h"

#if defined(__x86_64__) && !defined(__ILP32__)
#define ABI AUDIT_ARCH_X86_64
#define FOREIGN_FROM 0x40000000U /* x32: the same architecture, other numbers */
#elif defined(__aarch64__)
#define ABI AUDIT_ARCH_AARCH64
#elif defined(__i386__)
#define ABI AUDIT_ARCH_I386
#elif defined(__arm__)
#define ABI AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ABI AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ABI AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define ABI AUDIT_ARCH_S390X
#endif
#ifndef FOREIGN_FROM
#define FOREIGN_FROM UINT32_MAX
#endif

/* As in kvnet-netd.service: networking; dnsmasq's ports, its user and the files of that; who is behind a port, and dnsmasq's
 * sockets (pidfd_getfd(2) asks for CAP_SYS_PTRACE). */
static const unsigned kept[] = {
	CAP_NET_ADMIN, CAP_NET_RAW,      CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID,     CAP_SETPCAP,
	CAP_CHOWN,     CAP_DAC_OVERRIDE, CAP_FOWNER,           CAP_KILL,   CAP_SYS_PTRACE,
};

static const unsigned refused[] = {
	/* the kernel itself */
	SYS_kexec_load,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_reboot,
	SYS_syslog,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
	/* the file system's shape: netd and dnsmasq live in the one that they were started in */
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_open_tree,
	SYS_move_mount,
	SYS_swapon,
	SYS_swapoff,
	SYS_unshare,
	SYS_setns,
#ifdef SYS_mount_setattr
	SYS_mount_setattr,
#endif
#ifdef SYS_umount
	SYS_umount,
#endif
	/* files past their path's permissions, disk quotas, accounting */
	SYS_open_by_handle_at,
	SYS_fanotify_init,
	SYS_quotactl,
	SYS_acct,
#ifdef SYS_quotactl_fd
	SYS_quotactl_fd,
#endif
	/* other processes' memory, and programs in the kernel; pidfd_getfd is dnsmasq_events.c's */
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_bpf,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_personality,
#ifdef SYS_lookup_dcookie
	SYS_lookup_dcookie,
#endif
	/* keys */
	SYS_add_key,
	SYS_request_key,
	SYS_keyctl,
	/* the host's clock, its name, its terminals */
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_clock_adjtime,
	SYS_adjtimex,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_vhangup,
#ifdef SYS_clock_settime64
	SYS_clock_settime64,
#endif
#ifdef SYS_clock_adjtime64
	SYS_clock_adjtime64,
#endif
#ifdef SYS_stime
	SYS_stime,
#endif
/* the processor's ports and segments */
#ifdef SYS_iopl
	SYS_iopl,
#endif
#ifdef SYS_ioperm
	SYS_ioperm,
#endif
#ifdef SYS_modify_ldt
	SYS_modify_ldt,
#endif
#ifdef SYS_vm86
	SYS_vm86,
#endif
#ifdef SYS_vm86old
	SYS_vm86old,
#endif
#ifdef SYS_uselib
	SYS_uselib,
#endif
#ifdef SYS_nfsservctl
	SYS_nfsservctl,
#endif
};

/* ---- capabilities ---- */

static bool is_kept(unsigned capability)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (kept[i] == capability)
			return true;
	return false;
}

/* The bounding set first: it takes CAP_SETPCAP.  Who started without that could not give a child more than netd has, once
 * there is no_new_privs. */
static int limit_bounding(struct kvn_error *err)
{
	for (unsigned capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
		if (prctl(PR_CAPBSET_READ, capability) > 0 && !is_kept(capability) &&
		    prctl(PR_CAPBSET_DROP, capability) < 0 && errno != EPERM)
			return kvn_fail_errno(err, errno, "cannot drop capability %u", capability);
	return 0;
}

/* The ambient set follows: what is no longer permitted and inheritable falls out of it. */
static int limit_own(struct kvn_error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	uint32_t mask[_LINUX_CAPABILITY_U32S_3] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		mask[CAP_TO_INDEX(kept[i])] |= CAP_TO_MASK(kept[i]);
	if (syscall(SYS_capget, &header, data) < 0)
		return kvn_fail_errno(err, errno, "capget");
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		data[i].permitted &= mask[i];
		data[i].effective &= mask[i];
		data[i].inheritable &= mask[i];
	}
	return syscall(SYS_capset, &header, data) < 0 ? kvn_fail_errno(err, errno, "capset") : 0;
}

/* ---- system calls ---- */

#ifdef ABI
static int filter_calls(struct kvn_error *err)
{
	struct sock_filter code[5 + ARRAY_SIZE(refused) + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ABI, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_FROM, ARRAY_SIZE(refused) + 1, 0),
	};
	struct sock_fprog program = {.len = ARRAY_SIZE(code), .filter = code};
	size_t n = 5;

	_Static_assert(ARRAY_SIZE(refused) < UINT8_MAX, "a jump is a byte");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i],
							 (uint8_t)(ARRAY_SIZE(refused) - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return 0;
	return kvn_fail_errno(err, errno, "cannot filter system calls");
}
#else
static int filter_calls(struct kvn_error *err)
{
	return kvn_fail(err, EINVAL, "cannot filter system calls: the numbers of this processor's are not known");
}
#endif

int confine(struct kvn_error *err)
{
	int r = limit_bounding(err);

	if (r == 0)
		r = limit_own(err);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		r = kvn_fail_errno(err, errno, "no_new_privs");
	if (r == 0)
		r = filter_calls(err);
	if (r != -EINVAL) /* a kernel that is built without filters: the rest holds */
		return r;
	say(SD_WARNING, "%s", err->message);
	*err = (struct kvn_error){0};
	return 0;
}
