// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The context of a failure, kept for gh_runner_last_error().
 */
#include <string.h>

#include "internal.h"

int gh_fail(struct gh_runner *r, int error, const char *what, const char *hint)
{
	r->error = (struct gh_error_info) {
		.error = error,
		.vcpu = -1,
		.what = what,
		.hint = hint ? hint : "",
	};
	return error;
}

int gh_fail_vm(struct gh_vm *vm, int vcpu, int error, const char *what, const char *hint)
{
	struct gh_runner *r = vm->runner;

	/* Of another thread, which will have the VM soon. */
	if (vm->state == GH_VM_TRANSIT)
		return error;
	gh_fail(r, error, what, hint);
	memcpy(r->error.vm, vm->name, sizeof(r->error.vm));
	r->error.vcpu = vcpu;
	return error;
}

const char *gh_files_hint(int error)
{
	return error == -EMFILE ? "raise the limit of open files (ulimit -n)" : NULL;
}

const struct gh_error_info *gh_runner_last_error(const struct gh_runner *r)
{
	return &r->error;
}
