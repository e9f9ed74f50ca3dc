// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The counters of a runner as a table, as JSON and in the OpenMetrics text format.
 */
#include <inttypes.h>
#include <string.h>

#include "cli.h"

struct field {
	const char *name;
	uint64_t value;
	bool gauge;
};

#define MAX_FIELDS	32

static unsigned int collect(const struct fleet *s, struct field fields[MAX_FIELDS])
{
	const struct gh_stats *t = &s->stats;
	const struct field all[] = {
		{ "mmio_reads", t->mmio_reads, false },
		{ "mmio_writes", t->mmio_writes, false },
		{ "unclaimed", t->unclaimed, false },
		{ "device_errors", t->device_errors, false },
		{ "deferred", t->deferred, false },
		{ "preempted", t->preempted, false },
		{ "not_entered", t->not_entered, false },
		{ "interrupted", t->interrupted, false },
		{ "status", t->status, false },
		{ "canceled", t->canceled, false },
		{ "errors", t->errors, false },
		{ "exits", gh_stats_exits(t), false },
		{ "parks", t->parks, false },
		{ "wakeups", t->wakeups, false },
		{ "submitted", t->submitted, false },
		{ "batches", t->batches, false },
		{ "batch_ioctls", t->batch_ioctls, false },
		{ "io_uring_enter", t->syscalls, false },
		{ "turns", t->turns, false },
		{ "late", t->late, false },
		{ "cq_overflows", t->cq_overflows, false },
		{ "sq_full", t->sq_full, false },
		{ "stale", t->stale, false },
		{ "vms", t->vms, true },
		{ "vcpus", t->vcpus, true },
		{ "runnable", t->runnable, true },
		{ "in_flight", t->in_flight, true },
		{ "answering", t->answering, true },
		{ "threads", s->threads, true },
		{ "elapsed_ns", s->end_ns - s->start_ns, true },
	};

	_Static_assert(sizeof(all) / sizeof(all[0]) <= MAX_FIELDS, "room for all of them");
	memcpy(fields, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

void metrics_table(const struct fleet *s, FILE *f)
{
	struct field fields[MAX_FIELDS];
	unsigned int i, nr = collect(s, fields);

	for (i = 0; i < nr; i++)
		fprintf(f, "%-16s %" PRIu64 "\n", fields[i].name, fields[i].value);
}

void metrics_json(const struct fleet *s, const char *indent, FILE *f)
{
	struct field fields[MAX_FIELDS];
	unsigned int i, nr = collect(s, fields);

	for (i = 0; i < nr; i++)
		fprintf(f, "%s%s\"%s\": %" PRIu64, i ? ",\n" : "", indent, fields[i].name,
			fields[i].value);
}

void metrics_openmetrics(const struct fleet *s, FILE *f)
{
	struct field fields[MAX_FIELDS];
	unsigned int i, nr = collect(s, fields);

	for (i = 0; i < nr; i++)
		fprintf(f, "# TYPE gh_runner_%s %s\ngh_runner_%s%s %" PRIu64 "\n",
			fields[i].name, fields[i].gauge ? "gauge" : "counter", fields[i].name,
			fields[i].gauge ? "" : "_total", fields[i].value);
	fputs("# EOF\n", f);
}
