// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The guest's device tree: what the resource manager needs is there, and room for
 * what it adds.
 */
#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include <gh-runner/pl011.h>
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>

#include "lib/internal.h"

static struct gh_vm *vm;
static struct gh_pl011 *uart;
static uint8_t *dtb;

static struct gh_irq line;

static void no_output(void *opaque, uint8_t byte)
{
}

static void setup(void)
{
	const struct gh_pl011_config config = { .output = no_output, .line = &line };

	cr_assert_eq(gh_pl011_create(&config, &uart), 0);
	vm = calloc(1, sizeof(*vm));
	vm->irqs[0] = line;
	vm->irqs[1].label = 1;
	vm->nr_irqs = 2;
	vm->nr_vcpus = 4;
	strcpy(vm->name, "g17");
	vm->bus.windows[0] = (struct gh_window) { 0x9000000, 0x1000, &gh_pl011_ops, uart };
	vm->bus.windows[1] = (struct gh_window) { 0xa000000, 0x1000, &gh_testdev_ops, NULL };
	vm->bus.nr = 2;
	dtb = malloc(GH_DTB_SIZE);
}

static void teardown(void)
{
	gh_pl011_destroy(uart);
	free(vm);
	free(dtb);
}

TestSuite(dtb, .init = setup, .fini = teardown);

static int node(const char *path)
{
	int n = fdt_path_offset(dtb, path);

	cr_assert_geq(n, 0, "no node %s", path);
	return n;
}

static void expect_string(const char *path, const char *prop, const char *value)
{
	const char *s = fdt_stringlist_get(dtb, node(path), prop, 0, NULL);

	cr_assert_not_null(s, "%s has no %s", path, prop);
	cr_assert_str_eq(s, value);
}

static void expect_cells(const char *path, const char *prop, unsigned int nr, const uint32_t *want)
{
	const fdt32_t *cells;
	unsigned int i;
	int len;

	cells = fdt_getprop(dtb, node(path), prop, &len);
	cr_assert_not_null(cells, "%s has no %s", path, prop);
	cr_assert_eq(len, (int)(4 * nr), "%s in %s has %d bytes", prop, path, len);
	for (i = 0; i < nr; i++)
		cr_assert_eq(fdt32_to_cpu(cells[i]), want[i], "%s[%u] in %s is %x", prop, i, path,
			     fdt32_to_cpu(cells[i]));
}

#define CELLS(...)	sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, (uint32_t[]){ __VA_ARGS__ }

Test(dtb, is_a_tree_with_room_behind)
{
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	cr_assert_eq(fdt_check_full(dtb, GH_DTB_SIZE), 0);
	/* The resource manager has a buffer of 16 KiB for the tree and what it adds. */
	cr_assert_lt(fdt_totalsize(dtb), 4 * 1024);
	cr_assert_geq(GH_DTB_SIZE, 2 * (GH_DTB_CONTENT + 16 * 1024));
	/* It can really add something. */
	cr_assert_eq(fdt_open_into(dtb, dtb, GH_DTB_SIZE), 0);
	cr_assert_geq(fdt_add_subnode(dtb, 0, "hypervisor"), 0);
}

Test(dtb, vm_config)
{
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	expect_string("/gunyah-vm-config", "image-name", "g17");
	expect_string("/gunyah-vm-config", "os-type", "linux");
	expect_cells("/gunyah-vm-config/memory", "base-address", CELLS(0, 0x80000000));
	expect_cells("/gunyah-vm-config", "#address-cells", CELLS(2));
	expect_string("/gunyah-vm-config/vcpus", "affinity", "proxy");
	expect_string("/gunyah-vm-config/vdevices", "generate", "/hypervisor");
	expect_cells("/gunyah-vm-config/interrupts", "config",
		     CELLS(fdt_get_phandle(dtb, node("/interrupt-controller@3fff0000"))));
}

Test(dtb, has_nothing_that_the_resource_manager_adds)
{
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	cr_assert_lt(fdt_path_offset(dtb, "/hypervisor"), 0);
	cr_assert_lt(fdt_path_offset(dtb, "/memory"), 0);
	cr_assert_lt(fdt_path_offset(dtb, "/reserved-memory"), 0);
}

Test(dtb, interrupt_controller_and_timer)
{
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	expect_string("/interrupt-controller@3fff0000", "compatible", "arm,gic-v3");
	expect_cells("/interrupt-controller@3fff0000", "reg",
		     CELLS(0, 0x3fff0000, 0, 0x10000, 0, GH_BOARD_GICR_BASE, 0, 4 * 0x20000));
	expect_cells("/", "interrupt-parent",
		     CELLS(fdt_get_phandle(dtb, node("/interrupt-controller@3fff0000"))));
	expect_cells("/timer", "interrupts", CELLS(1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8));
}

Test(dtb, one_node_a_cpu)
{
	unsigned int i;
	char path[32];

	for (vm->nr_vcpus = 1; vm->nr_vcpus <= GH_MAX_VCPUS_PER_VM; vm->nr_vcpus++) {
		cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
		for (i = 0; i < vm->nr_vcpus; i++) {
			snprintf(path, sizeof(path), "/cpus/cpu@%u", i);
			expect_cells(path, "reg", CELLS(0, i));
			expect_string(path, "device_type", "cpu");
			expect_string(path, "enable-method", "psci");
		}
		snprintf(path, sizeof(path), "/cpus/cpu@%u", i);
		cr_assert_lt(fdt_path_offset(dtb, path), 0);
	}
	expect_string("/psci", "method", "hvc");
}

Test(dtb, devices)
{
	int n;

	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	expect_cells("/uart@9000000", "reg", CELLS(0, 0x9000000, 0, 0x1000));
	expect_cells("/testdev@a000000", "reg", CELLS(0, 0xa000000, 0, 0x1000));
	n = node("/uart@9000000");
	cr_assert_eq(fdt_node_check_compatible(dtb, n, "arm,pl011"), 0);
	cr_assert_eq(fdt_node_check_compatible(dtb, n, "arm,primecell"), 0);
	cr_assert_eq(fdt_stringlist_count(dtb, n, "compatible"), 2);
}

Test(dtb, bootargs)
{
	char *args = malloc(GH_MAX_BOOTARGS);

	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	cr_assert_null(fdt_getprop(dtb, node("/chosen"), "bootargs", NULL));

	memset(args, 'x', GH_MAX_BOOTARGS);
	args[GH_MAX_BOOTARGS - 1] = '\0';
	vm->bootargs = args;
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0, "the longest that is allowed fits");
	expect_string("/chosen", "bootargs", args);
	free(args);
}

static int many_properties(void *device, void *fdt)
{
	static char big[4096];

	return fdt_property(fdt, "big", big, sizeof(big));
}

Test(dtb, too_much_is_an_error)
{
	const struct gh_device_ops ops = { .name = "big", .dt_node = many_properties };
	unsigned int i;

	for (i = 0; i < 4; i++)
		vm->bus.windows[i] = (struct gh_window) { i * 0x1000, 0x1000, &ops, NULL };
	vm->bus.nr = 4;
	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), -ENOSPC);
	cr_assert_eq(gh_dtb_build(vm, dtb, 100), -ENOSPC);
}

static unsigned int cell(int offset, const char *name, unsigned int i)
{
	int len;
	const fdt32_t *cells = fdt_getprop(dtb, offset, name, &len);

	cr_assert_not_null(cells, "%s", name);
	cr_assert_gt(len, (int)(4 * i));
	return fdt32_to_cpu(cells[i]);
}

/* A doorbell of the resource manager for each line, and the line in its device. */
Test(dtb, interrupts)
{
	int uart_node, bell;

	cr_assert_eq(gh_dtb_build(vm, dtb, GH_DTB_SIZE), 0);
	uart_node = node("/uart@9000000");
	cr_assert_eq(cell(uart_node, "interrupts", 0), 0, "shared");
	cr_assert_eq(cell(uart_node, "interrupts", 1), 8);
	cr_assert_eq(cell(uart_node, "interrupts", 2), 1, "an edge");
	bell = node("/gunyah-vm-config/vdevices/bell-1");
	cr_assert_str_eq(fdt_getprop(dtb, bell, "vdevice-type", NULL), "doorbell");
	cr_assert_str_eq(fdt_getprop(dtb, bell, "generate", NULL), "/hypervisor/bell-1");
	cr_assert_eq(cell(bell, "label", 0), 1);
	cr_assert_eq(cell(bell, "interrupts", 1), 9);
	cr_assert_eq(gh_irq_intid(&vm->irqs[1]), 41);
}
