// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* A generator with 64 bits of state (an additive counter, finalised), one for each user. */
#include "stress.h"

uint64_t st_next(struct st_random *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

void st_seed(struct st_random *r, uint64_t seed, uint64_t a, uint64_t b)
{
	r->state = seed;
	r->state = st_next(r) + a;
	r->state = st_next(r) + b;
}

unsigned int st_below(struct st_random *r, unsigned int n)
{
	return (st_next(r) >> 32) * n >> 32;
}

bool st_once_in(struct st_random *r, unsigned int n)
{
	return !st_below(r, n);
}
