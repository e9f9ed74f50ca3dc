// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The side of a request that asks: io.h says what goes over the socket.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"

int request_patience_ms = 10000;

/* Until the end of the stream. */
static int read_all(int fd, FILE *f)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	for (;;) {
		n = poll(&p, 1, request_patience_ms);
		if (!n)
			return -ETIMEDOUT;
		if (n > 0)
			n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			return 0;
		if (n > 0)
			fwrite(buf, 1, (size_t)n, f);
	}
}

static int exchange(int fd, const char *line, char **text, size_t *size)
{
	FILE *f = open_memstream(text, size);
	int ret;

	if (!f)
		return -ENOMEM;
	/* A line fits into the buffer of a new socket. */
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		ret = -errno;
	else
		ret = read_all(fd, f);
	if (fclose(f) && !ret)
		ret = -ENOMEM;
	return ret;
}

static const char *dial_cure(int error)
{
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		return "; no gh-runner listens there: start one with --control, or name its "
		       "socket with --control=PATH";
	case -EACCES:
	case -EPERM:
		return "; only who started that gh-runner may ask it";
	default:
		return "";
	}
}

/* The line that says what is wrong. */
static char *say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static char *say(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

/* The text behind the first line, if that fits to it; *@ok: it is no error. */
static const char *body_of(const char *text, size_t size, bool *ok)
{
	const char *body = memchr(text, '\n', size), *length;
	char *end;

	*ok = !strncmp(text, REQUEST_OK " ", strlen(REQUEST_OK " "));
	length = strchr(text, ' ');
	if (!body || !length || length > body)
		return NULL;
	body++;
	if (strtoul(length, &end, 10) != size - (size_t)(body - text) || end != body - 1)
		return NULL;
	return body;
}

/* As far as it goes. */
static bool begins_like_an_answer(const char *text, size_t size)
{
	static const char * const words[] = { REQUEST_OK " ", REQUEST_ERROR " " };
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (!strncmp(text, words[i], size < strlen(words[i]) ? size : strlen(words[i])))
			return true;
	return false;
}

static int take(const char *path, const char *answer, size_t size, char **text)
{
	const char *body;
	bool ok;

	if (!begins_like_an_answer(answer, size)) {
		*text = say("%s: what answers there is no gh-runner, or one of another version",
			    path);
		return -EPROTO;
	}
	body = body_of(answer, size, &ok);
	if (!body) {
		*text = say("%s: the answer is cut off after %zu bytes; ask again", path, size);
		return -EPROTO;
	}
	*text = say("%.*s", (int)(strlen(body) - !ok), body);
	return ok ? 0 : -EREMOTEIO;
}

int request_send(const char *path, const char *line, char **text)
{
	char *answer = NULL;
	int fd = socket_dial(path), ret;
	size_t size = 0;

	if (fd < 0) {
		*text = say("%s: %s%s", path, strerror(-fd), dial_cure(fd));
		return fd;
	}
	ret = exchange(fd, line, &answer, &size);
	close(fd);
	if (ret == -ETIMEDOUT)
		*text = say("%s: no answer for %d seconds; it may still be starting guests", path,
			    request_patience_ms / 1000);
	else if (ret)
		*text = say("%s: reading the answer: %s", path, strerror(-ret));
	else
		ret = take(path, answer, size, text);
	free(answer);
	return ret;
}

char *request_or_complain(const char *path, const char *line)
{
	char *text;

	if (!request_send(path, line, &text) && text)
		return text;
	cli_error(NULL, "%s", text ? text : "out of memory");
	free(text);
	return NULL;
}
