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

const char *cli_path_cure(int error)
{
	switch (error) {
	case ENOENT:
		return "; check the path";
	case EACCES:
	case EPERM:
		return "; check its permissions, or use another path";
	case EADDRINUSE:
		return "; another program has it, or left it behind: remove it or use another";
	default:
		return "";
	}
}
