// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/* The guests: one VM a vCPU, each with a test device that bench guests read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gh-runner/testdev-regs.h>

#include "bench.h"

#define GUEST_MEMORY	(2u << 20)

/* As cheap as a device can be: what is measured is the way to it and back. */
static int nothing_read(void *device, struct gh_access *access)
{
	access->data = 0;
	return GH_ACCESS_DONE;
}

static int nothing_write(void *device, struct gh_access *access)
{
	return GH_ACCESS_DONE;
}

static const struct gh_device_ops nothing_ops = {
	.name = "bench",
	.read = nothing_read,
	.write = nothing_write,
};

static int create_vm(struct gh_bench *bench, unsigned int i, const void *image, size_t size)
{
	struct gh_vm_config config = {
		.memory_size = GUEST_MEMORY,
		.vcpus = 1,
		.image = image,
		.image_size = size,
	};
	char name[16];
	int ret;

	snprintf(name, sizeof(name), "b%u", i);
	config.name = name;
	ret = gh_vm_create(bench->runner, &config, &bench->vms[i]);
	if (ret)
		return ret;
	ret = gh_vm_add_device(bench->vms[i], GH_BOARD_TESTDEV_BASE, GH_BOARD_TESTDEV_SIZE,
			       &nothing_ops, NULL);
	return ret ? ret : gh_vm_start(bench->vms[i]);
}

static int create_vms(struct gh_bench *bench, const char *path)
{
	int fd, ret = 0;
	struct stat st;
	unsigned int i;
	void *image;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		ret = -errno;
		goto out_close;
	}
	image = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED) {
		ret = -errno;
		goto out_close;
	}
	for (i = 0; i < bench->nr_vcpus && !ret; i++)
		ret = create_vm(bench, i, image, st.st_size);
	munmap(image, st.st_size);
out_close:
	close(fd);
	return ret;
}

/* On error gh_bench_destroy() frees what is there. */
int gh_bench_create(struct gh_bench *bench, const char *image_path)
{
	const struct gh_runner_config config = { .max_vcpus = bench->nr_vcpus };
	int ret;

	ret = gh_runner_create(&config, &bench->runner, NULL);
	if (ret)
		return ret;
	bench->vms = calloc(bench->nr_vcpus, sizeof(*bench->vms));
	if (!bench->vms)
		return -ENOMEM;
	return create_vms(bench, image_path);
}

void gh_bench_destroy(struct gh_bench *bench)
{
	unsigned int i;

	for (i = 0; bench->vms && i < bench->nr_vcpus; i++)
		if (bench->vms[i])
			gh_vm_stop(bench->vms[i]);
	if (bench->runner)
		gh_runner_run(bench->runner);
	for (i = 0; bench->vms && i < bench->nr_vcpus; i++)
		if (bench->vms[i])
			gh_vm_destroy(bench->vms[i]);
	gh_runner_destroy(bench->runner);
	free(bench->vms);
}
