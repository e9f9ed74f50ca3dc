/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_CLI_H
#define GH_CLI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <gh-runner/filedev.h>
#include <gh-runner/group.h>
#include <gh-runner/power.h>
#include <gh-runner/testdev.h>

#include "io.h"

#define CLI_MAX_GUEST_OPTIONS	64
#define CLI_MAX_GUESTS		4096
#define CLI_LINE		240
#define CLI_NAME		32	/* of a guest, with the end */
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
/* What @runner says of @error or, if it does not, @what. On its thread. Returns @error. */
int cli_start_error(const struct origin *at, const struct gh_runner *runner, const char *what,
		    int error);
/* What to do about an -errno of a path, "" or behind a semicolon. */
const char *cli_path_cure(int error);

/* Letters, digits and . _ - + : @, beginning with a letter, a digit, . or _. */
bool cli_name_is_fine(const char *name);
/* The same; prints what is wrong. */
bool cli_name_check(const struct origin *at, const char *name);

/* ---- options of `gh-runner run` ---------------------------------------------- */

/* One --guest option or a guest of a file; strings point into either. */
struct guest_option {
	struct origin at;
	const char *image;
	const char *name;
	const char *bootargs;
	const char *console;
	const char *file;
	bool rtc;
	bool power;
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

/* ---- guests -------------------------------------------------------------------- */

/**
 * struct guest - one guest of a run
 * @vm, @testdev, @serial, @file: owned; NULL: not yet, or none
 * @power, @asked: its power device, and what it asked of it
 * @result, @vcpu, @hint, @member: under the fleet's lock once it is started; of an error also
 *	the vCPU, or -1, and what the library knows about it, or ""
 */
struct guest {
	struct fleet *fleet;
	struct gh_vm *vm;
	struct gh_testdev *testdev;
	struct console console;
	struct serial *serial;
	struct gh_filedev *file;
	bool has_file;
	int file_fd;
	struct gh_power power;
	enum gh_power_request asked;
	struct gh_vm_result result;
	int vcpu;
	const char *hint;
	unsigned int member;
	char name[CLI_NAME];
};

/**
 * struct member - a runner with a thread
 * @runner: borrowed
 * @cpu: that its thread is bound to, -1: none
 * @placed: vCPUs of the guests that were started there
 */
struct member {
	struct gh_runner *runner;
	int cpu;
	unsigned int placed;
};

/**
 * struct fleet - all guests of a run
 * @runner: of the main thread
 * @group: it and the others of --cpus; NULL: it is alone
 * @members: @nr_members of them, that of the main thread first; owned
 * @lock: @nr_ended, @end_ns and what a guest says is under it, which others' threads write
 * @no_irqs: that there are none was said
 */
struct fleet {
	struct gh_runner *runner;
	struct gh_group *group;
	struct member *members;
	unsigned int nr_members;
	pthread_mutex_t lock;
	struct run_options options;
	struct screen screen;
	struct guest *guests;
	unsigned int nr_guests;		/* all */
	unsigned int nr_started;
	unsigned int nr_ended;
	unsigned int threads;		/* the most that were seen */
	bool no_irqs;
	uint64_t start_ns;
	uint64_t end_ns;
	struct gh_stats stats;
};

struct guest_state {
	enum gh_vm_end end;
	unsigned int member;
};

/* Those without another word are for the main thread. */

/* Binds the main thread and fills @members; -ENOMEM. */
int fleet_describe(struct fleet *s);
/* As gh_group_call(), also where there is no group. */
int fleet_call(struct fleet *s, unsigned int member,
	       int (*fn)(struct gh_runner *runner, void *arg), void *arg);
/* The member where a guest of @vcpus is to be started. */
unsigned int fleet_place(struct fleet *s, unsigned int vcpus);
/*
 * Says which threads of --cpus had a ring that failed; 0, or the last one's -errno. The
 * main thread's is what gh_runner_run() returned.
 */
int fleet_error(const struct fleet *s);
void fleet_stats(struct fleet *s, struct gh_stats *stats);
/* @one: NULL: all. */
void fleet_stop(struct fleet *s, struct guest *one);
void fleet_destroy(struct fleet *s);
unsigned int fleet_ended(struct fleet *s);
/* Any thread. */
void guest_state(const struct guest *g, struct guest_state *state);

/* All of one option; what is wrong is printed. */
int guests_start(struct fleet *s, const struct guest_option *o);
/* On the thread of @runner, between gh_vm_create() and gh_vm_start(). */
int guest_devices(struct gh_runner *runner, struct guest *g, const struct guest_option *o,
		  const struct origin *at);
/* There, after gh_vm_destroy(): false: drive the runner, then ask again. */
bool guest_devices_finish(struct guest *g);
/* After gh_runner_destroy(). */
void guest_devices_close(struct guest *g);

/* ---- control ------------------------------------------------------------------- */

struct control;

/* Prints what is wrong. @fleet is borrowed until control_close(). */
int control_open(struct fleet *fleet, const char *path, struct control **control);
/* Before gh_runner_destroy(), and the rest after it. NULL is fine. */
void control_stop(struct control *c);
void control_close(struct control *c);

/*
 * Carries out a line, which is changed, and writes the answer's text to @f. False: it
 * could not be done, and the text says why.
 */
bool request_carry_out(struct fleet *s, char *line, FILE *f);

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
int cmd_ps(const char *name, int argc, char **argv);
int cmd_stats(const char *name, int argc, char **argv);
int cmd_top(const char *name, int argc, char **argv);
/* kick and stop */
int cmd_guest(const char *name, int argc, char **argv);
int cmd_console(const char *name, int argc, char **argv);

#endif /* GH_CLI_H */
