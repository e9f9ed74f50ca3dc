// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Device trees for guests, good ones and bad ones. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <libfdt.h>

#include "rpc.h"

#define GIC_PHANDLE	1

static void put_cpus(void *fdt, const struct tree *tree)
{
	unsigned int i, n = tree->cpus ? tree->cpus : 2;
	char name[16];

	fdt_begin_node(fdt, "cpus");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 0);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "cpu@%u", i);
		fdt_begin_node(fdt, name);
		fdt_property_string(fdt, "device_type", "cpu");
		fdt_property_string(fdt, "compatible", "arm,armv8");
		fdt_property_string(fdt, "enable-method",
				    tree->bad_cpu_method ? "spin-table" : "psci");
		fdt_property_u64(fdt, "reg", i);
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);
}

static void put_gic(void *fdt)
{
	const fdt64_t reg[] = {
		cpu_to_fdt64(0x3fff0000), cpu_to_fdt64(0x10000),
		cpu_to_fdt64(0x3ffb0000), cpu_to_fdt64(0x40000),
	};

	fdt_begin_node(fdt, "interrupt-controller@3fff0000");
	fdt_property_string(fdt, "compatible", "arm,gic-v3");
	fdt_property_u32(fdt, "#interrupt-cells", 3);
	fdt_property(fdt, "interrupt-controller", NULL, 0);
	fdt_property(fdt, "reg", reg, sizeof(reg));
	fdt_property_u32(fdt, "phandle", GIC_PHANDLE);
	fdt_end_node(fdt);
}

static void put_bell(void *fdt, const struct tree *tree, unsigned int i)
{
	const fdt32_t irq[] = {
		cpu_to_fdt32(0), cpu_to_fdt32(tree->bells_collide ? 7 : 10 + i), cpu_to_fdt32(1),
	};
	char name[16];

	snprintf(name, sizeof(name), "bell-%u", i);
	fdt_begin_node(fdt, name);
	fdt_property_string(fdt, "vdevice-type", "doorbell");
	fdt_property_string(fdt, "generate", "/hypervisor/bell");
	fdt_property_u32(fdt, "label", 10 + i);
	if (!tree->bell_without_peer)
		fdt_property(fdt, "peer-default", NULL, 0);
	fdt_property(fdt, "source-can-clear", NULL, 0);
	fdt_property(fdt, "interrupts", irq, sizeof(irq));
	fdt_end_node(fdt);
}

static void put_shm(void *fdt, const struct tree *tree)
{
	fdt_begin_node(fdt, "shm-0");
	fdt_property_string(fdt, "vdevice-type", "shm");
	fdt_property(fdt, "peer-default", NULL, 0);
	fdt_begin_node(fdt, "memory");
	fdt_property_u32(fdt, "label", tree->shm_label);
	fdt_property_u64(fdt, "base", tree->shm_base);
	if (tree->shm_optional)
		fdt_property(fdt, "optional", NULL, 0);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
}

static void put_vm_config(void *fdt, const struct tree *tree)
{
	unsigned int i;

	fdt_begin_node(fdt, "gunyah-vm-config");
	if (!tree->no_image_name)
		fdt_property_string(fdt, "image-name", "unit-test");
	fdt_begin_node(fdt, "memory");
	if (!tree->no_base)
		fdt_property_u64(fdt, "base-address", tree->base ? tree->base : BASE_IPA);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "interrupts");
	fdt_property_u32(fdt, "config", GIC_PHANDLE);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "vcpus");
	fdt_property_string(fdt, "affinity", tree->not_proxy ? "static" : "proxy");
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "vdevices");
	for (i = 0; i < tree->bells; i++)
		put_bell(fdt, tree, i);
	if (tree->shm_label)
		put_shm(fdt, tree);
	if (tree->odd_vdevice) {
		fdt_begin_node(fdt, "odd");
		fdt_property_string(fdt, "vdevice-type", "message-queue");
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);
	fdt_end_node(fdt);
}

size_t write_tree(uint64_t pa, const struct tree *tree)
{
	static const struct tree good;
	void *fdt = core_ptr(pa, 0x10000);
	int size;

	tree = tree ? tree : &good;
	cr_assert_eq(fdt_create(fdt, 0x10000), 0);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	if (!tree->no_chosen) {
		fdt_begin_node(fdt, "chosen");
		fdt_end_node(fdt);
	}
	if (tree->has_hypervisor) {
		fdt_begin_node(fdt, "hypervisor");
		fdt_end_node(fdt);
	}
	if (tree->has_memory_elsewhere) {
		fdt_begin_node(fdt, "memory@80000000");
		fdt_property_string(fdt, "device_type", "memory");
		fdt_end_node(fdt);
	}
	put_cpus(fdt, tree);
	if (!tree->no_gic)
		put_gic(fdt);
	if (!tree->no_vm_config)
		put_vm_config(fdt, tree);
	fdt_end_node(fdt);
	cr_assert_eq(fdt_finish(fdt), 0);

	size = fdt_totalsize(fdt);
	if (tree->size)
		fdt_set_totalsize(fdt, tree->size);
	return size;
}
