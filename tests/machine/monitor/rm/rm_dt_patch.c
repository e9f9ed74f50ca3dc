// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the resource manager adds to a guest's device tree before it starts:
 * randomness, the memory it really has, and the hypervisor's node.
 */
#include <string.h>
#include <libfdt.h>

#include "rm_priv.h"

#define GIC_SPI			0
#define FIRST_SPI		32
#define IRQ_EDGE_RISING		1

struct range {
	uint64_t base;
	uint64_t size;
};

/* Appends @v in hexadecimal to @buf, which has room. */
static void append_hex(char *buf, uint64_t v)
{
	char digits[17];
	unsigned int n = sizeof(digits);

	digits[--n] = '\0';
	do {
		digits[--n] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	memcpy(buf + strlen(buf), digits + n, sizeof(digits) - n);
}

/* A subnode that may be there already. */
static int get_subnode(void *fdt, int parent, const char *name)
{
	int node = fdt_subnode_offset(fdt, parent, name);

	return node == -FDT_ERR_NOTFOUND ? fdt_add_subnode(fdt, parent, name) : node;
}

/* Remembers the first error, so that a row of calls needs one check. */
static void note(int *err, int ret)
{
	if (!*err && ret < 0)
		*err = ret;
}

static int put_range(void *fdt, int node, int addr_cells, int size_cells,
		     const struct range *r)
{
	int err;

	if (addr_cells == 2)
		err = fdt_appendprop_u64(fdt, node, "reg", r->base);
	else
		err = fdt_appendprop_u32(fdt, node, "reg", r->base);
	if (err)
		return err;
	if (size_cells == 2)
		return fdt_appendprop_u64(fdt, node, "reg", r->size);
	return fdt_appendprop_u32(fdt, node, "reg", r->size);
}

static int patch_chosen(void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen");

	return node < 0 ? node : fdt_setprop_u64(fdt, node, "kaslr-seed", core_random());
}

static struct range parcel_range(const struct rm_vm *vm, const struct rm_parcel *p)
{
	const struct range r = {
		.base = rm_parcel_share(p, vm->vmid)->ipa,
		.size = p->size,
	};

	return r;
}

/* All that was accepted, by address, neighbours as one. */
static unsigned int memory_ranges(const struct rm_vm *vm, struct range *ranges)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < vm->nr_accepted; i++) {
		struct range r = parcel_range(vm, vm->accepted[i]);

		for (j = i; j && ranges[j - 1].base > r.base; j--)
			ranges[j] = ranges[j - 1];
		ranges[j] = r;
	}
	for (i = 0; i < vm->nr_accepted; i++) {
		if (n && ranges[n - 1].base + ranges[n - 1].size == ranges[i].base)
			ranges[n - 1].size += ranges[i].size;
		else
			ranges[n++] = ranges[i];
	}
	return n;
}

static int patch_memory(void *fdt, const struct rm_vm *vm, int addr_cells, int size_cells)
{
	static struct range ranges[RM_MAX_PARCELS_PER_VM];
	unsigned int i, n = memory_ranges(vm, ranges);
	int node = get_subnode(fdt, 0, "memory");
	int err = 0;

	if (node < 0)
		return node;
	note(&err, fdt_setprop_string(fdt, node, "device_type", "memory"));
	note(&err, fdt_setprop(fdt, node, "reg", NULL, 0));
	for (i = 0; i < n; i++)
		note(&err, put_range(fdt, node, addr_cells, size_cells, &ranges[i]));
	return err;
}

static int add_buffer(void *fdt, int parent, const struct rm_vm *vm, const struct rm_parcel *p,
		      int addr_cells, int size_cells)
{
	struct range r = parcel_range(vm, p);
	char name[32] = "buffer@";
	int err = 0;
	int node;

	append_hex(name, r.base);
	node = get_subnode(fdt, parent, name);
	if (node < 0)
		return node;
	note(&err, fdt_setprop(fdt, node, "reg", NULL, 0));
	note(&err, put_range(fdt, node, addr_cells, size_cells, &r));
	note(&err, fdt_setprop_empty(fdt, node, "no-map"));
	note(&err, fdt_setprop_empty(fdt, node, "qcom,shared-memory"));
	note(&err, fdt_setprop_u32(fdt, node, "qcom,rm-mem-handle", p->handle));
	note(&err, fdt_setprop_u32(fdt, node, "qcom,label", p->label));
	return err;
}

/* Accepted memory that is not the VM's own is reserved. */
static int patch_reserved(void *fdt, const struct rm_vm *vm, int addr_cells, int size_cells)
{
	int node = get_subnode(fdt, 0, "reserved-memory");
	int err = 0;
	unsigned int i;

	if (node < 0)
		return node;
	note(&err, fdt_setprop_u32(fdt, node, "#address-cells", addr_cells));
	note(&err, fdt_setprop_u32(fdt, node, "#size-cells", size_cells));
	note(&err, fdt_setprop_empty(fdt, node, "ranges"));
	for (i = 1; i < vm->nr_accepted; i++) {
		const struct rm_parcel *p = vm->accepted[i];

		if (!p->label && rm_parcel_is_private(p, vm->vmid))
			continue;
		note(&err, add_buffer(fdt, node, vm, p, addr_cells, size_cells));
	}
	return err;
}

static int add_bell(void *fdt, int hypervisor, const struct rm_bell *bell)
{
	char name[RM_MAX_NODE_NAME + 16] = "";
	int err = 0;
	int node;

	memcpy(name, bell->node, strlen(bell->node) + 1);
	memcpy(name + strlen(name), "@", 2);
	append_hex(name, bell->label);
	node = fdt_add_subnode(fdt, hypervisor, name);
	if (node < 0)
		return node;
	note(&err, fdt_setprop_string(fdt, node, "compatible", "qcom,gunyah-doorbell"));
	note(&err, fdt_setprop_u32(fdt, node, "label", bell->label));
	note(&err, fdt_setprop_u32(fdt, node, "qcom,label", bell->label));
	note(&err, fdt_setprop_u32(fdt, node, "interrupts", GIC_SPI));
	note(&err, fdt_appendprop_u32(fdt, node, "interrupts", bell->intid - FIRST_SPI));
	note(&err, fdt_appendprop_u32(fdt, node, "interrupts", IRQ_EDGE_RISING));
	return err;
}

static int add_hypervisor(void *fdt, const struct rm_vm *vm)
{
	static const char compatible[] = "gunyah-hypervisor\0qcom,gunyah-hypervisor-1.0\0"
					 "qcom,gunyah-hypervisor\0simple-bus";
	static const char id_compatible[] = "qcom,gunyah-vm-id-1.0\0qcom,gunyah-vm-id";
	int node = fdt_add_subnode(fdt, 0, "hypervisor");
	int err = 0;
	unsigned int i;
	int id;

	if (node < 0)
		return node;
	note(&err, fdt_setprop_u32(fdt, node, "#address-cells", 2));
	note(&err, fdt_setprop_u32(fdt, node, "#size-cells", 0));
	note(&err, fdt_setprop(fdt, node, "compatible", compatible, sizeof(compatible)));
	for (i = 0; i < vm->config.nr_bells; i++) {
		if (vm->config.bells[i].node[0])
			note(&err, add_bell(fdt, node, &vm->config.bells[i]));
	}

	id = fdt_add_subnode(fdt, node, "qcom,gunyah-vm");
	if (id < 0)
		return id;
	note(&err, fdt_setprop(fdt, id, "compatible", id_compatible, sizeof(id_compatible)));
	note(&err, fdt_setprop_u32(fdt, id, "qcom,vmid", vm->vmid));
	note(&err, fdt_setprop_u32(fdt, id, "qcom,owner-vmid", MON_VMID_HLOS));
	note(&err, fdt_setprop_string(fdt, id, "qcom,vendor", "Qualcomm"));
	note(&err, fdt_setprop_string(fdt, id, "qcom,image-name", vm->config.name));
	return err;
}

static int add_vsoc(void *fdt)
{
	int err = 0;
	int node;

	if (fdt_path_offset(fdt, "/vsoc") >= 0)
		return 0;
	node = fdt_add_subnode(fdt, 0, "vsoc");
	if (node < 0)
		return node;
	note(&err, fdt_setprop_u32(fdt, node, "#address-cells", 2));
	note(&err, fdt_setprop_u32(fdt, node, "#size-cells", 2));
	note(&err, fdt_setprop_empty(fdt, node, "ranges"));
	note(&err, fdt_setprop_string(fdt, node, "compatible", "simple-bus"));
	return err;
}

int rm_dt_patch(void *fdt, const struct rm_vm *vm)
{
	int addr_cells = fdt_address_cells(fdt, 0);
	int size_cells = fdt_size_cells(fdt, 0);
	int err = 0;

	if (addr_cells < 1 || addr_cells > 2 || size_cells < 1 || size_cells > 2)
		return -FDT_ERR_BADNCELLS;

	/* add_hypervisor() fails if the node exists: it must not. */
	note(&err, patch_chosen(fdt));
	note(&err, patch_reserved(fdt, vm, addr_cells, size_cells));
	note(&err, patch_memory(fdt, vm, addr_cells, size_cells));
	note(&err, add_vsoc(fdt));
	note(&err, add_hypervisor(fdt, vm));
	return err;
}
