// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts that the RM reports by VIRQ number.
 *
 * A VIRQ is an interrupt of the host's GIC: 32..1019 are SPIs, 4096..5119 are
 * extended SPIs, all edge-triggered. They are in no device tree, so the mapping
 * is made with the specifier that the tree would have had. Where lines run out,
 * vCPUs share one: the table counts who uses it.
 *
 * irq_lock protects the table and is held over the mapping, so that two users of
 * one line cannot meet in its creation. Nothing is taken under it but the
 * interrupt core's own locks.
 */
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/of.h>
#include <linux/of_irq.h>
#include <linux/slab.h>

#include <dt-bindings/interrupt-controller/arm-gic.h>

#include "rsc_mgr.h"

#define GH_VIRQ_SPI_FIRST	32
#define GH_VIRQ_SPI_LAST	1019
#define GH_VIRQ_ESPI_FIRST	4096
#define GH_VIRQ_ESPI_LAST	5119
#define GH_GIC_ESPI		2	/* no name in the binding's header */

/**
 * struct gh_rm_virq - a mapped VIRQ
 * @irq: of Linux
 * @users: who got it and has not put it
 */
struct gh_rm_virq {
	unsigned int irq;
	unsigned int users;
};

static int gh_rm_virq_spec(struct gh_rm *rm, u32 virq, struct irq_fwspec *spec)
{
	u32 kind, number;

	if (virq >= GH_VIRQ_SPI_FIRST && virq <= GH_VIRQ_SPI_LAST) {
		kind = GIC_SPI;
		number = virq - GH_VIRQ_SPI_FIRST;
	} else if (virq >= GH_VIRQ_ESPI_FIRST && virq <= GH_VIRQ_ESPI_LAST) {
		kind = GH_GIC_ESPI;
		number = virq - GH_VIRQ_ESPI_FIRST;
	} else {
		return -EINVAL;
	}

	*spec = (struct irq_fwspec) {
		.fwnode = rm->irq_parent,
		.param_count = 3,
		.param = { kind, number, IRQ_TYPE_EDGE_RISING },
	};

	return 0;
}

static int gh_rm_virq_map(struct gh_rm *rm, u32 virq, unsigned int *irq)
{
	struct irq_domain *domain;
	struct irq_fwspec spec;
	int ret;

	ret = gh_rm_virq_spec(rm, virq, &spec);
	if (ret)
		return ret;

	/* The RM must not be able to name a line that another device uses. */
	domain = irq_find_matching_fwspec(&spec, DOMAIN_BUS_ANY);
	if (!domain)
		return -ENODEV;
	if (irq_find_mapping(domain, virq))
		return -EBUSY;

	*irq = irq_create_fwspec_mapping(&spec);

	return *irq ? 0 : -ENOSPC;
}

/**
 * gh_rm_irq_get() - use a VIRQ
 * @rm: the RM that reported it
 * @virq: its number, untrusted
 * @irq: the interrupt, possibly shared with other users
 *
 * Return: 0, or -EINVAL for a number that cannot be, -EBUSY for one that belongs
 * to a device of the host
 */
int gh_rm_irq_get(struct gh_rm *rm, u32 virq, unsigned int *irq)
{
	struct gh_rm_virq *v;
	int ret = 0;

	mutex_lock(&rm->irq_lock);
	v = xa_load(&rm->virqs, virq);
	if (v) {
		v->users++;
		*irq = v->irq;
		goto out;
	}

	v = kzalloc(sizeof(*v), GFP_KERNEL);
	if (!v) {
		ret = -ENOMEM;
		goto out;
	}
	ret = gh_rm_virq_map(rm, virq, &v->irq);
	if (ret)
		goto err_free;
	ret = xa_err(xa_store(&rm->virqs, virq, v, GFP_KERNEL));
	if (ret)
		goto err_unmap;
	v->users = 1;
	*irq = v->irq;
	goto out;

err_unmap:
	irq_dispose_mapping(v->irq);
err_free:
	kfree(v);
out:
	mutex_unlock(&rm->irq_lock);

	return ret;
}

/* gh_rm_irq_put() - stop using a VIRQ; its handler must be gone. */
void gh_rm_irq_put(struct gh_rm *rm, u32 virq)
{
	struct gh_rm_virq *v;

	mutex_lock(&rm->irq_lock);
	v = xa_load(&rm->virqs, virq);
	if (v && !--v->users) {
		xa_erase(&rm->virqs, virq);
		irq_dispose_mapping(v->irq);
		kfree(v);
	}
	mutex_unlock(&rm->irq_lock);
}

int gh_rm_irq_init(struct gh_rm *rm)
{
	struct device_node *parent = of_irq_find_parent(rm->dev->of_node);

	if (!parent)
		return -ENODEV;

	mutex_init(&rm->irq_lock);
	xa_init(&rm->virqs);
	rm->irq_parent = fwnode_handle_get(of_fwnode_handle(parent));
	of_node_put(parent);

	return 0;
}

/* All users are gone: each VM put what it got. */
void gh_rm_irq_exit(struct gh_rm *rm)
{
	xa_destroy(&rm->virqs);
	fwnode_handle_put(rm->irq_parent);
}
