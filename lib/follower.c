/* SPDX-License-Identifier: GPL-2.0-or-later */
/* follower.c - a stream of events: netd's, which tells of repairs too, or the observer's where nobody repairs. */
#include <errno.h>
#include <fcntl.h>

#include "cleanup.h"
#include "context.h"

struct kvn_follower {
	struct kvn *kvn; /* the caller's */
	struct kvn_observer *observer; /* NULL: netd's stream, on the context's own connection */
};

static int begin_remote(struct kvn *kvn, struct kvn_error *err)
{
	int r = kvn_remote_begin(kvn, "Monitor", json_object(), err), fd = kvn->remote.link.fd;

	if (r == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		r = kvn_fail_errno(err, errno, "netd");
	return r;
}

int kvn_follow(struct kvn *kvn, struct kvn_follower **ret, struct kvn_error *err)
{
	struct kvn_follower *follower = calloc(1, sizeof(*follower));
	int r;

	if (!follower)
		return kvn_fail_errno(err, ENOMEM, "events");
	follower->kvn = kvn;
	r = kvn_remote_has(kvn) ? begin_remote(kvn, err) : kvn_observer_open(kvn, &follower->observer, err);
	if (r < 0)
		free(follower);
	else
		*ret = follower;
	return r;
}

int kvn_follower_fd(const struct kvn_follower *follower)
{
	return follower->observer ? kvn_observer_fd(follower->observer) : follower->kvn->remote.link.fd;
}

int kvn_follower_next(struct kvn_follower *follower, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *reply = NULL;
	json_t *event;
	int r;

	if (follower->observer)
		return kvn_observer_next(follower->observer, ret, err);
	r = kvn_remote_next(follower->kvn, &reply, err);
	if (r < 0)
		return r;
	event = json_object_get(reply, "event");
	if (!event)
		return kvn_fail(err, EBADMSG, "netd: its answer makes no sense");
	*ret = json_incref(event);
	return 0;
}

void kvn_follower_close(struct kvn_follower *follower)
{
	if (!follower)
		return;
	kvn_observer_close(follower->observer);
	free(follower);
}
