// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"

char cli_dir[64];
char cli_out[65536], cli_err[65536];

/* main.c has it. */
void print_version(void)
{
	puts("gh-runner test");
}

void cli_begin(void)
{
	struct timespec now;

	/* A test that crashed leaves its directory behind, and its pid may come again. */
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(cli_dir, sizeof(cli_dir), "/tmp/gh-runner-cli.%d.%lld", getpid(),
		 (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	cr_assert_eq(mkdir(cli_dir, 0700), 0);
	cr_assert_eq(chdir(cli_dir), 0);
	request_patience_ms = 3000;
}

void cli_end(void)
{
	struct dirent *e;
	DIR *d = opendir(cli_dir);

	while (d && (e = readdir(d)))
		unlink(e->d_name);
	if (d)
		closedir(d);
	rmdir(cli_dir);
}

const char *cli_answer(const char *word, const char *text)
{
	static char all[4][4096];
	static unsigned int next;
	char *buf = all[next++ % 4];

	snprintf(buf, sizeof(all[0]), "%s %zu\n%s", word, strlen(text), text);
	return buf;
}

static void serve_one(int listener, const char *answer)
{
	int fd = accept(listener, NULL, NULL);
	char line[256];

	if (fd < 0 || read(fd, line, sizeof(line)) <= 0)
		_exit(1);
	if (write(fd, answer, strlen(answer)) < 0)
		_exit(1);
	close(fd);
}

pid_t cli_serve(const char *const *answers, unsigned int nr)
{
	struct listener l;
	unsigned int i;
	pid_t pid;

	cr_assert_eq(listener_open(&l, "control"), 0);
	fcntl(l.fd, F_SETFL, 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		for (i = 0; i < nr; i++)
			serve_one(l.fd, answers[i]);
		_exit(0);
	}
	close(l.fd);
	free(l.path);
	return pid;
}

void cli_served(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && !WEXITSTATUS(status));
	unlink("control");
}

static void keep(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	unlink(path);
}

static int run(const char *out, int (*command)(const char *name, int argc, char **argv), va_list ap)
{
	char *argv[16] = { "gh-runner" };
	int argc = 0, status;
	const char *name;
	pid_t pid;

	name = va_arg(ap, const char *);
	while ((argv[++argc] = va_arg(ap, char *)))
		cr_assert_lt(argc, 15);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (!pid) {
		if (!freopen(out ? out : "out", "w", stdout) || !freopen("err", "w", stderr))
			_exit(99);
		status = command(name, argc, argv);
		if (!stdout_is_complete() && !status)
			status = CLI_FAILED;
		fflush(stderr);
		_exit(status);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	keep("out", cli_out, sizeof(cli_out));
	keep("err", cli_err, sizeof(cli_err));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int cli_run(int (*command)(const char *name, int argc, char **argv), ...)
{
	va_list ap;
	int ret;

	va_start(ap, command);
	ret = run(NULL, command, ap);
	va_end(ap);
	return ret;
}

int cli_run_to(const char *out, int (*command)(const char *name, int argc, char **argv), ...)
{
	va_list ap;
	int ret;

	va_start(ap, command);
	ret = run(out, command, ap);
	va_end(ap);
	return ret;
}
