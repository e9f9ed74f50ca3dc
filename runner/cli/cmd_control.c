// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner ps, stats, top, kick, stop, console: what a running gh-runner is asked.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

struct ask {
	const char *command;
	const char *path;
	const char *name;	/* of a guest, NULL */
	const char *format;
	const char *file;
};

static void help(const char *command, bool wants_name)
{
	printf("Usage: gh-runner %s [OPTION]...%s\n"
	       "Asks the gh-runner that was started with --control.\n"
	       "\n"
	       "      --control=PATH   its socket (default: " CLI_CONTROL ")\n", command,
	       wants_name ? " NAME" : "");
	if (!strcmp(command, "stats"))
		puts("      --json           as JSON\n"
		     "      --openmetrics    as OpenMetrics text\n"
		     "      --output=FILE    to FILE, which is replaced when it is complete");
	puts("  -h, --help           print this help and exit\n"
	     "  -V, --version        print the version and exit");
}

static bool parse(const char *name, int argc, char **argv, bool wants_name, struct ask *a,
		  bool *done)
{
	static const struct option options[] = {
		{ "control", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int opt;

	*a = (struct ask) { .command = name, .path = CLI_CONTROL, .format = "" };
	*done = false;
	while ((opt = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			a->path = optarg;
			break;
		case 'j':
			a->format = " json";
			break;
		case 'm':
			a->format = " openmetrics";
			break;
		case 'o':
			a->file = optarg;
			break;
		case 'h':
			help(a->command, wants_name);
			*done = true;
			return true;
		case 'V':
			print_version();
			*done = true;
			return true;
		default:
			fprintf(stderr, "Try 'gh-runner %s --help'.\n", a->command);
			return false;
		}
	}
	if (argc - optind != wants_name) {
		fprintf(stderr, "gh-runner: %s\nTry 'gh-runner %s --help'.\n",
			wants_name ? "the name of one guest is needed" : "too many arguments",
			a->command);
		return false;
	}
	a->name = wants_name ? argv[optind] : NULL;
	return true;
}

/* The whole answer behind its first line, or NULL: what is wrong was printed. */
static char *ask(const struct ask *a, const char *request)
{
	char *text = NULL, *body = NULL, buf[4096];
	int fd = socket_dial(a->path);
	size_t size = 0;
	ssize_t n;
	FILE *f;

	if (fd < 0) {
		fprintf(stderr, "gh-runner: %s: %s (is 'gh-runner run --control=%s' running?)\n",
			a->path, strerror(errno), a->path);
		return NULL;
	}
	f = open_memstream(&text, &size);
	if (f && send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			fwrite(buf, 1, (size_t)n, f);
	close(fd);
	if (!f || fclose(f) || !text || strncmp(text, "ok\n", 3))
		fprintf(stderr, "gh-runner: %s", text && !strncmp(text, "error ", 6) ?
			text + 6 : "no answer\n");
	else
		body = strdup(text + 3);
	free(text);
	return body;
}

static int simple(const char *name, int argc, char **argv, bool wants_name)
{
	char request[160], *answer;
	int status = CLI_OK;
	struct ask a;
	bool done;

	if (!parse(name, argc, argv, wants_name, &a, &done))
		return CLI_USAGE;
	if (done)
		return CLI_OK;
	snprintf(request, sizeof(request), "%s%s%.*s%s\n", a.command, wants_name ? " " : "", 64,
		 wants_name ? a.name : "", a.format);
	answer = ask(&a, request);
	if (!answer)
		return CLI_FAILED;
	if (!a.file) {
		fputs(answer, stdout);
	} else if (cli_replace(a.file, answer)) {
		fprintf(stderr, "gh-runner: %s: %s\n", a.file, strerror(errno));
		status = CLI_FAILED;
	}
	free(answer);
	return status;
}

int cmd_show(const char *name, int argc, char **argv)
{
	return simple(name, argc, argv, false);
}

int cmd_guest(const char *name, int argc, char **argv)
{
	return simple(name, argc, argv, true);
}

/* Until the runner is gone, or Ctrl-C. */
int cmd_top(const char *name, int argc, char **argv)
{
	char *ps, *stats;
	struct ask a;
	bool done;

	if (!parse(name, argc, argv, false, &a, &done))
		return CLI_USAGE;
	while (!done) {
		stats = ask(&a, "stats\n");
		ps = stats ? ask(&a, "ps\n") : NULL;
		if (!ps) {
			free(stats);
			return CLI_FAILED;
		}
		printf("%s%s\n%s", isatty(STDOUT_FILENO) ? "\033[H\033[2J" : "", stats, ps);
		fflush(stdout);
		free(stats);
		free(ps);
		sleep(1);
	}
	return CLI_OK;
}

static bool copy(int from, int to)
{
	char buf[256];
	ssize_t n = read(from, buf, sizeof(buf));

	return n > 0 && write(to, buf, (size_t)n) == n;
}

int cmd_console(const char *name, int argc, char **argv)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	char request[96], *path;
	struct ask a;
	bool done;

	if (!parse(name, argc, argv, true, &a, &done))
		return CLI_USAGE;
	if (done)
		return CLI_OK;
	snprintf(request, sizeof(request), "console %.64s\n", a.name);
	path = ask(&a, request);
	if (!path)
		return CLI_FAILED;
	path[strcspn(path, "\n")] = '\0';
	p[1].fd = socket_dial(path);
	if (p[1].fd < 0)
		fprintf(stderr, "gh-runner: %s: %s\n", path, strerror(errno));
	free(path);
	if (p[1].fd < 0)
		return CLI_FAILED;
	while (poll(p, 2, -1) > 0) {
		if (p[1].revents && !copy(p[1].fd, STDOUT_FILENO))
			break;
		/* The end of the input is not the end of the output. */
		if (p[0].revents && !copy(STDIN_FILENO, p[1].fd))
			p[0].fd = -1;
	}
	close(p[1].fd);
	return CLI_OK;
}
