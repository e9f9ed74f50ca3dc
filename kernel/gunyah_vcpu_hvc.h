/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypercall that runs a vCPU. It is made on every exit, hence inline.
 */
#ifndef GUNYAH_VCPU_HVC_H
#define GUNYAH_VCPU_HVC_H

#include <linux/arm-smccc.h>
#include <linux/compiler.h>
#include <linux/gunyah.h>

#define GH_HYPERCALL_VCPU_RUN		GH_HYPERCALL(0x65)

/**
 * gh_hypercall_vcpu_run() - give this CPU to a vCPU until something happens
 * @capid: the vCPU
 * @resume: the answer to what the previous call returned, one word of three
 * @resp: what happened, valid if the call succeeded
 *
 * Interrupts must be enabled: an interrupt of the host ends the call only then.
 *
 * With five of the 18 registers that the helper for SMCCC 1.2 takes from memory and
 * puts back; the others are lost.
 *
 * Return: GH_ERROR_OK, or what gh_error_from_reg() makes an error of
 */
static __always_inline u64 gh_hypercall_vcpu_run(u64 capid, u64 resume,
						 struct gh_vcpu_run_resp *resp)
{
	/* First out of the registers: with KASAN each access to memory is a call. */
	u64 error, state, data0, data1, data2;

	register u64 x0 asm("x0") = GH_HYPERCALL_VCPU_RUN;
	register u64 x1 asm("x1") = capid;
	register u64 x2 asm("x2") = resume;
	register u64 x3 asm("x3") = 0;
	register u64 x4 asm("x4") = 0;
	register u64 x5 asm("x5") = 0;

	asm volatile("hvc	#0"
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3), "+r" (x4), "+r" (x5)
		     :
		     : "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
		       "x17", "cc", "memory");
	error = x0;
	state = x1;
	data0 = x2;
	data1 = x3;
	data2 = x4;
	*resp = (struct gh_vcpu_run_resp){
		.state = state, .data0 = data0, .data1 = data1, .data2 = data2,
	};

	return error;
}

#endif /* GUNYAH_VCPU_HVC_H */
