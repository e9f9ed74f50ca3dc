// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Every request in every state of a VM, and the order of what follows. */
#include <string.h>

#include <criterion/criterion.h>

#include "rpc.h"

TestSuite(rm_state, .init = fake_start);

enum where {
	AT_NONE, AT_LOAD, AT_AUTH, AT_INIT, AT_READY, AT_RUNNING, AT_EXITED,
	AT_FAILED,	/* VM_INIT failed: the VM has a configuration */
	AT_FAILED_BARE,	/* VM_CONFIG_IMAGE failed: it has none */
	AT_RESET, NR_WHERE,
};

static const uint8_t state_at[NR_WHERE] = {
	[AT_LOAD] = RM_STATE_LOAD,
	[AT_AUTH] = RM_STATE_AUTH,
	[AT_INIT] = RM_STATE_INIT,
	[AT_READY] = RM_STATE_READY,
	[AT_RUNNING] = RM_STATE_RUNNING,
	[AT_EXITED] = RM_STATE_EXITED,
	[AT_FAILED] = RM_STATE_INIT_FAILED,
	[AT_FAILED_BARE] = RM_STATE_INIT_FAILED,
	[AT_RESET] = RM_STATE_RESET,
};

static uint32_t config(const struct vm *vm, uint16_t auth)
{
	return call_config(vm->vmid, auth, vm->handle, 0, DT_OFF, DT_OFF, DT_SIZE);
}

static struct vm vm_at(enum where where)
{
	static const struct tree broken = { .no_image_name = true };
	struct vm vm = { .vmid = 0x90, .handle = 0 };

	if (where == AT_NONE)
		return vm;
	vm = build_vm(where == AT_FAILED ? &broken : NULL);
	if (where == AT_LOAD)
		return vm;
	if (where == AT_FAILED_BARE) {
		cr_assert_eq(config(&vm, 9), RM_ERR_ARG);
		return vm;
	}
	cr_assert_eq(config(&vm, where == AT_AUTH ? RM_AUTH_PLATFORM : RM_AUTH_NONE), RM_OK);
	if (where == AT_AUTH || where == AT_INIT)
		return vm;
	if (where == AT_FAILED) {
		cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_ERR_MEM);
		return vm;
	}
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	if (where == AT_READY)
		return vm;
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	if (where == AT_RUNNING)
		return vm;
	cr_assert_eq(call_stop(vm.vmid, RM_STOP_FORCE), RM_OK);
	if (where == AT_EXITED)
		return vm;
	cr_assert_eq(call_vmid(RM_REQ_VM_RESET, vm.vmid), RM_OK);
	return vm;
}

enum request {
	REQ_CONFIG, REQ_CONFIG_BAD, REQ_AUTH, REQ_INIT, REQ_START, REQ_STOP, REQ_STOP_POLITE,
	REQ_RESET, REQ_DEALLOC, REQ_RESOURCES, REQ_ID, NR_REQUESTS,
};

static uint32_t do_request(const struct vm *vm, enum request req)
{
	switch (req) {
	case REQ_CONFIG:
		return config(vm, RM_AUTH_NONE);
	case REQ_CONFIG_BAD:
		return config(vm, 3);
	case REQ_AUTH:
		return call_vmid(RM_REQ_VM_AUTH_IMAGE, vm->vmid);
	case REQ_INIT:
		return call_vmid(RM_REQ_VM_INIT, vm->vmid);
	case REQ_START:
		return call_vmid(RM_REQ_VM_START, vm->vmid);
	case REQ_STOP:
		return call_stop(vm->vmid, RM_STOP_FORCE);
	case REQ_STOP_POLITE:
		return call_stop(vm->vmid, 0);
	case REQ_RESET:
		return call_vmid(RM_REQ_VM_RESET, vm->vmid);
	case REQ_DEALLOC:
		return call_vmid(RM_REQ_VM_DEALLOCATE, vm->vmid);
	case REQ_RESOURCES:
		return call_vmid(RM_REQ_VM_GET_HYP_RESOURCES, vm->vmid);
	case REQ_ID:
		return call_vmid(RM_REQ_VM_GET_ID, vm->vmid);
	default:
		return ~0u;
	}
}

#define STATE	RM_ERR_VM_STATE
#define VMID	RM_ERR_VMID
#define NORES	RM_ERR_NORES
#define SAME	0xff	/* the state does not change */
#define GONE	RM_STATE_NONE

/* The error of each request in each state, and the state after it. */
static const struct outcome {
	uint8_t err;
	uint8_t next;
	bool loud;		/* kills a real resource manager: there is a line in the log */
} table[NR_REQUESTS][NR_WHERE] = {
	[REQ_CONFIG] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { RM_OK, RM_STATE_INIT },
		[AT_AUTH] = { STATE, SAME }, [AT_INIT] = { STATE, SAME },
		[AT_READY] = { STATE, SAME }, [AT_RUNNING] = { STATE, SAME },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { RM_OK, RM_STATE_INIT },
	},
	[REQ_CONFIG_BAD] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { RM_ERR_ARG, RM_STATE_INIT_FAILED },
		[AT_AUTH] = { STATE, SAME }, [AT_INIT] = { STATE, SAME },
		[AT_READY] = { STATE, SAME }, [AT_RUNNING] = { STATE, SAME },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { RM_ERR_ARG, RM_STATE_INIT_FAILED },
	},
	[REQ_AUTH] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME },
		[AT_AUTH] = { RM_OK, RM_STATE_INIT },
		[AT_INIT] = { STATE, SAME }, [AT_READY] = { STATE, SAME },
		[AT_RUNNING] = { STATE, SAME }, [AT_EXITED] = { STATE, SAME },
		[AT_FAILED] = { STATE, SAME }, [AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { STATE, SAME },
	},
	[REQ_INIT] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME }, [AT_AUTH] = { STATE, SAME },
		[AT_INIT] = { RM_OK, RM_STATE_READY },
		[AT_READY] = { STATE, SAME }, [AT_RUNNING] = { STATE, SAME },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME }, [AT_RESET] = { STATE, SAME },
	},
	[REQ_START] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME }, [AT_AUTH] = { STATE, SAME },
		[AT_INIT] = { STATE, SAME },
		[AT_READY] = { RM_OK, RM_STATE_RUNNING },
		[AT_RUNNING] = { STATE, SAME }, [AT_EXITED] = { STATE, SAME },
		[AT_FAILED] = { STATE, SAME }, [AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { STATE, SAME },
	},
	[REQ_STOP] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME }, [AT_AUTH] = { STATE, SAME },
		[AT_INIT] = { STATE, SAME }, [AT_READY] = { STATE, SAME },
		[AT_RUNNING] = { RM_OK, RM_STATE_EXITED },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME }, [AT_RESET] = { STATE, SAME },
	},
	[REQ_STOP_POLITE] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME }, [AT_AUTH] = { STATE, SAME },
		[AT_INIT] = { STATE, SAME }, [AT_READY] = { STATE, SAME },
		[AT_RUNNING] = { RM_ERR_DENIED, SAME, .loud = true },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME }, [AT_RESET] = { STATE, SAME },
	},
	[REQ_RESET] = {
		[AT_NONE] = { VMID, GONE },
		[AT_LOAD] = { STATE, SAME, .loud = true },
		[AT_AUTH] = { STATE, SAME }, [AT_INIT] = { STATE, SAME },
		[AT_READY] = { RM_OK, RM_STATE_RESET },
		[AT_RUNNING] = { STATE, SAME },
		[AT_EXITED] = { RM_OK, RM_STATE_RESET },
		[AT_FAILED] = { RM_OK, RM_STATE_RESET },
		[AT_FAILED_BARE] = { STATE, SAME, .loud = true },
		[AT_RESET] = { STATE, SAME, .loud = true },
	},
	[REQ_DEALLOC] = {
		[AT_NONE] = { VMID, GONE, .loud = true },
		[AT_LOAD] = { RM_OK, GONE },
		[AT_AUTH] = { STATE, SAME }, [AT_INIT] = { STATE, SAME },
		[AT_READY] = { STATE, SAME }, [AT_RUNNING] = { STATE, SAME },
		[AT_EXITED] = { STATE, SAME }, [AT_FAILED] = { STATE, SAME },
		[AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { RM_OK, GONE },
	},
	[REQ_RESOURCES] = {
		[AT_NONE] = { RM_ERR_ARG, GONE },
		[AT_LOAD] = { NORES, SAME }, [AT_AUTH] = { NORES, SAME },
		[AT_INIT] = { NORES, SAME }, [AT_READY] = { RM_OK, SAME },
		[AT_RUNNING] = { RM_OK, SAME }, [AT_EXITED] = { RM_OK, SAME },
		[AT_FAILED] = { NORES, SAME }, [AT_FAILED_BARE] = { NORES, SAME },
		[AT_RESET] = { NORES, SAME },
	},
	[REQ_ID] = {
		[AT_NONE] = { NORES, GONE },
		[AT_LOAD] = { STATE, SAME }, [AT_AUTH] = { STATE, SAME },
		[AT_INIT] = { STATE, SAME }, [AT_READY] = { RM_OK, SAME },
		[AT_RUNNING] = { RM_OK, SAME }, [AT_EXITED] = { STATE, SAME },
		[AT_FAILED] = { STATE, SAME }, [AT_FAILED_BARE] = { STATE, SAME },
		[AT_RESET] = { STATE, SAME },
	},
};

Test(rm_state, every_request_in_every_state)
{
	unsigned int where, req;

	for (where = 0; where < NR_WHERE; where++) {
		for (req = 0; req < NR_REQUESTS; req++) {
			const struct outcome *want = &table[req][where];
			struct vm vm = vm_at(where);
			unsigned int logs = fake.nr_logs;
			uint8_t next = want->next == SAME ? state_at[where] : want->next;
			bool rest = where == AT_FAILED_BARE || want->err == RM_ERR_ARG ||
				    next == RM_STATE_AUTH || next == RM_STATE_INIT;
			uint32_t err;

			err = do_request(&vm, req);
			cr_assert_eq(err, want->err, "request %u at %u: %x, not %x", req, where,
				     err, want->err);
			cr_assert_eq(fake.nr_logs > logs, want->loud, "request %u at %u: log", req,
				     where);
			/* What changes nothing says nothing. */
			if (want->next == SAME)
				cr_assert_eq(nr_events, 1);
			if (next == GONE) {
				cr_assert_eq(call_vmid(RM_REQ_VM_GET_STATE, vm.vmid), NORES);
				if (where != AT_NONE)
					cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
				continue;
			}
			cr_assert_eq(state_of(vm.vmid), next, "request %u at %u", req, where);

			/* Leave a clean table where that is possible from here. */
			if (next == RM_STATE_AUTH)
				call_vmid(RM_REQ_VM_AUTH_IMAGE, vm.vmid);
			if (next == RM_STATE_AUTH || next == RM_STATE_INIT)
				call_vmid(RM_REQ_VM_INIT, vm.vmid);
			if (rest && state_of(vm.vmid) == RM_STATE_INIT_FAILED)
				cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
			else
				end_vm(&vm);
		}
	}
	cr_assert_eq(fake.nr_vms, 0);
	cr_assert(fake_host_has_all());
}

static void expect_status(unsigned int at, uint16_t vmid, uint8_t state)
{
	const struct rm_vm_status want = { .vmid = vmid, .vm = state };

	cr_assert_lt(at, nr_events);
	cr_assert_eq(events[at].id, RM_NOTIF_VM_STATUS, "event %u is %x", at, events[at].id);
	cr_assert_eq(events[at].len, sizeof(want));
	cr_assert_arr_eq(events[at].data, &want, sizeof(want));
}

static void expect_exited(unsigned int at, uint16_t vmid, uint16_t type, const uint32_t *words,
			  uint32_t n)
{
	struct rm_vm_exited want = { .vmid = vmid, .type = type, .size = 4 * n };

	memcpy(want.words, words, 4 * n);
	cr_assert_lt(at, nr_events);
	cr_assert_eq(events[at].id, RM_NOTIF_VM_EXITED);
	cr_assert_eq(events[at].len, 8 + 4 * n);
	cr_assert_arr_eq(events[at].data, &want, 8 + 4 * n);
}

Test(rm_state, the_life_of_the_traces)
{
	const struct tree tree = { .bells = 1 };
	struct vm vm = build_vm(&tree);
	const uint32_t zero = 0;
	struct rm_resource rsc[3];
	uint32_t n;

	cr_assert_eq(vm.vmid, 0x80);
	cr_assert_eq(config(&vm, RM_AUTH_NONE), RM_OK);
	expect_status(0, vm.vmid, RM_STATE_INIT);
	cr_assert_eq(reply_at, 1);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	expect_status(0, vm.vmid, RM_STATE_READY);
	cr_assert_eq(reply_at, 1);

	cr_assert_eq(call_vmid(RM_REQ_VM_GET_HYP_RESOURCES, vm.vmid), RM_OK);
	cr_assert_eq(events[reply_at].len, 140);
	memcpy(&n, reply_data(), 4);
	cr_assert_eq(n, 3);
	memcpy(rsc, reply_data() + 4, sizeof(rsc));
	cr_assert_eq(rsc[0].type, 4);
	cr_assert_eq(rsc[0].label, 0);
	cr_assert_eq(rsc[0].virq, 962);
	cr_assert_eq(rsc[0].partner, 0);
	cr_assert_eq(rsc[1].label, 1);
	cr_assert_eq(rsc[1].virq, 963);
	cr_assert_eq(rsc[2].type, 0);
	cr_assert_eq(rsc[2].partner, vm.vmid);
	cr_assert_eq(rsc[2].label, 10);
	cr_assert_eq(rsc[2].virq, 0);
	cr_assert_eq(fake.last_vm->bell_intid[0], 42);
	cr_assert_eq(fake.last_vm->gicd, 0x3fff0000);
	cr_assert_eq(fake.last_vm->gicr, 0x3ffb0000);
	cr_assert_eq(fake.last_vm->gicr_size, 2 * 0x20000);

	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	expect_status(0, vm.vmid, RM_STATE_RUNNING);
	cr_assert_eq(reply_at, 1);
	cr_assert(fake.last_vm->started);
	cr_assert_eq(fake.last_vm->pc, BASE_IPA);
	cr_assert_eq(fake.last_vm->x0, BASE_IPA + DT_OFF);

	rm_vm_exited(vm.vmid, RM_EXIT_SYSTEM_OFF, NULL, 0);
	drain();
	cr_assert_eq(nr_events, 2);
	expect_status(0, vm.vmid, RM_STATE_EXITED);
	expect_exited(1, vm.vmid, 1, &zero, 1);
	cr_assert(fake.last_vm->killed);

	cr_assert_eq(call_vmid(RM_REQ_VM_RESET, vm.vmid), RM_OK);
	cr_assert_eq(nr_events, 4);
	expect_status(0, vm.vmid, RM_STATE_RESETTING);
	cr_assert_eq(reply_at, 1);
	cr_assert_eq(events[2].id, RM_NOTIF_MEM_RELEASED);
	expect_status(3, vm.vmid, RM_STATE_RESET);
	cr_assert_eq(fake.nr_vms, 0);

	cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_DEALLOCATE, vm.vmid), RM_OK);
	cr_assert_eq(nr_events, 1);
	cr_assert_eq(new_vm(), 0x80, "the id is free again");
	cr_assert_eq(fake.nr_logs, 0);
}

Test(rm_state, why_a_vm_ended)
{
	static const uint32_t reset2[] = { 0x8000, 0x80001234, 0x5678, 0 };
	static const uint32_t zero;
	struct vm vm = build_running(NULL);

	rm_vm_exited(vm.vmid, RM_EXIT_SYSTEM_RESET2, reset2, 4);
	drain();
	expect_exited(1, vm.vmid, 3, reset2, 4);
	/* Only the first end counts, also when it is told twice or for nobody. */
	rm_vm_exited(vm.vmid, RM_EXIT_ERROR, NULL, 0);
	rm_vm_exited(0x99, RM_EXIT_ERROR, NULL, 0);
	drain();
	cr_assert_eq(nr_events, 0);
	end_vm(&vm);

	vm = build_running(NULL);
	cr_assert_eq(call_stop(vm.vmid, RM_STOP_FORCE), RM_OK);
	expect_status(0, vm.vmid, RM_STATE_EXITED);
	expect_exited(1, vm.vmid, 7, &zero, 1);
	cr_assert_eq(reply_at, 2);
	end_vm(&vm);
}

Test(rm_state, a_vm_can_start_again)
{
	struct vm vm = vm_at(AT_RESET);

	/* The first life patched the tree. */
	cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
	write_tree(IMAGE_PA + DT_OFF, NULL);
	cr_assert_eq(lend(vm.vmid, 1, IMAGE_PA, IMAGE_SIZE, &vm.handle), RM_OK);
	cr_assert_eq(config(&vm, RM_AUTH_NONE), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	end_vm(&vm);
}

Test(rm_state, config_image_checks_its_ranges)
{
	static const struct {
		uint64_t image_off, image_size, dt_off, dt_size;
	} bad[] = {
		{ 0, IMAGE_SIZE + 1, 0, 1 }, { IMAGE_SIZE, 1, 0, 1 }, { ~0ull, 2, 0, 1 },
		{ 2, ~0ull, 0, 1 }, { 0, 1, 0, IMAGE_SIZE + 1 }, { 0, 1, IMAGE_SIZE + 1, 0 },
		{ 0, 1, ~0ull, 2 },
	};
	unsigned int i;

	for (i = 0; i < RM_ARRAY_SIZE(bad); i++) {
		struct vm vm = build_vm(NULL);

		cr_assert_eq(call_config(vm.vmid, 0, vm.handle, bad[i].image_off,
					 bad[i].image_size, bad[i].dt_off, bad[i].dt_size),
			     RM_ERR_ARG, "case %u", i);
		expect_status(0, vm.vmid, RM_STATE_INIT_FAILED);
		cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);
	}
}

Test(rm_state, config_image_wants_a_parcel_of_the_vm)
{
	struct vm one = build_vm(NULL);
	struct vm two = { .vmid = new_vm(), .handle = one.handle };

	cr_assert_eq(config(&two, RM_AUTH_NONE), RM_ERR_MEM);
	cr_assert_eq(state_of(two.vmid), RM_STATE_INIT_FAILED);
	one.handle += 5;
	cr_assert_eq(config(&one, RM_AUTH_NONE), RM_ERR_MEM);
}

Test(rm_state, core_out_of_room)
{
	struct vm vm = build_vm(NULL);

	fake.fail_vm_create = true;
	cr_assert_eq(config(&vm, RM_AUTH_NONE), RM_ERR_NOMEM);
	cr_assert_eq(state_of(vm.vmid), RM_STATE_INIT_FAILED);
	fake.fail_vm_create = false;
	cr_assert_eq(call_reclaim(vm.handle, 0), RM_OK);

	vm = vm_at(AT_INIT);
	fake.fail_vcpu = 2;
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), NORES);
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_HYP_RESOURCES, vm.vmid), NORES);
	end_vm(&vm);

	vm = vm_at(AT_INIT);
	fake.fail_alloc = 1;
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_ERR_MEM);
	end_vm(&vm);

	vm = vm_at(AT_READY);
	fake.fail_alloc = 1;
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), NORES);
	end_vm(&vm);

	fake.fail_alloc = 1;
	cr_assert_eq(call_vmid(RM_REQ_VM_ALLOCATE, 0), RM_ERR_NOMEM);
}

Test(rm_state, as_many_vms_as_promised)
{
	static bool seen[1024];
	unsigned int i;
	uint16_t vmid;

	cr_assert_eq(call_vmid(RM_REQ_VM_ALLOCATE, 0x80), NORES, "no fixed ids");
	for (i = 0; i < MON_MAX_VMS; i++) {
		vmid = new_vm();
		cr_assert_geq(vmid, 0x80);
		cr_assert_neq(vmid, MON_VMID_RM);
		cr_assert_lt(vmid, RM_ARRAY_SIZE(seen));
		cr_assert_not(seen[vmid]);
		seen[vmid] = true;
		cr_assert_eq(state_of(vmid), RM_STATE_LOAD);
	}
	cr_assert_eq(call_vmid(RM_REQ_VM_ALLOCATE, 0), NORES);
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_STATE, MON_VMID_RM), NORES);
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_STATE, 0x80 + MON_MAX_VMS + 1), NORES);
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_STATE, 0xffff), NORES);
	cr_assert_eq(call_vmid(RM_REQ_VM_DEALLOCATE, 0x100), RM_OK);
	cr_assert_eq(new_vm(), 0x100);
}

/* The tables that guard the transitions, against the written rules. */
Test(rm_state, transitions)
{
	static const struct {
		uint8_t from, to;
	} good[] = {
		{ RM_STATE_NONE, RM_STATE_LOAD },
		{ RM_STATE_LOAD, RM_STATE_AUTH }, { RM_STATE_RESET, RM_STATE_AUTH },
		{ RM_STATE_LOAD, RM_STATE_INIT }, { RM_STATE_RESET, RM_STATE_INIT },
		{ RM_STATE_AUTH, RM_STATE_INIT }, { RM_STATE_INIT, RM_STATE_READY },
		{ RM_STATE_READY, RM_STATE_RUNNING }, { RM_STATE_RUNNING, RM_STATE_EXITED },
		{ RM_STATE_LOAD, RM_STATE_INIT_FAILED }, { RM_STATE_RESET, RM_STATE_INIT_FAILED },
		{ RM_STATE_AUTH, RM_STATE_INIT_FAILED }, { RM_STATE_INIT, RM_STATE_INIT_FAILED },
		{ RM_STATE_READY, RM_STATE_INIT_FAILED },
		{ RM_STATE_EXITED, RM_STATE_RESETTING }, { RM_STATE_READY, RM_STATE_RESETTING },
		{ RM_STATE_INIT_FAILED, RM_STATE_RESETTING },
		{ RM_STATE_RESETTING, RM_STATE_RESET },
		{ RM_STATE_LOAD, RM_STATE_NONE }, { RM_STATE_RESET, RM_STATE_NONE },
	};
	unsigned int from, to, i, n = 0;

	for (from = 0; from < 16; from++) {
		for (to = 0; to < 16; to++) {
			bool want = false;

			for (i = 0; i < RM_ARRAY_SIZE(good); i++)
				want |= good[i].from == from && good[i].to == to;
			cr_expect_eq(rm_vm_change_valid(from, to), want, "%u -> %u", from, to);
			n += want;
		}
	}
	cr_assert_eq(n, RM_ARRAY_SIZE(good));
}
