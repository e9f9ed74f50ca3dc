// SPDX-License-Identifier: GPL-2.0-only
#include <linux/arm-smccc.h>
#include <linux/stringify.h>

#include "conf.h"

void conf_hvc(u32 fn, const struct conf_regs *a, struct conf_regs *out)
{
	struct arm_smccc_1_2_regs args = { .a0 = fn };
	struct arm_smccc_1_2_regs res;

	if (a) {
		args.a1 = a->x[0];
		args.a2 = a->x[1];
		args.a3 = a->x[2];
		args.a4 = a->x[3];
		args.a5 = a->x[4];
	}
	arm_smccc_1_2_hvc(&args, &res);
	out->x[0] = res.a0;
	out->x[1] = res.a1;
	out->x[2] = res.a2;
	out->x[3] = res.a3;
	out->x[4] = res.a4;
}

/* The immediate is part of the instruction, so this is a macro. */
#define HVC_IMM(imm, x0, x1, x2, x3) do {					\
	asm volatile("hvc #" __stringify(imm)					\
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)		\
		     : : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",	\
			 "x12", "x13", "x14", "x15", "x16", "x17", "memory");	\
} while (0)

void conf_hvc_identify(struct conf_regs *out)
{
	register u64 x0 asm("x0") = 0;
	register u64 x1 asm("x1") = 0;
	register u64 x2 asm("x2") = 0;
	register u64 x3 asm("x3") = 0;

	HVC_IMM(0x6000, x0, x1, x2, x3);
	*out = (struct conf_regs){ .x = { x0, x1, x2, x3 } };
}

u64 conf_hvc_msgq_recv(u64 cap, void *buf, size_t max)
{
	register u64 x0 asm("x0") = cap;
	register u64 x1 asm("x1") = (u64)buf;
	register u64 x2 asm("x2") = max;
	register u64 x3 asm("x3") = 0;

	HVC_IMM(0x601c, x0, x1, x2, x3);
	return x0;
}

u64 conf_hvc_unknown(void)
{
	register u64 x0 asm("x0") = 0;
	register u64 x1 asm("x1") = 0;
	register u64 x2 asm("x2") = 0;
	register u64 x3 asm("x3") = 0;

	HVC_IMM(0x60ff, x0, x1, x2, x3);
	return x0;
}
