// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Starting guests: image, name, console, VM, devices. What fails is told here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

struct image {
	void *data;
	size_t size;
};

static int image_open(const char *path, struct image *image)
{
	struct stat st;
	int ret = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		ret = -ENOEXEC;
	if (ret)
		goto out;
	image->size = (size_t)st.st_size;
	image->data = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image->data == MAP_FAILED)
		ret = -errno;
out:
	close(fd);
	return ret;
}

/* ---- what happens to one that runs -------------------------------------------------- */

/* On the thread of its runner, whose last error may be another's by now. */
static void note_cause(struct guest *g, const struct gh_vm_result *result)
{
	const struct gh_error_info *e = gh_runner_last_error(gh_vm_runner(g->vm));

	g->vcpu = -1;
	g->hint = "";
	if (result->end != GH_VM_END_ERROR || e->error != result->error || strcmp(e->vm, g->name))
		return;
	g->vcpu = e->vcpu;
	g->hint = e->hint;
}

/* What a guest wanted from its power device is how it ended. */
static void apply_power(const struct guest *g, struct gh_vm_result *result)
{
	if (result->end != GH_VM_END_STOPPED)
		return;
	switch (g->asked) {
	case GH_POWER_OFF:
		result->end = GH_VM_END_OFF;
		break;
	case GH_POWER_RESET:
		result->end = GH_VM_END_RESET;
		break;
	case GH_POWER_FAIL:
		result->end = GH_VM_END_CRASHED;
		break;
	}
}

static void on_ended(void *opaque, struct gh_vm *vm, const struct gh_vm_result *result)
{
	struct guest *g = opaque;
	struct fleet *s = g->fleet;

	console_flush(&g->console);
	pthread_mutex_lock(&s->lock);
	note_cause(g, result);
	g->result = *result;
	apply_power(g, &g->result);
	s->nr_ended++;
	s->end_ns = gh_now_ns();
	pthread_mutex_unlock(&s->lock);
}

static void on_moved(void *opaque, struct gh_vm *vm, struct gh_runner *runner)
{
	struct guest *g = opaque;
	struct fleet *s = g->fleet;
	unsigned int i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->nr_members; i++)
		if (s->members[i].runner == runner)
			g->member = i;
	pthread_mutex_unlock(&s->lock);
}

static const struct gh_vm_events vm_events = { .ended = on_ended, .moved = on_moved };

/* ---- one guest ------------------------------------------------------------------------ */

/* Requests name a guest, so no two have one name. */
static int guest_name(struct fleet *s, struct guest *g, const struct guest_option *o,
		      unsigned int number)
{
	const struct guest *other;
	int len;

	if (o->count > 1)
		len = snprintf(g->name, sizeof(g->name), "%s%u", o->name, number);
	else
		len = snprintf(g->name, sizeof(g->name), "%s", o->name);
	if (!len || len >= (int)sizeof(g->name)) {
		cli_error(&o->at, "name '%s': with its number it must have 1 to %zu bytes", o->name,
			  sizeof(g->name) - 1);
		return -EINVAL;
	}
	for (other = s->guests; other < g; other++) {
		if (strcmp(other->name, g->name))
			continue;
		cli_error(&o->at, "name '%s': another guest has it; give each its own name",
			  g->name);
		return -EEXIST;
	}
	return 0;
}

static int guest_console(struct gh_runner *runner, struct guest *g, const struct guest_option *o,
			 unsigned int number, const struct origin *at)
{
	char spec[PATH_MAX];

	if (!o->console || !strcmp(o->console, "stdout"))
		return 0;
	if (o->count > 1 && strcmp(o->console, "pty"))
		snprintf(spec, sizeof(spec), "%s%u", o->console, number);
	else
		snprintf(spec, sizeof(spec), "%s", o->console);
	return serial_open(runner, spec, at, &g->serial);
}

/**
 * struct start - a guest to be started, for the thread of its runner
 */
struct start {
	struct guest *g;
	const struct guest_option *o;
	const struct image *image;
	struct origin at;
	unsigned int number;
};

/* It runs from its start on, so everything is as it should be before. */
static int start_on(struct gh_runner *runner, void *arg)
{
	const struct start *p = arg;
	const struct guest_option *o = p->o;
	struct guest *g = p->g;
	const struct gh_vm_config config = {
		.name = g->name,
		.memory_size = o->memory,
		.vcpus = o->vcpus,
		.image = p->image->data,
		.image_size = p->image->size,
		.bootargs = o->bootargs,
		.pinned = o->console && strcmp(o->console, "stdout"),
		.events = &vm_events,
		.opaque = g,
	};
	int ret;

	ret = guest_console(runner, g, o, p->number, &p->at);
	if (ret)
		return ret;
	ret = gh_vm_create(runner, &config, &g->vm);
	if (ret)
		return cli_start_error(&p->at, runner, "creating the VM", ret);
	ret = guest_devices(runner, g, o, &p->at);
	if (ret)
		return ret;
	ret = gh_vm_start(g->vm);
	return ret ? cli_start_error(&p->at, runner, "starting the VM", ret) : 0;
}

static int guest_start(struct fleet *s, const struct guest_option *o, unsigned int number,
		       const struct image *image)
{
	struct guest *g = &s->guests[s->nr_started];
	struct start start = { .g = g, .o = o, .image = image, .number = number };
	int ret;

	ret = guest_name(s, g, o, number);
	if (ret)
		return ret;
	start.at = o->at;
	start.at.guest = g->name;
	g->fleet = s;
	g->console.screen = &s->screen;
	g->console.tag = g->name;
	g->member = fleet_place(s, o->vcpus);
	ret = fleet_call(s, g->member, start_on, &start);
	if (!ret)
		s->nr_started++;
	return ret;
}

int guests_start(struct fleet *s, const struct guest_option *o)
{
	struct image image = { 0 };
	unsigned int i;
	char text[80];
	int ret;

	ret = image_open(o->image, &image);
	if (ret) {
		cli_error(&o->at, "image '%s': %s%s", o->image,
			  ret == -ENOEXEC ? "not a file, or empty; an ELF file, an arm64 Image or "
			  "a flat binary is needed" : strerror(-ret), cli_path_cure(-ret));
		return ret;
	}
	for (i = 0; i < o->count && !ret; i++) {
		ret = guest_start(s, o, i, &image);
		if (ret)
			break;
		snprintf(text, sizeof(text), "starting guests: %u of %u", s->nr_started,
			 s->nr_guests);
		screen_status(&s->screen, gh_now_ns(), text);
	}
	munmap(image.data, image.size);
	return ret;
}
