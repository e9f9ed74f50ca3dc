/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guests' library: what a program at EL1 needs to run as a virtual machine
 * of one file. A guest defines guest_main() and, if it wants, the functions of
 * the second group; everything else is here.
 *
 * When guest_main() starts, the MMU is on with a flat map (0..2 GiB device
 * memory, 2..8 GiB normal cacheable memory), the vectors are set, interrupts are
 * masked and the vCPU's interrupt controller is not set up: call gic_init().
 */
#ifndef GUEST_H
#define GUEST_H

#define GUEST_MAX_VCPUS		8
#define GUEST_STACK_SIZE	0x2000

/* Offsets in struct guest_frame, for the vectors. */
#define GUEST_FRAME_SIZE	288
#define GUEST_FRAME_ELR		248
#define GUEST_FRAME_ESR		264

#ifndef __ASSEMBLER__

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state an exception interrupted; a handler may change it. */
struct guest_frame {
	uint64_t x[31];
	uint64_t elr;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
	uint64_t pad;
};

_Static_assert(sizeof(struct guest_frame) == GUEST_FRAME_SIZE, "used by vectors.S");
_Static_assert(offsetof(struct guest_frame, elr) == GUEST_FRAME_ELR, "used by vectors.S");
_Static_assert(offsetof(struct guest_frame, esr) == GUEST_FRAME_ESR, "used by vectors.S");

/* ---- defined by the guest ------------------------------------------------- */

/* The vCPU the hypervisor starts; @dtb is its x0. Returning is SYSTEM_OFF. */
void guest_main(uint64_t dtb);

/* A vCPU started by guest_cpu_on(). Returning is CPU_OFF; the default does. */
void guest_secondary(unsigned int cpu, uint64_t context);

/* A synchronous exception or SError. True: go on at frame->elr. The default says no. */
bool guest_exception(struct guest_frame *frame);

/* An interrupt, acknowledged; ended after the call. The default does nothing more. */
void guest_irq(unsigned int cpu, uint32_t intid);

/* ---- vCPUs (start.S, psci.c, fdt.c) ---------------------------------------- */

#define PSCI_CPU_SUSPEND	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_SYSTEM_RESET2	0xc4000012
#define PSCI_SUCCESS		0
#define PSCI_ALREADY_ON		(-4)

/* HVC #0 by the SMC calling convention; returns x0. */
uint64_t guest_hvc(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3);

/* Starts vCPU @cpu in guest_secondary() with @context. PSCI's return value. */
int64_t guest_cpu_on(unsigned int cpu, uint64_t context);
_Noreturn void guest_cpu_off(void);
_Noreturn void guest_system_off(void);

/* Number of this vCPU, from 0. */
unsigned int guest_cpu(void);
/* How many vCPUs the device tree has; 1 when there is no device tree. */
unsigned int guest_count_vcpus(uint64_t dtb);

/* Reports the line of a failed check to the test device and powers off. */
_Noreturn void guest_fail(int line);
#define GUEST_ASSERT(cond) do { if (!(cond)) guest_fail(__LINE__); } while (0)

/* ---- interrupts and time (gic.c, timer.c) ----------------------------------- */

#define GUEST_TIMER_INTID	27

/* Sets up this vCPU's redistributor and CPU interface; SGIs and the timer are on. */
void gic_init(void);
void gic_enable(uint32_t intid);
/* A shared interrupt (32 and above), to this vCPU. */
void gic_enable_spi(uint32_t intid, bool edge);
/* @sgi: 0..15, to one vCPU. */
void gic_send_sgi(unsigned int cpu, uint32_t sgi);

static inline void irq_unmask(void)
{
	__asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
}

static inline void irq_mask(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void guest_wfi(void)
{
	__asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

/* The virtual counter, and the same in nanoseconds. */
uint64_t timer_count(void);
uint64_t timer_now_ns(void);
/* Arms the virtual timer of this vCPU; its interrupt disarms it. */
void timer_arm_ns(uint64_t ns);
bool timer_fired(void);
/* Sleeps in WFI until @ns are over, taking interrupts. */
void timer_sleep_ns(uint64_t ns);

/* ---- devices (mmio.h is here: single loads and stores, so syndromes are valid) - */

#define GUEST_MMIO(bits, reg, suffix)							\
static inline uint##bits##_t mmio_read##bits(uint64_t addr)				\
{											\
	uint##bits##_t v;								\
											\
	__asm__ volatile("ldr" suffix " %" reg "0, [%1]" : "=r"(v) : "r"(addr) : "memory");	\
	return v;									\
}											\
											\
static inline void mmio_write##bits(uint64_t addr, uint##bits##_t v)			\
{											\
	__asm__ volatile("str" suffix " %" reg "0, [%1]" :: "r"(v), "r"(addr) : "memory");	\
}

GUEST_MMIO(8, "w", "b")
GUEST_MMIO(16, "w", "h")
GUEST_MMIO(32, "w", "")
GUEST_MMIO(64, "x", "")

/* The console. printf knows %c %s %d %u %x, with l for 64 bits. */
void uart_putc(char c);
__attribute__((format(printf, 1, 2))) void uart_printf(const char *fmt, ...);

/* System registers by name. */
#define sysreg_read(name) ({								\
	uint64_t v_;									\
											\
	__asm__ volatile("mrs %0, " #name : "=r"(v_) :: "memory");			\
	v_;										\
})
#define sysreg_write(name, value)							\
	__asm__ volatile("msr " #name ", %0\n\tisb" :: "r"((uint64_t)(value)) : "memory")

#endif /* !__ASSEMBLER__ */

#endif /* GUEST_H */
