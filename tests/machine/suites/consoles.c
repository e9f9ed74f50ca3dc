// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Where a guest's serial port goes: a file, a unix socket, a pseudo terminal. The
 * guest "echo" answers each byte with the next greater one.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "rn.h"

#define PATH	"/tmp/console"
#define ECHO_GUEST	"--guest=image=/root/guests/echo.bin,name=e,console="

TestSuite(consoles, .init = gt_begin, .fini = gt_end, .timeout = GT_TIMEOUT);

/* Starts the command; its standard output can be read from *@out. */
static pid_t start(const char *option, const char *more, FILE **out)
{
	int fds[2];
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		execl("/bin/gh-runner", "gh-runner", "run", "--quiet", rn_backend_option(),
		      option, more, NULL);
		_exit(126);
	}
	close(fds[1]);
	*out = fdopen(fds[0], "r");
	return pid;
}

static int finish(pid_t pid, FILE *out)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Reads until @text has come, or fails. */
static void expect(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char got[256] = "";
	size_t len = 0;
	ssize_t n;

	while (!strstr(got, text)) {
		cr_assert_eq(poll(&p, 1, GT_PATIENCE_S * 1000), 1, "no '%s' in '%s'", text, got);
		n = read(fd, got + len, sizeof(got) - 1 - len);
		cr_assert_gt(n, 0, "'%s' in '%s': %s", text, got, strerror(errno));
		len += (size_t)n;
		got[len] = '\0';
	}
}

static void talk(int fd)
{
	cr_assert_eq(write(fd, "HAL", 3), 3);
	expect(fd, "IBM");
	/* More than the guest's FIFO takes at once. */
	cr_assert_eq(write(fd, "0123456789012345678901234567890123456789abcde", 45), 45);
	expect(fd, "9:bcdef");
}

Test(consoles, file)
{
	char text[256] = "";
	struct stat st;
	FILE *out;
	pid_t pid;
	int fd;

	pid = start("--guest=image=/root/guests/demo.bin,console=file:" PATH, "--seconds=1", &out);
	cr_assert_eq(finish(pid, out), 0);
	fd = open(PATH, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600U);
	cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	cr_assert_not_null(strstr(text, "hello from EL1"), "'%s'", text);
	unlink(PATH);
}

/* The reader of a pipe goes away, and the guests stay. */
Test(consoles, pipe_without_a_reader)
{
	char text[64];
	FILE *out;
	pid_t pid;
	int fd;

	cr_assert_eq(mkfifo(PATH, 0600), 0);
	pid = start("--guest=image=/root/guests/demo.bin,name=d,console=file:" PATH,
		    "--guest=image=/root/guests/demo.bin,name=o", &out);
	fd = open(PATH, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_gt(read(fd, text, sizeof(text)), 0);
	close(fd);
	kill(pid, SIGINT);
	cr_assert_eq(finish(pid, out), 0);
	unlink(PATH);
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = PATH };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), tries = 200;

	while (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		cr_assert_gt(tries--, 0, "%s", strerror(errno));
		usleep(100000);
	}
	return fd;
}

Test(consoles, unix_socket)
{
	struct stat st;
	FILE *out;
	pid_t pid;
	int fd;

	pid = start(ECHO_GUEST "unix:" PATH, NULL, &out);
	fd = dial();
	cr_assert_eq(stat(PATH, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600U, "%o", st.st_mode);
	/* The guest may have greeted before anybody listened. */
	talk(fd);
	close(fd);
	fd = dial();
	cr_assert_eq(write(fd, "aq", 2), 2);
	expect(fd, "b");
	cr_assert_eq(finish(pid, out), 0);
	cr_assert_eq(access(PATH, F_OK), -1, "the socket is left behind");
	close(fd);
}

Test(consoles, pseudo_terminal)
{
	char line[128] = "", name[64] = "";
	FILE *out;
	pid_t pid;
	int fd;

	pid = start(ECHO_GUEST "pty", NULL, &out);
	cr_assert_not_null(fgets(line, sizeof(line), out));
	cr_assert_eq(sscanf(line, "[e] console on %63s", name), 1, "'%s'", line);
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(fd, 0, "%s: %s", name, strerror(errno));
	talk(fd);
	cr_assert_eq(write(fd, "q", 1), 1);
	close(fd);
	cr_assert_eq(finish(pid, out), 0);
}

Test(consoles, path_that_cannot_be_opened)
{
	FILE *out;
	pid_t pid;

	pid = start(ECHO_GUEST "file:/nowhere/console", NULL, &out);
	cr_assert_eq(finish(pid, out), 2);
	pid = start(ECHO_GUEST "cable", NULL, &out);
	cr_assert_eq(finish(pid, out), 2);
	pid = start(ECHO_GUEST "unix:", NULL, &out);
	cr_assert_eq(finish(pid, out), 2);
}
