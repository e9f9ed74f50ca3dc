// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The power device: one register, see <gh-runner/power.h>. To a Linux guest it is a
 * syscon; the values are those of the boards where this device is common.
 */
#include <errno.h>
#include <libfdt.h>

#include <gh-runner/power.h>

static int power_read(void *device, struct gh_access *a)
{
	if (a->offset || a->len != 4)
		return -EINVAL;
	a->data = 0;
	return GH_ACCESS_DONE;
}

static int power_write(void *device, struct gh_access *a)
{
	const struct gh_power *p = device;

	if (a->offset || a->len != 4)
		return -EINVAL;
	switch (a->data) {
	case GH_POWER_OFF:
	case GH_POWER_FAIL:
	case GH_POWER_RESET:
		p->request(p->opaque, gh_vcpu_vm(a->vcpu), (enum gh_power_request)a->data);
		return GH_ACCESS_DONE;
	default:
		return -EINVAL;
	}
}

static int power_dt_node(void *device, void *fdt)
{
	static const char compatible[] = "gh-runner,power\0syscon";

	return fdt_property(fdt, "compatible", compatible, sizeof(compatible));
}

const struct gh_device_ops gh_power_ops = {
	.name = "power",
	.read = power_read,
	.write = power_write,
	.dt_node = power_dt_node,
};
