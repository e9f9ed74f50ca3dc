// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gt_host.h"

const char *const gt_modules[GT_NR_MODULES] = {
	"gunyah", "gunyah_rsc_mgr", "gunyah_vcpu", "gunyah_ioeventfd", "gunyah_irqfd",
	"gunyah_posted",
};

static const char *module_dir(void)
{
	const char *dir = getenv("GT_MODULES");

	return dir ? dir : "/root/modules";
}

static bool is_loaded(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}

int gt_module_load(const char *name)
{
	char path[PATH_MAX];
	int fd, ret = 0;

	if (is_loaded(name))
		return 0;
	snprintf(path, sizeof(path), "%s/%s.ko", module_dir(), name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, "", 0))
		ret = -errno;
	close(fd);
	return ret;
}

int gt_module_try_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/*
 * A file that was just closed can still be on its way out (delayed fput, ring
 * exit), so -EAGAIN is tried again for a while.
 */
int gt_module_unload(const char *name)
{
	int i, ret = -EAGAIN;

	for (i = 0; i < 1000 && ret == -EAGAIN; i++) {
		ret = gt_module_try_unload(name);
		if (ret == -EAGAIN)
			usleep(10000);
	}
	return ret;
}

int gt_modules_load(void)
{
	int i, ret;

	for (i = 0; i < GT_NR_MODULES; i++) {
		ret = gt_module_load(gt_modules[i]);
		if (ret)
			return ret;
	}
	return 0;
}

int gt_modules_unload(void)
{
	int i, ret;

	for (i = GT_NR_MODULES - 1; i >= 0; i--) {
		ret = gt_module_unload(gt_modules[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* One write() is one record; stdio would seek first, which this file refuses. */
int gt_klog_mark(const char *text)
{
	char line[128];
	int fd, len, ret = 0;

	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = snprintf(line, sizeof(line), "<6>test: %s\n", text);
	if (write(fd, line, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

static bool line_is_defect(const char *line)
{
	static const char *const words[] = {
		"BUG:", "WARNING:", "Oops", "Internal error", "Call trace",
		"Unable to handle", "rcu_sched", "rcu_preempt detected", "hung task",
		"blocked for more than", "refcount_t", "list_add corruption",
		"list_del corruption", "Bad page", "irq_desc", "nobody cared",
		"scheduling while atomic", "sleeping function", "UBSAN", "KASAN", "ODEBUG",
		"possible circular", "possible recursive", "inconsistent lock state",
		"suspicious RCU",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strstr(line, words[i]))
			return true;
	}
	return false;
}

/*
 * Warnings of 6.12 about itself, from the first line to the end: an interrupt is freed
 * whose entries in /proc could not be made, by an injected failure in its own code; and
 * io_uring's worker completes what a closed ring cancels, which it says only the
 * submitter may (later kernels allow it for a ring that is going).
 */
static bool is_kernels_own(const char *line, bool *inside)
{
	bool was = *inside;

	if (strstr(line, "WARNING:") && (strstr(line, " remove_proc_entry+") ||
					 strstr(line, " io_lockdep_assert_cq_locked+")))
		*inside = true;
	else if (strstr(line, "end trace"))
		*inside = false;
	return was || *inside;
}

/*
 * Finds a record behind the last mark: a defect, or one that has @text. Copied to @line.
 * A log without the mark is as if it was found.
 */
static bool find_record(const char *mark, const char *text, char *line, size_t size)
{
	char want[256], record[8192];
	bool found = true, inside = false;
	ssize_t n;
	int fd;

	snprintf(want, sizeof(want), "test: %s\n", mark);
	snprintf(line, size, "no mark, or no log to be read");
	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return true;
	for (;;) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			break;
		record[n] = 0;
		if (strstr(record, want)) {
			found = false;
		} else if (is_kernels_own(record, &inside)) {
			continue;
		} else if (!found && (text ? !!strstr(record, text) : line_is_defect(record))) {
			found = true;
			snprintf(line, size, "%s", record);
		}
	}
	close(fd);
	return found;
}

bool gt_klog_dirty(const char *mark, char *line, size_t size)
{
	return find_record(mark, NULL, line, size);
}

bool gt_klog_says(const char *mark, const char *text)
{
	char line[256];

	return find_record(mark, text, line, sizeof(line));
}

static long find_number(const char *path, const char *name)
{
	char line[256];
	size_t len = strlen(name);
	long value = -1;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len) && (line[len] == ' ' || line[len] == ':')) {
			value = strtol(line + len + 1, NULL, 10);
			break;
		}
	}
	fclose(f);
	return value;
}

long gt_vmstat(const char *name)
{
	return find_number("/proc/vmstat", name);
}

long gt_meminfo(const char *name)
{
	return find_number("/proc/meminfo", name);
}

long gt_status_kb(int pid, const char *name)
{
	char path[64];

	if (!pid)
		return find_number("/proc/self/status", name);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return find_number(path, name);
}

/* Where the kernel has no such file there is nothing to drop. */
static void tell_kernel(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

long gt_pinned(void)
{
	/* The counters are kept by CPU and lag behind until somebody folds them. */
	tell_kernel("/proc/sys/vm/stat_refresh", "1");
	return gt_vmstat("nr_foll_pin_acquired") - gt_vmstat("nr_foll_pin_released");
}

long gt_total(const char *name)
{
	return find_number("/sys/kernel/debug/gunyah/totals", name);
}

/* A line for each, behind one with the names of the columns. */
long gt_vcpus_alive(void)
{
	FILE *f = fopen("/sys/kernel/debug/gunyah/vcpus", "re");
	char line[512];
	long n = -1;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		n++;
	fclose(f);
	return n;
}

/* Pages that a cache has to spare, and objects that KASAN holds back after their end. */
static void shrink_slabs(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir("/sys/kernel/slab");

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		/* The links are other names of the same caches. */
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", entry->d_name);
		tell_kernel(path, "1");
	}
	closedir(dir);
}

void gt_settle(void)
{
	sync();
	tell_kernel("/proc/sys/vm/drop_caches", "3");
	shrink_slabs();
	usleep(200000);
}

long gt_less_available(long before_kb, long slack_kb)
{
	long less_kb = 0;
	int i;

	for (i = 0; i < 20; i++) {
		gt_settle();
		less_kb = before_kb - gt_meminfo("MemAvailable");
		if (less_kb < slack_kb)
			break;
	}
	return less_kb;
}
