// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A guest's devices: serial port and test device, and those that it asks for.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gh-runner/pl031.h>
#include <gh-runner/testdev-regs.h>

#include "cli.h"

/**
 * struct board - where a guest's devices are put
 */
struct board {
	struct gh_runner *runner;
	struct guest *g;
	const struct guest_option *o;
	const struct origin *at;
};

static int add(const struct board *b, uint64_t base, uint64_t size,
	       const struct gh_device_ops *ops, void *device)
{
	int ret = gh_vm_add_device(b->g->vm, base, size, ops, device);
	const struct gh_error_info *e = gh_runner_last_error(b->runner);
	const char *hint = e->error == ret ? e->hint : "";

	if (ret)
		cli_error(b->at, "device '%s' at 0x%" PRIx64 ": %s%s%s", ops->name, base,
			  strerror(-ret), *hint ? "; " : "", hint);
	return ret;
}

static int out_of(const struct board *b, const char *device, int ret)
{
	cli_error(b->at, "device '%s': %s", device, strerror(-ret));
	return ret;
}

/* Without the module for it a guest has to poll, as it may do anyway. */
static struct gh_irq *line(const struct board *b)
{
	struct fleet *s = b->g->fleet;
	struct gh_irq *irq;

	if (!gh_irq_create(b->g->vm, &irq))
		return irq;
	if (!s->no_irqs) {
		cli_runner_error(b->at, gh_runner_last_error(b->runner));
		cli_error(NULL, "devices go without interrupts: guests have to poll them");
	}
	s->no_irqs = true;
	return NULL;
}

static int add_testdev(const struct board *b)
{
	const struct gh_testdev_config config = {
		.vm = (uint64_t)(b->g - b->g->fleet->guests),
		.param0 = b->o->param0,
		.param1 = b->o->param1,
		.duration_ms = b->g->fleet->options.set.seconds * 1000,
	};
	int ret = gh_testdev_create(&config, &b->g->testdev);

	if (ret)
		return out_of(b, gh_testdev_ops.name, ret);
	return add(b, GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE, &gh_testdev_ops,
		   b->g->testdev);
}

static int add_uart(const struct board *b)
{
	struct guest *g = b->g;
	const struct gh_pl011_config config = {
		.output = g->serial ? serial_output : console_output,
		.opaque = g->serial ? (void *)g->serial : &g->console,
		.line = line(b),
	};
	struct gh_pl011 *uart;
	int ret;

	ret = gh_pl011_create(&config, &uart);
	if (ret)
		return out_of(b, gh_pl011_ops.name, ret);
	ret = add(b, GH_BOARD_UART_BASE, GH_BOARD_UART_SIZE, &gh_pl011_ops, uart);
	if (ret) {
		gh_pl011_destroy(uart);
		return ret;
	}
	return g->serial ? serial_connect(g->serial, uart) : 0;
}

static int add_rtc(const struct board *b)
{
	const struct gh_pl031_config config = { .line = line(b), .runner = b->runner };
	struct gh_pl031 *rtc;
	int ret;

	ret = gh_pl031_create(&config, &rtc);
	if (ret)
		return out_of(b, gh_pl031_ops.name, ret);
	ret = add(b, GH_BOARD_RTC_BASE, GH_BOARD_RTC_SIZE, &gh_pl031_ops, rtc);
	if (ret)
		gh_pl031_destroy(rtc);
	return ret;
}

/* The guest is over with it; how is up to on_ended(). */
static void on_power(void *opaque, struct gh_vm *vm, enum gh_power_request request)
{
	((struct guest *)opaque)->asked = request;
	gh_vm_stop(vm);
}

static int add_power(const struct board *b)
{
	b->g->power = (struct gh_power) { .request = on_power, .opaque = b->g };
	return add(b, GH_BOARD_POWER_BASE, GH_POWER_SIZE, &gh_power_ops, &b->g->power);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !fcntl(fd, F_SETFL, 0))
		return fd;
	close(fd);
	return -ENOTSUP;
}

static int add_file(const struct board *b)
{
	struct guest *g = b->g;
	int ret;

	ret = open_file(b->o->file);
	if (ret < 0) {
		cli_error(b->at, "file '%s': %s%s", b->o->file, ret == -ENOTSUP ?
			  "it is no regular file; others cannot be read at an offset" :
			  strerror(-ret), cli_path_cure(-ret));
		return ret;
	}
	g->file_fd = ret;
	g->has_file = true;
	ret = gh_filedev_create(b->runner, g->file_fd, &g->file);
	if (ret)
		return out_of(b, gh_filedev_ops.name, ret);
	return add(b, GH_BOARD_FILE_BASE, GH_FILEDEV_SIZE, &gh_filedev_ops, g->file);
}

int guest_devices(struct gh_runner *runner, struct guest *g, const struct guest_option *o,
		  const struct origin *at)
{
	const struct board b = { .runner = runner, .g = g, .o = o, .at = at };
	int ret;

	ret = add_testdev(&b);
	if (!ret)
		ret = add_uart(&b);
	if (!ret && o->rtc)
		ret = add_rtc(&b);
	if (!ret && o->power)
		ret = add_power(&b);
	if (!ret && o->file)
		ret = add_file(&b);
	return ret;
}

/* After gh_vm_destroy(). A read that is on the ring comes back when that is driven. */
bool guest_devices_finish(struct guest *g)
{
	if (gh_filedev_destroy(g->file))
		return false;
	g->file = NULL;
	return true;
}

void guest_devices_close(struct guest *g)
{
	gh_testdev_destroy(g->testdev);
	if (g->has_file)
		close(g->file_fd);
	serial_close(g->serial);
}
