// SPDX-License-Identifier: GPL-2.0-only
/*
 * The identification registers, as host and guests may see them. What is left
 * out (SVE, SME, MTE, pointer authentication, nested virtualisation, ...) is
 * state the monitor does not switch, or would need controls it does not set.
 */
#include <mon/core.h>
#include <mon/regs.h>

#define FIELD(n)		(0xfull << (n))

static uint64_t min_field(uint64_t v, unsigned int shift, uint64_t max)
{
	if (mon_bits(v, shift + 3, shift) > max)
		v = (v & ~FIELD(shift)) | max << shift;
	return v;
}

static uint64_t pfr0(bool guest)
{
	uint64_t v = mon_read(id_aa64pfr0_el1);

	v &= FIELD(0) | FIELD(4) | FIELD(16) | FIELD(20) | FIELD(24) | FIELD(48) | FIELD(56) |
	     FIELD(60);
	v = min_field(v, 4, 1);
	v = min_field(v, 56, 1);
	return guest ? min_field(v, 0, 1) : v;
}

static uint64_t dfr0(bool guest)
{
	uint64_t v = mon_read(id_aa64dfr0_el1);

	v &= FIELD(0) | FIELD(8) | FIELD(12) | FIELD(20) | FIELD(28) | FIELD(36);
	return guest ? v & ~FIELD(8) : v;
}

static uint64_t isar1(void)
{
	return mon_read(id_aa64isar1_el1) &
	       ~(FIELD(4) | FIELD(8) | FIELD(24) | FIELD(28) | FIELD(56) | FIELD(60));
}

/* Of ISAR2: WFxT, which guests do not get (a trapped wait has no end), and RPRES. */
static uint64_t isar2(bool guest)
{
	return mon_read(S3_0_C0_C6_2) & (guest ? FIELD(4) : FIELD(0) | FIELD(4));
}

static uint64_t mmfr0(void)
{
	uint64_t v = mon_read(id_aa64mmfr0_el1) & 0x00ffffffffffffffull;

	v = min_field(v, 0, 2);
	if (mon_bits(v, 31, 28) == 1)
		v &= ~FIELD(28);
	return min_field(v, 20, 1);
}

static uint64_t mmfr1(void)
{
	return mon_read(id_aa64mmfr1_el1) &
	       ~(FIELD(4) | FIELD(8) | FIELD(16) | FIELD(28) | FIELD(32) | FIELD(40) | FIELD(44));
}

static uint64_t mmfr2(void)
{
	return mon_read(id_aa64mmfr2_el1) &
	       ~(FIELD(12) | FIELD(16) | FIELD(24) | FIELD(40) | FIELD(56));
}

/* AArch32's: CRm 1 to 3, for the host's 32-bit processes. */
static uint64_t aarch32(unsigned int n)
{
	switch (n) {
	case 0:
		return mon_read(S3_0_C0_C1_0);
	case 1:
		return mon_read(S3_0_C0_C1_1);
	case 2:
		return mon_read(S3_0_C0_C1_2);
	case 4:
		return mon_read(S3_0_C0_C1_4);
	case 5:
		return mon_read(S3_0_C0_C1_5);
	case 6:
		return mon_read(S3_0_C0_C1_6);
	case 7:
		return mon_read(S3_0_C0_C1_7);
	case 8:
		return mon_read(S3_0_C0_C2_0);
	case 9:
		return mon_read(S3_0_C0_C2_1);
	case 10:
		return mon_read(S3_0_C0_C2_2);
	case 11:
		return mon_read(S3_0_C0_C2_3);
	case 12:
		return mon_read(S3_0_C0_C2_4);
	case 13:
		return mon_read(S3_0_C0_C2_5);
	case 14:
		return mon_read(S3_0_C0_C2_6);
	case 15:
		return mon_read(S3_0_C0_C2_7);
	case 16:
		return mon_read(S3_0_C0_C3_0);
	case 17:
		return mon_read(S3_0_C0_C3_1);
	case 18:
		return mon_read(S3_0_C0_C3_2);
	case 20:
		return mon_read(S3_0_C0_C3_4);
	case 21:
		return mon_read(S3_0_C0_C3_5);
	case 22:
		return mon_read(S3_0_C0_C3_6);
	default:
		return 0;
	}
}

bool mon_idreg(uint32_t iss, bool guest, uint64_t *val)
{
	uint32_t reg = iss & SYSREG_MASK;
	unsigned int crm = (reg >> 1) & 15, op2 = (reg >> 17) & 7;

	if ((reg & ~SYSREG(0, 0, 0, 15, 7)) != SYSREG(3, 0, 0, 0, 0) || !(iss & SYSREG_READ) ||
	    crm < 1 || crm > 7)
		return false;
	if (crm <= 3) {
		*val = guest ? 0 : aarch32((crm - 1) * 8 + op2);
		return true;
	}
	switch (reg) {
	case SYSREG(3, 0, 0, 4, 0):
		*val = pfr0(guest);
		break;
	case SYSREG(3, 0, 0, 4, 1):
		*val = mon_read(id_aa64pfr1_el1) & 0xff;
		break;
	case SYSREG(3, 0, 0, 5, 0):
		*val = dfr0(guest);
		break;
	case SYSREG(3, 0, 0, 6, 0):
		*val = mon_read(id_aa64isar0_el1) & ~FIELD(24);
		break;
	case SYSREG(3, 0, 0, 6, 1):
		*val = isar1();
		break;
	case SYSREG(3, 0, 0, 6, 2):
		*val = isar2(guest);
		break;
	case SYSREG(3, 0, 0, 7, 0):
		*val = mmfr0();
		break;
	case SYSREG(3, 0, 0, 7, 1):
		*val = mmfr1();
		break;
	case SYSREG(3, 0, 0, 7, 2):
		*val = mmfr2();
		break;
	default:
		*val = 0;
		break;
	}
	return true;
}
