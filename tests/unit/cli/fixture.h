/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * For tests of the command line without a guest: a directory of its own, a program that
 * answers requests as it is told, and commands whose output is kept.
 */
#ifndef CLI_FIXTURE_H
#define CLI_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>
#include <sys/types.h>

#include "cli/cli.h"

/* An empty directory is the working directory; its name. */
extern char cli_dir[64];

void cli_begin(void);
void cli_end(void);

/* Serves at ./control: each client that has sent a line gets the next of @answers. */
pid_t cli_serve(const char *const *answers, unsigned int nr);
/* Until it has served all. */
void cli_served(pid_t pid);

/* What the last command wrote. */
extern char cli_out[65536], cli_err[65536];

/* Exit status of a command, in a process of its own; options are NULL at the end. */
int cli_run(int (*command)(const char *name, int argc, char **argv), ...);
/* Likewise with standard output to @out; NULL: kept. */
int cli_run_to(const char *out, int (*command)(const char *name, int argc, char **argv), ...);

/* "ok" or "error" and @text, as an answer. The last four are kept. */
const char *cli_answer(const char *word, const char *text);

#endif /* CLI_FIXTURE_H */
