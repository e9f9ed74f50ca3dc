// SPDX-License-Identifier: GPL-2.0-only
#include <linux/arm-smccc.h>
#include <linux/string.h>

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

/* The immediate is part of the instruction, so it must be known to the compiler. */
static __always_inline void hvc_imm(const u16 imm, struct conf_regs *r)
{
	register u64 x0 asm("x0") = r->x[0];
	register u64 x1 asm("x1") = r->x[1];
	register u64 x2 asm("x2") = r->x[2];
	register u64 x3 asm("x3") = r->x[3];

	asm volatile("hvc %4"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)
		     : "i" (imm)
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "memory");
	*r = (struct conf_regs){ .x = { x0, x1, x2, x3 } };
}

void conf_hvc_identify(struct conf_regs *out)
{
	memset(out, 0, sizeof(*out));
	hvc_imm(0x6000, out);
}

u64 conf_hvc_msgq_recv(u64 cap, void *buf, size_t max)
{
	struct conf_regs r = { .x = { cap, (u64)buf, max } };

	hvc_imm(0x601c, &r);
	return r.x[0];
}

u64 conf_hvc_unknown(void)
{
	struct conf_regs r = { };

	hvc_imm(0x60ff, &r);
	return r.x[0];
}
