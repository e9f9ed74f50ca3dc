// SPDX-License-Identifier: GPL-2.0-only
/* The two functions the compiler may call by itself. */
#include "guest.h"

void *memset(void *dest, int c, size_t n);
void *memcpy(void *restrict dest, const void *restrict src, size_t n);

void *memset(void *dest, int c, size_t n)
{
	uint8_t *d = dest;

	while (n--)
		*d++ = c;
	return dest;
}

void *memcpy(void *restrict dest, const void *restrict src, size_t n)
{
	uint8_t *d = dest;
	const uint8_t *s = src;

	while (n--)
		*d++ = *s++;
	return dest;
}
