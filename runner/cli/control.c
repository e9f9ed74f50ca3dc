// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The control socket of `gh-runner run`: a request is a line, the answer is a line
 * "ok" or "error TEXT" and then text until the end. One client is served at a time,
 * on the runner's ring; one that does nothing is hung up on.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

#define PATIENCE_NS	2000000000ULL

/**
 * struct control - the socket
 * @fleet: borrowed
 * @path: removed at the end
 * @listener, @client: -1: none
 * @io: a poll of one of the two
 * @answer, @answer_len, @sent: what the client gets; NULL: its request is awaited
 */
struct control {
	struct fleet *fleet;
	char *path;
	int listener;
	int client;
	struct gh_io io;
	struct gh_timer patience;
	char request[128];
	unsigned int request_len;
	char *answer;
	size_t answer_len;
	size_t sent;
};

/* ---- requests ------------------------------------------------------------------------ */

static void do_ps(struct fleet *s, FILE *f)
{
	unsigned int i;

	fprintf(f, "%-31s %5s  %s\n", "NAME", "VCPUS", "STATE");
	for (i = 0; i < s->nr_started; i++)
		fprintf(f, "%-31s %5u  %s\n", s->guests[i].name, gh_vm_vcpus(s->guests[i].vm),
			end_name(fleet_end(s, &s->guests[i])));
}

static void do_stats(struct fleet *s, const char *format, FILE *f)
{
	struct fleet now = *s;

	fleet_stats(s, &now.stats);
	now.end_ns = gh_now_ns();
	if (!strcmp(format, "json")) {
		fputs("{\n", f);
		metrics_json(&now, "  ", f);
		fputs("\n}\n", f);
	} else if (!strcmp(format, "openmetrics")) {
		metrics_openmetrics(&now, f);
	} else {
		metrics_table(&now, f);
	}
}

static struct guest *find_guest(const struct fleet *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->nr_started; i++)
		if (!strcmp(s->guests[i].name, name))
			return &s->guests[i];
	return NULL;
}

static void kick(struct gh_vm *vm)
{
	unsigned int i;

	for (i = 0; i < gh_vm_vcpus(vm); i++)
		gh_vcpu_kick(gh_vm_vcpu(vm, i));
}

static void do_request(struct fleet *s, char *line, FILE *f)
{
	char *word = line, *rest = strchr(line, ' ');
	struct guest *g = NULL;

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	if (!strcmp(word, "kick") || !strcmp(word, "stop") || !strcmp(word, "console")) {
		g = find_guest(s, rest);
		if (!g) {
			fprintf(f, "error no guest has the name '%s'; 'gh-runner ps' lists them\n",
				rest);
			return;
		}
	}
	if (!strcmp(word, "console") && !serial_path(g->serial)) {
		fprintf(f, "error the console of '%s' is no socket; start it with console=unix:PATH\n",
			rest);
		return;
	}
	if (!g && strcmp(word, "ps") && strcmp(word, "stats")) {
		fputs("error unknown request\n", f);
		return;
	}
	fputs("ok\n", f);
	if (!strcmp(word, "ps"))
		do_ps(s, f);
	else if (!strcmp(word, "stats"))
		do_stats(s, rest, f);
	else if (!strcmp(word, "kick"))
		kick(g->vm);
	else if (!strcmp(word, "stop"))
		fleet_stop(s, g);
	else
		fprintf(f, "%s\n", serial_path(g->serial));
}

/* ---- the socket ------------------------------------------------------------------------ */

static void wait_for(struct control *c, short events)
{
	struct io_uring_sqe *sqe = gh_io_get_sqe(c->fleet->runner);

	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, c->client >= 0 ? c->client : c->listener,
			       (unsigned int)events);
	gh_io_attach(sqe, &c->io);
}

static void hang_up(struct control *c)
{
	gh_timer_cancel(c->fleet->runner, &c->patience);
	if (c->client >= 0)
		close(c->client);
	free(c->answer);
	c->client = -1;
	c->answer = NULL;
	c->answer_len = 0;
	c->request_len = 0;
	c->sent = 0;
}

/* The poll in progress ends with it. */
static void on_impatient(struct gh_timer *timer)
{
	struct control *c = (struct control *)((char *)timer - offsetof(struct control, patience));

	shutdown(c->client, SHUT_RDWR);
}

static bool take_request(struct control *c)
{
	size_t room = sizeof(c->request) - 1 - c->request_len;
	ssize_t n = recv(c->client, c->request + c->request_len, room, MSG_DONTWAIT);
	char *end;
	FILE *f;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->request_len += (unsigned int)n;
	c->request[c->request_len] = '\0';
	end = strchr(c->request, '\n');
	if (!end)
		return c->request_len < sizeof(c->request) - 1;
	*end = '\0';
	f = open_memstream(&c->answer, &c->answer_len);
	if (!f)
		return false;
	do_request(c->fleet, c->request, f);
	return !fclose(f) && c->answer;
}

static bool give_answer(struct control *c)
{
	ssize_t n = send(c->client, c->answer + c->sent, c->answer_len - c->sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	c->sent += (size_t)n;
	return c->sent < c->answer_len;
}

static void on_ready(struct gh_io *io, int res, uint32_t flags)
{
	struct control *c = (struct control *)((char *)io - offsetof(struct control, io));
	bool more;

	if (res < 0)
		return;
	if (c->client < 0) {
		c->client = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (c->client >= 0) {
			c->patience.deadline_ns = gh_now_ns() + PATIENCE_NS;
			gh_timer_arm(c->fleet->runner, &c->patience);
		}
		wait_for(c, POLLIN);
		return;
	}
	more = c->answer ? give_answer(c) : take_request(c);
	if (!more)
		hang_up(c);
	wait_for(c, c->answer ? POLLOUT : POLLIN);
}

int control_open(struct fleet *fleet, const char *path, struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int error;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->fleet = fleet;
	c->client = -1;
	c->io.done = on_ready;
	c->patience.fire = on_impatient;
	c->listener = socket_listen(path);
	if (c->listener < 0) {
		error = errno;
		cli_error(NULL, "control '%s': %s%s", path, strerror(error), cli_path_cure(error));
		free(c);
		return -error;
	}
	c->path = strdup(path);
	wait_for(c, POLLIN);
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	if (c)
		hang_up(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	close(c->listener);
	if (c->path)
		unlink(c->path);
	free(c->path);
	free(c);
}
