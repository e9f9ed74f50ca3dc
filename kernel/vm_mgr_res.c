// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypervisor objects of a VM, and the tickets that claim them.
 *
 * The RM reports the objects at VM_START. An object belongs to the ticket of the
 * same type and label; without one it waits in the VM's list, where a ticket that
 * is added later finds it and a ticket that is removed leaves it. The VM manager
 * owns the objects throughout and frees them when the VM goes.
 *
 * Locks: res_lock, see vm_mgr.h.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "vm_mgr.h"

/**
 * struct gh_vm_resource - an object
 * @rsc: as the ticket sees it
 * @virq: what @rsc.irq was mapped from
 * @has_virq: it was
 */
struct gh_vm_resource {
	struct gunyah_resource rsc;
	u32 virq;
	bool has_virq;
};

void gh_vm_res_init(struct gunyah_vm *ghvm)
{
	mutex_init(&ghvm->res_lock);
	INIT_LIST_HEAD(&ghvm->tickets);
	INIT_LIST_HEAD(&ghvm->resources);
}

static struct gunyah_vm_resource_ticket *gh_vm_find_ticket(struct gunyah_vm *ghvm,
							   enum gunyah_resource_type type,
							   u32 label)
{
	struct gunyah_vm_resource_ticket *ticket;

	list_for_each_entry(ticket, &ghvm->tickets, vm_list) {
		if (ticket->resource_type == type && ticket->label == label)
			return ticket;
	}

	return NULL;
}

/* The object moves to the ticket if the ticket takes it. */
static int gh_vm_claim(struct gunyah_vm_resource_ticket *ticket, struct gunyah_resource *rsc)
{
	int ret;

	ret = ticket->populate(ticket, rsc);
	if (!ret)
		list_move_tail(&rsc->list, &ticket->resources);

	return ret;
}

static void gh_vm_unclaim(struct gunyah_vm *ghvm, struct gunyah_vm_resource_ticket *ticket)
{
	struct gunyah_resource *rsc, *next;

	list_for_each_entry_safe(rsc, next, &ticket->resources, list) {
		ticket->unpopulate(ticket, rsc);
		list_move_tail(&rsc->list, &ghvm->resources);
	}
}

/**
 * gunyah_vm_add_resource_ticket() - claim an object
 * @ghvm: VM
 * @ticket: owned by the caller until gunyah_vm_remove_resource_ticket()
 *
 * If the object exists already it is populated at once.
 *
 * Return: 0, -EEXIST if there is such a ticket, -ENODEV if its module is going,
 * or what populate returned
 */
int gunyah_vm_add_resource_ticket(struct gunyah_vm *ghvm,
				  struct gunyah_vm_resource_ticket *ticket)
{
	struct gunyah_resource *rsc, *next;
	int ret = 0;

	mutex_lock(&ghvm->res_lock);
	if (gh_vm_find_ticket(ghvm, ticket->resource_type, ticket->label)) {
		ret = -EEXIST;
		goto out;
	}
	if (!try_module_get(ticket->owner)) {
		ret = -ENODEV;
		goto out;
	}

	INIT_LIST_HEAD(&ticket->resources);
	list_for_each_entry_safe(rsc, next, &ghvm->resources, list) {
		if (rsc->type != ticket->resource_type || rsc->label != ticket->label)
			continue;
		ret = gh_vm_claim(ticket, rsc);
		if (ret)
			module_put(ticket->owner);
		break;
	}
	if (!ret)
		list_add_tail(&ticket->vm_list, &ghvm->tickets);
out:
	mutex_unlock(&ghvm->res_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_add_resource_ticket);

void gunyah_vm_remove_resource_ticket(struct gunyah_vm *ghvm,
				      struct gunyah_vm_resource_ticket *ticket)
{
	mutex_lock(&ghvm->res_lock);
	gh_vm_unclaim(ghvm, ticket);
	list_del(&ticket->vm_list);
	mutex_unlock(&ghvm->res_lock);

	module_put(ticket->owner);
}
EXPORT_SYMBOL_GPL(gunyah_vm_remove_resource_ticket);

static void gh_vm_resource_free(struct gunyah_vm *ghvm, struct gh_vm_resource *res)
{
	if (res->has_virq)
		gh_rm_irq_put(ghvm->rm, res->virq);
	kfree(res);
}

static bool gh_vm_type_known(u8 type)
{
	switch ((enum gunyah_resource_type)type) {
	case GUNYAH_RESOURCE_TYPE_BELL_TX:
	case GUNYAH_RESOURCE_TYPE_BELL_RX:
	case GUNYAH_RESOURCE_TYPE_MSGQ_TX:
	case GUNYAH_RESOURCE_TYPE_MSGQ_RX:
	case GUNYAH_RESOURCE_TYPE_VCPU:
	case GUNYAH_RESOURCE_TYPE_MEM_EXTENT:
	case GUNYAH_RESOURCE_TYPE_ADDR_SPACE:
		return true;
	}

	return false;
}

/*
 * The counters need no order among each other: a VM is judged off only when two looks,
 * seconds apart, find all vCPUs off and the same turn.
 */
void gunyah_vm_vcpu_off(struct gunyah_vm *ghvm)
{
	atomic_inc(&ghvm->vcpus_off);
}
EXPORT_SYMBOL_GPL(gunyah_vm_vcpu_off);

void gunyah_vm_vcpu_on(struct gunyah_vm *ghvm)
{
	atomic_inc(&ghvm->vcpus_on);
	atomic_dec(&ghvm->vcpus_off);
}
EXPORT_SYMBOL_GPL(gunyah_vm_vcpu_on);

bool gunyah_vm_is_off(struct gunyah_vm *ghvm, u32 *turn)
{
	unsigned int nr = READ_ONCE(ghvm->nr_vcpus);

	*turn = atomic_read(&ghvm->vcpus_on);
	return nr && atomic_read(&ghvm->vcpus_off) == nr;
}
EXPORT_SYMBOL_GPL(gunyah_vm_is_off);

static struct gh_vm_resource *gh_vm_resource_alloc(struct gunyah_vm *ghvm,
						   const struct gh_rm_hyp_resource *entry)
{
	struct gh_vm_resource *res = kzalloc(sizeof(*res), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!res)
		return ERR_PTR(-ENOMEM);

	res->rsc.type = entry->type;
	res->rsc.capid = le64_to_cpu(entry->capid);
	res->rsc.label = le32_to_cpu(entry->label);
	res->virq = le32_to_cpu(entry->virq);
	if (!res->virq || res->virq == U32_MAX)
		return res;

	ret = gh_rm_irq_get(ghvm->rm, res->virq, &res->rsc.irq);
	if (ret) {
		dev_err_ratelimited(ghvm->rm->dev, "VM %u: VIRQ %u cannot be used: %d\n",
				    ghvm->vmid, res->virq, ret);
		kfree(res);
		return ERR_PTR(ret);
	}
	res->has_virq = true;

	return res;
}

static int gh_vm_add_resource(struct gunyah_vm *ghvm, const struct gh_rm_hyp_resource *entry)
{
	struct gunyah_vm_resource_ticket *ticket;
	struct gh_vm_resource *res;
	int ret = 0;

	/* A newer RM may have objects that nothing here can want. */
	if (!gh_vm_type_known(entry->type))
		return 0;

	res = gh_vm_resource_alloc(ghvm, entry);
	if (IS_ERR(res))
		return PTR_ERR(res);

	mutex_lock(&ghvm->res_lock);
	list_add_tail(&res->rsc.list, &ghvm->resources);
	if (res->rsc.type == GUNYAH_RESOURCE_TYPE_VCPU)
		WRITE_ONCE(ghvm->nr_vcpus, ghvm->nr_vcpus + 1);
	ticket = gh_vm_find_ticket(ghvm, res->rsc.type, res->rsc.label);
	if (ticket)
		ret = gh_vm_claim(ticket, &res->rsc);
	mutex_unlock(&ghvm->res_lock);

	/* Another object of this name: it cannot be two. */
	return ret == -EEXIST ? -EPROTO : ret;
}

/* gh_vm_res_populate() - ask the RM for the VM's objects and hand them out. */
int gh_vm_res_populate(struct gunyah_vm *ghvm)
{
	struct gh_rm_resources resources;
	int ret;

	ret = gh_rm_get_hyp_resources(ghvm->rm, ghvm->vmid, &resources);
	if (ret)
		return ret;

	for (u32 i = 0; i < resources.n && !ret; i++)
		ret = gh_vm_add_resource(ghvm, &resources.entries[i]);
	kvfree(resources.payload);

	return ret;
}

/* gh_vm_res_depopulate() - the objects are about to go: take them back, free them. */
void gh_vm_res_depopulate(struct gunyah_vm *ghvm)
{
	struct gunyah_vm_resource_ticket *ticket;
	struct gunyah_resource *rsc, *next;

	mutex_lock(&ghvm->res_lock);
	list_for_each_entry(ticket, &ghvm->tickets, vm_list)
		gh_vm_unclaim(ghvm, ticket);
	list_for_each_entry_safe(rsc, next, &ghvm->resources, list) {
		list_del(&rsc->list);
		gh_vm_resource_free(ghvm, container_of(rsc, struct gh_vm_resource, rsc));
	}
	WRITE_ONCE(ghvm->nr_vcpus, 0);
	mutex_unlock(&ghvm->res_lock);
}
