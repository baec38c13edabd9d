/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsmasq_process.h - find, start, signal and end the process that runs by a conf file; dnsmasq.c says when. */
#ifndef KVN_DNSMASQ_PROCESS_H
#define KVN_DNSMASQ_PROCESS_H

#include "dnsmasq.h"

/* A process and a pidfd of it, so that no signal ever reaches another that was given its pid. */
struct kvn_process {
	pid_t pid; /* 0: none */
	int fd; /* pidfd; the caller closes it; -1: none */
};

/* The process that the pid file names, if it is a dnsmasq running by @paths->conf; in whatever network namespace. */
struct kvn_process kvn_dnsmasq_process_get(const struct kvn_dnsmasq_paths *paths);

/* Its pid when it serves this network namespace, 0: none.  For who looks and sends no signal: seven system calls. */
pid_t kvn_dnsmasq_process_glance(const struct kvn_dnsmasq_paths *paths);

/* Send it @number, as kill(2).  -ESRCH it has ended */
int kvn_dnsmasq_process_signal(const struct kvn_process *process, int number, struct kvn_error *err);

/* Is it in the network namespace of the calling thread? */
bool kvn_dnsmasq_process_is_here(pid_t pid);

/* Where the binary is: in $PATH, else in the folders of system programs.  -ENOENT */
int kvn_dnsmasq_program_get(char ret[static 256], struct kvn_error *err);

/* Start @program by @conf, with @input on its standard input, and wait until it serves.  Only descriptors 0, 1 and 2 reach
 * it, none of them the caller's.  Whatever it left when this fails is the caller's to end (kvn_dnsmasq_process_end_all).
 * -EADDRINUSE -EIO -ETIMEDOUT and what fork(2) and memfd_create(2) say */
int kvn_dnsmasq_process_start(const char *program, const char *conf, const char *input, struct kvn_error *err);

/* End every process that runs by @paths->conf and wait until it is gone: the one of the pid file; when that names none and
 * conf exists, as after a crash, all that a search finds.  -ETIMEDOUT it survived SIGKILL for 2 s */
int kvn_dnsmasq_process_end_all(const struct kvn_dnsmasq_paths *paths, struct kvn_error *err);

#endif
