// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gunyah hypercalls. Two encodings: HVC #(0x6000 + n) with arguments from x0, and
 * SMCCC fast calls of the hypervisor's range with arguments from x1. Results are
 * the same: an error in x0, values from x1.
 */
#include <mon/core.h>
#include <mon/gic.h>
#include <mon/psci.h>
#include <mon/scenario.h>
#include <mon/vm.h>
#include <stddef.h>

#define HVC_BASE		0x6000u
#define HVC_LAST		0x61ffu
#define SMCCC_CALL		0xc6008000u
#define SMCCC_CALL_MASK		0xfffff000u
#define SMCCC_UID		0x8600ff01u
#define MSG_MAX			240u

#define API_INFO		0x5100000000008001ull
#define API_FLAGS		0x10000effull

enum call {
	CALL_IDENTIFY = 0x00, CALL_BELL_SEND = 0x12, CALL_BELL_RECEIVE = 0x13,
	CALL_BELL_RESET = 0x14, CALL_BELL_SET_MASK = 0x15, CALL_MSGQ_SEND = 0x1b,
	CALL_MSGQ_RECV = 0x1c, CALL_MSGQ_CONF_SEND = 0x1f, CALL_MSGQ_CONF_RECV = 0x20,
	CALL_VCPU_RUN = 0x65, CALL_VCPU_RUN_CHECK = 0x68,
	CALL_SCENARIO = GH_SCN_CALL - SMCCC_CALL,
};

static void identify(struct mon_ctx *ctx)
{
	ctx->x[0] = API_INFO;
	ctx->x[1] = API_FLAGS;
	ctx->x[2] = 0;
	ctx->x[3] = 0;
}

/* Number of the call and its first argument; false if it is none of ours. */
static bool decode(struct mon_ctx *ctx, uint32_t imm, uint32_t *fn, const uint64_t **args)
{
	if (imm >= HVC_BASE && imm <= HVC_LAST) {
		*fn = imm - HVC_BASE;
		*args = &ctx->x[0];
		return true;
	}
	if (imm || ((uint32_t)ctx->x[0] & SMCCC_CALL_MASK) != SMCCC_CALL)
		return false;
	*fn = (uint32_t)ctx->x[0] & ~SMCCC_CALL_MASK;
	*args = &ctx->x[1];
	return true;
}

static bool discovery(struct mon_ctx *ctx, uint32_t imm)
{
	if (imm)
		return false;
	switch ((uint32_t)ctx->x[0]) {
	case SMCCC_VERSION:
		ctx->x[0] = SMCCC_VERSION_1_2;
		return true;
	case SMCCC_UID:
		ctx->x[0] = 0xcd8fd5c1;
		ctx->x[1] = 0xdb5f53a4;
		ctx->x[2] = 0x36ce6592;
		ctx->x[3] = 0x145f3d67;
		return true;
	default:
		return false;
	}
}

__attribute__((noinline)) struct mon_ctx *mon_bell_send(struct mon_cpu *cpu, uint64_t cap,
							uint64_t flags)
{
	struct mon_bell *b;
	uint64_t old = 0;
	int64_t err;

	mon_spin_lock(&mon_lock);
	b = mon_bell_find(cap, &err);
	if (b && !flags) {
		err = MON_ERR_ARG_INVALID;
	} else if (b) {
		old = b->flags;
		b->flags |= flags;
		if (b->flags & b->enable) {
			mon_vgic_spi(b->vm, b->intid);
			b->flags &= ~b->ack;
		}
	}
	mon_spin_unlock(&mon_lock);
	cpu->host.x[0] = (uint64_t)err;
	cpu->host.x[1] = old;
	return mon_trap_end(cpu);
}

static void bell_set_mask(struct mon_ctx *ctx, uint64_t cap, uint64_t enable, uint64_t ack)
{
	struct mon_bell *b;
	int64_t err;

	mon_spin_lock(&mon_lock);
	b = mon_bell_find(cap, &err);
	if (b) {
		b->enable = enable;
		b->ack = ack;
		if (b->flags & b->enable) {
			mon_vgic_spi(b->vm, b->intid);
			b->flags &= ~b->ack;
		}
	}
	mon_spin_unlock(&mon_lock);
	ctx->x[0] = (uint64_t)err;
}

static void bell_reset(struct mon_ctx *ctx, uint64_t cap)
{
	struct mon_bell *b;
	int64_t err;

	mon_spin_lock(&mon_lock);
	b = mon_bell_find(cap, &err);
	if (b) {
		b->flags = 0;
		b->enable = ~0ull;
		b->ack = 0;
	}
	mon_spin_unlock(&mon_lock);
	ctx->x[0] = (uint64_t)err;
}

/* The host has no doorbell to receive from: its capabilities are for sending. */
static void bell_receive(struct mon_ctx *ctx, uint64_t cap)
{
	int64_t err;

	mon_spin_lock(&mon_lock);
	if (mon_bell_find(cap, &err))
		err = MON_ERR_CAP_RIGHTS;
	mon_spin_unlock(&mon_lock);
	ctx->x[0] = (uint64_t)err;
	ctx->x[1] = 0;
}

static void msgq_send(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t cap, uint64_t size,
		      uint64_t va)
{
	unsigned char msg[MSG_MAX];
	bool not_full = true;
	int64_t err;

	mon_cap_find(cap, CAP_MSGQ_TX, &err);
	/* As the hypervisor does: a message it cannot read is no error. */
	mon_rm_begin(cpu);
	if (!err && size && size <= MSG_MAX && mon_host_copy_from(msg, va, size))
		err = rm_msgq_send(msg, size, &not_full);
	mon_rm_end(cpu);
	ctx->x[0] = (uint64_t)err;
	ctx->x[1] = not_full;
}

static void msgq_recv(struct mon_cpu *cpu, struct mon_ctx *ctx, uint64_t cap, uint64_t va,
		      uint64_t max)
{
	unsigned char msg[MSG_MAX];
	bool not_empty = false;
	size_t size = 0;
	int64_t err;

	mon_cap_find(cap, CAP_MSGQ_RX, &err);
	if (max > MSG_MAX)
		max = MSG_MAX;
	mon_rm_begin(cpu);
	/* Nothing leaves the queue for a buffer that cannot take it. */
	if (!err && (!max || mon_host_va_ok(va, max, true))) {
		err = rm_msgq_recv(msg, max, &size, &not_empty);
		if (!err && size <= max)
			mon_host_copy_to(va, msg, size);
	}
	mon_rm_end(cpu);
	ctx->x[0] = (uint64_t)err;
	ctx->x[1] = size;
	ctx->x[2] = not_empty;
}

static void msgq_configure(struct mon_ctx *ctx, uint64_t cap, enum mon_cap_type type)
{
	int64_t err;

	mon_cap_find(cap, type, &err);
	ctx->x[0] = (uint64_t)err;
}

/* A test wants this call to fail or to lie; it has no other effect. */
static bool forged(struct mon_ctx *ctx, uint32_t fn, uint64_t second)
{
	struct gh_scenario s;
	unsigned int i;

	if (!mon_scn_any(GH_SCN_HYPERCALL) || !mon_scn_take_id(GH_SCN_HYPERCALL, fn, second, &s))
		return false;
	ctx->x[0] = (uint64_t)s.error;
	for (i = 0; i < 4; i++)
		ctx->x[1 + i] = s.x[i];
	return true;
}

bool mon_hypercall_host(struct mon_cpu *cpu, struct mon_ctx *ctx, uint32_t imm)
{
	const uint64_t *a;
	uint32_t fn;

	if (!decode(ctx, imm, &fn, &a))
		return discovery(ctx, imm);
	if (forged(ctx, fn, a[1]))
		return true;
	switch (fn) {
	case CALL_SCENARIO:
		return mon_scn_hypercall(cpu, ctx, a);
	case CALL_VCPU_RUN:
		mon_vcpu_run(cpu, a[0], a[1]);
		break;
	case CALL_VCPU_RUN_CHECK:
		mon_vcpu_run_check(cpu, a[0]);
		break;
	case CALL_IDENTIFY:
		identify(ctx);
		break;
	case CALL_BELL_SEND:
		mon_bell_send(cpu, a[0], a[1]);
		break;
	case CALL_BELL_RECEIVE:
		bell_receive(ctx, a[0]);
		break;
	case CALL_BELL_RESET:
		bell_reset(ctx, a[0]);
		break;
	case CALL_BELL_SET_MASK:
		bell_set_mask(ctx, a[0], a[1], a[2]);
		break;
	case CALL_MSGQ_SEND:
		msgq_send(cpu, ctx, a[0], a[1], a[2]);
		break;
	case CALL_MSGQ_RECV:
		msgq_recv(cpu, ctx, a[0], a[1], a[2]);
		break;
	case CALL_MSGQ_CONF_SEND:
		msgq_configure(ctx, a[0], CAP_MSGQ_TX);
		break;
	case CALL_MSGQ_CONF_RECV:
		msgq_configure(ctx, a[0], CAP_MSGQ_RX);
		break;
	default:
		return false;
	}
	return true;
}

/* A guest can ask who is here; it holds no capabilities for anything else. */
bool mon_hypercall_guest(struct mon_ctx *ctx, uint32_t imm)
{
	const uint64_t *a;
	uint32_t fn;

	if (!decode(ctx, imm, &fn, &a))
		return discovery(ctx, imm);
	switch (fn) {
	case CALL_IDENTIFY:
		identify(ctx);
		return true;
	case CALL_BELL_SEND ... CALL_BELL_SET_MASK:
	case CALL_MSGQ_SEND:
	case CALL_MSGQ_RECV:
	case CALL_MSGQ_CONF_SEND:
	case CALL_MSGQ_CONF_RECV:
	case CALL_VCPU_RUN:
	case CALL_VCPU_RUN_CHECK:
		ctx->x[0] = MON_ERR_CAP_NULL;
		return true;
	default:
		return false;
	}
}
