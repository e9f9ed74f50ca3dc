// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the guest's device tree must say, and what is added to it. */
#include <string.h>

#include <criterion/criterion.h>
#include <libfdt.h>

#include "rpc.h"

TestSuite(rm_dt, .init = fake_start);

/* VM_INIT of a VM with this tree. */
static uint32_t init_with(const struct tree *tree, struct vm *vm)
{
	*vm = build_vm(tree);
	cr_assert_eq(call_config(vm->vmid, 0, vm->handle, 0, DT_OFF, DT_OFF, DT_SIZE), RM_OK);
	return call_vmid(RM_REQ_VM_INIT, vm->vmid);
}

Test(rm_dt, what_init_refuses)
{
	static const struct {
		const char *what;
		struct tree tree;
		uint32_t err;
	} cases[] = {
		{ "image-name", { .no_image_name = true }, RM_ERR_MEM },
		{ "vm-config", { .no_vm_config = true }, RM_ERR_MEM },
		{ "base-address", { .no_base = true }, RM_ERR_MEM },
		{ "base not a page", { .base = 0x80000008 }, RM_ERR_MEM },
		{ "base too high", { .base = RM_ADDR_LIMIT }, RM_ERR_MEM },
		{ "gic", { .no_gic = true }, RM_ERR_MEM },
		{ "memory node", { .has_memory_elsewhere = true }, RM_ERR_MEM },
		{ "affinity", { .not_proxy = true }, RM_ERR_MEM },
		{ "enable-method", { .bad_cpu_method = true }, RM_ERR_MEM },
		{ "too many cpus", { .cpus = MON_MAX_VCPUS_PER_VM + 1 }, RM_ERR_NORES },
		{ "peer", { .bells = 1, .bell_without_peer = true }, RM_ERR_MEM },
		{ "same interrupt", { .bells = 2, .bells_collide = true }, RM_ERR_MEM },
		{ "vdevice", { .odd_vdevice = true }, RM_ERR_NORES },
		{ "totalsize", { .size = DT_SIZE + 1 }, RM_ERR_MEM },
		{ "tiny", { .size = 8 }, RM_ERR_MEM },
	};
	unsigned int i, logs;
	struct vm vm;

	for (i = 0; i < RM_ARRAY_SIZE(cases); i++) {
		logs = fake.nr_logs;
		cr_expect_eq(init_with(&cases[i].tree, &vm), cases[i].err, "%s", cases[i].what);
		cr_expect_gt(fake.nr_logs, logs, "%s: no reason given", cases[i].what);
		cr_assert_eq(state_of(vm.vmid), RM_STATE_INIT_FAILED, "%s", cases[i].what);
		end_vm(&vm);
	}
}

Test(rm_dt, what_init_accepts)
{
	static const struct tree trees[] = {
		{ .cpus = 1 }, { .cpus = MON_MAX_VCPUS_PER_VM }, { .bells = RM_MAX_BELLS },
		{ .bells = 2, .bells_collide = false },
	};
	unsigned int i;
	struct vm vm;

	for (i = 0; i < RM_ARRAY_SIZE(trees); i++) {
		cr_expect_eq(init_with(&trees[i], &vm), RM_OK, "tree %u", i);
		cr_expect_eq(fake.last_vm->nr_vcpus, trees[i].cpus ? trees[i].cpus : 2);
		cr_expect_eq(fake.last_vm->nr_bells, trees[i].bells);
		end_vm(&vm);
	}
	cr_assert_eq(fake.nr_logs, 0);
}

Test(rm_dt, base_is_aligned_up)
{
	const struct tree tree = { .base = 0x80001000 };
	struct vm vm;

	cr_assert_eq(init_with(&tree, &vm), RM_OK);
	cr_assert_eq(fake.nr_logs, 1);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	cr_assert_eq(fake.last_vm->pc, 0x80200000);
}

/* The tree is damaged byte by byte; nothing may break but the VM. */
Test(rm_dt, damaged_trees)
{
	const struct tree tree = { .bells = 2 };
	uint8_t *dt = core_ptr(IMAGE_PA + DT_OFF, DT_SIZE);
	size_t size = write_tree(IMAGE_PA + DT_OFF, &tree);
	struct rm_config cfg;
	unsigned int i, good = 0;
	uint8_t old;

	for (i = 0; i < size; i++) {
		old = dt[i];
		dt[i] ^= 0xff;
		good += !rm_dt_parse(dt, size, &cfg);
		dt[i] = old;
	}
	cr_assert_gt(good, 0);
	cr_assert_lt(good, size);
	for (i = 0; i < size; i++)
		cr_assert_neq(rm_dt_parse(dt, i, &cfg), RM_OK, "cut at %u", i);
	cr_assert_eq(rm_dt_parse(dt, size, &cfg), RM_OK);
}

Test(rm_dt, what_the_guest_is_told)
{
	const struct tree tree = { .bells = 1 };
	struct vm vm = build_vm(&tree);
	const struct rm_acl_entry shared[] = { VM_ACL(vm.vmid, 6), HOST_RW };
	const struct mem mem = { FAKE_RAM_BASE + 0x1000000, FAKE_PAGE };
	const void *dt = core_ptr(IMAGE_PA + DT_OFF, DT_SIZE);
	const fdt64_t *reg;
	int node, len;

	cr_assert_eq(lend(vm.vmid, 0, FAKE_RAM_BASE + 0x800000, FAKE_PAGE, NULL), RM_OK);
	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 9, shared, 2, &mem, 1, NULL), RM_OK);
	cr_assert_eq(call_config(vm.vmid, 0, vm.handle, 0, DT_OFF, DT_OFF, DT_SIZE), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);

	cr_assert_eq(fdt_check_full(dt, DT_SIZE), 0);
	node = fdt_path_offset(dt, "/chosen");
	reg = fdt_getprop(dt, node, "kaslr-seed", &len);
	cr_assert_eq(len, 8);
	cr_assert_eq(fdt64_ld(reg), 0x5eed5eed5eed5eed);

	/* The image and the page behind it are one range, the buffer another. */
	reg = fdt_getprop(dt, fdt_path_offset(dt, "/memory"), "reg", &len);
	cr_assert_eq(len, 32);
	cr_assert_eq(fdt64_ld(reg), BASE_IPA);
	cr_assert_eq(fdt64_ld(reg + 1), IMAGE_SIZE + FAKE_PAGE);
	cr_assert_eq(fdt64_ld(reg + 2), BASE_IPA + 0x400000);
	cr_assert_eq(fdt64_ld(reg + 3), FAKE_PAGE);

	node = fdt_path_offset(dt, "/reserved-memory/buffer@80400000");
	cr_assert_geq(node, 0);
	cr_assert_eq(fdt32_ld(fdt_getprop(dt, node, "qcom,label", NULL)), 9);
	cr_assert_lt(fdt_path_offset(dt, "/reserved-memory/buffer@80200000"), 0);

	node = fdt_path_offset(dt, "/hypervisor");
	cr_assert_geq(node, 0);
	cr_assert_eq(fdt_node_check_compatible(dt, node, "gunyah-hypervisor"), 0);
	cr_assert_eq(fdt_node_check_compatible(dt, node, "simple-bus"), 0);
	node = fdt_path_offset(dt, "/hypervisor/qcom,gunyah-vm");
	cr_assert_eq(fdt32_ld(fdt_getprop(dt, node, "qcom,vmid", NULL)), vm.vmid);
	cr_assert_str_eq(fdt_getprop(dt, node, "qcom,image-name", NULL), "unit-test");
	cr_assert_geq(fdt_path_offset(dt, "/hypervisor/bell@a"), 0);
	cr_assert_geq(fdt_path_offset(dt, "/vsoc"), 0);
}

Test(rm_dt, what_start_refuses)
{
	static const struct tree trees[] = {
		{ .no_chosen = true }, { .has_hypervisor = true },
	};
	unsigned int i;
	struct vm vm;

	for (i = 0; i < RM_ARRAY_SIZE(trees); i++) {
		cr_assert_eq(init_with(&trees[i], &vm), RM_OK);
		cr_expect_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_ERR_NORES, "tree %u", i);
		cr_expect_eq(state_of(vm.vmid), RM_STATE_INIT_FAILED);
		cr_expect_eq(fake.nr_logs, i + 1);
		end_vm(&vm);
	}
}

Test(rm_dt, no_slack)
{
	struct vm vm = build_vm(NULL);
	size_t size = write_tree(FAKE_RAM_BASE, NULL);

	cr_assert_eq(call_config(vm.vmid, 0, vm.handle, 0, DT_OFF, DT_OFF, size), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_ERR_NORES);
	cr_assert_eq(fake.nr_logs, 1);
	end_vm(&vm);
	cr_assert(fake_host_has_all());
}
