// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole replay happens when the module is loaded; the record is in debugfs
 * until it is unloaded.
 */
#include <linux/module.h>

#include "conf.h"

#define NR_MODES	12
#define VMID_RM		255

#define HOST_GET_TYPE	0x560000a0
#define GET_VMID	0x56000024
#define GET_ID		0x56000010
#define NO_SUCH_REQUEST	0x56000099

static void hypervisor_facts(void)
{
	struct conf_regs r;

	conf_hvc(HVC_VENDOR_UID, NULL, &r);
	conf_log("SMCCC vendor-hyp UID 0x%llx 0x%llx 0x%llx 0x%llx\n", r.x[0], r.x[1], r.x[2],
		 r.x[3]);
	conf_hvc(HVC_IDENTIFY, NULL, &r);
	conf_log("SMCCC 0xc6008000 (identify) 0x%llx 0x%llx 0x%llx 0x%llx\n", r.x[0], r.x[1],
		 r.x[2], r.x[3]);
	conf_hvc_identify(&r);
	conf_log("hvc 0x6000 identify: 0x%llx 0x%llx 0x%llx 0x%llx\n", r.x[0], r.x[1], r.x[2],
		 r.x[3]);
}

static void manager_facts(void)
{
	static const u8 zero[4];

	conf_rpc_facts();
	conf_log("hvc 0x60ff -> %lld\n", (s64)conf_hvc_unknown());
	conf_rpc(HOST_GET_TYPE, NULL, 0);
	conf_rpc(GET_VMID, NULL, 0);
	conf_rpc(GET_ID, zero, sizeof(zero));
	conf_rpc(NO_SUCH_REQUEST, NULL, 0);
	conf_vm_log_resources(VMID_RM);
}

static int __init conf_init(void)
{
	unsigned int mode;
	int ret;

	ret = conf_log_init();
	if (ret)
		return ret;
	ret = conf_rpc_init();
	if (ret)
		goto err_log;

	hypervisor_facts();
	manager_facts();
	for (mode = 0; mode < NR_MODES; mode++) {
		ret = conf_vm_replay(mode);
		if (ret)
			conf_log("mode %u: cleaning up failed: %d\n", mode, ret);
	}
	conf_rpc_log_counts();
	conf_log("DONE\n");
	return 0;

err_log:
	conf_log_exit();
	return ret;
}

static void __exit conf_exit(void)
{
	conf_vm_exit();
	conf_rpc_exit();
	conf_log_exit();
}

module_init(conf_init);
module_exit(conf_exit);
MODULE_DESCRIPTION("Replay of recorded Gunyah traces");
MODULE_LICENSE("GPL");
