// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioeventfd: a guest's write signals an eventfd, and the guest goes on.
 *
 * The vCPU that writes finds the handler under RCU and signals in place. A handler
 * that was removed may still be in use by such a write, so it goes, with its
 * reference to the eventfd, after a grace period; nobody waits for that.
 */
#include <linux/eventfd.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <linux/gunyah_vm_mgr.h>

static_assert(sizeof(struct gh_fn_ioeventfd_arg) == 32);
static_assert(offsetof(struct gh_fn_ioeventfd_arg, len) == 16);
static_assert(offsetof(struct gh_fn_ioeventfd_arg, flags) == 24);

#define GH_IOEVENTFD_FLAGS	GH_IOEVENTFD_DATAMATCH

/**
 * struct gh_ioeventfd - one address, and what it signals
 * @handler: in the VM's tree from bind to unbind
 * @ctx: the eventfd, owned
 * @rcu: frees it
 */
struct gh_ioeventfd {
	struct gunyah_vm_io_handler handler;
	struct eventfd_ctx *ctx;
	struct rcu_head rcu;
};

static int gh_ioeventfd_write(struct gunyah_vm_io_handler *handler, u32 len, u64 data)
{
	eventfd_signal(container_of(handler, struct gh_ioeventfd, handler)->ctx);

	return 0;
}

static int gh_ioeventfd_check(const struct gh_fn_ioeventfd_arg *arg)
{
	u64 end;

	if (arg->flags & ~GH_IOEVENTFD_FLAGS || arg->padding)
		return -EINVAL;

	switch (arg->len) {
	case 0:
		/* Which bytes of a value would have to match? */
		if (arg->flags & GH_IOEVENTFD_DATAMATCH)
			return -EINVAL;
		break;
	case 1:
	case 2:
	case 4:
	case 8:
		break;
	default:
		return -EINVAL;
	}

	return check_add_overflow(arg->addr, max(arg->len, 1U) - 1, &end) ? -EINVAL : 0;
}

/* What a guest can write with this length. */
static u64 gh_ioeventfd_value(const struct gh_fn_ioeventfd_arg *arg)
{
	return arg->len ? arg->datamatch & (U64_MAX >> (64 - 8 * arg->len)) : 0;
}

static long gh_ioeventfd_bind(struct gunyah_vm_function_instance *f)
{
	const struct gh_fn_ioeventfd_arg *arg = f->arg;
	struct gh_ioeventfd *io;
	int ret;

	ret = gh_ioeventfd_check(arg);
	if (ret)
		return ret;
	io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	if (!io)
		return -ENOMEM;
	io->ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(io->ctx)) {
		ret = PTR_ERR(io->ctx);
		goto err_free;
	}

	io->handler.addr = arg->addr;
	io->handler.len = arg->len;
	io->handler.match = arg->flags & GH_IOEVENTFD_DATAMATCH;
	io->handler.datamatch = gh_ioeventfd_value(arg);
	io->handler.write = gh_ioeventfd_write;
	ret = gunyah_vm_add_io_handler(f->ghvm, &io->handler);
	if (ret)
		goto err_put;
	f->data = io;

	return 0;

err_put:
	eventfd_ctx_put(io->ctx);
err_free:
	kfree(io);
	return ret;
}

static void gh_ioeventfd_free(struct rcu_head *rcu)
{
	struct gh_ioeventfd *io = container_of(rcu, struct gh_ioeventfd, rcu);

	eventfd_ctx_put(io->ctx);
	kfree(io);
}

static void gh_ioeventfd_unbind(struct gunyah_vm_function_instance *f)
{
	struct gh_ioeventfd *io = f->data;

	gunyah_vm_remove_io_handler(f->ghvm, &io->handler);
	call_rcu(&io->rcu, gh_ioeventfd_free);
}

/* The address, and what else is not zero. */
static bool gh_ioeventfd_compare(const struct gunyah_vm_function_instance *f, const void *data,
				 u32 size)
{
	const struct gh_fn_ioeventfd_arg *arg = data;
	const struct gh_fn_ioeventfd_arg *mine = f->arg;
	bool match = mine->flags & GH_IOEVENTFD_DATAMATCH;

	if (arg->addr != mine->addr || (arg->len && arg->len != mine->len))
		return false;
	if (!(arg->flags & GH_IOEVENTFD_DATAMATCH))
		return true;

	return match && !arg->len == !mine->len &&
	       gh_ioeventfd_value(arg) == gh_ioeventfd_value(mine);
}

static struct gunyah_vm_function gh_ioeventfd_function = {
	.type		= GH_FN_IOEVENTFD,
	.name		= "ioeventfd",
	.mod		= THIS_MODULE,
	.arg_size	= sizeof(struct gh_fn_ioeventfd_arg),
	.name_arg_size	= offsetof(struct gh_fn_ioeventfd_arg, padding),
	.bind		= gh_ioeventfd_bind,
	.unbind		= gh_ioeventfd_unbind,
	.compare	= gh_ioeventfd_compare,
};

static int __init gh_ioeventfd_init(void)
{
	return gunyah_vm_function_register(&gh_ioeventfd_function);
}
module_init(gh_ioeventfd_init);

static void __exit gh_ioeventfd_exit(void)
{
	gunyah_vm_function_unregister(&gh_ioeventfd_function);
	/* Callbacks that free are this module's code. */
	rcu_barrier();
}
module_exit(gh_ioeventfd_exit);

MODULE_ALIAS_GUNYAH_VM_FUNCTION(GH_FN_IOEVENTFD);
MODULE_ALIAS("ghfunc:ioeventfd");
MODULE_DESCRIPTION("Gunyah ioeventfd");
MODULE_LICENSE("GPL");
