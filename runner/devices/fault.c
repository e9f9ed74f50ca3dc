// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The fault device: what it does is in <gh-runner/fault.h>.
 */
#include <errno.h>
#include <stdlib.h>

#include <gh-runner/fault.h>

#define MAX_LATE	8	/* one for each vCPU of the VM */

/**
 * struct late - an answer to come
 * @access: borrowed until it is completed; NULL: free
 */
struct late {
	struct gh_timer timer;
	struct gh_access *access;
};

struct gh_faultdev {
	struct gh_runner *runner;
	uint64_t delay_ns;
	struct late late[MAX_LATE];
};

static void on_due(struct gh_timer *timer)
{
	struct late *l = (struct late *)((char *)timer - offsetof(struct late, timer));
	struct gh_access *a = l->access;

	l->access = NULL;
	a->data = GH_FAULT_VALUE;
	gh_access_complete(a);
}

static int answer_late(struct gh_faultdev *d, struct gh_access *a)
{
	unsigned int i;

	for (i = 0; i < MAX_LATE && d->late[i].access; i++)
		;
	if (i == MAX_LATE)
		return -EBUSY;
	d->late[i].access = a;
	d->late[i].timer.fire = on_due;
	d->late[i].timer.deadline_ns = gh_now_ns() + d->delay_ns;
	return gh_timer_arm(d->runner, &d->late[i].timer) ?: GH_ACCESS_DEFERRED;
}

static int fault_access(void *device, struct gh_access *a)
{
	switch (a->offset / GH_FAULT_AT(1)) {
	case GH_FAULT_NONE:
		a->data = GH_FAULT_VALUE;
		return GH_ACCESS_DONE;
	case GH_FAULT_LATE:
		return answer_late(device, a);
	case GH_FAULT_NEVER:
		return GH_ACCESS_DEFERRED;
	case GH_FAULT_INSIDE:
		a->data = GH_FAULT_VALUE;
		gh_access_complete(a);
		return GH_ACCESS_DEFERRED;
	case GH_FAULT_WIDE:
		a->data = UINT64_MAX;
		return GH_ACCESS_DONE;
	default:
		return -EIO;
	}
}

/* What is late is owed to a vCPU, and that is awaited before. */
static int fault_move(void *device, struct gh_runner *runner)
{
	struct gh_faultdev *d = device;

	if (runner)
		d->runner = runner;
	return 0;
}

static void fault_release(void *device)
{
	gh_faultdev_destroy(device);
}

const struct gh_device_ops gh_faultdev_ops = {
	.name = "fault",
	.read = fault_access,
	.write = fault_access,
	.release = fault_release,
	.move = fault_move,
};

int gh_faultdev_create(struct gh_runner *runner, uint64_t delay_ns, struct gh_faultdev **dev)
{
	struct gh_faultdev *d = calloc(1, sizeof(*d));

	*dev = d;
	if (!d)
		return -ENOMEM;
	d->runner = runner;
	d->delay_ns = delay_ns;
	return 0;
}

void gh_faultdev_destroy(struct gh_faultdev *d)
{
	unsigned int i;

	for (i = 0; d && i < MAX_LATE; i++)
		gh_timer_cancel(d->runner, &d->late[i].timer);
	free(d);
}
