/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MON_MMU_H
#define MON_MMU_H

void mon_mmu_init(void);

#endif /* MON_MMU_H */
