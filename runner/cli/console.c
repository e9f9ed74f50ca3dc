// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Standard output: whole lines of the guests, and a status line.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define STATUS_INTERVAL_NS	5000000000ULL

void screen_init(struct screen *s, bool quiet)
{
	const char *term = getenv("TERM");

	*s = (struct screen) {
		.tty = isatty(STDOUT_FILENO) && (!term || strcmp(term, "dumb")),
		.quiet = quiet,
		.next_ns = gh_now_ns() + STATUS_INTERVAL_NS,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	/* Flushed with every status: hundreds of guests print, one thread writes. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
}

static void clear(struct screen *s)
{
	if (s->drawn)
		fputs("\r\033[K", stdout);
	s->drawn = false;
}

void screen_clear(struct screen *s)
{
	pthread_mutex_lock(&s->lock);
	clear(s);
	pthread_mutex_unlock(&s->lock);
}

void screen_line(struct screen *s, const char *tag, const char *line)
{
	if (s->quiet)
		return;
	pthread_mutex_lock(&s->lock);
	clear(s);
	if (s->tty)
		printf("\033[2m[%s]\033[0m %s\n", tag, line);
	else
		printf("[%s] %s\n", tag, line);
	pthread_mutex_unlock(&s->lock);
}

static int columns(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col)
		return 80;
	return ws.ws_col;
}

/* On a terminal in place; elsewhere a line of its own, every few seconds at most. */
void screen_status(struct screen *s, uint64_t now_ns, const char *text)
{
	pthread_mutex_lock(&s->lock);
	if (!s->quiet && s->tty) {
		clear(s);
		printf("%.*s", columns() - 1, text);
		s->drawn = true;
	} else if (!s->quiet && now_ns >= s->next_ns) {
		puts(text);
		s->next_ns = now_ns + STATUS_INTERVAL_NS;
	}
	fflush(stdout);
	pthread_mutex_unlock(&s->lock);
}

void console_flush(struct console *c)
{
	if (!c->len)
		return;
	c->line[c->len] = '\0';
	screen_line(c->screen, c->tag, c->line);
	c->len = 0;
}

/* The guest is not trusted with the terminal: what is not text becomes '?'. */
void console_output(void *opaque, uint8_t byte)
{
	struct console *c = opaque;

	if (byte == '\r')
		return;
	if (byte == '\n' && !c->len) {
		screen_line(c->screen, c->tag, "");
		return;
	}
	if (byte == '\n') {
		console_flush(c);
		return;
	}
	if (c->len == sizeof(c->line) - 1)
		console_flush(c);
	c->line[c->len++] = byte == '\t' || (byte >= ' ' && byte < 0x7f) ? (char)byte : '?';
}
