/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stage 2 translation tables: 4 KiB granule, 40 bits of IPA, two concatenated
 * tables at level 1. All changes happen under mon_lock.
 */
#ifndef MON_STAGE2_H
#define MON_STAGE2_H

#include <stdbool.h>
#include <stdint.h>

struct mon_s2 {
	uint64_t *root;		/* owned: 2 pages */
	uint64_t vttbr;
	bool stale;		/* TLBs may hold what is unmapped: mon_s2_sync() is due */
};

/* Bits of a leaf. */
#define MON_S2_R		(1ull << 6)
#define MON_S2_W		(1ull << 7)
#define MON_S2_XN		(1ull << 54)

int mon_s2_init(struct mon_s2 *s2, uint16_t vmid);
void mon_s2_free(struct mon_s2 *s2);
/* 0, or -1 without memory. Nothing else may be mapped there. */
int mon_s2_map(struct mon_s2 *s2, uint64_t ipa, uint64_t pa, uint64_t size, uint64_t attrs);
/*
 * 0, or -1 without memory to split a block; then nothing was unmapped. TLBs may
 * still have it until mon_s2_sync(): a message unmaps hundreds of pieces.
 */
int mon_s2_unmap(struct mon_s2 *s2, uint64_t ipa, uint64_t size);
/* Whether all of [ipa, ipa + size) is mapped. */
bool mon_s2_mapped(const struct mon_s2 *s2, uint64_t ipa, uint64_t size);
/* Whether nothing in [ipa, ipa + size) is mapped. */
bool mon_s2_empty(const struct mon_s2 *s2, uint64_t ipa, uint64_t size);
/* Drops every TLB entry of the VM on all CPUs, if there may be a stale one. */
void mon_s2_sync(struct mon_s2 *s2);

/* ---- the host's stage 2 and the machine's memory (host_mem.c) ---- */
#define MON_MAX_BANKS		4

extern struct mon_s2 mon_host_s2;
int mon_host_mem_init(void);
void mon_host_mem_add_bank(uint64_t base, uint64_t size);
/* Copies between EL2 and a virtual address of the host, as the host would access it. */
bool mon_host_copy_from(void *dst, uint64_t va, uint64_t size);
bool mon_host_copy_to(uint64_t va, const void *src, uint64_t size);
bool mon_host_va_ok(uint64_t va, uint64_t size, bool write);

#endif /* MON_STAGE2_H */
