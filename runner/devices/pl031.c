// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * PL031, as in Arm's PrimeCell Real Time Clock (PL031) Technical Reference Manual
 * (DDI 0224), r1p3.
 *
 *  offset name         width reset       here
 *  0x000  RTCDR        32    0x00000000  counts seconds; a write is dropped
 *  0x004  RTCMR        32    0x00000000  match
 *  0x008  RTCLR        32    0x00000000  a write sets the counter
 *  0x00c  RTCCR        1     0x0         start; stays 1 once it is 1
 *  0x010  RTCIMSC      1     0x0
 *  0x014  RTCRIS       1     0x0
 *  0x018  RTCMIS       1     0x0
 *  0x01c  RTCICR       1     -
 *  0xfe0  RTCPeriphID0 to 3  0x31 0x10 0x04 0x00
 *  0xff0  RTCPCellID0 to 3   0x0d 0xf0 0x05 0xb1
 *
 * The clock is as a firmware and a battery would leave it: started, with the time of
 * day in RTCDR. Registers are read and written with 4 bytes at their own address;
 * anything else reads as 0 and writes nothing.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <time.h>

#include <gh-runner/pl031.h>

#define RTCDR		0x000
#define RTCMR		0x004
#define RTCLR		0x008
#define RTCCR		0x00c
#define RTCIMSC		0x010
#define RTCRIS		0x014
#define RTCMIS		0x018
#define RTCICR		0x01c
#define RTCPERIPHID0	0xfe0

#define NS_PER_SEC	1000000000ULL

/**
 * struct gh_pl031 - one clock
 * @offset: counter - now_s()
 * @seen: the counter when the match was last looked for
 * @line: the interrupt as last told to the callback
 * @timer: for the match, while somebody waits for it
 */
struct gh_pl031 {
	struct gh_pl031_config config;
	uint32_t offset;
	uint32_t seen;
	uint32_t mr, lr, imsc, ris;
	bool line;
	struct gh_timer timer;
};

static const uint8_t id_bytes[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint64_t host_now_s(void *opaque)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec;
}

static uint32_t counter(const struct gh_pl031 *c)
{
	return (uint32_t)c->config.now_s(c->config.opaque) + c->offset;
}

/* The match is an event: it is found also when the counter is beyond it by now. */
static void look_for_match(struct gh_pl031 *c)
{
	uint32_t now = counter(c);

	/* A host clock that was set back has passed nothing. */
	if (now != c->seen && now - c->seen < 1U << 31 && c->mr - c->seen - 1 < now - c->seen)
		c->ris = 1;
	c->seen = now;
}

static void arm_timer(struct gh_pl031 *c)
{
	uint32_t left = c->mr - c->seen;

	if (!c->config.runner)
		return;
	gh_timer_cancel(c->config.runner, &c->timer);
	if (!c->imsc || c->ris || !left)
		return;
	c->timer.deadline_ns = gh_now_ns() + left * NS_PER_SEC;
	gh_timer_arm(c->config.runner, &c->timer);
}

static void update(struct gh_pl031 *c)
{
	bool level = c->ris & c->imsc;

	arm_timer(c);
	if (level == c->line)
		return;
	c->line = level;
	if (c->config.irq)
		c->config.irq(c->config.opaque, level);
	if (c->config.line)
		gh_irq_set(c->config.line, level);
}

static void on_match(struct gh_timer *timer)
{
	struct gh_pl031 *c = (struct gh_pl031 *)((char *)timer - offsetof(struct gh_pl031, timer));

	look_for_match(c);
	update(c);
}

static uint32_t reg_read(const struct gh_pl031 *c, uint64_t offset)
{
	switch (offset) {
	case RTCDR:
		return c->seen;
	case RTCMR:
		return c->mr;
	case RTCLR:
		return c->lr;
	case RTCCR:
		return 1;
	case RTCIMSC:
		return c->imsc;
	case RTCRIS:
		return c->ris;
	case RTCMIS:
		return c->ris & c->imsc;
	default:
		if (offset >= RTCPERIPHID0)
			return id_bytes[(offset - RTCPERIPHID0) / 4];
		return 0;
	}
}

static void reg_write(struct gh_pl031 *c, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case RTCMR:
		c->mr = value;
		if (value == c->seen)
			c->ris = 1;
		break;
	case RTCLR:
		c->lr = value;
		c->offset += value - c->seen;
		c->seen = value;
		if (value == c->mr)
			c->ris = 1;
		break;
	case RTCIMSC:
		c->imsc = value & 1;
		break;
	case RTCICR:
		c->ris &= ~value;
		break;
	}
}

static bool width_ok(const struct gh_access *a)
{
	return a->len == 4 && !(a->offset & 3) && a->offset < GH_PL031_SIZE;
}

static int pl031_read(void *device, struct gh_access *a)
{
	struct gh_pl031 *c = device;

	if (!width_ok(a))
		return -EINVAL;
	look_for_match(c);
	a->data = reg_read(c, a->offset);
	update(c);
	return GH_ACCESS_DONE;
}

static int pl031_write(void *device, struct gh_access *a)
{
	struct gh_pl031 *c = device;

	if (!width_ok(a))
		return -EINVAL;
	look_for_match(c);
	reg_write(c, a->offset, (uint32_t)a->data);
	update(c);
	return GH_ACCESS_DONE;
}

static int pl031_dt_node(void *device, void *fdt)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	const struct gh_pl031 *c = device;
	int ret = fdt_property(fdt, "compatible", compatible, sizeof(compatible));

	if (!ret && c->config.line)
		ret = gh_irq_dt(c->config.line, fdt);
	return ret;
}

static int pl031_move(void *device, struct gh_runner *runner)
{
	struct gh_pl031 *c = device;

	if (!c->config.runner)
		return 0;
	if (!runner) {
		gh_timer_cancel(c->config.runner, &c->timer);
		return 0;
	}
	c->config.runner = runner;
	look_for_match(c);
	update(c);
	return 0;
}

static void pl031_release(void *device)
{
	gh_pl031_destroy(device);
}

const struct gh_device_ops gh_pl031_ops = {
	.name = "rtc",
	.read = pl031_read,
	.write = pl031_write,
	.dt_node = pl031_dt_node,
	.release = pl031_release,
	.move = pl031_move,
};

int gh_pl031_create(const struct gh_pl031_config *config, struct gh_pl031 **rtc)
{
	struct gh_pl031 *c = calloc(1, sizeof(*c));

	*rtc = c;
	if (!c)
		return -ENOMEM;
	c->config = *config;
	if (!c->config.now_s)
		c->config.now_s = host_now_s;
	c->timer.fire = on_match;
	c->seen = counter(c);
	return 0;
}

void gh_pl031_destroy(struct gh_pl031 *c)
{
	if (c && c->config.runner)
		gh_timer_cancel(c->config.runner, &c->timer);
	free(c);
}
