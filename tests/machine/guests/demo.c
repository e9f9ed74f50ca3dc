// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demonstration guest. Its boot vCPU reads numbers from the test device,
 * writes them back scrambled, and sleeps a few milliseconds in between, until
 * the time is over or the runner says stop. The other vCPUs add to a counter in
 * memory, use the device's scratch registers and wake each other.
 *
 * param0: numbers per wake-up (default 4); param1: longest sleep in ms (default 40).
 */
#include "guest.h"
#include "gh-runner/testdev-regs.h"

#define NS_PER_MS	1000000ull
#define SGI_POKE	1
#define LINES		3

/* What the vCPUs share; each field says who writes it. */
static struct {
	uint64_t params_longest_ns;		/* boot vCPU, before the others start */
	uint32_t stop;				/* boot vCPU */
	uint32_t nr_cpus;			/* boot vCPU, before the others start */
	uint64_t turns;				/* all, atomically */
	uint64_t cpu_turns[GUEST_MAX_VCPUS];	/* each its own */
	uint32_t pokes[GUEST_MAX_VCPUS];	/* each its own, in the interrupt */
	uint32_t done;				/* all but the boot vCPU, atomically */
} shared;

static uint64_t reg(unsigned int offset)
{
	return GH_BOARD_TESTDEV_BASE + offset;
}

static uint64_t rotate_left(uint64_t v, unsigned int bits)
{
	return v << bits | v >> (64 - bits);
}

/* Between half of the longest sleep and the whole of it. */
static uint64_t sleep_time(uint64_t seed)
{
	uint64_t half = shared.params_longest_ns / 2;

	return half + (seed >> 17) % (half + 1);
}

void guest_irq(unsigned int cpu, uint32_t intid)
{
	if (intid == SGI_POKE)
		shared.pokes[cpu]++;
}

/*
 * Scratch registers are one a width, so vCPUs 1 to 4 have one for themselves
 * and read back what they wrote.
 */
static void use_scratch(unsigned int cpu, uint64_t value)
{
	switch (cpu) {
	case 1:
		mmio_write8(reg(GH_TESTDEV_SCRATCH1), value);
		GUEST_ASSERT(mmio_read8(reg(GH_TESTDEV_SCRATCH1)) == (uint8_t)value);
		break;
	case 2:
		mmio_write16(reg(GH_TESTDEV_SCRATCH2), value);
		GUEST_ASSERT(mmio_read16(reg(GH_TESTDEV_SCRATCH2)) == (uint16_t)value);
		break;
	case 3:
		mmio_write32(reg(GH_TESTDEV_SCRATCH4), value);
		GUEST_ASSERT(mmio_read32(reg(GH_TESTDEV_SCRATCH4)) == (uint32_t)value);
		break;
	case 4:
		mmio_write64(reg(GH_TESTDEV_SCRATCH8), value);
		GUEST_ASSERT(mmio_read64(reg(GH_TESTDEV_SCRATCH8)) == value);
		break;
	default:
		break;
	}
}

void guest_secondary(unsigned int cpu, uint64_t context)
{
	uint64_t x = context;

	gic_init();
	while (!__atomic_load_n(&shared.stop, __ATOMIC_ACQUIRE)) {
		x = x * GH_TESTDEV_MUL + GH_TESTDEV_ADD;
		use_scratch(cpu, x >> 8);
		shared.cpu_turns[cpu]++;
		__atomic_add_fetch(&shared.turns, 1, __ATOMIC_RELAXED);
		gic_send_sgi((cpu + 1) % shared.nr_cpus, SGI_POKE);
		timer_sleep_ns(sleep_time(x));
	}
	__atomic_add_fetch(&shared.done, 1, __ATOMIC_RELEASE);
}

static void start_secondaries(uint64_t vm)
{
	unsigned int cpu;

	for (cpu = 1; cpu < shared.nr_cpus; cpu++)
		GUEST_ASSERT(guest_cpu_on(cpu, vm << 8 | cpu) == PSCI_SUCCESS);
}

/* The counter all vCPUs add to must be the sum of what each says it added. */
static void stop_secondaries(void)
{
	uint64_t sum = 0;
	unsigned int cpu;

	__atomic_store_n(&shared.stop, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&shared.done, __ATOMIC_ACQUIRE) < shared.nr_cpus - 1)
		timer_sleep_ns(NS_PER_MS);
	for (cpu = 1; cpu < shared.nr_cpus; cpu++) {
		GUEST_ASSERT(shared.cpu_turns[cpu] > 0);
		sum += shared.cpu_turns[cpu];
	}
	GUEST_ASSERT(sum == shared.turns);
	if (shared.nr_cpus > 1)
		GUEST_ASSERT(shared.pokes[0] > 0);
}

struct work {
	uint64_t x;		/* what the device must say next is made from this */
	uint64_t checksum;
	uint64_t numbers;
	uint64_t sleeps;
};

static void take_numbers(struct work *w, uint64_t count)
{
	uint64_t value;

	for (; count; count--) {
		w->x = w->x * GH_TESTDEV_MUL + GH_TESTDEV_ADD;
		GUEST_ASSERT(mmio_read64(reg(GH_TESTDEV_NEXT)) == w->x);
		value = rotate_left(w->x, 23) ^ w->numbers;
		mmio_write64(reg(GH_TESTDEV_PUT), value);
		w->checksum = rotate_left(w->checksum, 1) ^ value;
		w->numbers++;
	}
}

static void work(struct work *w, uint64_t per_turn, uint64_t duration_ns)
{
	uint64_t start = timer_now_ns();
	uint64_t elapsed = 0, next_line = duration_ns / LINES;

	while (!mmio_read32(reg(GH_TESTDEV_STOP)) && (!duration_ns || elapsed < duration_ns)) {
		take_numbers(w, per_turn);
		timer_sleep_ns(sleep_time(w->x));
		w->sleeps++;
		elapsed = timer_now_ns() - start;
		if (duration_ns && elapsed >= next_line && elapsed < duration_ns) {
			uart_printf("%lu numbers, slept %lu times, sum %lx\n", w->numbers,
				    w->sleeps, w->checksum);
			next_line += duration_ns / LINES;
		}
	}
}

void guest_main(uint64_t dtb)
{
	struct work w = { 0 };
	uint64_t vm, per_turn, longest;

	GUEST_ASSERT(mmio_read32(reg(GH_TESTDEV_MAGIC)) == GH_TESTDEV_MAGIC_VALUE);
	GUEST_ASSERT(mmio_read32(reg(GH_TESTDEV_VERSION)) == 1);
	vm = mmio_read64(reg(GH_TESTDEV_VM));
	per_turn = mmio_read64(reg(GH_TESTDEV_PARAM0));
	longest = mmio_read64(reg(GH_TESTDEV_PARAM1));
	shared.params_longest_ns = (longest ? longest : 40) * NS_PER_MS;
	shared.nr_cpus = guest_count_vcpus(dtb);

	gic_init();
	uart_printf("hello from EL%u, %u vCPU%s\n", (uint32_t)(sysreg_read(currentel) >> 2),
		    shared.nr_cpus, shared.nr_cpus == 1 ? "" : "s");
	start_secondaries(vm);

	w.x = vm + 1;
	work(&w, per_turn ? per_turn : 4, mmio_read64(reg(GH_TESTDEV_DURATION_MS)) * NS_PER_MS);
	stop_secondaries();
	mmio_write64(reg(GH_TESTDEV_RESULT), w.checksum);
	uart_printf("done: %lu numbers, slept %lu times, sum %lx\n", w.numbers, w.sleeps,
		    w.checksum);
	guest_system_off();
}
