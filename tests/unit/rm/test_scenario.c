// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Messages that a test wants to be wrong: they are so, and the others are not. */
#include <criterion/criterion.h>
#include <string.h>

#include "fake_core.h"
#include "rpc.h"

#define ID	RM_REQ_VM_GET_VMID

TestSuite(rm_scenario, .init = fake_start);

static void arm(enum gh_scn_kind kind, uint32_t id, uint32_t flags)
{
	fake.scenario = (struct gh_scenario){
		.kind = kind, .id = id, .flags = flags, .count = 1,
	};
}

/* One request; how many messages came, and the last of them. */
static unsigned int ask(uint8_t *msg, size_t *size)
{
	unsigned int n = 0;
	bool more = true;

	cr_assert_eq(send_raw(RM_HDR_API, RM_TYPE_REQUEST, 0, 7, ID, NULL, 0), 0);
	while (more && !rm_msgq_recv(msg, RM_MSG_SIZE, size, &more))
		n++;
	return n;
}

static struct rm_hdr header(const uint8_t *msg)
{
	struct rm_hdr hdr;

	memcpy(&hdr, msg, sizeof(hdr));
	return hdr;
}

static uint32_t word_at(const uint8_t *msg, size_t off)
{
	uint32_t word;

	memcpy(&word, msg + RM_HDR_SIZE + off, sizeof(word));
	return word;
}

Test(rm_scenario, applies_to_its_message_only)
{
	uint8_t msg[RM_MSG_SIZE];
	size_t size;

	arm(GH_SCN_REPLY, RM_REQ_VM_START, GH_SCN_DROP);
	cr_assert_eq(ask(msg, &size), 1);
	arm(GH_SCN_NOTIFICATION, ID, GH_SCN_DROP);
	cr_assert_eq(ask(msg, &size), 1);
	arm(GH_SCN_REPLY, ID, GH_SCN_DROP);
	cr_assert_eq(ask(msg, &size), 0);
	cr_assert_eq(ask(msg, &size), 1, "once is once");
}

Test(rm_scenario, header)
{
	uint8_t msg[RM_MSG_SIZE];
	struct rm_hdr hdr;
	size_t size;

	arm(GH_SCN_REPLY, ID, GH_SCN_TYPE | GH_SCN_FRAGS);
	fake.scenario.type = RM_TYPE_NOTIF;
	fake.scenario.frags = 63;
	fake.scenario.id_xor = 0x10;
	fake.scenario.seq_xor = 0x8000;
	cr_assert_eq(ask(msg, &size), 1);
	hdr = header(msg);
	cr_assert_eq(hdr.type_frags, RM_TYPE_NOTIF | 63 << 2);
	cr_assert_eq(hdr.id, ID ^ 0x10);
	cr_assert_eq(hdr.seq, 7 ^ 0x8000);
	cr_assert_eq(size, RM_HDR_SIZE + 8);
}

Test(rm_scenario, content)
{
	uint8_t msg[RM_MSG_SIZE];
	size_t size;

	arm(GH_SCN_REPLY, ID, GH_SCN_WORD | GH_SCN_LEN | GH_SCN_PATCH);
	fake.scenario.word = 0x14;
	fake.scenario.len = 16;
	fake.scenario.patch_off = 4;
	fake.scenario.patch_len = 4;
	fake.scenario.patch = 0x12345678;
	cr_assert_eq(ask(msg, &size), 1);
	cr_assert_eq(size, RM_HDR_SIZE + 16);
	cr_assert_eq(word_at(msg, 0), 0x14);
	cr_assert_eq(word_at(msg, 4), 0x12345678);
	cr_assert_eq(word_at(msg, 8), 0xa5a5a5a5);
	arm(GH_SCN_REPLY, ID, GH_SCN_LEN);
	cr_assert_eq(ask(msg, &size), 1);
	cr_assert_eq(size, (size_t)RM_HDR_SIZE);
}

Test(rm_scenario, fragments_backwards)
{
	uint8_t msg[RM_MSG_SIZE];
	struct rm_hdr hdr;
	size_t size;

	arm(GH_SCN_REPLY, ID, GH_SCN_LEN | GH_SCN_REVERSE);
	fake.scenario.len = 2 * RM_CONTENT_SIZE + 1;
	cr_assert_eq(ask(msg, &size), 3);
	hdr = header(msg);
	cr_assert_eq(hdr.type_frags, RM_TYPE_REPLY | 2 << 2, "the first one came last");
	cr_assert_eq(size, (size_t)RM_MSG_SIZE);
}

Test(rm_scenario, twice_and_late)
{
	uint8_t msg[RM_MSG_SIZE];
	bool more;
	size_t size;

	arm(GH_SCN_REPLY, ID, GH_SCN_TWICE);
	cr_assert_eq(ask(msg, &size), 2);
	arm(GH_SCN_REPLY, ID, GH_SCN_HOLD);
	cr_assert_eq(ask(msg, &size), 0);
	rm_release_held();
	cr_assert_eq(rm_msgq_recv(msg, sizeof(msg), &size, &more), 0);
	cr_assert_eq(header(msg).seq, 7);
	rm_release_held();
	cr_assert_eq(rm_msgq_recv(msg, sizeof(msg), &size, &more), 60, "only once");
	arm(GH_SCN_REPLY, ID, GH_SCN_HOLD);
	cr_assert_eq(ask(msg, &size), 0);
	rm_drop_held();
	rm_release_held();
	cr_assert_eq(rm_msgq_recv(msg, sizeof(msg), &size, &more), 60);
}

Test(rm_scenario, injected_as_it_is)
{
	uint8_t msg[RM_MSG_SIZE], got[RM_MSG_SIZE];
	size_t size;
	bool more;

	memset(msg, 0x5a, sizeof(msg));
	cr_assert_eq(rm_inject(msg, 0), 1);
	cr_assert_eq(rm_inject(msg, RM_MSG_SIZE + 1), 1);
	cr_assert_eq(rm_inject(msg, 3), 0);
	cr_assert_eq(rm_msgq_recv(got, sizeof(got), &size, &more), 0);
	cr_assert_eq(size, 3);
	cr_assert_arr_eq(got, msg, 3);
}

/* The request is refused and the VM stays as it was; or it ends before or behind it. */
Test(rm_scenario, requests_that_are_not_served)
{
	uint16_t vmid;

	cr_assert_eq(call_vmid(RM_REQ_VM_ALLOCATE, 0), 0);
	memcpy(&vmid, reply_data(), sizeof(vmid));
	arm(GH_SCN_REPLY, RM_REQ_VM_DEALLOCATE, GH_SCN_NOT_DONE);
	fake.scenario.word = RM_ERR_NOMEM;
	cr_assert_eq(call_vmid(RM_REQ_VM_DEALLOCATE, vmid), RM_ERR_NOMEM);
	cr_assert_not_null(rm_vm_find(vmid));
	cr_assert_eq(call_vmid(RM_REQ_VM_DEALLOCATE, vmid), 0);
	cr_assert_null(rm_vm_find(vmid));
}
