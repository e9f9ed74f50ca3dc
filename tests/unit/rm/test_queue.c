// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Queues, headers, fragments, backlog. */
#include <string.h>

#include <criterion/criterion.h>

#include "rpc.h"

TestSuite(rm_queue, .init = fake_start);

Test(rm_queue, identifies_itself_as_in_the_traces)
{
	static const uint8_t type[] = { 0x64, 0x01, 0x00, 0x01 };
	static const uint8_t id_head[] = { 3, 0, 0, 0, 0, 0, 16, 0 };

	cr_assert_eq(call(RM_REQ_HOST_GET_TYPE, NULL, 0), RM_OK);
	cr_assert_eq(reply_len(), 4);
	cr_assert_arr_eq(reply_data(), type, 4);

	cr_assert_eq(call(RM_REQ_VM_GET_VMID, NULL, 0), RM_OK);
	cr_assert_eq(reply_len(), 4);
	cr_assert_eq(reply_data()[0], 3);

	cr_assert_eq(call_vmid(RM_REQ_VM_GET_ID, 0), RM_OK);
	cr_assert_eq(reply_len(), 40);
	cr_assert_arr_eq(reply_data(), id_head, sizeof(id_head));
	cr_assert_arr_eq(reply_data() + 24, "\2\0\4\0HLOS\3\0\3\0N/A", 16);

	cr_assert_eq(call_vmid(RM_REQ_VM_GET_HYP_RESOURCES, MON_VMID_RM), RM_OK);
	cr_assert_eq(reply_len(), 4 + sizeof(struct rm_resource));
}

Test(rm_queue, unknown_request_is_answered)
{
	cr_assert_eq(call(0x56000099, NULL, 0), 0xffffffff);
	cr_assert_eq(events[reply_at].len, 4);
}

Test(rm_queue, wrong_lengths_are_refused)
{
	static const uint32_t with_vmid[] = {
		RM_REQ_VM_ALLOCATE, RM_REQ_VM_DEALLOCATE, RM_REQ_VM_START, RM_REQ_VM_RESET,
		RM_REQ_VM_INIT, RM_REQ_VM_GET_ID, RM_REQ_VM_GET_STATE,
		RM_REQ_VM_GET_HYP_RESOURCES,
	};
	static const uint8_t zero[64];
	unsigned int i;

	for (i = 0; i < RM_ARRAY_SIZE(with_vmid); i++) {
		cr_expect_eq(call(with_vmid[i], zero, 3), RM_ERR_MSG, "%x", with_vmid[i]);
		cr_expect_eq(call(with_vmid[i], zero, 5), RM_ERR_MSG, "%x", with_vmid[i]);
		cr_expect_eq(call(with_vmid[i], NULL, 0), RM_ERR_MSG, "%x", with_vmid[i]);
	}
	cr_expect_eq(call(RM_REQ_VM_STOP, zero, 7), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_STOP, zero, 9), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_CONFIG_IMAGE, zero, 39), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_CONFIG_IMAGE, zero, 41), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_AUTH_IMAGE, zero, 3), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_AUTH_IMAGE, zero, 12), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_MEM_RECLAIM, zero, 7), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_MEM_APPEND, zero, 7), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_MEM_LEND, zero, 7), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_VM_GET_VMID, zero, 4), RM_ERR_MSG);
	cr_expect_eq(call(RM_REQ_HOST_GET_TYPE, zero, 1), RM_ERR_MSG);
}

Test(rm_queue, gunyah_errors)
{
	uint8_t buf[RM_MSG_SIZE] = { 0 };
	bool flag;
	size_t size;

	cr_assert_eq(rm_msgq_recv(buf, sizeof(buf), &size, &flag), 60);
	cr_assert_eq(rm_msgq_send(buf, 0, &flag), 1);
	cr_assert_eq(rm_msgq_send(buf, RM_MSG_SIZE + 1, &flag), 1);

	/* A buffer that is too small loses nothing. */
	send_request(RM_REQ_VM_GET_VMID, 1, NULL, 0);
	cr_assert_eq(rm_msgq_recv(buf, 15, &size, &flag), 20);
	cr_assert_eq(rm_msgq_recv(buf, 16, &size, &flag), 0);
	cr_assert_eq(size, 16);
	cr_assert_not(flag);
}

Test(rm_queue, bad_headers_are_dropped)
{
	static const uint8_t short_msg[RM_HDR_SIZE - 1];
	unsigned int logs = 0;
	bool not_full;

	cr_assert_eq(rm_msgq_send(short_msg, sizeof(short_msg), &not_full), 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(0x11, RM_TYPE_REQUEST, 0, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(0x22, RM_TYPE_REQUEST, 0, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(RM_HDR_API, RM_TYPE_REQUEST, 63, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(RM_HDR_API, RM_TYPE_CONT, 0, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(RM_HDR_API, RM_TYPE_REPLY, 0, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	send_raw(RM_HDR_API, RM_TYPE_NOTIF, 0, 1, RM_REQ_VM_GET_VMID, NULL, 0);
	cr_assert_eq(fake.nr_logs, ++logs);
	drain();
	cr_assert_eq(nr_events, 0);
	cr_assert_eq(fake.rx_irqs, 0);
}

/* A request of three fragments that is answered with @err if it arrives whole. */
#define FRAG_ID		RM_REQ_VM_CONFIG_IMAGE
#define FRAG_ERR	RM_ERR_MSG

static void frag(uint8_t type, uint8_t frags, uint16_t seq, uint32_t id, size_t len)
{
	static const uint8_t content[RM_CONTENT_SIZE];

	cr_assert_eq(send_raw(RM_HDR_API, type, frags, seq, id, content, len), 0);
}

static unsigned int answers(void)
{
	drain();
	return nr_events;
}

Test(rm_queue, fragments_make_one_request)
{
	frag(RM_TYPE_REQUEST, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(answers(), 0);
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(answers(), 0);
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, 1);
	cr_assert_eq(answers(), 1);
	cr_assert_eq(events[0].seq, 7);
	cr_assert_eq(events[0].data[0], FRAG_ERR);
	cr_assert_eq(fake.nr_logs, 0);
}

Test(rm_queue, short_fragments_are_joined)
{
	const struct rm_vmid_req body = { 0 };

	/* The four bytes of ALLOCATE in two parts, and a part of nothing. */
	send_raw(RM_HDR_API, RM_TYPE_REQUEST, 2, 9, RM_REQ_VM_ALLOCATE, &body, 3);
	send_raw(RM_HDR_API, RM_TYPE_CONT, 2, 9, RM_REQ_VM_ALLOCATE, &body, 0);
	send_raw(RM_HDR_API, RM_TYPE_CONT, 2, 9, RM_REQ_VM_ALLOCATE, &body, 1);
	cr_assert_eq(answers(), 1);
	cr_assert_eq(events[0].data[0], RM_OK);
	cr_assert_eq(events[0].data[4], 0x80);
}

Test(rm_queue, stray_fragments_do_not_disturb)
{
	frag(RM_TYPE_REQUEST, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 2, 8, FRAG_ID, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 2, 7, RM_REQ_VM_INIT, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 1, 7, FRAG_ID, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 3, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(fake.nr_logs, 4);
	cr_assert_eq(answers(), 0);
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(answers(), 1);
	/* One too many. */
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(fake.nr_logs, 5);
	cr_assert_eq(answers(), 0);
}

Test(rm_queue, missing_fragment_is_forgotten_with_the_next_request)
{
	frag(RM_TYPE_REQUEST, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, RM_CONTENT_SIZE);
	cr_assert_eq(call(RM_REQ_VM_GET_VMID, NULL, 0), RM_OK);
	cr_assert_eq(fake.nr_logs, 1);
	/* What was missing comes too late. */
	frag(RM_TYPE_CONT, 2, 7, FRAG_ID, 1);
	cr_assert_eq(answers(), 0);
	cr_assert_eq(fake.nr_logs, 2);
}

Test(rm_queue, largest_request)
{
	unsigned int i;

	frag(RM_TYPE_REQUEST, RM_MAX_FRAGMENTS, 7, FRAG_ID, RM_CONTENT_SIZE);
	for (i = 0; i < RM_MAX_FRAGMENTS; i++) {
		cr_assert_eq(answers(), 0);
		frag(RM_TYPE_CONT, RM_MAX_FRAGMENTS, 7, FRAG_ID, RM_CONTENT_SIZE);
	}
	cr_assert_eq(answers(), 1);
	cr_assert_eq(fake.nr_logs, 0);
}

Test(rm_queue, long_reply_is_fragmented)
{
	const struct tree tree = { .cpus = 8, .bells = 40 };
	struct vm vm = build_running(&tree);
	uint32_t n;

	/* drain() checks the fragments. */
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_HYP_RESOURCES, vm.vmid), RM_OK);
	memcpy(&n, reply_data(), sizeof(n));
	cr_assert_eq(n, 48);
	cr_assert_eq(reply_len(), 4 + 48 * sizeof(struct rm_resource));
	end_vm(&vm);
}

Test(rm_queue, backlog_is_kept_in_order)
{
	unsigned int i;

	for (i = 0; i < 30; i++)
		send_request(RM_REQ_VM_GET_VMID, i, NULL, 0);
	/* One interrupt a message that can be read. */
	cr_assert_eq(fake.rx_irqs, RM_QUEUE_DEPTH);
	drain();
	cr_assert_eq(nr_events, 30);
	for (i = 0; i < 30; i++)
		cr_assert_eq(events[i].seq, i);
	cr_assert_eq(fake.rx_irqs, 30);
	cr_assert_eq(fake.tx_irqs, 0);
	cr_assert_eq(fake.allocs, 0);
}

Test(rm_queue, host_that_does_not_read_is_stopped)
{
	unsigned int sent = 0, i;
	bool not_full = true;
	uint8_t msg[RM_MSG_SIZE];
	struct rm_hdr hdr = {
		.api = RM_HDR_API,
		.type_frags = RM_TYPE_REQUEST,
		.id = RM_REQ_VM_GET_VMID,
	};
	size_t size;

	while (not_full) {
		hdr.seq = sent;
		cr_assert_eq(rm_msgq_send(&hdr, sizeof(hdr), &not_full), 0);
		cr_assert_lt(++sent, 200, "no bound");
	}
	cr_assert_eq(sent, RM_QUEUE_DEPTH + 64 + RM_QUEUE_DEPTH);
	cr_assert_eq(rm_msgq_send(&hdr, sizeof(hdr), &not_full), 61);
	cr_assert_not(not_full);
	cr_assert_eq(fake.tx_irqs, 0);

	/* One read makes room for one request: the full queue drains. */
	cr_assert_eq(rm_msgq_recv(msg, sizeof(msg), &size, &not_full), 0);
	cr_assert_eq(fake.tx_irqs, 1);
	drain();
	cr_assert_eq(nr_events, sent - 1);
	for (i = 0; i < nr_events; i++)
		cr_assert_eq(events[i].seq, i + 1);
	cr_assert_eq(fake.tx_irqs, 1);
	cr_assert_eq(fake.allocs, 0);
}

Test(rm_queue, message_is_lost_without_memory)
{
	unsigned int i;

	for (i = 0; i < RM_QUEUE_DEPTH; i++)
		send_request(RM_REQ_VM_GET_VMID, i, NULL, 0);
	fake.fail_alloc = 1;
	send_request(RM_REQ_VM_GET_VMID, 50, NULL, 0);
	cr_assert_eq(fake.nr_logs, 1);
	send_request(RM_REQ_VM_GET_VMID, 51, NULL, 0);
	drain();
	cr_assert_eq(nr_events, RM_QUEUE_DEPTH + 1);
	cr_assert_eq(events[RM_QUEUE_DEPTH].seq, 51);
}
