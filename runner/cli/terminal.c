// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The terminal of 'top' and 'console', and the signals on which it must be put back.
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"

#define ENTER_SCREEN	"\033[?1049h\033[?25l"
#define LEAVE_SCREEN	"\033[?25h\033[?1049l"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };

#define NR_SIGNALS	(sizeof(signals) / sizeof(signals[0]))

/* One terminal a process; handlers have no other way to it. */
static struct {
	bool is_tty;
	bool full_screen;
	enum terminal_mode mode;
	struct termios saved;
	sigset_t mask;
	struct sigaction old[NR_SIGNALS];
	volatile sig_atomic_t quit, stop, resized;
} terminal;

static void on_signal(int sig)
{
	if (sig == SIGWINCH)
		terminal.resized = 1;
	else if (sig == SIGTSTP)
		terminal.stop = 1;
	else
		terminal.quit = 1;
}

static void put(const char *sequence)
{
	if (terminal.full_screen && write(STDOUT_FILENO, sequence, strlen(sequence)) < 0)
		terminal.quit = 1;
}

static void set_mode(void)
{
	struct termios t = terminal.saved;

	if (terminal.is_tty && terminal.mode == TERMINAL_RAW) {
		cfmakeraw(&t);
		/* Guests end lines with a line feed alone, too. */
		t.c_oflag = terminal.saved.c_oflag;
	}
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (terminal.is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
	put(ENTER_SCREEN);
}

static void reset_mode(void)
{
	fflush(stdout);
	put(LEAVE_SCREEN);
	if (terminal.is_tty)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal.saved);
}

void terminal_begin(enum terminal_mode mode, bool full_screen)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;
	unsigned int i;

	terminal.is_tty = !tcgetattr(STDIN_FILENO, &terminal.saved);
	terminal.full_screen = full_screen;
	terminal.mode = mode;
	sigemptyset(&set);
	sigemptyset(&sa.sa_mask);
	for (i = 0; i < NR_SIGNALS; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &terminal.mask);
	for (i = 0; i < NR_SIGNALS; i++) {
		sigaction(signals[i], NULL, &terminal.old[i]);
		/* What is ignored stays so: nohup. */
		if (terminal.old[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
	}
	set_mode();
}

void terminal_end(void)
{
	unsigned int i;

	reset_mode();
	for (i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &terminal.old[i], NULL);
	sigprocmask(SIG_SETMASK, &terminal.mask, NULL);
}

/* Ctrl-Z: the shell gets its terminal, and we ours when we are continued. */
static void stop(void)
{
	terminal.stop = 0;
	reset_mode();
	raise(SIGSTOP);
	set_mode();
	terminal.resized = 1;
}

enum terminal_event terminal_wait(struct pollfd *p, unsigned int nr, int timeout_ms)
{
	const struct timespec ts = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L,
	};

	ppoll(p, nr, timeout_ms < 0 ? NULL : &ts, &terminal.mask);
	if (terminal.quit)
		return TERMINAL_QUIT;
	if (terminal.stop)
		stop();
	if (!terminal.resized)
		return TERMINAL_READY;
	terminal.resized = 0;
	return TERMINAL_RESIZED;
}

void terminal_size(unsigned int *rows, unsigned int *columns)
{
	struct winsize ws;
	bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_row && ws.ws_col;

	*rows = known ? ws.ws_row : 24;
	*columns = known ? ws.ws_col : 80;
}
