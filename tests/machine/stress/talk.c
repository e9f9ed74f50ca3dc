// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Conversations: a guest of its own reads and says what it was answered, in every way
 * that a vCPU can be run, while another thread kicks, cancels and signals. Each
 * answer arrives once, and each exit.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

#define EXCHANGES	40
/* Of the driver: the shortest slice. */
#define SHORT_NS	10000

/**
 * struct talk - a conversation
 * @answer: to the read that is pending, if @asked
 * @heard: echoes
 * @random: the talker's; @disturbing: the other thread's
 * @disturb: the thread that disturbs goes on
 */
struct talk {
	struct st_worker *w;
	struct gt_vm vm;
	struct gt_vcpu *vcpu;
	struct io_uring ring;
	uint64_t answer;
	bool asked;
	unsigned int heard;
	pthread_t talker;
	struct st_random random;
	struct st_random disturbing;
	atomic_bool disturb;
};

static void *disturb(void *arg)
{
	struct talk *t = arg;

	while (t->disturb) {
		switch (st_below(&t->disturbing, 4)) {
		case 0:
			gt_ioctl(t->vcpu->fd, GH_VCPU_KICK, 0);
			break;
		case 1:
			gt_ioctl(t->vcpu->fd, GH_VCPU_CANCEL, 0);
			break;
		case 2:
			pthread_kill(t->talker, SIGUSR1);
			break;
		default:
			t->vcpu->run->immediate_exit = st_below(&t->disturbing, 2);
			break;
		}
		usleep(st_below(&t->disturbing, 300));
	}
	t->vcpu->run->immediate_exit = 0;
	return NULL;
}

/* The guest accessed a device. */
static void hear(struct talk *t, bool write, uint64_t addr, uint64_t data)
{
	if (addr != (write ? ST_ADDR_ECHO : ST_ADDR_READ))
		stress_fail("talk: access to %#llx", (unsigned long long)addr);
	if (write != t->asked)
		stress_fail("talk: %s after %u echoes", write ? "echo without a read" :
			    "a read again", t->heard);
	if (write && data != t->answer + 1)
		stress_fail("talk: %#llx was answered, and the guest got %#llx",
			    (unsigned long long)t->answer, (unsigned long long)data - 1);
	t->asked = !write;
	if (write) {
		t->heard++;
		t->w->slot->answers++;
	} else {
		t->answer = st_next(&t->random) >> 1;
	}
	t->w->slot->exits++;
}

static void hear_result(struct talk *t, int res)
{
	const struct gh_run_entry entry = { .res = res };
	struct gh_uring_exit exit;

	if (res == -ECANCELED)
		return;
	if (gh_run_entry_decode(&entry, t->vcpu->run, &exit))
		stress_fail("talk: run: %s", strerrorname_np(-res));
	if (exit.reason == GH_URING_EXIT_STATUS)
		stress_fail("talk: the VM ended");
	if (exit.reason == GH_URING_EXIT_MMIO)
		hear(t, exit.is_write, exit.addr, exit.data);
}

static void run_ioctl(struct talk *t)
{
	struct gh_vcpu_run *run = t->vcpu->run;
	uint64_t data;
	int ret;

	if (t->asked)
		memcpy(run->mmio.data, &t->answer, sizeof(t->answer));
	ret = gt_ioctl(t->vcpu->fd, GH_VCPU_RUN, 0);
	if (ret == -EINTR || ret == -ECANCELED)
		return;
	if (ret || run->exit_reason != GH_VM_EXIT_MMIO)
		stress_fail("talk: ioctl: %d, exit reason %u", ret, run->exit_reason);
	memcpy(&data, run->mmio.data, sizeof(data));
	hear(t, run->mmio.is_write, run->mmio.phys_addr, data);
}

/* Nothing else is in the ring. */
static struct io_uring_sqe *get(struct talk *t)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);

	cr_assert(sqe);
	return sqe;
}

static int take(struct talk *t)
{
	struct io_uring_cqe *cqe;
	int res;

	io_uring_submit(&t->ring);
	while (io_uring_wait_cqe(&t->ring, &cqe))
		;
	res = cqe->res;
	io_uring_cqe_seen(&t->ring, cqe);
	return res;
}

static uint64_t some_deadline(struct talk *t)
{
	switch (st_below(&t->random, 4)) {
	case 0:
		return 1;
	case 1:
		return st_now_ns() + st_below(&t->random, 100000);
	default:
		return 0;
	}
}

static void run_ring(struct talk *t)
{
	struct io_uring_sqe *sqe = get(t);
	uint32_t slice_ns = st_once_in(&t->random, 2) ? SHORT_NS : 0;

	if (t->asked)
		gh_uring_prep_run_resume(sqe, t->vcpu->fd, slice_ns, some_deadline(t), t->answer);
	else
		gh_uring_prep_run(sqe, t->vcpu->fd, slice_ns, some_deadline(t));
	if (st_once_in(&t->random, 3))
		sqe->flags |= IOSQE_ASYNC;
	hear_result(t, take(t));
}

static void run_batch(struct talk *t, bool by_ring)
{
	uint64_t deadline_ns = some_deadline(t);
	struct gh_run_entry entry;
	int ret;

	gh_run_entry_init(&entry, t->vcpu->fd, st_once_in(&t->random, 2) ? SHORT_NS : 0);
	if (t->asked) {
		entry.flags = GH_URING_RUN_RESUME;
		entry.resume_data = t->answer;
	}
	if (by_ring) {
		gh_uring_prep_run_batch(get(t), t->vcpu->fd, &entry, 1, deadline_ns);
		ret = take(t);
	} else {
		ret = gh_run_batch(t->vcpu->fd, &entry, 1, deadline_ns);
	}
	if (ret != 1)
		stress_fail("talk: batch: %d", ret);
	hear_result(t, entry.res);
}

static void run_once(struct talk *t)
{
	if (t->asked)
		gh_run_answer(t->vcpu->run, t->answer);
	hear_result(t, gh_run_once(t->vcpu->fd, some_deadline(t)));
}

int64_t st_talk(struct st_worker *w)
{
	const struct gs_op ops[] = {
		{ GS_READ, 8, ST_ADDR_READ, 0 }, { GS_SPIN, 0, 1 + st_below(&w->random, 5000), 0 },
		{ GS_ECHO, 8, ST_ADDR_ECHO, 1 }, { GS_GOTO, 0, 0, 1 << 30 },
	};
	struct talk t = { .w = w, .disturb = true, .talker = pthread_self() };
	uint64_t until = st_now_ns() + st_patience_ns();
	pthread_t thread;

	st_seed(&t.random, st_next(&w->random), 0, 0);
	st_seed(&t.disturbing, st_next(&w->random), 0, 0);
	gt_vm_boot_script(&t.vm, ops, GT_ARRAY_SIZE(ops));
	t.vcpu = &t.vm.vcpus[0];
	cr_assert_eq(io_uring_queue_init(4, &t.ring, 0), 0);
	cr_assert_eq(pthread_create(&thread, NULL, disturb, &t), 0);
	while (t.heard < EXCHANGES && st_now_ns() < until) {
		w->slot->runs++;
		switch (st_below(&w->random, 5)) {
		case 0:
			run_ioctl(&t);
			break;
		case 1:
			run_ring(&t);
			break;
		case 2:
			run_once(&t);
			break;
		default:
			run_batch(&t, st_once_in(&w->random, 2));
			break;
		}
	}
	t.disturb = false;
	pthread_join(thread, NULL);
	io_uring_queue_exit(&t.ring);
	gt_vm_close(&t.vm);
	w->arg[0] = t.heard;
	return 0;
}
