/* SPDX-License-Identifier: GPL-2.0-or-later */
/* calls.c - which system calls are refused to whoever runs this: "NAME ERROR", one a line.
 *
 * Each is made so that it does nothing, and so that without a filter it does not fail with EPERM even where the capability
 * for it is missing: by arguments that are looked at before that, or since it takes none.  "int80" is a call of
 * i386's, which comes last: a kernel without them ends this by a signal. */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TELL(name, ...) \
	do { \
		errno = 0; \
		(void)syscall(SYS_##name, __VA_ARGS__); \
		(void)printf("%s %s\n", #name, errno ? strerrorname_np(errno) : "0"); \
	} while (0)

static const char absent[] = "/nonexistent";

int main(void)
{
	TELL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0);
	TELL(ptrace, PTRACE_DETACH, getpid(), 0, 0);
	TELL(mount, absent, absent, absent, 0, 0);
	TELL(umount2, absent, ~0);
	TELL(chroot, absent);
	TELL(unshare, 0);
	TELL(setns, -1, 0);
	TELL(io_uring_setup, 0, 0);
	TELL(open_by_handle_at, -1, 0, 0);
	TELL(process_vm_readv, getpid(), 0, 0, 0, 0, 1);
	TELL(personality, 0xffffffff);
	TELL(perf_event_open, 0, 0, 0, 0, 0);
	/* what must not be refused */
	TELL(pidfd_getfd, -1, 0, 0);
	TELL(getppid, 0);
#ifdef __x86_64__
	errno = 0;
	(void)syscall(0x40000000 + SYS_getppid);
	(void)printf("x32 %s\n", errno ? strerrorname_np(errno) : "0");
	(void)fflush(stdout); /* before what a kernel without it ends by a signal */
	{
		long r = 20; /* getpid() */

		__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
		(void)printf("int80 %s\n", r < 0 ? strerrorname_np((int)-r) : "0");
	}
#endif
	return 0;
}
