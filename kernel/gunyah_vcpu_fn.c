// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vCPU as a VM function: what binds it to its VM, to the hypervisor's object,
 * to its interrupt, and to a file of user space.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_trace.h"

static_assert(sizeof(struct gh_vcpu_run) == 40);
static_assert(offsetof(struct gh_vcpu_run, exit_reason) == 8);
static_assert(offsetof(struct gh_vcpu_run, mmio.phys_addr) == 16);
static_assert(offsetof(struct gh_vcpu_run, mmio.data) == 24);
static_assert(offsetof(struct gh_vcpu_run, mmio.len) == 32);
static_assert(offsetof(struct gh_vcpu_run, mmio.is_write) == 36);
static_assert(offsetof(struct gh_vcpu_run, mmio.resume_action) == 37);
static_assert(offsetof(struct gh_vcpu_run, status.status) == 16);
static_assert(offsetof(struct gh_vcpu_run, status.exit_info.type) == 20);
static_assert(offsetof(struct gh_vcpu_run, status.exit_info.reason_size) == 24);
static_assert(offsetof(struct gh_vcpu_run, status.exit_info.reason) == 28);
static_assert(sizeof(struct gh_uring_run) == 16);
static_assert(offsetof(struct gunyah_vcpu, health) == offsetof(struct gunyah_vcpu, live));

/* ---- events from outside ------------------------------------------------------ */

/* Carries out what an event from outside asks for. */
void gh_vcpu_act(struct gunyah_vcpu *vcpu, enum gh_vcpu_action action)
{
	switch (action) {
	case GH_VCPU_ACT_COMPLETE:
		gh_vcpu_complete(vcpu);
		break;
	case GH_VCPU_ACT_WAKE_THREAD:
		rcuwait_wake_up(&vcpu->sleeper);
		break;
	case GH_VCPU_ACT_INTERRUPT:
		gh_clock_overdue(READ_ONCE(vcpu->cpu));
		break;
	case GH_VCPU_ACT_TELL:
		gh_vcpu_tell_board(vcpu);
		break;
	default:
		break;
	}
}

static void gh_vcpu_wake(struct gunyah_vcpu *vcpu)
{
	enum gh_vcpu_action action = gh_vcpu_event_from(vcpu, GH_VCPU_LEFT, GH_VCPU_EV_WAKE);

	/* Of many vCPUs, this is what most do. */
	if (likely(action == GH_VCPU_ACT_TELL))
		gh_vcpu_tell_board(vcpu);
	else
		gh_vcpu_act(vcpu, action);
}

void gh_vcpu_kick(struct gunyah_vcpu *vcpu)
{
	atomic64_inc(&vcpu->kicks);
	trace_gh_vcpu_kick(vcpu, atomic_read(&vcpu->state));
	gh_vcpu_act(vcpu, gh_vcpu_event(vcpu, GH_VCPU_EV_KICK));
	if (unlikely(READ_ONCE(vcpu->starter)))
		gh_vcpu_start_end(vcpu, GH_URING_EXIT_RUNNABLE);
}

void gh_vcpu_cancel(struct gunyah_vcpu *vcpu)
{
	atomic64_inc(&vcpu->kicks);
	trace_gh_vcpu_cancel(vcpu, atomic_read(&vcpu->state));
	gh_vcpu_act(vcpu, gh_vcpu_event(vcpu, GH_VCPU_EV_CANCEL));
	gh_vcpu_start_end(vcpu, -ECANCELED);
}

/* The hypervisor wants the vCPU run. The line may be shared by several vCPUs. */
static irqreturn_t gh_vcpu_irq(int irq, void *data)
{
	gh_vcpu_wake(data);
	return IRQ_HANDLED;
}

static void gh_vcpu_timeout(struct timer_list *timer)
{
	gh_vcpu_wake(container_of(timer, struct gunyah_vcpu, timer));
}

static int gh_vcpu_vm_changed(struct notifier_block *nb, unsigned long state, void *data)
{
	struct gunyah_vcpu *vcpu = container_of(nb, struct gunyah_vcpu, nb);

	WRITE_ONCE(vcpu->live, state == GUNYAH_VM_RUNNING);
	/* Who waits looks again, and finds that the VM has exited. */
	gh_vcpu_wake(vcpu);
	gh_vcpu_start_end(vcpu, GH_URING_EXIT_RUNNABLE);
	return NOTIFY_OK;
}

/* ---- life --------------------------------------------------------------------- */

static void gh_vcpu_free(struct kref *kref)
{
	struct gunyah_vcpu *vcpu = container_of(kref, struct gunyah_vcpu, kref);

	gh_vcpu_list_del(vcpu);
	timer_shutdown_sync(&vcpu->timer);
	free_page((unsigned long)vcpu->run);
	gunyah_vm_put(vcpu->ghvm);
	kfree(vcpu);
}

static void gh_vcpu_put(struct gunyah_vcpu *vcpu)
{
	kref_put(&vcpu->kref, gh_vcpu_free);
}

/* ---- the file ----------------------------------------------------------------- */

/*
 * GH_VCPU_RUN as ioctl. Programs of v8 need no VM_START: their first run does it. The
 * vCPU is not ours meanwhile, for the start gives it its object.
 */
static long gh_vcpu_run(struct gunyah_vcpu *vcpu)
{
	long ret = gh_vcpu_run_ioctl(vcpu);

	if (likely(ret != -ENODEV) || !vcpu->by_name || READ_ONCE(vcpu->removed))
		return ret;
	ret = gunyah_vm_start_first(vcpu->ghvm);
	return ret ?: gh_vcpu_run_ioctl(vcpu);
}

static long gh_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct gunyah_vcpu *vcpu = file->private_data;

	switch (cmd) {
	case GH_VCPU_RUN:
		return gh_vcpu_run(vcpu);
	case GH_VCPU_RUN_ONCE:
		return gh_vcpu_run_once(vcpu, arg);
	case GH_VCPU_MMAP_SIZE:
		return PAGE_SIZE;
	case GH_VCPU_KICK:
		gh_vcpu_kick(vcpu);
		return 0;
	case GH_VCPU_CANCEL:
		gh_vcpu_cancel(vcpu);
		return 0;
	case GH_VCPU_RUN_BATCH:
		return gh_vcpu_batch_ioctl((const void __user *)arg);
	case GH_VCPU_KICK_FD:
		return gh_vcpu_kick_fd(vcpu, (void __user *)arg);
	case GH_VCPU_NEW_BOARD:
		return gh_board_new((const void __user *)arg);
	case GH_VCPU_SET_BOARD:
		return gh_vcpu_set_board(vcpu, (const void __user *)arg);
	case GH_VCPU_STATS:
		return gh_vcpu_stats(vcpu, (void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int gh_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct gunyah_vcpu *vcpu = file->private_data;

	if (vma->vm_pgoff || vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP, VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
}

/*
 * A command holds the file, so release cannot end its park. The owner closing a
 * descriptor does; a copy that a child inherited says nothing.
 */
static int gh_vcpu_flush(struct file *file, fl_owner_t id)
{
	struct gunyah_vcpu *vcpu = file->private_data;

	if (current->mm == vcpu->mm) {
		/* For commands that were submitted and did not begin to run. */
		WRITE_ONCE(vcpu->closed, true);
		gh_vcpu_act(vcpu, gh_vcpu_event(vcpu, GH_VCPU_EV_CLOSE));
		gh_vcpu_start_end(vcpu, -ECANCELED);
	}
	return 0;
}

static int gh_vcpu_file_release(struct inode *inode, struct file *file)
{
	struct gunyah_vcpu *vcpu = file->private_data;

	gh_vcpu_kick_fd_exit(vcpu);
	gh_vcpu_board_exit(vcpu);
	/* Can be what stops the VM, and calls unbind. */
	gunyah_vm_drop(vcpu->ghvm);
	gh_vcpu_put(vcpu);
	return 0;
}

static void gh_vcpu_show_fdinfo(struct seq_file *m, struct file *file)
{
	gh_vcpu_show(m, file->private_data);
}

const struct file_operations gh_vcpu_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= gh_vcpu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.uring_cmd	= gh_vcpu_uring_cmd,
	.mmap		= gh_vcpu_mmap,
	.flush		= gh_vcpu_flush,
	.release	= gh_vcpu_file_release,
	.show_fdinfo	= gh_vcpu_show_fdinfo,
};

/* ---- the hypervisor object ---------------------------------------------------- */

static int gh_vcpu_populate(struct gunyah_vm_resource_ticket *ticket,
			    struct gunyah_resource *ghrsc)
{
	struct gunyah_vcpu *vcpu = container_of(ticket, struct gunyah_vcpu, ticket);
	int ret;

	if (vcpu->irq)
		return -EEXIST;
	/* Without a wake-up, the first wait would never end. */
	if (!ghrsc->irq)
		return -ENXIO;
	ret = request_irq(ghrsc->irq, gh_vcpu_irq, IRQF_SHARED | IRQF_TRIGGER_RISING,
			  "gh_vcpu", vcpu);
	if (ret)
		return ret;

	vcpu->irq = ghrsc->irq;
	vcpu->irq_wake = !enable_irq_wake(vcpu->irq);
	vcpu->capid = ghrsc->capid;
	vcpu->mm = gunyah_vm_mm(vcpu->ghvm);
	vcpu->pending = 0;
	vcpu->resume = 0;
	vcpu->gone = false;
	vcpu->broken = false;
	vcpu->stalled = false;
	vcpu->dying_since = 0;
	/* Published last: from here on it can be run. */
	gh_vcpu_event(vcpu, GH_VCPU_EV_UP);
	return 0;
}

static bool gh_vcpu_runner_out(struct gunyah_vcpu *vcpu)
{
	enum gh_vcpu_phase phase = gh_vcpu_phase(atomic_read(&vcpu->state));

	return phase != GH_VCPU_RUNNING && phase != GH_VCPU_ASLEEP;
}

static void gh_vcpu_unpopulate(struct gunyah_vm_resource_ticket *ticket,
			       struct gunyah_resource *ghrsc)
{
	struct gunyah_vcpu *vcpu = container_of(ticket, struct gunyah_vcpu, ticket);

	if (!vcpu->irq)
		return;
	gh_vcpu_act(vcpu, gh_vcpu_event(vcpu, GH_VCPU_EV_DOWN));
	/* Bounded: the runner is woken or interrupted, and finds DOWN. */
	wait_var_event(&vcpu->state, gh_vcpu_runner_out(vcpu));

	if (vcpu->irq_wake)
		disable_irq_wake(vcpu->irq);
	free_irq(vcpu->irq, vcpu);
	vcpu->irq = 0;
	timer_delete_sync(&vcpu->timer);
	if (vcpu->off) {
		vcpu->off = false;
		gunyah_vm_vcpu_on(vcpu->ghvm);
	}
}

/* ---- the VM function ---------------------------------------------------------- */

static struct gunyah_vcpu *gh_vcpu_alloc(struct gunyah_vm *ghvm, u32 id, bool by_name)
{
	struct gunyah_vcpu *vcpu;

	vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->run = (struct gh_vcpu_run *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!vcpu->run) {
		kfree(vcpu);
		return ERR_PTR(-ENOMEM);
	}
	if (!gunyah_vm_get(ghvm)) {
		free_page((unsigned long)vcpu->run);
		kfree(vcpu);
		return ERR_PTR(-ENODEV);
	}
	vcpu->ghvm = ghvm;
	vcpu->mm = gunyah_vm_mm(ghvm);
	vcpu->id = id;
	vcpu->by_name = by_name;
	vcpu->cpu = -1;
	atomic_set(&vcpu->state, GH_VCPU_IDLE | GH_VCPU_F_DOWN);
	rcuwait_init(&vcpu->sleeper);
	spin_lock_init(&vcpu->start_lock);
	timer_setup(&vcpu->timer, gh_vcpu_timeout, 0);
	kref_init(&vcpu->kref);
	vcpu->nb.notifier_call = gh_vcpu_vm_changed;
	vcpu->ticket = (struct gunyah_vm_resource_ticket){
		.resource_type	= GUNYAH_RESOURCE_TYPE_VCPU,
		.label		= id,
		.owner		= THIS_MODULE,
		.populate	= gh_vcpu_populate,
		.unpopulate	= gh_vcpu_unpopulate,
	};
	gh_vcpu_list_add(vcpu);
	return vcpu;
}

/*
 * The state of before the notifier was registered. It may change meanwhile: then
 * either it is seen here, or the notifier comes after and has the last word.
 */
static void gh_vcpu_look_at_vm(struct gunyah_vcpu *vcpu)
{
	if (gunyah_vm_state(vcpu->ghvm, NULL) != GUNYAH_VM_RUNNING)
		return;
	WRITE_ONCE(vcpu->live, true);
	/* Orders this write before the look at what the notifier follows. */
	smp_mb();
	if (gunyah_vm_state(vcpu->ghvm, NULL) != GUNYAH_VM_RUNNING)
		WRITE_ONCE(vcpu->live, false);
}

static long gh_vcpu_bind(struct gunyah_vm_function_instance *f)
{
	const struct gh_fn_vcpu_arg *arg = f->arg;
	struct gunyah_vcpu *vcpu;
	struct file *file;
	char name[24];
	int fd, ret;

	vcpu = gh_vcpu_alloc(f->ghvm, arg->id, f->by_name);
	if (IS_ERR(vcpu))
		return PTR_ERR(vcpu);

	ret = gunyah_vm_register_notifier(f->ghvm, &vcpu->nb);
	if (ret)
		goto err_put;
	gh_vcpu_look_at_vm(vcpu);
	ret = gunyah_vm_add_resource_ticket(f->ghvm, &vcpu->ticket);
	if (ret)
		goto err_notifier;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_ticket;
	}
	snprintf(name, sizeof(name), "gh-vcpu:%u", vcpu->id);
	file = anon_inode_getfile(name, &gh_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_fd;
	}
	kref_get(&vcpu->kref);
	gunyah_vm_hold(f->ghvm);
	f->data = vcpu;
	fd_install(fd, file);
	return fd;

err_fd:
	put_unused_fd(fd);
err_ticket:
	gunyah_vm_remove_resource_ticket(f->ghvm, &vcpu->ticket);
err_notifier:
	gunyah_vm_unregister_notifier(f->ghvm, &vcpu->nb);
err_put:
	gh_vcpu_put(vcpu);
	return ret;
}

static void gh_vcpu_unbind(struct gunyah_vm_function_instance *f)
{
	struct gunyah_vcpu *vcpu = f->data;

	gunyah_vm_remove_resource_ticket(f->ghvm, &vcpu->ticket);
	gunyah_vm_unregister_notifier(f->ghvm, &vcpu->nb);
	gh_vcpu_start_remove(vcpu);
	gh_vcpu_put(vcpu);
}

static bool gh_vcpu_compare(const struct gunyah_vm_function_instance *f, const void *arg, u32 size)
{
	const struct gunyah_vcpu *vcpu = f->data;
	const struct gh_fn_vcpu_arg *vcpu_arg = arg;

	return size >= sizeof(*vcpu_arg) && vcpu_arg->id == vcpu->id;
}

static struct gunyah_vm_function gh_vcpu_function = {
	.type		= GH_FN_VCPU,
	.name		= "vcpu",
	.mod		= THIS_MODULE,
	.arg_size	= sizeof(struct gh_fn_vcpu_arg),
	.bind		= gh_vcpu_bind,
	.unbind		= gh_vcpu_unbind,
	.compare	= gh_vcpu_compare,
};

static int __init gh_vcpu_init(void)
{
	int ret;

	gh_clock_init();
	ret = gunyah_vm_function_register(&gh_vcpu_function);
	if (ret) {
		gh_clock_exit();
		return ret;
	}
	gh_vcpu_debugfs_init();
	return 0;
}
module_init(gh_vcpu_init);

static void __exit gh_vcpu_exit(void)
{
	gh_vcpu_debugfs_exit();
	gunyah_vm_function_unregister(&gh_vcpu_function);
	gh_clock_exit();
	gh_boards_exit();
}
module_exit(gh_vcpu_exit);

MODULE_ALIAS_GUNYAH_VM_FUNCTION(GH_FN_VCPU);
MODULE_ALIAS("ghfunc:vcpu");
MODULE_DESCRIPTION("Gunyah vCPU");
MODULE_LICENSE("GPL");
