// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's interrupts on one CPU: queued when acknowledged or raised, moved to
 * list registers as these get free. Everything here belongs to its CPU; only the
 * inbox is written by others.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/regs.h>

#define INTID_LPI		8192
#define NOTHING			0xffffffffu

bool mon_hirq_lpi_room(const struct mon_cpu *cpu)
{
	return cpu->hq.nr_lpi < MON_LPI_QUEUE;
}

static void queue_lpi(struct mon_host_queue *q, uint32_t intid, uint8_t prio)
{
	uint32_t i;

	for (i = 0; i < q->nr_lpi; i++)
		if (q->lpi[i] == intid)
			return;
	q->lpi[q->nr_lpi] = intid;
	q->lpi_prio[q->nr_lpi++] = prio;
	q->count++;
}

void mon_hirq_queue(struct mon_cpu *cpu, uint32_t intid, uint8_t prio, bool hw)
{
	struct mon_host_queue *q = &cpu->hq;
	uint64_t bit = BIT(intid & 63);

	if (!q->count) {
		q->usual = prio;
		q->mixed = false;
	} else if (prio != q->usual) {
		q->mixed = true;
	}
	if (intid >= INTID_LPI) {
		queue_lpi(q, intid, prio);
		return;
	}
	if (!(q->pending[intid / 64] & bit))
		q->count++;
	q->words |= 1u << (intid / 64);
	q->pending[intid / 64] |= bit;
	q->hw[intid / 64] = (q->hw[intid / 64] & ~bit) | (hw ? bit : 0);
	q->prio[intid] = prio;
}

/* Highest priority first, then lowest number. */
static uint32_t best(const struct mon_host_queue *q, uint8_t *prio)
{
	uint32_t found = NOTHING, words, i;

	/* Many vCPUs that wake at once have lines of one priority. */
	if (q->words && !q->mixed) {
		i = (uint32_t)__builtin_ctz(q->words);
		*prio = q->usual;
		return i * 64 + (uint32_t)__builtin_ctzll(q->pending[i]);
	}
	for (words = q->words; words; words &= words - 1) {
		uint32_t first = (uint32_t)__builtin_ctz(words);
		uint64_t w = q->pending[first];

		for (; w; w &= w - 1) {
			uint32_t intid = first * 64 + (uint32_t)__builtin_ctzll(w);

			if (found == NOTHING || q->prio[intid] < *prio) {
				found = intid;
				*prio = q->prio[intid];
			}
		}
	}
	for (i = 0; i < q->nr_lpi; i++) {
		if (found == NOTHING || q->lpi_prio[i] < *prio) {
			found = q->lpi[i];
			*prio = q->lpi_prio[i];
		}
	}
	return found;
}

static void dequeue(struct mon_host_queue *q, uint32_t intid)
{
	uint32_t i;

	q->count--;
	if (intid < INTID_LPI) {
		q->pending[intid / 64] &= ~BIT(intid & 63);
		if (!q->pending[intid / 64])
			q->words &= ~(1u << (intid / 64));
		return;
	}
	for (i = 0; q->lpi[i] != intid; i++)
		;
	q->nr_lpi--;
	q->lpi[i] = q->lpi[q->nr_lpi];
	q->lpi_prio[i] = q->lpi_prio[q->nr_lpi];
}

/* Forgets list registers the host is done with. */
static void retire(struct mon_cpu *cpu)
{
	struct mon_vif *vif = &cpu->host_vif;
	uint32_t done;

	if (!vif->used)
		return;
	done = vif->used & (uint32_t)mon_read(ICH_ELRSR_EL2);
	vif->used &= ~done;
	for (; done; done &= done - 1)
		mon_hline_retired(LR_VINTID(vif->lr[__builtin_ctz(done)]));
}

/* Puts an interrupt into a list register; false if none is free. */
static bool place(struct mon_cpu *cpu, uint32_t intid, uint8_t prio, bool hw)
{
	struct mon_vif *vif = &cpu->host_vif;
	uint32_t used;
	unsigned int free;

	for (used = vif->used; used; used &= used - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(used);

		if (LR_VINTID(vif->lr[i]) == intid) {
			mon_lr_write(i, mon_lr_read(i) | LR_PENDING);
			return true;
		}
	}
	free = (unsigned int)__builtin_ctz(~vif->used);
	if (free >= MON_NUM_LRS)
		return false;
	vif->lr[free] = LR_PENDING | LR_GROUP1 | (uint64_t)prio << LR_PRIO_SHIFT | intid;
	if (hw)
		vif->lr[free] |= LR_HW | (uint64_t)intid << LR_PINTID_SHIFT;
	vif->used |= 1u << free;
	mon_lr_write(free, vif->lr[free]);
	return true;
}

void mon_hirq_flush(struct mon_cpu *cpu)
{
	struct mon_host_queue *q = &cpu->hq;
	bool was_full = !mon_hirq_lpi_room(cpu);

	retire(cpu);
	while (q->count && cpu->host_vif.used != (1u << MON_NUM_LRS) - 1) {
		uint8_t prio = 0;
		uint32_t intid = best(q, &prio);
		bool hw = intid < INTID_LPI && (q->hw[intid / 64] & BIT(intid & 63));

		dequeue(q, intid);
		/* A line of the monitor's may have been disabled since. */
		if (intid < INTID_LPI && intid >= mon_gic_hw_lines() &&
		    !mon_hline_take(intid, &prio))
			continue;
		place(cpu, intid, prio, hw);
	}
	mon_vif_underflow(cpu, &cpu->host_vif, q->count);
	if (was_full && mon_hirq_lpi_room(cpu))
		mon_write(ICC_IGRPEN1_EL1, 1);
}

void mon_hirq_inbox(struct mon_cpu *cpu)
{
	uint32_t words;

	if (!mon_read_once(cpu->inbox_words))
		return;
	words = __atomic_exchange_n(&cpu->inbox_words, 0, __ATOMIC_ACQ_REL);
	for (; words; words &= words - 1) {
		uint32_t i = (uint32_t)__builtin_ctz(words);
		uint64_t w = __atomic_exchange_n(&cpu->inbox[i], 0, __ATOMIC_ACQ_REL);

		for (; w; w &= w - 1) {
			uint32_t intid = i * 64 + (uint32_t)__builtin_ctzll(w);

			mon_hirq_queue(cpu, intid, 0xa0, false);
			cpu->host_irq = true;
		}
	}
}

bool mon_hirq_waiting(struct mon_cpu *cpu)
{
	uint32_t used;

	if (cpu->hq.count || mon_read_once(cpu->inbox_words))
		return true;
	retire(cpu);
	for (used = cpu->host_vif.used; used; used &= used - 1)
		if (mon_lr_read((unsigned int)__builtin_ctz(used)) & LR_PENDING)
			return true;
	return false;
}

/*
 * What was taken but not seen by the host goes back to where it came from: a
 * physical interrupt is deactivated (a level is still there, an edge of a CPU that
 * was just switched off has no taker), a line of the monitor's is raised again.
 */
void mon_hirq_cpu_off(struct mon_cpu *cpu)
{
	unsigned int i;

	mon_hirq_inbox(cpu);
	retire(cpu);
	for (i = 0; i < MON_NUM_LRS; i++) {
		uint32_t intid = LR_VINTID(cpu->host_vif.lr[i]);

		if (!(cpu->host_vif.used & (1u << i)))
			continue;
		mon_lr_write(i, 0);
		mon_hirq_queue(cpu, intid, 0xa0, cpu->host_vif.lr[i] & LR_HW);
		mon_hline_retired(intid);
	}
	cpu->host_vif.used = 0;
	while (cpu->hq.count) {
		uint8_t prio = 0;
		uint32_t intid = best(&cpu->hq, &prio);

		dequeue(&cpu->hq, intid);
		if (intid >= INTID_LPI)
			continue;
		if (intid >= mon_gic_hw_lines())
			mon_hline_raise(intid);
		else if (intid >= 16)
			mon_write(ICC_DIR_EL1, intid);
	}
}
