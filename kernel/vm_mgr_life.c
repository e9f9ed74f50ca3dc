// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a VM: start, exit, stop, teardown.
 *
 * Up, each step leads to the next enum gh_vm_life:
 *
 *   UNBORN      ALLOC_VMID
 *   LOADED      lend and share the memory, CONFIG_IMAGE
 *   CONFIGURED  VM_INIT
 *   READY       GET_HYP_RESOURCES, populate the tickets, VM_START
 *   STARTED
 *
 * Down, from wherever it is, for the RM accepts each request in few states and
 * some requests in the wrong state kill it:
 *
 *   STARTED     STOP by force unless the guest exited; VM_EXITED
 *               functions are unbound, objects taken from their tickets
 *   CONFIGURED  VM_INIT, for neither RESET nor DEALLOC is accepted here
 *   READY, INIT_FAILED, STARTED
 *               RESET, wait for the status RESET
 *   LOADED, RESET
 *               RECLAIM each parcel, DEALLOC once
 *   LOST        RECLAIM what the RM lets go; never RESET, never DEALLOC
 *
 * A VM is LOST when CONFIG_IMAGE failed (a RESET without a configuration kills the
 * RM, a DEALLOC is refused), when a request down is refused, and when the RM is dead.
 * Its number is lost with it; memory that could not be taken back stays pinned, for the
 * guest may still reach it. After a request whose reply was lost or unusable the VM's
 * state is asked for: it says whether the request was carried out.
 *
 * The RM lets a VM that was reset only go away. So a VM of user space that is started
 * again, after GH_VM_STOP has brought it down to UNBORN, is a new one for the RM, with
 * another number and other objects; its regions, functions and files stay.
 *
 * What the RM notifies is recorded at once (vm_mgr_note.c); the functions are told from
 * a work item, because the thread that receives must not wait for them.
 *
 * Locks: see vm_mgr.h.
 */
#include <linux/mm.h>

#include "vm_mgr.h"
#include "gunyah_vm_trace.h"

#define GH_EXIT_TYPE_STOP_FORCED	7

/* VM_EXITED precedes the reply of VM_STOP: after this time it is lost. */
#define GH_EXITED_MS		1000

/* ---- state and its notification ------------------------------------------------ */

enum gunyah_vm_state gunyah_vm_state(struct gunyah_vm *ghvm, struct gunyah_vm_exit_info *info)
{
	enum gunyah_vm_state state;
	unsigned int seq;

	if (!info)
		return READ_ONCE(ghvm->state);

	do {
		seq = read_seqcount_begin(&ghvm->state_seq);
		state = READ_ONCE(ghvm->state);
		if (state == GUNYAH_VM_EXITED)
			*info = ghvm->exit_info;
	} while (read_seqcount_retry(&ghvm->state_seq, seq));

	return state;
}
EXPORT_SYMBOL_GPL(gunyah_vm_state);

int gunyah_vm_register_notifier(struct gunyah_vm *ghvm, struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&ghvm->notifier, nb);
}
EXPORT_SYMBOL_GPL(gunyah_vm_register_notifier);

int gunyah_vm_unregister_notifier(struct gunyah_vm *ghvm, struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&ghvm->notifier, nb);
}
EXPORT_SYMBOL_GPL(gunyah_vm_unregister_notifier);

static void gh_vm_notify_work(struct work_struct *work)
{
	struct gunyah_vm *ghvm = container_of(work, struct gunyah_vm, notify_work);
	unsigned long pending, state;

	spin_lock(&ghvm->state_lock);
	pending = ghvm->pending;
	ghvm->pending = 0;
	spin_unlock(&ghvm->state_lock);

	/* RUNNING comes before EXITED, and FAILED excludes both. */
	for_each_set_bit(state, &pending, BITS_PER_LONG)
		blocking_notifier_call_chain(&ghvm->notifier, state, ghvm);
}

/* Under state_lock, like the next. */
static void gh_vm_show_state(struct gunyah_vm *ghvm, enum gunyah_vm_state state)
{
	write_seqcount_begin(&ghvm->state_seq);
	WRITE_ONCE(ghvm->state, state);
	write_seqcount_end(&ghvm->state_seq);
	trace_gh_vm_state(ghvm, state);
}

void gh_vm_set_state(struct gunyah_vm *ghvm, enum gunyah_vm_state state)
{
	gh_vm_show_state(ghvm, state);
	ghvm->pending |= BIT(state);
	schedule_work(&ghvm->notify_work);
	wake_up(&ghvm->status_wait);
}

void gh_vm_life_init(struct gunyah_vm *ghvm)
{
	spin_lock_init(&ghvm->state_lock);
	seqcount_spinlock_init(&ghvm->state_seq, &ghvm->state_lock);
	init_waitqueue_head(&ghvm->status_wait);
	INIT_WORK(&ghvm->notify_work, gh_vm_notify_work);
	BLOCKING_INIT_NOTIFIER_HEAD(&ghvm->notifier);
}

/* gh_vm_configurable() - under the VM's lock: whether it was not started, or stopped. */
bool gh_vm_configurable(struct gunyah_vm *ghvm)
{
	return ghvm->life == GH_VM_UNBORN && ghvm->state == GUNYAH_VM_NOT_STARTED;
}

/* ---- up -------------------------------------------------------------------------- */

/* After these nobody knows what the RM did. */
static bool gh_vm_unanswered(int err)
{
	return err == -ETIMEDOUT || err == -EPROTO;
}

static bool gh_vm_status_in(struct gunyah_vm *ghvm, unsigned long statuses)
{
	return BIT(READ_ONCE(ghvm->rm_status)) & statuses;
}

/* Waits for one of a set of statuses; returns whether it came. */
static bool gh_vm_wait_status(struct gunyah_vm *ghvm, unsigned long statuses)
{
	return wait_event_timeout(ghvm->status_wait, gh_vm_status_in(ghvm, statuses),
				  gh_rm_timeout());
}

static int gh_vm_bear(struct gunyah_vm *ghvm)
{
	u16 vmid;
	int ret;

	ret = gh_rm_vm_alloc(ghvm->rm, &vmid);
	if (ret)
		return ret;
	if (!vmid || vmid == GH_VMID_RM || vmid == ghvm->rm->vmid)
		return -EPROTO;

	/* If it is another VM's it must not be deallocated either. */
	ghvm->rm_status = GH_RM_VM_LOAD;
	ret = gh_vm_note_begin(ghvm, vmid);
	if (ret == -EBUSY)
		return -EPROTO;
	if (ret) {
		gh_rm_vm_dealloc(ghvm->rm, vmid);
		return ret;
	}
	WRITE_ONCE(ghvm->vmid, vmid);
	ghvm->life = GH_VM_LOADED;

	return 0;
}

/* What the RM says when it is asked, NONE if it does not answer. */
static enum gh_rm_vm_status gh_vm_ask_status(struct gunyah_vm *ghvm)
{
	enum gh_rm_vm_status status;

	if (gh_rm_vm_get_status(ghvm->rm, ghvm->vmid, &status))
		return GH_RM_VM_NONE;

	return status;
}

static int gh_vm_configure(struct gunyah_vm *ghvm, const struct gh_rm_image *image)
{
	enum gh_rm_vm_status status = GH_RM_VM_INIT;
	int ret;

	ret = gh_rm_vm_config_image(ghvm->rm, ghvm->vmid, image);
	if (ret)
		status = gh_vm_ask_status(ghvm);

	switch (status) {
	case GH_RM_VM_INIT:
		ghvm->life = GH_VM_CONFIGURED;
		return gh_vm_unanswered(ret) ? 0 : ret;
	case GH_RM_VM_LOAD:
		/* A request that was refused as such leaves the VM as it was. */
		return ret;
	default:
		ghvm->life = GH_VM_LOST;
		return ret;
	}
}

/* From CONFIGURED to READY, or to a state from which RESET is allowed. */
static int gh_vm_init(struct gunyah_vm *ghvm)
{
	const unsigned long done = BIT(GH_RM_VM_READY) | BIT(GH_RM_VM_INIT_FAILED);
	enum gh_rm_vm_status status;
	int ret;

	/* Only what is said from here on counts. */
	WRITE_ONCE(ghvm->rm_status, GH_RM_VM_INIT);
	ret = gh_rm_vm_init(ghvm->rm, ghvm->vmid);

	/* A failure is notified before it is answered; success may take longer. */
	if (!ret)
		gh_vm_wait_status(ghvm, done);
	status = READ_ONCE(ghvm->rm_status);
	if (!(BIT(status) & done) || gh_vm_unanswered(ret))
		status = gh_vm_ask_status(ghvm);

	switch (status) {
	case GH_RM_VM_READY:
		ghvm->life = GH_VM_READY;
		return gh_vm_unanswered(ret) ? 0 : ret;
	case GH_RM_VM_INIT_FAILED:
		ghvm->life = GH_VM_INIT_FAILED;
		return ret ?: -EIO;
	case GH_RM_VM_INIT:
		/* Refused as such: it can be tried again, once, on the way down. */
		return ret ?: -EIO;
	default:
		ghvm->life = GH_VM_LOST;
		return ret ?: -EIO;
	}
}

/* VM_START, and where it led. */
static int gh_vm_launch(struct gunyah_vm *ghvm)
{
	int ret = gh_rm_vm_start(ghvm->rm, ghvm->vmid);

	if (!ret) {
		ghvm->life = GH_VM_STARTED;
		return 0;
	}
	if (!gh_vm_unanswered(ret)) {
		ghvm->life = GH_VM_INIT_FAILED;
		return ret;
	}

	switch (gh_vm_ask_status(ghvm)) {
	case GH_RM_VM_RUNNING:
	case GH_RM_VM_EXITED:
		ghvm->life = GH_VM_STARTED;
		return 0;
	case GH_RM_VM_READY:
	case GH_RM_VM_INIT_FAILED:
		ghvm->life = GH_VM_INIT_FAILED;
		return ret;
	default:
		ghvm->life = GH_VM_LOST;
		return ret;
	}
}

static int gh_vm_run(struct gunyah_vm *ghvm)
{
	int ret;

	spin_lock(&ghvm->state_lock);
	ghvm->starting = true;
	spin_unlock(&ghvm->state_lock);

	ret = gh_vm_launch(ghvm);
	if (ret)
		return ret;

	spin_lock(&ghvm->state_lock);
	gh_vm_set_state(ghvm, GUNYAH_VM_RUNNING);
	if (ghvm->exit_seen)
		gh_vm_set_state(ghvm, GUNYAH_VM_EXITED);
	spin_unlock(&ghvm->state_lock);

	return 0;
}

static int gh_vm_bring_up(struct gunyah_vm *ghvm)
{
	struct gh_rm_image image;
	const char *step;
	int ret;

	ret = gh_vm_mm_plan(ghvm, &image);
	if (ret)
		return ret;

	step = "allocation";
	ret = gh_vm_bear(ghvm);
	if (ret)
		goto err;
	step = "giving memory";
	ret = gh_vm_mm_give(ghvm, &image);
	if (ret)
		goto err;
	step = "configuration";
	ret = gh_vm_configure(ghvm, &image);
	if (ret)
		goto err;
	step = "initialisation";
	ret = gh_vm_init(ghvm);
	if (ret)
		goto err;
	step = "handing out objects";
	ret = gh_vm_res_populate(ghvm);
	if (ret)
		goto err;
	step = "start";
	ret = gh_vm_run(ghvm);
	if (ret)
		goto err;

	return 0;

err:
	dev_err_ratelimited(ghvm->rm->dev, "VM %u: %s failed: %d\n", ghvm->vmid, step, ret);
	return ret;
}

/* ---- down ------------------------------------------------------------------------ */

/* Whether the guest's end was notified; waits for it. */
static bool gh_vm_wait_exited(struct gunyah_vm *ghvm)
{
	return wait_event_timeout(ghvm->status_wait,
				  gunyah_vm_state(ghvm, NULL) == GUNYAH_VM_EXITED,
				  msecs_to_jiffies(GH_EXITED_MS));
}

/*
 * Afterwards the state is EXITED, whatever the RM did. VM_EXITED comes before the
 * reply, also if that says that the guest had exited by itself; should it have been
 * lost, the RM is asked.
 */
static void gh_vm_force_exit(struct gunyah_vm *ghvm)
{
	int ret;

	if (gunyah_vm_state(ghvm, NULL) != GUNYAH_VM_RUNNING)
		return;

	ret = gh_rm_vm_stop(ghvm->rm, ghvm->vmid);
	if (ret && ret != -EBUSY && ret != -EPROTO)
		ghvm->life = GH_VM_LOST;
	else if (!gh_vm_wait_exited(ghvm) && gh_vm_ask_status(ghvm) != GH_RM_VM_EXITED)
		ghvm->life = GH_VM_LOST;

	spin_lock(&ghvm->state_lock);
	if (ghvm->state == GUNYAH_VM_RUNNING) {
		ghvm->exit_seen = true;
		ghvm->exit_info = (struct gunyah_vm_exit_info){
			.type = GH_EXIT_TYPE_STOP_FORCED,
		};
		gh_vm_set_state(ghvm, GUNYAH_VM_EXITED);
	}
	spin_unlock(&ghvm->state_lock);
}

static void gh_vm_reset(struct gunyah_vm *ghvm)
{
	int ret;

	/* Only what is said from here on counts. */
	WRITE_ONCE(ghvm->rm_status, GH_RM_VM_EXITED);
	ret = gh_rm_vm_reset(ghvm->rm, ghvm->vmid);
	/* An exit that was notified, but was none. */
	if (ret == -EBUSY && gh_vm_ask_status(ghvm) == GH_RM_VM_RUNNING &&
	    !gh_rm_vm_stop(ghvm->rm, ghvm->vmid))
		ret = gh_rm_vm_reset(ghvm->rm, ghvm->vmid);

	if ((!ret || ret == -EPROTO) &&
	    (gh_vm_wait_status(ghvm, BIT(GH_RM_VM_RESET)) ||
	     gh_vm_ask_status(ghvm) == GH_RM_VM_RESET))
		ghvm->life = GH_VM_RESET;
	else
		ghvm->life = GH_VM_LOST;
}

/*
 * Takes the VM away from the RM, as far as it lets it go. The functions' use of
 * the objects has ended. Under the VM's lock. Returns whether all memory is back.
 */
static bool gh_vm_bring_down(struct gunyah_vm *ghvm)
{
	enum gh_vm_life life;
	bool all_back;

	if (ghvm->life == GH_VM_UNBORN)
		return gh_vm_mm_reclaim(ghvm);

	if (ghvm->life == GH_VM_CONFIGURED)
		gh_vm_init(ghvm);
	life = ghvm->life;
	if (life == GH_VM_READY || life == GH_VM_INIT_FAILED || life == GH_VM_STARTED)
		gh_vm_reset(ghvm);

	all_back = gh_vm_mm_reclaim(ghvm);

	/* With DEALLOC the number can be another VM's at once. */
	gh_vm_note_end(ghvm);
	life = ghvm->life;
	if ((life != GH_VM_LOADED && life != GH_VM_RESET) ||
	    gh_rm_vm_dealloc(ghvm->rm, ghvm->vmid))
		dev_err_ratelimited(ghvm->rm->dev, "VM %u: not given up by the RM, number lost\n",
				    ghvm->vmid);
	ghvm->life = GH_VM_UNBORN;

	return all_back;
}

/* Under the VM's lock. */
static int gh_vm_start_locked(struct gunyah_vm *ghvm)
{
	int ret;

	switch (ghvm->state) {
	case GUNYAH_VM_NOT_STARTED:
		break;
	case GUNYAH_VM_RUNNING:
		return 0;
	default:
		return -ENODEV;
	}

	ret = gh_vm_bring_up(ghvm);
	if (ret && ghvm->life != GH_VM_UNBORN) {
		gh_vm_res_depopulate(ghvm);
		gh_vm_bring_down(ghvm);
		spin_lock(&ghvm->state_lock);
		gh_vm_set_state(ghvm, GUNYAH_VM_FAILED);
		spin_unlock(&ghvm->state_lock);
	}
	flush_work(&ghvm->notify_work);

	return ret;
}

/**
 * gh_vm_start() - VM_START
 * @ghvm: the VM
 *
 * Return: 0 if it runs, also if it did before; -ENODEV if it exited or failed, until
 * it is stopped; else why it could not be started: it is FAILED then and its memory is back
 */
int gh_vm_start(struct gunyah_vm *ghvm)
{
	int ret;

	mutex_lock(&ghvm->lock);
	ret = gh_vm_start_locked(ghvm);
	mutex_unlock(&ghvm->lock);
	trace_gh_vm_start(ghvm, ret);

	return ret;
}

/* A thread that still runs a vCPU must not bring back what another one stops. */
int gunyah_vm_start_first(struct gunyah_vm *ghvm)
{
	int ret;

	mutex_lock(&ghvm->lock);
	ret = ghvm->stopped ? -ENODEV : gh_vm_start_locked(ghvm);
	mutex_unlock(&ghvm->lock);
	trace_gh_vm_start(ghvm, ret);

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_start_first);

/* As before the first start, or FAILED for good if the guest may still use memory. */
static int gh_vm_rewind(struct gunyah_vm *ghvm, bool all_back)
{
	spin_lock(&ghvm->state_lock);
	ghvm->starting = false;
	ghvm->exit_seen = false;
	/* Nobody is told: who waits has heard of the exit, and a start is told. */
	if (all_back)
		gh_vm_show_state(ghvm, GUNYAH_VM_NOT_STARTED);
	else if (ghvm->state != GUNYAH_VM_FAILED)
		gh_vm_set_state(ghvm, GUNYAH_VM_FAILED);
	spin_unlock(&ghvm->state_lock);
	flush_work(&ghvm->notify_work);

	return all_back ? 0 : -EIO;
}

/**
 * gh_vm_stop() - GH_VM_STOP
 * @ghvm: the VM, in any state
 *
 * Runs in progress end with STATUS, for their owner must be out before the objects
 * go. All waits are bounded.
 *
 * Return: 0 if the memory is the host's and it can be started (again), or -EIO if the
 * RM keeps memory: then it never can
 */
int gh_vm_stop(struct gunyah_vm *ghvm)
{
	int ret = 0;

	mutex_lock(&ghvm->lock);
	ghvm->stopped = true;
	if (ghvm->state == GUNYAH_VM_NOT_STARTED)
		goto out;
	if (ghvm->life == GH_VM_STARTED)
		gh_vm_force_exit(ghvm);
	/* The functions hear of the exit before they lose their objects. */
	flush_work(&ghvm->notify_work);
	gh_vm_res_depopulate(ghvm);
	ret = gh_vm_rewind(ghvm, gh_vm_bring_down(ghvm));
out:
	mutex_unlock(&ghvm->lock);

	return ret;
}

/* gh_vm_teardown() - the last hold is gone. */
void gh_vm_teardown(struct gunyah_vm *ghvm)
{
	mutex_lock(&ghvm->lock);
	if (ghvm->life == GH_VM_STARTED)
		gh_vm_force_exit(ghvm);
	/* The functions hear of the exit before they lose their objects. */
	flush_work(&ghvm->notify_work);
	mutex_unlock(&ghvm->lock);

	gh_vm_fn_unbind_all(ghvm);

	mutex_lock(&ghvm->lock);
	gh_vm_res_depopulate(ghvm);
	gh_vm_bring_down(ghvm);
	gh_vm_mm_free(ghvm);
	mutex_unlock(&ghvm->lock);

	cancel_work_sync(&ghvm->notify_work);
	trace_gh_vm_end(ghvm);
}
