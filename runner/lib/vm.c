// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Virtual machines: memory, description, vCPUs, start, stop and removal.
 *
 * All memory a VM needs is allocated in gh_vm_create(). From gh_vm_start() on its
 * guest memory belongs to the guest: the host has no access any more, a touch
 * would be fatal, and only the end of the VM gives it back.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <gh-runner/testdev-regs.h>

#include "internal.h"

static void *mem_map(uint64_t size)
{
	size_t total = size + GH_MEMORY_ALIGN, head;
	uint8_t *p, *start;

	p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	start = (uint8_t *)(((uintptr_t)p + GH_MEMORY_ALIGN - 1) & ~(GH_MEMORY_ALIGN - 1));
	head = (size_t)(start - p);
	if (head)
		munmap(p, head);
	if (total - head > size)
		munmap(start + size, total - head - size);
	/* Advice: the VM works without, slower or with more noise in a core dump. */
	madvise(start, size, MADV_HUGEPAGE);
	madvise(start, size, MADV_DONTDUMP);
	madvise(start, size, MADV_DONTFORK);
	return start;
}

static int config_check(struct gh_runner *r, const struct gh_vm_config *c)
{
	const char *what = "creating a VM";
	size_t len = c->name ? strlen(c->name) : 0;

	if (!len || len >= GH_MAX_NAME)
		return gh_fail(r, -EINVAL, what, "the name must have 1 to 31 bytes");
	if (!c->memory_size || c->memory_size % GH_MEMORY_ALIGN || c->memory_size > GH_MAX_MEMORY)
		return gh_fail(r, -EINVAL, what,
			       "the memory size must be a multiple of 2 MiB, at most 64 GiB");
	if (!c->vcpus || c->vcpus > GH_MAX_VCPUS_PER_VM)
		return gh_fail(r, -EINVAL, what, "a VM has 1 to 8 vCPUs");
	if (!c->image)
		return gh_fail(r, -EINVAL, what, "there is no image");
	if (c->bootargs && strlen(c->bootargs) >= GH_MAX_BOOTARGS)
		return gh_fail(r, -E2BIG, what, "bootargs must be shorter than 2048 bytes");
	return 0;
}

int gh_vm_set_slice(struct gh_vm *vm, uint32_t slice_ns)
{
	const struct gh_runner *r = vm->runner;
	unsigned int i;

	if (slice_ns < GH_MIN_SLICE_NS || slice_ns > GH_MAX_SLICE_NS)
		return gh_fail_vm(vm, -1, -EINVAL, "setting the slice",
				  "it is 10 us at least and 4 ms at most");
	if (vm->state == GH_VM_TRANSIT)
		return -EBUSY;
	if (r->backend == GH_BACKEND_THREADS)
		return gh_fail_vm(vm, -1, -EOPNOTSUPP, "setting the slice",
				  "with a thread for each vCPU the kernel shares out the CPU");
	for (i = 0; i < vm->nr_vcpus; i++)
		vm->vcpus[i].slice_ns = slice_ns;
	vm->runner->recheck = true;
	return 0;
}

static struct gh_vm *vm_alloc(struct gh_runner *r, const struct gh_vm_config *c)
{
	struct gh_vm *vm = calloc(1, sizeof(*vm) + c->vcpus * sizeof(vm->vcpus[0]));
	unsigned int i;

	if (!vm)
		return NULL;
	vm->runner = r;
	vm->ops = r->ops;
	vm->ctx = r->ctx;
	vm->fd = -1;
	vm->nr_vcpus = c->vcpus;
	vm->mem_size = c->memory_size;
	vm->pinned = c->pinned;
	vm->events = c->events;
	vm->opaque = c->opaque;
	memcpy(vm->name, c->name, strlen(c->name));
	for (i = 0; i < c->vcpus; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].index = i;
		vm->vcpus[i].fd = -1;
		vm->vcpus[i].slice_ns = r->sched.slice_ns;
		vm->vcpus[i].after = GH_AFTER_START;
		vm->vcpus[i].slot = GH_NO_SLOT;
	}
	return vm;
}

/* ---- life ----------------------------------------------------------------------- */

static int vm_fill(struct gh_vm *vm, const struct gh_vm_config *c)
{
	const char *why = NULL;
	struct gh_image image;
	int ret;

	vm->mem = mem_map(vm->mem_size);
	if (!vm->mem)
		return gh_fail_vm(vm, -1, -ENOMEM, "allocating guest memory", NULL);
	ret = gh_image_load(c->image, c->image_size, vm->mem, vm->mem_size - GH_DTB_SIZE,
			    GH_BOARD_RAM_BASE, &image, &why);
	if (ret)
		return gh_fail_vm(vm, -1, ret, "loading the image", why);
	if (c->bootargs) {
		vm->bootargs = strdup(c->bootargs);
		if (!vm->bootargs)
			return gh_fail_vm(vm, -1, -ENOMEM, "creating a VM", NULL);
	}
	return 0;
}

static const char *open_hint(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENODEV:
		return "load the modules: modprobe gunyah_vcpu";
	case -EACCES:
	case -EPERM:
		return "/dev/gunyah is for root and the group gunyah: adduser USER gunyah, and "
		       "log in anew";
	default:
		return NULL;
	}
}

static void vm_free(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner;
	unsigned int i;

	for (i = vm->nr_vcpus; i-- > 0;)
		gh_vcpu_exit(&vm->vcpus[i]);
	/* The last descriptor ends the VM and returns its memory; only then unmap. */
	if (vm->fd >= 0)
		r->ops->close(r->ctx, vm->fd);
	gh_irqs_close(vm);
	if (vm->mem)
		munmap(vm->mem, vm->mem_size);
	free(vm->bootargs);
	free(vm);
}

static int vm_open(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner;
	int dev, fd;

	dev = r->ops->open(r->ctx);
	if (dev < 0)
		return gh_fail_vm(vm, -1, dev, "opening /dev/gunyah", open_hint(dev));
	fd = r->ops->ioctl(r->ctx, dev, GH_CREATE_VM, NULL);
	r->ops->close(r->ctx, dev);
	if (fd < 0)
		return gh_fail_vm(vm, -1, fd, "creating a VM (GH_CREATE_VM)", gh_files_hint(fd));
	vm->fd = fd;
	return 0;
}

int gh_vm_create(struct gh_runner *r, const struct gh_vm_config *config, struct gh_vm **out)
{
	struct gh_vm *vm;
	unsigned int i;
	int ret;

	*out = NULL;
	ret = config_check(r, config);
	if (ret)
		return ret;
	vm = vm_alloc(r, config);
	if (!vm)
		return gh_fail(r, -ENOMEM, "creating a VM", NULL);
	ret = vm_fill(vm, config);
	if (ret)
		goto err_free;
	ret = vm_open(vm);
	if (ret)
		goto err_free;
	for (i = 0; i < vm->nr_vcpus; i++) {
		ret = gh_vcpu_init(&vm->vcpus[i]);
		if (ret)
			goto err_free;
	}
	vm->next = r->vms;
	r->vms = vm;
	*out = vm;
	return 0;

err_free:
	vm_free(vm);
	return ret;
}

int gh_vm_add_device(struct gh_vm *vm, uint64_t base, uint64_t size,
		     const struct gh_device_ops *ops, void *device)
{
	const struct gh_window window = {
		.base = base,
		.size = size,
		.ops = ops,
		.device = device,
	};
	int ret;

	if (vm->state != GH_VM_NEW)
		return gh_fail_vm(vm, -1, -EBUSY, "adding a device", "the VM is started already");
	if (!ops || !ops->name || !ops->read || !ops->write)
		return gh_fail_vm(vm, -1, -EINVAL, "adding a device", "name, read or write missing");
	if (base >= GH_VMMIO_END || size > GH_VMMIO_END - base)
		return gh_fail_vm(vm, -1, -EINVAL, "adding a device",
				  "devices lie below 0x40000000");
	/* The virtual interrupt controller takes its frames before the host sees them. */
	if (base < GH_BOARD_GICD_BASE + 0x10000 && base + size > GH_BOARD_GICR_BASE)
		return gh_fail_vm(vm, -1, -EEXIST, "adding a device",
				  "it overlaps the interrupt controller");
	ret = gh_bus_insert(&vm->bus, &window);
	if (ret)
		return gh_fail_vm(vm, -1, ret, "adding a device",
				  ret == -EEXIST ? "it overlaps another device" : NULL);
	return 0;
}

static const char *start_hint(int error)
{
	switch (error) {
	case -ENOMEM:
	case -EPERM:
		return "guest memory is pinned: raise RLIMIT_MEMLOCK (ulimit -l)";
	case -ENODEV:
		return "the resource manager refused the VM: see the kernel log";
	default:
		return NULL;
	}
}

static int vm_lend(struct gh_vm *vm, uint64_t dtb_offset)
{
	struct gh_runner *r = vm->runner;
	struct gh_userspace_memory_region region = {
		.flags = GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC | GH_MEM_LENT,
		.guest_phys_addr = GH_BOARD_RAM_BASE,
		.memory_size = vm->mem_size,
		.userspace_addr = (uintptr_t)vm->mem,
	};
	struct gh_vm_dtb_config dtb = {
		.guest_phys_addr = GH_BOARD_RAM_BASE + dtb_offset,
		.size = GH_DTB_SIZE,
	};
	int ret;

	ret = r->ops->ioctl(r->ctx, vm->fd, GH_VM_SET_USER_MEM_REGION, &region);
	if (ret < 0)
		return gh_fail_vm(vm, -1, ret, "lending memory", start_hint(ret));
	ret = r->ops->ioctl(r->ctx, vm->fd, GH_VM_SET_DTB_CONFIG, &dtb);
	if (ret < 0)
		return gh_fail_vm(vm, -1, ret, "placing the device tree", NULL);
	ret = r->ops->ioctl(r->ctx, vm->fd, GH_VM_START, NULL);
	if (ret < 0)
		return gh_fail_vm(vm, -1, ret, "starting the VM", start_hint(ret));
	return 0;
}

int gh_vm_start(struct gh_vm *vm)
{
	/* The tree lies at the top of memory: images grow from the bottom. */
	uint64_t dtb_offset = vm->mem_size - GH_DTB_SIZE;
	unsigned int i;
	int ret;

	if (vm->state != GH_VM_NEW)
		return gh_fail_vm(vm, -1, -EBUSY, "starting the VM", "a VM starts once");
	ret = gh_dtb_build(vm, (uint8_t *)vm->mem + dtb_offset, GH_DTB_SIZE);
	if (ret)
		return gh_fail_vm(vm, -1, ret, "building the device tree",
				  ret == -ENOSPC ? "too many devices or too long bootargs" : NULL);
	/* Whatever happens in there, the image may be the guest's already. */
	vm->state = GH_VM_ENDED;
	ret = vm_lend(vm, dtb_offset);
	if (ret)
		return ret;

	vm->state = GH_VM_RUNNING;
	vm->runner->running_vms++;
	if (vm->runner->group)
		gh_group_vm_started(vm->runner->group);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i].present)
			gh_vcpu_start(&vm->vcpus[i]);
	return 0;
}

int gh_vm_destroy(struct gh_vm *vm)
{
	struct gh_runner *r = vm->runner;
	struct gh_vm **at = &r->vms, *ended;
	unsigned int i;

	if (vm->state == GH_VM_TRANSIT)
		return -EBUSY;
	if (r->in_callback)
		return gh_fail_vm(vm, -1, -EBUSY, "destroying the VM", "called from a callback");
	if (vm->state != GH_VM_NEW && vm->state != GH_VM_ENDED)
		return gh_fail_vm(vm, -1, -EBUSY, "destroying the VM",
				  "stop it and drive the runner until it ended");
	for (ended = r->ended; ended; ended = ended->next_ended)
		if (ended == vm)
			return gh_fail_vm(vm, -1, -EBUSY, "destroying the VM",
					  "drive the runner until it ended");
	while (*at != vm)
		at = &(*at)->next;
	*at = vm->next;
	for (i = 0; i < vm->bus.nr; i++)
		if (vm->bus.windows[i].ops->release)
			vm->bus.windows[i].ops->release(vm->bus.windows[i].device);
	vm_free(vm);
	return 0;
}

/* ---- what the embedder may ask ---------------------------------------------------- */

const char *gh_vm_name(const struct gh_vm *vm)
{
	return vm->name;
}

struct gh_runner *gh_vm_runner(const struct gh_vm *vm)
{
	return vm->runner;
}

void *gh_vm_opaque(const struct gh_vm *vm)
{
	return vm->opaque;
}

unsigned int gh_vm_vcpus(const struct gh_vm *vm)
{
	return vm->nr_vcpus;
}

struct gh_vcpu *gh_vm_vcpu(struct gh_vm *vm, unsigned int index)
{
	return index < vm->nr_vcpus ? &vm->vcpus[index] : NULL;
}

const struct gh_vm_result *gh_vm_result(const struct gh_vm *vm)
{
	return &vm->result;
}
