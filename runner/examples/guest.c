// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include "guest.h"

#include <errno.h>
#include <gh-runner/pl011.h>
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct gh_testdev *testdev;
static unsigned int running;

static void on_output(void *opaque, uint8_t byte)
{
	putchar(byte);
}

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	printf("%s ended: %d\n", gh_vm_name(vm), result->end);
	running--;
}

static const struct gh_vm_events events = { .ended = on_ended };

static void *read_file(const char *path, size_t *size)
{
	size_t room = 16 << 20;
	void *data = malloc(room);
	FILE *f = fopen(path, "re");

	*size = data && f ? fread(data, 1, room, f) : 0;
	if (f)
		fclose(f);
	return data;
}

static int add_devices(struct gh_vm *vm)
{
	const struct gh_pl011_config uart_config = { .output = on_output };
	const struct gh_testdev_config test_config = { .duration_ms = 3000 };
	struct gh_pl011 *uart = NULL;

	return gh_pl011_create(&uart_config, &uart) ?:
	       gh_vm_add_device(vm, GH_BOARD_UART_BASE, GH_BOARD_UART_SIZE, &gh_pl011_ops, uart) ?:
	       gh_testdev_create(&test_config, &testdev) ?:
	       gh_vm_add_device(vm, GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE, &gh_testdev_ops,
				testdev);
}

struct gh_vm *example_start(struct gh_runner *runner, const char *path)
{
	struct gh_vm_config config = {
		.name = "guest",
		.memory_size = 32 << 20,
		.vcpus = 1,
		.events = &events,
	};
	const struct gh_error_info *e;
	struct gh_vm *vm;
	void *image;
	int ret;

	image = read_file(path, &config.image_size);
	config.image = image;
	ret = gh_vm_create(runner, &config, &vm);
	free(image);
	if (!ret)
		ret = add_devices(vm);
	if (!ret)
		ret = gh_vm_start(vm);
	if (ret) {
		e = gh_runner_last_error(runner);
		fprintf(stderr, "%s: %s: %s %s\n", path, e->what, strerror(-ret), e->hint);
		return NULL;
	}
	running++;
	return vm;
}

unsigned int example_running(void)
{
	return running;
}

void example_end(struct gh_runner *runner, struct gh_vm *vm)
{
	gh_vm_destroy(vm);
	gh_runner_destroy(runner);
	gh_testdev_destroy(testdev);
}
