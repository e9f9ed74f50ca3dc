// SPDX-License-Identifier: GPL-2.0-only
/*
 * VCPU_RUN: the world switch and the states of a vCPU.
 *
 * A vCPU is run by one CPU at a time: the one whose number is in vcpu->owner.
 * That word is the only lock of this path. Others talk to a vCPU by latching an
 * interrupt and mon_vcpu_notify(), by PSCI's power word, or by killing it; each
 * of them then looks at `owner` or `parked`, and this file looks at their words
 * after it has written its own.
 *
 * mon_vcpu_run() and mon_vcpu_mmio() are what happens all the time. They call nothing
 * but as their last act, so they need no stack.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>
#include <mon/scenario.h>
#include <mon/vm.h>
#include <mon/world.h>
#include <string.h>

#define ACTIVE_TIMER(ctl) (((ctl) & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE)

static void result(struct mon_cpu *cpu, int64_t err, uint64_t state, uint64_t d0, uint64_t d1,
		   uint64_t d2)
{
	cpu->host.x[0] = (uint64_t)err;
	cpu->host.x[1] = state;
	cpu->host.x[2] = d0;
	cpu->host.x[3] = d1;
	cpu->host.x[4] = d2;
}

static void release(struct mon_vcpu *vcpu)
{
	__atomic_store_n(&vcpu->owner, 0, __ATOMIC_RELEASE);
}

void mon_vcpu_raise_virq(struct mon_vcpu *vcpu)
{
	struct gh_scenario s;

	if (mon_scn_any(GH_SCN_WAKE) && mon_scn_take_vcpu(GH_SCN_WAKE, vcpu, 0, &s))
		return;
	if (vcpu->virq != MON_VIRQ_NONE)
		mon_hline_raise(vcpu->virq);
}

void mon_vcpu_notify(struct mon_vcpu *vcpu)
{
	uint32_t owner;

	__atomic_store_n(&vcpu->notify, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vcpu->parked, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&vcpu->parked, 0, __ATOMIC_SEQ_CST)) {
		mon_vcpu_raise_virq(vcpu);
		return;
	}
	owner = __atomic_load_n(&vcpu->owner, __ATOMIC_SEQ_CST);
	if (owner && &mon_cpus[owner - 1] != mon_this_cpu())
		mon_cpu_kick(&mon_cpus[owner - 1]);
}

/* The world switch with all there may be to it; see also world.h. */
static void load(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	struct mon_vif *vif = &cpu->host_vif;

	mon_vif_save(vif);
	cpu->odd.host_vif = vif->busy || vif->ap1r0;
	mon_ctl_load(&cpu->guest_ctl, vcpu->vttbr, vcpu->vmpidr);
	mon_el1_switch(&cpu->host_el1, &vcpu->el1);
	if (cpu->odd.impdef)
		mon_el1_switch_impdef(&cpu->host_el1, &vcpu->el1);
	if (mon_host_debugs()) {
		cpu->odd.host_debug = true;
		cpu->host_mdscr = mon_read(mdscr_el1);
		mon_write(mdscr_el1, 0);
	}
	if (__atomic_load_n(&vcpu->notify, __ATOMIC_SEQ_CST))
		mon_vgic_fill(vcpu);
	mon_vgic_timer_enter(cpu, vcpu);
	mon_vif_load(cpu, &vcpu->vgic.vif);
	cpu->vcpu = vcpu;
	cpu->cur = &vcpu->ctx;
	mon_timer_enter(cpu);
}

static void unload(struct mon_cpu *cpu)
{
	struct mon_vcpu *vcpu = cpu->vcpu;

	if (cpu->odd.guest_fp) {
		mon_fp_save(&vcpu->fp);
		mon_fp_load(&cpu->host_fp);
		cpu->odd.guest_fp = false;
	}
	mon_vif_save(&vcpu->vgic.vif);
	mon_ctl_load(&cpu->host_ctl, cpu->host_ctl.vttbr, cpu->host_ctl.vmpidr);
	mon_el1_switch(&vcpu->el1, &cpu->host_el1);
	if (cpu->odd.impdef)
		mon_el1_switch_impdef(&vcpu->el1, &cpu->host_el1);
	if (cpu->odd.host_debug) {
		cpu->odd.host_debug = false;
		mon_write(mdscr_el1, cpu->host_mdscr);
	}
	mon_vgic_timer_leave(cpu, vcpu);
	mon_vif_load(cpu, &cpu->host_vif);
	cpu->odd.host_vif = false;
	cpu->vcpu = NULL;
	cpu->cur = &cpu->host;
}

void mon_vcpu_leave(struct mon_cpu *cpu, enum mon_run_state state, uint64_t d0, uint64_t d1,
		    uint64_t d2)
{
	struct mon_vcpu *vcpu = cpu->vcpu;
	const struct mon_vif *vif = &vcpu->vgic.vif;

	unload(cpu);
	if (vif->busy || vif->ap1r0 ||
	    (state != RUN_READY && state != RUN_MMIO_READ && state != RUN_MMIO_WRITE))
		vcpu->warm = 0;
	if (vcpu->linger && state >= RUN_MMIO_READ) {
		mon_scn_linger(vcpu->linger);
		vcpu->linger = 0;
	}
	result(cpu, MON_OK, state, d0, d1, d2);
	release(vcpu);
}

/* A function of its own, so that the one below calls nothing in its middle. */
static __attribute__((noinline)) struct mon_ctx *leave_odd(struct mon_cpu *cpu,
							   enum mon_run_state state, uint64_t d0,
							   uint64_t d1, uint64_t d2)
{
	mon_vcpu_leave(cpu, state, d0, d1, d2);
	return mon_trap_end(cpu);
}

struct mon_ctx *mon_vcpu_mmio(struct mon_cpu *cpu, struct mon_vcpu *vcpu, uint64_t esr,
			      uint64_t ipa)
{
	bool write = esr & ESR_WNR;
	uint64_t size = 1ull << mon_bits(esr, 23, 22), reg = mon_bits(esr, 20, 16);
	uint64_t value = write && reg != 31 ? vcpu->ctx.x[reg] : 0;
	enum mon_run_state state = write ? RUN_MMIO_WRITE : RUN_MMIO_READ;

	if (!write)
		vcpu->load = (uint32_t)esr;
	if (mon_unlikely(mon_world_exit_odd(cpu, vcpu) | vcpu->linger))
		return leave_odd(cpu, state, ipa, size, value);
	mon_world_exit_plain(cpu, vcpu);
	result(cpu, MON_OK, state, ipa, size, value);
	release(vcpu);
	return &cpu->host;
}

void mon_vcpu_fp(struct mon_cpu *cpu)
{
	mon_write(cptr_el2, mon_read(cptr_el2) & ~CPTR_TFP);
	mon_isb();
	mon_fp_save(&cpu->host_fp);
	mon_fp_load(&cpu->vcpu->fp);
	cpu->odd.guest_fp = true;
}

/* Registers as PSCI wants them after CPU_ON and after a suspend that lost them. */
static void reset(struct mon_vcpu *vcpu)
{
	memset(&vcpu->ctx, 0, sizeof(vcpu->ctx));
	memset(&vcpu->fp, 0, sizeof(vcpu->fp));
	mon_el1_reset(&vcpu->el1);
	mon_vgic_reset_cpu(vcpu);
	vcpu->ctx.x[0] = vcpu->start_x0;
	vcpu->ctx.elr = vcpu->start_pc;
	vcpu->ctx.spsr = SPSR_EL1H;
	vcpu->load = 0;
	vcpu->sleep = SLEEP_NONE;
	vcpu->sleep_restart = false;
}

bool mon_vcpu_power_on(struct mon_vcpu *vcpu, uint64_t pc, uint64_t x0)
{
	uint32_t off = POWER_OFF;

	if (!__atomic_compare_exchange_n(&vcpu->power, &off, POWER_CLAIMED, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	vcpu->start_pc = pc;
	vcpu->start_x0 = x0;
	__atomic_store_n(&vcpu->power, POWER_START, __ATOMIC_SEQ_CST);
	mon_vcpu_raise_virq(vcpu);
	return true;
}

/* Finishes a load from the VMMIO window with the host's answer. */
static inline void complete_load(struct mon_vcpu *vcpu, uint64_t value)
{
	uint32_t esr = vcpu->load;

	if (!esr)
		return;
	vcpu->load = 0;
	mon_access_finish(&vcpu->ctx, esr, value);
}

static uint64_t sleep_from(enum mon_sleep why)
{
	return why == SLEEP_SYSTEM_SUSPEND ? 3 : why == SLEEP_CPU_SUSPEND ? 2 : 1;
}

/*
 * Tells the host to wait for the VIRQ. True if the vCPU stays asleep. Who latches
 * an interrupt looks at `parked` afterwards, and here it is written before looking
 * for interrupts: one of the two sees the other. wake() undoes it.
 */
static bool park(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	if (vcpu->timer_cpu == MON_NO_CPU && ACTIVE_TIMER(vcpu->el1.cntv_ctl) &&
	    (vcpu->vgic.enabled & BIT(MON_PPI_VTIMER)) && vcpu->vm->vgic.enabled)
		mon_timer_park(cpu, vcpu);
	__atomic_store_n(&vcpu->parked, 1, __ATOMIC_SEQ_CST);
	mon_mb();
	return !mon_vgic_pending(vcpu);
}

static void wake(struct mon_vcpu *vcpu)
{
	/* Before load() looks at `notify`: who clears `parked` first does not kick. */
	__atomic_store_n(&vcpu->parked, 0, __ATOMIC_SEQ_CST);
	mon_timer_unpark(vcpu);
	vcpu->sleep = SLEEP_NONE;
	if (vcpu->sleep_restart)
		reset(vcpu);
}

struct mon_ctx *mon_vcpu_sleep(struct mon_cpu *cpu, enum mon_sleep why, uint64_t state)
{
	struct mon_vcpu *vcpu = cpu->vcpu;

	unload(cpu);
	vcpu->sleep = why;
	vcpu->sleep_state = state;
	if (!park(cpu, vcpu)) {
		wake(vcpu);
		load(cpu, vcpu);
		return mon_trap_end(cpu);
	}
	vcpu->warm = 0;
	result(cpu, MON_OK, RUN_EXPECTS_WAKEUP, state, sleep_from(why), 0);
	release(vcpu);
	return mon_trap_end(cpu);
}

/* Whether the vCPU can execute; if not, the host's answer is in place. */
static bool can_run(struct mon_cpu *cpu, struct mon_vcpu *vcpu)
{
	uint32_t power;

	if (__atomic_load_n(&vcpu->dead, __ATOMIC_SEQ_CST)) {
		result(cpu, MON_OK, RUN_POWERED_OFF, 1, 0, 0);
		return false;
	}
	power = __atomic_load_n(&vcpu->power, __ATOMIC_ACQUIRE);
	if (power == POWER_START) {
		reset(vcpu);
		__atomic_store_n(&vcpu->power, POWER_ON, __ATOMIC_RELEASE);
	} else if (power != POWER_ON) {
		result(cpu, MON_OK, RUN_POWERED_OFF, 0, 0, 0);
		return false;
	}
	if (vcpu->sleep != SLEEP_NONE) {
		/* What woke it goes where mon_vgic_pending() looks first. */
		if (__atomic_load_n(&vcpu->notify, __ATOMIC_SEQ_CST))
			mon_vgic_fill(vcpu);
		if (!mon_vgic_pending(vcpu) && park(cpu, vcpu)) {
			result(cpu, MON_OK, RUN_EXPECTS_WAKEUP, vcpu->sleep_state,
			       sleep_from(vcpu->sleep), 0);
			return false;
		}
		wake(vcpu);
	}
	/* A new CPU: the page's transient state, once. */
	if (vcpu->last_cpu != cpu->index) {
		bool moved = vcpu->last_cpu != MON_NO_CPU;

		vcpu->last_cpu = cpu->index;
		if (moved) {
			result(cpu, MON_OK, RUN_BLOCKED, 0, 0, 0);
			return false;
		}
	}
	return true;
}

/* A test wants another answer than the guest's; false: enter it. */
static bool forged(struct mon_cpu *cpu, struct mon_vcpu *vcpu, uint64_t resume)
{
	struct gh_scenario s;

	if (!mon_scn_take_vcpu(GH_SCN_RUN, vcpu, resume, &s))
		return false;
	if (s.flags & GH_SCN_LINGER) {
		vcpu->linger = s.delay_us;
		return false;
	}
	if (s.error == MON_OK)
		complete_load(vcpu, resume);
	result(cpu, s.error, s.x[0], s.x[1], s.x[2], s.x[3]);
	return true;
}

/* Runs a vCPU that this CPU owns, whatever state it is in. */
static __attribute__((noinline)) struct mon_ctx *run(struct mon_cpu *cpu, struct mon_vcpu *vcpu,
						     uint64_t cap, uint64_t resume)
{
	/* The slot may have changed hands before it was owned. */
	if (__atomic_load_n(&vcpu->capid, __ATOMIC_SEQ_CST) != cap) {
		result(cpu, MON_ERR_CAP_NULL, 0, 0, 0, 0);
		goto out;
	}
	if (mon_scn_any(GH_SCN_RUN) && forged(cpu, vcpu, resume))
		goto out;
	complete_load(vcpu, resume);
	if (!can_run(cpu, vcpu))
		goto out;
	if (mon_hirq_waiting(cpu)) {
		result(cpu, MON_OK, RUN_READY, 0, 0, 0);
		goto out;
	}
	/* It holds for what a plain exit leaves; mon_vcpu_leave() looks. */
	vcpu->warm = cpu->index + 1;
	load(cpu, vcpu);
	return mon_trap_end(cpu);
out:
	release(vcpu);
	return mon_trap_end(cpu);
}

static __attribute__((noinline)) struct mon_ctx *refuse(struct mon_cpu *cpu, int64_t err)
{
	result(cpu, err, 0, 0, 0, 0);
	return mon_trap_end(cpu);
}

/*
 * The capability is looked at once more behind the barrier, as `dead` and `notify`
 * are: who changes one of them looks at `owner` afterwards. Interrupts that wait for
 * a list register of the host need no look, as then all list registers are in use;
 * lines raised by another CPU come with an interrupt of this one.
 */
static inline bool can_enter_at_once(const struct mon_cpu *cpu, const struct mon_vcpu *vcpu,
				     uint64_t cap)
{
	return !(mon_world_enter_odd(cpu) | (vcpu->warm ^ (cpu->index + 1)) |
		 mon_read_once(vcpu->dead) | mon_read_once(vcpu->notify) |
		 (mon_read_once(vcpu->capid) ^ cap)) &&
	       !mon_vgic_timer_line(vcpu);
}

__attribute__((noinline)) struct mon_ctx *mon_vcpu_run(struct mon_cpu *cpu, uint64_t cap,
						       uint64_t resume)
{
	uint32_t unowned = 0;
	int64_t err;
	struct mon_vcpu *vcpu = mon_cap_find(cap, CAP_VCPU, &err);

	if (mon_unlikely(!vcpu))
		return refuse(cpu, err);
	if (mon_unlikely(!__atomic_compare_exchange_n(&vcpu->owner, &unowned, cpu->index + 1,
						      false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
		return refuse(cpu, MON_ERR_BUSY);
	mon_mb();
	if (mon_unlikely(!can_enter_at_once(cpu, vcpu, cap)))
		return run(cpu, vcpu, cap, resume);
	complete_load(vcpu, resume);
	mon_world_enter_plain(cpu, vcpu);
	if (mon_unlikely(mon_timer_earliest(cpu) != cpu->armed))
		return mon_timer_enter(cpu);
	return &vcpu->ctx;
}

void mon_vcpu_run_check(struct mon_cpu *cpu, uint64_t cap)
{
	uint32_t unowned = 0;
	int64_t err;
	struct mon_vcpu *vcpu = mon_cap_find(cap, CAP_VCPU, &err);

	if (!vcpu) {
		result(cpu, err, 0, 0, 0, 0);
		return;
	}
	if (!__atomic_compare_exchange_n(&vcpu->owner, &unowned, cpu->index + 1, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		result(cpu, MON_ERR_BUSY, 0, 0, 0, 0);
		return;
	}
	if (__atomic_load_n(&vcpu->capid, __ATOMIC_SEQ_CST) != cap)
		result(cpu, MON_ERR_CAP_NULL, 0, 0, 0, 0);
	else if (__atomic_load_n(&vcpu->dead, __ATOMIC_SEQ_CST))
		result(cpu, MON_OK, RUN_POWERED_OFF, 1, 0, 0);
	else if (__atomic_load_n(&vcpu->power, __ATOMIC_ACQUIRE) == POWER_OFF)
		result(cpu, MON_OK, RUN_POWERED_OFF, 0, 0, 0);
	else if (vcpu->sleep != SLEEP_NONE && !mon_vgic_pending(vcpu))
		result(cpu, MON_OK, RUN_EXPECTS_WAKEUP, vcpu->sleep_state,
		       sleep_from(vcpu->sleep), 0);
	else
		result(cpu, MON_ERR_BUSY, 0, 0, 0, 0);
	release(vcpu);
}
