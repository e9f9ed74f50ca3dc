// SPDX-License-Identifier: GPL-2.0-only
/*
 * The resource manager: platform driver and transport.
 *
 * A request goes out in messages of at most 240 bytes, its reply comes back the
 * same way. One request is in flight at a time, for the RM serves one after the
 * other anyway. Notifications come in between, in the order of what they tell:
 * a VM_STATUS precedes the reply of the request that caused it, so whoever has
 * the reply has the status.
 *
 * Locks, in this order:
 *   call_lock  one request and its reply, the send buffer, the RM's health.
 *              Its holder waits for the RM, at most gh_rm_timeout().
 *   rx_lock    the receiving side: the receive buffer and what is being put
 *              together. Held while notifications are handed to the VM manager,
 *              which takes its table's lock and the VM's state lock under it.
 *   irq_lock   (rsc_mgr_irq.c) the table of VIRQs. Independent of the others.
 *
 * Waits are uninterruptible but bounded. A caller that were killed in the middle
 * would leave the VM in a state that the host does not know, and a VM in an
 * unknown state can neither be reset nor be deallocated.
 *
 * After a timeout the RM is asked for the host's own number. If it answers, one
 * reply was lost, and only the caller's VM has to find out what became of its request.
 * If not, the RM counts as dead, and every later call fails at once.
 */
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "rsc_mgr.h"
#include "gunyah_vm_trace.h"

#define GH_RM_TIMEOUT_MS	20000
#define GH_RM_TIMEOUT_MIN_MS	100
#define GH_RM_TIMEOUT_MAX_MS	100000
/* For a sign of life behind a reply that did not come. */
#define GH_RM_PROBE_MS		2000

/* Messages taken in at a time: a queue holds 8, and the RM some more. */
#define GH_RM_DRAIN_MAX		1024
/* After an error, or so many, the queue is looked at again: first and at last. */
#define GH_RM_AGAIN_MIN_MS	10
#define GH_RM_AGAIN_MAX_MS	1000

static unsigned int rpc_timeout_ms = GH_RM_TIMEOUT_MS;
module_param(rpc_timeout_ms, uint, 0644);
MODULE_PARM_DESC(rpc_timeout_ms, "how long the resource manager may take to answer");

unsigned long gh_rm_timeout(void)
{
	return msecs_to_jiffies(clamp_t(unsigned int, READ_ONCE(rpc_timeout_ms),
					GH_RM_TIMEOUT_MIN_MS, GH_RM_TIMEOUT_MAX_MS));
}

void gh_rm_drop(struct gh_rm *rm, const char *what, u32 msg_id)
{
	int n = atomic_inc_return(&rm->dropped);

	dev_warn_ratelimited(rm->dev, "dropped %s %#x (%d dropped so far)\n", what, msg_id, n);
}

/* ---- receive ---------------------------------------------------------------- */

static void gh_rm_receive(struct gh_rm *rm, size_t size)
{
	u32 msg_id = size >= GH_RM_HDR_SIZE ? get_unaligned_le32(rm->rx_buf + 4) : 0;

	switch (gh_rm_rx_message(&rm->rx, rm->rx_buf, size)) {
	case GH_RM_RX_PARTIAL:
		break;
	case GH_RM_RX_REPLY:
		complete(&rm->reply_done);
		break;
	case GH_RM_RX_BROKEN_REPLY:
		gh_rm_drop(rm, "broken reply", msg_id);
		rm->reply_broken = true;
		complete(&rm->reply_done);
		break;
	case GH_RM_RX_NOTIFICATION:
		gh_vm_notification(rm, rm->rx.notif.msg_id, rm->rx.notif.buf, rm->rx.notif.size);
		break;
	case GH_RM_RX_MALFORMED:
		gh_rm_drop(rm, "malformed message", msg_id);
		break;
	case GH_RM_RX_UNEXPECTED:
		gh_rm_drop(rm, "unexpected message", msg_id);
		break;
	}
}

/*
 * Under rx_lock. The interrupt says that the queue is not empty any more, once: what is
 * left in it would stay there, and with it the end of a VM.
 */
static void gh_rm_drain_again(struct gh_rm *rm)
{
	schedule_delayed_work(&rm->rx_again, msecs_to_jiffies(rm->rx_delay_ms));
	rm->rx_delay_ms = min(2 * rm->rx_delay_ms, GH_RM_AGAIN_MAX_MS);
}

/* Takes in what is in the queue, but not for ever, should it say that it never ends. */
static void gh_rm_drain(struct gh_rm *rm)
{
	unsigned int left = GH_RM_DRAIN_MAX;
	bool more = true, empty = false;
	size_t size;
	enum gh_error error;

	mutex_lock(&rm->rx_lock);
	while (!empty && left-- && READ_ONCE(rm->health) != GH_RM_GONE) {
		error = gh_hypercall_msgq_recv(rm->rx_capid, rm->rx_buf, GH_RM_MSG_SIZE,
					       &size, &more);
		if (error == GH_ERROR_MSGQUEUE_EMPTY) {
			empty = true;
			break;
		}
		if (error != GH_ERROR_OK) {
			/* Once, and not at each time that it is tried again. */
			if (rm->rx_delay_ms == GH_RM_AGAIN_MIN_MS)
				dev_err_ratelimited(rm->dev, "receive failed: %d\n", error);
			break;
		}
		gh_rm_receive(rm, size);
		empty = !more;
		cond_resched();
	}
	if (empty)
		rm->rx_delay_ms = GH_RM_AGAIN_MIN_MS;
	else if (READ_ONCE(rm->health) != GH_RM_GONE)
		gh_rm_drain_again(rm);
	mutex_unlock(&rm->rx_lock);
}

static void gh_rm_rx_work(struct work_struct *work)
{
	gh_rm_drain(container_of(work, struct gh_rm, rx_again.work));
}

static irqreturn_t gh_rm_rx_irq(int irq, void *data)
{
	return IRQ_WAKE_THREAD;
}

static irqreturn_t gh_rm_rx_thread(int irq, void *data)
{
	gh_rm_drain(data);

	return IRQ_HANDLED;
}

static irqreturn_t gh_rm_tx_irq(int irq, void *data)
{
	struct gh_rm *rm = data;

	complete(&rm->tx_room);

	return IRQ_HANDLED;
}

/* ---- send and wait ------------------------------------------------------------ */

/* Jiffies left until @deadline, at most one second, 0 if it is over. */
static unsigned long gh_rm_left(unsigned long deadline)
{
	long left = deadline - jiffies;

	return clamp_t(long, left, 0, HZ);
}

/*
 * Sends the message in tx_buf. Waits when the queue is full; looks again every
 * second, because the interrupt that says there is room is only an edge.
 */
static int gh_rm_send(struct gh_rm *rm, size_t size, u64 flags, unsigned long deadline)
{
	unsigned long left;
	enum gh_error error;
	bool room;

	for (;;) {
		reinit_completion(&rm->tx_room);
		error = gh_hypercall_msgq_send(rm->tx_capid, size, rm->tx_buf, flags, &room);
		if (error != GH_ERROR_MSGQUEUE_FULL && error != GH_ERROR_RETRY)
			break;
		left = gh_rm_left(deadline);
		if (!left)
			return -ETIMEDOUT;
		if (error == GH_ERROR_RETRY)
			schedule_timeout_uninterruptible(1);
		else
			wait_for_completion_timeout(&rm->tx_room, left);
	}

	if (error == GH_ERROR_OK)
		return 0;
	dev_err_ratelimited(rm->dev, "send failed: %d\n", error);

	/* Not what the caller asked for, so the code says nothing to him. */
	return -EIO;
}

/*
 * The queue is looked at once a second even without an interrupt: a lost one
 * costs a second, not the RM.
 */
static int gh_rm_wait_reply(struct gh_rm *rm, unsigned long deadline)
{
	unsigned long left;

	do {
		left = gh_rm_left(deadline);
		if (wait_for_completion_timeout(&rm->reply_done, left))
			return 0;
		gh_rm_drain(rm);
	} while (left);

	return try_wait_for_completion(&rm->reply_done) ? 0 : -ETIMEDOUT;
}

/* Only the words that the RM's protocol defines get through. */
static enum gh_rm_error gh_rm_error_from_word(u32 word)
{
	if (word <= GH_RM_ERROR_VM_STATE || word == (u32)GH_RM_ERROR_UNIMPLEMENTED)
		return (enum gh_rm_error)(s32)word;

	return GH_RM_ERROR_UNKNOWN;
}

/* Copies the reply out of the receive buffer; -EPROTO if it is not one, or -ENOMEM. */
static int gh_rm_take_reply(struct gh_rm *rm, struct gh_rm_reply *reply)
{
	const struct gh_rm_assembly *as = &rm->rx.reply;

	if (rm->reply_broken || as->size < sizeof(u32))
		return -EPROTO;

	reply->error = gh_rm_error_from_word(get_unaligned_le32(as->buf));
	reply->size = as->size - sizeof(u32);
	reply->payload = NULL;
	if (reply->buf) {
		memcpy(reply->buf, as->buf + sizeof(u32), min(reply->size, reply->room));
		return 0;
	}
	if (!reply->size)
		return 0;

	reply->payload = kvmemdup(as->buf + sizeof(u32), reply->size, GFP_KERNEL);

	return reply->payload ? 0 : -ENOMEM;
}

static int gh_rm_transact(struct gh_rm *rm, struct gh_rm_tx *tx, struct gh_rm_reply *reply,
			  unsigned long timeout)
{
	unsigned long deadline = jiffies + timeout;
	size_t size;
	int ret = 0;

	mutex_lock(&rm->rx_lock);
	gh_rm_rx_expect(&rm->rx, tx->msg_id, tx->seq);
	rm->reply_broken = false;
	reinit_completion(&rm->reply_done);
	mutex_unlock(&rm->rx_lock);

	while (!ret && (size = gh_rm_tx_next(tx, rm->tx_buf)))
		ret = gh_rm_send(rm, size, gh_rm_tx_done(tx) ? GH_MSGQ_TX_PUSH : 0, deadline);
	if (!ret)
		ret = gh_rm_wait_reply(rm, deadline);

	mutex_lock(&rm->rx_lock);
	if (!ret)
		ret = gh_rm_take_reply(rm, reply);
	gh_rm_rx_forget(&rm->rx);
	mutex_unlock(&rm->rx_lock);

	return ret;
}

/* Under call_lock: whether the RM answers a request that changes nothing. */
static bool gh_rm_lives(struct gh_rm *rm)
{
	u32 vmid;
	struct gh_rm_reply reply = { .buf = &vmid, .room = sizeof(vmid) };
	struct gh_rm_tx tx;

	return !gh_rm_tx_init(&tx, GH_CALL_GET_VMID, rm->next_seq++, NULL, 0) &&
	       !gh_rm_transact(rm, &tx, &reply, msecs_to_jiffies(GH_RM_PROBE_MS));
}

/**
 * gh_rm_call() - send a request and wait for its reply
 * @rm: the RM
 * @msg_id: the call
 * @req: the request, little-endian, may be NULL if @size is 0
 * @size: of @req
 * @reply: where to put the reply, which is valid if 0 is returned
 *
 * Return: 0 if the RM answered, be it with an error; -ENODEV if the RM is dead,
 * -ETIMEDOUT if it just died, -EPROTO if its reply is unusable or was lost, -ENOMEM if
 * a reply without a buffer cannot be kept, or what sending returned. After -ETIMEDOUT
 * and -EPROTO it is unknown what the RM did.
 */
int gh_rm_call(struct gh_rm *rm, u32 msg_id, const void *req, size_t size,
	       struct gh_rm_reply *reply)
{
	struct gh_rm_tx tx;
	int ret;

	might_sleep();
	mutex_lock(&rm->call_lock);
	if (rm->health != GH_RM_ALIVE) {
		ret = -ENODEV;
		goto out;
	}

	ret = gh_rm_tx_init(&tx, msg_id, rm->next_seq, req, size);
	if (ret)
		goto out;
	rm->next_seq++;

	ret = gh_rm_transact(rm, &tx, reply, gh_rm_timeout());
	if (ret != -ETIMEDOUT)
		goto out;
	if (gh_rm_lives(rm)) {
		ret = -EPROTO;
		dev_err_ratelimited(rm->dev, "no answer to %#x\n", msg_id);
	} else {
		WRITE_ONCE(rm->health, GH_RM_DEAD);
		dev_err(rm->dev, "no answer to %#x: the resource manager counts as dead\n",
			msg_id);
	}
out:
	mutex_unlock(&rm->call_lock);
	trace_gh_rm_call(msg_id, ret, ret ? 0 : reply->error);

	return ret;
}

/* ---- driver ------------------------------------------------------------------- */

static void gh_rm_free_buffers(struct gh_rm *rm)
{
	kvfree(rm->rx.notif.buf);
	kvfree(rm->rx.reply.buf);
	kfree(rm->rx_buf);
	kfree(rm->tx_buf);
}

static int gh_rm_alloc_buffers(struct gh_rm *rm)
{
	void *reply = kvmalloc(GH_RM_PAYLOAD_SIZE, GFP_KERNEL);
	void *notif = kvmalloc(GH_RM_PAYLOAD_SIZE, GFP_KERNEL);

	gh_rm_rx_init(&rm->rx, reply, notif);
	/* The hypervisor gets the addresses of these two: linear map only. */
	rm->tx_buf = kzalloc(GH_RM_MSG_SIZE, GFP_KERNEL);
	rm->rx_buf = kzalloc(GH_RM_MSG_SIZE, GFP_KERNEL);
	if (reply && notif && rm->tx_buf && rm->rx_buf)
		return 0;

	gh_rm_free_buffers(rm);

	return -ENOMEM;
}

static void gh_rm_release(struct kref *ref)
{
	struct gh_rm *rm = container_of(ref, struct gh_rm, ref);

	gh_rm_free_buffers(rm);
	put_device(rm->dev);
	kfree(rm);
}

struct gh_rm *gh_rm_get(struct gh_rm *rm)
{
	kref_get(&rm->ref);

	return rm;
}

void gh_rm_put(struct gh_rm *rm)
{
	kref_put(&rm->ref, gh_rm_release);
}

static struct gh_rm *gh_rm_alloc(struct device *dev)
{
	struct gh_rm *rm = kzalloc(sizeof(*rm), GFP_KERNEL);

	if (!rm)
		return NULL;
	if (gh_rm_alloc_buffers(rm)) {
		kfree(rm);
		return NULL;
	}

	kref_init(&rm->ref);
	mutex_init(&rm->call_lock);
	mutex_init(&rm->rx_lock);
	init_completion(&rm->tx_room);
	init_completion(&rm->reply_done);
	INIT_DELAYED_WORK(&rm->rx_again, gh_rm_rx_work);
	rm->rx_delay_ms = GH_RM_AGAIN_MIN_MS;
	rm->dev = get_device(dev);

	return rm;
}

/* The node names the two queues, send first, and their interrupts. */
static int gh_rm_read_node(struct gh_rm *rm, struct platform_device *pdev)
{
	struct device_node *np = pdev->dev.of_node;
	int ret;

	ret = of_property_read_u64_index(np, "reg", 0, &rm->tx_capid);
	if (ret)
		return ret;
	ret = of_property_read_u64_index(np, "reg", 1, &rm->rx_capid);
	if (ret)
		return ret;

	rm->tx_irq = platform_get_irq(pdev, 0);
	if (rm->tx_irq < 0)
		return rm->tx_irq;
	rm->rx_irq = platform_get_irq(pdev, 1);

	return rm->rx_irq < 0 ? rm->rx_irq : 0;
}

/* The irqs are free: nothing but the work itself has it come again, and health ends that. */
static void gh_rm_stop_receiving(struct gh_rm *rm)
{
	mutex_lock(&rm->call_lock);
	WRITE_ONCE(rm->health, GH_RM_GONE);
	mutex_unlock(&rm->call_lock);

	free_irq(rm->rx_irq, rm);
	free_irq(rm->tx_irq, rm);
	cancel_delayed_work_sync(&rm->rx_again);
}

static int gh_rm_connect(struct gh_rm *rm)
{
	int ret;

	ret = request_irq(rm->tx_irq, gh_rm_tx_irq, 0, "gunyah-rm-tx", rm);
	if (ret)
		return ret;
	ret = request_threaded_irq(rm->rx_irq, gh_rm_rx_irq, gh_rm_rx_thread, 0, "gunyah-rm-rx",
				   rm);
	if (ret)
		goto err_tx;

	/* What an earlier driver left behind raises no interrupt any more. */
	gh_rm_drain(rm);

	ret = gh_rm_get_vmid(rm, &rm->vmid);
	if (ret) {
		dev_err(rm->dev, "the resource manager does not answer: %d\n", ret);
		gh_rm_stop_receiving(rm);
		return ret;
	}

	return 0;

err_tx:
	free_irq(rm->tx_irq, rm);
	return ret;
}

/* There is one RM, and one /dev/gunyah: bit 0 is set while a driver has it. */
static unsigned long gh_rm_claimed;

static int gh_rm_register_misc(struct gh_rm *rm)
{
	rm->misc.parent = rm->dev;
	rm->misc.name = "gunyah";
	rm->misc.minor = MISC_DYNAMIC_MINOR;
	rm->misc.fops = &gh_dev_fops;
	rm->misc.mode = 0600;

	return misc_register(&rm->misc);
}

static int gh_rm_probe(struct platform_device *pdev)
{
	struct gh_hyp_identify id;
	struct gh_rm *rm;
	int ret;

	gh_hypercall_identify(&id);
	if (!(id.flags[0] & GH_FEATURE_MSGQUEUE))
		return dev_err_probe(&pdev->dev, -ENODEV, "no message queues\n");
	if (test_and_set_bit(0, &gh_rm_claimed))
		return -EBUSY;

	ret = -ENOMEM;
	rm = gh_rm_alloc(&pdev->dev);
	if (!rm)
		goto err_unclaim;

	ret = gh_rm_read_node(rm, pdev);
	if (ret) {
		dev_err_probe(&pdev->dev, ret, "bad device tree node\n");
		goto err_put;
	}
	ret = gh_rm_irq_init(rm);
	if (ret)
		goto err_put;
	ret = gh_rm_connect(rm);
	if (ret)
		goto err_irq;

	ret = gh_rm_register_misc(rm);
	if (ret)
		goto err_disconnect;

	platform_set_drvdata(pdev, rm);
	return 0;

err_disconnect:
	gh_rm_stop_receiving(rm);
err_irq:
	gh_rm_irq_exit(rm);
err_put:
	gh_rm_put(rm);
err_unclaim:
	clear_bit(0, &gh_rm_claimed);
	return ret;
}

/*
 * Open files pin the module and unbinding by hand is suppressed, so that no VM
 * is left when the driver goes.
 */
static void gh_rm_remove(struct platform_device *pdev)
{
	struct gh_rm *rm = platform_get_drvdata(pdev);

	misc_deregister(&rm->misc);
	gh_rm_stop_receiving(rm);
	gh_rm_irq_exit(rm);
	gh_rm_put(rm);
	clear_bit(0, &gh_rm_claimed);
}

static const struct of_device_id gh_rm_of_match[] = {
	{ .compatible = "gunyah-resource-manager" },
	{}
};
MODULE_DEVICE_TABLE(of, gh_rm_of_match);

static struct platform_driver gh_rm_driver = {
	.probe = gh_rm_probe,
	.remove = gh_rm_remove,
	.driver = {
		.name = "gunyah-resource-manager",
		.of_match_table = gh_rm_of_match,
		.suppress_bind_attrs = true,
	},
};

/* Owned: the device, where the parent's bus did not make one. */
static struct platform_device *gh_rm_own_pdev;

static int __init gh_rm_create_device(void)
{
	struct device_node *np = of_find_matching_node(NULL, gh_rm_of_match);
	struct platform_device *pdev;
	int ret = 0;

	if (!np)
		return -ENODEV;

	pdev = of_find_device_by_node(np);
	if (pdev) {
		put_device(&pdev->dev);
		goto out;
	}

	gh_rm_own_pdev = of_platform_device_create(np, NULL, NULL);
	if (!gh_rm_own_pdev)
		ret = -ENODEV;
out:
	of_node_put(np);

	return ret;
}

static int __init gh_rm_init(void)
{
	int ret;

	ret = gh_rm_create_device();
	if (ret)
		return ret;
	/* Before there can be a VM. */
	gh_debugfs_init();
	ret = platform_driver_register(&gh_rm_driver);
	if (!ret)
		return 0;
	gh_debugfs_exit();
	if (gh_rm_own_pdev)
		of_platform_device_destroy(&gh_rm_own_pdev->dev, NULL);

	return ret;
}

static void __exit gh_rm_exit(void)
{
	platform_driver_unregister(&gh_rm_driver);
	if (gh_rm_own_pdev)
		of_platform_device_destroy(&gh_rm_own_pdev->dev, NULL);
	gh_debugfs_exit();
}

module_init(gh_rm_init);
module_exit(gh_rm_exit);

MODULE_DESCRIPTION("Gunyah resource manager and virtual machines");
MODULE_LICENSE("GPL");
