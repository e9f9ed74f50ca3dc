// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* What the resource manager sends is untrusted: each field, wrong, one at a time. */
#include <criterion/criterion.h>

#include "rpc.h"

static struct receiver r;

static void setup(void)
{
	receiver_init(&r);
}

TestSuite(rx, .init = setup);

Test(rx, one_message)
{
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 4);
	cr_assert_arr_eq(r.reply, "\1\1\1\1", 4);
}

Test(rx, largest)
{
	cr_assert_eq(receive(&r, REPLY(62, 232)), GH_RM_RX_PARTIAL);
	for (int i = 0; i < 61; i++)
		cr_assert_eq(receive(&r, CONT(62, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, CONT(62, 232)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, GH_RM_PAYLOAD_SIZE);
}

/* An error may come with words behind it: they are part of the reply. */
Test(rx, error_with_extra_words)
{
	cr_assert_eq(receive(&r, REPLY(0, 12)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 12);
}

Test(rx, short_and_empty_replies)
{
	cr_assert_eq(receive(&r, REPLY(0, 0)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 0);
	setup();
	cr_assert_eq(receive(&r, REPLY(0, 3)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 3);
}

Test(rx, message_too_short)
{
	u8 buf[GH_RM_HDR_SIZE];

	msg_write(buf, REPLY(0, 0));
	for (size_t size = 0; size < GH_RM_HDR_SIZE; size++) {
		u8 cut[size + 1];

		memcpy(cut, buf, size);
		cr_assert_eq(gh_rm_rx_message(&r.rx, cut, size), GH_RM_RX_MALFORMED);
	}
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY, "the real one still counts");
}

Test(rx, message_too_long)
{
	cr_assert_eq(receive(&r, REPLY(0, 233)), GH_RM_RX_MALFORMED);
	cr_assert_eq(receive(&r, REPLY(0, 232)), GH_RM_RX_REPLY);
}

Test(rx, header_wrong)
{
	static const u8 wrong[] = { 0x00, 0x20, 0x22, 0x11, 0x31, 0x01, 0xff };
	u8 buf[12];

	for (size_t i = 0; i < sizeof(wrong); i++) {
		size_t size = msg_write(buf, REPLY(0, 4));

		buf[0] = wrong[i];
		cr_assert_eq(gh_rm_rx_message(&r.rx, buf, size), GH_RM_RX_MALFORMED);
	}
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
}

Test(rx, too_many_fragments)
{
	cr_assert_eq(receive(&r, REPLY(63, 232)), GH_RM_RX_MALFORMED);
	cr_assert_eq(receive(&r, CONT(63, 232)), GH_RM_RX_MALFORMED);
}

Test(rx, request_is_not_for_us)
{
	struct msg m = *REPLY(0, 4);

	m.type = GH_RM_MSG_REQUEST;
	cr_assert_eq(receive(&r, &m), GH_RM_RX_MALFORMED);
}

Test(rx, wrong_sequence_or_id)
{
	struct msg m = *REPLY(0, 4);

	m.seq = SEQ + 1;
	cr_assert_eq(receive(&r, &m), GH_RM_RX_UNEXPECTED);
	m.seq = SEQ;
	m.id = ID + 1;
	cr_assert_eq(receive(&r, &m), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
}

Test(rx, nobody_waits)
{
	gh_rm_rx_forget(&r.rx);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, CONT(1, 4)), GH_RM_RX_UNEXPECTED);
}

Test(rx, duplicate)
{
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_UNEXPECTED);
}

Test(rx, late_after_timeout)
{
	cr_assert_eq(receive(&r, REPLY(2, 232)), GH_RM_RX_PARTIAL);
	gh_rm_rx_forget(&r.rx);
	gh_rm_rx_expect(&r.rx, ID, SEQ + 1);
	cr_assert_eq(receive(&r, CONT(2, 232)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, CONT(2, 4)), GH_RM_RX_UNEXPECTED);
}

Test(rx, continuation_without_beginning)
{
	cr_assert_eq(receive(&r, CONT(1, 4)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, CONT(0, 4)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
	cr_assert_eq(receive(&r, CONT(0, 4)), GH_RM_RX_UNEXPECTED);
}

Test(rx, continuation_of_another)
{
	struct msg m = *CONT(1, 4);

	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_PARTIAL);
	m.seq = SEQ + 1;
	cr_assert_eq(receive(&r, &m), GH_RM_RX_UNEXPECTED);
	m.seq = SEQ;
	m.id = ID + 1;
	cr_assert_eq(receive(&r, &m), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, CONT(1, 4)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 236);
}

Test(rx, continuation_counts_differently)
{
	cr_assert_eq(receive(&r, REPLY(2, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, CONT(1, 232)), GH_RM_RX_BROKEN_REPLY);
	cr_assert_eq(receive(&r, CONT(2, 232)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_UNEXPECTED);
}

Test(rx, empty_continuation)
{
	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, CONT(1, 0)), GH_RM_RX_BROKEN_REPLY);
}

/* One fragment too many finds the reply complete already. */
Test(rx, one_fragment_too_many)
{
	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, CONT(1, 232)), GH_RM_RX_REPLY);
	cr_assert_eq(receive(&r, CONT(1, 232)), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(r.rx.reply.size, 464);
}

/* A first fragment starts anew; what came before it does not count. */
Test(rx, begins_twice)
{
	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, REPLY(1, 100)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, CONT(1, 4)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 104);
}

Test(rx, notification_between_fragments)
{
	struct msg n = { .type = GH_RM_MSG_NOTIFICATION, .seq = 9, .id = 0x56100008,
			 .content = 8, .fill = 3 };

	cr_assert_eq(receive(&r, REPLY(1, 232)), GH_RM_RX_PARTIAL);
	cr_assert_eq(receive(&r, &n), GH_RM_RX_NOTIFICATION);
	cr_assert_eq(r.rx.notif.size, 8);
	cr_assert_eq(r.rx.notif.msg_id, 0x56100008);
	cr_assert_eq(receive(&r, CONT(1, 8)), GH_RM_RX_REPLY);
	cr_assert_eq(r.rx.reply.size, 240);
	cr_assert_eq(r.reply[231], 1);
	cr_assert_eq(r.reply[232], 2);
}

Test(rx, long_notification)
{
	struct msg n = { .type = GH_RM_MSG_NOTIFICATION, .seq = 9, .id = 0x56100001,
			 .continuations = 2, .content = 232, .fill = 3 };

	cr_assert_eq(receive(&r, &n), GH_RM_RX_PARTIAL);
	n.type = GH_RM_MSG_CONTINUATION;
	cr_assert_eq(receive(&r, &n), GH_RM_RX_PARTIAL);
	n.content = 1;
	cr_assert_eq(receive(&r, &n), GH_RM_RX_NOTIFICATION);
	cr_assert_eq(r.rx.notif.size, 465);
	cr_assert(r.rx.expecting, "the reply is still due");
}

Test(rx, broken_notification)
{
	struct msg n = { .type = GH_RM_MSG_NOTIFICATION, .seq = 9, .id = 0x56100001,
			 .continuations = 1, .content = 232, .fill = 3 };

	cr_assert_eq(receive(&r, &n), GH_RM_RX_PARTIAL);
	n.type = GH_RM_MSG_CONTINUATION;
	n.continuations = 2;
	cr_assert_eq(receive(&r, &n), GH_RM_RX_MALFORMED);
	n.continuations = 1;
	cr_assert_eq(receive(&r, &n), GH_RM_RX_UNEXPECTED);
	cr_assert_eq(receive(&r, REPLY(0, 4)), GH_RM_RX_REPLY);
}

/* Random bytes: nothing to assert but that the sanitizers stay quiet. */
Test(rx, noise)
{
	u8 buf[GH_RM_MSG_SIZE];
	u32 x = 12345;

	for (int i = 0; i < 200000; i++) {
		size_t size;

		x = x * 1664525u + 1013904223u;
		size = (x >> 16) % (GH_RM_MSG_SIZE + 1);
		buf[0] = 0x21;
		buf[1] = (u8)(x >> 8);
		buf[2] = (u8)(SEQ & 0xff);
		buf[3] = SEQ >> 8;
		buf[4] = (u8)ID;
		buf[5] = 0;
		buf[6] = 0;
		buf[7] = ID >> 24;
		gh_rm_rx_message(&r.rx, buf, size);
		if (!(i % 64))
			gh_rm_rx_expect(&r.rx, ID, SEQ);
		cr_assert_leq(r.rx.reply.size, GH_RM_PAYLOAD_SIZE);
		cr_assert_leq(r.rx.notif.size, GH_RM_PAYLOAD_SIZE);
	}
}
