// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* Requests cut into messages: sizes at the edges, headers, and the way back. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>

#include "rpc.h"

static u8 payload[GH_RM_PAYLOAD_SIZE + 1];

static void fill_payload(void)
{
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (u8)(i * 7 + i / 256);
}

struct edge {
	size_t size;
	unsigned int messages;
};

ParameterizedTestParameters(tx, sizes)
{
	static struct edge edges[] = {
		{ 0, 1 }, { 1, 1 }, { 231, 1 }, { 232, 1 }, { 233, 2 }, { 463, 2 },
		{ 464, 2 }, { 465, 3 }, { 62 * 232, 62 }, { 62 * 232 + 1, 63 },
		{ 63 * 232 - 1, 63 }, { 63 * 232, 63 },
	};

	return cr_make_param_array(struct edge, edges, sizeof(edges) / sizeof(edges[0]));
}

/* Each message has the right header, and together they carry the payload. */
ParameterizedTest(struct edge *edge, tx, sizes)
{
	static u8 got[GH_RM_PAYLOAD_SIZE];
	u8 msg[GH_RM_MSG_SIZE];
	struct gh_rm_tx tx;
	unsigned int n = 0;
	size_t pos = 0, size;

	fill_payload();
	cr_assert_eq(gh_rm_tx_init(&tx, 0x51000012, 0xabcd, payload, edge->size), 0);
	while ((size = gh_rm_tx_next(&tx, msg))) {
		cr_assert_leq(size, GH_RM_MSG_SIZE);
		cr_assert_geq(size, GH_RM_HDR_SIZE);
		cr_assert_eq(msg[0], 0x21);
		cr_assert_eq(msg[1] & 3, n ? GH_RM_MSG_CONTINUATION : GH_RM_MSG_REQUEST);
		cr_assert_eq(msg[1] >> 2, edge->messages - 1);
		cr_assert_arr_eq(msg + 2, "\xcd\xab\x12\x00\x00\x51", 6);
		memcpy(got + pos, msg + 8, size - 8);
		pos += size - 8;
		n++;
		cr_assert_eq(gh_rm_tx_done(&tx), n == edge->messages);
	}
	cr_assert_eq(n, edge->messages);
	cr_assert_eq(pos, edge->size);
	cr_assert_arr_eq(got, payload, pos);
	cr_assert_eq(gh_rm_tx_next(&tx, msg), 0);
}

Test(tx, too_big)
{
	struct gh_rm_tx tx;

	cr_assert_eq(gh_rm_tx_init(&tx, 1, 1, payload, GH_RM_PAYLOAD_SIZE + 1), -E2BIG);
}

/* What is cut as a request is put together when it comes back as a reply. */
Test(tx, round_trip)
{
	static const size_t sizes[] = { 0, 1, 231, 232, 233, 464, 465, 8000, 63 * 232 };
	static struct receiver r;

	fill_payload();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		enum gh_rm_rx_event event = GH_RM_RX_PARTIAL;
		u8 msg[GH_RM_MSG_SIZE];
		struct gh_rm_tx tx;
		size_t size;

		receiver_init(&r);
		gh_rm_tx_init(&tx, ID, SEQ, payload, sizes[i]);
		while ((size = gh_rm_tx_next(&tx, msg))) {
			cr_assert_eq(event, GH_RM_RX_PARTIAL);
			if (msg[1] & 3)
				msg[1] = (u8)((msg[1] & ~3) | GH_RM_MSG_REPLY);
			event = gh_rm_rx_message(&r.rx, msg, size);
		}
		cr_assert_eq(event, GH_RM_RX_REPLY, "size %zu", sizes[i]);
		cr_assert_eq(r.rx.reply.size, sizes[i]);
		cr_assert_arr_eq(r.reply, payload, sizes[i]);
	}
}
