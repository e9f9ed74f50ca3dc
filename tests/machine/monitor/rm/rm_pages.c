// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages of the host are in a memory parcel: one bit a page, in chunks of
 * 1 GiB that are made when first needed and kept.
 */
#include <string.h>

#include "rm_priv.h"

#define CHUNK_SHIFT	30
#define PAGE_SHIFT	12
#define CHUNK_PAGES	(1u << (CHUNK_SHIFT - PAGE_SHIFT))
#define WORD_BITS	64
#define NR_CHUNKS	1024

static uint64_t *chunks[NR_CHUNKS];

static uint64_t *chunk_of(uint64_t pa, bool create)
{
	uint64_t **chunk = &chunks[pa >> CHUNK_SHIFT];

	if (!*chunk && create) {
		*chunk = core_alloc(CHUNK_PAGES / 8);
		if (*chunk)
			memset(*chunk, 0, CHUNK_PAGES / 8);
	}
	return *chunk;
}

/*
 * The part of [pa, end) that lies in one word of the bitmap: the word's index in
 * its chunk and the bits. Returns where the next part begins.
 */
static uint64_t next_part(uint64_t pa, uint64_t end, unsigned int *index, uint64_t *mask)
{
	unsigned int page = (pa >> PAGE_SHIFT) % CHUNK_PAGES;
	unsigned int first = page % WORD_BITS;
	uint64_t left = (end - pa) >> PAGE_SHIFT;
	unsigned int n = WORD_BITS - first;

	if (left < n)
		n = left;
	*index = page / WORD_BITS;
	*mask = (n == WORD_BITS ? ~0ull : (1ull << n) - 1) << first;
	return pa + ((uint64_t)n << PAGE_SHIFT);
}

static bool any_claimed(uint64_t pa, uint64_t end)
{
	unsigned int index;
	uint64_t next, mask;
	uint64_t *chunk;

	for (; pa < end; pa = next) {
		next = next_part(pa, end, &index, &mask);
		chunk = chunk_of(pa, false);
		if (chunk && chunk[index] & mask)
			return true;
	}
	return false;
}

enum rm_error rm_pages_claim(uint64_t pa, uint64_t size)
{
	uint64_t start = pa, end = pa + size;
	unsigned int index;
	uint64_t next, mask;
	uint64_t *chunk;

	if (end >> CHUNK_SHIFT >= NR_CHUNKS || any_claimed(pa, end))
		return RM_ERR_MEM;

	for (; pa < end; pa = next) {
		next = next_part(pa, end, &index, &mask);
		chunk = chunk_of(pa, true);
		if (!chunk) {
			rm_pages_release(start, pa - start);
			return RM_ERR_NOMEM;
		}
		chunk[index] |= mask;
	}
	return RM_OK;
}

void rm_pages_release(uint64_t pa, uint64_t size)
{
	uint64_t end = pa + size;
	unsigned int index;
	uint64_t next, mask;

	for (; pa < end; pa = next) {
		next = next_part(pa, end, &index, &mask);
		chunk_of(pa, false)[index] &= ~mask;
	}
}
