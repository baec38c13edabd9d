/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine.c - which program runs the guest behind a tap.
 *
 * What is known of an engine is in /proc: its program, its command line, and for each descriptor of a tap the link's name
 * ("iff:" in fdinfo).  So no engine's library is needed, and a guest that libvirt started is told like any other: its QEMU
 * has a monitor or a key file below a folder "libvirt/qemu".  A process of another network namespace may hold a tap that has
 * the same name there; it is left out. */
#include "engine.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "array.h"
#include "cidr.h"
#include "cleanup.h"
#include "error.h"

#define CMDLINE_MAX (64U << 10) /* bytes of a command line that are looked at; QEMU's under libvirt have about 4000 */

const char *kvn_engine_format(enum kvn_engine_kind kind)
{
	switch (kind) {
	case KVN_ENGINE_QEMU:
		return "qemu";
	case KVN_ENGINE_LIBVIRT:
		return "libvirt";
	case KVN_ENGINE_FIRECRACKER:
		return "firecracker";
	case KVN_ENGINE_CLOUD_HYPERVISOR:
		return "cloud-hypervisor";
	case KVN_ENGINE_OTHER:
		break;
	}
	return "other";
}

/* ---- a command line ---- */

struct words {
	char *text; /* NUL after each word, one more after the last */
	size_t len;
};

/* A process may end at any time, or have no command line (a kernel thread): then there are no words. */
static struct words read_words(pid_t pid)
{
	struct words words = {0};
	auto_close int fd = -1;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	words.text = fd < 0 ? NULL : malloc(CMDLINE_MAX + 1);
	while (words.text && words.len < CMDLINE_MAX) {
		ssize_t n = read(fd, words.text + words.len, CMDLINE_MAX - words.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		words.len += (size_t)n;
	}
	if (words.text)
		words.text[words.len] = '\0';
	return words;
}

static const char *next_word(const struct words *words, const char *word)
{
	const char *next = word ? word + strlen(word) + 1 : words->text;

	return words->text && next < words->text + words->len ? next : NULL;
}

/* The word after @option. */
static const char *find_value(const struct words *words, const char *option)
{
	for (const char *word = next_word(words, NULL); word; word = next_word(words, word))
		if (strcmp(word, option) == 0)
			return next_word(words, word);
	return NULL;
}

/* QEMU's -name: "NAME,..." or "guest=NAME,..." or "...,guest=NAME", where ",," is a comma of the name. */
static void parse_name(const char *value, char *ret, size_t size)
{
	const char *guest = strncmp(value, "guest=", 6) == 0 ? value : strstr(value, ",guest=");
	size_t n = 0;

	if (guest)
		value = strchr(guest, '=') + 1;
	else if (strchr(value, '=') && strcspn(value, "=") < strcspn(value, ","))
		return; /* it has other options only */
	for (; *value && n + 1 < size; value++) {
		if (*value == ',' && *++value != ',')
			break;
		ret[n++] = *value;
	}
	ret[n] = '\0';
}

static bool is_libvirts(const struct words *words)
{
	for (const char *word = next_word(words, NULL); word; word = next_word(words, word))
		if (strstr(word, "/libvirt/qemu/"))
			return true;
	return false;
}

/* The program's name, without its folder.  What a process may say of itself (argv[0], comm) counts only where the program
 * cannot be seen. */
static void read_program(pid_t pid, const struct words *words, char *ret, size_t size)
{
	char path[32], target[4096];
	const char *text = words->text && words->len ? words->text : "";
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		text = target;
	}
	text = strrchr(text, '/') ? strrchr(text, '/') + 1 : text;
	(void)snprintf(ret, size, "%.*s", (int)strcspn(text, " "), text); /* " (deleted)" after an upgrade */
}

static bool is_qemu(const char *program)
{
	return strncmp(program, "qemu-system-", strlen("qemu-system-")) == 0 || strcmp(program, "qemu-kvm") == 0 ||
	       strcmp(program, "kvm") == 0;
}

static void tell_engine(pid_t pid, const struct words *words, struct kvn_engine *ret)
{
	const char *name = NULL;
	char program[64];

	read_program(pid, words, program, sizeof(program));
	ret->kind = KVN_ENGINE_OTHER;
	if (is_qemu(program)) {
		ret->kind = is_libvirts(words) ? KVN_ENGINE_LIBVIRT : KVN_ENGINE_QEMU;
		name = find_value(words, "-name");
		if (name)
			parse_name(name, ret->domain, sizeof(ret->domain));
		return;
	}
	if (strcmp(program, "firecracker") == 0) {
		ret->kind = KVN_ENGINE_FIRECRACKER;
		name = find_value(words, "--id");
	} else if (strcmp(program, "cloud-hypervisor") == 0) {
		ret->kind = KVN_ENGINE_CLOUD_HYPERVISOR;
	}
	if (name)
		(void)snprintf(ret->domain, sizeof(ret->domain), "%s", name);
}

/* The bytes of the UTF-8 character at @text; 0: it is none, or one that acts on a terminal (C0, C1, DEL). */
static size_t character(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
	json_t *value = strnlen(text, n) == n ? json_stringn(text, n) : NULL; /* NULL: no UTF-8 */
	bool is_control = *p < ' ' || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);

	json_decref(value);
	return value && !is_control ? n : 0;
}

/* A name that comes from somebody's command line is shown on terminals. */
static void make_printable(char *text)
{
	while (*text) {
		size_t n = character(text);

		if (n == 0)
			*text = '?';
		text += n ? n : 1;
	}
}

int kvn_engine_get(pid_t pid, struct kvn_engine *ret, struct kvn_error *err)
{
	struct kvn_engine engine = {.pid = pid};
	struct words words;
	struct stat info;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (pid <= 0 || stat(path, &info) < 0)
		return kvn_fail_errno(err, ESRCH, "process %d", (int)pid);
	words = read_words(pid);
	engine.uid = info.st_uid;
	tell_engine(pid, &words, &engine);
	make_printable(engine.domain);
	free(words.text);
	*ret = engine;
	return 0;
}

/* ---- MAC addresses on command lines ---- */

static bool is_same_nic(const uint8_t mac[static 6], const uint8_t lladdr[static 6])
{
	return memcmp(mac + 1, lladdr + 1, 5) == 0;
}

/* "mac=52:54:00:12:34:56" and, in JSON, "mac":"52:54:00:12:34:56", wherever they stand in a word. */
static bool find_mac(const struct words *words, const uint8_t lladdr[static 6], uint8_t ret[static 6])
{
	for (const char *word = next_word(words, NULL); word; word = next_word(words, word))
		for (const char *key = strstr(word, "mac"); key; key = strstr(key + 1, "mac")) {
			const char *value = key + strlen("mac");
			char text[KVN_MAC_TEXT];

			value += strncmp(value, "addr=", 5) == 0 ? 4 : 0; /* -net nic,macaddr= */
			value += strspn(value, "\"=: ");
			(void)snprintf(text, sizeof(text), "%.17s", value);
			if (kvn_mac_parse(text, ret) == 0 && is_same_nic(ret, lladdr))
				return true;
		}
	return false;
}

bool kvn_engine_find_mac(pid_t pid, const uint8_t lladdr[static 6], uint8_t ret[static 6])
{
	struct words words = read_words(pid);
	uint8_t mac[6];
	bool is_found = find_mac(&words, lladdr, mac);

	free(words.text);
	if (is_found)
		memcpy(ret, mac, 6);
	return is_found;
}

/* ---- who holds which tap ---- */

struct holder {
	char ifname[IFNAMSIZ]; /* "": not to be seen, then by MAC */
	pid_t pid;
};

struct kvn_holders {
	struct holder *items;
	size_t n, size;
};

static int add_holder(struct kvn_holders *holders, const char *ifname, pid_t pid)
{
	if (!KVN_ARRAY_ROOM(holders->items, holders->n, holders->size))
		return -ENOMEM;
	holders->items[holders->n] = (struct holder){.pid = pid};
	(void)snprintf(holders->items[holders->n++].ifname, IFNAMSIZ, "%s", ifname);
	return 0;
}

/* The link's name in the fdinfo of a descriptor of /dev/net/tun; "" while it has none. */
static void read_tap(int proc, const char *fd, char ret[static IFNAMSIZ])
{
	char path[32], text[512];
	const char *line;
	auto_close int info = -1;
	ssize_t n;

	ret[0] = '\0';
	(void)snprintf(path, sizeof(path), "fdinfo/%.16s", fd);
	info = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	line = strstr(text, "iff:");
	if (line)
		(void)sscanf(line, "iff: %15s", ret);
}

static bool is_tun(int fds, const char *fd)
{
	char target[32];
	ssize_t n = readlinkat(fds, fd, target, sizeof(target));

	return n == (ssize_t)strlen("/dev/net/tun") && memcmp(target, "/dev/net/tun", (size_t)n) == 0;
}

static int add_taps(struct kvn_holders *holders, int proc, DIR *fds, pid_t pid)
{
	const struct dirent *entry;
	char ifname[IFNAMSIZ];
	int r = 0;

	while (r == 0 && (entry = readdir(fds))) {
		if (!is_tun(dirfd(fds), entry->d_name))
			continue;
		read_tap(proc, entry->d_name, ifname);
		if (ifname[0])
			r = add_holder(holders, ifname, pid);
	}
	return r;
}

/* 0: cannot be seen, or is none. */
static ino_t netns_of(int proc)
{
	struct stat info;

	return fstatat(proc, "ns/net", &info, 0) == 0 ? info.st_ino : 0;
}

static int add_process(struct kvn_holders *holders, int all, const char *name, ino_t netns)
{
	auto_close int proc = openat(all, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir DIR *fds = NULL;
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	ino_t its = proc < 0 ? 0 : netns_of(proc);
	struct kvn_engine engine = {.kind = KVN_ENGINE_OTHER};
	int fd;

	if (proc < 0 || (its && its != netns))
		return 0; /* it has ended, or is none of ours */
	fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds = fd < 0 ? NULL : fdopendir(fd);
	if (fds)
		return add_taps(holders, proc, fds, pid);
	if (fd >= 0)
		(void)close(fd);
	/* Another user's: only an engine is worth remembering. */
	if (kvn_engine_get(pid, &engine, NULL) == 0 && engine.kind != KVN_ENGINE_OTHER)
		return add_holder(holders, "", pid);
	return 0;
}

int kvn_holders_open(struct kvn_holders **ret, struct kvn_error *err)
{
	struct kvn_holders *holders = calloc(1, sizeof(*holders));
	auto_dir DIR *dir = opendir("/proc");
	const struct dirent *entry;
	struct stat netns = {0};
	int r = holders ? 0 : -ENOMEM;

	(void)stat("/proc/self/ns/net", &netns); /* no such file: no other namespace either */
	while (r == 0 && dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			r = add_process(holders, dirfd(dir), entry->d_name, netns.st_ino);
	if (r < 0) {
		kvn_holders_close(holders);
		return kvn_fail_errno(err, ENOMEM, "holders of taps");
	}
	*ret = holders;
	return 0;
}

pid_t kvn_holders_find(const struct kvn_holders *holders, const char *ifname, const uint8_t lladdr[static 6])
{
	uint8_t mac[6];

	for (size_t i = 0; i < holders->n; i++)
		if (strcmp(holders->items[i].ifname, ifname) == 0)
			return holders->items[i].pid;
	for (size_t i = 0; i < holders->n; i++)
		if (!holders->items[i].ifname[0] && kvn_engine_find_mac(holders->items[i].pid, lladdr, mac))
			return holders->items[i].pid;
	return 0;
}

void kvn_holders_close(struct kvn_holders *holders)
{
	if (!holders)
		return;
	free(holders->items);
	free(holders);
}
