// SPDX-License-Identifier: GPL-2.0-only
/*
 * Defects on request: writing the name of one to /sys/kernel/debug/gh_detectors
 * commits it, and the debug kernel must report it. Each leaves the machine able to
 * commit the next, but lockdep stops at its first report, and at anybody else's.
 */
#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>

/* Volatile, or the compiler sees the defect and makes something else of it. */
static volatile unsigned int gh_defect_index = 40;
static volatile int gh_defect_sink;

static void gh_defect_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	WRITE_ONCE(p[8], 1);
}

static void gh_defect_out_of_bounds(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	WRITE_ONCE(p[24 + gh_defect_index], 1);
	kfree(p);
}

/* Nothing points to it any more. */
static void gh_defect_leak(void)
{
	for (int i = 0; i < 4; i++) {
		void *p = kmalloc(1000, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static void gh_defect_shift(void)
{
	gh_defect_sink = 1 << gh_defect_index;
}

static void gh_defect_sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

static void gh_defect_list(void)
{
	struct list_head head, a, b;

	INIT_LIST_HEAD(&head);
	list_add(&a, &head);
	list_add(&b, &head);
	/* The neighbour points elsewhere: refused, and reported. */
	head.next = &a;
	list_del(&b);
}

static void gh_defect_refcount(void)
{
	refcount_t ref = REFCOUNT_INIT(0);

	refcount_inc(&ref);
}

static void gh_defect_timeout(struct timer_list *timer)
{
}

static void gh_defect_free_active_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, gh_defect_timeout, 0);
	mod_timer(timer, jiffies + 1000 * HZ);
	kfree(timer);
}

static void gh_defect_lock_order(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

static const struct {
	const char *name;
	void (*commit)(void);
} gh_defects[] = {
	{ "use_after_free", gh_defect_use_after_free },
	{ "out_of_bounds", gh_defect_out_of_bounds },
	{ "leak", gh_defect_leak },
	{ "shift", gh_defect_shift },
	{ "sleep_in_atomic", gh_defect_sleep_in_atomic },
	{ "list", gh_defect_list },
	{ "refcount", gh_defect_refcount },
	{ "free_active_timer", gh_defect_free_active_timer },
	{ "lock_order", gh_defect_lock_order },
};

static ssize_t gh_detectors_write(struct file *file, const char __user *buf, size_t size,
				  loff_t *pos)
{
	char name[32];

	if (size >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, buf, size))
		return -EFAULT;
	name[size] = 0;
	strim(name);
	for (unsigned int i = 0; i < ARRAY_SIZE(gh_defects); i++) {
		if (!strcmp(name, gh_defects[i].name)) {
			gh_defects[i].commit();
			return size;
		}
	}
	return -ENOENT;
}

static const struct file_operations gh_detectors_fops = {
	.owner = THIS_MODULE,
	.write = gh_detectors_write,
	.llseek = noop_llseek,
};

static struct dentry *gh_detectors_file;

static int __init gh_detectors_init(void)
{
	gh_detectors_file = debugfs_create_file("gh_detectors", 0200, NULL, NULL,
						&gh_detectors_fops);
	return PTR_ERR_OR_ZERO(gh_detectors_file);
}
module_init(gh_detectors_init);

static void __exit gh_detectors_exit(void)
{
	debugfs_remove(gh_detectors_file);
}
module_exit(gh_detectors_exit);

MODULE_DESCRIPTION("Defects on request, to test detectors of defects");
MODULE_LICENSE("GPL");
