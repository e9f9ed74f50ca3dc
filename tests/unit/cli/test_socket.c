// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Sockets by path: who gets one, and what is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

TestSuite(cli_socket, .init = cli_begin, .fini = cli_end);

/* As a program that was killed leaves it. */
static void leave_behind(void)
{
	struct listener l;

	cr_assert_eq(listener_open(&l, "s"), 0);
	close(l.fd);
	free(l.path);
}

Test(cli_socket, is_for_its_owner_and_goes)
{
	struct listener l;
	struct stat st;
	int fd;

	umask(0);
	cr_assert_eq(listener_open(&l, "s"), 0);
	cr_assert_eq(stat("s", &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600U, "%o", st.st_mode);
	cr_assert_eq(access("s.lock", F_OK), -1, "the lock is left");
	fd = socket_dial("s");
	cr_assert_geq(fd, 0);
	close(fd);
	listener_close(&l);
	cr_assert_eq(access("s", F_OK), -1);
	cr_assert_eq(socket_dial("s"), -ENOENT);
}

Test(cli_socket, one_left_behind_is_replaced)
{
	struct listener l;

	leave_behind();
	cr_assert_eq(access("s", F_OK), 0);
	cr_assert_eq(socket_dial("s"), -ECONNREFUSED);
	cr_assert_eq(listener_open(&l, "s"), 0);
	listener_close(&l);
}

Test(cli_socket, one_in_use_is_not)
{
	struct listener l, other;
	int fd;

	cr_assert_eq(listener_open(&l, "s"), 0);
	cr_assert_eq(listener_open(&other, "s"), -EADDRINUSE);
	fd = socket_dial("s");
	cr_assert_geq(fd, 0, "the first has lost its name");
	close(fd);
	listener_close(&l);
}

Test(cli_socket, nothing_else_is_removed)
{
	struct listener l;
	int fd = open("s", O_CREAT | O_WRONLY, 0600);

	close(fd);
	cr_assert_eq(listener_open(&l, "s"), -EEXIST);
	cr_assert_eq(access("s", F_OK), 0);
	/* Nor followed. */
	unlink("s");
	cr_assert_eq(symlink("nowhere", "s"), 0);
	cr_assert_eq(listener_open(&l, "s"), -EEXIST);
	cr_assert_eq(access("nowhere", F_OK), -1);
}

Test(cli_socket, closing_leaves_what_another_made)
{
	struct listener l, other;

	cr_assert_eq(listener_open(&l, "s"), 0);
	unlink("s");
	cr_assert_eq(listener_open(&other, "s"), 0);
	listener_close(&l);
	cr_assert_eq(access("s", F_OK), 0);
	listener_close(&other);
}

/* Clients are in other directories. */
Test(cli_socket, path_is_absolute)
{
	char want[80];
	struct listener l;

	snprintf(want, sizeof(want), "%s/s", cli_dir);
	cr_assert_eq(listener_open(&l, "s"), 0);
	cr_assert_str_eq(l.path, want);
	listener_close(&l);
}

Test(cli_socket, long_path)
{
	char path[300];
	struct listener l;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(listener_open(&l, path), -ENAMETOOLONG);
	cr_assert_eq(socket_dial(path), -ENAMETOOLONG);
}

/* Whoever has the lock is waited for, and its file may go meanwhile. */
Test(cli_socket, lock_is_waited_for)
{
	struct listener l;
	int fd, status;
	pid_t pid;

	leave_behind();
	fd = open("s.lock", O_CREAT | O_RDWR, 0600);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	pid = fork();
	if (!pid) {
		close(fd);
		if (listener_open(&l, "s"))
			_exit(1);
		_exit(access("released", F_OK) ? 2 : 0);
	}
	usleep(300000);
	close(open("released", O_CREAT | O_WRONLY, 0600));
	unlink("s.lock");
	close(fd);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "it did %s", status == 2 << 8 ? "not wait" : "not get it");
	cr_assert_eq(access("s.lock", F_OK), -1);
}

#define RACERS	8
#define ROUNDS	50

static void race_once(void)
{
	int start[2], done[2], won = 0, lost = 0, i;
	char c;

	leave_behind();
	cr_assert_eq(pipe(start), 0);
	cr_assert_eq(pipe(done), 0);
	for (i = 0; i < RACERS; i++) {
		if (fork())
			continue;
		struct listener l;
		int ret;

		close(start[1]);
		if (read(start[0], &c, 1))
			_exit(1);
		ret = listener_open(&l, "s");
		c = !ret ? 'w' : ret == -EADDRINUSE ? 'l' : '?';
		if (write(done[1], &c, 1) != 1)
			_exit(1);
		/* The winner listens until all have tried. */
		pause();
	}
	close(start[0]);
	close(start[1]);
	for (i = 0; i < RACERS; i++) {
		cr_assert_eq(read(done[0], &c, 1), 1);
		won += c == 'w';
		lost += c == 'l';
	}
	cr_expect_eq(won, 1, "%d have it", won);
	cr_expect_eq(lost, RACERS - 1, "%d were told that it is in use", lost);
	close(done[0]);
	close(done[1]);
}

/* Of many that start at once on one that was left behind, one gets it. */
Test(cli_socket, race, .timeout = 120)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		pid_t pid = fork();

		if (!pid) {
			setpgid(0, 0);
			race_once();
			signal(SIGTERM, SIG_IGN);
			kill(0, SIGTERM);
			while (wait(NULL) > 0)
				;
			fflush(NULL);
			_exit(0);
		}
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		unlink("s");
	}
}
