// SPDX-License-Identifier: GPL-2.0-only
/*
 * VM functions: modules register kinds, user space adds instances to a VM.
 *
 * A kind is found by number (v10 of the interface and later) or by name (v8, v9);
 * if nobody registered it, its module is requested as ghfunc:<number or name>.
 * An instance pins the kind's module until unbind has returned.
 *
 * gh_fn_lock protects the list of kinds; it is not held over anything. The VM's
 * fn_lock protects its instances: see vm_mgr.h.
 */
#include <linux/kmod.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vm_mgr.h"

/* Each costs time at the end of the VM, which its last close() waits for. */
#define GH_VM_MAX_FUNCTIONS	4096

static DEFINE_MUTEX(gh_fn_lock);
static LIST_HEAD(gh_fn_kinds);

/**
 * struct gh_fn_request - ADD_FUNCTION and REMOVE_FUNCTION, decoded
 * @by_name: which of the next two is meant
 * @type: number
 * @name: name
 * @arg: the argument, owned, freed with kfree()
 * @arg_size: of @arg
 */
struct gh_fn_request {
	bool by_name;
	u32 type;
	char name[GH_FUNCTION_NAME_SIZE];
	void *arg;
	u32 arg_size;
};

void gh_vm_fn_init(struct gunyah_vm *ghvm)
{
	mutex_init(&ghvm->fn_lock);
	INIT_LIST_HEAD(&ghvm->functions);
}

/* ---- kinds -------------------------------------------------------------------------- */

static bool gh_fn_means(const struct gh_fn_request *req, const struct gunyah_vm_function *fn)
{
	return req->by_name ? !strcmp(req->name, fn->name) : req->type == fn->type;
}

int gunyah_vm_function_register(struct gunyah_vm_function *f)
{
	struct gunyah_vm_function *other;
	int ret = 0;

	if (!f->bind || !f->unbind || !f->name || f->arg_size > GH_FN_MAX_ARG_SIZE ||
	    f->name_arg_size > f->arg_size)
		return -EINVAL;

	mutex_lock(&gh_fn_lock);
	list_for_each_entry(other, &gh_fn_kinds, list) {
		if (other->type == f->type || !strcmp(other->name, f->name))
			ret = -EEXIST;
	}
	if (!ret)
		list_add_tail(&f->list, &gh_fn_kinds);
	mutex_unlock(&gh_fn_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(gunyah_vm_function_register);

/* From module exit: instances pin the module, so there are none. */
void gunyah_vm_function_unregister(struct gunyah_vm_function *f)
{
	mutex_lock(&gh_fn_lock);
	list_del(&f->list);
	mutex_unlock(&gh_fn_lock);
}
EXPORT_SYMBOL_GPL(gunyah_vm_function_unregister);

/* Returns the kind with its module pinned, or NULL. */
static struct gunyah_vm_function *gh_fn_try_get(const struct gh_fn_request *req)
{
	struct gunyah_vm_function *fn, *found = NULL;

	mutex_lock(&gh_fn_lock);
	list_for_each_entry(fn, &gh_fn_kinds, list) {
		if (gh_fn_means(req, fn) && try_module_get(fn->mod)) {
			found = fn;
			break;
		}
	}
	mutex_unlock(&gh_fn_lock);

	return found;
}

static struct gunyah_vm_function *gh_fn_get(const struct gh_fn_request *req)
{
	struct gunyah_vm_function *fn = gh_fn_try_get(req);

	if (fn)
		return fn;
	if (req->by_name)
		request_module("ghfunc:%s", req->name);
	else
		request_module("ghfunc:%u", req->type);

	return gh_fn_try_get(req);
}

/* ---- instances ------------------------------------------------------------------------ */

static long gh_vm_fn_add(struct gunyah_vm *ghvm, struct gh_fn_request *req)
{
	struct gunyah_vm_function_instance *f;
	struct gunyah_vm_function *fn;
	long ret;

	fn = gh_fn_get(req);
	if (!fn)
		return -ENOENT;
	ret = -EINVAL;
	if (req->by_name ? req->arg_size < fn->arg_size : req->arg_size != fn->arg_size)
		goto err_put;
	ret = -ENOMEM;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		goto err_put;

	f->ghvm = ghvm;
	f->fn = fn;
	f->arg = req->arg;
	f->arg_size = fn->arg_size;
	f->by_name = req->by_name;
	/* By name there was no padding: what lies there is not the argument's. */
	if (req->by_name && fn->name_arg_size)
		memset(f->arg + fn->name_arg_size, 0, fn->arg_size - fn->name_arg_size);

	mutex_lock(&ghvm->fn_lock);
	ret = ghvm->nr_functions < GH_VM_MAX_FUNCTIONS ? fn->bind(f) : -ENOSPC;
	if (ret >= 0) {
		list_add_tail(&f->vm_list, &ghvm->functions);
		WRITE_ONCE(ghvm->nr_functions, ghvm->nr_functions + 1);
		req->arg = NULL;
	}
	mutex_unlock(&ghvm->fn_lock);
	if (ret < 0)
		goto err_free;

	return ret;

err_free:
	kfree(f);
err_put:
	module_put(fn->mod);
	return ret;
}

/* Under fn_lock. */
static void gh_vm_fn_unbind(struct gunyah_vm_function_instance *f)
{
	struct module *mod = f->fn->mod;

	list_del(&f->vm_list);
	WRITE_ONCE(f->ghvm->nr_functions, f->ghvm->nr_functions - 1);
	f->fn->unbind(f);
	kfree(f->arg);
	kfree(f);
	module_put(mod);
}

/* Whether the request has the whole argument that the instance was added with. */
static bool gh_vm_fn_is(const struct gunyah_vm_function_instance *f,
			const struct gh_fn_request *req)
{
	u32 size = f->arg_size;

	if (!gh_fn_means(req, f->fn) || req->arg_size < size)
		return false;
	if (req->by_name && f->fn->name_arg_size)
		size = f->fn->name_arg_size;

	return !memcmp(f->arg, req->arg, size);
}

/* Whether it can mean the instance: clients leave fields zero when they remove. */
static bool gh_vm_fn_may_be(const struct gunyah_vm_function_instance *f,
			    const struct gh_fn_request *req)
{
	return f->fn->compare && gh_fn_means(req, f->fn) && req->arg_size >= f->arg_size &&
	       f->fn->compare(f, req->arg, f->arg_size);
}

static long gh_vm_fn_remove(struct gunyah_vm *ghvm, const struct gh_fn_request *req)
{
	struct gunyah_vm_function_instance *f, *found = NULL;

	mutex_lock(&ghvm->fn_lock);
	list_for_each_entry(f, &ghvm->functions, vm_list) {
		if (gh_vm_fn_is(f, req)) {
			found = f;
			break;
		}
		if (!found && gh_vm_fn_may_be(f, req))
			found = f;
	}
	if (found)
		gh_vm_fn_unbind(found);
	mutex_unlock(&ghvm->fn_lock);

	return found ? 0 : -ENOENT;
}

/* gh_vm_fn_unbind_all() - at teardown, last added first. */
void gh_vm_fn_unbind_all(struct gunyah_vm *ghvm)
{
	struct gunyah_vm_function_instance *f, *next;

	mutex_lock(&ghvm->fn_lock);
	list_for_each_entry_safe_reverse(f, next, &ghvm->functions, vm_list)
		gh_vm_fn_unbind(f);
	mutex_unlock(&ghvm->fn_lock);
}

/* ---- ioctls --------------------------------------------------------------------------- */

static int gh_fn_read_desc(struct gh_fn_request *req, void __user *uarg)
{
	struct gh_fn_desc desc;

	if (copy_from_user(&desc, uarg, sizeof(desc)))
		return -EFAULT;
	if (!desc.arg_size || desc.arg_size > GH_FN_MAX_ARG_SIZE)
		return -EINVAL;

	req->arg = memdup_user(u64_to_user_ptr(desc.arg), desc.arg_size);
	if (IS_ERR(req->arg))
		return PTR_ERR(req->arg);
	req->type = desc.type;
	req->arg_size = desc.arg_size;

	return 0;
}

static int gh_fn_read_by_name(struct gh_fn_request *req, void __user *uarg)
{
	struct gh_vm_function __user *ufn = uarg;

	if (copy_from_user(req->name, ufn->name, sizeof(req->name)))
		return -EFAULT;
	if (strnlen(req->name, sizeof(req->name)) == sizeof(req->name))
		return -EINVAL;

	req->arg = memdup_user(ufn->data, GH_FN_MAX_ARG_SIZE);
	if (IS_ERR(req->arg))
		return PTR_ERR(req->arg);
	req->by_name = true;
	req->arg_size = GH_FN_MAX_ARG_SIZE;

	return 0;
}

/* gh_vm_fn_ioctl() - ADD_FUNCTION and REMOVE_FUNCTION, by number and by name. */
long gh_vm_fn_ioctl(struct gunyah_vm *ghvm, unsigned int cmd, void __user *arg)
{
	struct gh_fn_request req = {};
	long ret;

	if (cmd == GH_VM_ADD_FUNCTION_BY_NAME || cmd == GH_VM_REMOVE_FUNCTION_BY_NAME)
		ret = gh_fn_read_by_name(&req, arg);
	else
		ret = gh_fn_read_desc(&req, arg);
	if (ret)
		return ret;

	if (cmd == GH_VM_ADD_FUNCTION || cmd == GH_VM_ADD_FUNCTION_BY_NAME)
		ret = gh_vm_fn_add(ghvm, &req);
	else
		ret = gh_vm_fn_remove(ghvm, &req);
	kfree(req.arg);

	return ret;
}
