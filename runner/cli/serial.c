// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest's serial port on a file, a pseudo terminal or a unix socket.
 *
 * As on a cable with nobody at the other end, what cannot be written at once is
 * lost; the guest never waits. Input waits until the guest has taken what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"

/* How long a line without an end waits for more, and the guest for its FIFO. */
#define FLUSH_NS	5000000ULL
#define INPUT_NS	5000000ULL

/**
 * struct serial - one port
 * @fd: where bytes go to and come from; -1: no client
 * @listener: of a unix socket, else -1
 * @slave: of a pseudo terminal: open, so that the other end may come and go
 * @path: of the socket, to be removed
 * @io: a poll of @fd or @listener
 * @out, @in: bytes on their way
 */
struct serial {
	struct gh_runner *runner;
	struct gh_pl011 *uart;
	int fd;
	int listener;
	int slave;
	char *path;
	struct gh_io io;
	struct gh_timer flush;
	struct gh_timer retry;
	unsigned int out_len, in_len;
	uint8_t out[256];
	uint8_t in[64];
};

static int complain(const struct origin *at, const char *spec)
{
	int error = errno;

	cli_error(at, "console '%s': %s%s", spec, strerror(error), cli_path_cure(error));
	return -error;
}

/* ---- output ------------------------------------------------------------------------- */

static void flush_output(struct serial *s)
{
	ssize_t n = 0;

	gh_timer_cancel(s->runner, &s->flush);
	if (s->fd >= 0 && s->out_len)
		n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && errno == ENOTSOCK)
		n = write(s->fd, s->out, s->out_len);
	(void)n;
	s->out_len = 0;
}

static void on_flush(struct gh_timer *timer)
{
	flush_output((struct serial *)((char *)timer - offsetof(struct serial, flush)));
}

void serial_output(void *opaque, uint8_t byte)
{
	struct serial *s = opaque;

	s->out[s->out_len++] = byte;
	if (byte == '\n' || s->out_len == sizeof(s->out)) {
		flush_output(s);
	} else if (!s->flush.armed) {
		s->flush.deadline_ns = gh_now_ns() + FLUSH_NS;
		gh_timer_arm(s->runner, &s->flush);
	}
}

/* ---- input --------------------------------------------------------------------------- */

static void wait_input(struct serial *s);

static void hang_up(struct serial *s)
{
	close(s->fd);
	s->fd = -1;
}

/* Gives the guest what fits; true when nothing is left. */
static bool give_input(struct serial *s)
{
	size_t n = gh_pl011_input(s->uart, s->in, s->in_len);

	s->in_len -= (unsigned int)n;
	memmove(s->in, s->in + n, s->in_len);
	if (!s->in_len)
		return true;
	s->retry.deadline_ns = gh_now_ns() + INPUT_NS;
	gh_timer_arm(s->runner, &s->retry);
	return false;
}

static void on_retry(struct gh_timer *timer)
{
	struct serial *s = (struct serial *)((char *)timer - offsetof(struct serial, retry));

	if (give_input(s))
		wait_input(s);
}

static void take_input(struct serial *s)
{
	ssize_t n = read(s->fd, s->in, sizeof(s->in));

	if (n > 0) {
		s->in_len = (unsigned int)n;
		if (!give_input(s))
			return;
	} else if (!n || (errno != EAGAIN && errno != EINTR)) {
		if (s->listener < 0)
			return;
		hang_up(s);
	}
	wait_input(s);
}

static void on_ready(struct gh_io *io, int res, uint32_t flags)
{
	struct serial *s = (struct serial *)((char *)io - offsetof(struct serial, io));

	if (res < 0)
		return;
	if (s->fd >= 0) {
		take_input(s);
		return;
	}
	s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	wait_input(s);
}

static void wait_input(struct serial *s)
{
	struct io_uring_sqe *sqe = gh_io_get_sqe(s->runner);

	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, s->fd >= 0 ? s->fd : s->listener, POLLIN);
	gh_io_attach(sqe, &s->io);
}

/* ---- kinds ---------------------------------------------------------------------------- */

static int open_pty(struct serial *s, const char *name)
{
	struct termios raw;
	char slave[64];

	s->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || grantpt(s->fd) || unlockpt(s->fd) ||
	    ptsname_r(s->fd, slave, sizeof(slave)))
		return -1;
	s->slave = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->slave < 0 || tcgetattr(s->slave, &raw))
		return -1;
	cfmakeraw(&raw);
	if (tcsetattr(s->slave, TCSANOW, &raw))
		return -1;
	printf("[%s] console on %s\n", name, slave);
	return fflush(stdout);
}

static int open_socket(struct serial *s, const char *path)
{
	s->listener = socket_listen(path);
	if (s->listener < 0)
		return -1;
	s->path = strdup(path);
	return s->path ? 0 : -1;
}

static int open_file(struct serial *s, const char *path)
{
	s->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	return s->fd < 0 ? -1 : 0;
}

int serial_open(struct gh_runner *runner, const char *spec, const struct origin *at,
		struct serial **out)
{
	struct serial *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return complain(at, spec);
	s->runner = runner;
	s->fd = -1;
	s->listener = -1;
	s->slave = -1;
	s->io.done = on_ready;
	s->flush.fire = on_flush;
	s->retry.fire = on_retry;
	if (!strcmp(spec, "pty"))
		ret = open_pty(s, at->guest);
	else if (!strncmp(spec, "unix:", 5))
		ret = open_socket(s, spec + 5);
	else
		ret = open_file(s, spec + 5);
	if (ret) {
		ret = complain(at, spec);
		serial_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

int serial_connect(struct serial *s, struct gh_pl011 *uart)
{
	s->uart = uart;
	if (s->listener >= 0 || s->slave >= 0)
		wait_input(s);
	return 0;
}

const char *serial_path(const struct serial *s)
{
	return s ? s->path : NULL;
}

void serial_flush(struct serial *s)
{
	if (!s)
		return;
	flush_output(s);
	gh_timer_cancel(s->runner, &s->retry);
}

void serial_close(struct serial *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->slave >= 0)
		close(s->slave);
	if (s->listener >= 0)
		close(s->listener);
	if (s->path)
		unlink(s->path);
	free(s->path);
	free(s);
}
