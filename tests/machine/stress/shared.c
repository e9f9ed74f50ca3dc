// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Memory that the workers share with their parent, in a file, for a worker that
 * executes this program anew has to find it again. Who is killed leaves its log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

/* Where stress_fail() says why; the process' own. NULL in the parent. */
static struct st_slot *own_slot;

uint64_t st_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t st_patience_ns(void)
{
	const char *slow = getenv("GT_SLOW");
	unsigned int factor = slow ? atoi(slow) : 1;

	return (factor ? factor : 1) * ST_PATIENCE_S * 1000000000ULL;
}

void st_slot_set(struct st_shared *shared, unsigned int number)
{
	own_slot = &shared->slot[number];
}

static struct st_shared *map_file(int fd)
{
	struct st_shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
					fd, 0);

	if (shared == MAP_FAILED)
		stress_fail("mapping the shared memory: errno %d", errno);
	close(fd);
	return shared;
}

struct st_shared *st_shared_create(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "/dev/shm/stress.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(struct st_shared)))
		stress_fail("%s: errno %d", path, errno);
	return map_file(fd);
}

struct st_shared *st_shared_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		stress_fail("%s: errno %d", path, errno);
	return map_file(fd);
}

void stress_fail(const char *format, ...)
{
	char text[sizeof(own_slot->failure)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!own_slot) {
		fprintf(stderr, "stress: %s\n", text);
		exit(1);
	}
	/* The first reason is the one that counts. */
	if (!atomic_exchange(&own_slot->failed, 1))
		memcpy(own_slot->failure, text, sizeof(text));
	_exit(99);
}

static void print_log(const struct st_slot *slot)
{
	uint64_t end = slot->ops, at = end > ST_LOG ? end - ST_LOG : 0;

	for (; at < end; at++) {
		const struct st_record *r = &slot->log[at % ST_LOG];

		printf("    %8" PRIu64 " life %u  %5" PRIu64 ".%06u  %-14s %" PRId64 " %" PRId64
		       "  ", at, r->life, r->ns / 1000000000,
		       (unsigned int)(r->ns % 1000000000 / 1000), r->name, r->arg[0], r->arg[1]);
		if (r->result == ST_PENDING)
			printf("= (not over)\n");
		else
			printf("= %" PRId64 "\n", r->result);
	}
}

void st_shared_print(const struct st_shared *shared)
{
	unsigned int i;

	for (i = 0; i < shared->workers; i++) {
		const struct st_slot *slot = &shared->slot[i];

		printf("worker %u, process %d, life %u%s%s\n", i, slot->pid, slot->life,
		       slot->failed ? ": " : "", slot->failed ? slot->failure : "");
		print_log(slot);
	}
	fflush(stdout);
}
