// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Files for the user to read: whatever the umask, only the owner may write.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"

FILE *cli_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0644);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

int cli_replace(const char *path, const char *text)
{
	char tmp[4096];
	FILE *f;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	f = cli_create(tmp);
	if (!f)
		return -1;
	fputs(text, f);
	return fclose(f) ? -1 : rename(tmp, path);
}
