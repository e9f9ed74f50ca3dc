// SPDX-License-Identifier: GPL-2.0-only
/* The resource manager's two message queues, and what comes out of them. */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "conf.h"

#define MSG_SIZE	240
#define HDR_SIZE	8
#define HDR_API		0x21
#define TYPE_CONT	0
#define TYPE_REQUEST	1
#define TYPE_REPLY	2
#define TYPE_NOTIF	3
#define MSGQ_PUSH	1
#define REPLY_MS	5000

#define NOTIF_EXITED	0x56100001
#define NOTIF_STATUS	0x56100008
#define STATUS_RESET	11

u8 conf_reply[CONF_MAX_REPLY];
size_t conf_reply_len;
struct conf_seen conf_seen;

static u64 tx_cap, rx_cap;
static int tx_irq, rx_irq;
static atomic_t tx_count, rx_count;
static DECLARE_COMPLETION(rx_arrived);
static u8 *buf;
static u16 next_seq;

/* The reply being waited for, and what of it has come. */
static u32 wait_id;
static u16 wait_seq;
static unsigned int missing;
static bool replied;

static irqreturn_t on_tx(int irq, void *data)
{
	atomic_inc(&tx_count);
	return IRQ_HANDLED;
}

static irqreturn_t on_rx(int irq, void *data)
{
	atomic_inc(&rx_count);
	complete(&rx_arrived);
	return IRQ_HANDLED;
}

static u64 msgq_recv(size_t *size)
{
	const struct conf_regs args = { .x = { rx_cap, (u64)buf, MSG_SIZE } };
	struct conf_regs res;

	conf_hvc(HVC_MSGQ_RECV, &args, &res);
	*size = res.x[1];
	return res.x[0];
}

static void on_notif(u32 id, const u8 *data, size_t len)
{
	conf_log("  notif 0x%x len %zu:", id, len);
	conf_log_bytes(data, len, 32);
	if (id == NOTIF_EXITED && len >= 4) {
		conf_seen.exited = true;
		conf_seen.exit_type = get_unaligned_le16(data + 2);
	}
	if (id == NOTIF_STATUS && len >= 5 && data[4] == STATUS_RESET)
		conf_seen.reset = true;
}

static void on_reply(u8 type_frags, const u8 *data, size_t len)
{
	if ((type_frags & 3) == TYPE_REPLY) {
		conf_reply_len = 0;
		missing = (type_frags >> 2) + 1;
	}
	if (!missing || conf_reply_len + len > sizeof(conf_reply)) {
		conf_log("  bad fragment\n");
		return;
	}
	memcpy(conf_reply + conf_reply_len, data, len);
	conf_reply_len += len;
	replied = !--missing;
}

/* One message, or false when there is none. */
static bool take(void)
{
	size_t size;
	u8 type;
	u16 seq;
	u32 id;
	u64 err;

	err = msgq_recv(&size);
	if (err == GH_MSGQ_EMPTY)
		return false;
	if (err || size < HDR_SIZE || size > MSG_SIZE || buf[0] != HDR_API) {
		conf_log("  bad message: err %llu size %zu\n", err, size);
		return false;
	}
	type = buf[1] & 3;
	seq = get_unaligned_le16(buf + 2);
	id = get_unaligned_le32(buf + 4);
	if (type == TYPE_NOTIF)
		on_notif(id, buf + HDR_SIZE, size - HDR_SIZE);
	else if (type != TYPE_REQUEST && id == wait_id && seq == wait_seq)
		on_reply(buf[1], buf + HDR_SIZE, size - HDR_SIZE);
	else
		conf_log("  stray message type %u id 0x%x\n", type, id);
	return true;
}

void conf_drain(void)
{
	while (take())
		;
}

void conf_forget(void)
{
	memset(&conf_seen, 0, sizeof(conf_seen));
}

bool conf_wait(const bool *flag, unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);

	for (;;) {
		/* No further than needed: what follows belongs to later lines. */
		while (!*flag && take())
			;
		if (*flag)
			return true;
		if (time_after(jiffies, end))
			return false;
		wait_for_completion_timeout(&rx_arrived, msecs_to_jiffies(20));
	}
}

static u64 send(u8 type, u8 frags, u32 id, const void *content, size_t len)
{
	struct conf_regs args = { .x = { tx_cap, HDR_SIZE + len, (u64)buf, MSGQ_PUSH } };
	struct conf_regs res;

	buf[0] = HDR_API;
	buf[1] = type | frags << 2;
	put_unaligned_le16(wait_seq, buf + 2);
	put_unaligned_le32(id, buf + 4);
	memcpy(buf + HDR_SIZE, content, len);
	conf_hvc(HVC_MSGQ_SEND, &args, &res);
	return res.x[0];
}

static u64 send_request(u32 id, const u8 *body, size_t len)
{
	size_t max = MSG_SIZE - HDR_SIZE;
	u8 frags = len ? (len - 1) / max : 0;
	u8 type = TYPE_REQUEST;
	size_t part;
	u64 err;

	do {
		part = min(len, max);
		err = send(type, frags, id, body, part);
		if (err)
			return err;
		type = TYPE_CONT;
		body += part;
		len -= part;
	} while (len);
	return 0;
}

int conf_rpc(u32 id, const void *body, size_t len)
{
	size_t size;
	u32 rm_err;
	u64 err;

	wait_id = id;
	wait_seq = next_seq++;
	replied = false;
	missing = 0;

	err = send_request(id, body, len);
	if (err) {
		conf_log("rpc 0x%x (%zu bytes) -> not sent, error %llu\n", id, len, err);
		return -EIO;
	}
	if (!conf_wait(&replied, REPLY_MS) || conf_reply_len < sizeof(rm_err)) {
		conf_log("rpc 0x%x (%zu bytes) -> no reply\n", id, len);
		return -ETIMEDOUT;
	}

	size = conf_reply_len;
	rm_err = get_unaligned_le32(conf_reply);
	conf_log("rpc 0x%x (%zu bytes) -> err %d, reply %zu bytes:", id, len, (int)rm_err, size);
	conf_log_bytes(conf_reply, size, 32);
	conf_reply_len -= sizeof(rm_err);
	memmove(conf_reply, conf_reply + sizeof(rm_err), conf_reply_len);
	return rm_err & S32_MAX;
}

void conf_rpc_facts(void)
{
	size_t size;

	conf_log("tx cap 0x%llx irq %d rx cap 0x%llx irq %d\n", tx_cap, tx_irq, rx_cap, rx_irq);
	conf_log("msgqueue_receive(bad cap) -> %llu\n", conf_hvc_msgq_recv(~0ULL, buf, MSG_SIZE));
	conf_log("msgqueue_receive(empty) -> %llu\n", msgq_recv(&size));
}

void conf_rpc_log_counts(void)
{
	conf_log("irq counts tx %d rx %d\n", atomic_read(&tx_count), atomic_read(&rx_count));
}

static int find_node(void)
{
	struct device_node *np;
	u64 caps[2] = { };
	int ret;

	np = of_find_compatible_node(NULL, NULL, "gunyah-resource-manager");
	if (!np)
		return -ENODEV;
	ret = of_property_read_u64_array(np, "reg", caps, ARRAY_SIZE(caps));
	tx_cap = caps[0];
	rx_cap = caps[1];
	tx_irq = irq_of_parse_and_map(np, 0);
	rx_irq = irq_of_parse_and_map(np, 1);
	of_node_put(np);
	return ret;
}

static void unmap_irqs(void)
{
	irq_dispose_mapping(rx_irq);
	irq_dispose_mapping(tx_irq);
}

int conf_rpc_init(void)
{
	int ret;

	ret = find_node();
	if (ret)
		goto err_unmap;
	buf = kzalloc(MSG_SIZE, GFP_KERNEL);
	if (!buf) {
		ret = -ENOMEM;
		goto err_unmap;
	}
	ret = request_irq(tx_irq, on_tx, 0, "gh_conf_tx", &tx_cap);
	if (ret)
		goto err_free;
	ret = request_irq(rx_irq, on_rx, 0, "gh_conf_rx", &rx_cap);
	if (ret)
		goto err_tx;
	return 0;

err_tx:
	free_irq(tx_irq, &tx_cap);
err_free:
	kfree(buf);
err_unmap:
	unmap_irqs();
	return ret;
}

void conf_rpc_exit(void)
{
	free_irq(rx_irq, &rx_cap);
	free_irq(tx_irq, &tx_cap);
	unmap_irqs();
	kfree(buf);
}
