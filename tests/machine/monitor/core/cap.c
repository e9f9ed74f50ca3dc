// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's capabilities: small numbers, the lowest free one first.
 */
#include <mon/vm.h>
#include <stddef.h>

#define CAP_FIRST_FREE		3

/* 0 and 1 are the resource manager's queues, 2 is the host's own vCPU. */
struct mon_cap mon_caps[MON_MAX_CAPS];

void mon_cap_init(void)
{
	mon_caps[0].type = CAP_MSGQ_TX;
	mon_caps[1].type = CAP_MSGQ_RX;
	mon_caps[2].type = CAP_HOST_VCPU;
}

uint64_t mon_cap_add(enum mon_cap_type type, void *object)
{
	uint64_t i;

	for (i = CAP_FIRST_FREE; i < MON_MAX_CAPS; i++) {
		if (mon_caps[i].type != CAP_NONE)
			continue;
		mon_caps[i].object = object;
		__atomic_store_n(&mon_caps[i].type, type, __ATOMIC_RELEASE);
		return i;
	}
	return MON_CAP_NONE;
}

void mon_cap_del(uint64_t cap)
{
	if (cap < MON_MAX_CAPS)
		__atomic_store_n(&mon_caps[cap].type, CAP_NONE, __ATOMIC_RELEASE);
}

int64_t mon_cap_error(uint32_t found, enum mon_cap_type type)
{
	if (found == CAP_OUT_OF_RANGE)
		return MON_ERR_ARG_INVALID;
	if ((type == CAP_MSGQ_TX && found == CAP_MSGQ_RX) ||
	    (type == CAP_MSGQ_RX && found == CAP_MSGQ_TX))
		return MON_ERR_CAP_RIGHTS;
	if (type == CAP_VCPU && found == CAP_HOST_VCPU)
		return MON_ERR_BUSY;
	return found == CAP_NONE ? MON_ERR_CAP_NULL : MON_ERR_CAP_TYPE;
}
