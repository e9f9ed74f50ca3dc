// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test only: /dev/gh_scenario, by which a suite makes the EL2 monitor misbehave.
 *
 * It carries struct gh_scenario to the monitor and knows nothing of what is in it.
 * When the last descriptor is closed, or the module goes, all scenarios end. On any
 * other hypervisor the module does not load.
 */
#include <linux/arm-smccc.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/virt.h>

#include "gh_scenario.h"

static atomic_t scn_users = ATOMIC_INIT(0);

/* The monitor's answers are small positive errors, and -1 for an unknown call. */
static int scn_hvc(u64 call, u64 arg, struct arm_smccc_1_2_regs *regs)
{
	*regs = (struct arm_smccc_1_2_regs) {
		.a0 = GH_SCN_CALL,
		.a1 = GH_SCN_MAGIC,
		.a2 = call,
		.a3 = arg,
	};
	arm_smccc_1_2_hvc(regs, regs);
	if ((s64)regs->a0 < 0)
		return -EOPNOTSUPP;

	return regs->a0 ? -EINVAL : 0;
}

static void scn_clear(void)
{
	struct arm_smccc_1_2_regs regs;

	scn_hvc(GH_SCN_CALL_CLEAR, 0, &regs);
}

static long scn_arm(const void __user *uarg)
{
	struct arm_smccc_1_2_regs regs;
	struct gh_scenario *s;
	int ret;

	/* The monitor reads it by its kernel address. */
	s = memdup_user(uarg, sizeof(*s));
	if (IS_ERR(s))
		return PTR_ERR(s);
	ret = scn_hvc(GH_SCN_CALL_ARM, (unsigned long)s, &regs);
	kfree(s);

	return ret ?: (long)regs.a1;
}

static long scn_state(void __user *uarg)
{
	struct arm_smccc_1_2_regs regs;
	struct gh_scn_state state;
	int ret;

	if (copy_from_user(&state, uarg, sizeof(state)))
		return -EFAULT;
	ret = scn_hvc(GH_SCN_CALL_STATE, state.slot, &regs);
	if (ret)
		return ret;
	state.hits = regs.a1;
	state.seen = regs.a2;

	return copy_to_user(uarg, &state, sizeof(state)) ? -EFAULT : 0;
}

static long scn_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case GH_SCN_IOC_ARM:
		return scn_arm(uarg);
	case GH_SCN_IOC_STATE:
		return scn_state(uarg);
	case GH_SCN_IOC_CLEAR:
		scn_clear();
		return 0;
	default:
		return -ENOTTY;
	}
}

static int scn_open(struct inode *inode, struct file *file)
{
	atomic_inc(&scn_users);

	return 0;
}

static int scn_release(struct inode *inode, struct file *file)
{
	if (atomic_dec_and_test(&scn_users))
		scn_clear();

	return 0;
}

static const struct file_operations scn_fops = {
	.owner = THIS_MODULE,
	.open = scn_open,
	.release = scn_release,
	.unlocked_ioctl = scn_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice scn_misc = {
	.name = "gh_scenario",
	.minor = MISC_DYNAMIC_MINOR,
	.fops = &scn_fops,
	.mode = 0600,
};

static int __init scn_init(void)
{
	struct arm_smccc_1_2_regs regs;

	struct device_node *np;

	/* Where nobody owns EL2 the instruction is undefined. */
	np = of_find_compatible_node(NULL, NULL, "gunyah-resource-manager");
	of_node_put(np);
	if (is_kernel_in_hyp_mode() || !np)
		return -ENODEV;
	if (scn_hvc(GH_SCN_CALL_CLEAR, 0, &regs))
		return -ENODEV;

	return misc_register(&scn_misc);
}

static void __exit scn_exit(void)
{
	misc_deregister(&scn_misc);
	scn_clear();
}

module_init(scn_init);
module_exit(scn_exit);

MODULE_DESCRIPTION("Test: scenarios of the EL2 monitor");
MODULE_LICENSE("GPL");
