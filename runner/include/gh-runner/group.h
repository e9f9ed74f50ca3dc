/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A runner for each host CPU: threads of their own, among which VMs are spread.
 *
 * Members share nothing while guests run. Now and then each looks at its load, which
 * is the number of its vCPUs that ran since, and gives a VM to the member with the
 * least when that makes the two more equal. The callbacks of a VM and its devices are
 * called on the thread of the member that has it.
 */
#ifndef GH_RUNNER_GROUP_H
#define GH_RUNNER_GROUP_H

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gh_group;

/**
 * struct gh_group_config - zero means the default of each field
 * @runner: of each member; no ring of the caller
 * @own: a runner of the calling thread that takes part as member 0, borrowed until
 *	gh_group_destroy(). The caller drives it, and its gh_runner_run() goes on until
 *	no VM runs in the whole group; NULL: all members are threads of the group
 * @cpus: members (as many as the calling thread may use CPUs). Each thread is bound to
 *	one of these, in turns; @own is not
 * @balance_ns: from one look at the load to the next (100 ms), UINT64_MAX: none
 */
struct gh_group_config {
	struct gh_runner_config runner;
	struct gh_runner *own;
	unsigned int cpus;
	uint64_t balance_ns;
};

/* On error *@group is NULL and *@error (may be NULL) says more. */
int gh_group_create(const struct gh_group_config *config, struct gh_group **group,
		    struct gh_error_info *error);
/* On the thread that created it. -EBUSY while VMs exist, on @own too. NULL is fine. */
int gh_group_destroy(struct gh_group *group);

unsigned int gh_group_size(const struct gh_group *group);
/* The member with the least load among those that work, to put a VM there. Any thread. */
unsigned int gh_group_least(const struct gh_group *group);
/*
 * 0, or the -errno that the ring of @member failed with, -EINVAL: there is no such one.
 * Its VMs, and those that come to it, end with GH_VM_END_ERROR and that number; calls are
 * answered still. Not for @own: that is what its gh_runner_run() returned. Any thread.
 */
int gh_group_error(const struct gh_group *group, unsigned int member);
/*
 * Calls @fn with the runner of @member, on its thread and outside of its callbacks,
 * waits, and returns what it returned. On the thread that created the group, where
 * @own's are plain calls.
 */
int gh_group_call(struct gh_group *group, unsigned int member,
		  int (*fn)(struct gh_runner *runner, void *arg), void *arg);
/* The sum of all members. As gh_group_call(). */
int gh_group_stats(struct gh_group *group, struct gh_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_GROUP_H */
