// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gunyah hypercalls.
 *
 * A hypercall is an SMCCC fast call by HVC with owner "vendor hypervisor". The
 * module refuses to load where no Gunyah hypervisor of a known version answers,
 * so everything that depends on it may call without asking again.
 *
 * HVC is undefined where no hypervisor owns EL2, so it is tried only where the
 * firmware speaks of one: PSCI by HVC, or a Gunyah node in the device tree.
 */
#define pr_fmt(fmt) "gunyah: " fmt

#include <linux/arm-smccc.h>
#include <linux/module.h>
#include <linux/of.h>

#include <asm/virt.h>

#include <linux/gunyah.h>

#define GH_HYPERCALL_IDENTIFY		GH_HYPERCALL(0x00)
#define GH_HYPERCALL_BELL_SEND		GH_HYPERCALL(0x12)
#define GH_HYPERCALL_BELL_SET_MASK	GH_HYPERCALL(0x15)
#define GH_HYPERCALL_MSGQ_SEND		GH_HYPERCALL(0x1b)
#define GH_HYPERCALL_MSGQ_RECV		GH_HYPERCALL(0x1c)

/* UUID c1d58fcd-a453-5fdb-9265-ce36673d5f14, as the UID call returns it. */
static const u32 gh_uid[4] = { 0xcd8fd5c1, 0xdb5f53a4, 0x36ce6592, 0x145f3d67 };

static struct gh_hyp_identify gh_identity;

/* The register is 64 bits of the hypervisor's: only known codes get through. */
enum gh_error gh_error_from_reg(u64 x0)
{
	switch ((s64)x0) {
	case GH_ERROR_OK:
	case GH_ERROR_UNIMPLEMENTED:
	case GH_ERROR_RETRY:
	case GH_ERROR_ARG_INVAL:
	case GH_ERROR_ARG_SIZE:
	case GH_ERROR_ARG_ALIGN:
	case GH_ERROR_NOMEM:
	case GH_ERROR_NORESOURCES:
	case GH_ERROR_ADDR_OVFL:
	case GH_ERROR_ADDR_UNFL:
	case GH_ERROR_ADDR_INVAL:
	case GH_ERROR_DENIED:
	case GH_ERROR_BUSY:
	case GH_ERROR_IDLE:
	case GH_ERROR_OBJECT_STATE:
	case GH_ERROR_OBJECT_CONFIG:
	case GH_ERROR_OBJECT_CONFIGURED:
	case GH_ERROR_FAILURE:
	case GH_ERROR_IRQ_BOUND:
	case GH_ERROR_IRQ_UNBOUND:
	case GH_ERROR_CSPACE_CAP_NULL:
	case GH_ERROR_CSPACE_CAP_REVOKED:
	case GH_ERROR_CSPACE_WRONG_OBJ_TYPE:
	case GH_ERROR_CSPACE_INSUF_RIGHTS:
	case GH_ERROR_CSPACE_FULL:
	case GH_ERROR_MSGQUEUE_EMPTY:
	case GH_ERROR_MSGQUEUE_FULL:
		return (enum gh_error)(s64)x0;
	default:
		return GH_ERROR_UNKNOWN;
	}
}
EXPORT_SYMBOL_GPL(gh_error_from_reg);

int gh_error_to_errno(enum gh_error error)
{
	switch (error) {
	case GH_ERROR_OK:
		return 0;
	case GH_ERROR_UNIMPLEMENTED:
		return -EOPNOTSUPP;
	case GH_ERROR_RETRY:
	case GH_ERROR_MSGQUEUE_EMPTY:
	case GH_ERROR_MSGQUEUE_FULL:
		return -EAGAIN;
	case GH_ERROR_NOMEM:
		return -ENOMEM;
	case GH_ERROR_NORESOURCES:
	case GH_ERROR_CSPACE_FULL:
		return -ENOSPC;
	case GH_ERROR_DENIED:
	case GH_ERROR_CSPACE_INSUF_RIGHTS:
		return -EPERM;
	case GH_ERROR_BUSY:
	case GH_ERROR_IDLE:
	case GH_ERROR_IRQ_BOUND:
	case GH_ERROR_IRQ_UNBOUND:
		return -EBUSY;
	case GH_ERROR_CSPACE_CAP_NULL:
	case GH_ERROR_CSPACE_CAP_REVOKED:
	case GH_ERROR_CSPACE_WRONG_OBJ_TYPE:
		return -ENXIO;
	case GH_ERROR_ARG_INVAL:
	case GH_ERROR_ARG_SIZE:
	case GH_ERROR_ARG_ALIGN:
	case GH_ERROR_ADDR_OVFL:
	case GH_ERROR_ADDR_UNFL:
	case GH_ERROR_ADDR_INVAL:
	case GH_ERROR_OBJECT_STATE:
	case GH_ERROR_OBJECT_CONFIG:
	case GH_ERROR_OBJECT_CONFIGURED:
		return -EINVAL;
	case GH_ERROR_FAILURE:
	case GH_ERROR_UNKNOWN:
		return -EIO;
	}

	return -EIO;
}
EXPORT_SYMBOL_GPL(gh_error_to_errno);

/* gh_hypercall_identify() - the hypervisor's API version and feature words. */
void gh_hypercall_identify(struct gh_hyp_identify *id)
{
	*id = gh_identity;
}
EXPORT_SYMBOL_GPL(gh_hypercall_identify);

/**
 * gh_hypercall_bell_send() - raise flags of a doorbell
 * @capid: the doorbell
 * @new_flags: flags to set
 * @old_flags: the flags before, valid if the call succeeded; may be NULL
 *
 * Each signal of an irqfd makes this call, so without the 18 registers that the helper
 * for SMCCC 1.2 takes from memory and puts back.
 */
enum gh_error gh_hypercall_bell_send(u64 capid, u64 new_flags, u64 *old_flags)
{
	u64 error, old;

	register u64 x0 asm("x0") = GH_HYPERCALL_BELL_SEND;
	register u64 x1 asm("x1") = capid;
	register u64 x2 asm("x2") = new_flags;
	register u64 x3 asm("x3") = 0;

	asm volatile("hvc	#0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)
		     :
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "cc", "memory");
	error = x0;
	old = x1;
	if (error == GH_ERROR_OK && old_flags)
		*old_flags = old;

	return likely(error == GH_ERROR_OK) ? GH_ERROR_OK : gh_error_from_reg(error);
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_send);

/**
 * gh_hypercall_bell_set_mask() - choose what a doorbell's flags do
 * @capid: the doorbell
 * @enable_mask: flags that raise the interrupt
 * @ack_mask: flags that are cleared when the interrupt is raised
 */
enum gh_error gh_hypercall_bell_set_mask(u64 capid, u64 enable_mask, u64 ack_mask)
{
	struct arm_smccc_1_2_regs regs = {
		.a0 = GH_HYPERCALL_BELL_SET_MASK,
		.a1 = capid,
		.a2 = enable_mask,
		.a3 = ack_mask,
	};

	arm_smccc_1_2_hvc(&regs, &regs);

	return gh_error_from_reg(regs.a0);
}
EXPORT_SYMBOL_GPL(gh_hypercall_bell_set_mask);

/**
 * gh_hypercall_msgq_send() - put a message into a queue
 * @capid: the queue
 * @size: of the message. The hypervisor answers OK and sends nothing when it is
 *	out of range, so the caller checks
 * @buf: in the kernel's linear map, for the hypervisor reads it by this address
 * @flags: GH_MSGQ_TX_PUSH
 * @ready: whether the queue has room for another, valid if the call succeeded
 */
enum gh_error gh_hypercall_msgq_send(u64 capid, size_t size, const void *buf, u64 flags,
				     bool *ready)
{
	struct arm_smccc_1_2_regs regs = {
		.a0 = GH_HYPERCALL_MSGQ_SEND,
		.a1 = capid,
		.a2 = size,
		.a3 = (unsigned long)buf,
		.a4 = flags,
	};
	enum gh_error error;

	arm_smccc_1_2_hvc(&regs, &regs);
	error = gh_error_from_reg(regs.a0);
	if (error == GH_ERROR_OK)
		*ready = regs.a1;

	return error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_send);

/**
 * gh_hypercall_msgq_recv() - take a message out of a queue
 * @capid: the queue
 * @buf: in the kernel's linear map
 * @size: of @buf
 * @recv_size: size of the message as the hypervisor gave it: check it
 * @ready: whether there are more messages
 *
 * The last two are valid if the call succeeded.
 */
enum gh_error gh_hypercall_msgq_recv(u64 capid, void *buf, size_t size, size_t *recv_size,
				     bool *ready)
{
	struct arm_smccc_1_2_regs regs = {
		.a0 = GH_HYPERCALL_MSGQ_RECV,
		.a1 = capid,
		.a2 = (unsigned long)buf,
		.a3 = size,
	};
	enum gh_error error;

	arm_smccc_1_2_hvc(&regs, &regs);
	error = gh_error_from_reg(regs.a0);
	if (error == GH_ERROR_OK) {
		*recv_size = regs.a1;
		*ready = regs.a2;
	}

	return error;
}
EXPORT_SYMBOL_GPL(gh_hypercall_msgq_recv);

static bool __init gh_firmware_names_hypervisor(void)
{
	static const char * const compatibles[] = {
		"gunyah-hypervisor", "qcom,gunyah-hypervisor", "gunyah-resource-manager",
	};
	struct device_node *np;

	for (size_t i = 0; i < ARRAY_SIZE(compatibles); i++) {
		np = of_find_compatible_node(NULL, NULL, compatibles[i]);
		if (np) {
			of_node_put(np);
			return true;
		}
	}

	return false;
}

static bool __init gh_uid_matches(void)
{
	struct arm_smccc_1_2_regs regs = {
		.a0 = ARM_SMCCC_VENDOR_HYP_CALL_UID_FUNC_ID,
	};

	arm_smccc_1_2_hvc(&regs, &regs);

	return (u32)regs.a0 == gh_uid[0] && (u32)regs.a1 == gh_uid[1] &&
	       (u32)regs.a2 == gh_uid[2] && (u32)regs.a3 == gh_uid[3];
}

static int __init gh_hypercall_init(void)
{
	struct arm_smccc_1_2_regs regs = { .a0 = GH_HYPERCALL_IDENTIFY };

	if (is_kernel_in_hyp_mode())
		return -ENODEV;
	if (arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_HVC && !gh_firmware_names_hypervisor())
		return -ENODEV;
	if (!gh_uid_matches())
		return -ENODEV;

	arm_smccc_1_2_hvc(&regs, &regs);
	gh_identity.api_info = regs.a0;
	gh_identity.flags[0] = regs.a1;
	gh_identity.flags[1] = regs.a2;
	gh_identity.flags[2] = regs.a3;

	if ((gh_identity.api_info & GH_API_INFO_VERSION_MASK) != GH_API_V1 ||
	    !(gh_identity.api_info & GH_API_INFO_64BIT) ||
	    (gh_identity.api_info & GH_API_INFO_BIG_ENDIAN)) {
		pr_err("hypervisor API %#llx is not supported\n", gh_identity.api_info);
		return -ENODEV;
	}

	return 0;
}

static void __exit gh_hypercall_exit(void)
{
}

module_init(gh_hypercall_init);
module_exit(gh_hypercall_exit);

MODULE_DESCRIPTION("Gunyah hypercalls");
MODULE_LICENSE("GPL");
