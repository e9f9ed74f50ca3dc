// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The device tree a guest of the suites gets: what the resource manager demands
 * (gunyah-vm-config, a GICv3 node) and what a guest needs, nothing else.
 */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdio.h>

#include "gt_vm.h"
#include "gh-runner/testdev-regs.h"

#define PHANDLE_GIC	1

/* Every step can only fail for lack of room; one sum of the results is enough. */
static int reg2(void *fdt, uint64_t base, uint64_t size, uint64_t base2, uint64_t size2)
{
	fdt64_t reg[4] = {
		cpu_to_fdt64(base), cpu_to_fdt64(size),
		cpu_to_fdt64(base2), cpu_to_fdt64(size2),
	};

	return fdt_property(fdt, "reg", reg, sizeof(reg));
}

static int add_cpus(void *fdt, unsigned int vcpus)
{
	char name[16];
	unsigned int i;
	int err = 0;

	err |= fdt_begin_node(fdt, "cpus");
	err |= fdt_property_u32(fdt, "#address-cells", 1);
	err |= fdt_property_u32(fdt, "#size-cells", 0);
	for (i = 0; i < vcpus; i++) {
		snprintf(name, sizeof(name), "cpu@%x", i);
		err |= fdt_begin_node(fdt, name);
		err |= fdt_property_string(fdt, "device_type", "cpu");
		err |= fdt_property_string(fdt, "compatible", "arm,armv8");
		err |= fdt_property_string(fdt, "enable-method", "psci");
		err |= fdt_property_u32(fdt, "reg", i);
		err |= fdt_end_node(fdt);
	}
	err |= fdt_end_node(fdt);
	err |= fdt_begin_node(fdt, "psci");
	err |= fdt_property_string(fdt, "compatible", "arm,psci-1.0");
	err |= fdt_property_string(fdt, "method", "hvc");
	err |= fdt_end_node(fdt);
	return err;
}

static int add_gic_and_timer(void *fdt, unsigned int vcpus)
{
	const uint32_t ppi[4] = { 13, 14, 11, 10 };
	fdt32_t irqs[12];
	unsigned int i;
	int err = 0;

	err |= fdt_begin_node(fdt, "intc@3fff0000");
	err |= fdt_property_string(fdt, "compatible", "arm,gic-v3");
	err |= fdt_property_u32(fdt, "#interrupt-cells", 3);
	err |= fdt_property_u32(fdt, "#address-cells", 2);
	err |= fdt_property_u32(fdt, "#size-cells", 2);
	err |= fdt_property(fdt, "interrupt-controller", NULL, 0);
	err |= fdt_property_u32(fdt, "phandle", PHANDLE_GIC);
	err |= reg2(fdt, GH_BOARD_GICD_BASE, 0x10000, GH_BOARD_GICR_BASE,
		    (uint64_t)vcpus * GH_BOARD_GICR_STRIDE);
	err |= fdt_end_node(fdt);

	for (i = 0; i < 4; i++) {
		irqs[3 * i] = cpu_to_fdt32(1);
		irqs[3 * i + 1] = cpu_to_fdt32(ppi[i]);
		irqs[3 * i + 2] = cpu_to_fdt32(4);
	}
	err |= fdt_begin_node(fdt, "timer");
	err |= fdt_property_string(fdt, "compatible", "arm,armv8-timer");
	err |= fdt_property(fdt, "always-on", NULL, 0);
	err |= fdt_property(fdt, "interrupts", irqs, sizeof(irqs));
	err |= fdt_end_node(fdt);
	return err;
}

/* Where the RM maps a parcel with the label of shared memory, if there is one. */
static int add_shared_memory(void *fdt)
{
	int err = 0;

	err |= fdt_begin_node(fdt, "shm-7");
	err |= fdt_property_string(fdt, "vdevice-type", "shm");
	err |= fdt_property_string(fdt, "generate", "/hypervisor/shm-7");
	err |= fdt_property(fdt, "peer-default", NULL, 0);
	err |= fdt_begin_node(fdt, "memory");
	err |= fdt_property_u32(fdt, "label", GT_SHARED_LABEL);
	err |= fdt_property_u32(fdt, "#address-cells", 2);
	err |= fdt_property_u64(fdt, "base", GT_SHARED_BASE);
	/* Most tests share nothing; without this the VM does not start then. */
	err |= fdt_property(fdt, "optional", NULL, 0);
	err |= fdt_end_node(fdt);
	err |= fdt_end_node(fdt);
	return err;
}

static int add_bell(void *fdt, unsigned int label, uint32_t type)
{
	const fdt32_t irq[3] = {
		cpu_to_fdt32(0), cpu_to_fdt32(GT_BELL_INTID(label) - 32), cpu_to_fdt32(type),
	};
	char name[16], path[32];
	int err = 0;

	snprintf(name, sizeof(name), "bell-%u", label);
	snprintf(path, sizeof(path), "/hypervisor/%s", name);
	err |= fdt_begin_node(fdt, name);
	err |= fdt_property_string(fdt, "vdevice-type", "doorbell");
	err |= fdt_property_string(fdt, "generate", path);
	err |= fdt_property_u32(fdt, "label", label);
	err |= fdt_property(fdt, "peer-default", NULL, 0);
	err |= fdt_property(fdt, "source-can-clear", NULL, 0);
	err |= fdt_property(fdt, "interrupts", irq, sizeof(irq));
	err |= fdt_end_node(fdt);
	return err;
}

static int add_vm_config(void *fdt)
{
	int err = 0;

	err |= fdt_begin_node(fdt, "gunyah-vm-config");
	err |= fdt_property_string(fdt, "image-name", "suite");
	err |= fdt_property_string(fdt, "os-type", "linux");
	err |= fdt_begin_node(fdt, "memory");
	err |= fdt_property_u32(fdt, "#address-cells", 2);
	err |= fdt_property_u32(fdt, "#size-cells", 2);
	err |= fdt_property_u64(fdt, "base-address", GT_RAM_BASE);
	err |= fdt_end_node(fdt);
	err |= fdt_begin_node(fdt, "interrupts");
	err |= fdt_property_u32(fdt, "config", PHANDLE_GIC);
	err |= fdt_end_node(fdt);
	err |= fdt_begin_node(fdt, "vcpus");
	err |= fdt_property_string(fdt, "affinity", "proxy");
	err |= fdt_end_node(fdt);
	err |= fdt_begin_node(fdt, "vdevices");
	err |= fdt_property_string(fdt, "generate", "/hypervisor");
	err |= add_shared_memory(fdt);
	err |= add_bell(fdt, GT_BELL_EDGE, 1);
	err |= add_bell(fdt, GT_BELL_LEVEL, 4);
	err |= fdt_end_node(fdt);
	err |= fdt_end_node(fdt);
	return err;
}

void gt_dtb(void *buf, size_t size, unsigned int vcpus)
{
	int err = 0;

	err |= fdt_create(buf, size);
	err |= fdt_finish_reservemap(buf);
	err |= fdt_begin_node(buf, "");
	err |= fdt_property_string(buf, "compatible", "linux,dummy-virt");
	err |= fdt_property_u32(buf, "#address-cells", 2);
	err |= fdt_property_u32(buf, "#size-cells", 2);
	err |= fdt_property_u32(buf, "interrupt-parent", PHANDLE_GIC);
	err |= fdt_begin_node(buf, "chosen");
	err |= fdt_end_node(buf);
	err |= add_cpus(buf, vcpus);
	err |= add_gic_and_timer(buf, vcpus);
	err |= add_vm_config(buf);
	err |= fdt_end_node(buf);
	err |= fdt_finish(buf);
	/* Without slack: the resource manager finds room for a copy only if it is small. */
	cr_assert_eq(err, 0, "no room for the device tree");
}
