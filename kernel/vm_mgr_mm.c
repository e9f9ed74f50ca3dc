// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a VM: pinning, accounting, parcels.
 *
 * A region is pinned and accounted to the caller's RLIMIT_MEMLOCK when it is set,
 * and becomes a parcel of the RM at VM_START. Lent memory is gone for the host
 * until it is reclaimed: whoever touches it meanwhile gets an external abort. A
 * parcel that cannot be reclaimed stays pinned for ever, because the guest may
 * still reach it; so its pages never come to be anybody else's.
 *
 * Where the RM maps a parcel follows from the parcel, not from a request:
 *   the image, which holds the device tree, at the tree's base address
 *   further private memory (label 0, all rights) right behind it, in the order lent
 *   what has another label where the tree has a node for that label
 * Regions that are RAM must therefore follow the image without a gap, and are lent
 * in the order of their guest addresses; the others keep their labels.
 *
 * Locks: the VM's lock, see vm_mgr.h.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vm_mgr.h"

#define GH_MEM_ALLOW_ALL	(GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC)
#define GH_MEM_FLAGS		(GH_MEM_ALLOW_ALL | GH_MEM_LENT)

/* As many as the RM takes from one owner. */
#define GH_VM_MAX_REGIONS	64

/* Pages pinned at a time, so that a kill is noticed. */
#define GH_PIN_BATCH		4096

/* Who has the memory. */
enum gh_region_owner {
	GH_REGION_HOST,		/* pinned, not given */
	GH_REGION_GIVEN,	/* a parcel with a handle */
	GH_REGION_UNKNOWN,	/* asked to be given or taken back, no answer: no handle */
};

/**
 * struct gh_vm_region - memory for a VM
 * @list: in the VM's list, by @gpa
 * @label: the user's
 * @flags: GH_MEM_*
 * @gpa: guest address
 * @size: in bytes
 * @npages: accounted and pinned
 * @pages: owned
 * @owner: who has it now
 * @handle: of the parcel
 */
struct gh_vm_region {
	struct list_head list;
	u32 label;
	u32 flags;
	u64 gpa;
	u64 size;
	unsigned long npages;
	struct page **pages;
	enum gh_region_owner owner;
	u32 handle;
};

static bool gh_region_writable(const struct gh_vm_region *region)
{
	return region->flags & GH_MEM_ALLOW_WRITE;
}

/* ---- pin and account -------------------------------------------------------------- */

static void gh_region_unpin(struct gh_vm_region *region, unsigned long npages)
{
	unpin_user_pages_dirty_lock(region->pages, npages, gh_region_writable(region));
}

/*
 * Lent memory must be user space's own: anonymous or of a file in memory. A page
 * without a mapping is some driver's, which touches it whenever it likes.
 */
static bool gh_region_lendable(const struct gh_vm_region *region)
{
	for (unsigned long i = 0; i < region->npages; i++) {
		if (!page_folio(region->pages[i])->mapping)
			return false;
	}

	return true;
}

/*
 * While memory is lent the kernel must not touch it for user space: fork() copies
 * pinned private pages, a core dump reads them, and either would end in an external
 * abort in the kernel. So its mappings stay out of both from now on, as whole
 * mappings. MADV_DOFORK and MADV_DODUMP undo it. Other ways to have the kernel touch it
 * are open, and why is in docs/protocol.md; the caller is trusted not to go there.
 */
static int gh_region_hide(unsigned long start, u64 size)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	struct vma_iterator vmi;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma_iter_init(&vmi, mm, start);
	for_each_vma_range(vmi, vma, start + size)
		vm_flags_set(vma, VM_DONTCOPY | VM_DONTDUMP);
	mmap_write_unlock(mm);

	return 0;
}

/*
 * Lent memory is always pinned for writing, or user space could take the page
 * cache away from the host with a read-only mapping of a file.
 */
static int gh_region_pin(struct gh_vm_region *region, unsigned long uaddr)
{
	unsigned int flags = FOLL_LONGTERM;
	unsigned long pinned = 0;
	long ret;

	if (region->flags & (GH_MEM_ALLOW_WRITE | GH_MEM_LENT))
		flags |= FOLL_WRITE;

	while (pinned < region->npages) {
		ret = pin_user_pages_fast(uaddr + (pinned << PAGE_SHIFT),
					  min(region->npages - pinned, GH_PIN_BATCH),
					  flags, region->pages + pinned);
		if (ret <= 0) {
			ret = ret ?: -EFAULT;
			goto err_unpin;
		}
		pinned += ret;
		ret = -EINTR;
		if (fatal_signal_pending(current))
			goto err_unpin;
		cond_resched();
	}

	ret = -EFAULT;
	if ((region->flags & GH_MEM_LENT) && !gh_region_lendable(region))
		goto err_unpin;

	return 0;

err_unpin:
	gh_region_unpin(region, pinned);
	return ret;
}

static struct gh_vm_region *gh_region_alloc(const struct gh_userspace_memory_region *arg)
{
	unsigned long npages = arg->memory_size >> PAGE_SHIFT;
	struct gh_vm_region *region;
	int ret = -ENOMEM;

	/* More than there is cannot be pinned, and kvmalloc() is not asked in vain. */
	if (npages > totalram_pages() || npages > INT_MAX / sizeof(*region->pages))
		return ERR_PTR(-ENOMEM);

	region = kzalloc(sizeof(*region), GFP_KERNEL_ACCOUNT);
	if (!region)
		return ERR_PTR(-ENOMEM);
	region->label = arg->label;
	region->flags = arg->flags;
	region->gpa = arg->guest_phys_addr;
	region->size = arg->memory_size;
	region->npages = npages;
	/* The size is the caller's, and so is the failure: no report in the log. */
	region->pages = kvcalloc(npages, sizeof(*region->pages),
				 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!region->pages)
		goto err_free;

	ret = account_locked_vm(current->mm, npages, true);
	if (ret)
		goto err_free_pages;
	if (region->flags & GH_MEM_LENT) {
		ret = gh_region_hide(arg->userspace_addr, region->size);
		if (ret)
			goto err_unaccount;
	}
	ret = gh_region_pin(region, arg->userspace_addr);
	if (ret)
		goto err_unaccount;

	return region;

err_unaccount:
	account_locked_vm(current->mm, npages, false);
err_free_pages:
	kvfree(region->pages);
err_free:
	kfree(region);
	return ERR_PTR(ret);
}

static void gh_region_free(struct gunyah_vm *ghvm, struct gh_vm_region *region)
{
	list_del(&region->list);
	WRITE_ONCE(ghvm->nr_regions, ghvm->nr_regions - 1);
	WRITE_ONCE(ghvm->nr_pages, ghvm->nr_pages - region->npages);
	if (region->owner == GH_REGION_HOST) {
		gh_region_unpin(region, region->npages);
		account_locked_vm(ghvm->mm, region->npages, false);
	} else {
		dev_err(ghvm->rm->dev,
			"VM %u: region %u, %lu pages, was not given back: it stays pinned\n",
			ghvm->vmid, region->label, region->npages);
		gh_vm_count_lost(region->npages);
	}
	kvfree(region->pages);
	kfree(region);
}

/* ---- regions ----------------------------------------------------------------------- */

static int gh_region_check(const struct gh_userspace_memory_region *arg)
{
	u64 end;

	if (arg->flags & ~GH_MEM_FLAGS)
		return -EINVAL;
	if (!(arg->flags & GH_MEM_ALLOW_ALL))
		return -EINVAL;
	if (!PAGE_ALIGNED(arg->guest_phys_addr) || !PAGE_ALIGNED(arg->memory_size) ||
	    !PAGE_ALIGNED(arg->userspace_addr))
		return -EINVAL;
	if (check_add_overflow(arg->guest_phys_addr, arg->memory_size, &end) ||
	    check_add_overflow(arg->userspace_addr, arg->memory_size, &end))
		return -EINVAL;

	return 0;
}

static struct gh_vm_region *gh_vm_find_region(struct gunyah_vm *ghvm, u32 label)
{
	struct gh_vm_region *region;

	list_for_each_entry(region, &ghvm->regions, list) {
		if (region->label == label)
			return region;
	}

	return NULL;
}

/*
 * Finds the region after which @arg goes, or the head of the list. Returns NULL
 * if there is no place for it.
 */
static struct list_head *gh_vm_find_place(struct gunyah_vm *ghvm,
					  const struct gh_userspace_memory_region *arg)
{
	struct list_head *place = &ghvm->regions;
	u64 end = arg->guest_phys_addr + arg->memory_size;
	struct gh_vm_region *region;

	list_for_each_entry(region, &ghvm->regions, list) {
		if (region->gpa < end && arg->guest_phys_addr < region->gpa + region->size)
			return NULL;
		if (region->gpa < arg->guest_phys_addr)
			place = &region->list;
	}

	return place;
}

static int gh_vm_add_region(struct gunyah_vm *ghvm, const struct gh_userspace_memory_region *arg)
{
	struct gh_vm_region *region;
	struct list_head *place;
	int ret;

	ret = gh_region_check(arg);
	if (ret)
		return ret;
	if (gh_vm_find_region(ghvm, arg->label))
		return -EEXIST;
	place = gh_vm_find_place(ghvm, arg);
	if (!place)
		return -EEXIST;
	if (list_count_nodes(&ghvm->regions) >= GH_VM_MAX_REGIONS)
		return -ENOSPC;

	region = gh_region_alloc(arg);
	if (IS_ERR(region))
		return PTR_ERR(region);
	list_add(&region->list, place);
	WRITE_ONCE(ghvm->nr_regions, ghvm->nr_regions + 1);
	WRITE_ONCE(ghvm->nr_pages, ghvm->nr_pages + region->npages);

	return 0;
}

/**
 * gh_vm_mm_set_region() - SET_USER_MEM_REGION
 * @ghvm: a VM that was not started, its lock held
 * @arg: untrusted; size 0 removes the region with this label
 *
 * Return: 0, -EINVAL for flags, alignment and overflow, -EEXIST if the label or
 * the guest addresses are taken, -ENOENT if there is nothing to remove, -ENOSPC for
 * more regions than the RM takes, -ENOMEM beyond RLIMIT_MEMLOCK, or -EFAULT
 */
int gh_vm_mm_set_region(struct gunyah_vm *ghvm, const struct gh_userspace_memory_region *arg)
{
	struct gh_vm_region *region;

	if (arg->memory_size)
		return gh_vm_add_region(ghvm, arg);

	region = gh_vm_find_region(ghvm, arg->label);
	if (!region)
		return -ENOENT;
	gh_region_free(ghvm, region);

	return 0;
}

/* gh_vm_mm_free() - at the end of the VM, after gh_vm_mm_reclaim(). */
void gh_vm_mm_free(struct gunyah_vm *ghvm)
{
	struct gh_vm_region *region, *next;

	list_for_each_entry_safe(region, next, &ghvm->regions, list)
		gh_region_free(ghvm, region);
}

/* ---- parcels ----------------------------------------------------------------------- */

static bool gh_region_holds(const struct gh_vm_region *region, u64 gpa, u64 size)
{
	return gpa >= region->gpa && size <= region->size &&
	       gpa - region->gpa <= region->size - size;
}

static struct gh_vm_region *gh_vm_image(struct gunyah_vm *ghvm)
{
	struct gh_vm_region *region;

	list_for_each_entry(region, &ghvm->regions, list) {
		if (gh_region_holds(region, ghvm->dtb.guest_phys_addr, ghvm->dtb.size))
			return region;
	}

	return NULL;
}

/* Private memory for the RM: it has no place of its own but behind the image. */
static bool gh_region_is_ram(const struct gh_vm_region *region)
{
	return (region->flags & GH_MEM_ALLOW_ALL) == GH_MEM_ALLOW_ALL &&
	       ((region->flags & GH_MEM_LENT) || !region->label);
}

/**
 * gh_vm_mm_plan() - check that the RM can map the regions where they should be
 * @ghvm: VM, its lock held
 * @image: out: all but the parcel's handle
 *
 * Return: 0, or -EINVAL if no region holds the device tree, or one would not be
 * mapped at its address
 */
int gh_vm_mm_plan(struct gunyah_vm *ghvm, struct gh_rm_image *image)
{
	struct gh_vm_region *region, *img;
	u64 next;

	img = ghvm->has_dtb ? gh_vm_image(ghvm) : NULL;
	if (!img) {
		dev_err_ratelimited(ghvm->rm->dev, "no region holds the device tree\n");
		return -EINVAL;
	}
	if ((img->flags & GH_MEM_ALLOW_ALL) != GH_MEM_ALLOW_ALL) {
		dev_err_ratelimited(ghvm->rm->dev, "region %u holds the image: needs all rights\n",
				    img->label);
		return -EINVAL;
	}

	next = img->gpa + img->size;
	list_for_each_entry(region, &ghvm->regions, list) {
		if (region == img || !gh_region_is_ram(region))
			continue;
		if (region->gpa != next) {
			dev_err_ratelimited(ghvm->rm->dev,
					    "region %u at %#llx: RAM goes behind the image, to %#llx\n",
					    region->label, region->gpa, next);
			return -EINVAL;
		}
		next += region->size;
	}

	*image = (struct gh_rm_image) {
		.mem_handle = GH_MEM_HANDLE_INVALID,
		.image_size = img->size,
		.dtb_offset = ghvm->dtb.guest_phys_addr - img->gpa,
		.dtb_size = ghvm->dtb.size,
	};

	return 0;
}

/*
 * Fills entries from page @pos on, neighbours merged. Returns how many, and moves
 * @pos behind the last page that found room.
 */
static unsigned int gh_region_fill(const struct gh_vm_region *region, unsigned long *pos,
				   struct gh_rm_mem_entry *entries)
{
	unsigned long i = *pos;
	unsigned int n = 0;

	while (i < region->npages && n < GH_RM_MAX_MEM_ENTRIES) {
		phys_addr_t start = page_to_phys(region->pages[i]);
		phys_addr_t end = start + PAGE_SIZE;

		while (++i < region->npages && page_to_phys(region->pages[i]) == end)
			end += PAGE_SIZE;

		entries[n].addr = cpu_to_le64(start);
		entries[n].size = cpu_to_le64(end - start);
		n++;
	}
	*pos = i;

	return n;
}

static u8 gh_region_rights(const struct gh_vm_region *region)
{
	u8 rights = 0;

	if (region->flags & GH_MEM_ALLOW_READ)
		rights |= GH_RM_RIGHT_R;
	if (region->flags & GH_MEM_ALLOW_WRITE)
		rights |= GH_RM_RIGHT_W;
	if (region->flags & GH_MEM_ALLOW_EXEC)
		rights |= GH_RM_RIGHT_X;

	return rights;
}

static int gh_region_give(struct gunyah_vm *ghvm, struct gh_vm_region *region, u32 label,
			  struct gh_rm_mem_entry *entries)
{
	struct gh_rm_parcel parcel = {
		.vmid = ghvm->vmid,
		.rights = gh_region_rights(region),
		.lend = region->flags & GH_MEM_LENT,
		.label = label,
	};
	unsigned long pos = 0;
	unsigned int n;
	int ret;

	n = gh_region_fill(region, &pos, entries);
	ret = gh_rm_mem_give(ghvm->rm, &parcel, entries, n, pos < region->npages);
	if (ret == -ETIMEDOUT || ret == -EPROTO)
		region->owner = GH_REGION_UNKNOWN;
	if (ret)
		return ret;
	region->owner = GH_REGION_GIVEN;
	WRITE_ONCE(ghvm->nr_parcels, ghvm->nr_parcels + 1);
	region->handle = parcel.handle;

	while (pos < region->npages) {
		n = gh_region_fill(region, &pos, entries);
		ret = gh_rm_mem_append(ghvm->rm, region->handle, entries, n,
				       pos < region->npages);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * gh_vm_mm_give() - lend and share all regions, in the order of their addresses
 * @ghvm: VM that has a number, its lock held
 * @image: from gh_vm_mm_plan(); out: the handle
 *
 * On error gh_vm_mm_reclaim() takes back what was given.
 */
int gh_vm_mm_give(struct gunyah_vm *ghvm, struct gh_rm_image *image)
{
	struct gh_vm_region *img = gh_vm_image(ghvm);
	struct gh_rm_mem_entry *entries;
	struct gh_vm_region *region;
	int ret = 0;

	entries = kcalloc(GH_RM_MAX_MEM_ENTRIES, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;

	list_for_each_entry(region, &ghvm->regions, list) {
		bool ram = region == img || gh_region_is_ram(region);

		ret = gh_region_give(ghvm, region, ram ? 0 : region->label, entries);
		if (ret)
			break;
		if (region == img)
			image->mem_handle = region->handle;
	}
	kfree(entries);

	return ret;
}

static void gh_region_reclaim(struct gunyah_vm *ghvm, struct gh_vm_region *region)
{
	int ret = gh_rm_mem_reclaim(ghvm->rm, region->handle);

	switch (ret) {
	case 0:
		region->owner = GH_REGION_HOST;
		break;
	case -ETIMEDOUT:
	case -EPROTO:
		/* It may be done, and the handle another VM's by the next time. */
		region->owner = GH_REGION_UNKNOWN;
		break;
	default:
		return;
	}
	WRITE_ONCE(ghvm->nr_parcels, ghvm->nr_parcels - 1);
}

/* gh_vm_mm_reclaim() - take back what the RM lets go; returns whether that was all. */
bool gh_vm_mm_reclaim(struct gunyah_vm *ghvm)
{
	struct gh_vm_region *region;
	bool all = true;

	list_for_each_entry(region, &ghvm->regions, list) {
		if (region->owner == GH_REGION_GIVEN)
			gh_region_reclaim(ghvm, region);
		if (region->owner != GH_REGION_HOST)
			all = false;
	}

	return all;
}
