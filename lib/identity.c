/* SPDX-License-Identifier: GPL-2.0-or-later */
/* identity.c - stable names for this machine's networks. */
#include "identity.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "cleanup.h"
#include "file.h"

static int make_id(const struct kvn *kvn, const char *path, char **ret, struct kvn_error *err)
{
	uint64_t random[2];
	char text[40];
	int r = kvn_file_mkdirs(kvn->state_dir, err);

	if (r < 0)
		return r;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return kvn_fail_errno(err, EIO, "getrandom");
	(void)snprintf(text, sizeof(text), "%016llx%016llx\n", (unsigned long long)random[0],
		       (unsigned long long)random[1]);
	r = kvn_file_write(path, text, 0644, true, err);
	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : kvn_fail_errno(err, ENOMEM, "host id");
}

static int read_id(const struct kvn *kvn, char **ret, struct kvn_error *err)
{
	kvn_path path;
	int r = kvn_file_read("/etc/machine-id", ret, NULL);

	if (r == 0 && strspn(*ret, "0123456789abcdef") == 32)
		return 0;
	if (r == 0)
		free(*ret); /* "uninitialized", or empty in a golden image */
	(void)snprintf(path, sizeof(path), "%s/host-id", kvn->state_dir);
	r = kvn_file_read(path, ret, err);
	return r == -ENOENT ? make_id(kvn, path, ret, err) : r;
}

/* FNV-1a, 64 bits, with a finaliser that spreads the last byte: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3ULL;
	return hash;
}

int kvn_identity_hash(const struct kvn *kvn, const char *name, uint64_t *ret, struct kvn_error *err)
{
	auto_free char *id = NULL;
	int r = read_id(kvn, &id, err);
	uint64_t hash;

	if (r < 0)
		return r;
	hash = hash_text(hash_text(hash_text(0xcbf29ce484222325ULL, id), "kvnet:"), name);
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	*ret = hash ^ (hash >> 33);
	return 0;
}

int kvn_identity_mac(const struct kvn *kvn, const char *name, uint8_t ret[static 6], struct kvn_error *err)
{
	uint64_t hash;
	int r = kvn_identity_hash(kvn, name, &hash, err);

	if (r < 0)
		return r;
	memcpy(ret, (uint8_t[]){0x52, 0x54, 0x00, (uint8_t)(hash >> 16), (uint8_t)(hash >> 8), (uint8_t)hash}, 6);
	return 0;
}

int kvn_identity_ula(const struct kvn *kvn, struct kvn_cidr *ret, struct kvn_error *err)
{
	uint64_t hash;
	int r = kvn_identity_hash(kvn, " ula", &hash, err); /* no network is called so */

	if (r < 0)
		return r;
	*ret = (struct kvn_cidr){.ip = {.family = AF_INET6, .bytes = {0xfd}}, .prefixlen = 48};
	for (int i = 1; i <= 5; i++)
		ret->ip.bytes[i] = (uint8_t)(hash >> (8 * i));
	return 0;
}
