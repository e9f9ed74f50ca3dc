// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the monitor: pages for translation tables from a free list, and a
 * first-fit allocator with coalescing for the resource manager. Under mon_lock.
 */
#include <mon/addr.h>
#include <mon/core.h>
#include <rm_core.h>
#include <string.h>

#define PAGE			4096u
#define ALIGN_UP(v, a)		(((v) + (a) - 1) & ~((uint64_t)(a) - 1))

extern char __mon_image_end[];

/* A free run of one page, or of an aligned pair. */
struct free_page {
	struct free_page *next;
};

static struct free_page *free_single;
static struct free_page *free_pair;
static uint64_t page_next, page_end;

/* Blocks in address order; sizes include the header and are multiples of 16. */
struct block {
	uint64_t size;
	uint64_t used;
};

static char *heap_base, *heap_end;

void mon_heap_init(void)
{
	struct block *b;

	heap_base = (char *)ALIGN_UP((uint64_t)__mon_image_end, PAGE);
	heap_end = heap_base + MON_HEAP_SIZE;
	b = (struct block *)heap_base;
	b->size = MON_HEAP_SIZE;
	b->used = 0;
	page_next = ALIGN_UP((uint64_t)heap_end, 2 * PAGE);
	page_end = MON_END;
}

void *mon_page_alloc(unsigned int pages)
{
	struct free_page **list = pages == 2 ? &free_pair : &free_single;
	void *p = *list;

	if (p) {
		*list = (*list)->next;
	} else {
		/* Always a pair, so that pairs stay aligned; the odd page is kept. */
		if (page_next + 2 * PAGE > page_end)
			return NULL;
		p = (void *)page_next;
		page_next += 2 * PAGE;
		if (pages == 1)
			mon_page_free((char *)p + PAGE, 1);
	}
	memset(p, 0, pages * PAGE);
	return p;
}

void mon_page_free(void *p, unsigned int pages)
{
	struct free_page **list = pages == 2 ? &free_pair : &free_single;
	struct free_page *f = p;

	f->next = *list;
	*list = f;
}

static struct block *block_next(struct block *b)
{
	return (struct block *)((char *)b + b->size);
}

void *core_alloc(size_t size)
{
	struct block *b, *next;
	uint64_t need;

	if (!size || size > MON_HEAP_SIZE)
		return NULL;
	need = ALIGN_UP(size, 16) + sizeof(*b);
	for (b = (struct block *)heap_base; (char *)b < heap_end; b = block_next(b)) {
		if (b->used)
			continue;
		/* Frees leave neighbours apart; they are joined here. */
		for (next = block_next(b); (char *)next < heap_end && !next->used;
		     next = block_next(b))
			b->size += next->size;
		if (b->size < need)
			continue;
		if (b->size - need >= 2 * sizeof(*b)) {
			next = (struct block *)((char *)b + need);
			next->size = b->size - need;
			next->used = 0;
			b->size = need;
		}
		b->used = 1;
		return b + 1;
	}
	return NULL;
}

void core_free(void *p)
{
	if (p)
		((struct block *)p - 1)->used = 0;
}
