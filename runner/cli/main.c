// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner: the command line.
 */
#include <getopt.h>
#include <string.h>

#include "cli.h"

static const struct {
	const char *name;
	int (*run)(const char *name, int argc, char **argv);
} commands[] = {
	{ "run", cmd_run },
	{ "ps", cmd_ps },
	{ "stats", cmd_stats },
	{ "top", cmd_top },
	{ "kick", cmd_guest },
	{ "stop", cmd_guest },
	{ "console", cmd_console },
};

static void help(void)
{
	puts("Usage: gh-runner COMMAND [OPTION]...\n"
	     "Runs many Gunyah guests on one io_uring and one thread.\n"
	     "\n"
	     "Commands:\n"
	     "  run        start guests, show their consoles, check their results\n"
	     "  ps         list the guests of a running gh-runner\n"
	     "  stats      its counters, also as JSON and OpenMetrics\n"
	     "  top        what each guest does, as rates, again and again\n"
	     "  kick       end the slice or the wait of a guest's vCPUs\n"
	     "  stop       take a guest's vCPUs out of it for good\n"
	     "  console    talk to a guest whose console is a socket\n"
	     "\n"
	     "  -h, --help     print this help and exit\n"
	     "  -V, --version  print the version and exit\n"
	     "\n"
	     "'gh-runner COMMAND --help' explains a command. Manual: gh-runner(1).");
}

void print_version(void)
{
	puts("gh-runner " CLI_VERSION "\n"
	     "Licence: LGPL-2.1-or-later OR MIT. This is free software: you are free to change\n"
	     "and redistribute it. There is no warranty, to the extent permitted by law.");
}

static int try_help(const char *what, const char *arg)
{
	if (what)
		fprintf(stderr, "gh-runner: %s '%s'\n", what, arg);
	fputs("Try 'gh-runner --help'.\n", stderr);
	return CLI_USAGE;
}

static int run_command(int argc, char **argv)
{
	static char program[] = "gh-runner";
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *name = commands[i].name;

		if (strcmp(argv[0], name))
			continue;
		/* The name that getopt puts before its errors; it begins anew. */
		argv[0] = program;
		optind = 0;
		return commands[i].run(name, argc, argv);
	}
	return try_help("unknown command", argv[0]);
}

static int run_all(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};

	/* Those behind a command are its own. */
	switch (getopt_long(argc, argv, "+hV", options, NULL)) {
	case 'h':
		help();
		return CLI_OK;
	case 'V':
		print_version();
		return CLI_OK;
	case '?':
		return try_help(NULL, NULL);
	}
	if (optind < argc)
		return run_command(argc - optind, argv + optind);
	fputs("gh-runner: a command is missing\n", stderr);
	return try_help(NULL, NULL);
}

int main(int argc, char **argv)
{
	static char program[] = "gh-runner";
	int status;

	/* As it is called by whoever reads its errors. */
	if (argc)
		argv[0] = program;
	status = run_all(argc, argv);
	if (!stdout_is_complete() && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}
