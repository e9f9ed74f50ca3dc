// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Other processes: children that inherited all descriptors, and the program
 * executed anew with commands parked. And the address space.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* The child may look at, kick, cancel and close; a run is its parent's alone. */
static void child_acts(struct st_worker *w)
{
	struct gh_vcpu_stats_arg arg = { 0 };
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	int ret;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return;
	switch (st_below(&w->random, 8)) {
	case 0:
		ret = gt_ioctl(vcpu->fd, GH_VCPU_RUN, 0);
		if (ret != -EPERM)
			stress_fail("GH_VCPU_RUN in a child: %d", ret);
		break;
	case 1:
		gt_ioctl(vcpu->fd, GH_VCPU_KICK, 0);
		break;
	case 2:
		gt_ioctl(vcpu->fd, GH_VCPU_CANCEL, 0);
		break;
	case 3:
		gt_ioctl(vcpu->fd, GH_VCPU_STATS, (unsigned long)&arg);
		break;
	case 4:
		close(vcpu->fd);
		vcpu->fd = -1;
		break;
	case 5:
		if (vm->vm.fd >= 0 && vm->started)
			gt_start(vm->vm.fd);
		break;
	case 6:
		/* A ring that is the parent's: its work, not ours. */
		if (w->rings[0].open)
			syscall(SYS_io_uring_enter, w->rings[0].ring.ring_fd, 0, 0,
				IORING_ENTER_GETEVENTS, NULL, 0);
		break;
	default:
		usleep(st_below(&w->random, 3000));
	}
}

int64_t st_fork(struct st_worker *w)
{
	unsigned int n = st_below(&w->random, 12);
	uint64_t seed = st_next(&w->random);
	pid_t pid;

	if (w->children >= 3)
		return -EAGAIN;
	pid = fork();
	cr_assert_geq(pid, 0);
	w->arg[0] = pid;
	if (pid) {
		w->children++;
		return 0;
	}
	st_seed(&w->random, seed, 0, 0);
	while (n--)
		child_acts(w);
	if (st_once_in(&w->random, 2))
		raise(SIGKILL);
	_exit(0);
}

static int check_child(int status)
{
	if (WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status))
		stress_fail("a child ended with status %#x", status);
	return 1;
}

int64_t st_reap(struct st_worker *w)
{
	int64_t n = 0;
	int status;

	if (!w->children)
		return -EAGAIN;
	while (w->children && waitpid(-1, &status, WNOHANG) > 0) {
		w->children--;
		n += check_child(status);
	}
	return n;
}

void st_children_finish(struct st_worker *w)
{
	int status;

	while (w->children) {
		if (waitpid(-1, &status, 0) < 0) {
			if (errno == EINTR)
				continue;
			stress_fail("waitpid: errno %d", errno);
		}
		w->children--;
		check_child(status);
	}
}

/* All descriptors are closed on exec, with commands parked and runs in progress. */
void st_exec(struct st_worker *w)
{
	char number[16];
	char *const argv[] = { "stress", "--worker", number, "--shared", (char *)w->path, NULL };

	snprintf(number, sizeof(number), "%u", w->number);
	/* Handlers do not live on, the timer does. */
	signal(SIGALRM, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	execv("/proc/self/exe", argv);
	stress_fail("exec: errno %d", errno);
}

/* The run page mapped again, and gone again; lent memory is nobody's to copy. */
int64_t st_map(struct st_worker *w)
{
	struct gt_vcpu *vcpu;
	struct st_vm *vm;
	volatile uint8_t *page;

	vcpu = st_pick_vcpu(w, false, &vm);
	if (!vcpu)
		return -EAGAIN;
	w->arg[0] = vm - w->vms;
	page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	cr_assert_neq(page, MAP_FAILED);
	page[0] = 0;
	/* Bytes that nobody reads: what the driver keeps is its own. */
	if (vm->loose)
		page[st_below(&w->random, sysconf(_SC_PAGESIZE) - 64) + 64] = st_next(&w->random);
	if (st_once_in(&w->random, 4))
		mprotect((void *)page, sysconf(_SC_PAGESIZE), PROT_NONE);
	munmap((void *)page, sysconf(_SC_PAGESIZE));
	return 0;
}
