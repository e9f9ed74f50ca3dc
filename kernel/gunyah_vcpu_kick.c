// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kick eventfd: its signals end the run of a vCPU.
 *
 * A thread that runs guests does not see a completion of its ring before the slice
 * is over. An eventfd that is registered with the ring and with the vCPU makes the
 * completion a kick: the signal comes to our place in the eventfd's wait queue, in
 * whatever context, and does what GH_VCPU_KICK does, unless nothing runs. A
 * parked command is left alone, for its thread is free to reap completions.
 *
 * With GH_KICK_FD_HOLD the vCPU also remembers the eventfd's counter: not 0 since a
 * signal, 0 since it was read. Both come under the wait queue's lock, in their order.
 * ->held is written before the state is looked at, and a run takes the state
 * before it looks at ->held: it is kicked, or sees it.
 *
 * We are within a signal, and an eventfd refuses another one of the same thread. So the
 * look and the kick are one step: a run that was left or parked between them would have
 * its board tell, or its completion, from here.
 *
 * Locks: gh_kick_lock (who registers), then the wait queue's.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "gunyah_vcpu.h"
#include "gunyah_vcpu_trace.h"

static_assert(sizeof(struct gh_vcpu_kick_fd) == 8);
static_assert(GH_VCPU_KICK_FD == 0x40084742);

#define GH_KICK_FD_FLAGS	GH_KICK_FD_HOLD

/* ->kick of all vCPUs. */
static DEFINE_MUTEX(gh_kick_lock);

/**
 * struct gh_vcpu_kicker - an eventfd that kicks a vCPU
 * @vcpu: borrowed until its file is released
 * @ctx: the eventfd, owned: it and @wqh live as long as this
 * @wqh: its wait queue
 * @wait: our place in it
 * @poll: puts us there
 * @hold: GH_KICK_FD_HOLD
 */
struct gh_vcpu_kicker {
	struct gunyah_vcpu *vcpu;
	struct eventfd_ctx *ctx;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	poll_table poll;
	bool hold;
};

/* GH_VCPU_KICK, of a run in progress alone. */
static void gh_kick_run(struct gunyah_vcpu *vcpu)
{
	int state = atomic_read(&vcpu->state);
	struct gh_vcpu_next next;

	do {
		enum gh_vcpu_phase phase = gh_vcpu_phase(state);

		if (phase != GH_VCPU_RUNNING && phase != GH_VCPU_ASLEEP)
			return;
		next = gh_vcpu_next(state, GH_VCPU_EV_KICK);
	} while (!atomic_try_cmpxchg(&vcpu->state, &state, next.state));
	atomic64_inc(&vcpu->kicks);
	trace_gh_vcpu_kick(vcpu, state);
	gh_vcpu_act(vcpu, next.action);
}

/* Any context, under the wait queue's lock. */
static int gh_kick_signalled(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct gh_vcpu_kicker *kicker = container_of(wait, struct gh_vcpu_kicker, wait);
	struct gunyah_vcpu *vcpu = kicker->vcpu;
	__poll_t events = key_to_poll(key);

	if (!(events & EPOLLIN)) {
		if (kicker->hold && events & EPOLLOUT)
			WRITE_ONCE(vcpu->held, false);
		return 0;
	}
	if (kicker->hold)
		WRITE_ONCE(vcpu->held, true);
	/* Before the look at the state, see above. */
	smp_mb();
	gh_kick_run(vcpu);

	return 0;
}

static void gh_kick_join(struct file *file, wait_queue_head_t *wqh, poll_table *poll)
{
	struct gh_vcpu_kicker *kicker = container_of(poll, struct gh_vcpu_kicker, poll);

	kicker->wqh = wqh;
	add_wait_queue(wqh, &kicker->wait);
}

static void gh_kick_detach(struct gh_vcpu_kicker *kicker)
{
	if (!kicker)
		return;
	remove_wait_queue(kicker->wqh, &kicker->wait);
	eventfd_ctx_put(kicker->ctx);
	kfree(kicker);
}

static struct gh_vcpu_kicker *gh_kick_alloc(struct gunyah_vcpu *vcpu, struct file *file,
					    u32 flags)
{
	struct gh_vcpu_kicker *kicker = kzalloc(sizeof(*kicker), GFP_KERNEL_ACCOUNT);

	if (!kicker)
		return ERR_PTR(-ENOMEM);
	kicker->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(kicker->ctx)) {
		void *err = kicker->ctx;

		kfree(kicker);
		return err;
	}
	kicker->vcpu = vcpu;
	kicker->hold = flags & GH_KICK_FD_HOLD;
	init_waitqueue_func_entry(&kicker->wait, gh_kick_signalled);
	init_poll_funcptr(&kicker->poll, gh_kick_join);

	return kicker;
}

/* Puts @kicker, whose eventfd is @file, in the place of the one before; or NULL. */
static void gh_kick_replace(struct gunyah_vcpu *vcpu, struct gh_vcpu_kicker *kicker,
			    struct file *file)
{
	mutex_lock(&gh_kick_lock);
	gh_kick_detach(vcpu->kicker);
	vcpu->kicker = kicker;
	WRITE_ONCE(vcpu->held, false);
	if (kicker) {
		vfs_poll(file, &kicker->poll);
		/* A signal or a read from here on has the last word. */
		spin_lock_irq(&kicker->wqh->lock);
		if (kicker->hold && vfs_poll(file, NULL) & EPOLLIN)
			WRITE_ONCE(vcpu->held, true);
		spin_unlock_irq(&kicker->wqh->lock);
	}
	mutex_unlock(&gh_kick_lock);
}

/* GH_VCPU_KICK_FD. */
long gh_vcpu_kick_fd(struct gunyah_vcpu *vcpu, const void __user *uarg)
{
	struct gh_vcpu_kicker *kicker;
	struct gh_vcpu_kick_fd arg;
	struct file *file;
	long ret = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.flags & ~GH_KICK_FD_FLAGS)
		return -EINVAL;
	if (arg.fd == -1) {
		if (arg.flags)
			return -EINVAL;
		gh_kick_replace(vcpu, NULL, NULL);
		return 0;
	}

	file = eventfd_fget(arg.fd);
	if (IS_ERR(file))
		return PTR_ERR(file);
	kicker = gh_kick_alloc(vcpu, file, arg.flags);
	if (IS_ERR(kicker))
		ret = PTR_ERR(kicker);
	else
		gh_kick_replace(vcpu, kicker, file);
	fput(file);

	return ret;
}

/* The vCPU's file is released: nobody can register any more. */
void gh_vcpu_kick_fd_exit(struct gunyah_vcpu *vcpu)
{
	gh_kick_detach(vcpu->kicker);
	vcpu->kicker = NULL;
}
