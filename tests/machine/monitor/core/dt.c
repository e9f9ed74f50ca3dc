// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's device tree: what the machine is, and the nodes of the hypervisor.
 */
#include <libfdt.h>
#include <mon/addr.h>
#include <mon/core.h>
#include <mon/cpu.h>
#include <mon/stage2.h>
#include <string.h>

#define ROOM			0x4000

static uint64_t cell64(const fdt32_t *c)
{
	return (uint64_t)fdt32_to_cpu(c[0]) << 32 | fdt32_to_cpu(c[1]);
}

static void check(int err, const char *what)
{
	if (err < 0)
		mon_panic("panic: device tree, %s: %s", what, fdt_strerror(err));
}

static void read_cpus(const void *dt)
{
	uint64_t mpidrs[MON_MAX_CPUS];
	uint32_t n = 0;
	int cpus = fdt_path_offset(dt, "/cpus"), node;

	check(cpus, "cpus");
	fdt_for_each_subnode(node, dt, cpus) {
		const char *type = fdt_getprop(dt, node, "device_type", NULL);
		const fdt32_t *reg;
		int len;

		if (!type || strcmp(type, "cpu"))
			continue;
		reg = fdt_getprop(dt, node, "reg", &len);
		if (!reg || n == MON_MAX_CPUS)
			continue;
		mpidrs[n++] = len == 8 ? cell64(reg) : fdt32_to_cpu(*reg);
	}
	mon_cpus_init(mpidrs, n);
}

/* Notes a bank, and cuts the monitor's part off it in the tree. */
static void take_memory(void *dt, int node)
{
	fdt32_t out[4 * MON_MAX_BANKS];
	const fdt32_t *reg;
	unsigned int n = 0;
	int len, i;

	reg = fdt_getprop(dt, node, "reg", &len);
	if (!reg)
		return;
	for (i = 0; i + 16 <= len && n + 4 <= MON_ARRAY_SIZE(out); i += 16, reg += 4) {
		uint64_t base = cell64(reg), size = cell64(reg + 2);

		mon_host_mem_add_bank(base, size);
		if (base < MON_END && base + size > MON_END) {
			size -= MON_END - base;
			base = MON_END;
		}
		out[n++] = cpu_to_fdt32(base >> 32);
		out[n++] = cpu_to_fdt32((uint32_t)base);
		out[n++] = cpu_to_fdt32(size >> 32);
		out[n++] = cpu_to_fdt32((uint32_t)size);
	}
	check(fdt_setprop(dt, node, "reg", out, (int)(n * sizeof(out[0]))), "memory");
}

static void read_memory(void *dt)
{
	int node = -1;

	for (;;) {
		node = fdt_node_offset_by_prop_value(dt, node, "device_type", "memory", 7);
		if (node < 0)
			break;
		take_memory(dt, node);
	}
}

static void read_seed(const void *dt)
{
	int node = fdt_path_offset(dt, "/chosen"), len;
	const void *seed = node < 0 ? NULL : fdt_getprop(dt, node, "rng-seed", &len);

	if (seed)
		mon_random_seed(seed, (unsigned int)len);
}

static void add_nodes(void *dt)
{
	static const char hyp[] = "qcom,gunyah-hypervisor-1.0\0qcom,gunyah-hypervisor\0simple-bus";
	static const char rm[] = "gunyah-resource-manager\0qcom,resource-manager-1-0\0"
				 "qcom,resource-manager";
	const fdt32_t reg[] = { 0, 0, 0, cpu_to_fdt32(1) };
	const fdt32_t irq[] = {
		0, cpu_to_fdt32(MON_VIRQ_RM_TX - 32), cpu_to_fdt32(1),
		0, cpu_to_fdt32(MON_VIRQ_RM_RX - 32), cpu_to_fdt32(1),
	};
	int node, child;

	node = fdt_add_subnode(dt, 0, "hypervisor");
	check(node, "hypervisor");
	check(fdt_setprop(dt, node, "compatible", hyp, sizeof(hyp)), "compatible");
	check(fdt_setprop_u32(dt, node, "#address-cells", 2), "address cells");
	check(fdt_setprop_u32(dt, node, "#size-cells", 0), "size cells");
	child = fdt_add_subnode(dt, node, "qcom,resource-manager-rpc@0000000000000000");
	check(child, "resource manager");
	check(fdt_setprop(dt, child, "compatible", rm, sizeof(rm)), "compatible");
	check(fdt_setprop(dt, child, "reg", reg, sizeof(reg)), "reg");
	check(fdt_setprop(dt, child, "interrupts", irq, sizeof(irq)), "interrupts");
}

void mon_dt_setup(void *dt)
{
	check(fdt_check_header(dt), "header");
	/* QEMU leaves a MiB of slack inside; packed, the tree has room to grow in place. */
	check(fdt_pack(dt), "pack");
	check(fdt_open_into(dt, dt, (int)fdt_totalsize(dt) + ROOM), "room");
	read_cpus(dt);
	read_memory(dt);
	read_seed(dt);
	add_nodes(dt);
}
