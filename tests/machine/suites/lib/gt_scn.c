// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gt_scn.h"

#define MODULE		"/root/hostile/gh_scenario.ko"
#define PARAMETER	"/sys/module/gunyah_rsc_mgr/parameters/rpc_timeout_ms"

long gt_scn_lost;
static int device = -1;
static long pinned_before, locked_before;

/* ---- scenarios ------------------------------------------------------------------ */

static void load_module(void)
{
	int fd, ret;

	fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", MODULE, strerror(errno));
	ret = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	cr_assert(!ret || ret == EEXIST, "%s: %s", MODULE, strerror(ret));
}

int gt_scn_arm(const struct gh_scenario *s)
{
	struct gh_scenario copy = *s;
	int slot;

	if (!copy.count)
		copy.count = 1;
	slot = ioctl(device, GH_SCN_IOC_ARM, &copy);
	cr_assert_geq(slot, 0, "scenario of kind %u: %s", s->kind, strerror(errno));
	return slot;
}

void gt_scn_clear(void)
{
	cr_assert_eq(ioctl(device, GH_SCN_IOC_CLEAR), 0);
}

static struct gh_scn_state state_of(int slot)
{
	struct gh_scn_state state = { .slot = slot };

	cr_assert_eq(ioctl(device, GH_SCN_IOC_STATE, &state), 0);
	return state;
}

uint32_t gt_scn_hits(int slot)
{
	return state_of(slot).hits;
}

uint64_t gt_scn_seen(int slot)
{
	return state_of(slot).seen;
}

/* ---- the host ------------------------------------------------------------------- */

uint16_t gt_vm_number(const struct gt_vm *vm)
{
	char path[64], line[128];
	unsigned int number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", vm->vcpus[0].fd);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "gunyah-vm: %u", &number) == 1)
			break;
	}
	fclose(f);
	cr_assert_neq(number, 0, "the VM has no number");
	return number;
}

void gt_rpc_timeout(unsigned int ms)
{
	int fd = open(PARAMETER, O_WRONLY | O_CLOEXEC);
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", ms);

	cr_assert_geq(fd, 0, PARAMETER);
	cr_assert_eq(write(fd, text, len), len);
	close(fd);
}

size_t gt_rm_message(uint8_t *msg, uint8_t type, uint32_t id, const void *data, size_t size)
{
	const uint8_t header[8] = { 0x21, type, 1, 0, id, id >> 8, id >> 16, id >> 24 };

	cr_assert_leq(size, GH_SCN_MSG - sizeof(header));
	memcpy(msg, header, sizeof(header));
	memcpy(msg + sizeof(header), data, size);
	return sizeof(header) + size;
}

void gt_rm_say_raw(const void *msg, size_t size)
{
	struct gh_scenario s = { .kind = GH_SCN_INJECT, .len = size };

	memcpy(s.msg, msg, size);
	gt_scn_arm(&s);
}

void gt_rm_say(uint8_t type, uint32_t id, const void *data, size_t size)
{
	uint8_t msg[GH_SCN_MSG];

	gt_rm_say_raw(msg, gt_rm_message(msg, type, id, data, size));
}

/* ---- the other VM ----------------------------------------------------------------- */

static const struct gs_op writer[] = {
	{ GS_WRITE, 4, GT_DEV_BASE, 1 }, { GS_SLEEP, 0, 200000, 0 }, { GS_GOTO, 0, 0, 1 << 30 },
};

static void note_exit(struct gt_other *other)
{
	uint64_t now = gt_now_ns();

	if (now - other->last_ns > other->gap_ns)
		__atomic_store_n(&other->gap_ns, now - other->last_ns, __ATOMIC_RELAXED);
	other->last_ns = now;
	__atomic_fetch_add(&other->exits, 1, __ATOMIC_RELAXED);
}

/* No assertions: they belong into the test's own thread. */
static void *run_other(void *arg)
{
	struct gt_other *other = arg;
	struct io_uring ring;
	struct gt_cqe cqe;

	gt_ring_init(&ring, 4, 0);
	other->last_ns = gt_now_ns();
	while (!__atomic_load_n(&other->stop, __ATOMIC_RELAXED)) {
		gt_ring_run(&ring, &other->vm.vcpus[0]);
		if (gt_ring_poll(&ring, &cqe, 5000)) {
			other->err = -ETIME;
			break;
		}
		if (cqe.res < 0 || GH_URING_RES_EXIT(cqe.res) == GH_URING_EXIT_STATUS) {
			other->err = cqe.res;
			break;
		}
		if (GH_URING_RES_EXIT(cqe.res) == GH_URING_EXIT_MMIO)
			note_exit(other);
	}
	io_uring_queue_exit(&ring);
	return NULL;
}

void gt_other_start(struct gt_other *other)
{
	memset(other, 0, sizeof(*other));
	GT_BOOT_SCRIPT(&other->vm, writer);
	cr_assert_eq(pthread_create(&other->thread, NULL, run_other, other), 0);
	usleep(50000);
	gt_other_check(other, 5000);
}

void gt_other_check(struct gt_other *other, unsigned int ms)
{
	uint64_t exits, gap;
	int i;

	for (i = 0; i < 500; i++) {
		exits = __atomic_load_n(&other->exits, __ATOMIC_RELAXED);
		if (exits > other->seen)
			break;
		usleep(10000);
	}
	cr_assert_eq(other->err, 0, "the other VM: %d", other->err);
	cr_assert_gt(exits, other->seen, "the other VM stands still");
	gap = __atomic_exchange_n(&other->gap_ns, 0, __ATOMIC_RELAXED);
	cr_assert_lt(gap, ms * 1000000ULL, "the other VM stood still for %llu ms",
		     (unsigned long long)gap / 1000000);
	other->seen = exits;
}

void gt_other_stop(struct gt_other *other)
{
	__atomic_store_n(&other->stop, true, __ATOMIC_RELAXED);
	pthread_join(other->thread, NULL);
	cr_assert_eq(other->err, 0, "the other VM: %d", other->err);
	gt_vm_close(&other->vm);
}

void gt_all_is_well(void)
{
	static const struct gs_op ops[] = {
		{ GS_READ, 8, GT_DEV_BASE, 0 }, { GS_SLEEP, 0, 1000000, 0 },
		{ GS_ECHO, 8, GT_DEV_BASE, 1 }, { GS_OFF },
	};
	struct gt_vm vm;

	GT_BOOT_SCRIPT(&vm, ops);
	gt_check_read(&gt_path_ring, &vm.vcpus[0], 8, GT_DEV_BASE, 41, __LINE__);
	gt_check_write(&gt_path_ring, &vm.vcpus[0], 8, GT_DEV_BASE, 42, __LINE__);
	gt_check_status(&gt_path_ring, &vm.vcpus[0], GH_VM_STATUS_EXITED, GT_TYPE_OFF, __LINE__);
	gt_vm_close(&vm);
}

/* ---- around a case ---------------------------------------------------------------- */

/* No user is left: this is what the reference counts are for. */
static void reload_modules(void)
{
	int ret = gt_modules_unload();

	cr_assert_eq(ret, 0, "unload: %s", strerror(-ret));
	ret = gt_modules_load();
	cr_assert_eq(ret, 0, "load: %s", strerror(-ret));
}

/* Anew, so that a case that failed does not take the next ones with it. */
void gt_scn_begin(void)
{
	load_module();
	reload_modules();
	device = open("/dev/gh_scenario", O_RDWR | O_CLOEXEC);
	cr_assert_geq(device, 0, "/dev/gh_scenario: %s", strerror(errno));
	gt_scn_lost = 0;
	pinned_before = gt_pinned();
	locked_before = gt_status_kb(0, "VmLck");
}

void gt_scn_end(void)
{
	long lost = 0, locked;
	int i;

	close(device);
	device = -1;
	for (i = 0; i < 30; i++) {
		lost = gt_pinned() - pinned_before;
		if (lost == gt_scn_lost)
			break;
		usleep(100000);
	}
	cr_assert_eq(lost, gt_scn_lost, "%ld pages remain pinned, expected %ld", lost, gt_scn_lost);
	locked = (gt_status_kb(0, "VmLck") - locked_before) / 4;
	cr_assert_eq(locked, gt_scn_lost, "%ld pages remain accounted", locked);
	reload_modules();
	gt_all_is_well();
	cr_assert_eq(gt_module_unload("gh_scenario"), 0);
}
