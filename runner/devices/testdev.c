// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The test device. Its registers, with widths, and the arithmetic that device and
 * guest share are in <gh-runner/testdev-regs.h>.
 */
#include <stdatomic.h>
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>

#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>

/**
 * struct gh_testdev - one device, of one VM
 * @x: the sequence of NEXT
 * @sum: of what was PUT
 * @scratch: SCRATCH1, 2, 4 and 8
 */
struct gh_testdev {
	struct gh_testdev_config config;
	uint64_t x;
	uint64_t sum;
	uint64_t result;
	bool has_result;
	atomic_bool stop;
	uint64_t scratch[4];
	uint64_t nexts, puts, fails, bad;
	uint32_t fail_line;
};

/* The width of the register at @offset, 0 if there is none. */
static uint32_t reg_width(uint64_t offset)
{
	switch (offset) {
	case GH_TESTDEV_SCRATCH1:
		return 1;
	case GH_TESTDEV_SCRATCH2:
		return 2;
	case GH_TESTDEV_MAGIC:
	case GH_TESTDEV_VERSION:
	case GH_TESTDEV_SCRATCH4:
	case GH_TESTDEV_FAIL:
	case GH_TESTDEV_STOP:
		return 4;
	case GH_TESTDEV_VM:
	case GH_TESTDEV_PARAM0:
	case GH_TESTDEV_PARAM1:
	case GH_TESTDEV_NEXT:
	case GH_TESTDEV_PUT:
	case GH_TESTDEV_RESULT:
	case GH_TESTDEV_SCRATCH8:
	case GH_TESTDEV_DURATION_MS:
		return 8;
	default:
		return 0;
	}
}

static uint64_t *scratch(struct gh_testdev *d, uint64_t offset)
{
	switch (offset) {
	case GH_TESTDEV_SCRATCH1:
		return &d->scratch[0];
	case GH_TESTDEV_SCRATCH2:
		return &d->scratch[1];
	case GH_TESTDEV_SCRATCH4:
		return &d->scratch[2];
	case GH_TESTDEV_SCRATCH8:
		return &d->scratch[3];
	default:
		return NULL;
	}
}

static uint64_t next(struct gh_testdev *d)
{
	d->nexts++;
	d->x = d->x * GH_TESTDEV_MUL + GH_TESTDEV_ADD;
	return d->x;
}

static int testdev_read(void *device, struct gh_access *a)
{
	struct gh_testdev *d = device;

	if (a->len != reg_width(a->offset))
		goto bad;
	switch (a->offset) {
	case GH_TESTDEV_MAGIC:
		a->data = GH_TESTDEV_MAGIC_VALUE;
		break;
	case GH_TESTDEV_VERSION:
		a->data = 1;
		break;
	case GH_TESTDEV_VM:
		a->data = d->config.vm;
		break;
	case GH_TESTDEV_PARAM0:
		a->data = d->config.param0;
		break;
	case GH_TESTDEV_PARAM1:
		a->data = d->config.param1;
		break;
	case GH_TESTDEV_NEXT:
		a->data = next(d);
		break;
	case GH_TESTDEV_DURATION_MS:
		a->data = d->config.duration_ms;
		break;
	case GH_TESTDEV_STOP:
		a->data = d->stop;
		break;
	case GH_TESTDEV_SCRATCH1:
	case GH_TESTDEV_SCRATCH2:
	case GH_TESTDEV_SCRATCH4:
	case GH_TESTDEV_SCRATCH8:
		a->data = *scratch(d, a->offset);
		break;
	default:
		goto bad;
	}
	return GH_ACCESS_DONE;

bad:
	d->bad++;
	return -EINVAL;
}

static int testdev_write(void *device, struct gh_access *a)
{
	struct gh_testdev *d = device;

	if (a->len != reg_width(a->offset))
		goto bad;
	switch (a->offset) {
	case GH_TESTDEV_PUT:
		d->puts++;
		d->sum = (d->sum << 1 | d->sum >> 63) ^ a->data;
		break;
	case GH_TESTDEV_RESULT:
		d->result = a->data;
		d->has_result = true;
		break;
	case GH_TESTDEV_FAIL:
		d->fails++;
		d->fail_line = (uint32_t)a->data;
		break;
	case GH_TESTDEV_SCRATCH1:
	case GH_TESTDEV_SCRATCH2:
	case GH_TESTDEV_SCRATCH4:
	case GH_TESTDEV_SCRATCH8:
		*scratch(d, a->offset) = a->data;
		break;
	default:
		goto bad;
	}
	return GH_ACCESS_DONE;

bad:
	d->bad++;
	return -EINVAL;
}

static int testdev_dt_node(void *device, void *fdt)
{
	return fdt_property_string(fdt, "compatible", "gh-runner,testdev");
}

const struct gh_device_ops gh_testdev_ops = {
	.name = "testdev",
	.read = testdev_read,
	.write = testdev_write,
	.dt_node = testdev_dt_node,
};

int gh_testdev_create(const struct gh_testdev_config *config, struct gh_testdev **dev)
{
	struct gh_testdev *d = calloc(1, sizeof(*d));

	*dev = d;
	if (!d)
		return -ENOMEM;
	d->config = *config;
	d->x = config->vm + 1;
	return 0;
}

void gh_testdev_destroy(struct gh_testdev *dev)
{
	free(dev);
}

void gh_testdev_stop(struct gh_testdev *dev)
{
	dev->stop = true;
}

void gh_testdev_report(const struct gh_testdev *d, struct gh_testdev_report *report)
{
	*report = (struct gh_testdev_report) {
		.expected = d->sum,
		.reported = d->result,
		.nexts = d->nexts,
		.puts = d->puts,
		.fails = d->fails,
		.fail_line = d->fail_line,
		.bad = d->bad,
	};
	if (d->has_result)
		report->result = d->result == d->sum ? GH_TESTDEV_MATCH : GH_TESTDEV_MISMATCH;
	else
		report->result = d->puts ? GH_TESTDEV_MISSING : GH_TESTDEV_NONE;
}
