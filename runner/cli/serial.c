// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest's serial port on a file, a pseudo terminal or a unix socket.
 *
 * As on a cable with nobody at the other end, what a terminal or a socket does not take
 * at once is lost; the guest never waits. A file may take its time, so it is written
 * through the runner's ring, and what is lost of it is told. Input waits until the guest
 * has taken what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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

/* A cable has little room; of a file this much may be on its way twice. */
#define CABLE_BYTES	256
#define FILE_BYTES	8192

/**
 * struct serial - one port
 * @at, @spec: for errors; strings of @at are borrowed
 * @fd: where bytes go to and come from; -1: no client
 * @listener: of a unix socket, else without descriptor
 * @slave: of a pseudo terminal: open, so that the other end may come and go
 * @watch: of @fd or the listener
 * @write: of @busy, if @writing
 * @out, @busy: owned: bytes that are collected, and those of a file that are written
 * @lost: bytes of a file
 * @complained: about the last error of the file
 */
struct serial {
	struct gh_runner *runner;
	struct gh_pl011 *uart;
	struct origin at;
	char *spec;
	int fd;
	int slave;
	bool is_file;
	bool writing;
	bool complained;
	struct listener listener;
	struct watch watch;
	struct gh_io write;
	struct gh_timer flush;
	struct gh_timer retry;
	size_t out_len, out_size, busy_len, busy_pos;
	uint8_t *out, *busy;
	uint64_t lost;
	unsigned int in_len;
	uint8_t in[64];
};

static int complain(const struct origin *at, const char *spec, int error)
{
	cli_error(at, "console '%s': %s%s", spec, strerror(-error), cli_path_cure(-error));
	return error;
}

/* ---- output to a file ------------------------------------------------------------------ */

static void arm_flush(struct serial *s)
{
	if (s->flush.armed)
		return;
	s->flush.deadline_ns = gh_now_ns() + FLUSH_NS;
	gh_timer_arm(s->runner, &s->flush);
}

static void write_busy(struct serial *s)
{
	struct io_uring_sqe *sqe = gh_io_get_sqe(s->runner);

	if (!sqe) {
		arm_flush(s);
		return;
	}
	/* The offset of the descriptor, which may be a pipe's. */
	io_uring_prep_write(sqe, s->fd, s->busy + s->busy_pos,
			    (unsigned int)(s->busy_len - s->busy_pos), UINT64_MAX);
	gh_io_attach(sqe, &s->write);
	s->writing = true;
}

static void flush_file(struct serial *s)
{
	uint8_t *bytes = s->busy;

	if (s->writing)
		return;
	if (s->busy_pos == s->busy_len) {
		if (!s->out_len)
			return;
		s->busy = s->out;
		s->busy_len = s->out_len;
		s->busy_pos = 0;
		s->out = bytes;
		s->out_len = 0;
	}
	write_busy(s);
}

/* One line for each time that it begins. */
static void lose(struct serial *s, int error)
{
	s->lost += s->busy_len - s->busy_pos;
	s->busy_pos = s->busy_len;
	if (!s->complained)
		cli_error(&s->at, "console '%s': %s; what the guest prints is lost meanwhile",
			  s->spec, strerror(-error));
	s->complained = true;
}

static void on_written(struct gh_io *io, int res, uint32_t flags)
{
	struct serial *s = (struct serial *)((char *)io - offsetof(struct serial, write));

	s->writing = false;
	if (res > 0) {
		s->busy_pos += (size_t)res;
		s->complained = false;
	} else if (res != -EINTR) {
		lose(s, res ? res : -ENOSPC);
	}
	flush_file(s);
}

/* ---- output ---------------------------------------------------------------------------- */

static void flush_output(struct serial *s)
{
	ssize_t n = 0;

	gh_timer_cancel(s->runner, &s->flush);
	if (s->is_file) {
		flush_file(s);
		return;
	}
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

	if (s->out_len == s->out_size) {
		s->lost++;
		return;
	}
	s->out[s->out_len++] = byte;
	if (byte == '\n' || s->out_len == s->out_size)
		flush_output(s);
	else
		arm_flush(s);
}

/* ---- input --------------------------------------------------------------------------- */

static void wait_input(struct serial *s)
{
	watch_for(&s->watch, s->fd >= 0 ? s->fd : s->listener.fd, POLLIN);
}

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
		if (s->listener.fd < 0)
			return;
		hang_up(s);
	}
	wait_input(s);
}

static void on_ready(struct watch *w)
{
	struct serial *s = (struct serial *)((char *)w - offsetof(struct serial, watch));

	if (s->fd >= 0) {
		take_input(s);
		return;
	}
	s->fd = accept4(s->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s->fd < 0 && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
		watch_later(w, s->listener.fd, POLLIN);
	else
		wait_input(s);
}

/* ---- kinds ---------------------------------------------------------------------------- */

static int open_pty(struct serial *s, const char *name)
{
	struct termios raw;
	char slave[64];

	s->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0 || grantpt(s->fd) || unlockpt(s->fd) ||
	    ptsname_r(s->fd, slave, sizeof(slave)))
		return -errno;
	s->slave = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (s->slave < 0 || tcgetattr(s->slave, &raw))
		return -errno;
	cfmakeraw(&raw);
	if (tcsetattr(s->slave, TCSANOW, &raw))
		return -errno;
	printf("[%s] console on %s\n", name, slave);
	/* What is wrong with standard output is said at the end. */
	fflush(stdout);
	return 0;
}

/*
 * Opening a pipe must not wait for its reader; without one we are it, and the first that
 * comes gets what is in there.
 */
static int open_file(struct serial *s, const char *path)
{
	const int flags = O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat st;

	s->is_file = true;
	s->fd = open(path, O_WRONLY | flags, 0600);
	if (s->fd < 0 && errno == ENXIO)
		s->fd = open(path, O_RDWR | flags, 0600);
	if (s->fd < 0 || fstat(s->fd, &st))
		return -errno;
	/* With it a ring refuses what it could only write by waiting. */
	if (S_ISREG(st.st_mode) && fcntl(s->fd, F_SETFL, 0))
		return -errno;
	s->out_size = FILE_BYTES;
	s->busy = malloc(FILE_BYTES);
	return s->busy ? 0 : -ENOMEM;
}

static int open_kind(struct serial *s, const char *spec)
{
	int ret;

	s->out_size = CABLE_BYTES;
	if (!strcmp(spec, "pty"))
		ret = open_pty(s, s->at.guest);
	else if (!strncmp(spec, "unix:", 5))
		ret = listener_open(&s->listener, spec + 5);
	else
		ret = open_file(s, spec + 5);
	if (ret)
		return ret;
	s->spec = strdup(spec);
	s->out = malloc(s->out_size);
	return s->out && s->spec ? 0 : -ENOMEM;
}

int serial_open(struct gh_runner *runner, const char *spec, const struct origin *at,
		struct serial **out)
{
	struct serial *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return complain(at, spec, -ENOMEM);
	s->runner = runner;
	s->at = *at;
	s->fd = -1;
	s->listener.fd = -1;
	s->slave = -1;
	s->write.done = on_written;
	s->flush.fire = on_flush;
	s->retry.fire = on_retry;
	watch_init(&s->watch, runner, on_ready);
	ret = open_kind(s, spec);
	if (ret) {
		complain(at, spec, ret);
		serial_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

int serial_connect(struct serial *s, struct gh_pl011 *uart)
{
	s->uart = uart;
	if (s->listener.fd >= 0 || s->slave >= 0)
		wait_input(s);
	return 0;
}

const char *serial_path(const struct serial *s)
{
	return s ? s->listener.path : NULL;
}

bool serial_finish(struct serial *s)
{
	if (!s)
		return true;
	flush_output(s);
	gh_timer_cancel(s->runner, &s->retry);
	watch_stop(&s->watch);
	return !s->writing && !s->out_len && s->busy_pos == s->busy_len;
}

void serial_close(struct serial *s)
{
	if (!s)
		return;
	s->lost += s->is_file ? s->out_len + s->busy_len - s->busy_pos : 0;
	if (s->is_file && s->lost)
		cli_error(&s->at, "console '%s': %" PRIu64 " bytes were lost", s->spec, s->lost);
	if (s->fd >= 0)
		close(s->fd);
	if (s->slave >= 0)
		close(s->slave);
	listener_close(&s->listener);
	free(s->spec);
	free(s->out);
	free(s->busy);
	free(s);
}
