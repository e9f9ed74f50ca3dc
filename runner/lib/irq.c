// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Interrupts of devices: an eventfd that rings a doorbell of the VM (GH_FN_IRQFD).
 */
#include <libfdt.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"

/* Shared interrupts and edges in a device tree's interrupt specifier. */
#define SPI		0
#define EDGE_RISING	1
#define FIRST_INTID	32

static const char *irqfd_hint(int error)
{
	return error == -EMFILE ? gh_files_hint(error) : "load the module gunyah_irqfd";
}

int gh_irq_create(struct gh_vm *vm, struct gh_irq **out)
{
	struct gh_irq *irq = &vm->irqs[vm->nr_irqs];
	struct gh_fn_irqfd_arg arg = { .label = vm->nr_irqs };
	struct gh_fn_desc desc = {
		.type = GH_FN_IRQFD,
		.arg_size = sizeof(arg),
		.arg = (uintptr_t)&arg,
	};
	int fd, ret;

	*out = NULL;
	if (vm->state != GH_VM_NEW)
		return gh_fail_vm(vm, -1, -EBUSY, "adding an interrupt", "the VM is started already");
	if (vm->nr_irqs == GH_MAX_IRQS)
		return gh_fail_vm(vm, -1, -ENOSPC, "adding an interrupt", "a VM has 16 at most");
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return gh_fail_vm(vm, -1, -errno, "adding an interrupt", gh_files_hint(-errno));
	arg.fd = (uint32_t)fd;
	ret = vm->ops->ioctl(vm->ctx, vm->fd, GH_VM_ADD_FUNCTION, &desc);
	if (ret < 0) {
		close(fd);
		return gh_fail_vm(vm, -1, ret, "adding an interrupt", irqfd_hint(ret));
	}
	*irq = (struct gh_irq) { .fd = fd, .label = vm->nr_irqs++ };
	*out = irq;
	return 0;
}

/* The counter is never read; it is full after 2^64 - 2 interrupts. */
void gh_irq_raise(struct gh_irq *irq)
{
	const uint64_t one = 1;
	int saved = errno;

	if (write(irq->fd, &one, sizeof(one)) < 0)
		errno = saved;
}

void gh_irq_set(struct gh_irq *irq, bool level)
{
	if (level && !irq->level)
		gh_irq_raise(irq);
	irq->level = level;
}

unsigned int gh_irq_intid(const struct gh_irq *irq)
{
	return FIRST_INTID + GH_FIRST_SPI + irq->label;
}

int gh_irq_dt(const struct gh_irq *irq, void *fdt)
{
	const fdt32_t cells[3] = {
		cpu_to_fdt32(SPI), cpu_to_fdt32(GH_FIRST_SPI + irq->label),
		cpu_to_fdt32(EDGE_RISING),
	};

	return fdt_property(fdt, "interrupts", cells, sizeof(cells));
}

/*
 * The doorbell, among the virtual devices that the resource manager makes. It is the
 * host's to ring, and drops by itself.
 */
int gh_irq_dt_bell(const struct gh_irq *irq, void *fdt)
{
	char name[16], path[32];

	snprintf(name, sizeof(name), "bell-%u", irq->label);
	snprintf(path, sizeof(path), "/hypervisor/%s", name);
	return fdt_begin_node(fdt, name) ?:
	       fdt_property_string(fdt, "vdevice-type", "doorbell") ?:
	       fdt_property_string(fdt, "generate", path) ?:
	       fdt_property_u32(fdt, "label", irq->label) ?:
	       fdt_property(fdt, "peer-default", NULL, 0) ?:
	       fdt_property(fdt, "source-can-clear", NULL, 0) ?:
	       gh_irq_dt(irq, fdt) ?:
	       fdt_end_node(fdt);
}

void gh_irqs_close(struct gh_vm *vm)
{
	while (vm->nr_irqs)
		close(vm->irqs[--vm->nr_irqs].fd);
}
