/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What a suite looks at on the host: the kernel's log, memory counters, modules.
 */
#ifndef GT_HOST_H
#define GT_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* How many times slower than usual the machine is: GT_SLOW of the environment, or 1. */
int gt_slow(void);

/* The driver's modules in the order of loading. */
#define GT_NR_MODULES	6
extern const char *const gt_modules[GT_NR_MODULES];

/*
 * finit_module() and delete_module() of one module or of all; 0 or -errno. A module
 * that is there already is loaded.
 */
int gt_module_load(const char *name);
int gt_module_try_unload(const char *name);
/* Waits for users that are on their way out. */
int gt_module_unload(const char *name);
int gt_modules_load(void);
int gt_modules_unload(void);

/*
 * A mark in the kernel's log, and whether the kernel reported a defect (BUG,
 * WARNING, Oops, ...) behind the last such mark. The offending line is copied to
 * @line. A log without the mark is not clean either.
 */
int gt_klog_mark(const char *text);
bool gt_klog_dirty(const char *mark, char *line, size_t size);

/* Whether a line with this text came behind the last such mark. */
bool gt_klog_says(const char *mark, const char *text);

/* A counter of /proc/vmstat or /proc/meminfo (kB); -1 if it is not there. */
long gt_vmstat(const char *name);
long gt_meminfo(const char *name);
/* A field of /proc/PID/status in kB, e.g. "VmLck"; pid 0 is the caller. */
long gt_status_kb(int pid, const char *name);
/* Pages pinned now: nr_foll_pin_acquired - nr_foll_pin_released. */
long gt_pinned(void);

/*
 * What the driver itself says there is: a number of debugfs' gunyah/totals ("vms",
 * "pages", ...), and how many vCPUs exist; -1 if it cannot be read.
 */
long gt_total(const char *name);
long gt_vcpus_alive(void);

/* Drops what the kernel may keep for later, so that MemAvailable settles. */
void gt_settle(void);

/*
 * By how much less memory is available than @before_kb, after gt_settle(). Free pages that
 * wait on the lists of a CPU do not count as available: they get some seconds to leave
 * them if it seems to be @slack_kb or more. What is lost does not come back.
 */
long gt_less_available(long before_kb, long slack_kb);

#endif /* GT_HOST_H */
