// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * What is left to say at the end: counters, and each guest's verdict.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli.h"

unsigned int count_threads(void)
{
	unsigned int threads = 0;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %u", &threads) == 1)
			break;
	fclose(f);
	return threads;
}

const char *end_name(enum gh_vm_end end)
{
	switch (end) {
	case GH_VM_END_NONE:
		return "running";
	case GH_VM_END_OFF:
		return "off";
	case GH_VM_END_RESET:
		return "reset";
	case GH_VM_END_CRASHED:
		return "crashed";
	case GH_VM_END_STOPPED:
		return "stopped";
	case GH_VM_END_ERROR:
		return "error";
	}
	return "unknown";
}

static const char *result_name(enum gh_testdev_result result)
{
	switch (result) {
	case GH_TESTDEV_NONE:
		return "none";
	case GH_TESTDEV_MISSING:
		return "missing";
	case GH_TESTDEV_MATCH:
		return "match";
	case GH_TESTDEV_MISMATCH:
		return "mismatch";
	}
	return "unknown";
}

/* What docs/protocol.md says of a run's errors, in short. */
static const char *run_cure(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return "the hypervisor did not run it for 5 s";
	case -EIO:
		return "the hypercall failed: the tracepoint gh_vcpu_exit says how";
	case -ENODEV:
		return "the VM was reset or could not be started: see the kernel log";
	default:
		return "see the kernel log";
	}
}

/* What is known of a vCPU that could not be run. */
static void run_error(const struct guest *g, char *text, size_t size)
{
	char vcpu[16] = "";

	if (g->vcpu >= 0)
		snprintf(vcpu, sizeof(vcpu), " %d", g->vcpu);
	snprintf(text, size, "vCPU%s could not be run: %s; %s", vcpu,
		 strerror(-g->result.error),
		 g->hint && *g->hint ? g->hint : run_cure(g->result.error));
}

/* One line for the first thing that is wrong with a guest; false: nothing is. */
static bool verdict(const struct guest *g, char *text, size_t size)
{
	struct gh_testdev_report t;

	gh_testdev_report(g->testdev, &t);
	if (t.fails)
		snprintf(text, size, "%" PRIu64 " assertion(s) failed in the guest, the last in "
			 "line %" PRIu32, t.fails, t.fail_line);
	else if (g->result.end == GH_VM_END_ERROR)
		run_error(g, text, size);
	else if (g->asked == GH_POWER_FAIL)
		snprintf(text, size, "told its power device that it failed");
	else if (g->result.end == GH_VM_END_STOPPED)
		snprintf(text, size, "did not power off and was stopped");
	else if (g->result.end == GH_VM_END_CRASHED &&
		 g->result.exit_type == GH_EXIT_TYPE_UNKNOWN)
		snprintf(text, size, "crashed, or powered off: the resource manager did not say");
	else if (g->result.end != GH_VM_END_OFF)
		snprintf(text, size, "did not power off: %s (exit type %u)",
			 end_name(g->result.end), g->result.exit_type);
	else if (t.result == GH_TESTDEV_MISMATCH)
		snprintf(text, size, "wrong result: the guest computed %" PRIx64
			 ", the device %" PRIx64, t.reported, t.expected);
	else if (t.result == GH_TESTDEV_MISSING)
		snprintf(text, size, "powered off without reporting its result");
	else if (t.bad)
		snprintf(text, size, "%" PRIu64 " access(es) to the test device were wrong", t.bad);
	else
		return false;
	return true;
}

static void row(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, "  %-26s %12" PRIu64 "\n", name, value);
}

static double per(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

static void table(const struct fleet *s, FILE *out)
{
	const struct gh_stats *t = &s->stats;
	uint64_t elapsed = s->end_ns - s->start_ns;
	uint64_t exits = gh_stats_exits(t);

	fprintf(out, "\n  %-26s %12s\n", "exit", "count");
	row(out, "MMIO read", t->mmio_reads);
	row(out, "MMIO write", t->mmio_writes);
	row(out, "wake-up", t->wakeups);
	row(out, "slice over (PREEMPTED)", t->preempted);
	row(out, "signal (INTR)", t->interrupted);
	row(out, "VM ended (STATUS)", t->status);
	row(out, "cancelled", t->canceled);
	row(out, "error", t->errors);
	row(out, "all exits", exits);
	fputc('\n', out);
	row(out, "parks", t->parks);
	row(out, "wake-ups", t->wakeups);
	row(out, "commands submitted", t->submitted);
	row(out, "  guest not entered", t->not_entered);
	row(out, "io_uring_enter", t->syscalls);
	row(out, "batches by ioctl", t->batch_ioctls);
	fprintf(out, "  %-26s %12.2f\n", "exits per system call",
		per(exits, t->syscalls + t->batch_ioctls));
	row(out, "batches past the deadline", t->late);
	row(out, "CQ overflows", t->cq_overflows);
	row(out, "threads", s->threads);
	fprintf(out, "  %-26s %12.2f\n", "seconds", (double)elapsed / 1e9);
	fprintf(out, "  %-26s %12.0f\n\n", "exits per second",
		per(exits * 1000000, elapsed / 1000));
}

unsigned int report_print(const struct fleet *s, FILE *out)
{
	unsigned int i, failed = 0;
	char text[160];

	table(s, out);
	for (i = 0; i < s->nr_guests; i++) {
		if (!verdict(&s->guests[i], text, sizeof(text)))
			continue;
		fprintf(out, "FAILED [%s] %s\n", s->guests[i].name, text);
		failed++;
	}
	fprintf(out, "%u guests: %u ok, %u failed\n", s->nr_guests, s->nr_guests - failed, failed);
	return failed;
}

/* ---- JSON ------------------------------------------------------------------------ */

/* What is no ASCII is taken for Latin-1, so the output is UTF-8 whatever comes in. */
static void json_string(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void json_guest(FILE *f, const struct guest *g)
{
	struct gh_testdev_report t;
	char text[160] = "";

	gh_testdev_report(g->testdev, &t);
	verdict(g, text, sizeof(text));
	fputs("    {\"name\": ", f);
	json_string(f, g->name);
	fprintf(f, ", \"end\": \"%s\", \"exit_type\": %u, \"result\": \"%s\", \"sum\": \"%" PRIx64
		"\", \"numbers\": %" PRIu64 ", \"failure\": ", end_name(g->result.end),
		g->result.exit_type, result_name(t.result), t.expected, t.puts);
	json_string(f, text);
	fputc('}', f);
}

int report_json(const struct fleet *s, const char *path)
{
	struct replacement r;
	unsigned int i;
	int ret;

	ret = replace_begin(&r, path);
	if (ret)
		return ret;
	fputs("{\n", r.file);
	metrics_json(s, "  ", r.file);
	fputs(",\n  \"guests\": [\n", r.file);
	for (i = 0; i < s->nr_guests; i++) {
		json_guest(r.file, &s->guests[i]);
		fputs(i + 1 < s->nr_guests ? ",\n" : "\n", r.file);
	}
	fputs("  ]\n}\n", r.file);
	return replace_end(&r);
}
