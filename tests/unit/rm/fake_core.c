// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "fake_core.h"

struct fake_core fake;

void fake_start(void)
{
	fake.ram = calloc(1, FAKE_RAM_SIZE);
	cr_assert_not_null(fake.ram);
	rm_init(FAKE_TX_VIRQ, FAKE_RX_VIRQ);
}

static bool in_ram(uint64_t pa, uint64_t size)
{
	return pa >= FAKE_RAM_BASE && size <= FAKE_RAM_SIZE &&
	       pa - FAKE_RAM_BASE <= FAKE_RAM_SIZE - size;
}

bool fake_host_has_all(void)
{
	unsigned int i;

	for (i = 0; i < FAKE_PAGES; i++) {
		if (fake.lost[i])
			return false;
	}
	return true;
}

bool core_scenario(uint32_t kind, uint32_t id, struct gh_scenario *s)
{
	if (!fake.scenario.count || fake.scenario.kind != kind || fake.scenario.id != id)
		return false;
	fake.scenario.count--;
	*s = fake.scenario;
	return true;
}

/* Counts *n down to the failure. */
static bool fails(unsigned int *n)
{
	return *n && !--*n;
}

struct mon_vm *core_vm_create(uint16_t vmid)
{
	struct mon_vm *vm;

	if (fake.fail_vm_create)
		return NULL;
	vm = calloc(1, sizeof(*vm));
	vm->vmid = vmid;
	fake.nr_vms++;
	fake.last_vm = vm;
	return vm;
}

void core_vm_destroy(struct mon_vm *vm)
{
	cr_assert(vm->killed, "VM %u destroyed alive", vm->vmid);
	cr_assert_eq(vm->nr_maps, 0, "VM %u destroyed with memory", vm->vmid);
	fake.nr_vms--;
	fake.last_vm = NULL;
	free(vm);
}

int core_vcpu_create(struct mon_vm *vm, uint32_t index, uint64_t *capid, uint32_t *virq)
{
	cr_assert_eq(index, vm->nr_vcpus);
	if (fails(&fake.fail_vcpu))
		return 11;
	vm->nr_vcpus++;
	*capid = 0x1000 + vm->vmid * 16 + index;
	*virq = 962 + index;
	return 0;
}

void core_vcpu_start(struct mon_vm *vm, uint32_t index, uint64_t pc, uint64_t x0)
{
	cr_assert_lt(index, vm->nr_vcpus);
	vm->started = true;
	vm->pc = pc;
	vm->x0 = x0;
}

int core_bell_create(struct mon_vm *vm, uint32_t intid, uint64_t *capid)
{
	*capid = 0x2000 + vm->nr_bells;
	vm->bell_intid[vm->nr_bells++] = intid;
	return 0;
}

void core_vm_set_gic(struct mon_vm *vm, uint64_t gicd, uint64_t gicr, uint64_t gicr_size)
{
	vm->gicd = gicd;
	vm->gicr = gicr;
	vm->gicr_size = gicr_size;
}

void core_vm_set_vmmio(struct mon_vm *vm, uint64_t base, uint64_t size)
{
	vm->vmmio_base = base;
	vm->vmmio_size = size;
}

int core_vm_map(struct mon_vm *vm, uint64_t ipa, uint64_t pa, uint64_t size, uint32_t rights)
{
	cr_assert(in_ram(pa, size));
	cr_assert_eq((ipa | pa | size) % FAKE_PAGE, 0);
	if (fails(&fake.fail_map) || vm->nr_maps == FAKE_MAX_MAPS)
		return 10;
	vm->maps[vm->nr_maps++] = (struct fake_map){ ipa, pa, size, rights };
	return 0;
}

void core_vm_unmap(struct mon_vm *vm, uint64_t ipa, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < vm->nr_maps; ) {
		struct fake_map *m = &vm->maps[i];

		if (m->ipa >= ipa && m->ipa + m->size <= ipa + size)
			*m = vm->maps[--vm->nr_maps];
		else
			i++;
	}
}

int core_host_unmap(uint64_t pa, uint64_t size)
{
	uint64_t i, first = (pa - FAKE_RAM_BASE) / FAKE_PAGE;

	cr_assert(in_ram(pa, size));
	if (fake.fail_host_unmap)
		return 10;
	for (i = first; i < first + size / FAKE_PAGE; i++) {
		cr_assert_not(fake.lost[i], "page taken twice");
		fake.lost[i] = true;
	}
	return 0;
}

void core_host_map(uint64_t pa, uint64_t size)
{
	uint64_t i, first = (pa - FAKE_RAM_BASE) / FAKE_PAGE;

	cr_assert(in_ram(pa, size));
	for (i = first; i < first + size / FAKE_PAGE; i++) {
		cr_assert(fake.lost[i], "page given back that was not taken");
		fake.lost[i] = false;
	}
}

bool core_host_owns(uint64_t pa, uint64_t size)
{
	return in_ram(pa, size);
}

void *core_ptr(uint64_t pa, uint64_t size)
{
	return in_ram(pa, size) ? fake.ram + (pa - FAKE_RAM_BASE) : NULL;
}

void core_sync_icache(uint64_t pa, uint64_t size)
{
	cr_assert(in_ram(pa, size));
}

void core_vm_kill(struct mon_vm *vm)
{
	cr_assert_not(vm->killed, "VM %u killed twice", vm->vmid);
	vm->killed = true;
}

void core_host_virq(uint32_t intid)
{
	if (intid == FAKE_TX_VIRQ)
		fake.tx_irqs++;
	else if (intid == FAKE_RX_VIRQ)
		fake.rx_irqs++;
	else
		cr_assert_fail("unexpected interrupt %u", intid);
}

uint64_t core_random(void)
{
	return 0x5eed5eed5eed5eedull;
}

void core_log(const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	cr_assert_eq(strncmp(line, "rm: ", 4), 0, "log line without prefix: %s", line);
	fake.nr_logs++;
}

void *core_alloc(size_t size)
{
	if (fails(&fake.fail_alloc))
		return NULL;
	fake.allocs++;
	/* Never clear: the callers must not rely on it. */
	return memset(malloc(size), 0xa5, size);
}

void core_free(void *p)
{
	cr_assert_not_null(p);
	fake.allocs--;
	free(p);
}
