// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Unix sockets by path, for their owner only: who is at a guest's console, or may
 * stop it, is as good as in it.
 *
 * A program that was killed leaves its socket behind. Whether somebody listens at one
 * is asked, and the answer acted on, under a lock file beside it, so of two that start
 * at once none removes what the other has just made.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

static int address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

static int new_socket(int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	return fd < 0 ? -errno : fd;
}

/* ---- who is there ---------------------------------------------------------------------- */

/* The name goes with its holder, so who gets the lock looks whether it still has it. */
static int lock(const char *name)
{
	struct stat mine, named;
	int fd, ret;

	for (;;) {
		fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
		if (fd < 0)
			return -errno;
		do {
			ret = flock(fd, LOCK_EX) ? -errno : 0;
		} while (ret == -EINTR);
		if (ret) {
			close(fd);
			return ret;
		}
		if (!fstat(fd, &mine) && !lstat(name, &named) && mine.st_ino == named.st_ino &&
		    mine.st_dev == named.st_dev)
			return fd;
		close(fd);
	}
}

static void unlock(int fd, const char *name)
{
	unlink(name);
	close(fd);
}

/* Under the lock. 0: the name is free. */
static int remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, ret;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = new_socket(SOCK_NONBLOCK);
	if (fd < 0)
		return fd;
	ret = connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	close(fd);
	if (ret == -ECONNREFUSED)
		return unlink(address->sun_path) ? -errno : 0;
	/* -EAGAIN: so many wait there already. */
	return !ret || ret == -EAGAIN ? -EADDRINUSE : ret;
}

/* ---- listening ------------------------------------------------------------------------- */

/* Under the lock. */
static int listen_at(struct listener *l, const struct sockaddr_un *address)
{
	struct stat st;
	int ret;

	ret = remove_stale(address);
	if (ret)
		return ret;
	l->fd = new_socket(SOCK_NONBLOCK);
	if (l->fd < 0)
		return l->fd;
	/* Of the socket before it has a name: there is no moment at which others may in. */
	if (fchmod(l->fd, 0600) ||
	    bind(l->fd, (const struct sockaddr *)address, sizeof(*address)))
		return -errno;
	if (lstat(address->sun_path, &st))
		return -errno;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return listen(l->fd, 8) ? -errno : 0;
}

/* Others may be in another directory. */
static char *absolute(const char *path)
{
	char dir[PATH_MAX], *all;

	if (*path == '/')
		return strdup(path);
	if (!getcwd(dir, sizeof(dir)) || asprintf(&all, "%s/%s", dir, path) < 0)
		return NULL;
	return all;
}

int listener_open(struct listener *l, const char *path)
{
	struct sockaddr_un address;
	char name[PATH_MAX];
	int fd, ret;

	*l = (struct listener) { .fd = -1 };
	l->path = absolute(path);
	if (!l->path)
		return -errno;
	ret = address_of(l->path, &address);
	if (ret)
		goto err;
	snprintf(name, sizeof(name), "%s.lock", address.sun_path);
	fd = lock(name);
	ret = fd < 0 ? fd : listen_at(l, &address);
	if (fd >= 0)
		unlock(fd, name);
	if (!ret)
		return 0;
err:
	listener_close(l);
	return ret;
}

void listener_close(struct listener *l)
{
	struct stat st;

	if (l->fd >= 0 && l->ino && !lstat(l->path, &st) && st.st_ino == l->ino &&
	    st.st_dev == l->dev)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct listener) { .fd = -1 };
}

int socket_dial(const char *path)
{
	struct sockaddr_un address;
	int ret = address_of(path, &address), fd;

	if (ret)
		return ret;
	fd = new_socket(0);
	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}
