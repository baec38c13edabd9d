/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verb_edit.c - change a definition in the user's editor; what does not make sense can be mended on the spot. */
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "cleanup.h"
#include "cli.h"
#include "error.h"
#include "file.h"
#include "host_check.h"

int run_editor(const char *path, struct kvn_error *err)
{
	const char *editor = getenv("VISUAL");
	int status;
	pid_t pid;

	if (!editor || !editor[0])
		editor = getenv("EDITOR");
	if (!editor || !editor[0])
		editor = "vi";
	pid = fork();
	if (pid < 0)
		return kvn_fail_errno(err, errno, "fork");
	if (pid == 0) {
		/* By a shell, since EDITOR may hold options; the path is an argument, never text of the command. */
		char command[1024];

		(void)snprintf(command, sizeof(command), "exec %s \"$1\"", editor);
		(void)execl("/bin/sh", "sh", "-c", command, "kvnet-edit", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return kvn_fail_errno(err, errno, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return kvn_fail(err, ECANCELED, "editor '%s' failed: nothing was changed", editor);
	return 0;
}

static bool wants_again(const struct kvn_error *err)
{
	char answer[8] = "";

	if (!isatty(STDIN_FILENO))
		return false;
	(void)fprintf(stderr, "kvnet: %s\nEdit again? [Y/n] ", err->message);
	return fgets(answer, sizeof(answer), stdin) && answer[0] != 'n' && answer[0] != 'N';
}

/* *ret_is_wanted: what was written is worth keeping, since it was refused. */
static int edit(struct command *command, const char *path, const char *before, json_t **plan, bool *ret_is_wanted,
		struct kvn_error *err)
{
	for (;;) {
		struct kvn_input input = {.file = command->words[0]};
		auto_free char *after = NULL;
		int r = run_editor(path, err);

		if (r == 0)
			r = kvn_file_read(path, &after, err);
		if (r < 0 || !after || strcmp(before, after) == 0)
			return r;
		input.yaml = after;
		r = kvn_change(command->kvn, command->words[0], &input, 0, plan, err);
		if (r == 0)
			return 0;
		if (!wants_again(err)) {
			*ret_is_wanted = true;
			return kvn_fail(err, err->code, "%s (what you wrote is in %s)", err->message, path);
		}
	}
}

int run_edit(struct command *command, struct kvn_error *err)
{
	char path[] = "/tmp/kvnet-edit-XXXXXX.yaml";
	auto_json json_t *plan = json_array();
	auto_free char *before = NULL;
	auto_close int fd = -1;
	bool is_wanted = false;
	int r = kvn_definition_text(command->kvn, command->words[0], &before, err);

	/* Before anything is written in vain.  For root without the capability netd may do it. */
	if (r == 0 && geteuid() != 0 && kvn_host_check_privilege(err) < 0)
		r = kvn_wrap(err, "network '%s'", command->words[0]);
	if (r < 0)
		return 1;
	fd = mkstemps(path, (int)strlen(".yaml"));
	if (fd < 0) {
		(void)kvn_fail_errno(err, errno, "%s", path);
		return 1;
	}
	r = kvn_file_write(path, before, 0600, false, err);
	if (r == 0)
		r = edit(command, path, before, &plan, &is_wanted, err);
	if (!is_wanted)
		(void)unlink(path); /* a copy; the definition is what counts */
	if (r == 0 && command->is_json)
		print_json(plan);
	return r < 0 ? 1 : 0;
}
