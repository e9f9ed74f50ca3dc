// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The guests of a run, whichever runner has them: what is done to a VM is done on the
 * thread of its runner.
 */
#include "cli.h"

/* Wherever they are: @one guest or, if it is NULL, all. */
void fleet_stop(struct fleet *s, struct guest *one)
{
	unsigned int i;

	for (i = 0; s->guests && i < s->nr_guests; i++) {
		struct guest *g = &s->guests[i];

		if (g->vm && (!one || one == g))
			gh_vm_stop(g->vm);
	}
}

static int destroy_those_of(struct gh_runner *runner, void *arg)
{
	struct fleet *s = arg;
	unsigned int i;

	for (i = 0; i < s->nr_guests; i++) {
		struct guest *g = &s->guests[i];

		if (g->vm && gh_vm_runner(g->vm) == runner && !gh_vm_destroy(g->vm))
			g->vm = NULL;
	}
	return 0;
}

void fleet_destroy(struct fleet *s)
{
	unsigned int i;

	if (!s->guests)
		return;
	if (!s->group) {
		destroy_those_of(s->runner, s);
		return;
	}
	for (i = 0; i < gh_group_size(s->group); i++)
		gh_group_call(s->group, i, destroy_those_of, s);
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
