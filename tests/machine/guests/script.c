// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carries out the list of operations that the host wrote into this guest's
 * memory, see script.h. A vCPU that CPU_ON starts begins with its own list.
 */
#include "guest.h"
#include "script.h"

#define RAM_BASE	0x80000000ULL
#define ESR_EC_SHIFT	26
#define EC_INSTR_ABORT	0x21
/* Executable for the guest's own table, and not in its memory. */
#define NOWHERE		0x1c0000000ULL

/* One vCPU's registers of the interpreter. */
struct machine {
	uint64_t acc;
	uint64_t context;
	volatile uint64_t trapped;	/* set by guest_exception() */
	volatile uint64_t esr;
	uint64_t turns;			/* of the GOTO in progress */
};

static struct machine machines[GS_MAX_VCPUS];
/* How often each interrupt was taken, by whichever vCPU it goes to. */
static volatile uint64_t irqs[GS_MAX_INTID];

void guest_irq(unsigned int cpu, uint32_t intid)
{
	(void)cpu;
	if (intid < GS_MAX_INTID)
		irqs[intid]++;
}

/* A pending interrupt ends WFI also when it is masked. */
static void wait_irqs(uint64_t intid, uint64_t count)
{
	irq_mask();
	while (irqs[intid % GS_MAX_INTID] < count) {
		guest_wfi();
		irq_unmask();
		irq_mask();
	}
}

static uint64_t count_irqs(uint64_t intid)
{
	irq_unmask();
	__asm__ volatile("isb" ::: "memory");
	irq_mask();
	return irqs[intid % GS_MAX_INTID];
}

/* Every synchronous exception here comes from one instruction: step over it. */
bool guest_exception(struct guest_frame *frame)
{
	struct machine *m = &machines[guest_cpu()];
	uint64_t ec = frame->esr >> ESR_EC_SHIFT;

	if (ec == EC_INSTR_ABORT)
		return false;
	m->trapped = 1;
	m->esr = frame->esr;
	frame->elr += 4;
	return true;
}

static uint64_t device_read(uint32_t width, uint64_t addr)
{
	switch (width) {
	case 1:
		return mmio_read8(addr);
	case 2:
		return mmio_read16(addr);
	case 4:
		return mmio_read32(addr);
	default:
		return mmio_read64(addr);
	}
}

/* By registers of 64 bits, so that the host sees bits beyond a narrow access. */
static void device_write(uint32_t width, uint64_t addr, uint64_t value)
{
	switch (width) {
	case 1:
		__asm__ volatile("strb %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	case 2:
		__asm__ volatile("strh %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	case 4:
		__asm__ volatile("str %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	default:
		mmio_write64(addr, value);
		break;
	}
}

static uint64_t smc(uint64_t function, uint64_t arg)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = arg;

	__asm__ volatile("smc #0" : "+r"(x0), "+r"(x1)
			 :: "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			    "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

/* An operation that may trap: its result, or GS_TRAPPED. */
static uint64_t attempt(struct machine *m, const struct gs_op *op)
{
	uint64_t value = 0;

	m->trapped = 0;
	switch (op->op) {
	case GS_LOAD:
		value = mmio_read64(op->a);
		break;
	case GS_STORE:
		mmio_write64(op->a, op->b);
		value = op->b;
		break;
	case GS_PAIR:
		__asm__ volatile("stp xzr, xzr, [%0]" :: "r"(op->a) : "memory");
		break;
	case GS_HVC:
		value = guest_hvc(op->a, op->b, 0, 0);
		break;
	case GS_SMC:
		value = smc(op->a, op->b);
		break;
	}
	__asm__ volatile("dsb sy\n\tisb" ::: "memory");
	return m->trapped ? GS_TRAPPED : value;
}

static void suspend(uint64_t state, uint64_t ns)
{
	timer_arm_ns(ns);
	irq_mask();
	while (!timer_fired()) {
		guest_hvc(PSCI_CPU_SUSPEND, state, 0, 0);
		irq_unmask();
		irq_mask();
	}
}

/*
 * Vectors where the hypervisor maps nothing: it injects an abort, whose vector
 * aborts, and so on.
 */
static void crash(void)
{
	sysreg_write(vbar_el1, NOWHERE);
	__asm__ volatile("udf #0");
}

static void spin(uint64_t turns)
{
	uint64_t i;

	for (i = 0; !turns || i < turns; i++)
		__asm__ volatile("" ::: "memory");
}

static void wait_for(uint64_t addr, uint64_t value)
{
	while (*(volatile uint64_t *)addr != value)
		;
}

/* A pattern of its own for each register and each value. */
#define SIMD_PATTERN(seed, n)	((seed) * 0x9e3779b97f4a7c15ULL + (n) * 0x0101010101010101ULL)

#define SIMD_REGISTERS(X)							\
	X(0); X(1); X(2); X(3); X(4); X(5); X(6); X(7); X(8); X(9); X(10);	\
	X(11); X(12); X(13); X(14); X(15); X(16); X(17); X(18); X(19); X(20);	\
	X(21); X(22); X(23); X(24); X(25); X(26); X(27); X(28); X(29); X(30);	\
	X(31)

static void simd_fill(uint64_t seed)
{
#define X(n) __asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"	\
		"fmov d" #n ", %0\n\tfmov v" #n ".d[1], %1"			\
		:: "r"(SIMD_PATTERN(seed, n)), "r"(~SIMD_PATTERN(seed, n)))
	SIMD_REGISTERS(X);
#undef X
}

static uint64_t simd_check(uint64_t seed)
{
	uint64_t low, high, bad = 0;

#define X(n) do {								\
	__asm__ volatile(".arch_extension fp\n\t.arch_extension simd\n\t"	\
			 "fmov %0, d" #n "\n\tfmov %1, v" #n ".d[1]"		\
			 : "=r"(low), "=r"(high));				\
	bad += low != SIMD_PATTERN(seed, n) || high != ~SIMD_PATTERN(seed, n);	\
} while (0)
	SIMD_REGISTERS(X);
#undef X
	return bad;
}

/* Operations of the processor that end in another power state or in none. */
static void power(struct machine *m, const struct gs_op *op)
{
	switch (op->op) {
	case GS_CPU_ON:
		do {
			m->acc = guest_cpu_on(op->a, op->b);
		} while (op->width && (int64_t)m->acc == PSCI_ALREADY_ON);
		break;
	case GS_CPU_OFF:
		guest_cpu_off();
	case GS_SUSPEND:
		suspend(op->a, op->b);
		break;
	case GS_RESET:
		guest_hvc(PSCI_SYSTEM_RESET, 0, 0, 0);
		break;
	case GS_RESET2:
		guest_hvc(PSCI_SYSTEM_RESET2, op->a, op->b, 0);
		break;
	case GS_CRASH:
		crash();
		break;
	default:
		guest_system_off();
	}
}

static void state(struct machine *m, const struct gs_op *op)
{
	switch (op->op) {
	case GS_ESR:
		m->acc = m->esr;
		break;
	case GS_MPIDR:
		m->acc = sysreg_read(mpidr_el1);
		break;
	case GS_EL:
		m->acc = sysreg_read(CurrentEL);
		break;
	case GS_CONTEXT:
		m->acc = m->context;
		break;
	case GS_FP_FILL:
		simd_fill(op->a);
		break;
	case GS_FP_CHECK:
		m->acc = simd_check(op->a);
		break;
	case GS_CNT:
		m->acc = timer_count();
		break;
	case GS_IRQ_ON:
		gic_enable_spi(op->a, op->b);
		break;
	case GS_IRQ_WAIT:
		wait_irqs(op->a, op->b);
		break;
	case GS_IRQ_COUNT:
		m->acc = count_irqs(op->a);
		break;
	default:
		power(m, op);
	}
}

static void step(struct machine *m, const struct gs_op *op)
{
	switch (op->op) {
	case GS_READ:
		m->acc = device_read(op->width, op->a);
		break;
	case GS_WRITE:
		device_write(op->width, op->a, op->b);
		break;
	case GS_ECHO:
		device_write(op->width, op->a, m->acc + op->b);
		break;
	case GS_SLEEP:
		timer_sleep_ns(op->a);
		break;
	case GS_WFI:
		guest_wfi();
		break;
	case GS_SPIN:
		spin(op->a);
		break;
	case GS_FLAG:
		wait_for(op->a, op->b);
		break;
	case GS_LOAD:
	case GS_STORE:
	case GS_PAIR:
	case GS_HVC:
	case GS_SMC:
		m->acc = attempt(m, op);
		break;
	default:
		state(m, op);
	}
}

static void run_list(unsigned int cpu, uint64_t context)
{
	const struct gs_op *ops = (const void *)(RAM_BASE + GS_OFFSET + cpu * GS_STRIDE);
	struct machine *m = &machines[cpu];
	uint64_t at = 0;

	m->acc = 0;
	m->context = context;
	m->turns = 0;
	gic_init();
	for (;;) {
		if (ops[at].op == GS_GOTO) {
			if (m->turns++ < ops[at].b) {
				at = ops[at].a;
			} else {
				m->turns = 0;
				at++;
			}
			continue;
		}
		step(m, &ops[at]);
		at++;
	}
}

void guest_main(uint64_t dtb)
{
	run_list(0, dtb);
}

void guest_secondary(unsigned int cpu, uint64_t context)
{
	run_list(cpu, context);
}
