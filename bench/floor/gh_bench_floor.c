// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor of the benchmark: guests entered again and again from inside the
 * kernel, reads answered with 0, nothing else. What any way to run a vCPU costs
 * beyond this is spent on getting to user space and back.
 *
 * Everything happens while the module is being loaded, by the process whose
 * descriptors @fds are; loading then fails with -ECANCELED, so nothing stays.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "gunyah_vcpu.h"

#define MAX_VCPUS	256

static int fds[MAX_VCPUS];
static unsigned int nr;
static ulong count = 1;
static ulong result;

module_param_array(fds, int, &nr, 0);
MODULE_PARM_DESC(fds, "vCPU descriptors of the process that loads the module");
module_param(count, ulong, 0);
MODULE_PARM_DESC(count, "how many exits to take");
module_param(result, ulong, 0);
MODULE_PARM_DESC(result, "user address of a u64 that receives the nanoseconds");

static struct file *files[MAX_VCPUS];

/* The descriptors are the caller's mistake to make, but not an oops. */
static struct gunyah_vcpu *floor_vcpu(struct file *file)
{
	const char *name = file->f_path.dentry->d_name.name;

	return strstarts(name, "gh-vcpu:") ? file->private_data : NULL;
}

static int floor_once(struct gunyah_vcpu *vcpu)
{
	struct gh_vcpu_run_resp resp;

	if (gh_hypercall_vcpu_run(vcpu->capid, 0, &resp) != GH_ERROR_OK)
		return -EIO;
	return resp.state == GH_VCPU_STATE_VMMIO_READ;
}

static int floor_run(u64 *ns)
{
	unsigned long done = 0;
	unsigned int i;
	u64 start = ktime_get_ns();

	while (done < count) {
		for (i = 0; i < nr; i++) {
			int ret = floor_once(files[i]->private_data);

			if (ret < 0)
				return ret;
			done += ret;
		}
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	*ns = (ktime_get_ns() - start) * count / done;
	return 0;
}

static int __init floor_init(void)
{
	unsigned int i, taken = 0;
	int ret = -EINVAL;
	u64 ns;

	if (!count)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		struct gunyah_vcpu *vcpu;

		files[i] = fget(fds[i]);
		if (!files[i])
			goto out;
		vcpu = floor_vcpu(files[i]);
		if (!vcpu || gh_vcpu_event(vcpu, GH_VCPU_EV_RUN) != GH_VCPU_ACT_ENTER) {
			fput(files[i]);
			goto out;
		}
		taken++;
	}
	ret = floor_run(&ns);
	if (!ret)
		ret = put_user(ns, (u64 __user *)result) ?: -ECANCELED;
out:
	while (taken--) {
		gh_vcpu_stop(files[taken]->private_data);
		fput(files[taken]);
	}
	return ret;
}
module_init(floor_init);

MODULE_DESCRIPTION("Benchmark: the VCPU_RUN hypercall in a loop");
MODULE_LICENSE("GPL");
