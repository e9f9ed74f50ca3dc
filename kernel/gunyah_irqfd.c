// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfd: a signal of an eventfd rings a doorbell, which interrupts the guest.
 *
 * The bell is rung from the eventfd's wait queue, in whatever context signalled it:
 * BELL_SEND is a fast hypercall that does not wait, so a work item would only add a
 * thread hop to each interrupt. It needs one lock, which protects the object.
 *
 * The eventfd's counter is not read and the wait is not exclusive, so other waiters
 * (a multishot poll, a thread) see each signal as if there was no irqfd.
 *
 * Level. The hypervisor does not tell the host when a guest ends an interrupt, so
 * there is nothing to resample with. What it offers is a bell that drops its line
 * by itself: it enables flag 0 alone and clears it when the guest was interrupted.
 * So each signal is one interrupt also on a line that the guest treats as level, and
 * a device that still wants attention signals again. Without GH_IRQFD_LEVEL the
 * bell is left as the hypervisor makes it, for lines that the guest treats as edges;
 * an irqfd that changed it changes it back, for the next one.
 *
 * Locks: the eventfd's wait queue lock, then ->lock. VM's resource lock, then ->lock.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include <linux/gunyah_vm_mgr.h>

static_assert(sizeof(struct gh_fn_irqfd_arg) == 16);
static_assert(offsetof(struct gh_fn_irqfd_arg, padding) == 12);

#define GH_IRQFD_FLAGS	GH_IRQFD_LEVEL
/* The one flag of a bell that is used. */
#define GH_IRQFD_BELL	BIT_ULL(0)
/* As a bell is made: all flags raise the interrupt, none is cleared by that. */
#define GH_IRQFD_ENABLE	U64_MAX
#define GH_IRQFD_ACK	0ULL

/**
 * struct gh_irqfd - an eventfd and the doorbell it rings
 * @ticket: claim on the doorbell
 * @ctx: the eventfd, owned: it and @wqh live as long as this
 * @wqh: its wait queue
 * @wait: our place in it
 * @poll: puts us there
 * @lock: @present to @missed
 * @present: there is a doorbell
 * @missed: signalled while there was none
 * @capid: the doorbell, valid while @present
 * @level: GH_IRQFD_LEVEL
 */
struct gh_irqfd {
	struct gunyah_vm_resource_ticket ticket;
	struct eventfd_ctx *ctx;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	poll_table poll;
	spinlock_t lock;	/* the doorbell */
	bool present;
	bool missed;
	u64 capid;
	bool level;
};

/* Any context. */
static void gh_irqfd_ring(struct gh_irqfd *irqfd)
{
	unsigned long flags;
	enum gh_error error;

	spin_lock_irqsave(&irqfd->lock, flags);
	if (irqfd->present) {
		error = gh_hypercall_bell_send(irqfd->capid, GH_IRQFD_BELL, NULL);
		if (error != GH_ERROR_OK)
			pr_warn_ratelimited("gunyah_irqfd: doorbell %u: %d\n",
					    irqfd->ticket.label, gh_error_to_errno(error));
	} else {
		irqfd->missed = true;
	}
	spin_unlock_irqrestore(&irqfd->lock, flags);
}

/* Under the wait queue's lock. */
static int gh_irqfd_signalled(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	if (key_to_poll(key) & EPOLLIN)
		gh_irqfd_ring(container_of(wait, struct gh_irqfd, wait));

	return 0;
}

static void gh_irqfd_join(struct file *file, wait_queue_head_t *wqh, poll_table *poll)
{
	struct gh_irqfd *irqfd = container_of(poll, struct gh_irqfd, poll);

	irqfd->wqh = wqh;
	add_wait_queue(wqh, &irqfd->wait);
}

/* ---- the doorbell ----------------------------------------------------------------- */

static int gh_irqfd_populate(struct gunyah_vm_resource_ticket *ticket,
			     struct gunyah_resource *ghrsc)
{
	struct gh_irqfd *irqfd = container_of(ticket, struct gh_irqfd, ticket);
	enum gh_error error;
	bool missed;

	if (irqfd->present)
		return -EEXIST;
	if (irqfd->level) {
		error = gh_hypercall_bell_set_mask(ghrsc->capid, GH_IRQFD_BELL, GH_IRQFD_BELL);
		if (error != GH_ERROR_OK) {
			pr_warn_ratelimited("gunyah_irqfd: mask of doorbell %u: %d\n",
					    ticket->label, error);
			return -EIO;
		}
	}

	spin_lock_irq(&irqfd->lock);
	irqfd->capid = ghrsc->capid;
	irqfd->present = true;
	missed = irqfd->missed;
	irqfd->missed = false;
	spin_unlock_irq(&irqfd->lock);
	if (missed)
		gh_irqfd_ring(irqfd);

	return 0;
}

/* After this nobody is in a hypercall with the doorbell, nor will be. */
static void gh_irqfd_unpopulate(struct gunyah_vm_resource_ticket *ticket,
				struct gunyah_resource *ghrsc)
{
	struct gh_irqfd *irqfd = container_of(ticket, struct gh_irqfd, ticket);

	enum gh_error error = GH_ERROR_OK;

	spin_lock_irq(&irqfd->lock);
	irqfd->present = false;
	irqfd->capid = 0;
	spin_unlock_irq(&irqfd->lock);
	if (irqfd->level)
		error = gh_hypercall_bell_set_mask(ghrsc->capid, GH_IRQFD_ENABLE, GH_IRQFD_ACK);
	if (error != GH_ERROR_OK)
		pr_warn_ratelimited("gunyah_irqfd: mask of doorbell %u stays: %d\n",
				    ticket->label, error);
}

/* ---- the VM function ---------------------------------------------------------------- */

static struct gh_irqfd *gh_irqfd_alloc(const struct gh_fn_irqfd_arg *arg)
{
	struct gh_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);

	if (!irqfd)
		return NULL;

	spin_lock_init(&irqfd->lock);
	irqfd->level = arg->flags & GH_IRQFD_LEVEL;
	init_waitqueue_func_entry(&irqfd->wait, gh_irqfd_signalled);
	init_poll_funcptr(&irqfd->poll, gh_irqfd_join);
	irqfd->ticket = (struct gunyah_vm_resource_ticket){
		.resource_type	= GUNYAH_RESOURCE_TYPE_BELL_TX,
		.label		= arg->label,
		.owner		= THIS_MODULE,
		.populate	= gh_irqfd_populate,
		.unpopulate	= gh_irqfd_unpopulate,
	};

	return irqfd;
}

/* The wait queue of an eventfd lives as long as its context, not as its file. */
static int gh_irqfd_attach(struct gh_irqfd *irqfd, u32 fd)
{
	struct file *file = eventfd_fget(fd);

	if (IS_ERR(file))
		return PTR_ERR(file);
	irqfd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->ctx)) {
		fput(file);
		return PTR_ERR(irqfd->ctx);
	}
	/* A signal that came before us is as good as one that comes now. */
	if (vfs_poll(file, &irqfd->poll) & EPOLLIN)
		gh_irqfd_ring(irqfd);
	fput(file);

	return 0;
}

static void gh_irqfd_detach(struct gh_irqfd *irqfd)
{
	remove_wait_queue(irqfd->wqh, &irqfd->wait);
	eventfd_ctx_put(irqfd->ctx);
}

static long gh_irqfd_bind(struct gunyah_vm_function_instance *f)
{
	const struct gh_fn_irqfd_arg *arg = f->arg;
	struct gh_irqfd *irqfd;
	int ret;

	if (arg->flags & ~GH_IRQFD_FLAGS || arg->padding)
		return -EINVAL;
	irqfd = gh_irqfd_alloc(arg);
	if (!irqfd)
		return -ENOMEM;

	ret = gh_irqfd_attach(irqfd, arg->fd);
	if (ret)
		goto err_free;
	ret = gunyah_vm_add_resource_ticket(f->ghvm, &irqfd->ticket);
	if (ret)
		goto err_detach;
	f->data = irqfd;

	return 0;

err_detach:
	gh_irqfd_detach(irqfd);
err_free:
	kfree(irqfd);
	return ret;
}

static void gh_irqfd_unbind(struct gunyah_vm_function_instance *f)
{
	struct gh_irqfd *irqfd = f->data;

	gh_irqfd_detach(irqfd);
	gunyah_vm_remove_resource_ticket(f->ghvm, &irqfd->ticket);
	kfree(irqfd);
}

static bool gh_irqfd_compare(const struct gunyah_vm_function_instance *f, const void *data,
			     u32 size)
{
	const struct gh_fn_irqfd_arg *arg = data;
	const struct gh_fn_irqfd_arg *mine = f->arg;

	return arg->label == mine->label;
}

static struct gunyah_vm_function gh_irqfd_function = {
	.type		= GH_FN_IRQFD,
	.name		= "irqfd",
	.mod		= THIS_MODULE,
	.arg_size	= sizeof(struct gh_fn_irqfd_arg),
	.name_arg_size	= offsetof(struct gh_fn_irqfd_arg, padding),
	.bind		= gh_irqfd_bind,
	.unbind		= gh_irqfd_unbind,
	.compare	= gh_irqfd_compare,
};

static int __init gh_irqfd_init(void)
{
	return gunyah_vm_function_register(&gh_irqfd_function);
}
module_init(gh_irqfd_init);

static void __exit gh_irqfd_exit(void)
{
	gunyah_vm_function_unregister(&gh_irqfd_function);
}
module_exit(gh_irqfd_exit);

MODULE_ALIAS_GUNYAH_VM_FUNCTION(GH_FN_IRQFD);
MODULE_ALIAS("ghfunc:irqfd");
MODULE_DESCRIPTION("Gunyah irqfd");
MODULE_LICENSE("GPL");
