// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What a running gh-runner is asked and told: each request's text.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"

static const char *cpu_text(const struct member *m, char buf[static 16])
{
	if (m->cpu < 0)
		return "-";
	snprintf(buf, 16, "%d", m->cpu);
	return buf;
}

static bool do_ps(struct fleet *s, struct guest *g, const char *rest, FILE *f)
{
	struct guest_state now;
	char cpu[16];
	unsigned int i;

	fprintf(f, "%-31s %5s  %-8s %6s %4s\n", "NAME", "VCPUS", "STATE", "RUNNER", "CPU");
	for (i = 0; i < s->nr_started; i++) {
		guest_state(&s->guests[i], &now);
		fprintf(f, "%-31s %5u  %-8s %6u %4s\n", s->guests[i].name,
			gh_vm_vcpus(s->guests[i].vm), end_name(now.end), now.member,
			cpu_text(&s->members[now.member], cpu));
	}
	return true;
}

static bool do_stats(struct fleet *s, struct guest *g, const char *format, FILE *f)
{
	struct fleet now = *s;

	fleet_stats(s, &now.stats);
	now.end_ns = gh_now_ns();
	if (!strcmp(format, "json")) {
		fputs("{\n", f);
		metrics_json(&now, "  ", f);
		fputs("\n}\n", f);
	} else if (!strcmp(format, "openmetrics")) {
		metrics_openmetrics(&now, f);
	} else if (!*format) {
		metrics_table(&now, f);
	} else {
		fprintf(f, "stats: '%s' is none of json, openmetrics\n", format);
		return false;
	}
	return true;
}

static uint64_t ns_of(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_usec * 1000;
}

/*
 * For 'gh-runner top', which makes rates of two of these: a line of the whole and one of
 * each guest, all numbers since the start.
 */
static bool do_top(struct fleet *s, struct guest *g, const char *rest, FILE *f)
{
	struct gh_stats all;
	struct rusage usage;
	unsigned int i;
	char cpu[16];

	fleet_stats(s, &all);
	getrusage(RUSAGE_SELF, &usage);
	fprintf(f, "now=%" PRIu64 " cpu=%" PRIu64 " up=%" PRIu64 " exits=%" PRIu64 " enters=%"
		PRIu64 " vcpus=%u runnable=%u parked=%u runners=%u\n", gh_now_ns(),
		ns_of(&usage.ru_utime) + ns_of(&usage.ru_stime), gh_now_ns() - s->start_ns,
		gh_stats_exits(&all), all.syscalls, all.vcpus, all.runnable, all.in_flight,
		s->nr_members);
	for (i = 0; i < s->nr_started; i++) {
		struct gh_vm_stats t = { 0 };
		struct guest_state now;

		guest_state(&s->guests[i], &now);
		gh_vm_stats(s->guests[i].vm, &t);
		fprintf(f, "%s %s %u %u %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			"\n", s->guests[i].name, end_name(now.end), gh_vm_vcpus(s->guests[i].vm),
			now.member, cpu_text(&s->members[now.member], cpu), t.entries,
			t.mmio_reads + t.mmio_writes + t.status + t.preempts + t.interrupts,
			t.mmio_reads + t.mmio_writes, t.parks, t.kicks);
	}
	return true;
}

static bool do_kick(struct fleet *s, struct guest *g, const char *rest, FILE *f)
{
	struct guest_state now;
	unsigned int i;
	int ret;

	guest_state(g, &now);
	if (now.end != GH_VM_END_NONE) {
		fprintf(f, "guest '%s' does not run any more: %s\n", g->name, end_name(now.end));
		return false;
	}
	for (i = 0; i < gh_vm_vcpus(g->vm); i++) {
		ret = gh_vcpu_kick(gh_vm_vcpu(g->vm, i));
		if (ret >= 0)
			continue;
		fprintf(f, "guest '%s': vCPU %u: kicking it: %s\n", g->name, i, strerror(-ret));
		return false;
	}
	return true;
}

static bool do_stop(struct fleet *s, struct guest *g, const char *rest, FILE *f)
{
	fleet_stop(s, g);
	return true;
}

static bool do_console(struct fleet *s, struct guest *g, const char *rest, FILE *f)
{
	if (!serial_path(g->serial)) {
		fprintf(f, "the console of '%s' is no socket; start it with console=unix:PATH\n",
			g->name);
		return false;
	}
	fprintf(f, "%s\n", serial_path(g->serial));
	return true;
}

static const struct request {
	const char *name;
	bool (*fn)(struct fleet *s, struct guest *g, const char *rest, FILE *f);
	bool of_guest;
} requests[] = {
	{ "ps", do_ps, false },
	{ "stats", do_stats, false },
	{ "top", do_top, false },
	{ "kick", do_kick, true },
	{ "stop", do_stop, true },
	{ "console", do_console, true },
};

static struct guest *find_guest(const struct fleet *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->nr_started; i++)
		if (!strcmp(s->guests[i].name, name))
			return &s->guests[i];
	return NULL;
}

bool request_carry_out(struct fleet *s, char *line, FILE *f)
{
	char *rest = strchr(line, ' ');
	struct guest *g = NULL;
	unsigned int i;

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct request *r = &requests[i];

		if (strcmp(line, r->name))
			continue;
		if (r->of_guest) {
			g = find_guest(s, rest);
			if (!g) {
				fprintf(f, "no guest has the name '%s'; 'gh-runner ps' lists them\n",
					rest);
				return false;
			}
		}
		return r->fn(s, g, rest, f);
	}
	fprintf(f, "there is no request '%s'; the gh-runner that runs may be of another version\n",
		line);
	return false;
}
