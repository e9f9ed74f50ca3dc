// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The control socket of `gh-runner run`, on the runner's ring: io.h says what goes over
 * it. One client is served at a time; one that does nothing is hung up on.
 */
#include <errno.h>
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
 * @client: -1: none
 * @watch: of the listener or of the client
 * @patience: with the client
 * @answer, @answer_len, @sent: what the client gets; NULL: its request is awaited
 */
struct control {
	struct fleet *fleet;
	struct listener listener;
	int client;
	struct watch watch;
	struct gh_timer patience;
	char request[REQUEST_LINE];
	size_t request_len;
	char *answer;
	size_t answer_len;
	size_t sent;
};

static void be_patient(struct control *c)
{
	gh_timer_cancel(c->fleet->runner, &c->patience);
	c->patience.deadline_ns = gh_now_ns() + PATIENCE_NS;
	gh_timer_arm(c->fleet->runner, &c->patience);
}

/* The poll in progress ends with it. */
static void on_impatient(struct gh_timer *timer)
{
	struct control *c = (struct control *)((char *)timer - offsetof(struct control, patience));

	shutdown(c->client, SHUT_RDWR);
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

/* ---- one client ------------------------------------------------------------------------ */

/* The whole answer is made before its first byte goes, so its length is known. */
static bool make_answer(struct control *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	bool ok = false;
	int len = -1;

	if (f)
		ok = request_carry_out(c->fleet, c->request, f);
	if (f && !fclose(f))
		len = asprintf(&c->answer, "%s %zu\n%s", ok ? REQUEST_OK : REQUEST_ERROR, size,
			       text);
	free(text);
	if (len < 0) {
		c->answer = NULL;
		return false;
	}
	c->answer_len = (size_t)len;
	be_patient(c);
	return true;
}

/* False: it is hung up on. */
static bool take_request(struct control *c)
{
	size_t room = sizeof(c->request) - 1 - c->request_len;
	ssize_t n = recv(c->client, c->request + c->request_len, room, MSG_DONTWAIT);
	char *end;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->request_len += (size_t)n;
	c->request[c->request_len] = '\0';
	end = strchr(c->request, '\n');
	if (!end)
		return c->request_len < sizeof(c->request) - 1;
	*end = '\0';
	return make_answer(c);
}

static bool give_answer(struct control *c)
{
	ssize_t n = send(c->client, c->answer + c->sent, c->answer_len - c->sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	be_patient(c);
	return c->sent < c->answer_len;
}

/* ---- the socket ------------------------------------------------------------------------ */

static void next_client(struct control *c)
{
	c->client = accept4(c->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (c->client >= 0) {
		be_patient(c);
		watch_for(&c->watch, c->client, POLLIN);
	} else if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) {
		watch_for(&c->watch, c->listener.fd, POLLIN);
	} else {
		/* No descriptor or no memory is left: it goes on waiting, and so do we. */
		watch_later(&c->watch, c->listener.fd, POLLIN);
	}
}

static void on_ready(struct watch *w)
{
	struct control *c = (struct control *)((char *)w - offsetof(struct control, watch));
	bool more;

	if (c->client < 0) {
		next_client(c);
		return;
	}
	more = c->answer ? give_answer(c) : take_request(c);
	/* At once: the request may have ended the last guest, and the runner ends with it. */
	if (more && c->answer && !c->sent)
		more = give_answer(c);
	if (!more) {
		hang_up(c);
		watch_for(w, c->listener.fd, POLLIN);
	} else {
		watch_for(w, c->client, c->answer ? POLLOUT : POLLIN);
	}
}

int control_open(struct fleet *fleet, const char *path, struct control **out)
{
	struct control *c = calloc(1, sizeof(*c));
	int ret;

	*out = NULL;
	if (!c) {
		cli_error(NULL, "out of memory");
		return -ENOMEM;
	}
	c->fleet = fleet;
	c->client = -1;
	c->patience.fire = on_impatient;
	watch_init(&c->watch, fleet->runner, on_ready);
	ret = listener_open(&c->listener, path);
	if (ret) {
		cli_error(NULL, "control '%s': %s%s", path, strerror(-ret), cli_path_cure(-ret));
		free(c);
		return ret;
	}
	watch_for(&c->watch, c->listener.fd, POLLIN);
	*out = c;
	return 0;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	watch_stop(&c->watch);
	hang_up(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	listener_close(&c->listener);
	free(c);
}
