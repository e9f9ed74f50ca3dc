// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner: the command line.
 */
#include <string.h>

#include "cli.h"

static const struct {
	const char *name;
	int (*run)(const char *name, int argc, char **argv);
} commands[] = {
	{ "run", cmd_run },
	{ "ps", cmd_show },
	{ "stats", cmd_show },
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
	     "  top        both, every second\n"
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

int main(int argc, char **argv)
{
	static char program[] = "gh-runner";
	unsigned int i;

	if (argc < 2) {
		fprintf(stderr, "gh-runner: a command is missing\n"
				"Try 'gh-runner --help'.\n");
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help();
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		print_version();
		return CLI_OK;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const char *name = commands[i].name;

		if (strcmp(argv[1], name))
			continue;
		/* The name that getopt puts before its errors. */
		argv[1] = program;
		return commands[i].run(name, argc - 1, argv + 1);
	}
	fprintf(stderr, "gh-runner: unknown command '%s'\nTry 'gh-runner --help'.\n", argv[1]);
	return CLI_USAGE;
}
