// SPDX-License-Identifier: GPL-2.0-only
/* Messages of the resource manager: see rsc_mgr_msg.h. */
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/unaligned.h>

#include "rsc_mgr_msg.h"

#define GH_RM_API_VERSION	1
#define GH_RM_HDR_WORDS		(GH_RM_HDR_SIZE / 4)
#define GH_RM_HDR_BYTE0		(GH_RM_API_VERSION | (GH_RM_HDR_WORDS << 4))
#define GH_RM_TYPE_MASK		0x3
#define GH_RM_CONT_SHIFT	2

/* A message's header, decoded. */
struct gh_rm_hdr {
	u32 msg_id;
	u16 seq;
	u8 type;
	u8 continuations;
};

/**
 * gh_rm_tx_init() - begin to cut a request
 * @tx: state
 * @msg_id: message id
 * @seq: sequence number
 * @payload: the request, may be NULL if @size is 0
 * @size: of @payload
 *
 * Return: 0, or -E2BIG if no number of fragments can carry it
 */
int gh_rm_tx_init(struct gh_rm_tx *tx, u32 msg_id, u16 seq, const void *payload, size_t size)
{
	if (size > GH_RM_PAYLOAD_SIZE)
		return -E2BIG;

	memset(tx, 0, sizeof(*tx));
	tx->payload = payload;
	tx->size = size;
	tx->msg_id = msg_id;
	tx->seq = seq;
	if (size)
		tx->continuations = (size - 1) / GH_RM_CONTENT_SIZE;

	return 0;
}

/* gh_rm_tx_done() - whether all messages of the request have been built. */
bool gh_rm_tx_done(const struct gh_rm_tx *tx)
{
	return tx->built > tx->continuations;
}

/**
 * gh_rm_tx_next() - build the next message
 * @tx: state
 * @msg: GH_RM_MSG_SIZE bytes to build it in
 *
 * Return: the message's size, 0 if there are no more
 */
size_t gh_rm_tx_next(struct gh_rm_tx *tx, u8 *msg)
{
	u8 type = tx->built ? GH_RM_MSG_CONTINUATION : GH_RM_MSG_REQUEST;
	size_t content = tx->size - tx->pos;

	if (gh_rm_tx_done(tx))
		return 0;
	if (content > GH_RM_CONTENT_SIZE)
		content = GH_RM_CONTENT_SIZE;

	msg[0] = GH_RM_HDR_BYTE0;
	msg[1] = type | (tx->continuations << GH_RM_CONT_SHIFT);
	put_unaligned_le16(tx->seq, msg + 2);
	put_unaligned_le32(tx->msg_id, msg + 4);
	if (content)
		memcpy(msg + GH_RM_HDR_SIZE, tx->payload + tx->pos, content);

	tx->pos += content;
	tx->built++;

	return GH_RM_HDR_SIZE + content;
}

/**
 * gh_rm_rx_init() - begin to receive
 * @rx: state
 * @reply_buf: GH_RM_PAYLOAD_SIZE bytes, borrowed as long as @rx is used
 * @notif_buf: the same for notifications
 */
void gh_rm_rx_init(struct gh_rm_rx *rx, void *reply_buf, void *notif_buf)
{
	memset(rx, 0, sizeof(*rx));
	rx->reply.buf = reply_buf;
	rx->notif.buf = notif_buf;
}

/* gh_rm_rx_expect() - from now on accept the reply to this request, and no other. */
void gh_rm_rx_expect(struct gh_rm_rx *rx, u32 msg_id, u16 seq)
{
	rx->reply.active = false;
	rx->want_id = msg_id;
	rx->want_seq = seq;
	rx->expecting = true;
}

/* gh_rm_rx_forget() - nobody waits for a reply any more: drop it if it comes. */
void gh_rm_rx_forget(struct gh_rm_rx *rx)
{
	rx->reply.active = false;
	rx->expecting = false;
}

static int gh_rm_parse_header(struct gh_rm_hdr *hdr, const u8 *msg, size_t size)
{
	if (size < GH_RM_HDR_SIZE || size > GH_RM_MSG_SIZE)
		return -EMSGSIZE;
	if (msg[0] != GH_RM_HDR_BYTE0)
		return -EPROTO;

	hdr->type = msg[1] & GH_RM_TYPE_MASK;
	hdr->continuations = msg[1] >> GH_RM_CONT_SHIFT;
	hdr->seq = get_unaligned_le16(msg + 2);
	hdr->msg_id = get_unaligned_le32(msg + 4);
	if (hdr->continuations > GH_RM_MAX_CONTINUATIONS)
		return -EPROTO;

	return 0;
}

/* Returns whether the payload is complete. */
static bool gh_rm_begin(struct gh_rm_assembly *as, const struct gh_rm_hdr *hdr,
			const u8 *content, size_t size)
{
	if (size)
		memcpy(as->buf, content, size);
	as->size = size;
	as->msg_id = hdr->msg_id;
	as->seq = hdr->seq;
	as->continuations = hdr->continuations;
	as->left = hdr->continuations;
	as->active = as->left;

	return !as->active;
}

static bool gh_rm_belongs(const struct gh_rm_assembly *as, const struct gh_rm_hdr *hdr)
{
	return as->active && as->msg_id == hdr->msg_id && as->seq == hdr->seq;
}

/*
 * Appends a continuation. The number of continuations is at most 62 and each is
 * at most GH_RM_CONTENT_SIZE long, so the buffer always has room.
 *
 * Return: 1 if the payload is complete, 0 if not yet, -EPROTO if it never will be
 */
static int gh_rm_continue(struct gh_rm_assembly *as, const struct gh_rm_hdr *hdr,
			  const u8 *content, size_t size)
{
	if (hdr->continuations != as->continuations || !size) {
		as->active = false;
		return -EPROTO;
	}

	memcpy(as->buf + as->size, content, size);
	as->size += size;
	as->left--;
	as->active = as->left;

	return !as->active;
}

static enum gh_rm_rx_event gh_rm_rx_continuation(struct gh_rm_rx *rx, const struct gh_rm_hdr *hdr,
						 const u8 *content, size_t size)
{
	int ret;

	if (gh_rm_belongs(&rx->reply, hdr)) {
		ret = gh_rm_continue(&rx->reply, hdr, content, size);
		if (!ret)
			return GH_RM_RX_PARTIAL;
		rx->expecting = false;
		return ret < 0 ? GH_RM_RX_BROKEN_REPLY : GH_RM_RX_REPLY;
	}

	if (gh_rm_belongs(&rx->notif, hdr)) {
		ret = gh_rm_continue(&rx->notif, hdr, content, size);
		if (ret < 0)
			return GH_RM_RX_MALFORMED;
		return ret ? GH_RM_RX_NOTIFICATION : GH_RM_RX_PARTIAL;
	}

	return GH_RM_RX_UNEXPECTED;
}

/**
 * gh_rm_rx_message() - take in one message
 * @rx: state
 * @msg: the message, untrusted
 * @size: of @msg
 *
 * After GH_RM_RX_REPLY the payload is in @rx->reply until the next
 * gh_rm_rx_expect(); after GH_RM_RX_NOTIFICATION in @rx->notif until the next
 * message. A first fragment gives up what was being put together before it.
 *
 * Return: what the message did
 */
enum gh_rm_rx_event gh_rm_rx_message(struct gh_rm_rx *rx, const void *msg, size_t size)
{
	const u8 *content = (const u8 *)msg + GH_RM_HDR_SIZE;
	struct gh_rm_hdr hdr;
	bool complete;

	if (gh_rm_parse_header(&hdr, msg, size))
		return GH_RM_RX_MALFORMED;
	size -= GH_RM_HDR_SIZE;

	switch (hdr.type) {
	case GH_RM_MSG_CONTINUATION:
		return gh_rm_rx_continuation(rx, &hdr, content, size);
	case GH_RM_MSG_REPLY:
		if (!rx->expecting || hdr.msg_id != rx->want_id || hdr.seq != rx->want_seq)
			return GH_RM_RX_UNEXPECTED;
		complete = gh_rm_begin(&rx->reply, &hdr, content, size);
		rx->expecting = !complete;
		return complete ? GH_RM_RX_REPLY : GH_RM_RX_PARTIAL;
	case GH_RM_MSG_NOTIFICATION:
		complete = gh_rm_begin(&rx->notif, &hdr, content, size);
		return complete ? GH_RM_RX_NOTIFICATION : GH_RM_RX_PARTIAL;
	default:
		/* The host is nobody's server: a request is not for it. */
		return GH_RM_RX_MALFORMED;
	}
}
