// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gt_fault.h"
#include "gt_host.h"

static int fault_fd = -1;

/* At the beginning of the test. */
static struct {
	long pinned;
	long locked;
} before;

/* Allocations that may sleep, and single pages, are left out by default. */
static const struct { const char *file, *value; } settings[] = {
	{ "failslab/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-wait", "N" },
	{ "fail_page_alloc/ignore-gfp-highmem", "N" },
	{ "fail_page_alloc/min-order", "0" },
	{ "failslab/verbose", "0" },
	{ "fail_page_alloc/verbose", "0" },
	{ "fail_usercopy/verbose", "0" },
};

static bool set(const char *file, const char *value)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, value, strlen(value));
	close(fd);
	return n > 0;
}

static bool fault_init(void)
{
	unsigned int i;

	fault_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fault_fd < 0)
		return false;
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (!set(settings[i].file, settings[i].value))
			return false;
	}
	return true;
}

void gt_fault_arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	cr_assert_eq(pwrite(fault_fd, text, len, 0), len, "fail-nth: %s", strerror(errno));
}

/*
 * The count runs on while it is read: the last failure can hit the copy of the text
 * to us, or of our 0 to the kernel, and then has not hit the call before.
 */
bool gt_fault_disarm(void)
{
	char text[16] = "";
	ssize_t n = pread(fault_fd, text, sizeof(text) - 1, 0);

	while (pwrite(fault_fd, "0", 1, 0) != 1)
		cr_assert_eq(errno, EFAULT, "fail-nth: %s", strerror(errno));
	if (n < 0)
		return false;
	return !strcmp(text, "0\n");
}

bool gt_fault_came(int pid)
{
	char path[64], text[16] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fail-nth", pid, pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", path, strerror(errno));
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	cr_assert_gt(n, 0, "%s: %s", path, strerror(errno));
	return !strcmp(text, "0\n");
}

bool gt_fault_begin(void)
{
	if (!fault_init())
		return false;
	before.pinned = gt_pinned();
	before.locked = gt_status_kb(0, "VmLck");
	return true;
}

void gt_fault_check(const char *name)
{
	cr_assert_eq(gt_pinned(), before.pinned, "%s: pages stay pinned", name);
	cr_assert_eq(gt_status_kb(0, "VmLck"), before.locked, "%s: memory stays locked", name);
	cr_assert_not(gt_klog_says("begin", "stays pinned"), "%s: memory was lost", name);
	cr_assert_not(gt_klog_says("begin", "number lost"), "%s: a VM was lost", name);
}

/* Out of memory in the words of the call, or not readable. */
bool gt_fault_is_clean(int ret)
{
	switch (-ret) {
	case ENOMEM:
	case EFAULT:
	case EAGAIN:
	case ENFILE:
	case ENOSPC:
		return true;
	default:
		return false;
	}
}

bool gt_fault_try(const char *name, unsigned int n, int (*call)(struct gt_env *env),
		  struct gt_env *env, int *ret)
{
	bool failed;

	cr_assert_leq(n, (unsigned int)GT_FAULT_MAX, "%s: no end", name);
	gt_fault_arm(n);
	*ret = call(env);
	failed = gt_fault_disarm();
	cr_assert(failed || *ret >= 0, "%s: %s, without a failure", name, strerror(-*ret));
	cr_assert(*ret >= 0 || gt_fault_is_clean(*ret), "%s: failure %u becomes %s", name, n,
		  strerror(-*ret));
	return failed;
}

void gt_fault_count(const char *name, unsigned int n)
{
	printf("%s: %u failures\n", name, n);
	fflush(stdout);
}

void gt_fault_walk(const struct gt_fault_step *step, struct gt_env *env)
{
	unsigned int n = 0;
	bool failed = true;
	int ret;

	while (failed) {
		failed = gt_fault_try(step->name, ++n, step->call, env, &ret);
		if (ret < 0) {
			ret = step->call(env);
			cr_assert_geq(ret, 0, "%s: after failure %u: %s", step->name, n,
				      strerror(-ret));
		}
		if (step->undo)
			step->undo(env);
	}
	gt_fault_count(step->name, n - 1);
}
