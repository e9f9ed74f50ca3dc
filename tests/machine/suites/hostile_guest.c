// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Guests that do what they can to their host, and users that do what they can to the
 * driver: storms of everything. Another VM goes on, and nothing is left behind.
 */
#include <errno.h>
#include <unistd.h>

#include "gt_fn.h"
#include "gt_scn.h"

#define DEV	GT_DEV_BASE
#define EDGE	GT_BELL_INTID(GT_BELL_EDGE)

TestSuite(hostile_guest, .timeout = 2 * GT_TIMEOUT);

static const struct gs_op flooder[] = { { GS_WRITE, 4, DEV, 7 }, { GS_GOTO, 0, 0, 1 << 30 } };

static const struct gs_op reader[] = { { GS_READ, 8, DEV, 0 }, { GS_GOTO, 0, 0, 1 << 30 } };

static const struct gs_op spinner[] = { { GS_SPIN, 0, 0, 0 } };

static const struct gs_op sleeper[] = { { GS_WFI }, { GS_GOTO, 0, 0, 1 << 30 } };

/* ---- guests ------------------------------------------------------------------------- */

/* Two floods and a quiet guest on one ring, in one thread: all get their turn. */
GT_SCN_CASE(hostile_guest, floods_of_mmio)
{
	static const struct gs_op quiet[] = {
		{ GS_SPIN, 0, 20000, 0 }, { GS_WRITE, 4, DEV, 1 }, { GS_GOTO, 0, 0, 1 << 30 },
	};
	unsigned int exits[3] = { 0 }, i, turn;
	struct io_uring ring;
	struct gt_vm vms[3];
	struct gt_cqe cqe;

	gt_ring_init(&ring, 8, 0);
	GT_BOOT_SCRIPT(&vms[0], flooder);
	GT_BOOT_SCRIPT(&vms[1], reader);
	GT_BOOT_SCRIPT(&vms[2], quiet);
	for (i = 0; i < 3; i++)
		vms[i].vcpus[0].id = i;
	for (turn = 0; turn < 2000; turn++) {
		for (i = 0; i < 3; i++)
			gt_ring_run(&ring, &vms[i].vcpus[0]);
		/* Nobody answers the reads: they are answered with what is in the page. */
		for (i = 0; i < 3; i++) {
			gt_ring_next(&ring, &cqe);
			cr_assert_geq(cqe.res, 0);
			exits[cqe.user_data] +=
				GH_URING_RES_EXIT(cqe.res) == GH_URING_EXIT_MMIO;
		}
	}
	cr_assert_gt(exits[0], 1500);
	cr_assert_gt(exits[1], 1500);
	cr_assert_gt(exits[2], 100, "the quiet guest had %u exits", exits[2]);
	for (i = 0; i < 3; i++)
		gt_vm_close(&vms[i]);
	io_uring_queue_exit(&ring);
}

/* Widths and places that are no exit are the guest's own trouble. */
GT_SCN_CASE(hostile_guest, odd_accesses)
{
	static const struct gs_op ops[] = {
		{ GS_WRITE, 8, 0, ~0ULL }, { GS_READ, 1, 0x3ffaffff, 0 },
		{ GS_PAIR, 8, DEV, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_PAIR, 8, 0x3ffffff0, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_LOAD, 8, 0x40000000, 0 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_STORE, 8, 0xfffffffff8, 1 }, { GS_ECHO, 8, DEV, 0 },
		{ GS_OFF },
	};
	struct gt_vcpu *vcpu;
	struct gt_vm vm;
	int i;

	GT_BOOT_SCRIPT(&vm, ops);
	vcpu = &vm.vcpus[0];
	gt_check_write(&gt_path_ring, vcpu, 8, 0, ~0ULL, __LINE__);
	gt_check_read(&gt_path_ring, vcpu, 1, 0x3ffaffff, 0, __LINE__);
	for (i = 0; i < 4; i++)
		gt_check_write(&gt_path_ring, vcpu, 8, DEV, GS_TRAPPED, __LINE__);
	gt_check_status(&gt_path_ring, vcpu, GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(&vm);
}

/* Hypercalls, firmware calls and vCPUs that do not exist, again and again. */
GT_SCN_CASE(hostile_guest, storm_of_calls)
{
	static const struct gs_op ops[] = {
		{ GS_HVC, 0, 0xc6008065, 3 }, { GS_HVC, 0, 0xc600801b, 0 },
		{ GS_HVC, 0, GH_SCN_CALL, GH_SCN_MAGIC }, { GS_HVC, 0, 0x84000000, 0 },
		{ GS_SMC, 0, 0x84000006, 0 }, { GS_SMC, 0, 0xc6008065, 3 },
		{ GS_CPU_ON, 0, 0, 0 }, { GS_CPU_ON, 0, 7, 0 }, { GS_CPU_ON, 0, 0xffff, 0 },
		{ GS_GOTO, 0, 0, 500 }, { GS_HVC, 0, GH_SCN_CALL, GH_SCN_MAGIC },
		{ GS_ECHO, 8, DEV, 0 }, { GS_OFF },
	};
	struct gt_other other;
	struct gt_vm vm;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, ops);
	/* The scenarios' call is the host's, and unknown to a guest. */
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, DEV, ~0ULL, __LINE__);
	gt_check_status(&gt_path_ring, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* Asleep and awake, as fast as it can: each a park and a wake-up. */
GT_SCN_CASE(hostile_guest, storm_of_sleeps)
{
	static const struct gs_op ops[] = {
		{ GS_SLEEP, 0, 1, 0 }, { GS_SLEEP, 0, 30000, 0 }, { GS_GOTO, 0, 0, 1000 },
		{ GS_WRITE, 4, DEV, 1 }, { GS_OFF },
	};
	struct gt_other other;
	struct gt_vm vm;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, ops);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* ---- users ----------------------------------------------------------------------- */

struct storm {
	struct gt_vm *vm;
	int fd;
	bool stop;
	uint64_t turns;
	pthread_t thread;
};

static bool goes_on(struct storm *s)
{
	s->turns++;
	return !__atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

static void begin(struct storm *s, void *(*body)(void *), struct gt_vm *vm)
{
	*s = (struct storm){ .vm = vm, .fd = -1 };
	cr_assert_eq(pthread_create(&s->thread, NULL, body, s), 0);
}

static void end(struct storm *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	pthread_join(s->thread, NULL);
	cr_assert_gt(s->turns, 10, "no storm");
}

static void *ring_bell(void *arg)
{
	struct storm *s = arg;

	s->fd = gt_eventfd();
	if (gt_irqfd_add(s->vm->fd, s->fd, GT_BELL_EDGE, 0))
		return NULL;
	while (goes_on(s))
		gt_eventfd_signal(s->fd);
	gt_irqfd_remove(s->vm->fd, GT_BELL_EDGE);
	close(s->fd);
	return NULL;
}

/* A doorbell without end: the guest takes what it can, and gets something done. */
GT_SCN_CASE(hostile_guest, storm_of_doorbells)
{
	static const struct gs_op ops[] = {
		{ GS_IRQ_ON, 0, EDGE, 1 }, { GS_IRQ_WAIT, 0, EDGE, 200 },
		{ GS_WRITE, 4, DEV, 1 }, { GS_OFF },
	};
	struct gt_other other;
	struct storm s;
	struct gt_vm vm;

	gt_other_start(&other);
	GT_BOOT_SCRIPT(&vm, ops);
	begin(&s, ring_bell, &vm);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 1, __LINE__);
	end(&s);
	gt_other_check(&other, 3000);
	gt_vm_close(&vm);
	gt_other_stop(&other);
}

/* The run page, written all the time: the runner harms itself only. */
static void *scribble(void *arg)
{
	struct storm *s = arg;
	volatile uint8_t *page = (void *)s->vm->vcpus[0].run;
	unsigned int i;

	while (goes_on(s)) {
		for (i = 1; i < 64; i++)
			page[i] = (uint8_t)(s->turns * 31 + i * 7);
		page[0] = s->turns % 64 == 1;
	}
	return NULL;
}

GT_SCN_CASE(hostile_guest, scribbled_page)
{
	static const struct gs_op *const scripts[] = { flooder, reader, sleeper, spinner };
	struct gt_other other;
	struct io_uring ring;
	struct gt_cqe cqe;
	struct storm s;
	struct gt_vm vm;
	size_t i;
	int n;

	gt_other_start(&other);
	gt_ring_init(&ring, 4, 0);
	for (i = 0; i < GT_ARRAY_SIZE(scripts); i++) {
		gt_vm_boot_script(&vm, scripts[i], 2);
		begin(&s, scribble, &vm);
		for (n = 0; n < 300; n++) {
			gt_ring_run(&ring, &vm.vcpus[0]);
			if (gt_ring_poll(&ring, &cqe, 20) == -ETIME) {
				gt_ring_kick(&ring, &vm.vcpus[0]);
				cqe.res = gt_ring_take_both(&ring, &vm.vcpus[0]);
			}
			cr_assert(cqe.res >= 0 || cqe.res == -EINVAL, "%d", cqe.res);
		}
		end(&s);
		gt_vm_close(&vm);
	}
	gt_other_check(&other, 3000);
	gt_other_stop(&other);
	io_uring_queue_exit(&ring);
}

static void *kick_and_cancel(void *arg)
{
	struct storm *s = arg;

	while (goes_on(s))
		gt_ioctl(s->vm->vcpus[0].fd, s->turns % 2 ? GH_VCPU_KICK : GH_VCPU_CANCEL, 0);
	return NULL;
}

GT_SCN_CASE(hostile_guest, storm_of_kicks_and_cancels)
{
	static const struct gs_op *const scripts[] = { flooder, sleeper, spinner };
	struct gt_other other;
	struct storm s[2];
	struct gt_exit exit;
	struct gt_vm vm;
	size_t i;
	int n;

	gt_other_start(&other);
	for (i = 0; i < GT_ARRAY_SIZE(scripts); i++) {
		gt_vm_boot_script(&vm, scripts[i], 2);
		begin(&s[0], kick_and_cancel, &vm);
		begin(&s[1], kick_and_cancel, &vm);
		for (n = 0; n < 300; n++) {
			gt_path_ioctl.once(&vm.vcpus[0], &exit);
			cr_assert(exit.kind != GT_EXIT_ERROR || exit.err == -ECANCELED,
				  "%s", strerror(-exit.err));
			gt_path_ring.once(&vm.vcpus[0], &exit);
			cr_assert(exit.kind != GT_EXIT_ERROR || exit.err == -ECANCELED,
				  "%s", strerror(-exit.err));
		}
		end(&s[0]);
		end(&s[1]);
		gt_vm_close(&vm);
	}
	gt_other_check(&other, 5000);
	gt_other_stop(&other);
}

/* Functions that come and go, before, during and after the start. */
static void *come_and_go(void *arg)
{
	struct storm *s = arg;
	int fd;

	while (goes_on(s)) {
		fd = gt_add_vcpu(s->vm->fd, 1 + s->turns % 3);
		/* No RUN: a vCPU that nobody switches on would wait for ever. */
		gt_ioctl(fd, GH_VCPU_KICK, 0);
		gt_ioctl(fd, GH_VCPU_CANCEL, 0);
		if (s->turns % 2)
			gt_remove_vcpu(s->vm->fd, 1 + s->turns % 3);
		close(fd);
		gt_remove_vcpu(s->vm->fd, 1 + s->turns % 3);
	}
	return NULL;
}

GT_SCN_CASE(hostile_guest, functions_that_come_and_go)
{
	struct storm s[2];
	struct gt_vm vm;
	int i, n;

	for (i = 0; i < 5; i++) {
		gt_vm_create(&vm);
		gt_vm_fill(&vm, "script", 4);
		gt_vm_script(&vm, 0, flooder, GT_ARRAY_SIZE(flooder));
		gt_vm_give(&vm);
		gt_vm_add_vcpu(&vm, 0);
		begin(&s[0], come_and_go, &vm);
		begin(&s[1], come_and_go, &vm);
		usleep(20000);
		gt_vm_start(&vm);
		for (n = 0; n < 100; n++)
			gt_check_write(&gt_path_ring, &vm.vcpus[0], 4, DEV, 7, __LINE__);
		end(&s[0]);
		end(&s[1]);
		gt_vm_close(&vm);
	}
}
