// SPDX-License-Identifier: GPL-2.0-only
/* Runs the guest's vCPUs and answers its accesses, as the host of the traces did. */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/sched.h>

#include "conf.h"

#define SPIN_MS		300	/* how long a guest that only spins is run */
#define LIMIT_MS	5000	/* how long any guest is run */
#define KICK_MS		2000
#define QUIET		3	/* POWERED_OFF so often: nothing more will come */
#define MODE_SPIN	2
#define MODE_BELL	10
#define MODE_CPU_ON	11

struct loop {
	unsigned int mode;
	unsigned int calls;
	unsigned int ready;
	unsigned int quiet;
	u64 resume;
	struct conf_run last;
	ktime_t start;
};

const char *conf_state_name(u64 state)
{
	switch (state) {
	case RUN_READY:
		return "READY";
	case RUN_EXPECTS_WAKEUP:
		return "EXPECTS_WAKEUP";
	case RUN_POWERED_OFF:
		return "POWERED_OFF";
	case RUN_BLOCKED:
		return "BLOCKED";
	case RUN_MMIO_READ:
		return "MMIO_READ";
	case RUN_MMIO_WRITE:
		return "MMIO_WRITE";
	case RUN_FAULT:
		return "FAULT";
	case RUN_SYSTEM_RESET:
		return "PSCI_SYSTEM_RESET";
	}
	return "unknown";
}

void conf_run_once(const struct conf_vcpu *vcpu, u64 resume, struct conf_run *run)
{
	const struct conf_regs args = { .x = { vcpu->cap, resume } };
	struct conf_regs res;

	conf_hvc(HVC_VCPU_RUN, &args, &res);
	run->err = res.x[0];
	run->state = res.x[1];
	memcpy(run->data, res.x + 2, sizeof(run->data));
}

static void log_run(const struct loop *l, const struct conf_vcpu *vcpu, const struct conf_run *r)
{
	conf_log("  run -> state 0x%llx %-17s d0 0x%llx d1 0x%llx d2 0x%llx kicks %d (after %u READY)\n",
		 r->state, conf_state_name(r->state), r->data[0], r->data[1], r->data[2],
		 atomic_read(&vcpu->kicks), l->ready);
}

/* What the host answers to the two reads of every guest. */
static u64 answer(u64 addr)
{
	return addr == 0x1000 ? 0xcafe0000 : 0xbeef;
}

bool conf_wait_kick(struct conf_vcpu *vcpu)
{
	unsigned long end = jiffies + msecs_to_jiffies(KICK_MS);

	while (atomic_read(&vcpu->kicks) == vcpu->waited) {
		if (time_after(jiffies, end))
			return false;
		wait_for_completion_timeout(&vcpu->kick, msecs_to_jiffies(10));
	}
	vcpu->waited = atomic_read(&vcpu->kicks);
	return true;
}

static void ring_bell(const struct conf_vm *vm)
{
	const struct conf_regs args = { .x = { vm->bell_cap, 1 } };
	struct conf_regs res;

	conf_hvc(HVC_BELL_SEND, &args, &res);
	conf_log("  doorbell_send -> %llu old flags 0x%llx\n", res.x[0], res.x[1]);
}

/* vCPU 1 runs until it is off for good. */
static void run_second(struct conf_vm *vm)
{
	struct conf_vcpu *vcpu = &vm->vcpu[1];
	struct conf_run r;
	unsigned int i;

	conf_wait_kick(vcpu);
	for (i = 0; i < 1000; i++) {
		conf_run_once(vcpu, 0, &r);
		if (!r.err && (r.state == RUN_READY || r.state == RUN_BLOCKED)) {
			cond_resched();
			continue;
		}
		conf_log("  vcpu1 run err %llu -> 0x%llx %s d0 0x%llx d1 0x%llx d2 0x%llx kicks1 %d\n",
			 r.err, r.state, conf_state_name(r.state), r.data[0], r.data[1], r.data[2],
			 atomic_read(&vcpu->kicks));
		if (r.err || (r.state == RUN_POWERED_OFF && r.data[0]))
			return;
		if (r.state == RUN_POWERED_OFF) {
			conf_drain();
			msleep(20);
		}
	}
}

/* False when there is nothing more to wait for. */
static bool on_wakeup(struct conf_vm *vm, struct loop *l)
{
	struct conf_vcpu *vcpu = &vm->vcpu[0];
	ktime_t start = ktime_get();

	if (l->mode == MODE_CPU_ON) {
		run_second(vm);
		return false;
	}
	if (l->mode == MODE_BELL)
		ring_bell(vm);
	if (!conf_wait_kick(vcpu)) {
		conf_log("  no kick\n");
		return false;
	}
	conf_log("  waited %lld us, kicks %d\n", ktime_us_delta(ktime_get(), start),
		 atomic_read(&vcpu->kicks));
	return true;
}

/* Not an access, not a slice: the guest waits or has ended. */
static bool on_stop(struct conf_vm *vm, struct loop *l, const struct conf_run *r)
{
	struct conf_vcpu *vcpu = &vm->vcpu[0];

	if (r->state != l->last.state || r->data[0] != l->last.data[0])
		log_run(l, vcpu, r);
	if (r->state == RUN_EXPECTS_WAKEUP)
		return on_wakeup(vm, l);

	conf_drain();
	if (r->state == RUN_POWERED_OFF) {
		if (++l->quiet == QUIET)
			return false;
		msleep(20);
	}
	return true;
}

/* False at the end of the loop. */
static bool step(struct conf_vm *vm, struct loop *l)
{
	s64 ms = ktime_ms_delta(ktime_get(), l->start);
	struct conf_run r;
	bool more = true;

	if (ms > LIMIT_MS) {
		conf_log("  gave up\n");
		return false;
	}

	l->calls++;
	conf_run_once(&vm->vcpu[0], l->resume, &r);
	if (r.err) {
		conf_log("  run -> err %llu\n", r.err);
		return false;
	}
	l->resume = 0;
	/* BLOCKED is what a run on another CPU than the last one may give, once. */
	if (r.state == RUN_READY || r.state == RUN_BLOCKED) {
		l->ready++;
		cond_resched();
		return l->mode != MODE_SPIN || ms < SPIN_MS;
	}

	if (r.state == RUN_MMIO_READ || r.state == RUN_MMIO_WRITE) {
		log_run(l, &vm->vcpu[0], &r);
		if (r.state == RUN_MMIO_READ)
			l->resume = answer(r.data[0]);
	} else {
		more = on_stop(vm, l, &r);
	}
	l->last = r;
	return more;
}

void conf_run_guest(struct conf_vm *vm, unsigned int mode)
{
	struct loop l = { .mode = mode, .last.state = ~0ULL, .start = ktime_get() };

	while (step(vm, &l))
		;
	conf_log("  loop ended: %u calls, %u READY, last %s, quiet %u, %lld us\n", l.calls, l.ready,
		 conf_state_name(l.last.state), l.quiet, ktime_us_delta(ktime_get(), l.start));
	conf_log("  exited notification: %d vmid %u type %u\n", conf_seen.exited, vm->vmid,
		 conf_seen.exit_type);
}
