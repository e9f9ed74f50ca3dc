/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Files, sockets, consoles and requests of the command line. Nothing here knows what a
 * run is. Functions return -errno unless said otherwise, and print what they say.
 */
#ifndef GH_CLI_IO_H
#define GH_CLI_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <gh-runner/gh-runner.h>
#include <gh-runner/pl011.h>

struct origin;

/* ---- files ----------------------------------------------------------------------- */

/**
 * struct replacement - a file that is replaced when it is complete
 * @file: to write to
 * @path: its name in the end; borrowed
 * @tmp: its name until then, owned; NULL: @path is no file and is written to directly
 */
struct replacement {
	FILE *file;
	const char *path;
	char *tmp;
};

/* Readers see the old file or the new one, never half of it; only the owner may write. */
int replace_begin(struct replacement *r, const char *path);
/* Also what could not be written since is told here; then the old file is left. */
int replace_end(struct replacement *r);

/* Flushes standard output. False: something of it was lost, which was printed. */
bool stdout_is_complete(void);

/* ---- sockets --------------------------------------------------------------------- */

/**
 * struct listener - a unix socket of mode 0600 that is listened at
 * @fd: -1: none
 * @path: absolute, owned
 * @dev, @ino: of what has the name
 */
struct listener {
	int fd;
	char *path;
	dev_t dev;
	ino_t ino;
};

/*
 * One that was left behind by a program that is gone is replaced. -EADDRINUSE: somebody
 * listens there; -EEXIST: it is no socket.
 */
int listener_open(struct listener *l, const char *path);
/* Removes the name, if it is still this socket's. */
void listener_close(struct listener *l);
/* A connected descriptor. */
int socket_dial(const char *path);

/**
 * struct watch - waits for a descriptor on a runner
 * @ready: called from dispatch; no poll is on its way then
 * @fd, @events: what is waited for
 * @io, @retry: its own
 *
 * The memory is the caller's until gh_runner_destroy(), for a poll stays on the ring.
 */
struct watch {
	struct gh_runner *runner;
	void (*ready)(struct watch *w);
	int fd;
	short events;
	struct gh_io io;
	struct gh_timer retry;
};

/* Nothing is waited for yet. */
void watch_init(struct watch *w, struct gh_runner *runner, void (*ready)(struct watch *w));
/* Calls @ready once. A full ring only makes it later. */
void watch_for(struct watch *w, int fd, short events);
/* The same, but not at once: of a descriptor that is ready and cannot be served now. */
void watch_later(struct watch *w, int fd, short events);
/* On the thread of the runner. A poll on its way is forgotten when that is destroyed. */
void watch_stop(struct watch *w);

/* ---- consoles -------------------------------------------------------------------- */

struct serial;

/*
 * Where a guest's serial port goes instead of standard output: "file:PATH", "pty"
 * or "unix:PATH". Prints what is wrong, and which terminal it became.
 */
int serial_open(struct gh_runner *runner, const char *spec, const struct origin *at,
		struct serial **serial);
/* What came in goes to @uart, borrowed until serial_close(). */
int serial_connect(struct serial *s, struct gh_pl011 *uart);
/*
 * Before gh_runner_destroy(): true: nothing waits to be written and no timer is left.
 * Else the runner is to be driven, and asked again. NULL is fine.
 */
bool serial_finish(struct serial *s);
/* After gh_runner_destroy(). Says how much was lost of a file. NULL is fine. */
void serial_close(struct serial *s);
/* Of its socket, absolute; NULL if it has none. */
const char *serial_path(const struct serial *s);
/* For struct gh_pl011_config. */
void serial_output(void *opaque, uint8_t byte);

/* ---- requests -------------------------------------------------------------------- */

/*
 * How a request goes over the control socket. The client sends a line. The answer is a
 * line "ok LENGTH" or "error LENGTH", LENGTH bytes of text, and the end of the stream:
 * whatever is shorter or longer is not an answer.
 */
#define REQUEST_LINE	128
#define REQUEST_OK	"ok"
#define REQUEST_ERROR	"error"

/* How long the next byte of an answer may take. */
extern int request_patience_ms;

/*
 * *@text is the caller's: what was answered or, if it is not 0, one line that says what is
 * wrong. NULL: there is no memory.
 */
int request_send(const char *path, const char *line, char **text);
/* Prints what is wrong and returns NULL then. */
char *request_or_complain(const char *path, const char *line);

/* ---- terminal -------------------------------------------------------------------- */

enum terminal_mode {
	TERMINAL_KEYS,	/* keys come at once and unseen, Ctrl-C is a signal */
	TERMINAL_RAW,	/* all keys come, Ctrl-C too */
};

/*
 * Standard input as a terminal, and signals that end a program or stop it, caught and
 * blocked but in terminal_wait(), so that the terminal is put back whatever happens. One
 * at a time. Without a terminal only the signals.
 */
void terminal_begin(enum terminal_mode mode, bool full_screen);
void terminal_end(void);

enum terminal_event {
	TERMINAL_READY,		/* a descriptor, or the time is over */
	TERMINAL_RESIZED,	/* or continued after a stop: draw anew */
	TERMINAL_QUIT,		/* a signal */
};

struct pollfd;

/* @timeout_ms: -1: none. */
enum terminal_event terminal_wait(struct pollfd *p, unsigned int nr, int timeout_ms);
/* Of standard output; 24 and 80 if it has none. */
void terminal_size(unsigned int *rows, unsigned int *columns);

/* ---- asking commands ------------------------------------------------------------- */

/**
 * struct ask - what the command line of a request says
 * @name: of a guest, or NULL
 * @format: "", "json" or "openmetrics"
 * @file: NULL: standard output
 * @sort: a column of top
 * @delay_ms, @frames: of top; 0: without end
 */
struct ask {
	const char *command;
	const char *path;
	const char *name;
	const char *format;
	const char *file;
	const char *sort;
	uint64_t delay_ms;
	uint64_t frames;
};

/* False: *@status is to be returned; help was printed, or what is wrong. */
bool ask_parse(const char *command, int argc, char **argv, struct ask *a, int *status);

#endif /* GH_CLI_IO_H */
