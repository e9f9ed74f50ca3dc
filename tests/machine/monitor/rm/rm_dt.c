// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VM asks for in its device tree: /gunyah-vm-config, the vCPUs, the
 * interrupt controller and the virtual devices. The tree comes from the host and
 * is checked as a whole before anything is read from it.
 */
#include <string.h>
#include <libfdt.h>

#include "rm_priv.h"

#define GIC_FRAME_ALIGN		0x10000
#define GICR_SIZE		0x20000
#define BASE_ALIGN		(2ull << 20)
#define GIC_SPI			0
#define FIRST_SPI		32
#define LAST_SPI		1019

static enum rm_error bad(const char *what)
{
	core_log("rm: device tree: %s", what);
	return RM_ERR_MEM;
}

/* A number of one or two cells. */
static bool prop_num(const void *fdt, int node, const char *name, uint64_t *value)
{
	const void *prop;
	int len;

	prop = fdt_getprop(fdt, node, name, &len);
	if (!prop)
		return false;
	if (len == sizeof(fdt32_t))
		*value = fdt32_ld(prop);
	else if (len == sizeof(fdt64_t))
		*value = fdt64_ld(prop);
	else
		return false;
	return true;
}

static bool prop_is(const void *fdt, int node, const char *name, const char *value)
{
	const char *s = fdt_stringlist_get(fdt, node, name, 0, NULL);

	return s && !strcmp(s, value);
}

static bool has_prop(const void *fdt, int node, const char *name)
{
	return fdt_getprop(fdt, node, name, NULL);
}

static int find_vm_config(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/gunyah-vm-config");

	return node >= 0 ? node : fdt_path_offset(fdt, "/qcom,vm-config");
}

static enum rm_error parse_vm_config(const void *fdt, int node, struct rm_config *cfg)
{
	const char *name;
	int memory, len;

	name = fdt_stringlist_get(fdt, node, "image-name", 0, &len);
	if (!name || len >= RM_MAX_NAME)
		return bad("image-name is missing or too long");
	memcpy(cfg->name, name, len + 1);

	memory = fdt_subnode_offset(fdt, node, "memory");
	if (memory < 0 || !prop_num(fdt, memory, "base-address", &cfg->base))
		return bad("gunyah-vm-config/memory has no base-address");
	if (cfg->base % RM_PAGE_SIZE || cfg->base >= RM_ADDR_LIMIT)
		return bad("base-address is not aligned or too high");
	if (cfg->base % BASE_ALIGN) {
		core_log("rm: base-address %lx aligned up to 2 MiB", (unsigned long)cfg->base);
		cfg->base = (cfg->base + BASE_ALIGN - 1) & ~(BASE_ALIGN - 1);
	}
	return RM_OK;
}

static enum rm_error parse_cpu(const void *fdt, int cpu, const char *method,
			       struct rm_config *cfg, unsigned int *enabled)
{
	const char *status = fdt_stringlist_get(fdt, cpu, "status", 0, NULL);
	const char *own = fdt_stringlist_get(fdt, cpu, "enable-method", 0, NULL);
	bool boot;

	if (status && !strncmp(status, "fail", 4))
		return RM_OK;
	if (status && strcmp(status, "okay") && strcmp(status, "disabled"))
		return bad("unexpected status of a cpu");

	/* Without status properties the first one is on from the beginning. */
	boot = status ? !strcmp(status, "okay") : !*enabled;
	if (boot) {
		++*enabled;
	} else {
		method = own ? own : method;
		if (!method || strcmp(method, "psci"))
			return bad("a secondary cpu needs enable-method \"psci\"");
	}

	if (cfg->nr_vcpus == MON_MAX_VCPUS_PER_VM) {
		core_log("rm: more than %u vCPUs", MON_MAX_VCPUS_PER_VM);
		return RM_ERR_NORES;
	}
	cfg->nr_vcpus++;
	return RM_OK;
}

static enum rm_error parse_vcpus(const void *fdt, int node, struct rm_config *cfg)
{
	const char *path, *method;
	unsigned int enabled = 0;
	enum rm_error err;
	int vcpus, cpus, cpu;

	vcpus = fdt_subnode_offset(fdt, node, "vcpus");
	if (vcpus < 0 || !prop_is(fdt, vcpus, "affinity", "proxy"))
		return bad("vcpus/affinity is not \"proxy\"");

	path = fdt_stringlist_get(fdt, vcpus, "config", 0, NULL);
	cpus = fdt_path_offset(fdt, path ? path : "/cpus");
	if (cpus < 0)
		return bad("no node of the cpus");

	method = fdt_stringlist_get(fdt, cpus, "enable-method", 0, NULL);
	fdt_for_each_subnode(cpu, fdt, cpus) {
		if (!prop_is(fdt, cpu, "device_type", "cpu"))
			continue;
		err = parse_cpu(fdt, cpu, method, cfg, &enabled);
		if (err)
			return err;
	}
	return enabled ? RM_OK : bad("no cpu is enabled");
}

static int find_gic(const void *fdt, int node)
{
	int interrupts = fdt_subnode_offset(fdt, node, "interrupts");
	const char *path;
	uint64_t phandle;

	if (interrupts >= 0 && has_prop(fdt, interrupts, "config")) {
		path = fdt_stringlist_get(fdt, interrupts, "config", 0, NULL);
		if (path && path[0] == '/')
			return fdt_path_offset(fdt, path);
		if (!prop_num(fdt, interrupts, "config", &phandle))
			return -FDT_ERR_BADVALUE;
	} else if (!prop_num(fdt, 0, "interrupt-parent", &phandle)) {
		return -FDT_ERR_NOTFOUND;
	}
	return fdt_node_offset_by_phandle(fdt, phandle);
}

static uint64_t read_cells(const fdt32_t *cells, int n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 32 | fdt32_ld(cells++);
	return value;
}

static enum rm_error parse_gic(const void *fdt, int node, struct rm_config *cfg)
{
	int gic = find_gic(fdt, node);
	int addr_cells, cells, parent, len;
	const fdt32_t *reg;
	uint64_t num;

	if (gic < 0 || fdt_node_check_compatible(fdt, gic, "arm,gic-v3"))
		return bad("no GICv3 node");
	if (!has_prop(fdt, gic, "interrupt-controller") ||
	    !prop_num(fdt, gic, "#interrupt-cells", &num) || num != 3)
		return bad("the GICv3 node lacks interrupt-controller or 3 cells");
	if (prop_num(fdt, gic, "#redistributor-regions", &num) && num != 1)
		return bad("more than one region of redistributors");

	parent = fdt_parent_offset(fdt, gic);
	addr_cells = fdt_address_cells(fdt, parent);
	cells = addr_cells + fdt_size_cells(fdt, parent);
	reg = fdt_getprop(fdt, gic, "reg", &len);
	if (!reg || addr_cells < 1 || addr_cells > 2 || cells <= addr_cells ||
	    len < 2 * cells * (int)sizeof(*reg))
		return bad("the GICv3 node has no proper reg");
	cfg->gicd = read_cells(reg, addr_cells);
	cfg->gicr = read_cells(reg + cells, addr_cells);

	if (!prop_num(fdt, gic, "redistributor-stride", &cfg->gicr_stride))
		cfg->gicr_stride = GICR_SIZE;
	if (cfg->gicr_stride < GICR_SIZE || cfg->gicr_stride % GIC_FRAME_ALIGN ||
	    cfg->gicd % GIC_FRAME_ALIGN || cfg->gicr % GIC_FRAME_ALIGN ||
	    cfg->gicd >= RM_ADDR_LIMIT || cfg->gicr >= RM_ADDR_LIMIT ||
	    cfg->gicr_stride >= RM_ADDR_LIMIT / MON_MAX_VCPUS_PER_VM)
		return bad("the GIC's frames are not aligned or too high");
	return RM_OK;
}

static bool intid_used(const struct rm_config *cfg, uint32_t intid)
{
	unsigned int i;

	for (i = 0; i < cfg->nr_bells; i++) {
		if (cfg->bells[i].intid == intid)
			return true;
	}
	return false;
}

/* interrupts = <0 n type>, or one that is free. 0 if there is none. */
static uint32_t bell_intid(const void *fdt, int node, const struct rm_config *cfg)
{
	const fdt32_t *irq;
	uint32_t intid;
	int len;

	irq = fdt_getprop(fdt, node, "interrupts", &len);
	if (irq) {
		if (len != 3 * sizeof(*irq) || fdt32_ld(irq) != GIC_SPI ||
		    fdt32_ld(irq + 1) > LAST_SPI - FIRST_SPI)
			return 0;
		return fdt32_ld(irq + 1) + FIRST_SPI;
	}

	for (intid = FIRST_SPI; intid_used(cfg, intid); intid++)
		;
	return intid;
}

static enum rm_error parse_bell(const void *fdt, int node, struct rm_config *cfg)
{
	static const char prefix[] = "/hypervisor/";
	struct rm_bell *bell = &cfg->bells[cfg->nr_bells];
	const char *generate;
	uint64_t label = 0;

	if (cfg->nr_bells == RM_MAX_BELLS)
		return bad("too many doorbells");
	if (!has_prop(fdt, node, "peer-default"))
		return bad("a doorbell is not for peer-default");
	prop_num(fdt, node, "label", &label);
	bell->label = label;
	bell->intid = bell_intid(fdt, node, cfg);
	if (!bell->intid || intid_used(cfg, bell->intid))
		return bad("a doorbell's interrupt is not a free SPI");

	generate = fdt_stringlist_get(fdt, node, "generate", 0, NULL);
	if (generate && !strncmp(generate, prefix, strlen(prefix))) {
		generate += strlen(prefix);
		if (!*generate || strlen(generate) >= RM_MAX_NODE_NAME || strchr(generate, '/'))
			return bad("a doorbell can not be generated there");
		memcpy(bell->node, generate, strlen(generate) + 1);
	}
	cfg->nr_bells++;
	return RM_OK;
}

static enum rm_error parse_shm(const void *fdt, int node, struct rm_config *cfg)
{
	struct rm_shm *shm = &cfg->shms[cfg->nr_shms];
	int memory = fdt_subnode_offset(fdt, node, "memory");
	uint64_t label;

	if (!has_prop(fdt, node, "peer-default") || memory < 0 ||
	    !prop_num(fdt, memory, "label", &label))
		return bad("shared memory without peer-default, memory or label");
	if (has_prop(fdt, memory, "allocate-base"))
		return RM_OK;
	if (!prop_num(fdt, memory, "base", &shm->base) || shm->base % RM_PAGE_SIZE)
		return bad("shared memory without a proper base");
	if (cfg->nr_shms == RM_MAX_SHMS)
		return bad("too much shared memory");
	shm->label = label;
	shm->optional = has_prop(fdt, memory, "optional");
	cfg->nr_shms++;
	return RM_OK;
}

/* One node of the tree: a virtual device, memory in the wrong place, or nothing. */
static enum rm_error parse_node(const void *fdt, int node, int depth, struct rm_config *cfg)
{
	const char *type = fdt_stringlist_get(fdt, node, "vdevice-type", 0, NULL);
	const char *name = fdt_get_name(fdt, node, NULL);

	if (prop_is(fdt, node, "device_type", "memory") &&
	    (depth != 1 || strcmp(name, "memory")))
		return bad("a memory node that is not /memory");
	if (!type)
		return RM_OK;
	if (!strcmp(type, "doorbell"))
		return parse_bell(fdt, node, cfg);
	if (!strcmp(type, "shm"))
		return parse_shm(fdt, node, cfg);
	core_log("rm: no virtual device \"%s\" here", type);
	return RM_ERR_NORES;
}

enum rm_error rm_dt_parse(const void *fdt, size_t size, struct rm_config *cfg)
{
	int node, vm_config, depth = 0;
	enum rm_error err;

	memset(cfg, 0, sizeof(*cfg));
	if (fdt_check_full(fdt, size))
		return bad("not a valid device tree");
	vm_config = find_vm_config(fdt);
	if (vm_config < 0)
		return bad("no /gunyah-vm-config");

	err = parse_vm_config(fdt, vm_config, cfg);
	if (!err)
		err = parse_vcpus(fdt, vm_config, cfg);
	if (!err)
		err = parse_gic(fdt, vm_config, cfg);
	for (node = 0; !err && node >= 0 && depth >= 0; node = fdt_next_node(fdt, node, &depth))
		err = parse_node(fdt, node, depth, cfg);
	return err;
}
