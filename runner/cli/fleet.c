// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The guests of a run and the runners that have them.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* ---- members ------------------------------------------------------------------------- */

int fleet_call(struct fleet *s, unsigned int member,
	       int (*fn)(struct gh_runner *runner, void *arg), void *arg)
{
	return s->group ? gh_group_call(s->group, member, fn, arg) : fn(s->runner, arg);
}

static int bound_to(const cpu_set_t *set)
{
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, set))
			return CPU_COUNT(set) == 1 ? cpu : -1;
	return -1;
}

static int describe(struct gh_runner *runner, void *arg)
{
	struct member *m = arg;
	cpu_set_t set;

	m->runner = runner;
	m->cpu = sched_getaffinity(0, sizeof(set), &set) ? -1 : bound_to(&set);
	return 0;
}

/* The group has bound its threads, in turns from the second CPU on: the first is ours. */
static void bind_first(void)
{
	cpu_set_t set, one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	/* It went offline: any other does as well. */
	sched_setaffinity(0, sizeof(one), &one);
}

int fleet_describe(struct fleet *s)
{
	unsigned int i;

	s->nr_members = s->group ? gh_group_size(s->group) : 1;
	s->members = calloc(s->nr_members, sizeof(*s->members));
	if (!s->members)
		return -ENOMEM;
	if (s->group)
		bind_first();
	for (i = 0; i < s->nr_members; i++)
		fleet_call(s, i, describe, &s->members[i]);
	if (!s->group)
		s->members[0].cpu = -1;
	return 0;
}

/*
 * Where fewest vCPUs were put. The loads of a group are of no use yet: none of the guests
 * that are there has run for long, and the main thread's have not run at all.
 */
unsigned int fleet_place(struct fleet *s, unsigned int vcpus)
{
	unsigned int i, least = 0;

	for (i = 1; i < s->nr_members; i++)
		if (s->members[i].placed < s->members[least].placed)
			least = i;
	s->members[least].placed += vcpus;
	return least;
}

int fleet_error(const struct fleet *s)
{
	unsigned int i;
	int ret = 0, error;

	for (i = 1; i < s->nr_members; i++) {
		error = gh_group_error(s->group, i);
		if (!error)
			continue;
		cli_error(NULL, "runner %u: its ring failed: %s; its guests have ended with it", i,
			  strerror(-error));
		ret = error;
	}
	return ret;
}

/* ---- all guests ------------------------------------------------------------------------ */

/* Wherever they are. */
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

	for (i = 0; s->guests && i < s->nr_members; i++)
		fleet_call(s, i, destroy_those_of, s);
}

void fleet_stats(struct fleet *s, struct gh_stats *stats)
{
	if (s->group)
		gh_group_stats(s->group, stats);
	else
		gh_runner_stats(s->runner, stats);
}

void guest_state(const struct guest *g, struct guest_state *state)
{
	pthread_mutex_lock(&g->fleet->lock);
	state->end = g->result.end;
	state->member = g->member;
	pthread_mutex_unlock(&g->fleet->lock);
}

unsigned int fleet_ended(struct fleet *s)
{
	unsigned int n;

	pthread_mutex_lock(&s->lock);
	n = s->nr_ended;
	pthread_mutex_unlock(&s->lock);
	return n;
}
