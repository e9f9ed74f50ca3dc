// SPDX-License-Identifier: GPL-2.0-only
/*
 * Seeds for guests' device trees: a mixing counter, seeded by the machine's
 * device tree and stirred by time. Not for cryptography. Under mon_lock.
 */
#include <mon/core.h>
#include <mon/regs.h>
#include <rm_core.h>

static uint64_t state = 0x6a09e667f3bcc909ull;

void mon_random_seed(const void *seed, unsigned int size)
{
	const unsigned char *p = seed;

	for (; size; size--)
		state = (state ^ *p++) * 0x100000001b3ull;
}

uint64_t core_random(void)
{
	uint64_t z;

	state += 0x9e3779b97f4a7c15ull ^ mon_read(cntpct_el0);
	z = state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}
