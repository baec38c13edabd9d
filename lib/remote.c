/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remote.c - ask netd over its socket.
 *
 * A context finds out once whether there is a netd to ask.  One that keeps another network namespace (a command run inside
 * a namespace sees the host's /run), or for root other directories, is not asked: the command does the work itself. */
#include "remote.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "cleanup.h"
#include "context.h"

#define GREETING_S 5
#define CALL_S 120 /* longer than anything that netd does: dnsmasq has ten seconds to start */

bool kvn_remote_path(const struct kvn *kvn, char ret[static 108])
{
	const char *path = getenv("KVNET_SOCKET");
	int n;

	if (path)
		n = snprintf(ret, 108, "%s", path);
	else
		n = snprintf(ret, 108, "%s/netd.sock", kvn->runtime_dir);
	return n > 0 && n < 108;
}

void kvn_remote_netns(char ret[static 48])
{
	struct stat st = {0};

	(void)stat("/proc/thread-self/ns/net", &st); /* "0:0": /proc is not there */
	(void)snprintf(ret, 48, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
}

static int set_timeout(int fd, time_t seconds)
{
	const struct timeval timeout = {.tv_sec = seconds};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    set_timeout(fd, GREETING_S) < 0)
		return -1;
	return steal_fd(&fd);
}

/* ---- one call ---- */

static int send_call(struct kvn_varlink *link, const char *method, json_t *parameters, bool is_stream,
		     struct kvn_error *err)
{
	auto_json json_t *call =
		json_pack("{s:s+, s:o}", "method", KVN_REMOTE_INTERFACE ".", method, "parameters", parameters);
	int r;

	if (!call || (is_stream && json_object_set_new(call, "more", json_true()) < 0))
		return kvn_fail_errno(err, ENOMEM, "netd");
	r = kvn_varlink_put(link, call, NULL, 0, err);
	return r < 0 ? r : kvn_varlink_flush(link, err);
}

/* "EEXIST" -> 17; what is unknown is EIO. */
static int parse_code(const char *name)
{
	for (int code = 1; name && code < 134; code++) /* the last errno of Linux is 133 */
		if (strerrorname_np(code) && strcmp(strerrorname_np(code), name) == 0)
			return code;
	return EIO;
}

static int fail_as_told(const json_t *reply, const char *error, struct kvn_error *err)
{
	const json_t *parameters = json_object_get(reply, "parameters");
	const char *message = json_string_value(json_object_get(parameters, "message"));
	const char *code = json_string_value(json_object_get(parameters, "code"));
	const char *last = strrchr(error, '.');

	if (message)
		return kvn_fail(err, parse_code(code), "%s", message);
	return kvn_fail(err, EIO, "netd: %s", last ? last + 1 : error);
}

static int receive_reply(struct kvn_varlink *link, json_t **ret, struct kvn_error *err)
{
	auto_json json_t *reply = NULL;
	const char *error;
	json_t *parameters;
	int r = kvn_varlink_get(link, &reply, err);

	if (r == -EPIPE)
		return kvn_fail(err, EPIPE, "netd went away; whether this was done, 'kvnet show' tells");
	if (r == -EAGAIN)
		return kvn_fail(err, ETIMEDOUT, "netd does not answer");
	if (r < 0)
		return kvn_wrap(err, "netd");
	error = json_string_value(json_object_get(reply, "error"));
	if (error)
		return fail_as_told(reply, error, err);
	parameters = json_object_get(reply, "parameters");
	if (ret)
		*ret = parameters ? json_incref(parameters) : json_object();
	return 0;
}

/* ---- the context's netd ---- */

static bool is_dir_same(const json_t *reply, const char *key, const char *dir)
{
	const char *theirs = json_string_value(json_object_get(reply, key));

	return theirs && strcmp(theirs, dir) == 0;
}

static bool is_meant(const struct kvn *kvn, const json_t *reply)
{
	const char *theirs = json_string_value(json_object_get(reply, "netns"));
	char netns[48];

	kvn_remote_netns(netns);
	if (!theirs || strcmp(theirs, netns) != 0)
		return false;
	return geteuid() != 0 ||
	       (is_dir_same(reply, "config_dir", kvn->config_dir) &&
		is_dir_same(reply, "runtime_dir", kvn->runtime_dir) && is_dir_same(reply, "state_dir", kvn->state_dir));
}

bool kvn_remote_has(struct kvn *kvn)
{
	struct kvn_remote *remote = &kvn->remote;
	auto_json json_t *reply = NULL;
	char path[108];
	int fd;

	if (remote->state != KVN_REMOTE_UNTRIED)
		return remote->state == KVN_REMOTE_OPEN;
	remote->state = KVN_REMOTE_NONE;
	fd = kvn_remote_path(kvn, path) ? connect_to(path) : -1;
	if (fd < 0)
		return false;
	kvn_varlink_init(&remote->link, fd);
	if (send_call(&remote->link, "Where", json_object(), false, NULL) == 0 &&
	    receive_reply(&remote->link, &reply, NULL) == 0 && is_meant(kvn, reply) && set_timeout(fd, CALL_S) == 0)
		remote->state = KVN_REMOTE_OPEN;
	else
		kvn_varlink_clear(&remote->link);
	return remote->state == KVN_REMOTE_OPEN;
}

void kvn_remote_forgo(struct kvn *kvn)
{
	kvn->remote.state = KVN_REMOTE_NONE;
}

void kvn_remote_close(struct kvn_remote *remote)
{
	if (remote->state == KVN_REMOTE_OPEN)
		kvn_varlink_clear(&remote->link);
	remote->state = KVN_REMOTE_NONE;
}

int kvn_remote_call_fds(struct kvn *kvn, const char *method, json_t *parameters, json_t **ret, int *fds, size_t size,
			size_t *ret_n, struct kvn_error *err)
{
	int r = send_call(&kvn->remote.link, method, parameters, false, err);

	if (r == 0)
		r = receive_reply(&kvn->remote.link, ret, err);
	*ret_n = kvn_varlink_take_fds(&kvn->remote.link, fds, r == 0 ? size : 0);
	return r;
}

int kvn_remote_call(struct kvn *kvn, const char *method, json_t *parameters, json_t **ret, struct kvn_error *err)
{
	size_t n;

	return kvn_remote_call_fds(kvn, method, parameters, ret, NULL, 0, &n, err);
}

int kvn_remote_ask(struct kvn *kvn, const char *method, json_t *parameters, const char *field, json_t **ret,
		   struct kvn_error *err)
{
	auto_json json_t *reply = NULL;
	json_t *value;
	int r = kvn_remote_call(kvn, method, parameters, &reply, err);

	if (r < 0 || !ret)
		return r;
	value = json_object_get(reply, field);
	if (!value)
		return kvn_fail(err, EBADMSG, "netd: its answer has no '%s'", field);
	*ret = json_incref(value);
	return 0;
}

int kvn_remote_begin(struct kvn *kvn, const char *method, json_t *parameters, struct kvn_error *err)
{
	int r = send_call(&kvn->remote.link, method, parameters, true, err);

	if (r == 0 && set_timeout(kvn->remote.link.fd, 0) < 0) /* for ever */
		r = kvn_fail_errno(err, errno, "netd");
	return r;
}

int kvn_remote_next(struct kvn *kvn, json_t **ret, struct kvn_error *err)
{
	struct kvn_error failure = {0};
	int r = receive_reply(&kvn->remote.link, ret, &failure);

	if (r == -ETIMEDOUT) /* a socket that does not block has nothing yet */
		return -EAGAIN;
	if (r < 0 && err)
		*err = failure;
	return r;
}
