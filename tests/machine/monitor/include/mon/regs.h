/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System registers: accessors and the bits the monitor uses.
 */
#ifndef MON_REGS_H
#define MON_REGS_H

#include <stdint.h>

#define mon_read_(reg)							\
({									\
	uint64_t __v;							\
	asm volatile("mrs %0, " #reg : "=r"(__v) : : "memory");		\
	__v;								\
})

#define mon_write_(reg, val)						\
do {									\
	uint64_t __v = (val);						\
	asm volatile("msr " #reg ", %x0" : : "rZ"(__v) : "memory");	\
} while (0)

/* Two steps, so that names defined below reach the assembler as encodings. */
#define mon_read(reg)		mon_read_(reg)
#define mon_write(reg, val)	mon_write_(reg, val)

static inline void mon_isb(void)
{
	asm volatile("isb" : : : "memory");
}

static inline void mon_dsb(void)
{
	asm volatile("dsb sy" : : : "memory");
}

static inline void mon_dsb_ish(void)
{
	asm volatile("dsb ish" : : : "memory");
}

/* A word that others may write meanwhile, in one access and without order. */
#define mon_read_once(x)	(*(const volatile __typeof__(x) *)&(x))

#define mon_likely(x)		__builtin_expect(!!(x), 1)
#define mon_unlikely(x)		__builtin_expect(!!(x), 0)

#define BIT(n)			(1ULL << (n))
#define MON_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static inline uint64_t mon_bits(uint64_t v, unsigned int high, unsigned int low)
{
	return (v >> low) & ((2ULL << (high - low)) - 1);
}

/* GIC CPU interface and virtual interface, by encoding: old assemblers lack names. */
#define ICC_IAR1_EL1		S3_0_C12_C12_0
#define ICC_EOIR1_EL1		S3_0_C12_C12_1
#define ICC_HPPIR1_EL1		S3_0_C12_C12_2
#define ICC_BPR1_EL1		S3_0_C12_C12_3
#define ICC_CTLR_EL1		S3_0_C12_C12_4
#define ICC_SRE_EL1		S3_0_C12_C12_5
#define ICC_IGRPEN0_EL1		S3_0_C12_C12_6
#define ICC_IGRPEN1_EL1		S3_0_C12_C12_7
#define ICC_DIR_EL1		S3_0_C12_C11_1
#define ICC_RPR_EL1		S3_0_C12_C11_3
#define ICC_SGI1R_EL1		S3_0_C12_C11_5
#define ICC_PMR_EL1		S3_0_C4_C6_0
#define ICC_SRE_EL2		S3_4_C12_C9_5
#define ICH_AP0R0_EL2		S3_4_C12_C8_0
#define ICH_AP1R0_EL2		S3_4_C12_C9_0
#define ICH_HCR_EL2		S3_4_C12_C11_0
#define ICH_VTR_EL2		S3_4_C12_C11_1
#define ICH_MISR_EL2		S3_4_C12_C11_2
#define ICH_ELRSR_EL2		S3_4_C12_C11_5
#define ICH_VMCR_EL2		S3_4_C12_C11_7
#define ICH_LR0_EL2		S3_4_C12_C12_0
#define ICH_LR1_EL2		S3_4_C12_C12_1
#define ICH_LR2_EL2		S3_4_C12_C12_2
#define ICH_LR3_EL2		S3_4_C12_C12_3

#define ICH_HCR_EN		BIT(0)
#define ICH_HCR_UIE		BIT(1)
#define ICH_HCR_TALL0		BIT(11)

#define LR_PENDING		BIT(62)
#define LR_ACTIVE		BIT(63)
#define LR_STATE		(LR_PENDING | LR_ACTIVE)
#define LR_HW			BIT(61)
#define LR_GROUP1		BIT(60)
#define LR_PRIO_SHIFT		48
#define LR_PINTID_SHIFT		32
#define LR_VINTID(lr)		((uint32_t)(lr))

#define HCR_VM			BIT(0)
#define HCR_SWIO		BIT(1)
#define HCR_PTW			BIT(2)
#define HCR_FMO			BIT(3)
#define HCR_IMO			BIT(4)
#define HCR_AMO			BIT(5)
#define HCR_FB			BIT(9)
#define HCR_BSU_IS		BIT(10)
#define HCR_TWI			BIT(13)
#define HCR_TID3		BIT(18)
#define HCR_TSC			BIT(19)
#define HCR_TIDCP		BIT(20)
#define HCR_TACR		BIT(21)
#define HCR_TSW			BIT(22)
#define HCR_RW			BIT(31)
#define HCR_TLOR		BIT(35)
#define HCR_TERR		BIT(36)

#define CPTR_RES1		0x32ffu
#define CPTR_TFP		BIT(10)
#define CPTR_TZ			BIT(8)
#define CPTR_TSM		BIT(12)

#define MDCR_HPMN		0x1fu
#define MDCR_TPMCR		BIT(5)
#define MDCR_TPM		BIT(6)
#define MDCR_TDA		BIT(9)
#define MDCR_TDOSA		BIT(10)
#define MDCR_TDRA		BIT(11)
#define MDCR_TTRF		BIT(19)
#define MDCR_TPMS		BIT(14)

#define MDSCR_SS		BIT(0)
#define MDSCR_KDE		BIT(13)
#define MDSCR_MDE		BIT(15)

#define CNTHCTL_EL1PCTEN	BIT(0)
#define CNTHCTL_EL1PCEN		BIT(1)

#define CNT_CTL_ENABLE		BIT(0)
#define CNT_CTL_IMASK		BIT(1)
#define CNT_CTL_ISTATUS		BIT(2)

#define SCTLR_EL1_RESET		0x30d00980ull
#define SPSR_EL1H		0x3c5ull
#define SPSR_M_MASK		0xfull
#define SPSR_M_EL1T		0x4ull
#define SPSR_M_EL1H		0x5ull
#define SPSR_AARCH32		BIT(4)

/* Exception classes. */
enum mon_ec {
	EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP = 0x07, EC_HVC64 = 0x16,
	EC_SMC64 = 0x17, EC_SYSREG = 0x18, EC_IABT_LOW = 0x20, EC_DABT_LOW = 0x24,
};

#define ESR_EC_SHIFT		26
#define ESR_IL			BIT(25)
#define ESR_HVC_0		((uint32_t)EC_HVC64 << ESR_EC_SHIFT | ESR_IL)
#define ESR_ISV			BIT(24)
#define ESR_SSE			BIT(21)
#define ESR_SF			BIT(15)
#define ESR_S1PTW		BIT(7)
#define ESR_WNR			BIT(6)
#define ESR_FSC_MASK		0x3cu
#define ESR_FSC_TRANSLATION	0x04u
#define ESR_FSC_SEA		0x10u

/* ISS of a trapped system register access, direction and register left out. */
#define SYSREG(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define SYSREG_MASK		SYSREG(3, 7, 15, 15, 7)
#define SYSREG_READ		BIT(0)
#define SYSREG_RT(iss)		(((iss) >> 5) & 31)

#endif /* MON_REGS_H */
