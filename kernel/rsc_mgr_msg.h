/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the resource manager: cutting into fragments and putting together.
 *
 * Pure: no allocation, no locking, nothing of the kernel but types, so that it
 * is also compiled into a unit test. The caller serialises.
 *
 * A message is at most 240 bytes: 8 of header, 232 of content. A longer payload
 * is a first message and up to 62 continuations, which repeat its id, sequence
 * number and number of continuations.
 *
 *   byte 0  3:0 API version, 7:4 words in the header
 *   byte 1  1:0 type, 7:2 number of continuations
 *   2..3    sequence number, little-endian
 *   4..7    message id, little-endian
 */
#ifndef GUNYAH_RSC_MGR_MSG_H
#define GUNYAH_RSC_MGR_MSG_H

#include <linux/types.h>

#define GH_RM_MSG_SIZE		240
#define GH_RM_HDR_SIZE		8
#define GH_RM_CONTENT_SIZE	(GH_RM_MSG_SIZE - GH_RM_HDR_SIZE)
#define GH_RM_MAX_CONTINUATIONS	62
#define GH_RM_PAYLOAD_SIZE	((GH_RM_MAX_CONTINUATIONS + 1) * GH_RM_CONTENT_SIZE)

enum gh_rm_msg_type {
	GH_RM_MSG_CONTINUATION	= 0,
	GH_RM_MSG_REQUEST	= 1,
	GH_RM_MSG_REPLY		= 2,
	GH_RM_MSG_NOTIFICATION	= 3,
};

/**
 * struct gh_rm_tx - a request being cut into messages
 * @payload: borrowed until the last message is built
 * @size: of @payload
 * @pos: bytes of @payload in the messages built so far
 * @msg_id: in every message
 * @seq: in every message
 * @continuations: after the first message
 * @built: number of messages built
 */
struct gh_rm_tx {
	const u8 *payload;
	size_t size;
	size_t pos;
	u32 msg_id;
	u16 seq;
	u8 continuations;
	u8 built;
};

int gh_rm_tx_init(struct gh_rm_tx *tx, u32 msg_id, u16 seq, const void *payload, size_t size);
size_t gh_rm_tx_next(struct gh_rm_tx *tx, u8 *msg);
bool gh_rm_tx_done(const struct gh_rm_tx *tx);

/* What a received message did. */
enum gh_rm_rx_event {
	GH_RM_RX_PARTIAL,	/* accepted, more fragments are due */
	GH_RM_RX_REPLY,		/* the expected reply is complete */
	GH_RM_RX_NOTIFICATION,	/* a notification is complete */
	GH_RM_RX_BROKEN_REPLY,	/* the expected reply cannot become complete any more */
	GH_RM_RX_MALFORMED,	/* dropped: size or header makes no sense */
	GH_RM_RX_UNEXPECTED,	/* dropped: nobody waits for it, or a stray continuation */
};

/**
 * struct gh_rm_assembly - a payload being put together
 * @buf: GH_RM_PAYLOAD_SIZE bytes, owned by the caller
 * @size: bytes in @buf
 * @msg_id: of the first message
 * @seq: of the first message
 * @continuations: announced in the first message
 * @left: continuations still due
 * @active: between the first and the last fragment
 */
struct gh_rm_assembly {
	u8 *buf;
	size_t size;
	u32 msg_id;
	u16 seq;
	u8 continuations;
	u8 left;
	bool active;
};

/**
 * struct gh_rm_rx - receiving side
 * @reply: of the request in flight
 * @notif: the resource manager may put a notification between a reply's fragments
 * @expecting: a request is in flight
 * @want_id: its message id
 * @want_seq: its sequence number
 */
struct gh_rm_rx {
	struct gh_rm_assembly reply;
	struct gh_rm_assembly notif;
	bool expecting;
	u32 want_id;
	u16 want_seq;
};

void gh_rm_rx_init(struct gh_rm_rx *rx, void *reply_buf, void *notif_buf);
void gh_rm_rx_expect(struct gh_rm_rx *rx, u32 msg_id, u16 seq);
void gh_rm_rx_forget(struct gh_rm_rx *rx);
enum gh_rm_rx_event gh_rm_rx_message(struct gh_rm_rx *rx, const void *msg, size_t size);

#endif /* GUNYAH_RSC_MGR_MSG_H */
