/* SPDX-License-Identifier: GPL-2.0-or-later */
/* server.c - connections: who is there, calls in, answers and events out.
 *
 * A connection has one call at a time in work; what else it has sent waits in its buffer, and the kernel's behind it.
 * Answers name the connection by a number, so that one that is gone by then is simply not found.  A peer that does not
 * read its answers is not heard further, since descriptors may wait with them, and a follower is dropped when OUT_MAX bytes
 * wait for it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "array.h"
#include "cleanup.h"
#include "netd.h"
#include "varlink.h"

#define OUT_MAX (4U << 20) /* bytes */
#define CONNECTIONS_MAX 1024U
#define CONNECTIONS_A_USER 128U /* but for root */
#define ACCEPT_INTERVAL_US 100000U
#define ACCEPT_BURST 200U /* rounds in that time, each of which takes all who wait */
#define IN_MAX_A_USER (1U << 16) /* bytes of a message, but for root: no call of a user's is longer */

struct connection {
	struct connection *next;
	struct server *server;
	uint64_t id; /* of the call in work; each has its own */
	struct peer peer;
	struct kvn_varlink link;
	sd_event_source *source;
	bool is_busy, is_oneway, wants_more, is_follower;
	bool is_taking; /* in take_calls(), which goes on by itself */
	json_t *news; /* events that a follower without privilege may be to be told of, NULL: none */
	bool is_asked_for; /* a worker looks at those before */
};

struct server {
	struct netd *netd;
	int fd;
	sd_event_source *source;
	struct connection *connections;
	unsigned n;
	uint64_t last_id;
	char path[108]; /* to be unlinked; "": the service manager's */
};

/* ---- peers ---- */

static int read_peer(int fd, struct peer *ret)
{
	struct ucred cred;
	socklen_t size = sizeof(cred), groups_size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return -errno;
	*ret = (struct peer){.uid = cred.uid, .pid = cred.pid};
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL,
			 &groups_size); /* fails, and says how much room it takes */
	ret->groups = malloc(groups_size + sizeof(gid_t));
	if (!ret->groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, ret->groups, &groups_size) < 0)
		groups_size = 0;
	ret->n_groups = groups_size / sizeof(gid_t);
	ret->groups[ret->n_groups++] = cred.gid;
	return 0;
}

static void drop(struct connection *connection)
{
	struct connection **at = &connection->server->connections;

	while (*at && *at != connection)
		at = &(*at)->next;
	if (*at)
		*at = connection->next;
	connection->server->n--;
	sd_event_source_unref(connection->source);
	kvn_varlink_clear(&connection->link);
	json_decref(connection->news);
	free(connection->peer.groups);
	free(connection);
}

/* ---- in and out ---- */

/* Send what can be; false: the connection was dropped. */
static bool flush(struct connection *connection)
{
	int r = kvn_varlink_flush(&connection->link, NULL);

	if ((r < 0 && r != -EAGAIN) || connection->link.n_out > OUT_MAX ||
	    sd_event_source_set_io_events(connection->source,
					  r == -EAGAIN ? EPOLLOUT : (connection->is_busy ? 0U : EPOLLIN)) < 0) {
		drop(connection);
		return false;
	}
	return true;
}

static bool is_there(const struct server *server, const struct connection *connection)
{
	for (const struct connection *at = server->connections; at; at = at->next)
		if (at == connection)
			return true;
	return false;
}

/* Begin the calls that have come, one after the other: those that are answered at once, and the first that is not. */
static void take_calls(struct connection *connection)
{
	struct server *server = connection->server;

	while (!connection->is_busy && !connection->link.out) {
		json_t *call = NULL;
		int none[KVN_VARLINK_FDS];
		int r = kvn_varlink_get(&connection->link, &call, NULL);

		(void)kvn_varlink_take_fds(&connection->link, none, 0); /* no call takes any: closed */
		if (r == -EAGAIN)
			return;
		if (r < 0) {
			drop(connection);
			return;
		}
		connection->is_oneway = json_is_true(json_object_get(call, "oneway"));
		connection->wants_more = json_is_true(json_object_get(call, "more"));
		connection->id = ++server->last_id;
		connection->is_busy = connection->is_taking = true;
		(void)sd_event_source_set_io_events(connection->source, 0);
		api_call(server->netd, connection->id, &connection->peer, call);
		if (!is_there(server, connection))
			return;
		connection->is_taking = false;
	}
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	struct connection *connection = arg;

	(void)source;
	(void)fd;
	if (revents & (EPOLLHUP | EPOLLERR)) {
		drop(connection);
		return 0;
	}
	if (revents & EPOLLOUT && !flush(connection))
		return 0;
	if (revents & (EPOLLIN | EPOLLOUT)) /* with room for answers, calls that have come before may be begun */
		take_calls(connection);
	return 0;
}

static unsigned count_of(const struct server *server, uid_t uid)
{
	unsigned n = 0;

	for (const struct connection *at = server->connections; at; at = at->next)
		n += at->peer.uid == uid;
	return n;
}

static void accept_one(struct server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		(void)close(fd);
		return;
	}
	connection->server = server;
	kvn_varlink_init(&connection->link, fd);
	connection->next = server->connections;
	server->connections = connection;
	server->n++;
	if (read_peer(fd, &connection->peer) == 0 && connection->peer.uid != 0)
		connection->link.max = IN_MAX_A_USER;
	if (!connection->peer.groups || server->n > CONNECTIONS_MAX ||
	    (connection->peer.uid != 0 && count_of(server, connection->peer.uid) > CONNECTIONS_A_USER) ||
	    sd_event_add_io(server->netd->event, &connection->source, fd, EPOLLIN, on_connection, connection) < 0)
		drop(connection);
}

static int on_listen(sd_event_source *source, int fd, uint32_t revents, void *arg)
{
	(void)source;
	(void)revents;
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer < 0 && errno == EINTR)
			continue;
		if (peer < 0)
			return 0; /* no more, or none for now */
		accept_one(arg, peer);
	}
}

/* ---- answers ---- */

static struct connection *find(const struct server *server, uint64_t id)
{
	for (struct connection *at = server->connections; at; at = at->next)
		if (at->is_busy && at->id == id)
			return at;
	return NULL;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]); /* a tap that nobody was given goes with them */
}

/* @reply is taken over. */
static void send_reply(struct connection *connection, json_t *reply, const int *fds, size_t n_fds, bool is_last)
{
	auto_json json_t *message = reply;

	if (is_last)
		connection->is_busy = false;
	if (!message || kvn_varlink_put(&connection->link, message, fds, n_fds, NULL) < 0) {
		drop(connection);
		return;
	}
	if (flush(connection) && is_last && !connection->is_taking)
		take_calls(connection);
}

void server_reply(struct server *server, uint64_t id, json_t *parameters, bool continues, const int *fds, size_t n_fds)
{
	struct connection *connection = find(server, id);
	json_t *reply;

	if (!connection || (connection->is_oneway && !continues)) {
		close_all(fds, n_fds);
		json_decref(parameters);
		if (connection) {
			connection->is_busy = false;
			if (flush(connection) && !connection->is_taking)
				take_calls(connection);
		}
		return;
	}
	reply = json_pack("{s:o}", "parameters", parameters);
	if (reply && continues)
		(void)json_object_set_new(reply, "continues", json_true());
	if (!reply)
		close_all(fds, n_fds);
	send_reply(connection, reply, fds, reply ? n_fds : 0, !continues);
}

void server_fail(struct server *server, uint64_t id, const char *error, json_t *parameters)
{
	struct connection *connection = find(server, id);

	if (!connection || connection->is_oneway) {
		json_decref(parameters);
		if (connection)
			server_reply(server, id, json_object(), false, NULL, 0);
		return;
	}
	send_reply(connection, json_pack("{s:s, s:o}", "error", error, "parameters", parameters), NULL, 0, true);
}

/* ---- events ---- */

void server_follow(struct server *server, uint64_t id)
{
	struct connection *connection = find(server, id);

	if (connection)
		connection->is_follower = connection->wants_more;
	if (connection && !connection->wants_more)
		server_fail(server, id, "org.varlink.service.ExpectedMore", json_object());
}

/* Whether a user may see a network is asked of name services: a worker does that, for one follower one after the other, so
 * that he is told of what happens in its order. */
struct showing {
	struct job job;
	struct peer peer;
	uint64_t id;
	json_t *news; /* array of {"event", "allow": the network's when it happened, by now it may be gone} */
	bool *is_allowed; /* of each */
};

static void free_showing(struct showing *showing)
{
	json_decref(showing->news);
	free(showing->is_allowed);
	free(showing->peer.groups);
	free(showing);
}

static void run_showing(struct kvn *kvn, struct job *job)
{
	struct showing *showing = (struct showing *)job;
	const json_t *each;
	size_t i;

	(void)kvn;
	json_array_foreach(showing->news, i, each)
	{
		showing->is_allowed[i] = policy_is_listed(json_object_get(each, "allow"), &showing->peer);
	}
}

static void ask_for(struct connection *connection);

static void done_showing(struct netd *netd, struct job *job)
{
	struct showing *showing = (struct showing *)job;
	struct connection *connection;
	const json_t *each;
	size_t i;

	json_array_foreach(showing->news, i, each)
	{
		if (showing->is_allowed[i])
			server_reply(netd->server, showing->id,
				     json_pack("{s:O}", "event", json_object_get(each, "event")), true, NULL, 0);
	}
	connection = find(netd->server, showing->id);
	free_showing(showing);
	if (!connection)
		return;
	connection->is_asked_for = false;
	if (connection->news)
		ask_for(connection);
}

/* May its peer see what it is to be told of? */
static void ask_for(struct connection *connection)
{
	struct showing *showing = calloc(1, sizeof(*showing));
	size_t size = connection->peer.n_groups * sizeof(gid_t);

	if (!showing)
		return; /* the next event asks again */
	*showing = (struct showing){
		.job = {.run = run_showing, .done = done_showing}, .peer = connection->peer, .id = connection->id};
	showing->peer.groups = malloc(size);
	showing->is_allowed = calloc(json_array_size(connection->news), sizeof(bool));
	if (!showing->peer.groups || !showing->is_allowed) {
		free_showing(showing);
		return;
	}
	memcpy(showing->peer.groups, connection->peer.groups, size);
	showing->news = steal_ptr(&connection->news);
	connection->is_asked_for = true;
	workers_add(connection->server->netd->workers, &showing->job);
}

/* Another thread reads it: a copy, since jansson's counters are not for two threads. */
static void show_if_allowed(struct connection *connection, const json_t *event, const json_t *allow)
{
	if (!allow) /* nobody but root */
		return;
	if (!connection->news)
		connection->news = json_array();
	(void)json_array_append_new(connection->news, json_pack("{s:o, s:o}", "event", json_deep_copy(event), "allow",
								json_deep_copy(allow))); /* no memory: not told */
	if (!connection->is_asked_for && json_array_size(connection->news) > 0)
		ask_for(connection);
}

void server_publish(struct server *server, json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "network"));

	for (struct connection *at = server ? server->connections : NULL, *next; at; at = next) {
		next = at->next;
		if (!at->is_follower)
			continue;
		if (at->peer.uid == 0)
			server_reply(server, at->id, json_pack("{s:O}", "event", event), true, NULL, 0);
		else
			show_if_allowed(at, event, policy_recall(server->netd->policy, name));
	}
	json_decref(event);
}

/* ---- life ---- */

static int listen_at(struct server *server, struct kvn_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, server->path, sizeof(address.sun_path));
	if (fd < 0)
		return kvn_fail_errno(err, errno, "socket");
	/* One that answers is another netd's; one that does not was left by a netd that was killed. */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN)
		return kvn_fail(err, EADDRINUSE, "%s: another netd listens there", server->path);
	(void)unlink(server->path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, SOMAXCONN) < 0)
		return kvn_fail_errno(err, errno, "%s", server->path);
	/* Whom a call is granted to is asked of the call: the socket is everybody's. */
	if (chmod(server->path, 0666) < 0)
		return kvn_fail_errno(err, errno, "%s", server->path);
	return steal_fd(&fd);
}

int server_open(struct netd *netd, int fd, struct server **ret, struct kvn_error *err)
{
	struct server *server = calloc(1, sizeof(*server));
	struct kvn *kvn = NULL;
	int r;

	if (!server)
		return kvn_fail_errno(err, ENOMEM, "server");
	server->netd = netd;
	server->fd = fd;
	r = kvn_open(&kvn, err);
	if (r == 0 && fd < 0 && !kvn_remote_path(kvn, server->path))
		r = kvn_fail(err, EINVAL, "KVNET_SOCKET: empty, or longer than a socket's path may be");
	kvn_close(kvn);
	if (r == 0 && fd < 0)
		r = server->fd = listen_at(server, err);
	if (r >= 0) {
		r = sd_event_add_io(netd->event, &server->source, server->fd, EPOLLIN, on_listen, server);
		if (r >=
		    0) /* without a descriptor for it, who waits to be accepted goes on waiting: no reason to spin */
			r = sd_event_source_set_ratelimit(server->source, ACCEPT_INTERVAL_US, ACCEPT_BURST);
		if (r < 0)
			(void)kvn_fail_errno(err, -r, "server");
	}
	if (r < 0) {
		free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	while (server->connections)
		drop(server->connections);
	sd_event_source_unref(server->source);
	kvn_cleanup_close(&server->fd);
	if (server->path[0])
		(void)unlink(server->path);
	free(server);
}
