// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message queues between the host and the resource manager.
 *
 * The host's requests are worked off as they arrive. Replies and notifications
 * go to the 8 slots the host can read; what does not fit waits in a list and
 * moves up as the host reads. A host that does not read stops being served when
 * that list is long: then its own queue fills up and its sends fail, until it
 * reads and the queue's interrupt tells it to go on. So memory is bounded.
 */
#include <string.h>

#include "rm_priv.h"

/* No further request is taken while so many messages wait. */
#define RM_LATE_MAX		64

struct rm_slot {
	size_t len;
	uint8_t data[RM_MSG_SIZE];
};

struct rm_ring {
	struct rm_slot slot[RM_QUEUE_DEPTH];
	unsigned int head;
	unsigned int count;
};

struct rm_late {
	struct rm_late *next;
	struct rm_slot slot;
};

/* A request of which fragments are missing. */
struct rm_partial {
	bool active;
	uint8_t type;
	uint8_t nr_frags;
	uint8_t missing;
	uint16_t seq;
	uint32_t id;
	size_t len;
	uint8_t buf[RM_MAX_CONTENT];
};

static struct rm_ring tx;	/* host to RM */
static struct rm_ring rx;	/* RM to host */
static struct rm_late *late_first;
static struct rm_late *late_last;
static unsigned int nr_late;
static uint32_t tx_intid;
static uint32_t rx_intid;
static bool tx_was_full;
static struct rm_partial partial;

static struct rm_slot *ring_push(struct rm_ring *ring)
{
	return &ring->slot[(ring->head + ring->count++) % RM_QUEUE_DEPTH];
}

static struct rm_slot *ring_pop(struct rm_ring *ring)
{
	struct rm_slot *slot = &ring->slot[ring->head];

	ring->head = (ring->head + 1) % RM_QUEUE_DEPTH;
	ring->count--;
	return slot;
}

static void rx_push(const struct rm_slot *slot)
{
	*ring_push(&rx) = *slot;
	core_host_virq(rx_intid);
}

static void rx_refill(void)
{
	while (late_first && rx.count < RM_QUEUE_DEPTH) {
		struct rm_late *late = late_first;

		late_first = late->next;
		if (!late_first)
			late_last = NULL;
		nr_late--;
		rx_push(&late->slot);
		core_free(late);
	}
}

static void send_one(const struct rm_slot *slot)
{
	struct rm_late *late;

	if (!late_first && rx.count < RM_QUEUE_DEPTH) {
		rx_push(slot);
		return;
	}

	late = core_alloc(sizeof(*late));
	if (!late) {
		core_log("rm: out of memory, a message to the host is lost");
		return;
	}
	late->next = NULL;
	late->slot = *slot;
	if (late_last)
		late_last->next = late;
	else
		late_first = late;
	late_last = late;
	nr_late++;
}

void rm_send(enum rm_msg_type type, uint32_t id, uint16_t seq, const void *data, size_t len)
{
	unsigned int nr_frags = len ? (len - 1) / RM_CONTENT_SIZE : 0;
	const uint8_t *pos = data;
	struct rm_hdr hdr = {
		.api = RM_HDR_API,
		.seq = seq,
		.id = id,
	};
	unsigned int i;

	for (i = 0; i <= nr_frags; i++) {
		size_t part = len < RM_CONTENT_SIZE ? len : RM_CONTENT_SIZE;
		struct rm_slot slot = { .len = RM_HDR_SIZE + part };

		hdr.type_frags = (i ? RM_TYPE_CONT : type) | nr_frags << 2;
		memcpy(slot.data, &hdr, sizeof(hdr));
		if (part)
			memcpy(slot.data + RM_HDR_SIZE, pos, part);
		send_one(&slot);
		pos += part;
		len -= part;
	}
}

void rm_push(const void *msg, size_t len)
{
	struct rm_slot slot = { .len = len };

	memcpy(slot.data, msg, len);
	send_one(&slot);
}

void rm_notify(uint32_t id, const void *data, size_t len)
{
	static uint16_t seq;
	struct gh_scenario s;

	if (core_scenario(GH_SCN_NOTIFICATION, id, &s))
		rm_send_as(&s, RM_TYPE_NOTIF, id, seq++, data, len);
	else
		rm_send(RM_TYPE_NOTIF, id, seq++, data, len);
}

/* Everything of the message is here. */
static void deliver(void)
{
	struct rm_req req = {
		.id = partial.id,
		.seq = partial.seq,
		.body = partial.buf,
		.len = partial.len,
	};

	partial.active = false;
	if (partial.type != RM_TYPE_REQUEST) {
		core_log("rm: message %x of type %u is not a request", partial.id, partial.type);
		return;
	}
	rm_handle(&req);
}

static void begin(const struct rm_hdr *hdr, const uint8_t *content, size_t len)
{
	if (partial.active)
		core_log("rm: request %x dropped, %u fragments missing", partial.id,
			 partial.missing);

	partial.active = true;
	partial.type = hdr->type_frags & 3;
	partial.nr_frags = hdr->type_frags >> 2;
	partial.missing = partial.nr_frags;
	partial.seq = hdr->seq;
	partial.id = hdr->id;
	partial.len = len;
	memcpy(partial.buf, content, len);
}

/* False if the fragment belongs to nothing. */
static bool append(const struct rm_hdr *hdr, const uint8_t *content, size_t len)
{
	if (!partial.active || hdr->id != partial.id || hdr->seq != partial.seq ||
	    hdr->type_frags >> 2 != partial.nr_frags)
		return false;

	/* Cannot overflow: at most nr_frags + 1 messages of RM_CONTENT_SIZE. */
	memcpy(partial.buf + partial.len, content, len);
	partial.len += len;
	partial.missing--;
	return true;
}

static void receive(const struct rm_slot *slot)
{
	const uint8_t *content = slot->data + RM_HDR_SIZE;
	struct rm_hdr hdr;
	size_t len;

	if (slot->len < RM_HDR_SIZE) {
		core_log("rm: message of %u bytes dropped", (unsigned int)slot->len);
		return;
	}
	memcpy(&hdr, slot->data, sizeof(hdr));
	len = slot->len - RM_HDR_SIZE;

	if (hdr.api != RM_HDR_API || hdr.type_frags >> 2 > RM_MAX_FRAGMENTS) {
		core_log("rm: message with header %x %x dropped", hdr.api, hdr.type_frags);
		return;
	}

	if ((hdr.type_frags & 3) != RM_TYPE_CONT) {
		begin(&hdr, content, len);
	} else if (!append(&hdr, content, len)) {
		core_log("rm: stray fragment of %x, seq %u, dropped", hdr.id, hdr.seq);
		return;
	}

	if (!partial.missing)
		deliver();
}

static void serve(void)
{
	while (tx.count && nr_late < RM_LATE_MAX) {
		/* The handler can not queue here, so the slot stays as it is. */
		receive(ring_pop(&tx));
	}

	if (tx_was_full && tx.count < RM_QUEUE_DEPTH) {
		tx_was_full = false;
		core_host_virq(tx_intid);
	}
}

int rm_msgq_send(const void *msg, size_t size, bool *not_full)
{
	struct rm_slot *slot;

	*not_full = false;
	if (!size || size > RM_MSG_SIZE)
		return GH_ERR_ARG_INVAL;
	if (tx.count == RM_QUEUE_DEPTH)
		return GH_ERR_MSGQ_FULL;

	slot = ring_push(&tx);
	slot->len = size;
	memcpy(slot->data, msg, size);
	serve();

	*not_full = tx.count < RM_QUEUE_DEPTH;
	/* Set after serving: a queue that was full only in between is no news. */
	tx_was_full = !*not_full;
	return GH_OK;
}

int rm_msgq_recv(void *buf, size_t max, size_t *size, bool *not_empty)
{
	struct rm_slot *slot;

	*size = 0;
	*not_empty = false;
	if (!rx.count)
		return GH_ERR_MSGQ_EMPTY;
	if (rx.slot[rx.head].len > max)
		return GH_ERR_ADDR_OVERFLOW;

	slot = ring_pop(&rx);
	*size = slot->len;
	memcpy(buf, slot->data, slot->len);

	rx_refill();
	serve();
	*not_empty = rx.count > 0;
	return GH_OK;
}

void rm_init(uint32_t tx_virq, uint32_t rx_virq)
{
	tx_intid = tx_virq;
	rx_intid = rx_virq;
}
