// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile guest: touches everything its processor lets it name, again and again,
 * and tells the host after each round how many attempts were stopped (8 bytes at
 * SCRIBBLE_REPORT). The other guests and the host must not notice.
 */
#include "guest.h"
#include "scribble.h"
#include "gh-runner/testdev-regs.h"

#define RAM_BASE	0x80000000ULL
#define RAM_END		0x80200000ULL
#define WINDOW_END	0x40000000ULL
#define MAP_END		0x200000000ULL
#define STEP		0x1fff000ULL

/* With Rt = x0; bits 19:5 name the register, 18:5 the instruction. */
#define MRS_X0		0xd5300000u
#define MSR_X0		0xd5100000u
#define SYS_X0		0xd5080000u
#define NOP		0xd503201fu
#define RET		0xd65f03c0u
#define ENCODING_SHIFT	5
#define NR_REGISTERS	0x8000
#define NR_INSTRUCTIONS	0x4000
#define CACHE_LINE	64
#define FRAME_SIZE	0x10000ULL

#define NR_HYPERCALLS	0x100
#define NR_CAPS		24

static volatile uint64_t stopped;

/*
 * Code that is written and run: two instructions and a return each, many at a
 * time, for making new code visible is the slowest part of it.
 */
#define NR_INSNS	2048
#define INSN_WORDS	4

static uint32_t insns[NR_INSNS * INSN_WORDS] __attribute__((aligned(4096)));
static uint8_t target[4096] __attribute__((aligned(4096)));

bool guest_exception(struct guest_frame *frame)
{
	stopped++;
	frame->elr += 4;
	return true;
}

/* Loads and stores of every kind at one address. */
static void touch(uint64_t addr)
{
	__asm__ volatile("ldr x9, [%0]\n\t"
			 "str xzr, [%0]\n\t"
			 "ldrb w9, [%0]\n\t"
			 "stp xzr, xzr, [%0]\n\t"
			 "ldxr x9, [%0]\n\t"
			 "stxr w10, xzr, [%0]\n\t"
			 "dc civac, %0\n\t"
			 "dc zva, %0\n\t"
			 "prfm pldl1keep, [%0]"
			 :: "r"(addr) : "x9", "x10", "memory");
}

/* All that the guest's own table maps, in and out of its memory. */
static void scribble_mapped(void)
{
	uint64_t addr;

	for (addr = WINDOW_END; addr < MAP_END; addr += STEP) {
		if (addr + 64 > RAM_BASE && addr < RAM_END)
			continue;
		touch(addr);
	}
}

/* Without the table an address is the intermediate one: up to 2^48. */
static void scribble_unmapped(void)
{
	uint64_t sctlr = sysreg_read(sctlr_el1);
	unsigned int bit;

	sysreg_write(sctlr_el1, sctlr & ~1ULL);
	for (bit = 30; bit < 64; bit++) {
		if (bit == 31)
			continue;
		touch(1ULL << bit);
		touch((1ULL << bit) + RAM_BASE);
		touch((1ULL << bit) - 4096);
	}
	sysreg_write(sctlr_el1, sctlr);
}

/* Every hypercall there could be, with capabilities that are not this guest's. */
static void scribble_hypercalls(void)
{
	static const uint64_t bases[] = {
		0xc6008000, 0xc6000000, 0x86000000, 0x84000000, 0xc4000000, 0xc5000000,
		0x80000000, 0xc2000000, 0x8600ff00,
	};
	unsigned int base, fn, cap;
	uint64_t id;

	for (base = 0; base < sizeof(bases) / sizeof(bases[0]); base++) {
		for (fn = 0; fn < NR_HYPERCALLS; fn++) {
			id = bases[base] | fn;
			/* What ends, stops or starts this guest is its right. */
			if ((id & 0xbf000000) == 0x84000000 && fn < 0x20)
				continue;
			guest_hvc(id, ~0ULL, (uint64_t)target, 240);
			guest_hvc(id, 0, 0, 0);
		}
	}
	for (fn = 0; fn < NR_HYPERCALLS; fn++)
		__asm__ volatile("mov x0, %0\n\tsmc #0" :: "r"(0xc2000000ULL | fn)
				 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
				   "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	for (cap = 0; cap < NR_CAPS; cap++) {
		guest_hvc(0xc6008065, cap, 0, 0);
		guest_hvc(0xc600801b, cap, 16, (uint64_t)target);
		guest_hvc(0xc600801c, cap, (uint64_t)target, 240);
		guest_hvc(0xc6008012, cap, ~0ULL, 0);
	}
}

static void write_insn(unsigned int n, uint32_t first, uint32_t second)
{
	insns[n * INSN_WORDS] = first;
	insns[n * INSN_WORDS + 1] = second;
	insns[n * INSN_WORDS + 2] = RET;
}

static void run_insns(void)
{
	uintptr_t at;
	unsigned int n;

	for (at = (uintptr_t)insns; at < (uintptr_t)insns + sizeof(insns); at += CACHE_LINE)
		__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" :: "r"(at) : "memory");
	__asm__ volatile("dsb ish\n\tisb" ::: "memory");
	for (n = 0; n < NR_INSNS; n++)
		__asm__ volatile("mov x0, %1\n\tblr %0"
				 :: "r"(&insns[n * INSN_WORDS]), "r"(target)
				 : "x0", "x1", "x30", "memory");
}

/* Registers this guest needs itself: its table, its stack, its vectors, its state. */
static bool spared(uint32_t op)
{
	uint32_t crn = op >> 7 & 0xf, op1 = op >> 11 & 7;

	if (op1 == 0 && (crn == 1 || crn == 2 || crn == 4 || crn == 10 || crn == 12))
		return true;
	return op1 == 3 && crn == 14;
}

/* Reads every system register, and writes back what the read gave. */
static void scribble_registers(void)
{
	uint32_t op, n;

	for (op = 0; op < NR_REGISTERS; op += NR_INSNS) {
		for (n = 0; n < NR_INSNS; n++)
			write_insn(n, MRS_X0 | (op + n) << ENCODING_SHIFT,
				   spared(op + n) ? NOP : MSR_X0 | (op + n) << ENCODING_SHIFT);
		run_insns();
	}
}

/* Cache, TLB and address translation instructions, on an address of its own. */
static void scribble_instructions(void)
{
	uint32_t op, n;

	for (op = 0; op < NR_INSTRUCTIONS; op += NR_INSNS) {
		for (n = 0; n < NR_INSNS; n++)
			write_insn(n, SYS_X0 | (op + n) << ENCODING_SHIFT, NOP);
		run_insns();
	}
}

/* The frames of its virtual interrupt controller, register by register. */
static void scribble_frames(uint64_t addr, uint64_t end)
{
	for (; addr < end; addr += 8) {
		mmio_write32(addr, mmio_read32(addr));
		mmio_write32(addr, 0xffffffff);
		mmio_write64(addr, 0);
		mmio_write8(addr + 1, 0xff);
		/* The identification registers at the end are as good as the middle. */
		if (addr % FRAME_SIZE == FRAME_SIZE / 8)
			addr += FRAME_SIZE * 3 / 4;
	}
}

/* Interrupts to everybody: every affinity, every group, in storms. */
static void scribble_interrupts(void)
{
	unsigned int i;

	for (i = 0; i < 256; i++) {
		sysreg_write(S3_0_C12_C11_5, 1ULL << 40 | (uint64_t)(i & 15) << 24);
		sysreg_write(S3_0_C12_C11_5, (uint64_t)(i & 15) << 24 | 0xffff | (uint64_t)i << 16);
		sysreg_write(S3_0_C12_C11_6, 1ULL << 40 | (uint64_t)(i & 15) << 24);
		sysreg_write(S3_0_C12_C11_7, 1ULL << 40 | (uint64_t)(i & 15) << 24);
	}
}

void guest_main(uint64_t dtb)
{
	(void)dtb;
	gic_init();
	for (;;) {
		stopped = 0;
		scribble_mapped();
		scribble_unmapped();
		scribble_hypercalls();
		scribble_registers();
		scribble_instructions();
		scribble_interrupts();
		scribble_frames(GH_BOARD_GICR_BASE, GH_BOARD_GICR_BASE + GH_BOARD_GICR_STRIDE);
		scribble_frames(GH_BOARD_GICD_BASE, GH_BOARD_GICD_BASE + FRAME_SIZE);
		mmio_write64(SCRIBBLE_REPORT, stopped);
	}
}
