/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticket locks. Lock order: mon_lock, then a VM's vgic lock or a CPU's timer lock,
 * then the host interrupt lock. Interrupts are always masked at EL2.
 */
#ifndef MON_LOCK_H
#define MON_LOCK_H

#include <stdint.h>

struct mon_spinlock {
	uint32_t next;
	uint32_t owner;
};

static inline void mon_spin_lock(struct mon_spinlock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		asm volatile("yield");
}

static inline void mon_spin_unlock(struct mon_spinlock *l)
{
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}

/* The big lock of all control paths. */
extern struct mon_spinlock mon_lock;

static inline void mon_mb(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif /* MON_LOCK_H */
