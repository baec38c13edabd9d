/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_api.c - libFuzzer: any bytes as what a client sends to netd: frames, JSON, methods and their parameters.  Each call that
 * came whole must be refused, answered, or handed to a worker, once.
 *
 *   make fuzz
 *
 * The daemon's other parts are stood in for: what they would do with a call does not depend on the bytes any more. */
#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "../../netd/api.c"
#include "varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How often the call in work was answered; the one thing that the stand-ins below have to remember. */
static unsigned n_answers;

void say(const char *level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

void server_reply(struct server *server, uint64_t id, json_t *parameters, bool continues, const int *fds, size_t n_fds)
{
	(void)server;
	(void)id;
	(void)continues;
	(void)fds;
	assert(parameters && n_fds == 0);
	json_decref(parameters);
	n_answers++;
}

void server_fail(struct server *server, uint64_t id, const char *error, json_t *parameters)
{
	(void)server;
	(void)id;
	assert(error && parameters);
	json_decref(parameters);
	n_answers++;
}

void server_follow(struct server *server, uint64_t id)
{
	(void)server;
	(void)id;
	n_answers++;
}

void workers_add(struct workers *workers, struct job *job)
{
	struct call *call = (struct call *)job;
	char fault[64];

	(void)workers;
	find_fault(call->method, call->parameters, fault);
	assert(!fault[0] && call->method->run);
	assert(call->peer.uid == 0 || call->method->access != ACCESS_ROOT);
	call_free(call);
	n_answers++;
}

bool policy_allows(struct kvn *kvn, const char *name, const struct peer *peer)
{
	(void)kvn;
	(void)name;
	(void)peer;
	return false;
}

bool policy_take(struct policy *policy, uid_t uid, unsigned max_ports)
{
	(void)policy;
	(void)uid;
	return max_ports > 0;
}

void policy_give_back(struct policy *policy, uid_t uid)
{
	(void)policy;
	(void)uid;
}

void policy_name(struct policy *policy, uid_t uid, const char *ifname, pid_t pid)
{
	(void)policy;
	(void)uid;
	(void)pid;
	(void)ifname;
}

bool policy_owns(const struct policy *policy, uid_t uid, const char *ifname)
{
	(void)policy;
	(void)uid;
	return ifname[0] == 'o';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netd netd = {0};
	gid_t group = 100;
	struct peer peer = {.uid = size % 2 ? 0 : 1000, .pid = 1, .groups = &group, .n_groups = 1};
	struct kvn_varlink link;
	json_t *call;
	int fds[2];

	if (size > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return 0;
	kvn_varlink_init(&link, fds[0]);
	link.max = 1U << 16;
	if (write(fds[1], data, size) != (ssize_t)size) {
		(void)close(fds[1]);
		kvn_varlink_clear(&link);
		return 0;
	}
	(void)close(fds[1]);
	while (kvn_varlink_get(&link, &call, NULL) == 0) {
		n_answers = 0;
		api_call(&netd, 1, &peer, call);
		assert(n_answers == 1);
	}
	kvn_varlink_clear(&link);
	return 0;
}
