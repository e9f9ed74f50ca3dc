// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to the host that are not as they should be: see gh_scenario.h.
 */
#include <string.h>

#include "rm_priv.h"

/* The message that waits for RELEASE. */
static struct {
	bool full;
	struct gh_scenario how;
	enum rm_msg_type type;
	uint32_t id;
	uint16_t seq;
	size_t len;
	uint8_t data[RM_MAX_CONTENT];
} held;

static void push_part(const struct gh_scenario *s, const struct rm_hdr *whole, const uint8_t *data,
		      size_t len, unsigned int i)
{
	size_t off = i * RM_CONTENT_SIZE, part = len - off;
	struct rm_hdr hdr = *whole;
	uint8_t msg[RM_MSG_SIZE];

	if (part > RM_CONTENT_SIZE)
		part = RM_CONTENT_SIZE;
	if (i)
		hdr.type_frags = (hdr.type_frags & ~3) | RM_TYPE_CONT;
	if (s->flags & GH_SCN_FRAGS)
		hdr.type_frags = (hdr.type_frags & 3) | s->frags << 2;
	memcpy(msg, &hdr, sizeof(hdr));
	memcpy(msg + RM_HDR_SIZE, data + off, part);
	rm_push(msg, RM_HDR_SIZE + part);
}

static void push_all(const struct gh_scenario *s, enum rm_msg_type type, uint32_t id, uint16_t seq,
		     const uint8_t *data, size_t len)
{
	unsigned int i, n = len ? (len - 1) / RM_CONTENT_SIZE : 0;
	const struct rm_hdr hdr = {
		.api = RM_HDR_API,
		.type_frags = (s->flags & GH_SCN_TYPE ? s->type & 3 : type) | n << 2,
		.seq = seq ^ s->seq_xor,
		.id = id ^ s->id_xor,
	};

	for (i = 0; i <= n; i++)
		push_part(s, &hdr, data, len, s->flags & GH_SCN_REVERSE ? n - i : i);
}

static void hold(const struct gh_scenario *s, enum rm_msg_type type, uint32_t id, uint16_t seq,
		 const uint8_t *data, size_t len)
{
	if (held.full)
		core_log("rm: scenario: one message is held already");
	held.full = true;
	held.how = *s;
	held.type = type;
	held.id = id;
	held.seq = seq;
	held.len = len;
	memcpy(held.data, data, len);
}

void rm_send_as(const struct gh_scenario *s, enum rm_msg_type type, uint32_t id, uint16_t seq,
		const void *data, size_t len)
{
	static uint8_t out[RM_MAX_CONTENT];

	memset(out, 0xa5, sizeof(out));
	memcpy(out, data, len);
	if (s->flags & GH_SCN_WORD)
		memcpy(out, &s->word, sizeof(s->word));
	if (s->flags & GH_SCN_LEN)
		len = s->len < sizeof(out) ? s->len : sizeof(out);
	if (s->flags & GH_SCN_PATCH && s->patch_off < sizeof(out) - sizeof(s->patch) &&
	    s->patch_len <= sizeof(s->patch))
		memcpy(out + s->patch_off, &s->patch, s->patch_len);

	if (s->flags & GH_SCN_DROP)
		return;
	if (s->flags & GH_SCN_HOLD) {
		hold(s, type, id, seq, out, len);
		return;
	}
	push_all(s, type, id, seq, out, len);
	if (s->flags & GH_SCN_TWICE)
		push_all(s, type, id, seq, out, len);
}

void rm_release_held(void)
{
	if (held.full)
		push_all(&held.how, held.type, held.id, held.seq, held.data, held.len);
	held.full = false;
}

void rm_drop_held(void)
{
	held.full = false;
}

int rm_inject(const void *msg, size_t len)
{
	if (!len || len > RM_MSG_SIZE)
		return GH_ERR_ARG_INVAL;
	rm_push(msg, len);
	return GH_OK;
}
