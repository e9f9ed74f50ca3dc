// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Unix sockets by path, for their owner only: who is at a guest's console, or may
 * stop it, is as good as in it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"

static bool address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(address->sun_path, path, strlen(path));
	return true;
}

static int fail(int fd)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

int socket_listen(const char *path)
{
	struct sockaddr_un address;
	mode_t mask;
	int fd, ret;

	if (!address_of(path, &address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	mask = umask(0177);
	ret = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	return ret || listen(fd, 8) ? fail(fd) : fd;
}

int socket_dial(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (!address_of(path, &address))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? fail(fd) : fd;
}
