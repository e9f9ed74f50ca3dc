// SPDX-License-Identifier: GPL-2.0-only
/* The record, a file in debugfs: the console is too slow and too noisy. */
#include <linux/debugfs.h>
#include <linux/vmalloc.h>

#include "conf.h"

#define LOG_SIZE	(256 * 1024)

static struct debugfs_blob_wrapper record;
static struct dentry *file;

void conf_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record.size += vscnprintf(record.data + record.size, LOG_SIZE - record.size, fmt, ap);
	va_end(ap);
}

void conf_log_bytes(const void *data, size_t len, size_t max)
{
	const u8 *p = data;
	size_t i;

	for (i = 0; i < len && i < max; i++)
		conf_log(" %02x", p[i]);
	conf_log("\n");
}

int conf_log_init(void)
{
	record.data = vzalloc(LOG_SIZE);
	if (!record.data)
		return -ENOMEM;
	file = debugfs_create_blob("gh_conformance", 0400, NULL, &record);
	return 0;
}

void conf_log_exit(void)
{
	debugfs_remove(file);
	vfree(record.data);
}
