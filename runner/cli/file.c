// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Files for the user to read: whatever the umask, only the owner may write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

#define TRIES	100

/* Beside @r->path, and of a name that nothing had. A descriptor. */
static int create_beside(struct replacement *r)
{
	unsigned int i;
	int fd, ret;

	for (i = 0; i < TRIES; i++) {
		if (asprintf(&r->tmp, "%s.%ld.%u", r->path, (long)getpid(), i) < 0) {
			r->tmp = NULL;
			return -ENOMEM;
		}
		fd = open(r->tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd >= 0)
			return fd;
		ret = -errno;
		free(r->tmp);
		r->tmp = NULL;
		if (ret != -EEXIST)
			return ret;
	}
	return -EEXIST;
}

static int open_itself(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

int replace_begin(struct replacement *r, const char *path)
{
	struct stat st;
	int fd;

	*r = (struct replacement) { .path = path };
	/* A pipe, a terminal or /dev/null is not replaced. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		fd = open_itself(path);
	else
		fd = create_beside(r);
	if (fd < 0)
		return fd;
	r->file = fdopen(fd, "w");
	if (r->file)
		return 0;
	close(fd);
	replace_end(r);
	return -ENOMEM;
}

int replace_end(struct replacement *r)
{
	int ret = 0;

	if (r->file) {
		if (ferror(r->file))
			ret = -EIO;
		if (fclose(r->file))
			ret = -errno;
	}
	if (!ret && r->file && r->tmp && rename(r->tmp, r->path))
		ret = -errno;
	if (r->tmp && (ret || !r->file))
		unlink(r->tmp);
	free(r->tmp);
	r->tmp = NULL;
	r->file = NULL;
	return ret;
}

bool stdout_is_complete(void)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (!fflush(stdout) && !failed)
		return true;
	fprintf(stderr, "gh-runner: standard output: %s\n", errno ? strerror(errno) :
		"some of it could not be written");
	return false;
}
