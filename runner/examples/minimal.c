// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The least that runs a guest: example-minimal IMAGE. It is in libgh-runner(3) too.
 */
#include <gh-runner/gh-runner.h>
#include <gh-runner/testdev-regs.h>
#include <gh-runner/testdev.h>
#include <stdio.h>

static char image[1 << 20];

int main(int argc, char **argv)
{
	struct gh_testdev_config work = { .duration_ms = 500 };
	struct gh_vm_config config = {
		.name = "guest", .memory_size = 2 << 20, .vcpus = 1, .image = image,
	};
	struct gh_testdev_report report;
	struct gh_testdev *dev;
	struct gh_runner *runner;
	struct gh_vm *vm;
	FILE *f = fopen(argc > 1 ? argv[1] : "", "r");

	config.image_size = f ? fread(image, 1, sizeof(image), f) : 0;
	if (gh_runner_create(NULL, &runner, NULL) || gh_vm_create(runner, &config, &vm) ||
	    gh_testdev_create(&work, &dev) ||
	    gh_vm_add_device(vm, GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE, &gh_testdev_ops,
			     dev) || gh_vm_start(vm) || gh_runner_run(runner))
		return 1;
	gh_testdev_report(dev, &report);
	printf("guest ended: %d, it used %llu numbers\n", gh_vm_result(vm)->end,
	       (unsigned long long)report.puts);
	if (gh_vm_destroy(vm) || gh_runner_destroy(runner))
		return 1;
	gh_testdev_destroy(dev);
	return report.result == GH_TESTDEV_MATCH && !report.fails ? 0 : 1;
}
