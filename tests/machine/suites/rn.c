// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <poll.h>

#include "rn.h"

#define SECOND_NS	1000000000ULL

/* Behind the image lies the device tree. */
static uint8_t image[GT_RAM_SIZE - 0x8000];

void rn_image(const char *name)
{
	memset(image, 0, sizeof(image));
	gt_load(image, sizeof(image), name);
}

void rn_script(unsigned int vcpu, const struct gs_op *ops, size_t n)
{
	cr_assert_leq(n, GS_MAX_OPS);
	memcpy(image + GS_OFFSET + vcpu * GS_STRIDE, ops, n * sizeof(*ops));
}

static int log_read(void *device, struct gh_access *a)
{
	const struct rn_vm *v = device;

	a->data = v->writes;
	return GH_ACCESS_DONE;
}

static int log_write(void *device, struct gh_access *a)
{
	struct rn_vm *v = device;

	if (v->writes < RN_LOG_LEN)
		v->log[v->writes] = a->data;
	v->writes++;
	return GH_ACCESS_DONE;
}

static const struct gh_device_ops log_ops = {
	.name = "log", .read = log_read, .write = log_write,
};

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct rn_vm *v = opaque;

	cr_assert_eq(v->vm, vm);
	cr_assert_not(v->ended, "ended twice");
	v->ended = true;
	v->result = *result;
}

static const struct gh_vm_events events = { .ended = on_ended };

void rn_create(struct gh_runner *runner, struct rn_vm *v, const char *name, unsigned int vcpus)
{
	const struct gh_vm_config config = {
		.name = name,
		.memory_size = GT_RAM_SIZE,
		.vcpus = vcpus,
		.image = image,
		.image_size = GS_OFFSET + GS_MAX_VCPUS * GS_STRIDE,
		.events = &events,
		.opaque = v,
	};
	int ret;

	memset(v, 0, sizeof(*v));
	ret = gh_vm_create(runner, &config, &v->vm);
	cr_assert_eq(ret, 0, "%s: %s: %s", name, gh_runner_last_error(runner)->what,
		     strerror(-ret));
	cr_assert_eq(gh_vm_add_device(v->vm, RN_LOG_BASE, RN_LOG_SIZE, &log_ops, v), 0);
}

void rn_start(struct rn_vm *v)
{
	int ret = gh_vm_start(v->vm);

	cr_assert_eq(ret, 0, "%s: %s", gh_vm_name(v->vm), strerror(-ret));
}

static void on_timer(struct gh_timer *timer)
{
	(void)timer;
}

static bool is_over(const struct gh_timer *timer, const bool *flag)
{
	return !timer->armed || (flag && *flag);
}

static void run(struct gh_runner *runner, uint64_t ns, const bool *flag, bool signals)
{
	struct gh_timer timer = { .deadline_ns = gh_now_ns() + ns, .fire = on_timer };
	struct pollfd p = { .fd = gh_runner_fd(runner), .events = POLLIN };

	cr_assert_geq(p.fd, 0);
	cr_assert_eq(gh_timer_arm(runner, &timer), 0);
	while (!is_over(&timer, flag)) {
		uint64_t left;

		cr_assert_eq(gh_runner_prepare(runner), 0);
		left = gh_runner_timeout_ns(runner);
		left = left > SECOND_NS ? SECOND_NS : left;
		if (poll(&p, 1, (int)((left + 999999) / 1000000)) < 0)
			cr_assert(signals && errno == EINTR);
		cr_assert_geq(gh_runner_dispatch(runner, 0), 0);
	}
	cr_assert(!flag || *flag, "waited in vain");
	gh_timer_cancel(runner, &timer);
}

void rn_run(struct gh_runner *runner, uint64_t ns, const bool *flag)
{
	run(runner, ns, flag, false);
}

void rn_run_through_signals(struct gh_runner *runner, uint64_t ns)
{
	run(runner, ns, NULL, true);
}

void rn_destroy(struct gh_runner *runner, struct rn_vm *v)
{
	if (!v->ended && gh_vm_result(v->vm)->end == GH_VM_END_NONE)
		gh_vm_stop(v->vm);
	if (!v->ended)
		rn_run(runner, 10000000000ULL, &v->ended);
	cr_assert_eq(gh_vm_destroy(v->vm), 0);
}
