// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Accesses that are answered later: from a request on the runner's ring, from a
 * timer, or never, while other vCPUs go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <gh-runner/fault.h>
#include <gh-runner/filedev.h>
#include <gh-runner/pl011.h>
#include <gh-runner/pl031.h>
#include <gh-runner/power.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* This body becomes a program for each backend. */
#ifndef RN_SUITE
#define RN_SUITE devices
#endif

#include "rn_suite.h"

#define DEV		GT_DEV_BASE
#define PATIENCE	200

static unsigned int answering(void)
{
	struct gh_stats stats;

	gh_runner_stats(runner, &stats);
	return stats.answering;
}

/* Until a device owes an answer, however long the guest takes to ask. */
static void run_to_deferred(void)
{
	unsigned int i;

	for (i = 0; i < PATIENCE && !answering(); i++)
		rn_run(runner, 50 * MS_NS, NULL);
	cr_assert_eq(answering(), 1U);
}

/* Without a name. */
static int test_file(void)
{
	uint8_t bytes[3 * 512 + 4];
	unsigned int i;
	int fd;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	return fd;
}

static uint64_t file_bytes(unsigned int offset, unsigned int len)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < len; i++)
		value |= (uint64_t)(uint8_t)((offset + i) * 7 + ((offset + i) >> 8)) << (8 * i);
	return value;
}

#define GET(width, offset)	{ GS_READ, width, DEV + (offset) },	\
				{ GS_ECHO, 8, RN_LOG_BASE, 0 }

RN_TEST(RN_SUITE, file_is_read_through_the_ring)
{
	static const struct gs_op ops[] = {
		GET(8, GH_FILEDEV_REG_SIZE),
		GET(8, GH_FILEDEV_DATA),
		GET(1, GH_FILEDEV_DATA + 511),
		{ GS_WRITE, 8, DEV + GH_FILEDEV_REG_SECTOR, 2 },
		GET(4, GH_FILEDEV_DATA + 4),
		GET(2, GH_FILEDEV_DATA + 510),
		{ GS_WRITE, 8, DEV + GH_FILEDEV_REG_SECTOR, 3 },
		GET(8, GH_FILEDEV_DATA),
		GET(8, GH_FILEDEV_DATA + 8),
		{ GS_OFF },
	};
	struct gh_filedev *file;
	struct gh_stats stats;
	struct rn_vm v;
	int fd = test_file();

	RN_SCRIPT(0, ops);
	cr_assert_eq(gh_filedev_create(runner, fd, &file), 0);
	rn_create(runner, &v, "file", 1);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_FILEDEV_SIZE, &gh_filedev_ops, file), 0);
	rn_start(&v);
	cr_assert_eq(gh_runner_run(runner), 0);
	cr_assert_eq(v.result.end, GH_VM_END_OFF);
	cr_assert_eq(v.writes, 7U);
	cr_assert_eq(v.log[0], 3U * 512 + 4);
	cr_assert_eq(v.log[1], file_bytes(0, 8));
	cr_assert_eq(v.log[2], file_bytes(511, 1));
	cr_assert_eq(v.log[3], file_bytes(1028, 4));
	cr_assert_eq(v.log[4], file_bytes(1534, 2));
	cr_assert_eq(v.log[5], file_bytes(1536, 4), "4 bytes are left of the file");
	cr_assert_eq(v.log[6], 0U, "none are");
	gh_runner_stats(runner, &stats);
	cr_assert_eq(stats.deferred, 6U);
	rn_destroy(runner, &v);
	cr_assert_eq(gh_filedev_destroy(file), 0);
	close(fd);
}

/* A pipe is a file that answers when the test says so. */
RN_TEST(RN_SUITE, others_go_on_while_an_access_is_deferred)
{
	static const struct gs_op reader[] = {
		{ GS_CPU_ON, 0, 1, 0 },
		GET(8, GH_FILEDEV_DATA),
		{ GS_OFF },
	};
	static const struct gs_op writer[] = {
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_SPIN, 0, 1000, 0 },
		{ GS_GOTO, 0, 0, UINT64_MAX },
	};
	uint64_t value = 0x1122334455667788, own, other;
	struct gh_filedev *file;
	struct rn_vm v, w;
	unsigned int i;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	RN_SCRIPT(0, reader);
	RN_SCRIPT(1, writer);
	cr_assert_eq(gh_filedev_create(runner, fds[0], &file), 0);
	rn_create(runner, &v, "reader", 2);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_FILEDEV_SIZE, &gh_filedev_ops, file), 0);
	RN_SCRIPT(0, writer);
	rn_create(runner, &w, "other", 1);
	rn_start(&v);
	rn_start(&w);

	run_to_deferred();
	own = v.writes;
	other = w.writes;
	for (i = 0; i < PATIENCE && (v.writes <= own + 10 || w.writes <= other + 10); i++)
		rn_run(runner, 50 * MS_NS, NULL);
	cr_assert_eq(answering(), 1U);
	printf("while one access was deferred: %llu writes of the same VM, %llu of another\n",
	       (unsigned long long)(v.writes - own), (unsigned long long)(w.writes - other));
	fflush(stdout);
	cr_assert_gt(v.writes, own + 10);
	cr_assert_gt(w.writes, other + 10);

	cr_assert_eq(gh_filedev_destroy(file), -EBUSY);
	cr_assert_eq(write(fds[1], &value, sizeof(value)), (ssize_t)sizeof(value));
	rn_run(runner, 10 * SECOND_NS, &v.ended);
	cr_assert_eq(v.result.end, GH_VM_END_OFF);
	rn_destroy(runner, &v);
	rn_destroy(runner, &w);
	cr_assert_eq(gh_filedev_destroy(file), 0);
	close(fds[0]);
	close(fds[1]);
}

/* The answer comes after the VM is gone: it goes nowhere. */
RN_TEST(RN_SUITE, vm_is_destroyed_while_an_access_is_deferred)
{
	static const struct gs_op ops[] = { GET(8, GH_FILEDEV_DATA), { GS_OFF } };
	struct gh_filedev *file;
	int fds[2], ret = -EBUSY;
	struct rn_vm v;
	unsigned int i;

	cr_assert_eq(pipe(fds), 0);
	RN_SCRIPT(0, ops);
	cr_assert_eq(gh_filedev_create(runner, fds[0], &file), 0);
	rn_create(runner, &v, "gone", 1);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_FILEDEV_SIZE, &gh_filedev_ops, file), 0);
	rn_start(&v);
	run_to_deferred();
	rn_destroy(runner, &v);
	cr_assert_eq(gh_filedev_destroy(file), -EBUSY);
	close(fds[1]);
	for (i = 0; i < PATIENCE && ret == -EBUSY; i++) {
		rn_run(runner, 20 * MS_NS, NULL);
		ret = gh_filedev_destroy(file);
	}
	cr_assert_eq(ret, 0);
	close(fds[0]);
}

RN_TEST(RN_SUITE, faults)
{
	static const struct gs_op ops[] = {
		GET(4, GH_FAULT_AT(GH_FAULT_NONE)),
		GET(4, GH_FAULT_AT(GH_FAULT_ERROR)),
		GET(4, GH_FAULT_AT(GH_FAULT_LATE)),
		GET(4, GH_FAULT_AT(GH_FAULT_INSIDE)),
		GET(1, GH_FAULT_AT(GH_FAULT_WIDE)),
		{ GS_READ, 4, DEV + GH_FAULT_AT(GH_FAULT_NEVER) },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
	};
	struct gh_faultdev *fault;
	struct gh_stats stats;
	struct rn_vm v;
	unsigned int i;

	RN_SCRIPT(0, ops);
	cr_assert_eq(gh_faultdev_create(runner, 50 * MS_NS, &fault), 0);
	rn_create(runner, &v, "fault", 1);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_FAULT_SIZE, &gh_faultdev_ops, fault), 0);
	rn_start(&v);
	for (i = 0; i < PATIENCE && (v.writes < 5 || !answering()); i++)
		rn_run(runner, 50 * MS_NS, NULL);
	rn_run(runner, 300 * MS_NS, NULL);
	cr_assert_eq(v.writes, 5U, "the last access is never answered");
	cr_assert_eq(v.log[0], GH_FAULT_VALUE);
	cr_assert_eq(v.log[1], 0U);
	cr_assert_eq(v.log[2], GH_FAULT_VALUE);
	cr_assert_eq(v.log[3], GH_FAULT_VALUE);
	cr_assert_eq(v.log[4], 0xffU);
	gh_runner_stats(runner, &stats);
	cr_assert_eq(stats.answering, 1U);
	cr_assert_eq(stats.device_errors, 1U);
	rn_destroy(runner, &v);
	cr_assert_eq(v.result.end, GH_VM_END_STOPPED);
}

static void on_power(void *opaque, struct gh_vm *vm, enum gh_power_request request)
{
	*(enum gh_power_request *)opaque = request;
	gh_vm_stop(vm);
}

RN_TEST(RN_SUITE, clock_and_power)
{
	static const struct gs_op ops[] = {
		GET(4, 0x000),
		GET(4, 0xfe0),
		{ GS_WRITE, 4, DEV + 0x1000, GH_POWER_RESET },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_OFF },
	};
	const struct gh_pl031_config config = { 0 };
	enum gh_power_request asked = 0;
	struct gh_power power = { .request = on_power, .opaque = &asked };
	struct gh_pl031 *rtc;
	struct rn_vm v;

	RN_SCRIPT(0, ops);
	cr_assert_eq(gh_pl031_create(&config, &rtc), 0);
	rn_create(runner, &v, "clock", 1);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_PL031_SIZE, &gh_pl031_ops, rtc), 0);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV + 0x1000, GH_POWER_SIZE, &gh_power_ops, &power), 0);
	rn_start(&v);
	cr_assert_eq(gh_runner_run(runner), 0);
	cr_assert_eq(v.writes, 2U, "the VM is stopped inside its write");
	cr_assert_leq((uint64_t)time(NULL) - v.log[0], 60U);
	cr_assert_eq(v.log[1], 0x31U);
	cr_assert_eq(asked, GH_POWER_RESET);
	cr_assert_eq(v.result.end, GH_VM_END_STOPPED);
	rn_destroy(runner, &v);
}

/* ---- interrupts ------------------------------------------------------------------- */

#define LINE		40	/* the first of a VM */
#define UARTDR		(DEV + 0x000)
#define UARTIMSC	(DEV + 0x038)
#define UARTICR		(DEV + 0x044)
#define UARTINT_RX	((1 << 4) | (1 << 6))

static void no_output(void *opaque, uint8_t byte)
{
	(void)opaque;
	(void)byte;
}

static bool asleep(void)
{
	struct gh_stats stats;

	gh_runner_stats(runner, &stats);
	return stats.in_flight == 1 && !stats.runnable;
}

/* A guest with a PL011 that can interrupt it, run until it sleeps. */
static struct gh_pl011 *start_with_serial_port(struct rn_vm *v, const char *name)
{
	struct gh_pl011_config config = { .output = no_output };
	struct gh_pl011 *uart;
	unsigned int i;

	rn_create(runner, v, name, 1);
	cr_assert_eq(gh_irq_create(v->vm, &config.line), 0);
	cr_assert_eq(gh_irq_intid(config.line), LINE);
	cr_assert_eq(gh_pl011_create(&config, &uart), 0);
	cr_assert_eq(gh_vm_add_device(v->vm, DEV, GH_PL011_SIZE, &gh_pl011_ops, uart), 0);
	rn_start(v);
	for (i = 0; i < 100 && !(v->writes && asleep()); i++)
		rn_run(runner, 100 * MS_NS, NULL);
	cr_assert(asleep());
	return uart;
}

/* The guest sleeps in WFI, with no timer, until a byte comes in. */
RN_TEST(RN_SUITE, serial_port_interrupts_a_sleeper)
{
	static const struct gs_op ops[] = {
		{ GS_IRQ_ON, 0, LINE, 1 },
		{ GS_WRITE, 4, UARTIMSC, UARTINT_RX },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_IRQ_WAIT, 0, LINE, 1 },
		{ GS_READ, 4, UARTDR }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_IRQ_WAIT, 0, LINE, 2 },
		{ GS_READ, 4, UARTDR }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_IRQ_WAIT, 0, LINE, 3 },
		{ GS_READ, 4, UARTDR }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_IRQ_COUNT, 0, LINE, 0 }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_OFF },
	};
	struct gh_pl011 *uart;
	unsigned int i;
	struct rn_vm v;

	RN_SCRIPT(0, ops);
	uart = start_with_serial_port(&v, "serial");
	cr_assert_eq(gh_pl011_input(uart, (const uint8_t *)"A", 1), 1U);
	for (i = 0; i < 100 && v.writes < 2; i++)
		rn_run(runner, 50 * MS_NS, NULL);
	cr_assert_eq(v.log[1], 'A');
	cr_assert_eq(gh_pl011_input(uart, (const uint8_t *)"B", 1), 1U);
	for (i = 0; i < 100 && v.writes < 3; i++)
		rn_run(runner, 50 * MS_NS, NULL);
	cr_assert_eq(v.log[2], 'B');
	for (i = 0; i < 100 && !asleep(); i++)
		rn_run(runner, 50 * MS_NS, NULL);
	cr_assert_eq(gh_pl011_input(uart, (const uint8_t *)"C", 1), 1U);
	rn_run(runner, 10 * SECOND_NS, &v.ended);
	cr_assert_eq(v.log[3], 'C');
	cr_assert_eq(v.log[4], 3U);
	cr_assert_eq(v.result.end, GH_VM_END_OFF);
	rn_destroy(runner, &v);
}

/* Two bytes, one interrupt; acknowledged while one is left, it comes again. */
RN_TEST(RN_SUITE, serial_port_interrupts_again)
{
	static const struct gs_op ops[] = {
		{ GS_IRQ_ON, 0, LINE, 1 },
		{ GS_WRITE, 4, DEV + 0x02c, 1 << 4 },
		{ GS_WRITE, 4, UARTIMSC, UARTINT_RX },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_IRQ_WAIT, 0, LINE, 1 },
		{ GS_READ, 4, UARTDR }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_WRITE, 4, UARTICR, 1 },
		{ GS_IRQ_WAIT, 0, LINE, 2 },
		{ GS_READ, 4, UARTDR }, { GS_ECHO, 8, RN_LOG_BASE, 0 },
		{ GS_OFF },
	};
	struct gh_pl011 *uart;
	struct rn_vm v;

	RN_SCRIPT(0, ops);
	uart = start_with_serial_port(&v, "again");
	cr_assert_eq(gh_pl011_input(uart, (const uint8_t *)"DE", 2), 2U);
	rn_run(runner, 10 * SECOND_NS, &v.ended);
	cr_assert_eq(v.log[1], 'D');
	cr_assert_eq(v.log[2], 'E');
	rn_destroy(runner, &v);
}

static uint64_t test_time;

static uint64_t test_now_s(void *opaque)
{
	(void)opaque;
	return test_time;
}

/* The guest waits for the clock's match, which a timer of the runner finds. */
RN_TEST(RN_SUITE, clock_interrupts_a_sleeper)
{
	static const struct gs_op ops[] = {
		{ GS_IRQ_ON, 0, LINE, 1 },
		{ GS_WRITE, 4, DEV + 0x004, 1001 },
		{ GS_WRITE, 4, DEV + 0x010, 1 },
		{ GS_WRITE, 8, RN_LOG_BASE, 1 },
		{ GS_IRQ_WAIT, 0, LINE, 1 },
		GET(4, 0x014),
		{ GS_WRITE, 4, DEV + 0x01c, 1 },
		GET(4, 0x014),
		{ GS_OFF },
	};
	struct gh_pl031_config config = { .now_s = test_now_s, .runner = runner };
	struct gh_pl031 *rtc;
	unsigned int i;
	struct rn_vm v;

	test_time = 1000;
	RN_SCRIPT(0, ops);
	rn_create(runner, &v, "alarm", 1);
	cr_assert_eq(gh_irq_create(v.vm, &config.line), 0);
	cr_assert_eq(gh_pl031_create(&config, &rtc), 0);
	cr_assert_eq(gh_vm_add_device(v.vm, DEV, GH_PL031_SIZE, &gh_pl031_ops, rtc), 0);
	rn_start(&v);
	for (i = 0; i < 100 && !(v.writes && asleep()); i++)
		rn_run(runner, 20 * MS_NS, NULL);
	test_time = 1001;
	rn_run(runner, 20 * SECOND_NS, &v.ended);
	cr_assert_eq(v.log[1], 1U);
	cr_assert_eq(v.log[2], 0U);
	rn_destroy(runner, &v);
}
