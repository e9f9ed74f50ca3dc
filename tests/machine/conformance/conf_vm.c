// SPDX-License-Identifier: GPL-2.0-only
/* One life of the guest: made, started, run, stopped, reset, taken apart. */
#include <linux/gfp.h>
#include <linux/interrupt.h>
#include <linux/irqdomain.h>
#include <linux/mm.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "conf.h"

#define IMAGE_ORDER	9		/* 2 MiB */
#define IMAGE_SIZE	(PAGE_SIZE << IMAGE_ORDER)
#define DTB_OFF		0x100000
#define DTB_ROOM	0x8000
#define MODE_OFF	8		/* where the guest reads its mode */
#define ADDR_LABEL	0
#define RIGHTS_RWX	7

#define MEM_LEND	0x51000012
#define MEM_RECLAIM	0x51000015
#define VM_ALLOCATE	0x56000001
#define VM_DEALLOCATE	0x56000002
#define VM_START	0x56000004
#define VM_STOP		0x56000005
#define VM_RESET	0x56000006
#define VM_CONFIG_IMAGE	0x56000009
#define VM_INIT		0x5600000b
#define VM_GET_STATE	0x56000017
#define VM_RESOURCES	0x56000020
#define STOP_FORCE	1

#define RSC_BELL_TX	0
#define RSC_VCPU	4
#define RSC_SIZE	44
#define RESET_MS	5000

/* The guest's memory. Not ours to free if the hypervisor keeps it. */
static struct page *image;

static int vmid_request(u32 id, u16 vmid)
{
	u8 body[4];

	put_unaligned_le32(vmid, body);
	return conf_rpc(id, body, sizeof(body));
}

static void write_image(unsigned int mode)
{
	u8 *p = page_address(image);

	memset(p, 0, IMAGE_SIZE);
	memcpy(p, conf_guest_start, conf_guest_end - conf_guest_start);
	put_unaligned_le64(mode, p + MODE_OFF);
	memcpy(p + DTB_OFF, conf_dtb_start, conf_dtb_end - conf_dtb_start);
}

static int lend(struct conf_vm *vm)
{
	u8 b[40] = { };

	put_unaligned_le32(ADDR_LABEL, b + 4);
	put_unaligned_le16(1, b + 8);
	put_unaligned_le16(vm->vmid, b + 12);
	b[14] = RIGHTS_RWX;
	put_unaligned_le16(1, b + 16);
	put_unaligned_le64(page_to_phys(image), b + 20);
	put_unaligned_le64(IMAGE_SIZE, b + 28);
	return conf_rpc(MEM_LEND, b, sizeof(b));
}

static int config_image(struct conf_vm *vm)
{
	u8 b[40] = { };

	put_unaligned_le16(vm->vmid, b);
	put_unaligned_le32(vm->handle, b + 4);
	put_unaligned_le64(0, b + 8);
	put_unaligned_le64(DTB_OFF, b + 16);
	put_unaligned_le64(DTB_OFF, b + 24);
	put_unaligned_le64(DTB_ROOM, b + 32);
	return conf_rpc(VM_CONFIG_IMAGE, b, sizeof(b));
}

static int stop(struct conf_vm *vm)
{
	u8 b[8] = { };

	put_unaligned_le16(vm->vmid, b);
	b[2] = STOP_FORCE;
	return conf_rpc(VM_STOP, b, sizeof(b));
}

static irqreturn_t on_kick(int irq, void *data)
{
	struct conf_vcpu *vcpu = data;

	atomic_inc(&vcpu->kicks);
	complete(&vcpu->kick);
	return IRQ_HANDLED;
}

/* An INTID of the interrupt controller, edge-triggered. */
static int map_virq(u32 intid)
{
	struct device_node *gic, *np;
	struct irq_fwspec spec = { .param_count = 3, .param = { 0, intid - 32,
								IRQ_TYPE_EDGE_RISING } };

	np = of_find_compatible_node(NULL, NULL, "gunyah-resource-manager");
	gic = np ? of_irq_find_parent(np) : NULL;
	of_node_put(np);
	if (!gic)
		return 0;
	spec.fwnode = of_fwnode_handle(gic);
	of_node_put(gic);
	return irq_create_fwspec_mapping(&spec);
}

static void claim_vcpu(struct conf_vm *vm, u32 label, u64 cap, u32 intid)
{
	struct conf_vcpu *vcpu = &vm->vcpu[label];

	vcpu->cap = cap;
	vcpu->irq = map_virq(intid);
	if (vcpu->irq <= 0) {
		conf_log("  no interrupt for virq %u\n", intid);
		vcpu->irq = 0;
		return;
	}
	if (request_irq(vcpu->irq, on_kick, 0, "gh_conf_vcpu", vcpu)) {
		irq_dispose_mapping(vcpu->irq);
		vcpu->irq = 0;
	}
}

static void release_vcpus(struct conf_vm *vm)
{
	unsigned int i;

	for (i = 0; i < CONF_VCPUS; i++) {
		if (!vm->vcpu[i].irq)
			continue;
		free_irq(vm->vcpu[i].irq, &vm->vcpu[i]);
		irq_dispose_mapping(vm->vcpu[i].irq);
	}
}

static void claim_resources(struct conf_vm *vm)
{
	u32 i, n = get_unaligned_le32(conf_reply);
	const u8 *p;

	conf_log("  %u resources\n", n);
	for (i = 0; i < n && 4 + (i + 1) * RSC_SIZE <= conf_reply_len; i++) {
		u32 label, virq;
		u64 cap;

		p = conf_reply + 4 + i * RSC_SIZE;
		label = get_unaligned_le32(p + 8);
		cap = get_unaligned_le64(p + 12);
		virq = get_unaligned_le32(p + 24);
		conf_log("  res[%u] type %u partner_vmid %u handle 0x%x label 0x%x capid 0x%llx virq_handle 0x%x virq %u base 0x%llx size 0x%llx\n",
			 i, p[0], get_unaligned_le16(p + 2), get_unaligned_le32(p + 4), label, cap,
			 get_unaligned_le32(p + 20), virq, get_unaligned_le64(p + 28),
			 get_unaligned_le64(p + 36));
		if (!vm)
			continue;
		if (p[0] == RSC_VCPU && label < CONF_VCPUS)
			claim_vcpu(vm, label, cap, virq);
		if (p[0] == RSC_BELL_TX && label == CONF_BELL_LABEL)
			vm->bell_cap = cap;
	}
}

static bool build(struct conf_vm *vm, unsigned int mode)
{
	unsigned int i;
	struct conf_run r;

	if (vmid_request(VM_ALLOCATE, 0) || conf_reply_len < 4)
		return false;
	vm->vmid = get_unaligned_le16(conf_reply);
	vm->allocated = true;
	conf_log("=== VM_ALLOCATE -> vmid %u, mode %u\n", vm->vmid, mode);

	write_image(mode);
	if (lend(vm) || conf_reply_len < 4)
		return false;
	vm->handle = get_unaligned_le32(conf_reply);
	vm->lent = true;

	if (config_image(vm))
		return false;
	vm->configured = true;
	if (vmid_request(VM_INIT, vm->vmid) || vmid_request(VM_RESOURCES, vm->vmid))
		return false;
	claim_resources(vm);

	for (i = 0; i < CONF_VCPUS; i++) {
		conf_run_once(&vm->vcpu[i], 0, &r);
		conf_log("  pre-start vcpu%u run: err %llu state 0x%llx(%s) 0x%llx 0x%llx 0x%llx\n",
			 i, r.err, r.state, conf_state_name(r.state), r.data[0], r.data[1],
			 r.data[2]);
	}
	if (vmid_request(VM_START, vm->vmid))
		return false;
	vm->running = true;
	if (!conf_wait_kick(&vm->vcpu[0]))
		conf_log("  no kick at the start\n");
	return true;
}

static void end_running(struct conf_vm *vm)
{
	struct conf_run r;
	unsigned int i;

	vmid_request(VM_GET_STATE, vm->vmid);
	if (!conf_seen.exited) {
		stop(vm);
		for (i = 0; i < 3; i++) {
			conf_run_once(&vm->vcpu[0], 0, &r);
			conf_log("  after stop: run err %llu state 0x%llx(%s) 0x%llx\n", r.err,
				 r.state, conf_state_name(r.state), r.data[0]);
		}
	}
	/* The end kicks all vCPUs. */
	for (i = 0; i < CONF_VCPUS; i++) {
		if (!conf_wait_kick(&vm->vcpu[i]))
			conf_log("  no kick at the end\n");
		conf_log("  vcpu%u kicks %d\n", i, atomic_read(&vm->vcpu[i].kicks));
	}
}

static void reset_vm(struct conf_vm *vm)
{
	ktime_t start = ktime_get();
	struct conf_run r;
	unsigned int i;
	bool done;

	vmid_request(VM_RESET, vm->vmid);
	done = conf_wait(&conf_seen.reset, RESET_MS);
	conf_log("  RESET notification %d after %lld us\n", done,
		 ktime_us_delta(ktime_get(), start));
	for (i = 0; i < CONF_VCPUS; i++) {
		conf_run_once(&vm->vcpu[i], 0, &r);
		conf_log("  after reset: run err %llu state 0x%llx\n", r.err, r.state);
	}
}

static int take_apart(struct conf_vm *vm)
{
	u8 *p = page_address(image);
	u8 body[8] = { };

	if (vm->running)
		end_running(vm);
	if (vm->configured)
		reset_vm(vm);
	release_vcpus(vm);
	if (vm->lent) {
		put_unaligned_le32(vm->handle, body);
		if (conf_rpc(MEM_RECLAIM, body, sizeof(body)))
			return -EBUSY;
		conf_log("  reclaimed; guest image word0 now 0x%x, DT magic 0x%x, fdt size %u\n",
			 get_unaligned_le32(p), get_unaligned_be32(p + DTB_OFF),
			 get_unaligned_be32(p + DTB_OFF + 4));
	}
	if (vm->allocated)
		vmid_request(VM_DEALLOCATE, vm->vmid);
	return 0;
}

int conf_vm_replay(unsigned int mode)
{
	struct conf_vm *vm;
	unsigned int i;
	int ret;

	if (!image)
		image = alloc_pages(GFP_KERNEL, IMAGE_ORDER);
	vm = kzalloc(sizeof(*vm), GFP_KERNEL);
	if (!image || !vm) {
		kfree(vm);
		return -ENOMEM;
	}
	for (i = 0; i < CONF_VCPUS; i++)
		init_completion(&vm->vcpu[i].kick);
	conf_forget();

	if (build(vm, mode))
		conf_run_guest(vm, mode);
	ret = take_apart(vm);
	if (ret) {
		pr_err("gh_conformance: the guest's memory is lost\n");
		image = NULL;
	}
	kfree(vm);
	return ret;
}

void conf_vm_log_resources(u16 vmid)
{
	if (!vmid_request(VM_RESOURCES, vmid))
		claim_resources(NULL);
}

void conf_vm_exit(void)
{
	if (image)
		__free_pages(image, IMAGE_ORDER);
}
