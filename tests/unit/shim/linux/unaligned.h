/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Little-endian numbers at any address. */
#ifndef UNIT_SHIM_LINUX_UNALIGNED_H
#define UNIT_SHIM_LINUX_UNALIGNED_H

#include <linux/types.h>

static inline u16 get_unaligned_le16(const void *p)
{
	const u8 *b = p;

	return (u16)(b[0] | b[1] << 8);
}

static inline u32 get_unaligned_le32(const void *p)
{
	const u8 *b = p;

	return get_unaligned_le16(b) | (u32)get_unaligned_le16(b + 2) << 16;
}

static inline void put_unaligned_le16(u16 value, void *p)
{
	u8 *b = p;

	b[0] = (u8)value;
	b[1] = (u8)(value >> 8);
}

static inline void put_unaligned_le32(u32 value, void *p)
{
	u8 *b = p;

	put_unaligned_le16((u16)value, b);
	put_unaligned_le16((u16)(value >> 16), b + 2);
}

#endif /* UNIT_SHIM_LINUX_UNALIGNED_H */
