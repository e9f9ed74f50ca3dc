// SPDX-License-Identifier: GPL-2.0-only
/* Counts the vCPUs in the device tree: the nodes /cpus/cpu@*. */
#include "guest.h"

#define FDT_MAGIC	0xd00dfeed
#define FDT_BEGIN_NODE	1
#define FDT_END_NODE	2
#define FDT_PROP	3
#define FDT_NOP		4

#define DEPTH_BELOW_ROOT	2
#define DEPTH_CPU		3

static uint32_t be32(const uint32_t *p)
{
	return __builtin_bswap32(*p);
}

static bool starts_with(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

/* The words a string with its zero takes. */
static size_t string_words(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n / 4 + 1;
}

static unsigned int count_cpu_nodes(const uint32_t *p, const uint32_t *end)
{
	unsigned int depth = 0, count = 0;
	bool in_cpus = false;

	while (p < end) {
		const char *name = (const char *)(p + 1);

		switch (be32(p++)) {
		case FDT_BEGIN_NODE:
			depth++;
			if (depth == DEPTH_BELOW_ROOT)
				in_cpus = starts_with(name, "cpus");
			else if (depth == DEPTH_CPU && in_cpus)
				count += starts_with(name, "cpu@");
			p += string_words(name);
			break;
		case FDT_END_NODE:
			depth--;
			break;
		case FDT_PROP:
			p += 2 + (be32(p) + 3) / 4;
			break;
		case FDT_NOP:
			break;
		default:
			return count;
		}
	}
	return count;
}

unsigned int guest_count_vcpus(uint64_t dtb)
{
	const uint32_t *header = (const uint32_t *)dtb;
	const uint32_t *nodes;
	unsigned int count;

	if (!dtb || dtb % 8 || be32(header) != FDT_MAGIC)
		return 1;
	nodes = header + be32(header + 2) / 4;
	count = count_cpu_nodes(nodes, nodes + be32(header + 9) / 4);
	if (!count)
		return 1;
	return count < GUEST_MAX_VCPUS ? count : GUEST_MAX_VCPUS;
}
