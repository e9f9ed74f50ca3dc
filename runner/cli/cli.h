/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_CLI_H
#define GH_CLI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <gh-runner/group.h>
#include <gh-runner/pl011.h>
#include <gh-runner/testdev.h>

#define CLI_MAX_GUEST_OPTIONS	64
#define CLI_MAX_GUESTS		4096
#define CLI_LINE		240
#define CLI_CONTROL		"/run/gh-runner.sock"

/* Exit statuses. */
#define CLI_OK		0
#define CLI_FAILED	1	/* a guest did not do what it should */
#define CLI_USAGE	2	/* wrong command line, or nothing could be started */

/* ---- errors -------------------------------------------------------------------- */

/**
 * struct origin - where something was said that is wrong; strings are borrowed
 * @file, @line: NULL: on the command line
 * @guest: its name, NULL: none is concerned
 */
struct origin {
	const char *file;
	unsigned int line;
	const char *guest;
};

/* Prints a line; @at may be NULL. Returns false. */
bool cli_error(const struct origin *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void cli_runner_error(const struct origin *at, const struct gh_error_info *e);
/* What to do about an -errno of a path, "" or behind a semicolon. */
const char *cli_path_cure(int error);

/* ---- files ----------------------------------------------------------------------- */

/* For writing, mode 0644 at most. NULL with errno. */
FILE *cli_create(const char *path);
/* Readers see the old file or the new one, never half of it. -1 with errno. */
int cli_replace(const char *path, const char *text);

/* ---- options of `gh-runner run` ---------------------------------------------- */

/* One --guest option or a guest of a file; strings point into either. */
struct guest_option {
	struct origin at;
	const char *image;
	const char *name;
	const char *bootargs;
	const char *console;
	unsigned int count;
	unsigned int vcpus;
	uint64_t memory;
	uint64_t param0;
	uint64_t param1;
};

/* What the command line and a file can both say. */
struct run_settings {
	uint64_t seconds;
	uint64_t slice_us;
	uint64_t cpus;
	enum gh_backend backend;
	const char *json;
	const char *control;
};

/**
 * struct run_options - all options
 * @given: settings of the command line, by bit: those of a file do not replace them
 * @file: with settings and guests, or NULL
 * @config: owned, for config_unload()
 */
struct run_options {
	struct guest_option guests[CLI_MAX_GUEST_OPTIONS];
	unsigned int nr_guests;
	struct run_settings set;
	unsigned int given;
	bool quiet;
	const char *file;
	void *config;
};

/* Prints what is wrong and returns false; *done: help or version was printed. */
bool run_options_parse(int argc, char **argv, struct run_options *o, bool *done);

/* Of the same names as on the command line; print what is wrong. */
bool run_option_set(struct run_options *o, const struct origin *at, const char *name,
		    const char *value);
bool guest_option_set(struct guest_option *g, const struct origin *at, const char *key,
		      const char *value);
/* @at is copied. */
struct guest_option *guest_option_add(struct run_options *o, const struct origin *at);

bool config_load(struct run_options *o);
void config_unload(struct run_options *o);

/* ---- terminal ----------------------------------------------------------------- */

/**
 * struct screen - standard output: guests' lines and, on a terminal, a status line
 * @tty: the status line is drawn over and over in place
 * @quiet: neither
 * @drawn: a status line is on the screen
 * @next_ns: when the next status line is due, not on a terminal
 * @lock: all of it, and standard output
 */
struct screen {
	bool tty;
	bool quiet;
	bool drawn;
	uint64_t next_ns;
	pthread_mutex_t lock;
};

/* Lines and status of several threads do not mix. */
void screen_init(struct screen *s, bool quiet);
void screen_line(struct screen *s, const char *tag, const char *line);
void screen_status(struct screen *s, uint64_t now_ns, const char *text);
void screen_clear(struct screen *s);

/* Collects a guest's output until a line is complete. */
struct console {
	struct screen *screen;
	const char *tag;
	unsigned int len;
	char line[CLI_LINE];
};

void console_output(void *opaque, uint8_t byte);
void console_flush(struct console *c);

struct serial;

/*
 * Where a guest's serial port goes instead of standard output: "file:PATH", "pty"
 * or "unix:PATH". Prints what is wrong, and which terminal it became.
 */
int serial_open(struct gh_runner *runner, const char *spec, const struct origin *at,
		struct serial **serial);
/* What came in goes to @uart, borrowed until serial_close(). */
int serial_connect(struct serial *s, struct gh_pl011 *uart);
/* Before gh_runner_destroy(): no timer is left. NULL is fine. */
void serial_flush(struct serial *s);
/* After gh_runner_destroy(). NULL is fine. */
void serial_close(struct serial *s);
/* Of its socket; NULL if it has none. */
const char *serial_path(const struct serial *s);
/* For struct gh_pl011_config. */
void serial_output(void *opaque, uint8_t byte);

/* ---- guests -------------------------------------------------------------------- */

struct guest {
	struct gh_vm *vm;
	struct gh_testdev *testdev;
	struct console console;
	struct serial *serial;
	struct gh_vm_result result;
	char name[32];
};

/**
 * struct fleet - all guests of a run
 * @runner: of the main thread
 * @group: it and the others of --cpus; NULL: it is alone
 * @lock: @nr_ended, @end_ns and the guests' results, which others' threads write
 */
struct fleet {
	struct gh_runner *runner;
	struct gh_group *group;
	pthread_mutex_t lock;
	struct run_options options;
	struct screen screen;
	struct guest *guests;
	unsigned int nr_guests;		/* all */
	unsigned int nr_started;
	unsigned int nr_ended;
	unsigned int threads;		/* the most that were seen */
	uint64_t start_ns;
	uint64_t end_ns;
	struct gh_stats stats;
};

/* On the main thread. */
void fleet_stats(struct fleet *s, struct gh_stats *stats);
/* @g: NULL: all. */
void fleet_stop(struct fleet *s, struct guest *g);
void fleet_destroy(struct fleet *s);
unsigned int fleet_ended(struct fleet *s);
enum gh_vm_end fleet_end(struct fleet *s, const struct guest *g);

/* ---- control ------------------------------------------------------------------- */

/* A unix socket of mode 0600, or one that is connected; -1 with errno. */
int socket_listen(const char *path);
int socket_dial(const char *path);

struct control;

/* Prints what is wrong. @fleet is borrowed until control_close(). */
int control_open(struct fleet *fleet, const char *path, struct control **control);
/* Before gh_runner_destroy(), and the rest after it. NULL is fine. */
void control_stop(struct control *c);
void control_close(struct control *c);

/* ---- report --------------------------------------------------------------------- */

const char *end_name(enum gh_vm_end end);
void metrics_table(const struct fleet *s, FILE *f);
/* The members of an object, without its braces. */
void metrics_json(const struct fleet *s, const char *indent, FILE *f);
void metrics_openmetrics(const struct fleet *s, FILE *f);

/* Prints the table and what failed; returns the number of guests that failed. */
unsigned int report_print(const struct fleet *s, FILE *out);
int report_json(const struct fleet *s, const char *path);
unsigned int count_threads(void);

void print_version(void);

/* A command: @name is its own, @argv without it. Return an exit status. */
int cmd_run(const char *name, int argc, char **argv);
/* ps and stats; kick and stop; the rest. */
int cmd_show(const char *name, int argc, char **argv);
int cmd_guest(const char *name, int argc, char **argv);
int cmd_top(const char *name, int argc, char **argv);
int cmd_console(const char *name, int argc, char **argv);

#endif /* GH_CLI_H */
