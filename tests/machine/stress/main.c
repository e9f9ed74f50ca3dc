// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * stress [--seed N] [--seconds N] [--workers N]
 *
 * Starts the workers, starts each again when it ends, kills one now and then, and looks
 * whether all go on. Prints the seed first; on a failure the reason and the last
 * operations of each worker. Exit status: 0, or 1.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define MARK	"stress"

/**
 * struct watched - what the parent knows of a worker
 * @pid: its process, 0: none
 * @ops, @since: operations begun when it was looked at last, and since when so many
 */
struct watched {
	pid_t pid;
	uint64_t ops;
	uint64_t since;
};

static struct watched watched[ST_MAX_WORKERS];
static uint64_t kills;
static uint64_t lives;

static void start_worker(struct st_shared *shared, unsigned int n, const char *path)
{
	pid_t pid = fork();

	if (pid < 0)
		stress_fail("fork: errno %d", errno);
	if (!pid)
		st_worker_main(shared, n, path);
	watched[n] = (struct watched) {
		.pid = pid,
		.ops = shared->slot[n].ops,
		.since = st_now_ns(),
	};
	lives++;
}

static int find_worker(const struct st_shared *shared, pid_t pid)
{
	unsigned int n;

	for (n = 0; n < shared->workers; n++) {
		if (watched[n].pid == pid)
			return n;
	}
	return -1;
}

/* Takes in what ended; false if it should not have. */
static bool reap(struct st_shared *shared)
{
	int status, n;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		n = find_worker(shared, pid);
		/* A child of a worker that was killed. */
		if (n < 0)
			continue;
		watched[n].pid = 0;
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			continue;
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			continue;
		printf("stress: worker %d ended with status %#x%s%s\n", n, status,
		       shared->slot[n].failed ? ": " : "",
		       shared->slot[n].failed ? shared->slot[n].failure : "");
		return false;
	}
	for (n = 0; n < (int)shared->workers; n++) {
		if (shared->slot[n].failed) {
			printf("stress: worker %d: %s\n", n, shared->slot[n].failure);
			return false;
		}
	}
	return true;
}

static void print_file(const char *format, int pid)
{
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), format, pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		printf("    %s", line);
	if (f)
		fclose(f);
}

/* False if a worker has been at the same operation for too long. */
static bool watch(struct st_shared *shared)
{
	uint64_t now = st_now_ns();
	unsigned int n;

	for (n = 0; n < shared->workers; n++) {
		struct watched *w = &watched[n];

		if (!w->pid || w->ops != shared->slot[n].ops) {
			w->ops = shared->slot[n].ops;
			w->since = now;
		} else if (now - w->since > st_patience_ns()) {
			printf("stress: worker %u, process %d: one operation for %" PRIu64 " s\n",
			       n, w->pid, st_patience_ns() / 1000000000);
			print_file("/proc/%d/status", w->pid);
			print_file("/proc/%d/stack", w->pid);
			return false;
		}
	}
	return true;
}

static void progress(const struct st_shared *shared, uint64_t begin, bool last)
{
	uint64_t ops = 0, vms = 0, runs = 0, exits = 0, answers = 0, errors = 0;
	uint64_t restarts = 0, records = 0, fixed = 0;
	unsigned int n;

	for (n = 0; n < shared->workers; n++) {
		ops += shared->slot[n].ops;
		vms += shared->slot[n].vms;
		runs += shared->slot[n].runs;
		exits += shared->slot[n].exits;
		answers += shared->slot[n].answers;
		errors += shared->slot[n].errors;
		restarts += shared->slot[n].restarts;
		records += shared->slot[n].records;
		fixed += shared->slot[n].fixed;
	}
	printf("%s%5" PRIu64 " s: %" PRIu64 " operations, %" PRIu64 " VMs started, %" PRIu64
	       " again, %" PRIu64 " runs, %" PRIu64 " by fixed files, %" PRIu64 " exits, %" PRIu64
	       " answers checked, %" PRIu64 " posted writes read, %" PRIu64 " errors, %"
	       PRIu64 " lives, %" PRIu64 " killed%s",
	       isatty(1) ? "\r" : "stress: ", (st_now_ns() - begin) / 1000000000, ops, vms,
	       restarts, runs, fixed, exits, answers, records, errors, lives, kills,
	       isatty(1) && !last ? "\033[K" : "\n");
	fflush(stdout);
}

/* One worker in three seconds; their own choices do not depend on it. */
static void kill_one(struct st_shared *shared, struct st_random *r)
{
	unsigned int n = st_below(r, shared->workers);

	if (!watched[n].pid || !st_once_in(r, 30))
		return;
	kill(watched[n].pid, SIGKILL);
	kills++;
}

static void stop_all(struct st_shared *shared)
{
	unsigned int n;

	for (n = 0; n < shared->workers; n++) {
		if (watched[n].pid)
			kill(watched[n].pid, SIGKILL);
	}
}

static unsigned int alive(const struct st_shared *shared)
{
	unsigned int n, count = 0;

	for (n = 0; n < shared->workers; n++)
		count += !!watched[n].pid;
	return count;
}

/* Until the time is over and all workers have come to an orderly end. */
static bool run(struct st_shared *shared, const char *path, unsigned int seconds)
{
	unsigned int every = isatty(1) ? 1 : 30, said = 0, n;
	uint64_t begin = st_now_ns(), at = 0;
	struct st_random random;

	st_seed(&random, shared->seed, 0, 0);
	while (!shared->stop || alive(shared)) {
		usleep(100000);
		at = (st_now_ns() - begin) / 1000000000;
		if (!reap(shared) || !watch(shared))
			return false;
		if (at >= seconds)
			shared->stop = 1;
		if (at / every != said) {
			said = at / every;
			progress(shared, begin, false);
		}
		if (shared->stop)
			continue;
		kill_one(shared, &random);
		for (n = 0; n < shared->workers; n++) {
			if (!watched[n].pid)
				start_worker(shared, n, path);
		}
	}
	progress(shared, begin, true);
	return true;
}

/* One life of each worker fills the kernel's caches, so that they do not count. */
static bool warm_up(struct st_shared *shared, const char *path)
{
	bool ok = run(shared, path, 5);

	shared->stop = 0;
	kills = 0;
	lives = 0;
	return ok;
}

static bool stress(struct st_shared *shared, const char *path, unsigned int seconds)
{
	struct st_before before;
	bool ok;
	int ret;

	ret = gt_modules_load();
	if (ret)
		stress_fail("modules: %s", strerrorname_np(-ret));
	cr_assert_eq(gt_klog_mark(MARK), 0);
	ok = warm_up(shared, path);
	if (ok) {
		st_forget_leaks();
		st_before(&before);
		ok = run(shared, path, seconds);
	}
	if (!ok) {
		st_shared_print(shared);
		stop_all(shared);
	}
	/* Also behind a failure: what is left says something about it. */
	return !st_after(&before) && ok;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	if (!*text || *end)
		stress_fail("not a number: %s", text);
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "workers", required_argument, NULL, 'w' },
		{ "worker", required_argument, NULL, 'n' },
		{ "shared", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int seconds = 60, workers = 4, own = 0;
	uint64_t seed = time(NULL);
	struct st_shared *shared;
	char path[64] = "";
	bool ok;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			seed = number(optarg);
			break;
		case 't':
			seconds = number(optarg);
			break;
		case 'w':
			workers = number(optarg);
			break;
		case 'n':
			own = number(optarg);
			break;
		case 'f':
			snprintf(path, sizeof(path), "%s", optarg);
			break;
		default:
			return 2;
		}
	}
	if (!workers || workers > ST_MAX_WORKERS)
		stress_fail("1 to %d workers", ST_MAX_WORKERS);
	/* A worker that executed this program. */
	if (*path)
		st_worker_main(st_shared_open(path), own, path);

	printf("stress: seed %" PRIu64 ", %u s, %u workers\n", seed, seconds, workers);
	fflush(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	shared = st_shared_create(path, sizeof(path));
	shared->seed = seed;
	shared->workers = workers;
	ok = stress(shared, path, seconds);
	unlink(path);
	printf("stress: %s (seed %" PRIu64 ")\n", ok ? "passed" : "FAILED", seed);
	return !ok;
}
