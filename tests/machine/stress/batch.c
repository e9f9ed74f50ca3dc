// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * GH_VCPU_RUN_BATCH over vCPUs of several VMs, which others may run at the same time; by
 * ioctl, and by a ring of its own, inline and by a worker.
 */
#include <string.h>

#include "stress.h"

#define ENTRIES		6
/* No result of a run. */
#define UNTOUCHED	INT32_MAX

struct entries {
	unsigned int nr;
	struct gh_run_entry entry[ENTRIES];
	struct st_vm *vm[ENTRIES];
	struct gt_vcpu *vcpu[ENTRIES];
};

/* Each vCPU once, for the page has what its last run said. */
static bool has(const struct entries *e, const struct gt_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < e->nr; i++) {
		if (e->vcpu[i] == vcpu)
			return true;
	}
	return false;
}

static void fill(struct st_worker *w, struct entries *e)
{
	unsigned int wanted = 1 + st_below(&w->random, ENTRIES);
	struct gt_vcpu *vcpu;
	uint32_t slice_ns;
	struct st_vm *vm;

	e->nr = 0;
	while (wanted--) {
		slice_ns = st_below(&w->random, 2) * (10000 + st_below(&w->random, 2000000));
		vcpu = st_pick_vcpu(w, !st_once_in(&w->random, 20), &vm);
		if (!vcpu || has(e, vcpu) || (!vm->loose && st_in_flight(w, vm, vcpu->id)))
			continue;
		gh_run_entry_init_resume(&e->entry[e->nr], vcpu->fd, slice_ns, ST_ANSWER);
		e->entry[e->nr].res = UNTOUCHED;
		e->vm[e->nr] = vm;
		e->vcpu[e->nr] = vcpu;
		e->nr++;
	}
}

static void check_entry(struct st_worker *w, const struct entries *e, unsigned int i)
{
	const struct gh_run_entry *entry = &e->entry[i];
	struct gh_uring_exit exit;

	w->slot->runs++;
	if (entry->res < 0) {
		w->slot->errors++;
		if (entry->res == -ECANCELED || entry->res == -ENODEV || entry->res == -EBUSY)
			return;
		stress_fail("entry %u: %s", i, strerrorname_np(-entry->res));
	}
	cr_assert_eq(gh_run_entry_decode(entry, e->vcpu[i]->run, &exit), 0);
	w->slot->exits += exit.reason == GH_URING_EXIT_MMIO || exit.reason == GH_URING_EXIT_STATUS;
	if (e->vm[i]->loose || exit.reason != GH_URING_EXIT_MMIO || !exit.is_write ||
	    exit.addr != ST_ADDR_ECHO)
		return;
	w->slot->answers++;
	if (exit.data != ST_ANSWER + 1)
		stress_fail("entry %u was answered %#llx", i, (unsigned long long)exit.data - 1);
}

static int by_ring(struct st_worker *w, struct entries *e, uint64_t deadline_ns)
{
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int ret;

	cr_assert_eq(io_uring_queue_init(4, &ring, 0), 0);
	sqe = io_uring_get_sqe(&ring);
	cr_assert_not_null(sqe);
	gh_uring_prep_run_batch(sqe, e->vcpu[0]->fd, e->entry, e->nr, deadline_ns);
	if (st_once_in(&w->random, 3))
		sqe->flags |= IOSQE_ASYNC;
	io_uring_submit(&ring);
	while ((ret = io_uring_wait_cqe(&ring, &cqe)) == -EINTR)
		;
	cr_assert_eq(ret, 0);
	ret = cqe->res;
	io_uring_queue_exit(&ring);
	return ret;
}

int64_t st_batch(struct st_worker *w)
{
	uint64_t deadline_ns = 0;
	struct entries e;
	unsigned int i;
	int ret;

	fill(w, &e);
	if (!e.nr)
		return -EAGAIN;
	w->arg[0] = e.nr;
	w->arg[1] = st_below(&w->random, 2);
	if (st_once_in(&w->random, 4))
		deadline_ns = st_now_ns() + st_below(&w->random, 4000000);
	ret = w->arg[1] ? by_ring(w, &e, deadline_ns) :
			  gh_run_batch(e.vcpu[0]->fd, e.entry, e.nr, deadline_ns);
	if (ret < 1 || ret > (int)e.nr)
		stress_fail("batch of %u: %d", e.nr, ret);
	for (i = 0; i < e.nr; i++) {
		bool untouched = e.entry[i].res == UNTOUCHED, left = i >= (unsigned int)ret;

		if (untouched != left)
			stress_fail("%d entries carried out, and entry %u has %d", ret, i,
				    e.entry[i].res);
		if (!untouched)
			check_entry(w, &e, i);
	}
	return ret;
}
