// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Memory parcels: made, grown, accepted, released, reclaimed. */
#include <string.h>

#include <criterion/criterion.h>

#include "rpc.h"

#define PA(mib)		(FAKE_RAM_BASE + ((uint64_t)(mib) << 20))
#define MIB		(1ull << 20)

static uint16_t vmid;

static void start(void)
{
	fake_start();
	vmid = new_vm();
}

TestSuite(rm_parcel, .init = start);

static bool lost(uint64_t pa)
{
	return fake.lost[(pa - FAKE_RAM_BASE) / FAKE_PAGE];
}

Test(rm_parcel, handles_begin_with_zero)
{
	uint32_t handle = 77;

	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(handle, 0);
	cr_assert_eq(lend(vmid, 0, PA(2), FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(handle, 1);
	cr_assert_eq(call_reclaim(0, 0), RM_OK);
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(handle, 2);
}

Test(rm_parcel, lend_takes_memory_until_reclaim)
{
	uint32_t handle;

	cr_assert_eq(lend(vmid, 0, PA(1), MIB, &handle), RM_OK);
	cr_assert(lost(PA(1)));
	cr_assert(lost(PA(2) - FAKE_PAGE));
	cr_assert_not(lost(PA(1) - FAKE_PAGE));
	cr_assert_not(lost(PA(2)));
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
	cr_assert_eq(call_reclaim(handle, 0), RM_ERR_HANDLE);
	cr_assert_eq(call_reclaim(RM_INVALID_HANDLE, 0), RM_ERR_HANDLE);
}

Test(rm_parcel, share_leaves_memory_but_owns_it)
{
	const struct rm_acl_entry acl[] = { VM_ACL(vmid, 6), HOST_RW };
	const struct mem mem = { PA(1), MIB };
	uint32_t handle;

	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 5, acl, 2, &mem, 1, &handle), RM_OK);
	cr_assert(fake_host_has_all());
	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 6, acl, 2, &mem, 1, NULL), RM_ERR_MEM);
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, NULL), RM_ERR_MEM);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, overlap_is_refused_and_rolled_back)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, 7);
	uint32_t handle;
	const struct mem twice[] = { { PA(4), MIB }, { PA(6), MIB }, { PA(4), FAKE_PAGE } };
	const struct mem tail[] = { { PA(6), MIB }, { PA(2) - FAKE_PAGE, 2 * FAKE_PAGE } };
	const struct mem joined[] = { { PA(8), MIB }, { PA(9), MIB }, { PA(9), MIB } };

	cr_assert_eq(lend(vmid, 0, PA(1), MIB, &handle), RM_OK);
	cr_assert_eq(lend(vmid, 0, PA(1), MIB, NULL), RM_ERR_MEM);
	cr_assert_eq(lend(vmid, 0, PA(1) + FAKE_PAGE, FAKE_PAGE, NULL), RM_ERR_MEM);
	cr_assert_eq(lend(vmid, 0, PA(0), 3 * MIB, NULL), RM_ERR_MEM);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, &acl, 1, twice, 3, NULL), RM_ERR_MEM);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, &acl, 1, tail, 2, NULL), RM_ERR_MEM);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, &acl, 1, joined, 3, NULL), RM_ERR_MEM);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
	/* All of it can be lent again. */
	cr_assert_eq(lend(vmid, 0, FAKE_RAM_BASE, FAKE_RAM_SIZE, NULL), RM_OK);
}

Test(rm_parcel, memory_that_is_not_the_hosts)
{
	cr_assert_eq(lend(vmid, 0, FAKE_RAM_BASE - FAKE_PAGE, FAKE_PAGE, NULL), RM_ERR_MEM);
	cr_assert_eq(lend(vmid, 0, FAKE_RAM_BASE, FAKE_RAM_SIZE + FAKE_PAGE, NULL), RM_ERR_MEM);
	cr_assert_eq(lend(vmid, 0, RM_ADDR_LIMIT - FAKE_PAGE, FAKE_PAGE, NULL), RM_ERR_MEM);
}

Test(rm_parcel, alignment_and_range)
{
	cr_assert_eq(lend(vmid, 0, PA(1) + 8, FAKE_PAGE, NULL), RM_ERR_ARG);
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE + 8, NULL), RM_ERR_ARG);
	cr_assert_eq(lend(vmid, 0, PA(1), 0, NULL), RM_ERR_ARG);
	cr_assert_eq(lend(vmid, 0, RM_ADDR_LIMIT, FAKE_PAGE, NULL), RM_ERR_ARG);
	cr_assert_eq(lend(vmid, 0, PA(1), ~0ull & ~(FAKE_PAGE - 1), NULL), RM_ERR_ARG);
}

Test(rm_parcel, access_lists)
{
	const struct mem mem = { PA(1), MIB };
	struct rm_acl_entry acl[3] = { VM_ACL(vmid, 7) };
	uint8_t rights;

	for (rights = 0; rights < 16; rights++) {
		bool good = rights == 4 || rights == 5 || rights == 6 || rights == 7;
		uint32_t handle, err;

		acl[0].rights = rights;
		err = call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 1, &mem, 1, &handle);
		cr_expect_eq(err, good ? RM_OK : RM_ERR_ARG, "rights %u: %x", rights, err);
		if (!err)
			call_reclaim(handle, 0);
	}

	acl[0] = VM_ACL(vmid + 1, 7);
	cr_expect_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 1, &mem, 1, NULL), RM_ERR_ARG);
	acl[0] = VM_ACL(vmid, 7);
	acl[1] = VM_ACL(vmid, 7);
	cr_expect_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 2, &mem, 1, NULL), RM_ERR_ARG);
	/* The owner is in the list if it shares, and only then. */
	acl[1] = HOST_RW;
	cr_expect_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 2, &mem, 1, NULL), RM_ERR_ARG);
	cr_expect_eq(call_mem(RM_REQ_MEM_SHARE, 0, 0, acl, 1, &mem, 1, NULL), RM_ERR_ARG);
	cr_expect_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 0, &mem, 1, NULL), RM_ERR_ARG);
	cr_expect_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 1, &mem, 0, NULL), RM_ERR_ARG);
	cr_assert(fake_host_has_all());
	cr_assert_eq(fake.allocs, 1 + 1, "the VM and a chunk of the page map");
}

Test(rm_parcel, lists_that_lie)
{
	struct {
		struct rm_mem_create_req req;
		struct rm_list_hdr acl_hdr;
		struct rm_acl_entry acl;
		struct rm_list_hdr sgl_hdr;
		struct rm_sgl_entry sgl;
		struct rm_list_hdr attr_hdr;
		struct rm_attr_entry attr;
	} RM_PACKED b = {
		.acl_hdr.n = 1,
		.acl = VM_ACL(vmid, 7),
		.sgl_hdr.n = 1,
		.sgl = { PA(1), MIB },
	};
	const size_t len = sizeof(b) - sizeof(b.attr);

	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len - 1), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len + 1), RM_ERR_MSG);
	b.sgl_hdr.n = 2;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len), RM_ERR_MSG);
	b.sgl_hdr.n = 513;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len), RM_ERR_NORES);
	b.sgl_hdr.n = 1;
	b.acl_hdr.n = 0xffff;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len), RM_ERR_NORES);
	b.acl_hdr.n = 512;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len), RM_ERR_MSG);
	b.acl_hdr.n = 1;
	b.req.mem_type = 1;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, len), RM_ERR_ARG);
	b.req.mem_type = 0;
	b.attr_hdr.n = 1;
	b.attr.attr = 1;
	b.attr.vmid = vmid;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, sizeof(b)), RM_ERR_ARG);
	b.attr.attr = 0;
	b.attr.vmid = vmid + 1;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, sizeof(b)), RM_ERR_VMID);
	b.attr.vmid = vmid;
	cr_expect_eq(call(RM_REQ_MEM_LEND, &b, sizeof(b)), RM_OK);
}

Test(rm_parcel, append_until_the_end)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, 7);
	static struct mem mem[RM_MAX_LIST];
	uint32_t handle;
	unsigned int i;

	/* Every other page: nothing joins. */
	for (i = 0; i < RM_MAX_LIST; i++)
		mem[i] = (struct mem){ PA(1) + 2 * i * FAKE_PAGE, FAKE_PAGE };
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, RM_MEM_APPEND_MORE, 0, &acl, 1, mem, RM_MAX_LIST,
			      &handle), RM_OK);
	/* A list that fails adds nothing and ends nothing. */
	mem[0].pa = PA(8);
	cr_assert_eq(call_append(handle, RM_APPEND_END, mem, 2), RM_ERR_MEM);
	cr_assert_not(lost(PA(8)));
	for (i = 0; i < RM_MAX_LIST; i++)
		mem[i].pa += 8 * MIB;
	mem[0].pa = PA(9);
	cr_assert_eq(call_append(handle, 0, mem, RM_MAX_LIST), RM_OK);
	mem[0].pa = PA(20);
	cr_assert_eq(call_append(handle, RM_APPEND_END, mem, 1), RM_OK);
	cr_assert(lost(PA(20)));
	mem[0].pa = PA(21);
	cr_assert_eq(call_append(handle, 0, mem, 1), RM_ERR_DENIED);
	cr_assert_eq(call_append(handle + 1, 0, mem, 1), RM_ERR_HANDLE);
	cr_assert_eq(call_append(handle, 0, mem, 0), RM_ERR_ARG);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, unfinished_parcel_can_be_reclaimed)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, 7);
	const struct mem mem = { PA(1), MIB };
	uint32_t handle;

	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, RM_MEM_APPEND_MORE, 0, &acl, 1, &mem, 1, &handle),
		     RM_OK);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, limit_of_a_vm)
{
	uint32_t handle;
	unsigned int i;

	for (i = 0; i < RM_MAX_PARCELS_PER_VM; i++)
		cr_assert_eq(lend(vmid, 0, PA(1) + i * FAKE_PAGE, FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(lend(vmid, 0, PA(8), FAKE_PAGE, NULL), RM_ERR_DENIED);
	cr_assert_not(lost(PA(8)));
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	cr_assert_eq(lend(vmid, 0, PA(8), FAKE_PAGE, NULL), RM_OK);
}

Test(rm_parcel, sanitize)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, 7);
	const struct mem mem = { PA(1), 2 * FAKE_PAGE };
	uint8_t *p = core_ptr(PA(1), 3 * FAKE_PAGE);
	uint32_t handle;

	memset(p, 0x55, 3 * FAKE_PAGE);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, RM_MEM_SANITIZE, 0, &acl, 1, &mem, 1, &handle),
		     RM_OK);
	cr_assert_eq(p[0], 0);
	cr_assert_eq(p[2 * FAKE_PAGE - 1], 0);
	cr_assert_eq(p[2 * FAKE_PAGE], 0x55);
	p[0] = 1;
	cr_assert_eq(call_reclaim(handle, RM_RECLAIM_SANITIZE), RM_OK);
	cr_assert_eq(p[0], 0);
}

/* Each allocation and the host's page tables fail in turn; nothing is left behind. */
Test(rm_parcel, failures_leave_nothing)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, 7);
	static struct mem mem[20];
	unsigned int i, n, before;
	uint32_t err, handle;

	for (i = 0; i < RM_ARRAY_SIZE(mem); i++)
		mem[i] = (struct mem){ PA(1) + 2 * i * FAKE_PAGE, FAKE_PAGE };
	/* The chunk of the page map stays once it is made. */
	cr_assert_eq(lend(vmid, 0, PA(9), FAKE_PAGE, &handle), RM_OK);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	before = fake.allocs;

	for (n = 1; ; n++) {
		fake.fail_alloc = n;
		err = call_mem(RM_REQ_MEM_LEND, 0, 0, &acl, 1, mem, RM_ARRAY_SIZE(mem), &handle);
		fake.fail_alloc = 0;
		if (!err)
			break;
		cr_assert_eq(err, RM_ERR_NOMEM);
		cr_assert_eq(fake.allocs, before);
		cr_assert(fake_host_has_all());
	}
	/* Parcel, shares, and the regions three times. */
	cr_assert_eq(n, 6);
	cr_assert_eq(call_reclaim(handle, 0), RM_OK);

	fake.fail_host_unmap = true;
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, NULL), RM_ERR_NOMEM);
	fake.fail_host_unmap = false;
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, NULL), RM_OK);
}

Test(rm_parcel, first_page_map_can_fail)
{
	fake.fail_alloc = 3;
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, NULL), RM_ERR_NOMEM);
	cr_assert_eq(fake.allocs, 1);
	cr_assert_eq(lend(vmid, 0, PA(1), FAKE_PAGE, NULL), RM_OK);
}

Test(rm_parcel, accepted_memory_can_not_be_reclaimed)
{
	struct vm vm = build_running(NULL);

	cr_assert_eq(call_reclaim(vm.handle, 0), RM_ERR_INUSE);
	cr_assert_eq(call_stop(vm.vmid, RM_STOP_FORCE), RM_OK);
	cr_assert_eq(call_reclaim(vm.handle, 0), RM_ERR_INUSE);
	cr_assert_eq(call_vmid(RM_REQ_VM_RESET, vm.vmid), RM_OK);
	cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
	cr_assert(fake_host_has_all());
}

static const struct fake_map *map_at(uint64_t ipa)
{
	unsigned int i;

	for (i = 0; i < fake.last_vm->nr_maps; i++) {
		if (fake.last_vm->maps[i].ipa == ipa)
			return &fake.last_vm->maps[i];
	}
	return NULL;
}

/* Configures, initialises and starts @vm, whose parcels are all there. */
static uint32_t start_vm(const struct vm *vm, uint16_t auth)
{
	cr_assert_eq(call_config(vm->vmid, auth, vm->handle, 0, DT_OFF, DT_OFF, DT_SIZE), RM_OK);
	if (auth == RM_AUTH_PLATFORM)
		cr_assert_eq(call_vmid(RM_REQ_VM_AUTH_IMAGE, vm->vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm->vmid), RM_OK);
	return call_vmid(RM_REQ_VM_START, vm->vmid);
}

Test(rm_parcel, where_memory_goes)
{
	const struct tree tree = { .shm_label = 8, .shm_base = 0x90000000 };
	struct vm vm = build_vm(&tree);
	const struct rm_acl_entry shared[] = { VM_ACL(vm.vmid, 4), HOST_RW };
	const struct mem shm = { PA(20), FAKE_PAGE }, other = { PA(21), FAKE_PAGE };

	/* More private memory in two pieces; a buffer with an address; one without. */
	cr_assert_eq(lend(vm.vmid, 0, PA(10), MIB, NULL), RM_OK);
	cr_assert_eq(lend(vm.vmid, 0, PA(15), MIB, NULL), RM_OK);
	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 8, shared, 2, &shm, 1, NULL), RM_OK);
	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 9, shared, 2, &other, 1, NULL), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_OK);

	cr_assert_eq(fake.last_vm->nr_maps, 5);
	cr_assert_eq(map_at(BASE_IPA)->pa, IMAGE_PA);
	cr_assert_eq(map_at(BASE_IPA)->size, IMAGE_SIZE);
	cr_assert_eq(map_at(BASE_IPA)->rights, 7);
	cr_assert_eq(map_at(BASE_IPA + IMAGE_SIZE)->pa, PA(10));
	cr_assert_eq(map_at(BASE_IPA + IMAGE_SIZE + MIB)->pa, PA(15));
	cr_assert_eq(map_at(0x90000000)->pa, PA(20));
	cr_assert_eq(map_at(0x90000000)->rights, 4);
	cr_assert_eq(map_at(0x90200000)->pa, PA(21));
}

Test(rm_parcel, buffer_that_nobody_shared)
{
	const struct tree must = { .shm_label = 8, .shm_base = 0x90000000 };
	const struct tree may = { .shm_label = 8, .shm_base = 0x90000000, .shm_optional = true };
	struct vm vm = build_vm(&must);

	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_ERR_NORES);
	end_vm(&vm);
	vm = build_vm(&may);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_OK);
	end_vm(&vm);
}

/* A tree that is bigger than 16 KiB when it is patched needs twice its room. */
Test(rm_parcel, room_for_the_device_tree)
{
	static const struct {
		size_t size;
		uint32_t err;
	} cases[] = {
		{ 0, RM_OK }, { 0x3000, RM_OK }, { 0x4000, RM_ERR_NORES }, { 0x6000, RM_ERR_NORES },
	};
	unsigned int i;

	for (i = 0; i < RM_ARRAY_SIZE(cases); i++) {
		const struct tree tree = { .size = cases[i].size };
		struct vm vm = build_vm(&tree);

		cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), cases[i].err, "size %#zx", cases[i].size);
		end_vm(&vm);
	}
}

Test(rm_parcel, buffer_over_the_image)
{
	static const struct {
		uint64_t base;
		uint32_t err;
	} cases[] = {
		{ BASE_IPA, RM_ERR_NORES }, { BASE_IPA + IMAGE_SIZE - FAKE_PAGE, RM_ERR_NORES },
		{ BASE_IPA - FAKE_PAGE, RM_ERR_NORES }, { BASE_IPA + IMAGE_SIZE, RM_OK },
		{ BASE_IPA - 2 * FAKE_PAGE, RM_OK }, { RM_ADDR_LIMIT - FAKE_PAGE, RM_ERR_NORES },
	};
	const struct mem shm = { PA(20), 2 * FAKE_PAGE };
	unsigned int i;
	uint32_t handle;

	for (i = 0; i < RM_ARRAY_SIZE(cases); i++) {
		const struct tree tree = { .shm_label = 8, .shm_base = cases[i].base };
		struct vm vm = build_vm(&tree);
		const struct rm_acl_entry acl[] = { VM_ACL(vm.vmid, 6), HOST_RW };

		cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 8, acl, 2, &shm, 1, &handle), RM_OK);
		cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), cases[i].err, "case %u", i);
		end_vm(&vm);
		cr_assert_eq(call_reclaim(handle, 0), RM_OK);
	}
}

Test(rm_parcel, image_must_be_the_vms_alone)
{
	struct vm vm;
	struct rm_acl_entry acl[2];
	const struct mem mem = { IMAGE_PA, IMAGE_SIZE };

	write_tree(IMAGE_PA + DT_OFF, NULL);
	vm.vmid = new_vm();
	acl[0] = VM_ACL(vm.vmid, 7);
	acl[1] = HOST_RW;
	cr_assert_eq(call_mem(RM_REQ_MEM_SHARE, 0, 0, acl, 2, &mem, 1, &vm.handle), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_ERR_NORES);
	cr_assert_eq(state_of(vm.vmid), RM_STATE_INIT_FAILED);
	end_vm(&vm);

	vm.vmid = new_vm();
	acl[0] = VM_ACL(vm.vmid, 6);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 1, &mem, 1, &vm.handle), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_ERR_NORES);
	end_vm(&vm);

	vm.vmid = new_vm();
	acl[0] = VM_ACL(vm.vmid, 7);
	acl[1] = VM_ACL(vmid, 7);
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 0, acl, 2, &mem, 1, &vm.handle), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_ERR_NORES);
	end_vm(&vm);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, image_reclaimed_or_grown_before_start)
{
	struct vm vm = build_vm(NULL);
	const struct rm_acl_entry acl = VM_ACL(vm.vmid, 7);
	const struct mem mem = { IMAGE_PA, IMAGE_SIZE }, more = { PA(20), MIB };

	cr_assert_eq(call_config(vm.vmid, 0, vm.handle, 0, DT_OFF, DT_OFF, DT_SIZE), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_ERR_NORES);
	vm.handle = RM_INVALID_HANDLE;
	end_vm(&vm);

	vm.vmid = new_vm();
	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, RM_MEM_APPEND_MORE, 0, &acl, 1, &mem, 1,
			      &vm.handle), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_ERR_NORES, "not complete");
	cr_assert_eq(call_append(vm.handle, RM_APPEND_END, &more, 1), RM_OK);
	end_vm(&vm);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, scattered_image)
{
	struct vm vm = { .vmid = new_vm() };
	const struct rm_acl_entry acl = VM_ACL(vm.vmid, 7);
	struct mem mem[IMAGE_SIZE / (64 * FAKE_PAGE)];
	uint8_t *tree = core_ptr(PA(30), DT_SIZE);
	unsigned int i;

	/* Pieces of 64 pages in reverse order; the tree crosses two of them. */
	for (i = 0; i < RM_ARRAY_SIZE(mem); i++)
		mem[i] = (struct mem){ PA(10) - (i + 1) * 64 * FAKE_PAGE, 64 * FAKE_PAGE };
	write_tree(PA(30), NULL);
	memcpy(core_ptr(mem[3].pa + 64 * FAKE_PAGE - 100, 100), tree, 100);
	memcpy(core_ptr(mem[4].pa, DT_SIZE - 100), tree + 100, DT_SIZE - 100);

	cr_assert_eq(call_mem(RM_REQ_MEM_LEND, 0, 1, &acl, 1, mem, RM_ARRAY_SIZE(mem),
			      &vm.handle), RM_OK);
	cr_assert_eq(call_config(vm.vmid, 0, vm.handle, 0, FAKE_PAGE, 4 * 64 * FAKE_PAGE - 100,
				 DT_SIZE), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	cr_assert_eq(fake.last_vm->nr_maps, RM_ARRAY_SIZE(mem));
	for (i = 0; i < RM_ARRAY_SIZE(mem); i++)
		cr_assert_eq(map_at(BASE_IPA + i * 64 * FAKE_PAGE)->pa, mem[i].pa);
	cr_assert_eq(fake.last_vm->x0, BASE_IPA + 4 * 64 * FAKE_PAGE - 100);
	end_vm(&vm);
	cr_assert(fake_host_has_all());
}

Test(rm_parcel, mapping_fails_in_the_middle)
{
	struct vm vm = build_vm(NULL);

	cr_assert_eq(lend(vm.vmid, 0, PA(10), MIB, NULL), RM_OK);
	fake.fail_map = 2;
	/* Memory beyond the image is not mandatory. */
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_OK);
	cr_assert_eq(fake.nr_logs, 1);
	cr_assert_eq(fake.last_vm->nr_maps, 2, "it found a place as a buffer");
}

Test(rm_parcel, released_in_reverse_order)
{
	const struct rm_mem_released *n;
	struct vm vm = build_vm(NULL);
	uint32_t second;
	unsigned int at;

	cr_assert_eq(lend(vm.vmid, 0, PA(10), MIB, &second), RM_OK);
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_OK);
	cr_assert_eq(call_stop(vm.vmid, RM_STOP_FORCE), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_RESET, vm.vmid), RM_OK);
	cr_assert_eq(nr_events, 5);
	at = reply_at + 1;
	n = (const void *)events[at].data;
	cr_assert_eq(events[at].id, RM_NOTIF_MEM_RELEASED);
	cr_assert_eq(events[at].len, 12);
	cr_assert_eq(n->handle, second);
	cr_assert_eq(n->vmid, vm.vmid);
	n = (const void *)events[at + 1].data;
	cr_assert_eq(n->handle, vm.handle);
}

Test(rm_parcel, protected_vm_is_cleared)
{
	struct vm vm = build_vm(NULL);
	uint32_t *word = core_ptr(IMAGE_PA, 4);

	*word = 0x12345678;
	cr_assert_eq(start_vm(&vm, RM_AUTH_ANDROID), RM_OK);
	end_vm(&vm);
	cr_assert_eq(*word, 0);

	vm = build_vm(NULL);
	*word = 0x12345678;
	cr_assert_eq(start_vm(&vm, RM_AUTH_NONE), RM_OK);
	cr_assert_eq(fake.last_vm->vmmio_size, 0x40000000);
	end_vm(&vm);
	cr_assert_eq(*word, 0x12345678);

	vm = build_vm(NULL);
	cr_assert_eq(start_vm(&vm, RM_AUTH_PLATFORM), RM_OK);
	cr_assert_eq(fake.last_vm->vmmio_size, 0);
	end_vm(&vm);
}
