/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* A message of the resource manager as a test writes it, and the receiving side. */
#ifndef UNIT_RPC_H
#define UNIT_RPC_H

#include <string.h>

#include "rsc_mgr_msg.h"

#define ID	0x56000020u
#define SEQ	0x1234u

struct msg {
	u8 type;
	u8 continuations;
	u16 seq;
	u32 id;
	size_t content;		/* bytes of content */
	u8 fill;		/* their value */
};

static inline size_t msg_write(u8 *out, const struct msg *m)
{
	out[0] = 0x21;
	out[1] = (u8)(m->type | m->continuations << 2);
	out[2] = (u8)m->seq;
	out[3] = (u8)(m->seq >> 8);
	out[4] = (u8)m->id;
	out[5] = (u8)(m->id >> 8);
	out[6] = (u8)(m->id >> 16);
	out[7] = (u8)(m->id >> 24);
	memset(out + 8, m->fill, m->content);

	return 8 + m->content;
}

struct receiver {
	struct gh_rm_rx rx;
	u8 reply[GH_RM_PAYLOAD_SIZE];
	u8 notif[GH_RM_PAYLOAD_SIZE];
};

static inline void receiver_init(struct receiver *r)
{
	gh_rm_rx_init(&r->rx, r->reply, r->notif);
	gh_rm_rx_expect(&r->rx, ID, SEQ);
}

static inline enum gh_rm_rx_event receive(struct receiver *r, const struct msg *m)
{
	/* Exactly as long as the message, so that a read behind it is seen. */
	u8 buf[8 + m->content];

	return gh_rm_rx_message(&r->rx, buf, msg_write(buf, m));
}

#define REPLY(n, size)							\
	(&(struct msg){ .type = GH_RM_MSG_REPLY, .continuations = (n),	\
			.seq = SEQ, .id = ID, .content = (size), .fill = 1 })
#define CONT(n, size)							\
	(&(struct msg){ .type = GH_RM_MSG_CONTINUATION, .continuations = (n), \
			.seq = SEQ, .id = ID, .content = (size), .fill = 2 })

#endif /* UNIT_RPC_H */
