// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner ps, stats, kick and stop: one request, one answer.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int ask(const struct ask *a, const char *argument, char **answer)
{
	char line[REQUEST_LINE];

	snprintf(line, sizeof(line), "%s%s%s\n", a->command, *argument ? " " : "", argument);
	*answer = request_or_complain(a->path, line);
	return *answer ? CLI_OK : CLI_FAILED;
}

int cmd_ps(const char *name, int argc, char **argv)
{
	char *answer;
	struct ask a;
	int status;

	if (!ask_parse(name, argc, argv, &a, &status))
		return status;
	status = ask(&a, "", &answer);
	if (answer)
		fputs(answer, stdout);
	free(answer);
	return status;
}

static int write_file(const char *path, const char *text)
{
	struct replacement r;
	int ret = replace_begin(&r, path);

	if (!ret) {
		fputs(text, r.file);
		ret = replace_end(&r);
	}
	if (!ret)
		return CLI_OK;
	cli_error(NULL, "output '%s': %s%s", path, strerror(-ret), cli_path_cure(-ret));
	return CLI_FAILED;
}

int cmd_stats(const char *name, int argc, char **argv)
{
	char *answer;
	struct ask a;
	int status;

	if (!ask_parse(name, argc, argv, &a, &status))
		return status;
	status = ask(&a, a.format, &answer);
	if (answer && a.file)
		status = write_file(a.file, answer);
	else if (answer)
		fputs(answer, stdout);
	free(answer);
	return status;
}

int cmd_guest(const char *name, int argc, char **argv)
{
	char *answer;
	struct ask a;
	int status;

	if (!ask_parse(name, argc, argv, &a, &status))
		return status;
	status = ask(&a, a.name, &answer);
	free(answer);
	return status;
}
