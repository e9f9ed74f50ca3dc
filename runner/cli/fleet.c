// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The guests of a run, whichever runner has them: what is done to a VM is done on the
 * thread of its runner.
 */
#include "cli.h"

/* What a runner is asked to do: @one guest or, if it is NULL, all that it has. */
struct request {
	struct fleet *fleet;
	struct guest *one;
	int (*fn)(struct gh_vm *vm);
};

static int on_runner(struct gh_runner *runner, void *arg)
{
	const struct request *q = arg;
	unsigned int i;

	for (i = 0; i < q->fleet->nr_guests; i++) {
		struct guest *g = &q->fleet->guests[i];

		if (g->vm && (!q->one || q->one == g) && gh_vm_runner(g->vm) == runner &&
		    !q->fn(g->vm) && q->fn == gh_vm_destroy)
			g->vm = NULL;
	}
	return 0;
}

static void on_runners(struct request *q)
{
	unsigned int i;

	if (!q->fleet->guests)
		return;
	if (!q->fleet->group) {
		on_runner(q->fleet->runner, q);
		return;
	}
	for (i = 0; i < gh_group_size(q->fleet->group); i++)
		gh_group_call(q->fleet->group, i, on_runner, q);
}

/* One that is between two runners is missed. */
void fleet_stop(struct fleet *s, struct guest *g)
{
	struct request q = { .fleet = s, .one = g, .fn = gh_vm_stop };

	on_runners(&q);
}

void fleet_destroy(struct fleet *s)
{
	struct request q = { .fleet = s, .fn = gh_vm_destroy };

	on_runners(&q);
}

void fleet_stats(struct fleet *s, struct gh_stats *stats)
{
	if (s->group)
		gh_group_stats(s->group, stats);
	else
		gh_runner_stats(s->runner, stats);
}

enum gh_vm_end fleet_end(struct fleet *s, const struct guest *g)
{
	enum gh_vm_end end;

	pthread_mutex_lock(&s->lock);
	end = g->result.end;
	pthread_mutex_unlock(&s->lock);
	return end;
}

unsigned int fleet_ended(struct fleet *s)
{
	unsigned int n;

	pthread_mutex_lock(&s->lock);
	n = s->nr_ended;
	pthread_mutex_unlock(&s->lock);
	return n;
}
