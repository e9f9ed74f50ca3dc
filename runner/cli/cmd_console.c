// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner console: a terminal at a guest's serial port.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

/* Ctrl-], as telnet has it. */
#define ESCAPE		0x1d

/**
 * struct link - the two sides
 * @fd: of the guest
 * @tty: ESCAPE means something
 * @keys, @nr_keys: on their way to the guest, which takes them when it likes
 * @output_error: -errno of standard output
 */
struct link {
	int fd;
	bool tty;
	bool escaped;
	bool hung_up;
	bool input_over;
	int output_error;
	size_t nr_keys;
	char keys[256];
};

static void show(struct link *l)
{
	char buf[1024], *p = buf;
	ssize_t n = recv(l->fd, buf, sizeof(buf), MSG_DONTWAIT), done;

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		l->hung_up = true;
	while (n > 0 && !l->output_error) {
		done = write(STDOUT_FILENO, p, (size_t)n);
		if (done < 0 && errno != EINTR)
			l->output_error = -errno;
		if (done > 0) {
			p += done;
			n -= done;
		}
	}
}

/*
 * The end of the input is not the end of the output. Keys for which there is no room are
 * lost, for ESCAPE must be seen also when the guest takes nothing.
 */
static void take_keys(struct link *l)
{
	size_t room = sizeof(l->keys) - l->nr_keys;
	char lost[64], *to = room ? l->keys + l->nr_keys : lost, *escape;
	ssize_t n = read(STDIN_FILENO, to, room ? room : sizeof(lost));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		l->input_over = true;
		return;
	}
	escape = l->tty ? memchr(to, ESCAPE, (size_t)n) : NULL;
	l->escaped = escape;
	if (room)
		l->nr_keys += escape ? (size_t)(escape - to) : (size_t)n;
}

static void give_keys(struct link *l)
{
	ssize_t n = send(l->fd, l->keys, l->nr_keys, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* What it said before it hung up is still to be shown. */
		l->input_over = true;
		l->nr_keys = 0;
	}
	if (n <= 0)
		return;
	l->nr_keys -= (size_t)n;
	memmove(l->keys, l->keys + n, l->nr_keys);
}

static void talk(struct link *l)
{
	while (!l->hung_up && !l->output_error && !l->escaped) {
		/* A pipe waits. */
		bool wants = !l->input_over && (l->tty || l->nr_keys < sizeof(l->keys));
		struct pollfd p[2] = {
			{ .fd = wants ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = l->fd, .events = l->nr_keys ? POLLIN | POLLOUT : POLLIN },
		};

		switch (terminal_wait(p, 2, -1)) {
		case TERMINAL_QUIT:
			return;
		case TERMINAL_RESIZED:
			continue;
		case TERMINAL_READY:
			break;
		}
		if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
			show(l);
		if (p[0].revents)
			take_keys(l);
		if (l->nr_keys)
			give_keys(l);
	}
}

static int dial(const struct ask *a)
{
	char line[REQUEST_LINE], *path;
	int fd;

	snprintf(line, sizeof(line), "console %s\n", a->name);
	path = request_or_complain(a->path, line);
	if (!path)
		return -1;
	path[strcspn(path, "\n")] = '\0';
	fd = socket_dial(path);
	if (fd < 0)
		cli_error(NULL, "%s: %s", path, strerror(-fd));
	free(path);
	return fd;
}

int cmd_console(const char *name, int argc, char **argv)
{
	struct link l = { .tty = isatty(STDIN_FILENO) };
	struct ask a;
	int status;

	if (!ask_parse(name, argc, argv, &a, &status))
		return status;
	l.fd = dial(&a);
	if (l.fd < 0)
		return CLI_FAILED;
	if (l.tty)
		fprintf(stderr, "gh-runner: at the console of '%s'; Ctrl-] leaves it\n", a.name);
	terminal_begin(TERMINAL_RAW, false);
	talk(&l);
	terminal_end();
	close(l.fd);
	if (l.output_error)
		cli_error(NULL, "standard output: %s", strerror(-l.output_error));
	else if (l.tty)
		fprintf(stderr, "\ngh-runner: %s\n", l.hung_up ? "the guest has hung up" :
			"left the console");
	return l.output_error ? CLI_FAILED : CLI_OK;
}
