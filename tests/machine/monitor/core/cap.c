// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's capabilities: small numbers, the lowest free one first.
 */
#include <mon/vm.h>
#include <stddef.h>

#define CAP_SLOTS		4096
#define CAP_FIRST_FREE		3

/* 0 and 1 are the resource manager's queues, 2 is the host's own vCPU. */
static struct mon_cap caps[CAP_SLOTS];

void mon_cap_init(void)
{
	caps[0].type = CAP_MSGQ_TX;
	caps[1].type = CAP_MSGQ_RX;
	caps[2].type = CAP_HOST_VCPU;
}

uint64_t mon_cap_add(enum mon_cap_type type, void *object)
{
	uint64_t i;

	for (i = CAP_FIRST_FREE; i < CAP_SLOTS; i++) {
		if (caps[i].type != CAP_NONE)
			continue;
		caps[i].object = object;
		__atomic_store_n(&caps[i].type, type, __ATOMIC_RELEASE);
		return i;
	}
	return MON_CAP_NONE;
}

void mon_cap_del(uint64_t cap)
{
	if (cap < CAP_SLOTS)
		__atomic_store_n(&caps[cap].type, CAP_NONE, __ATOMIC_RELEASE);
}

void *mon_cap_find(uint64_t cap, enum mon_cap_type type, int64_t *err)
{
	uint32_t found;

	if (cap >= CAP_SLOTS) {
		*err = MON_ERR_ARG_INVALID;
		return NULL;
	}
	found = __atomic_load_n(&caps[cap].type, __ATOMIC_ACQUIRE);
	if (found == type) {
		*err = MON_OK;
		return caps[cap].object;
	}
	*err = found == CAP_NONE ? MON_ERR_CAP_NULL : MON_ERR_CAP_TYPE;
	if ((type == CAP_MSGQ_TX && found == CAP_MSGQ_RX) ||
	    (type == CAP_MSGQ_RX && found == CAP_MSGQ_TX))
		*err = MON_ERR_CAP_RIGHTS;
	if (type == CAP_VCPU && found == CAP_HOST_VCPU)
		*err = MON_ERR_BUSY;
	return NULL;
}
