// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The options of the commands that ask a running gh-runner. Each takes those only that
 * mean something to it.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define COMMON	\
	{ "control", required_argument, NULL, 'c' },	\
	{ "help", no_argument, NULL, 'h' },		\
	{ "version", no_argument, NULL, 'V' },		\
	{ 0 }

static const struct option plain_options[] = { COMMON };

static const struct option stats_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "openmetrics", no_argument, NULL, 'm' },
	{ "output", required_argument, NULL, 'o' },
	COMMON
};

static const struct option top_options[] = {
	{ "delay", required_argument, NULL, 'd' },
	{ "iterations", required_argument, NULL, 'n' },
	{ "sort", required_argument, NULL, 's' },
	COMMON
};

static const struct command {
	const char *name;
	const char *shorts;
	const struct option *options;
	bool wants_name;
	const char *what;
	const char *help;
} commands[] = {
	{ "ps", "hV", plain_options, false, "Lists the guests of a running gh-runner.", "" },
	{ "stats", "o:hV", stats_options, false, "Prints the counters of a running gh-runner.",
	  "      --json           as JSON\n"
	  "      --openmetrics    as OpenMetrics text\n"
	  "  -o, --output=FILE    to FILE, which is replaced when it is complete\n" },
	{ "top", "d:n:s:hV", top_options, false,
	  "Shows what the guests of a running gh-runner do, again and again: until q or\n"
	  "Ctrl-C in a terminal, as plain text elsewhere.",
	  "  -d, --delay=SECONDS  from one look to the next, 0.1 at least (1)\n"
	  "  -n, --iterations=N   end after N of them\n"
	  "  -s, --sort=COLUMN    by exits, mmio, parks or entries, highest first, or by\n"
	  "                         name (exits)\n" },
	{ "kick", "hV", plain_options, true,
	  "Ends the slice or the wait of the vCPUs of the guest NAME once.", "" },
	{ "stop", "hV", plain_options, true,
	  "Takes the vCPUs of the guest NAME out of it for good.", "" },
	{ "console", "hV", plain_options, true,
	  "Talks to the guest NAME, whose console must be console=unix:PATH. In a terminal\n"
	  "all keys go to the guest, Ctrl-C too, but Ctrl-], which ends it.", "" },
};

static void help(const struct command *c)
{
	printf("Usage: gh-runner %s [OPTION]...%s\n%s\n\n%s"
	       "      --control=PATH   the socket of that gh-runner, as its own --control\n"
	       "                         (" CLI_CONTROL ")\n"
	       "  -h, --help           print this help and exit\n"
	       "  -V, --version        print the version and exit\n", c->name,
	       c->wants_name ? " NAME" : "", c->what, c->help);
}

static bool wrong(const struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool try_help(const struct command *c)
{
	fprintf(stderr, "Try 'gh-runner %s --help'.\n", c->name);
	return false;
}

static bool wrong(const struct command *c, const char *fmt, ...)
{
	va_list ap;

	fputs("gh-runner: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return try_help(c);
}

static bool parse_delay(const struct command *c, const char *text, uint64_t *ms)
{
	char *end;
	double seconds;

	seconds = strtod(text, &end);
	if (end == text || *end || !isfinite(seconds) || seconds < 0.1 || seconds > 86400)
		return wrong(c, "--delay: '%s' is not a number of seconds from 0.1 to 86400", text);
	*ms = (uint64_t)(seconds * 1000);
	return true;
}

static bool parse_frames(const struct command *c, const char *text, uint64_t *frames)
{
	char *end;

	errno = 0;
	*frames = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !*frames)
		return wrong(c, "--iterations: '%s' is not a number from 1 on", text);
	return true;
}

static bool parse_sort(const struct command *c, const char *text, const char **sort)
{
	static const char * const columns[] = { "exits", "mmio", "parks", "entries", "name" };
	unsigned int i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (!strcmp(text, columns[i])) {
			*sort = text;
			return true;
		}
	return wrong(c, "--sort: '%s' is none of exits, mmio, parks, entries, name", text);
}

static bool parse_one(const struct command *c, int opt, struct ask *a)
{
	switch (opt) {
	case 'c':
		a->path = optarg;
		return true;
	case 'j':
		a->format = "json";
		return true;
	case 'm':
		a->format = "openmetrics";
		return true;
	case 'o':
		a->file = optarg;
		return true;
	case 'd':
		return parse_delay(c, optarg, &a->delay_ms);
	case 'n':
		return parse_frames(c, optarg, &a->frames);
	case 's':
		return parse_sort(c, optarg, &a->sort);
	}
	/* getopt() has said what. */
	return try_help(c);
}

static bool parse_rest(const struct command *c, int argc, char **argv, struct ask *a)
{
	if (optind < argc - c->wants_name)
		return wrong(c, "unexpected argument '%s'", argv[optind + c->wants_name]);
	if (optind > argc - c->wants_name)
		return wrong(c, "the name of a guest is missing");
	if (!c->wants_name)
		return true;
	a->name = argv[optind];
	if (strlen(a->name) < CLI_NAME && cli_name_is_fine(a->name))
		return true;
	return wrong(c, "no guest can have the name '%s'", a->name);
}

bool ask_parse(const char *command, int argc, char **argv, struct ask *a, int *status)
{
	const struct command *c = commands;
	int opt;

	while (strcmp(c->name, command))
		c++;
	*a = (struct ask) {
		.command = command, .path = CLI_CONTROL, .format = "", .sort = "exits",
		.delay_ms = 1000,
	};
	while ((opt = getopt_long(argc, argv, c->shorts, c->options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			if (opt == 'h')
				help(c);
			else
				print_version();
			*status = CLI_OK;
			return false;
		}
		*status = CLI_USAGE;
		if (!parse_one(c, opt, a))
			return false;
	}
	*status = CLI_USAGE;
	return parse_rest(c, argc, argv, a);
}
