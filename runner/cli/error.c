// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Errors for the user: file and line where there are some, the guest, the cause, and
 * what to do about it. The form of the first is the one that editors look for.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

static void print_prefix(const struct origin *at)
{
	fflush(stdout);
	if (at && at->file && at->line)
		fprintf(stderr, "%s:%u: ", at->file, at->line);
	else if (at && at->file)
		fprintf(stderr, "%s: ", at->file);
	else
		fputs("gh-runner: ", stderr);
	if (at && at->guest)
		fprintf(stderr, "guest '%s': ", at->guest);
}

bool cli_error(const struct origin *at, const char *fmt, ...)
{
	va_list ap;

	print_prefix(at);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

void cli_runner_error(const struct origin *at, const struct gh_error_info *e)
{
	struct origin of = at ? *at : (struct origin) { 0 };

	if (e->vm[0] && !of.guest)
		of.guest = e->vm;
	print_prefix(&of);
	if (e->vcpu >= 0)
		fprintf(stderr, "vCPU %d: ", e->vcpu);
	fprintf(stderr, "%s: %s", e->what, strerror(-e->error));
	if (e->hint[0])
		fprintf(stderr, "; %s", e->hint);
	fputc('\n', stderr);
}

int cli_start_error(const struct origin *at, const struct gh_runner *runner, const char *what,
		    int error)
{
	const struct gh_error_info *e = gh_runner_last_error(runner);

	if (e->error == error)
		cli_runner_error(at, e);
	else
		cli_error(at, "%s: %s", what, strerror(-error));
	return error;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Names are words of requests, of tables, and of what shells complete. */
bool cli_name_is_fine(const char *name)
{
	if (!is_alnum(*name) && *name != '.' && *name != '_')
		return false;
	while (is_alnum(*name) || (*name && strchr("._-+:@", *name)))
		name++;
	return !*name;
}

bool cli_name_check(const struct origin *at, const char *name)
{
	const char *c;

	if (cli_name_is_fine(name))
		return true;
	for (c = name; *c >= ' ' && *c < 0x7f; c++)
		;
	/* What would spoil the terminal is not repeated. */
	return cli_error(at, "name%s%s%s: it may have letters, digits and . _ - + : @, and begins "
			 "with a letter, a digit, . or _", *c ? "" : " '", *c ? "" : name,
			 *c ? "" : "'");
}

const char *cli_path_cure(int error)
{
	switch (error) {
	case ENOENT:
		return "; check the path";
	case EACCES:
	case EPERM:
		return "; check its permissions, or use another path";
	case EADDRINUSE:
		return "; a program listens there: stop it, or use another path";
	case EEXIST:
		return "; something else than a socket is there: remove it, or use another path";
	case ENAMETOOLONG:
		return "; a socket's absolute path has 107 bytes at most";
	default:
		return "";
	}
}
