// SPDX-License-Identifier: GPL-2.0-only
/*
 * RUN before VM_START: a command with GH_URING_RUN_WAIT_START waits until its VM
 * starts, or cannot any more.
 *
 * Such a command does not own the vCPU, for there is nothing to run: it is not in the
 * state word but in ->starter, one for each vCPU. It completes with RUNNABLE or
 * -ECANCELED and never enters the guest, so the two ways to wait do not meet.
 *
 * A command is in ->starter from its claim until somebody ends it. It can be ended
 * before it is marked cancelable, and then may not be completed yet: the end is
 * noted, and who marks it completes it. Who sets the VM's state tells us after, and
 * the claim looks at the state under the same lock: so a start is not missed.
 *
 * Locks: ->start_lock, from any context; nothing is taken under it.
 */
#include <linux/io_uring/cmd.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "gunyah_vcpu.h"
#include "gunyah_vcpu_trace.h"

GH_URING_TASK_WORK(gh_vcpu_start_done)
{
	struct gunyah_vcpu *vcpu = cmd->file->private_data;

	trace_gh_vcpu_wake(vcpu, GH_WAIT_COMMAND);
	gh_uring_done(cmd, gh_vcpu_pdu(cmd)->res, 0, issue_flags);
}

/* Under start_lock: the command leaves the vCPU, or NULL if that is left to its issue. */
static struct io_uring_cmd *gh_vcpu_start_take(struct gunyah_vcpu *vcpu, s32 res)
{
	struct io_uring_cmd *cmd = vcpu->starter;

	if (!cmd || gh_vcpu_pdu(cmd)->ended)
		return NULL;
	gh_vcpu_pdu(cmd)->res = res;
	if (!gh_vcpu_pdu(cmd)->armed) {
		gh_vcpu_pdu(cmd)->ended = true;
		return NULL;
	}
	vcpu->starter = NULL;

	return cmd;
}

/* Ends the wait, if somebody waits. Any context. */
void gh_vcpu_start_end(struct gunyah_vcpu *vcpu, s32 res)
{
	struct io_uring_cmd *cmd;
	unsigned long flags;

	spin_lock_irqsave(&vcpu->start_lock, flags);
	cmd = gh_vcpu_start_take(vcpu, res);
	spin_unlock_irqrestore(&vcpu->start_lock, flags);
	if (cmd)
		io_uring_cmd_complete_in_task(cmd, gh_vcpu_start_done);
}

/* The function is removed: the vCPU's VM will not start it. */
void gh_vcpu_start_remove(struct gunyah_vcpu *vcpu)
{
	spin_lock_irq(&vcpu->start_lock);
	vcpu->removed = true;
	spin_unlock_irq(&vcpu->start_lock);
	gh_vcpu_start_end(vcpu, GH_URING_EXIT_RUNNABLE);
}

/* The ring goes away. Under its lock, like all completions of a marked command. */
void gh_vcpu_start_cancel(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd,
			  unsigned int issue_flags)
{
	struct io_uring_cmd *taken = NULL;
	unsigned long flags;

	spin_lock_irqsave(&vcpu->start_lock, flags);
	if (vcpu->starter == cmd)
		taken = gh_vcpu_start_take(vcpu, -ECANCELED);
	spin_unlock_irqrestore(&vcpu->start_lock, flags);
	if (taken)
		gh_uring_done(cmd, -ECANCELED, 0, issue_flags);
}

/* 1 if there is something to wait for and the command is in ->starter now. */
static int gh_vcpu_start_claim(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd)
{
	int ret = 0;

	spin_lock_irq(&vcpu->start_lock);
	if (!vcpu->removed && gunyah_vm_state(vcpu->ghvm, NULL) == GUNYAH_VM_NOT_STARTED) {
		ret = -EBUSY;
		if (!vcpu->starter) {
			/* A close() that came before ends it, one that comes after finds it. */
			*gh_vcpu_pdu(cmd) = (struct gh_vcpu_pdu){
				.start = true,
				.ended = gh_vcpu_uring_orphaned(vcpu, cmd),
				.res = -ECANCELED,
			};
			vcpu->starter = cmd;
			ret = 1;
		}
	}
	spin_unlock_irq(&vcpu->start_lock);

	return ret;
}

/**
 * gh_vcpu_start_wait() - park a command until the VM starts
 * @vcpu: not owned
 * @cmd: RUN with GH_URING_RUN_WAIT_START
 * @issue_flags: of its issue
 *
 * Return: -EIOCBQUEUED, -EBUSY if another command waits, or 0 if there is nothing to
 * wait for
 */
int gh_vcpu_start_wait(struct gunyah_vcpu *vcpu, struct io_uring_cmd *cmd,
		       unsigned int issue_flags)
{
	bool ended;
	int ret;

	ret = gh_vcpu_start_claim(vcpu, cmd);
	if (ret <= 0)
		return ret;

	trace_gh_vcpu_park(vcpu, GH_WAIT_COMMAND);
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
	spin_lock_irq(&vcpu->start_lock);
	ended = gh_vcpu_pdu(cmd)->ended;
	if (ended)
		vcpu->starter = NULL;
	else
		gh_vcpu_pdu(cmd)->armed = true;
	spin_unlock_irq(&vcpu->start_lock);
	/* Without an end the command, and with it the vCPU, may be gone now. */
	if (ended)
		io_uring_cmd_complete_in_task(cmd, gh_vcpu_start_done);

	return -EIOCBQUEUED;
}
