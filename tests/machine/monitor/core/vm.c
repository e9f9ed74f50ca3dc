// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs as the resource manager makes and ends them. Under mon_lock.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>
#include <mon/vm.h>
#include <string.h>

#define PAGE			4096ull
#define KILL_WAIT_HZ_DIV	1	/* a second: a guest leaves within one exit */

static struct mon_vm vms[MON_MAX_VMS];
static struct mon_vcpu vcpus[MON_MAX_VCPUS];
static struct mon_bell bells[MON_MAX_BELLS];
static uint16_t virq_users[MON_INTID_END];
static uint32_t virq_next_shared = MON_VIRQ_FIRST;

static uint32_t virq_get(void)
{
	uint32_t i, lines = mon_gic_hw_lines();

	for (i = MON_VIRQ_FIRST; i < MON_INTID_END; i++)
		if (!virq_users[i])
			goto found;
	for (i = lines; i < MON_VIRQ_RM_TX; i++)
		if (!virq_users[i])
			goto found;
	/* None left: share, each line in turn. */
	i = virq_next_shared;
	virq_next_shared = i + 1 == MON_INTID_END ? lines : i + 1;
	if (virq_next_shared == MON_VIRQ_RM_TX)
		virq_next_shared = MON_VIRQ_FIRST;
found:
	virq_users[i]++;
	return i;
}

static void virq_put(uint32_t virq)
{
	virq_users[virq]--;
}

struct mon_vm *core_vm_create(uint16_t vmid)
{
	struct mon_vm *vm;
	uint32_t i, gen;

	for (i = 0; i < MON_MAX_VMS && vms[i].used; i++)
		;
	if (i == MON_MAX_VMS)
		return NULL;
	vm = &vms[i];
	gen = vm->gen;
	memset(vm, 0, sizeof(*vm));
	/* The host's stage 2 has VMID 0. */
	if (mon_s2_init(&vm->s2, (uint16_t)(i + 1)))
		return NULL;
	vm->used = true;
	vm->vmid = vmid;
	vm->gen = gen + 1;
	vm->slot = i;
	mon_vgic_init_vm(vm);
	return vm;
}

int core_vcpu_create(struct mon_vm *vm, uint32_t index, uint64_t *capid, uint32_t *virq)
{
	struct mon_vcpu *v;
	uint64_t cap;
	uint32_t i;

	if (index >= MON_MAX_VCPUS_PER_VM || vm->vcpu[index] || vm->killed)
		return MON_ERR_ARG_INVALID;
	for (i = 0; i < MON_MAX_VCPUS && vcpus[i].vm; i++)
		;
	if (i == MON_MAX_VCPUS)
		return MON_ERR_NORESOURCES;
	v = &vcpus[i];
	/* All but the words that a late caller may look at. */
	memset(&v->ctx, 0, sizeof(v->ctx));
	mon_el1_reset(&v->el1);
	memset(&v->fp, 0, sizeof(v->fp));
	mon_vgic_init_cpu(v);
	v->load = 0;
	v->warm = 0;
	v->sleep = SLEEP_NONE;
	v->sleep_restart = false;
	v->sleep_state = 0;
	v->notify = 0;
	v->parked = 0;
	v->last_cpu = MON_NO_CPU;
	v->linger = 0;
	v->timer_cpu = MON_NO_CPU;
	v->index = index;
	v->vttbr = vm->s2.vttbr;
	v->vmpidr = BIT(31) | index;
	v->power = POWER_OFF;
	v->vm = vm;
	__atomic_store_n(&v->dead, 0, __ATOMIC_RELEASE);
	cap = mon_cap_add(CAP_VCPU, v);
	if (cap == MON_CAP_NONE) {
		v->vm = NULL;
		return MON_ERR_NORESOURCES;
	}
	v->virq = virq_get();
	__atomic_store_n(&v->capid, cap, __ATOMIC_SEQ_CST);
	vm->vcpu[index] = v;
	if (vm->nr_vcpus <= index)
		vm->nr_vcpus = index + 1;
	*capid = cap;
	*virq = v->virq;
	return MON_OK;
}

struct mon_vcpu *mon_vcpu_find(uint16_t vmid, uint32_t index)
{
	uint32_t i;

	for (i = 0; i < MON_MAX_VMS; i++) {
		if (vms[i].used && vms[i].vmid == vmid)
			return index < MON_MAX_VCPUS_PER_VM ? vms[i].vcpu[index] : NULL;
	}
	return NULL;
}

void core_vcpu_start(struct mon_vm *vm, uint32_t index, uint64_t pc, uint64_t x0)
{
	if (index < MON_MAX_VCPUS_PER_VM && vm->vcpu[index])
		mon_vcpu_power_on(vm->vcpu[index], pc, x0);
}

int core_bell_create(struct mon_vm *vm, uint32_t intid, uint64_t *capid)
{
	struct mon_bell *b;
	uint32_t i;

	if (intid < 32 || intid >= MON_GUEST_IRQS)
		return MON_ERR_ARG_INVALID;
	for (i = 0; i < MON_MAX_BELLS && bells[i].vm; i++)
		;
	if (i == MON_MAX_BELLS)
		return MON_ERR_NORESOURCES;
	b = &bells[i];
	b->capid = mon_cap_add(CAP_BELL, b);
	if (b->capid == MON_CAP_NONE)
		return MON_ERR_NORESOURCES;
	b->vm = vm;
	b->intid = intid;
	b->flags = 0;
	b->enable = ~0ull;
	b->ack = 0;
	*capid = b->capid;
	return MON_OK;
}

struct mon_bell *mon_bell_find(uint64_t cap, int64_t *err)
{
	return mon_cap_find(cap, CAP_BELL, err);
}

void core_vm_set_gic(struct mon_vm *vm, uint64_t gicd, uint64_t gicr, uint64_t gicr_size)
{
	uint64_t end;

	vm->vgic.gicd = gicd;
	vm->vgic.gicr = gicr;
	vm->vgic.gicr_size = gicr_size;
	/* From the first to the last frame, whatever is in between; all if they wrap. */
	vm->gic_base = 0;
	vm->gic_span = ~0ull;
	if (gicd > ~0ull - MON_GICD_SIZE || gicr > ~0ull - gicr_size)
		return;
	end = gicd + MON_GICD_SIZE;
	if (end < gicr + gicr_size)
		end = gicr + gicr_size;
	vm->gic_base = gicd < gicr ? gicd : gicr;
	vm->gic_span = end - vm->gic_base;
}

void core_vm_set_vmmio(struct mon_vm *vm, uint64_t base, uint64_t size)
{
	vm->vmmio_base = base;
	vm->vmmio_size = size;
	vm->vmmio_room = size < sizeof(uint64_t) ? 0 : size - sizeof(uint64_t) + 1;
}

static bool bad_range(uint64_t ipa, uint64_t size)
{
	return !size || ((ipa | size) & (PAGE - 1)) || ipa + size < ipa ||
	       ipa + size > 1ull << MON_IPA_BITS;
}

int core_vm_map(struct mon_vm *vm, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t rights)
{
	uint64_t attrs = 0;

	if (bad_range(ipa, size) || bad_range(pa, size) || !core_ptr(pa, size))
		return MON_ERR_ADDR_INVALID;
	if (!mon_s2_empty(&vm->s2, ipa, size))
		return MON_ERR_EXISTING_MAPPING;
	if (rights & MON_RIGHT_R)
		attrs |= MON_S2_R;
	if (rights & MON_RIGHT_W)
		attrs |= MON_S2_W;
	if (!(rights & MON_RIGHT_X))
		attrs |= MON_S2_XN;
	if (!mon_s2_map(&vm->s2, ipa, pa, size, attrs))
		return MON_OK;
	mon_s2_sync(&vm->s2);
	return MON_ERR_NOMEM;
}

void core_vm_unmap(struct mon_vm *vm, uint64_t ipa, uint64_t size)
{
	if (!bad_range(ipa, size) && mon_s2_unmap(&vm->s2, ipa, size))
		mon_log("vm %u: %lx+%lx stays mapped, no memory", vm->vmid, ipa, size);
	mon_s2_sync(&vm->s2);
}

/* Waits until no CPU owns the vCPU; false after a second. */
static bool wait_idle(const struct mon_vcpu *v)
{
	uint64_t end = mon_counter() + mon_read(cntfrq_el0) / KILL_WAIT_HZ_DIV;

	while (__atomic_load_n(&v->owner, __ATOMIC_SEQ_CST))
		if (mon_counter() > end)
			return false;
	return true;
}

void core_vm_kill(struct mon_vm *vm)
{
	bool was_dead[MON_MAX_VCPUS_PER_VM];
	uint32_t i, owner;

	vm->killed = true;
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct mon_vcpu *v = vm->vcpu[i];

		if (!v)
			continue;
		was_dead[i] = __atomic_exchange_n(&v->dead, 1, __ATOMIC_SEQ_CST);
		owner = __atomic_load_n(&v->owner, __ATOMIC_SEQ_CST);
		if (owner && &mon_cpus[owner - 1] != mon_this_cpu())
			mon_cpu_kick(&mon_cpus[owner - 1]);
	}
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct mon_vcpu *v = vm->vcpu[i];

		if (!v)
			continue;
		if (!wait_idle(v))
			mon_log("vm %u: vcpu %u does not stop", vm->vmid, i);
		mon_timer_unpark(v);
		__atomic_store_n(&v->parked, 0, __ATOMIC_RELAXED);
		if (!was_dead[i])
			mon_vcpu_raise_virq(v);
	}
}

void core_vm_destroy(struct mon_vm *vm)
{
	uint32_t i;

	core_vm_kill(vm);
	for (i = 0; i < vm->nr_vcpus; i++) {
		struct mon_vcpu *v = vm->vcpu[i];

		if (!v)
			continue;
		mon_cap_del(v->capid);
		__atomic_store_n(&v->capid, MON_CAP_NONE, __ATOMIC_SEQ_CST);
		wait_idle(v);
		virq_put(v->virq);
		v->vm = NULL;
		vm->vcpu[i] = NULL;
	}
	for (i = 0; i < MON_MAX_BELLS; i++) {
		if (bells[i].vm != vm)
			continue;
		mon_cap_del(bells[i].capid);
		bells[i].vm = NULL;
	}
	mon_s2_free(&vm->s2);
	vm->used = false;
}

void mon_rm_begin(struct mon_cpu *cpu)
{
	mon_fp_save(&cpu->host_fp);
	mon_spin_lock(&mon_lock);
}

void mon_rm_end(struct mon_cpu *cpu)
{
	mon_s2_sync(&mon_host_s2);
	mon_spin_unlock(&mon_lock);
	mon_fp_load(&cpu->host_fp);
}

/*
 * The vCPU is given back before mon_lock is taken: whoever holds that lock may be
 * waiting for the vCPU in core_vm_kill(). So the VM may be gone by then.
 */
void mon_vm_exit(struct mon_cpu *cpu, enum rm_exit_type type, const uint32_t *words,
		 unsigned int n, enum mon_run_state state, uint64_t d0, uint64_t d1)
{
	struct mon_vm *vm = cpu->vcpu->vm;
	uint32_t gen = vm->gen;

	__atomic_store_n(&cpu->vcpu->power, POWER_OFF, __ATOMIC_RELEASE);
	mon_vcpu_leave(cpu, state, d0, d1, 0);
	mon_isb();
	mon_rm_begin(cpu);
	if (vm->used && vm->gen == gen && !vm->exited && !vm->killed) {
		vm->exited = true;
		core_vm_kill(vm);
		rm_vm_exited(vm->vmid, type, words, n);
	}
	mon_rm_end(cpu);
}
