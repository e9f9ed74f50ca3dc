// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's memory: its stage 2, what it owns, what it lent, and its buffers.
 */
#include <mon/addr.h>
#include <mon/core.h>
#include <mon/regs.h>
#include <mon/stage2.h>
#include <mon/vm.h>
#include <string.h>

#define PAGE			4096ull
#define HOST_ATTRS		(MON_S2_R | MON_S2_W)
#define PAR_F			BIT(0)
#define PAR_PA			0x0000fffffffff000ull

struct bank {
	uint64_t base, size;
};

struct mon_s2 mon_host_s2;
static struct bank banks[MON_MAX_BANKS];
static unsigned int nr_banks;

void mon_host_mem_add_bank(uint64_t base, uint64_t size)
{
	if (nr_banks == MON_MAX_BANKS) {
		mon_log("memory bank %lx ignored", base);
		return;
	}
	banks[nr_banks++] = (struct bank){ .base = base, .size = size };
}

static bool in_ram(uint64_t pa, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < nr_banks; i++)
		if (pa >= banks[i].base && size <= banks[i].size &&
		    pa - banks[i].base <= banks[i].size - size)
			return true;
	return false;
}

static bool is_monitor(uint64_t pa, uint64_t size)
{
	return pa < MON_END && pa + size > MON_RAM_BASE;
}

int mon_host_mem_init(void)
{
	uint32_t i;

	if (mon_s2_init(&mon_host_s2, 0) ||
	    mon_s2_map(&mon_host_s2, 0, 0, 1ull << MON_IPA_BITS, HOST_ATTRS) ||
	    mon_s2_unmap(&mon_host_s2, MON_RAM_BASE, MON_END - MON_RAM_BASE) ||
	    mon_s2_unmap(&mon_host_s2, MON_GICD_BASE, MON_GICD_SIZE))
		return -1;
	for (i = 0; i < mon_nr_cpus; i++)
		if (mon_s2_unmap(&mon_host_s2,
				 MON_GICR_BASE + i * MON_GICR_STRIDE + MON_GICR_SGI_OFFSET,
				 MON_GICR_FRAME))
			return -1;
	mon_s2_sync(&mon_host_s2);
	return 0;
}

bool core_host_owns(uint64_t pa, uint64_t size)
{
	return size && in_ram(pa, size) && !is_monitor(pa, size) &&
	       mon_s2_mapped(&mon_host_s2, pa, size);
}

int core_host_unmap(uint64_t pa, uint64_t size)
{
	if (!size || ((pa | size) & (PAGE - 1)))
		return MON_ERR_ARG_ALIGN;
	if (!in_ram(pa, size) || is_monitor(pa, size))
		return MON_ERR_ADDR_INVALID;
	return mon_s2_unmap(&mon_host_s2, pa, size) ? MON_ERR_NOMEM : 0;
}

void core_host_map(uint64_t pa, uint64_t size)
{
	if (!size || ((pa | size) & (PAGE - 1)) || !in_ram(pa, size) || is_monitor(pa, size))
		return;
	/* The tables exist since the range was taken away. */
	if (mon_s2_map(&mon_host_s2, pa, pa, size, HOST_ATTRS))
		mon_log("host memory %lx+%lx not given back", pa, size);
}

void *core_ptr(uint64_t pa, uint64_t size)
{
	if (!in_ram(pa, size) || is_monitor(pa, size))
		return NULL;
	return (void *)pa;
}

void core_sync_icache(uint64_t pa, uint64_t size)
{
	uint64_t line = 4ull << mon_bits(mon_read(ctr_el0), 19, 16);
	uint64_t p;

	if (!core_ptr(pa, size))
		return;
	for (p = pa & ~(line - 1); p < pa + size; p += line)
		asm volatile("dc civac, %0" : : "r"(p) : "memory");
	mon_dsb_ish();
	asm volatile("ic ialluis" : : : "memory");
	mon_dsb_ish();
	mon_isb();
}

/* Physical address of a virtual one of the host; false if it may not access it. */
static bool translate(uint64_t va, bool write, uint64_t *pa)
{
	uint64_t saved = mon_read(par_el1), par;

	if (write)
		asm volatile("at s1e1w, %0" : : "r"(va) : "memory");
	else
		asm volatile("at s1e1r, %0" : : "r"(va) : "memory");
	mon_isb();
	par = mon_read(par_el1);
	mon_write(par_el1, saved);
	if (par & PAR_F)
		return false;
	*pa = (par & PAR_PA) | (va & (PAGE - 1));
	return core_host_owns(*pa & ~(PAGE - 1), PAGE);
}

/* Length of the piece of [va, va + size) that lies in va's page. */
static uint64_t piece(uint64_t va, uint64_t size)
{
	uint64_t room = PAGE - (va & (PAGE - 1));

	return size < room ? size : room;
}

bool mon_host_va_ok(uint64_t va, uint64_t size, bool write)
{
	uint64_t pa, n;

	for (; size; va += n, size -= n) {
		n = piece(va, size);
		if (!translate(va, write, &pa))
			return false;
	}
	return true;
}

bool mon_host_copy_from(void *dst, uint64_t va, uint64_t size)
{
	uint64_t pa, n;

	for (; size; va += n, size -= n, dst = (char *)dst + n) {
		n = piece(va, size);
		if (!translate(va, false, &pa))
			return false;
		memcpy(dst, (const void *)pa, n);
	}
	return true;
}

bool mon_host_copy_to(uint64_t va, const void *src, uint64_t size)
{
	uint64_t pa, n;

	for (; size; va += n, size -= n, src = (const char *)src + n) {
		n = piece(va, size);
		if (!translate(va, true, &pa))
			return false;
		memcpy((void *)pa, src, n);
	}
	return true;
}
