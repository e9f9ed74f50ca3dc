// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The guest's device tree: what the resource manager reads (gunyah-vm-config, the
 * interrupt controller, the CPUs) and what the guest reads. The resource manager
 * adds the memory, hypervisor and reserved-memory nodes, so they are not here, and
 * room for them is left behind the tree. It is not part of the tree: the resource
 * manager copies all that the header's totalsize covers to a small buffer.
 */
#include <libfdt.h>
#include <stdio.h>

#include <gh-runner/testdev-regs.h>

#include "internal.h"

#define PHANDLE_INTC	1

/* Private peripheral interrupts of the architected timers, level, active low. */
#define PPI		1
#define LEVEL_LOW	8

static int prop_cells(void *fdt, const char *name, const uint32_t *cells, unsigned int nr)
{
	fdt32_t out[16];
	unsigned int i;

	for (i = 0; i < nr; i++)
		out[i] = cpu_to_fdt32(cells[i]);
	return fdt_property(fdt, name, out, (int)(nr * sizeof(out[0])));
}

#define CELLS(fdt, name, ...)							\
	prop_cells(fdt, name, (const uint32_t[]){ __VA_ARGS__ },		\
		   sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static int cell_sizes(void *fdt, uint32_t address, uint32_t size)
{
	return fdt_property_u32(fdt, "#address-cells", address) ?:
	       fdt_property_u32(fdt, "#size-cells", size);
}

static int node_vdevices(void *fdt, const struct gh_vm *vm)
{
	unsigned int i;
	int ret;

	ret = fdt_begin_node(fdt, "vdevices") ?:
	      fdt_property_string(fdt, "generate", "/hypervisor");
	for (i = 0; !ret && i < vm->nr_irqs; i++)
		ret = gh_irq_dt_bell(&vm->irqs[i], fdt);
	return ret ?: fdt_end_node(fdt);
}

static int node_vm_config(void *fdt, const struct gh_vm *vm)
{
	return fdt_begin_node(fdt, "gunyah-vm-config") ?:
	       cell_sizes(fdt, 2, 2) ?:
	       fdt_property_string(fdt, "image-name", vm->name) ?:
	       fdt_property_string(fdt, "os-type", "linux") ?:
	       fdt_begin_node(fdt, "memory") ?:
	       cell_sizes(fdt, 2, 2) ?:
	       fdt_property_u64(fdt, "base-address", GH_BOARD_RAM_BASE) ?:
	       fdt_end_node(fdt) ?:
	       fdt_begin_node(fdt, "interrupts") ?:
	       fdt_property_u32(fdt, "config", PHANDLE_INTC) ?:
	       fdt_end_node(fdt) ?:
	       fdt_begin_node(fdt, "vcpus") ?:
	       fdt_property_string(fdt, "affinity", "proxy") ?:
	       fdt_end_node(fdt) ?:
	       node_vdevices(fdt, vm) ?:
	       fdt_end_node(fdt);
}

static int node_intc(void *fdt, const struct gh_vm *vm)
{
	char name[32];

	snprintf(name, sizeof(name), "interrupt-controller@%x", GH_BOARD_GICD_BASE);
	return fdt_begin_node(fdt, name) ?:
	       fdt_property_string(fdt, "compatible", "arm,gic-v3") ?:
	       fdt_property(fdt, "interrupt-controller", NULL, 0) ?:
	       fdt_property_u32(fdt, "#interrupt-cells", 3) ?:
	       cell_sizes(fdt, 2, 2) ?:
	       CELLS(fdt, "reg", 0, GH_BOARD_GICD_BASE, 0, 0x10000,
		     0, GH_BOARD_GICR_BASE, 0, vm->nr_vcpus * GH_BOARD_GICR_STRIDE) ?:
	       fdt_property_u32(fdt, "phandle", PHANDLE_INTC) ?:
	       fdt_end_node(fdt);
}

static int node_timer(void *fdt)
{
	return fdt_begin_node(fdt, "timer") ?:
	       fdt_property_string(fdt, "compatible", "arm,armv8-timer") ?:
	       CELLS(fdt, "interrupts", PPI, 13, LEVEL_LOW, PPI, 14, LEVEL_LOW,
		     PPI, 11, LEVEL_LOW, PPI, 10, LEVEL_LOW) ?:
	       fdt_property(fdt, "always-on", NULL, 0) ?:
	       fdt_end_node(fdt);
}

static int node_cpu(void *fdt, unsigned int index)
{
	char name[16];

	snprintf(name, sizeof(name), "cpu@%x", index);
	return fdt_begin_node(fdt, name) ?:
	       fdt_property_string(fdt, "device_type", "cpu") ?:
	       fdt_property_string(fdt, "compatible", "arm,armv8") ?:
	       CELLS(fdt, "reg", 0, index) ?:
	       fdt_property_string(fdt, "enable-method", "psci") ?:
	       fdt_end_node(fdt);
}

static int node_cpus(void *fdt, const struct gh_vm *vm)
{
	unsigned int i;
	int ret;

	ret = fdt_begin_node(fdt, "psci") ?:
	      fdt_property_string(fdt, "compatible", "arm,psci-1.0") ?:
	      fdt_property_string(fdt, "method", "hvc") ?:
	      fdt_end_node(fdt) ?:
	      fdt_begin_node(fdt, "cpus") ?:
	      cell_sizes(fdt, 2, 0);
	for (i = 0; !ret && i < vm->nr_vcpus; i++)
		ret = node_cpu(fdt, i);
	return ret ?: fdt_end_node(fdt);
}

static int node_chosen(void *fdt, const struct gh_vm *vm)
{
	int ret = fdt_begin_node(fdt, "chosen");

	if (!ret && vm->bootargs)
		ret = fdt_property_string(fdt, "bootargs", vm->bootargs);
	return ret ?: fdt_end_node(fdt);
}

static int node_device(void *fdt, const struct gh_window *w)
{
	char name[64];

	snprintf(name, sizeof(name), "%s@%llx", w->ops->name, (unsigned long long)w->base);
	return fdt_begin_node(fdt, name) ?:
	       CELLS(fdt, "reg", 0, (uint32_t)w->base, 0, (uint32_t)w->size) ?:
	       w->ops->dt_node(w->device, fdt) ?:
	       fdt_end_node(fdt);
}

static int node_root(void *fdt, const struct gh_vm *vm)
{
	unsigned int i;
	int ret;

	ret = fdt_begin_node(fdt, "") ?:
	      cell_sizes(fdt, 2, 2) ?:
	      fdt_property_u32(fdt, "interrupt-parent", PHANDLE_INTC) ?:
	      fdt_property_string(fdt, "model", "gh-runner") ?:
	      fdt_property_string(fdt, "compatible", "linux,dummy-virt") ?:
	      node_vm_config(fdt, vm) ?:
	      node_chosen(fdt, vm) ?:
	      node_cpus(fdt, vm) ?:
	      node_intc(fdt, vm) ?:
	      node_timer(fdt);
	for (i = 0; !ret && i < vm->bus.nr; i++)
		if (vm->bus.windows[i].ops->dt_node)
			ret = node_device(fdt, &vm->bus.windows[i]);
	return ret ?: fdt_end_node(fdt);
}

/* Writes the tree to @buf and leaves at least GH_DTB_SLACK of @size behind it. */
int gh_dtb_build(const struct gh_vm *vm, void *buf, size_t size)
{
	int ret;

	if (size <= GH_DTB_SLACK)
		return -ENOSPC;
	ret = fdt_create(buf, (int)(size - GH_DTB_SLACK)) ?:
	      fdt_finish_reservemap(buf) ?:
	      node_root(buf, vm) ?:
	      fdt_finish(buf);
	if (ret == -FDT_ERR_NOSPACE)
		return -ENOSPC;
	return ret ? -EINVAL : 0;
}
