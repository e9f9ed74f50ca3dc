// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * A run in trouble: a ring that takes nothing for a while, and a driver that refuses a kick.
 * There are no guests but one of the fake driver.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../dispatch/fake.h"
#include "fixture.h"

#define TURNS	20

static struct fleet fleet;
static struct member member;
static const struct gh_port_ops *real;
static struct gh_port_ops port;
static bool full;

static void begin(void)
{
	cli_begin();
	fleet = (struct fleet) { .nr_members = 1, .members = &member };
	pthread_mutex_init(&fleet.lock, NULL);
}

TestSuite(cli_trouble, .init = begin, .fini = cli_end, .timeout = 60);

/* ---- a submission queue that is full ---------------------------------------------------- */

static struct io_uring_sqe *get_sqe(void *ctx)
{
	return full ? NULL : real->get_sqe(ctx);
}

static void open_runner(void)
{
	cr_assert_eq(gh_runner_create(NULL, &fleet.runner, NULL), 0);
	member = (struct member) { .runner = fleet.runner, .cpu = -1 };
	real = fleet.runner->ops;
	port = *real;
	port.get_sqe = get_sqe;
	fleet.runner->ops = &port;
}

static void turn(void)
{
	struct pollfd p = { .fd = gh_runner_fd(fleet.runner), .events = POLLIN };

	cr_assert_eq(gh_runner_prepare(fleet.runner), 0);
	poll(&p, 1, 5);
	cr_assert_geq(gh_runner_dispatch(fleet.runner, 0), 0);
}

static bool is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Whoever waits for a descriptor tries again, and a client is served in the end. */
Test(cli_trouble, no_entry_for_a_poll)
{
	struct control *c;
	unsigned int i;
	int fd;

	open_runner();
	full = true;
	cr_assert_eq(control_open(&fleet, "control", &c), 0);
	fd = socket_dial("control");
	cr_assert_eq(write(fd, "ps\n", 3), 3);
	for (i = 0; i < TURNS; i++)
		turn();
	cr_assert_not(is_readable(fd));
	full = false;
	while (!is_readable(fd))
		turn();
	close(fd);
	control_stop(c);
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
	control_close(c);
}

static off_t size_of(const char *path)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	return st.st_size;
}

/* What a guest prints into a file meanwhile is written later, without anybody's help. */
Test(cli_trouble, no_entry_for_a_write)
{
	static const struct origin at = { .guest = "g" };
	static const char text[] = "while nothing goes\n";
	char buf[sizeof(text)] = "";
	struct serial *s;
	unsigned int i;
	FILE *f;

	open_runner();
	cr_assert_eq(serial_open(fleet.runner, "file:log", &at, &s), 0);
	full = true;
	for (i = 0; text[i]; i++)
		serial_output(s, (uint8_t)text[i]);
	for (i = 0; i < TURNS; i++)
		turn();
	cr_assert_eq(size_of("log"), 0);
	full = false;
	while (size_of("log") < (off_t)strlen(text))
		turn();
	cr_assert(serial_finish(s));
	serial_close(s);
	f = fopen("log", "r");
	cr_assert_not_null(fgets(buf, sizeof(buf), f));
	cr_assert_str_eq(buf, text);
	fclose(f);
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
}

/* ---- a kick that is refused ------------------------------------------------------------- */

/* What a request says, and whether it was carried out. */
static bool ask(const char *request, char *text, size_t size)
{
	FILE *f = fmemopen(text, size, "w");
	char line[64];
	bool ok;

	snprintf(line, sizeof(line), "%s", request);
	ok = request_carry_out(&fleet, line, f);
	fclose(f);
	return ok;
}

Test(cli_trouble, kick_is_refused)
{
	const struct gh_vm_config config = {
		.name = "g", .memory_size = 2 << 20, .vcpus = 2, .image = "code", .image_size = 4,
	};
	struct guest guest = { .fleet = &fleet, .name = "g" };
	struct fake *f = calloc(1, sizeof(*f));
	char text[128];

	fake_init(f);
	cr_assert_eq(gh_runner_create_port(NULL, &fake_port, f, &fleet.runner, NULL), 0);
	cr_assert_eq(gh_vm_create(fleet.runner, &config, &guest.vm), 0);
	fleet.guests = &guest;
	fleet.nr_guests = 1;
	fleet.nr_started = 1;
	cr_assert(ask("kick g", text, sizeof(text)));
	cr_assert_eq(f->kicks, 2U);
	f->fail_ioctl = GH_VCPU_KICK;
	f->fail_error = -ENODEV;
	cr_assert_not(ask("kick g", text, sizeof(text)));
	cr_assert_str_eq(text, "guest 'g': vCPU 0: kicking it: No such device\n");
	cr_assert_eq(gh_vm_destroy(guest.vm), 0);
	cr_assert_eq(gh_runner_destroy(fleet.runner), 0);
	free(f);
}
