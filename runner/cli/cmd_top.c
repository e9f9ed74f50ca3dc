// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * gh-runner top: what each guest does, as rates between two looks.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum counter { ENTRIES, EXITS, MMIO, PARKS, KICKS, NR_COUNTERS };

/**
 * struct row - a guest at one moment
 * @total: since its start
 * @rate: a second, since the look before
 */
struct row {
	char name[CLI_NAME];
	char state[12];
	char cpu[12];
	unsigned int vcpus;
	unsigned int runner;
	uint64_t total[NR_COUNTERS];
	double rate[NR_COUNTERS];
};

/**
 * struct look - all of them
 * @rows: owned
 * @has_rates: there was one before
 */
struct look {
	uint64_t now_ns, cpu_ns, up_ns, exits, enters;
	unsigned int vcpus, runnable, parked, runners;
	unsigned int nr_rows;
	struct row *rows;
	bool has_rates;
	double cpu, exit_rate, per_enter;
};

/* ---- a look ---------------------------------------------------------------------------- */

static bool parse_row(const char *line, struct row *r)
{
	int n = sscanf(line, "%31s %11s %u %u %11s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		       " %" SCNu64, r->name, r->state, &r->vcpus, &r->runner, r->cpu,
		       &r->total[ENTRIES], &r->total[EXITS], &r->total[MMIO], &r->total[PARKS],
		       &r->total[KICKS]);

	return n == 10;
}

static bool parse(char *text, struct look *l)
{
	unsigned int lines = 0;
	char *line;

	for (line = text; (line = strchr(line, '\n')); line++)
		lines++;
	*l = (struct look) { .rows = calloc(lines + 1, sizeof(*l->rows)) };
	line = strsep(&text, "\n");
	if (!l->rows || sscanf(line, "now=%" SCNu64 " cpu=%" SCNu64 " up=%" SCNu64 " exits=%" SCNu64
			       " enters=%" SCNu64 " vcpus=%u runnable=%u parked=%u runners=%u",
			       &l->now_ns, &l->cpu_ns, &l->up_ns, &l->exits, &l->enters, &l->vcpus,
			       &l->runnable, &l->parked, &l->runners) != 9)
		return false;
	while ((line = strsep(&text, "\n")) && *line)
		if (!parse_row(line, &l->rows[l->nr_rows++]))
			return false;
	return true;
}

static double rate(uint64_t now, uint64_t before, double seconds)
{
	return now > before ? (double)(now - before) / seconds : 0;
}

/* Guests are in the order of their start, which stays; new ones come behind. */
static void make_rates(struct look *l, const struct look *before)
{
	double seconds = (double)(l->now_ns - before->now_ns) / 1e9;
	unsigned int i, j;

	if (!before->rows || l->now_ns <= before->now_ns)
		return;
	l->has_rates = true;
	l->cpu = 100 * rate(l->cpu_ns, before->cpu_ns, seconds) / 1e9;
	l->exit_rate = rate(l->exits, before->exits, seconds);
	if (l->enters > before->enters)
		l->per_enter = (double)(l->exits - before->exits) /
			       (double)(l->enters - before->enters);
	for (i = 0; i < l->nr_rows && i < before->nr_rows; i++)
		for (j = 0; j < NR_COUNTERS; j++)
			l->rows[i].rate[j] = rate(l->rows[i].total[j], before->rows[i].total[j],
						  seconds);
}

/* *@error is the caller's. */
static bool look(const struct ask *a, struct look *l, char **error)
{
	char *text = NULL;
	bool ok;

	*l = (struct look) { 0 };
	*error = NULL;
	if (request_send(a->path, "top\n", &text)) {
		*error = text;
		return false;
	}
	ok = text && parse(text, l);
	free(text);
	if (ok)
		return true;
	free(l->rows);
	l->rows = NULL;
	*error = strdup("what came cannot be read; the gh-runner that runs may be of another version");
	return false;
}

/* ---- drawing --------------------------------------------------------------------------- */

/* qsort() has no argument for it. */
static const char *sort_by;

static int compare(const void *a, const void *b)
{
	static const struct {
		const char *name;
		enum counter counter;
	} columns[] = {
		{ "exits", EXITS }, { "mmio", MMIO }, { "parks", PARKS }, { "entries", ENTRIES },
	};
	const struct row *ra = *(const struct row * const *)a, *rb = *(const struct row * const *)b;
	unsigned int i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		enum counter c = columns[i].counter;

		if (!strcmp(sort_by, columns[i].name) && ra->rate[c] != rb->rate[c])
			return ra->rate[c] < rb->rate[c] ? 1 : -1;
	}
	return strverscmp(ra->name, rb->name);
}

/* The descriptor in one piece, so that a terminal shows no half of it. */
static void head(const struct look *l, FILE *f)
{
	unsigned int i, running = 0;
	uint64_t up = l->up_ns / 1000000000;

	for (i = 0; i < l->nr_rows; i++)
		running += !strcmp(l->rows[i].state, "running");
	fprintf(f, "gh-runner top - up %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ", %u guests, %u "
		"running; %u vCPUs, %u runnable, %u parked\n", up / 3600, up / 60 % 60, up % 60,
		l->nr_rows, running, l->vcpus, l->runnable, l->parked);
	if (l->has_rates)
		fprintf(f, "CPU %.1f%% in %u runner%s; %.0f exits/s, %.1f per io_uring_enter\n",
			l->cpu, l->runners, l->runners == 1 ? "" : "s", l->exit_rate, l->per_enter);
	else
		fputs("rates follow\n", f);
	fputc('\n', f);
}

/* As wide as the longest name. */
static int name_width(const struct look *l)
{
	int width = 12, len;
	unsigned int i;

	for (i = 0; i < l->nr_rows; i++) {
		len = (int)strlen(l->rows[i].name);
		width = len > width ? len : width;
	}
	return width;
}

static void line(const struct look *l, const struct row *r, int width, FILE *f)
{
	fprintf(f, "%-*s %-8s %5u %6u %4s", width, r->name, r->state, r->vcpus, r->runner, r->cpu);
	if (l->has_rates)
		fprintf(f, " %9.0f %9.0f %9.0f %9.0f\n", r->rate[EXITS], r->rate[MMIO],
			r->rate[PARKS], r->rate[ENTRIES]);
	else
		fprintf(f, " %9s %9s %9s %9s\n", "-", "-", "-", "-");
}

/* At most @rows lines, 0: all. */
static void frame(const struct look *l, unsigned int rows, FILE *f)
{
	const struct row **order = calloc(l->nr_rows + 1, sizeof(*order));
	unsigned int i, shown = l->nr_rows;
	int width = name_width(l);

	if (!order)
		return;
	for (i = 0; i < l->nr_rows; i++)
		order[i] = &l->rows[i];
	qsort(order, l->nr_rows, sizeof(*order), compare);
	/* Four lines are above, and one below says what is left out. */
	if (rows && shown + 4 > rows)
		shown = rows > 5 ? rows - 5 : 0;
	head(l, f);
	fprintf(f, "%-*s %-8s %5s %6s %4s %9s %9s %9s %9s\n", width, "NAME", "STATE", "VCPUS",
		"RUNNER", "CPU", "EXITS/s", "MMIO/s", "PARKS/s", "ENTRIES/s");
	for (i = 0; i < shown; i++)
		line(l, order[i], width, f);
	if (shown < l->nr_rows)
		fprintf(f, "... and %u more\n", l->nr_rows - shown);
	free(order);
}

/* In place: each line cut to the screen and cleared behind its end, then all below. */
static void draw(const struct look *l)
{
	unsigned int rows, columns;
	char *text = NULL, *rest, *one;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	terminal_size(&rows, &columns);
	if (!f)
		return;
	frame(l, rows, f);
	if (fclose(f)) {
		free(text);
		return;
	}
	fputs("\033[H", stdout);
	text[size - 1] = '\0';
	for (rest = text; rows && (one = strsep(&rest, "\n")); rows--)
		printf("%.*s\033[K%s", (int)columns, one, rest && rows > 1 ? "\r\n" : "");
	fputs("\033[J", stdout);
	fflush(stdout);
	free(text);
}

/* ---- the loop -------------------------------------------------------------------------- */

/* Until it is time for the next look; false: it is to end. */
static bool wait_in_terminal(const struct ask *a, const struct look *l)
{
	uint64_t until = gh_now_ns() / 1000000 + a->delay_ms, now;
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	while ((now = gh_now_ns() / 1000000) < until) {
		switch (terminal_wait(&p, 1, (int)(until - now))) {
		case TERMINAL_QUIT:
			return false;
		case TERMINAL_RESIZED:
			draw(l);
			continue;
		case TERMINAL_READY:
			break;
		}
		if (!p.revents)
			continue;
		p.revents = 0;
		/* Of what is at its end nothing more comes. */
		if (read(STDIN_FILENO, &key, 1) != 1)
			p.fd = -1;
		else if (key == 'q')
			return false;
	}
	return true;
}

static bool in_terminal(const struct ask *a, struct look *l, char **error)
{
	uint64_t frames;
	struct look next;

	terminal_begin(TERMINAL_KEYS, true);
	draw(l);
	for (frames = 0; !a->frames || frames < a->frames; frames++) {
		if (!wait_in_terminal(a, l) || !look(a, &next, error))
			break;
		make_rates(&next, l);
		free(l->rows);
		*l = next;
		draw(l);
	}
	terminal_end();
	/* Who wanted so many wants to see the last one, too. */
	if (frames && frames == a->frames)
		frame(l, 0, stdout);
	return !*error;
}

/* Rates need two looks, so the first is not shown. */
static bool as_text(const struct ask *a, struct look *l, char **error)
{
	uint64_t frames;
	struct look next;

	for (frames = 0; !a->frames || frames < a->frames; frames++) {
		poll(NULL, 0, (int)a->delay_ms);
		if (!look(a, &next, error))
			return false;
		make_rates(&next, l);
		free(l->rows);
		*l = next;
		if (frames)
			putchar('\n');
		frame(l, 0, stdout);
		if (fflush(stdout))
			return true;
	}
	return true;
}

int cmd_top(const char *name, int argc, char **argv)
{
	char *error = NULL;
	struct look l;
	struct ask a;
	int status;
	bool ok;

	if (!ask_parse(name, argc, argv, &a, &status))
		return status;
	sort_by = a.sort;
	ok = look(&a, &l, &error);
	if (ok)
		ok = isatty(STDOUT_FILENO) ? in_terminal(&a, &l, &error) : as_text(&a, &l, &error);
	if (!ok)
		cli_error(NULL, "%s", error ? error : "out of memory");
	free(error);
	free(l.rows);
	return ok ? CLI_OK : CLI_FAILED;
}
