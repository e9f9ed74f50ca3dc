// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stage 2 translation tables.
 */
#include <mon/addr.h>
#include <mon/core.h>
#include <mon/regs.h>
#include <mon/stage2.h>
#include <rm_core.h>

#define VALID			BIT(0)
#define TABLE			BIT(1)	/* at levels 1 and 2; a page at level 3 */
#define ADDR_MASK		0x0000fffffffff000ull
#define LEAF_ATTR		((0xfull << 2) | (3ull << 8) | BIT(10))

#define SHIFT(level)		(39u - 9u * (level))
#define SIZE(level)		(1ull << SHIFT(level))
#define LAST_LEVEL		3u

static bool is_table(uint64_t e, unsigned int level)
{
	return level < LAST_LEVEL && (e & (VALID | TABLE)) == (VALID | TABLE);
}

static uint64_t *table_of(uint64_t e)
{
	return (uint64_t *)(e & ADDR_MASK);
}

static uint64_t leaf(uint64_t pa, unsigned int level, uint64_t attrs)
{
	return pa | LEAF_ATTR | attrs | VALID | (level == LAST_LEVEL ? TABLE : 0);
}

static uint64_t *slot(uint64_t *table, uint64_t ipa, unsigned int level)
{
	/* Level 1 is two tables in a row: 1024 entries. */
	uint64_t mask = level == 1 ? 1023 : 511;

	return &table[(ipa >> SHIFT(level)) & mask];
}

static void flush(const struct mon_s2 *s2)
{
	uint64_t was = mon_read(vttbr_el2);

	mon_dsb_ish();
	mon_write(vttbr_el2, s2->vttbr);
	mon_isb();
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	mon_dsb_ish();
	mon_write(vttbr_el2, was);
	mon_isb();
}

void mon_s2_sync(struct mon_s2 *s2)
{
	if (!s2->stale)
		return;
	s2->stale = false;
	flush(s2);
}

int mon_s2_init(struct mon_s2 *s2, uint16_t vmid)
{
	s2->root = mon_page_alloc(2);
	if (!s2->root)
		return -1;
	s2->stale = false;
	s2->vttbr = (uint64_t)s2->root | (uint64_t)vmid << 48;
	flush(s2);
	return 0;
}

void mon_s2_free(struct mon_s2 *s2)
{
	unsigned int i, j;

	if (!s2->root)
		return;
	flush(s2);
	for (i = 0; i < 1024; i++) {
		uint64_t *l2;

		if (!is_table(s2->root[i], 1))
			continue;
		l2 = table_of(s2->root[i]);
		for (j = 0; j < 512; j++)
			if (is_table(l2[j], 2))
				mon_page_free(table_of(l2[j]), 1);
		mon_page_free(l2, 1);
	}
	mon_page_free(s2->root, 2);
	s2->root = NULL;
}

/*
 * Turns the block in *e into a table with the same mapping. The entry is invalid
 * for a moment, as the architecture demands: a fault of another CPU in between is
 * retried, because whoever handles it takes mon_lock first.
 */
static int split(struct mon_s2 *s2, uint64_t *e, unsigned int level)
{
	uint64_t old = *e, *table = mon_page_alloc(1);
	uint64_t attrs = old & ~(ADDR_MASK | LEAF_ATTR | VALID | TABLE);
	unsigned int i;

	if (!table)
		return -1;
	for (i = 0; i < 512; i++)
		table[i] = leaf((old & ADDR_MASK) + i * SIZE(level + 1), level + 1, attrs);
	__atomic_store_n(e, 0, __ATOMIC_RELEASE);
	flush(s2);
	__atomic_store_n(e, (uint64_t)table | VALID | TABLE, __ATOMIC_RELEASE);
	mon_dsb_ish();
	return 0;
}

/* Splits blocks until none reaches across `ipa`. */
static int split_at(struct mon_s2 *s2, uint64_t ipa)
{
	uint64_t *table = s2->root;
	unsigned int level;

	for (level = 1; level < LAST_LEVEL && (ipa & (SIZE(level) - 1)); level++) {
		uint64_t *e = slot(table, ipa, level);

		if (!(*e & VALID))
			return 0;
		if (!is_table(*e, level) && split(s2, e, level))
			return -1;
		table = table_of(*e);
	}
	return 0;
}

/* The table below *e, made if there is none. */
static uint64_t *descend(uint64_t *e)
{
	uint64_t *table;

	if (*e & VALID)
		return table_of(*e);
	table = mon_page_alloc(1);
	if (!table)
		return NULL;
	mon_dsb_ish();
	__atomic_store_n(e, (uint64_t)table | VALID | TABLE, __ATOMIC_RELEASE);
	return table;
}

/* Maps the first piece of the range; its size, 0 without memory. */
static uint64_t map_one(struct mon_s2 *s2, uint64_t ipa, uint64_t pa, uint64_t size, uint64_t attrs)
{
	uint64_t *table = s2->root;
	unsigned int level;

	for (level = 1;; level++) {
		uint64_t *e = slot(table, ipa, level);

		if (!((ipa | pa) & (SIZE(level) - 1)) && size >= SIZE(level) &&
		    !is_table(*e, level)) {
			__atomic_store_n(e, leaf(pa, level, attrs), __ATOMIC_RELEASE);
			return SIZE(level);
		}
		table = descend(e);
		if (!table)
			return 0;
	}
}

int mon_s2_map(struct mon_s2 *s2, uint64_t ipa, uint64_t pa, uint64_t size, uint64_t attrs)
{
	uint64_t done, n;

	if (split_at(s2, ipa) || split_at(s2, ipa + size))
		return -1;
	for (done = 0; done < size; done += n) {
		n = map_one(s2, ipa + done, pa + done, size - done, attrs);
		if (!n) {
			mon_s2_unmap(s2, ipa, done);
			return -1;
		}
	}
	mon_dsb_ish();
	return 0;
}

/* The entry that maps `ipa`, or the invalid one that ends the walk, and its level. */
static uint64_t *walk(const struct mon_s2 *s2, uint64_t ipa, unsigned int *level)
{
	uint64_t *table = s2->root;

	for (*level = 1;; (*level)++) {
		uint64_t *e = slot(table, ipa, *level);

		if (!is_table(*e, *level))
			return e;
		table = table_of(*e);
	}
}

int mon_s2_unmap(struct mon_s2 *s2, uint64_t ipa, uint64_t size)
{
	uint64_t end = ipa + size;

	if (!size)
		return 0;
	if (split_at(s2, ipa) || split_at(s2, end))
		return -1;
	while (ipa < end) {
		unsigned int level;
		uint64_t *e = walk(s2, ipa, &level);

		__atomic_store_n(e, 0, __ATOMIC_RELEASE);
		ipa = (ipa & ~(SIZE(level) - 1)) + SIZE(level);
	}
	s2->stale = true;
	return 0;
}

/* Whether all of the range is mapped, or none of it. */
static bool all_are(const struct mon_s2 *s2, uint64_t ipa, uint64_t size, bool mapped)
{
	uint64_t end = ipa + size;

	if (end < ipa || end > 1ull << MON_IPA_BITS)
		return false;
	while (ipa < end) {
		unsigned int level;

		if ((*walk(s2, ipa, &level) & VALID) != mapped)
			return false;
		ipa = (ipa & ~(SIZE(level) - 1)) + SIZE(level);
	}
	return true;
}

bool mon_s2_mapped(const struct mon_s2 *s2, uint64_t ipa, uint64_t size)
{
	return all_are(s2, ipa, size, true);
}

bool mon_s2_empty(const struct mon_s2 *s2, uint64_t ipa, uint64_t size)
{
	return all_are(s2, ipa, size, false);
}
